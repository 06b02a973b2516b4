"""Single gates of the held-out scores, on rows whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from winback.risk.keeping import score_gates


def frame(customers: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Rows whose `probability` is the truth."""
    random = np.random.default_rng(seed)
    orders = np.where(random.random(customers) < 0.4, 1.0, 2.0 + random.poisson(4, customers))
    silent = random.exponential(20, customers)
    chance = expit(-1 + 0.06 * silent - 0.2 * orders + random.normal(0, 0.7, customers))
    columns = {
        "customer_id": [f"C{n}" for n in range(customers)],
        "cutoff": pd.Timestamp("2026-01-01", tz="UTC"),
        "days_since_last_order": silent,
        "orders_total": orders,
        "churned": random.random(customers) < chance,
        "probability": chance,
    }
    return pd.DataFrame(columns)


def in_slice(chances: pd.Series, which: pd.Series, values: np.ndarray) -> pd.Series:
    return chances.where(~which, pd.Series(values, index=chances.index))


def test_the_slope_and_its_error_are_right_for_the_truth_and_clustered() -> None:
    rows = frame()
    slope, error = score_gates.clustered_slope(rows)
    assert slope == pytest.approx(1, abs=2.5 * error)
    assert 0.02 < error < 0.08
    doubled = pd.concat([rows, rows], ignore_index=True)
    assert score_gates.clustered_slope(doubled) == pytest.approx((slope, error), rel=1e-4)


@pytest.mark.parametrize(
    ("stretch", "refusal"),
    [
        (1.0, ""),
        (1.1, ""),
        (2.0, "the model is too sure of itself: calibration slope 0."),
        (0.5, "the model is too timid: calibration slope 1.99 "),
    ],
)
def test_a_slope_that_is_shown_to_be_off_is_refused(stretch: float, refusal: str) -> None:
    rows = frame()
    gate = score_gates._calibration(rows.assign(probability=expit(stretch * logit(rows["probability"]))))
    assert gate.refusal.startswith(refusal)
    assert gate.passed == (not refusal)


def test_the_slices_are_cutoffs_and_bands_of_orders() -> None:
    rows = frame()
    names = [name for name, _ in score_gates.slices(rows)]
    assert names == [
        "cutoff 2026-01-01",
        "one order (orders_total)",
        "2 to 4 orders (orders_total)",
        "5 orders or more (orders_total)",
    ]
    assert [name for name, _ in score_gates.slices(rows[:300])] == names[:1]
    assert [name for name, _ in score_gates.slices(rows.drop(columns="orders_total"))] == names[:1]


def test_the_truth_holds_in_every_slice() -> None:
    gate = score_gates._slices(frame())
    assert (gate.refusal, gate.found) == ("", "4 of 4 slices hold")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda p: np.random.default_rng(1).permutation(p), "while days_since_last_order alone has 0."),
        (lambda p: np.full(len(p), p.mean()), "while days_since_last_order alone has 0."),
        (lambda p: 1 - p, " is worse than chance"),
    ],
    ids=["shuffled", "all the same", "turned round"],
)
def test_a_collapsed_slice_is_refused(values: object, said: str) -> None:
    rows = frame()
    once = rows["orders_total"] == 1
    rows["probability"] = in_slice(rows["probability"], once, values(rows["probability"].to_numpy()))  # type: ignore[operator]
    gate = score_gates._slices(rows)
    assert gate.refusal.startswith("the model fails in a part of the customers. ")
    (told,) = [each for each in gate.refusal.split("; ") if "one order (orders_total): AUC 0." in each]
    assert said in told


@pytest.mark.parametrize(
    ("values", "auc"),
    [
        ([1, 2, 3, 4], 1.0),
        ([4, 3, 2, 1], 1.0),
        ([1, 1, 1, 1], 0.5),
        ([np.nan, np.nan, 1, 2], 1.0),
        ([1, 2, np.nan, np.nan], 1.0),
        ([np.inf, 1, -np.inf, 2], 0.75),
        ([1, 3, 2, 4], 0.75),
    ],
)
def test_the_auc_of_one_column(values: list[float], auc: float) -> None:
    left = np.array([False, False, True, True])
    assert score_gates.column_auc(pd.Series(values), left) == auc


def test_no_healthy_candidate_is_refused_by_chance() -> None:
    """Of 30 samples of 600 customers whose chances are the truth."""
    gates = [gate(frame(600, seed)) for seed in range(30) for gate in (score_gates._calibration, score_gates._slices)]
    assert [gate.refusal for gate in gates if gate.refusal] == []
