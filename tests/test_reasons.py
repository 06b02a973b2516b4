"""Reasons: they add up to the published probability, name every driver once, and say true sentences."""

import itertools
import math
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier

from winback.facts.features import declared
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.reasons import (
    Reference,
    _places,
    _walked,
    by_driver,
    feature_log_odds,
    points,
    reasons_for,
    reference,
    sentence,
)
from winback.risk.scoring.tree_tables import MOST_SPLITS

NAN = np.nan
FEATURES = declared.named(
    [
        "days_since_last_order",
        "overdue_median_ratio",
        "gap_median_days",
        "orders_28d",
        "orders_90d",
        "orders_total",
        "spend_90d",
        "weekend_share_90d",
        "engagements_28d",
    ]
)
DRIVERS = ["recency", "cadence", "frequency", "monetary", "habits", "engagement"]
NEVER_KNOWN, ALWAYS_ONE = "engagements_28d", "weekend_share_90d"


def people(rows: int, seed: int) -> pd.DataFrame:
    """Features of made-up customers, a tenth of them unknown; one feature never known, one the same for all."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({f.name: rng.gamma(2, 10, rows).round(1) for f in FEATURES})
    X = X.mask(rng.random(X.shape) < 0.1)
    return X.assign(**{NEVER_KNOWN: NAN, ALWAYS_ONE: 0.25})


@pytest.fixture(scope="module")
def model() -> ChurnClassifier:
    """Leaves who has not ordered for long, or orders little; the rest is noise."""
    X = people(1500, seed=0)
    risk = (X["days_since_last_order"].fillna(20) - 20) / 8 - (X["orders_90d"].fillna(20) - 20) / 20
    left = np.random.default_rng(1).random(len(X)) < expit(risk - 0.5)
    fitted = ChurnClassifier(n_models=2, max_iter=30, min_samples_leaf=10, max_features=0.5).fit(X, left)
    start = reference(fitted, X, FEATURES)
    fitted.card_ = {"reference": {"base_rate": start.base_rate, "log_odds": start.log_odds}}
    return fitted


@pytest.fixture(scope="module")
def scored(model: ChurnClassifier) -> pd.DataFrame:
    """Other customers than those learned from, with their probability."""
    X = people(300, seed=2)
    keys = pd.DataFrame(
        {"customer_id": [f"c{k:03}" for k in range(len(X))], "cutoff": pd.Timestamp("2026-02-01", tz="UTC")}
    )
    return keys.join(X).assign(probability=model.predict_proba(X)[:, 1])


@pytest.fixture(scope="module")
def reasons(model: ChurnClassifier, scored: pd.DataFrame) -> pd.DataFrame:
    return reasons_for(model, scored, FEATURES)


def test_one_row_a_customer_and_driver(scored: pd.DataFrame, reasons: pd.DataFrame) -> None:
    assert {name: str(kind) for name, kind in reasons.dtypes.items()} == {
        "customer_id": "str",
        "cutoff": "datetime64[us, UTC]",
        "driver": "str",
        "rank": "int64",
        "place": "int64",
        "points": "float64",
        "base_rate": "float64",
        "feature": "str",
        "value": "float64",
        "peers": "float64",
        "sentence": "str",
    }
    asked = list(itertools.product(scored["customer_id"], sorted(DRIVERS)))
    assert (
        list(reasons.sort_values(["customer_id", "driver"])[["customer_id", "driver"]].itertuples(False, None)) == asked
    )
    assert (reasons["cutoff"] == pd.Timestamp("2026-02-01", tz="UTC")).all()


def test_the_points_add_up_to_the_probability_of_every_customer(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame
) -> None:
    total = reasons.groupby("customer_id")["points"].sum() + model.card_["reference"]["base_rate"]
    published = scored.set_index("customer_id")["probability"]
    assert published.std() > 0.1
    assert (total - published).abs().max() < 1e-9
    assert (reasons["base_rate"] == model.card_["reference"]["base_rate"]).all()


def test_the_ranks_are_one_to_the_number_of_drivers_by_size(reasons: pd.DataFrame) -> None:
    for _, own in reasons.groupby("customer_id"):
        assert own["rank"].tolist() == [1, 2, 3, 4, 5, 6]
        assert own["points"].abs().is_monotonic_decreasing


USUAL = "0.30 0.10 0.02 0.00"


@pytest.mark.parametrize(
    ("points", "places"),
    [
        ("0.30 0.20 0.05 0.02", [3, 1, 2, 4]),  # service is 10 points above the median, breadth 3
        ("0.30 0.11 0.05 0.02", [3, 2, 1, 4]),  # what stands out most, not what is largest
        ("0.30 0.104 0.02 0.005", [1, 2, 3, 4]),  # as usual: by points alone
        ("0.30 0.20 0.009 0.02", [2, 1, 4, 3]),
        ("-0.30 0.20 -0.05 0.02", [3, 1, 4, 2]),  # what holds him comes last
    ],
)
def test_what_may_be_the_cause_is_told_first(points: str, places: list[int]) -> None:
    """Of five customers, of whom four are as usual."""
    drivers, cutoff = ["recency", "service", "breadth", "cadence"], pd.Timestamp("2026-02-01", tz="UTC")
    rows = [
        (f"c{number}", cutoff, driver, float(value), "said")
        for number, told in enumerate([points, *[USUAL] * 4])
        for driver, value in zip(drivers, told.split(), strict=True)
    ]
    long = pd.DataFrame(rows, columns=["customer_id", "cutoff", "driver", "points", "sentence"])
    assert _places(long).tolist() == [*places, *[1, 2, 3, 4] * 4]


def test_what_the_model_never_uses_gets_exactly_nothing(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame
) -> None:
    """A column never known in training, and one that was the same for everybody, also where they differ now."""
    changed = scored.assign(**{NEVER_KNOWN: 5.0, ALWAYS_ONE: 0.75})
    for rows in (scored, changed):
        shares = feature_log_odds(model, rows[[f.name for f in FEATURES]])
        assert (shares[[NEVER_KNOWN, ALWAYS_ONE]] == 0.0).all(axis=None)
        assert (shares.drop(columns=[NEVER_KNOWN, ALWAYS_ONE]).abs().max() > 0.001).all()
    assert (reasons.loc[reasons["driver"].isin(["habits", "engagement"]), "points"] == 0.0).all()


def test_the_drivers_say_what_was_planted(scored: pd.DataFrame, reasons: pd.DataFrame) -> None:
    """Long without an order moves a chance up, first of all drivers; just ordered moves it down."""
    first = reasons[reasons["driver"] == "recency"].set_index("customer_id")
    since = scored.set_index("customer_id")["days_since_last_order"]
    gone, here = first[since > 40], first[since < 8]
    assert min(len(gone), len(here)) > 20
    assert (gone["points"] > 0.1).all()
    assert (here["points"] < -0.1).all()
    assert (gone["rank"] == 1).mean() > 0.9


def test_a_driver_speaks_by_the_known_feature_that_moved_most_in_its_direction(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame
) -> None:
    people_ = scored.set_index("customer_id")
    shares = feature_log_odds(model, people_[[f.name for f in FEATURES]])
    unknown = 0
    for row in reasons.itertuples():
        mine = [f for f in FEATURES if f.driver == row.driver]
        toward = {
            f.name: shares.loc[row.customer_id, f.name] * np.sign(row.points)
            for f in mine
            if not math.isnan(people_.loc[row.customer_id, f.name])
        }
        if toward:
            assert toward[row.feature] == max(toward.values())
            assert row.value == people_.loc[row.customer_id, row.feature]
        else:
            unknown += 1
            assert math.isnan(row.value)
            assert row.sentence.startswith("Too little history to know: ")
    assert unknown > len(scored)


def test_the_order_of_the_customers_changes_nothing(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame
) -> None:
    """Nor does what their rows are called."""
    turned = scored.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(reasons_for(model, turned, FEATURES), reasons, check_exact=True)


def test_a_customer_alone_has_the_same_reasons(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame
) -> None:
    """But for the peers, who are nobody else then."""
    alone = reasons_for(model, scored[7:8], FEATURES)
    assert alone["value"].equals(alone["peers"])
    own = reasons[reasons["customer_id"] == "c007"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.drop(columns="peers"), own.drop(columns="peers"), atol=1e-9)


def test_who_is_not_at_risk_gets_the_first_three_without_sentences(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame
) -> None:
    """And a row for the rest, so that the points add up for everybody."""
    told = scored["probability"].to_numpy() >= 0.5
    assert 20 < told.sum() < 280
    found = reasons_for(model, scored, FEATURES, told)
    risky = set(scored["customer_id"][told])
    full = found[found["customer_id"].isin(risky)].reset_index(drop=True)
    pd.testing.assert_frame_equal(full, reasons[reasons["customer_id"].isin(risky)].reset_index(drop=True))
    others = found[~found["customer_id"].isin(risky)]
    assert set(others.groupby("customer_id")["place"].agg(lambda own: tuple(sorted(own)))) == {(1, 2, 3, 4)}
    assert (others.loc[others["driver"] == "rest", "place"] == 4).all()
    assert set(others.groupby("customer_id")["rank"].agg(tuple)) == {(1, 2, 3, 4)}
    rest = others["rank"] == 4
    assert set(others["driver"][rest]) == {"rest"}
    same = reasons[~reasons["customer_id"].isin(risky) & (reasons["rank"] <= 3)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        others[~rest].drop(columns=["sentence", "place"]).reset_index(drop=True),
        same.drop(columns=["sentence", "place"]),
    )
    assert others["sentence"].isna().all()
    total = found.groupby("customer_id")["points"].sum() + model.card_["reference"]["base_rate"]
    assert (total - scored.set_index("customer_id")["probability"]).abs().max() < 1e-9


def test_the_peers_are_the_median_of_the_cohort(scored: pd.DataFrame, reasons: pd.DataFrame) -> None:
    for name, peers in reasons.groupby("feature")["peers"]:
        assert set(peers.dropna()) <= {scored[name].median()}


def test_chunks_change_nothing(
    model: ChurnClassifier, scored: pd.DataFrame, reasons: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winback.risk.scoring.reasons.CHUNK_ROWS", 70)
    monkeypatch.setattr("winback.risk.scoring.tree_tables.CHUNK_ROWS", 33)
    pd.testing.assert_frame_equal(reasons_for(model, scored, FEATURES), reasons, atol=1e-12)


def test_nothing_is_printed(model: ChurnClassifier, scored: pd.DataFrame, capfd: pytest.CaptureFixture[str]) -> None:
    """The library draws bars while it works; they belong into nobody's log."""
    feature_log_odds(model, scored[:5][[f.name for f in FEATURES]])
    assert capfd.readouterr() == ("", "")


def test_the_shares_are_those_of_another_library(model: ChurnClassifier) -> None:
    """And add up to the calibrated log-odds, but for one number that is the same for all."""
    shap = pytest.importorskip("shap")
    X = people(200, seed=3)
    columns = X.columns[model.columns_]
    other = sum(shap.TreeExplainer(trees).shap_values(X[columns].to_numpy()) for trees in model.models_)
    shares = feature_log_odds(model, X)
    np.testing.assert_allclose(shares[columns], other / len(model.models_) * model.calibration_slope_, atol=1e-5)
    rest = model.decision_function(X) - shares.sum(axis=1)
    assert rest.max() - rest.min() < 1e-5


def tree_value(nodes: np.ndarray, known: dict[int, float], at: int = 0) -> float:
    """What one tree promises who is known by these features: where it asks for another, both ways by their counts."""
    node = nodes[at]
    if node["is_leaf"]:
        return float(node["value"])
    left, right = int(node["left"]), int(node["right"])
    if node["feature_idx"] in known:
        value = known[node["feature_idx"]]
        goes_left = node["missing_go_to_left"] if math.isnan(value) else value <= node["num_threshold"]
        return tree_value(nodes, known, left if goes_left else right)
    sides = [(int(nodes[side]["count"]), tree_value(nodes, known, side)) for side in (left, right)]
    return sum(count * value for count, value in sides) / sum(count for count, _ in sides)


def shapley(trees: HistGradientBoostingClassifier, row: np.ndarray) -> Iterator[float]:
    """The definition: what a feature adds to those known before it, averaged over all orders of knowing."""
    everything = range(len(row))

    def promise(known: tuple[int, ...]) -> float:
        held = {k: float(row[k]) for k in known}
        return sum(tree_value(grown.nodes, held) for (grown,) in trees._predictors)

    for k in everything:
        orders = list(itertools.permutations(everything))
        before = [order[: order.index(k)] for order in orders]
        yield sum(promise((*known, k)) - promise(known) for known in before) / len(orders)


def test_the_shares_are_the_definition() -> None:
    """Three features, one of them unknown for some, trees of a few leaves: every order counted out."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)).round(2), columns=["a", "b", "c"])
    X.loc[::5, "b"] = NAN
    left = rng.random(300) < expit(2 * X["a"] + X["b"].fillna(1) * X["c"])
    fitted = ChurnClassifier(n_models=1, max_iter=4, max_leaf_nodes=5, min_samples_leaf=5, max_features=1.0).fit(
        X, left
    )
    some = X[:6]
    assert some["b"].isna().tolist() == [True, False, False, False, False, True]
    expected = [list(shapley(fitted.models_[0], row)) for row in some.to_numpy()]
    np.testing.assert_allclose(feature_log_odds(fitted, some) / fitted.calibration_slope_, expected, atol=1e-12)


@pytest.mark.parametrize("leaves", [2, 6, 9, 12])
def test_tables_say_what_walking_the_trees_says(leaves: int) -> None:
    """Up to eight splits a tree is read from its table; larger ones, and these beside them, are walked."""
    X = people(800, seed=4)
    left = np.random.default_rng(5).random(len(X)) < expit((X["days_since_last_order"].fillna(20) - 20) / 8)
    fitted = ChurnClassifier(n_models=2, max_iter=10, max_leaf_nodes=leaves, min_samples_leaf=5, max_features=0.5)
    fitted.fit(X, left)
    known = X.iloc[:, fitted.columns_]
    walked = sum(_walked(trees, known) for trees in fitted.models_) * fitted.calibration_slope_ / 2
    splits = [int((p[0].nodes["is_leaf"] == 0).sum()) for trees in fitted.models_ for p in trees._predictors]
    assert (max(splits) <= MOST_SPLITS) == (leaves <= 9)
    np.testing.assert_allclose(feature_log_odds(fitted, X)[known.columns], walked, atol=1e-5)


def test_a_drivers_log_odds_are_those_of_its_features() -> None:
    """In the order in which the drivers are first declared."""
    asked = declared.named(["days_since_last_order", "gap_median_days", "overdue_median_ratio", "orders_28d"])
    shares = pd.DataFrame([[1.0, 2.0, 4.0, 8.0], [0.5, 0.0, -1.0, 0.0]], columns=[f.name for f in asked])
    assert by_driver(shares, asked).to_dict("list") == {
        "recency": [5.0, -0.5],
        "cadence": [2.0, 0.0],
        "frequency": [8.0, 0.0],
    }


def test_the_reference_is_at_the_base_rate(model: ChurnClassifier) -> None:
    """The way from it to each customer is as long as the customer's log-odds are from the base rate's."""
    X = people(1500, seed=0)
    start = Reference(**model.card_["reference"])
    assert start.base_rate == pytest.approx(model.predict_proba(X)[:, 1].mean(), abs=1e-12)
    moved = by_driver(feature_log_odds(model, X), FEATURES) - pd.Series(start.log_odds)
    assert list(start.log_odds) == DRIVERS
    way = model.decision_function(X) - logit(start.base_rate)
    np.testing.assert_allclose(moved.sum(axis=1), way, atol=1e-5)


ODDS = st.floats(-4, 4).map(lambda x: round(x, 3))


@given(st.lists(ODDS, min_size=1, max_size=6), st.floats(0.01, 0.99))
def test_points_add_up_and_keep_sign_and_order(log_odds: list[float], base_rate: float) -> None:
    """Whatever the drivers: more log-odds are never fewer points."""
    drivers = pd.DataFrame([log_odds], columns=list("abcdef")[: len(log_odds)])
    start = Reference(base_rate, dict.fromkeys(drivers.columns, 0.0))
    probability = expit(logit(np.array([base_rate])) + sum(log_odds))
    found = points(drivers, probability, start).iloc[0].to_numpy()
    assert found.sum() == pytest.approx(probability[0] - base_rate, abs=1e-9)
    for k, j in itertools.permutations(range(len(found)), 2):
        if log_odds[k] > log_odds[j]:
            assert found[k] > found[j]
    assert (np.sign(found) == np.sign(log_odds)).all()


def test_points_by_hand() -> None:
    """From 0.5 to 0.8 is log 4 in log-odds; each driver is charged its part of the 0.3."""
    log_odds = {"a": [math.log(8)], "b": [-math.log(2)]}
    found = points(pd.DataFrame(log_odds), np.array([0.8]), Reference(0.5, {"a": 0.0, "b": 0.0}))
    assert found.to_dict("records") == [{"a": pytest.approx(0.45), "b": pytest.approx(-0.15)}]


def test_the_reference_is_taken_off_each_driver() -> None:
    log_odds = {"a": [math.log(8) + 1], "b": [-math.log(2) - 2]}
    found = points(pd.DataFrame(log_odds), np.array([0.8]), Reference(0.5, {"a": 1.0, "b": -2.0}))
    assert found.to_dict("records") == [{"a": pytest.approx(0.45), "b": pytest.approx(-0.15)}]


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-9, -1e-9, 1e-7, -1e-7, 1.1e-7, 1e-6, -1e-5])
@pytest.mark.parametrize("noise", [0.0, 1e-6, -1e-6])
def test_a_customer_at_or_beside_the_reference(distance: float, noise: float) -> None:
    """Two drivers that cancel out move the chance both ways, at the curve's slope there: 0.3 * 0.7.

    The library's shares are off by about 1e-6, which may be more than the whole distance.
    """
    drivers = pd.DataFrame({"a": [1.0 + distance + noise], "b": [-1.0]})
    probability = expit(logit(np.array([0.3])) + distance)
    found = points(drivers, probability, Reference(0.3, {"a": 0.0, "b": 0.0})).iloc[0]
    assert found["a"] == pytest.approx(0.21, abs=1e-4)
    assert found["b"] == pytest.approx(-0.21, abs=1e-4)
    assert found.sum() == pytest.approx(probability[0] - 0.3, abs=1e-9)


def test_a_chance_that_is_rounded_to_certainty() -> None:
    found = points(pd.DataFrame({"a": [60.0], "b": [-1.0]}), np.array([1.0]), Reference(0.5, {"a": 0.0, "b": 0.0}))
    assert found.iloc[0].sum() == pytest.approx(0.5, abs=1e-9)
    assert found["a"][0] > 0.5


KNOWN = {
    "days_since_last_order": 40.4,
    "gap_median_days": 7.0,
    "orders_28d": 2.0,
    "orders_per_week": 0.52,
    "value": 99.0,
}


@pytest.mark.parametrize(
    ("feature", "value", "numbers", "text"),
    [
        ("days_since_last_order", 40.4, KNOWN, "Last order 40 days ago; usually one every 7 days"),
        ("orders_28d", 2.0, KNOWN, "2 orders in the last 28 days; 0.52 a week since the first"),
        ("weekend_share_90d", 0.254, {}, "25% of the orders of the last 90 days fell on a weekend"),
        ("days_since_order_5", 61.0, {}, "The last 5 orders span the last 61 days"),
        (
            "overdue_median_ratio",
            5.77,
            KNOWN,
            "40 days since the last order is 5.8 times the usual pause of 7",
        ),
        # The value itself is unknown.
        ("days_since_last_order", NAN, KNOWN, "Too little history to know: days since the last order"),
        (
            "weekend_share_90d",
            NAN,
            {},
            "Too little history to know: share of orders on Saturday or Sunday in the last 90 days",
        ),
        # Another number of the sentence is: the words that do without it.
        ("days_since_last_order", 40.4, KNOWN | {"gap_median_days": NAN}, "Last order 40 days ago"),
        ("days_since_last_order", 40.4, {}, "Last order 40 days ago"),
        ("orders_28d", 2.0, {"orders_per_week": NAN}, "2 orders in the last 28 days"),
    ],
)
def test_sentence(feature: str, value: float, numbers: dict[str, float], text: str) -> None:
    (asked,) = declared.named([feature])
    assert sentence(asked, value, numbers) == text


def test_a_sentence_without_other_words_falls_back_on_its_label() -> None:
    feature = declared.Feature(
        name="x", kind="total", driver="recency", unit="days", label="days of x", sentence="{value:.0f} of {other:.0f}"
    )
    assert sentence(feature, math.pi, {"other": 9.0}) == "3 of 9"
    assert sentence(feature, math.pi, {}) == "days of x: 3.142"


def test_an_unknown_number_that_is_not_quoted_does_not_matter() -> None:
    (asked,) = declared.named(["orders_28d"])
    text = sentence(asked, 2.0, {"orders_per_week": 0.5, "gap_median_days": NAN})
    assert text == "2 orders in the last 28 days; 0.50 a week since the first"


@pytest.mark.parametrize("feature", declared.builtin(), ids=lambda f: f.name)
@pytest.mark.parametrize("known", [True, False])
def test_every_sentence_can_be_said(feature: declared.Feature, known: bool) -> None:
    """With all other features known, and with none: no brace and no `nan` is left."""
    numbers = {f.name: 1.0 for f in declared.builtin()} if known else {}
    text = sentence(feature, 3.0, numbers)
    assert re.search(r"\d", text)
    assert not {"{", "}", "nan"} & set(text.replace("{", " { ").replace("}", " } ").split())
