"""Scores: one row a customer, the threshold to the last bit, and what is said of rows that do not fit."""

import numpy as np
import pandas as pd
import pytest

from winback.errors import FeatureMismatch
from winback.facts.features import declared
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.score import score

FEATURES = declared.named(["days_since_last_order", "orders_28d", "orders_90d", "spend_28d", "spend_90d", "orders_7d"])
NAMES = [f.name for f in FEATURES]


class Told(ChurnClassifier):
    """Promises what it was told to, whoever is asked about."""

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        chance = np.array(self.chances[: len(X)], dtype=np.float64)
        return np.column_stack([1 - chance, chance])


def promises(*chances: float) -> Told:
    """A model of these promises."""
    model = Told()
    model.chances = chances
    return model


def customers(count: int) -> pd.DataFrame:
    """Rows to score, whose index is of no use, with more columns than are asked for."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({name: rng.gamma(2, 5, count) for name in reversed(NAMES)}, index=np.arange(count)[::-1] + 7)
    keys = {"customer_id": [f"c{k}" for k in range(count)], "cutoff": pd.Timestamp("2026-02-01", tz="UTC")}
    return rows.assign(**keys, gap_mean_days=1.0)


@pytest.fixture(scope="module")
def model() -> ChurnClassifier:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({name: rng.gamma(2, 5, 400) for name in NAMES})
    left = rng.random(400) < 1 / (1 + np.exp(-(X["days_since_last_order"] - 10) / 3))
    return ChurnClassifier(n_models=1, max_iter=10, min_samples_leaf=10, max_features=1.0).fit(X, left)


def test_a_row_a_customer_in_their_order(model: ChurnClassifier) -> None:
    rows = customers(20)
    before = rows.copy()
    scores = score(model, rows, FEATURES, 0.5)
    assert list(scores.columns) == ["customer_id", "cutoff", "probability", "at_risk"]
    assert scores["customer_id"].tolist() == rows["customer_id"].tolist()
    assert scores.index.tolist() == list(range(20))
    assert scores["probability"].tolist() == model.predict_proba(rows[NAMES])[:, 1].tolist()
    assert scores["probability"].dtype == np.float64
    assert scores["at_risk"].dtype == np.bool_
    assert 0 < scores["at_risk"].sum() < 20
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.parametrize(
    ("threshold", "at_risk"),
    [
        (0.5, [False, True, True, False]),
        (np.nextafter(0.5, 1), [False, False, True, False]),
        (0.0, [True, True, True, True]),
        (1.0, [False, False, True, False]),
    ],
)
def test_who_is_at_the_threshold_is_at_risk(threshold: float, at_risk: list[bool]) -> None:
    scores = score(promises(np.nextafter(0.5, 0), 0.5, 1.0, 0.0), customers(4), FEATURES, threshold)
    assert scores["at_risk"].tolist() == at_risk


def test_no_customers_are_no_rows() -> None:
    scores = score(promises(), customers(0), FEATURES, 0.5)
    assert list(scores.columns) == ["customer_id", "cutoff", "probability", "at_risk"]
    assert len(scores) == 0


def test_one_feature_that_is_missing(model: ChurnClassifier) -> None:
    with pytest.raises(FeatureMismatch) as refused:
        score(model, customers(3).drop(columns="orders_28d"), FEATURES, 0.5)
    assert str(refused.value) == (
        "the model reads 1 features that these rows lack (first: ['orders_28d']); is a source that it was trained on "
        "no longer configured?"
    )


def test_the_first_of_many_that_are_missing(model: ChurnClassifier) -> None:
    with pytest.raises(FeatureMismatch) as refused:
        score(model, customers(3)[["customer_id", "cutoff"]], FEATURES, 0.5)
    assert str(refused.value) == (
        f"the model reads 6 features that these rows lack (first: {NAMES[:5]}); is a source that it was trained on "
        "no longer configured?"
    )


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_a_customer_without_a_probability_stops_the_run(lost: float) -> None:
    """He is named by his id; he does not become a customer who is not at risk."""
    with pytest.raises(FeatureMismatch) as refused:
        score(promises(0.1, lost, 0.2, lost), customers(4), FEATURES, 0.5)
    assert str(refused.value) == "2 customers got no probability (first: ['c1', 'c3'])."


def test_many_customers_without_a_probability_are_counted() -> None:
    with pytest.raises(FeatureMismatch) as refused:
        score(promises(*[np.nan] * 9), customers(9), FEATURES, 0.5)
    assert str(refused.value) == "9 customers got no probability (first: ['c0', 'c1', 'c2', 'c3', 'c4'])."
