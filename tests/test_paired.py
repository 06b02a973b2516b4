"""Two models on the same rows: the figures are scikit-learn's, the interval is over customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from winback.risk.examining.paired import auc, difference


def frame(customers: int, cutoffs: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of customers at some cutoffs, and the true chance of each."""
    random = np.random.default_rng(seed)
    days = pd.date_range("2026-01-01", periods=cutoffs, freq="30D", tz="UTC")
    who = np.tile([f"C{n}" for n in range(customers)], cutoffs)
    chance = random.uniform(0.05, 0.95, len(who))
    left = random.random(len(who)) < chance
    return pd.DataFrame({"customer_id": who, "cutoff": np.repeat(days, customers), "churned": left}), chance


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30))
def test_auc_is_that_of_scikit_learn_ties_and_all(pairs: list[tuple[int, bool]]) -> None:
    scores, left = np.array([p[0] for p in pairs], dtype=float), np.array([p[1] for p in pairs])
    if left.all() or not left.any():
        assert np.isnan(auc(scores, left))
    else:
        assert auc(scores, left) == pytest.approx(roc_auc_score(left, scores), abs=1e-12)


def test_the_difference_is_the_mean_over_the_cutoffs() -> None:
    rows, chance = frame(200, 3)
    noisy = np.clip(chance + np.random.default_rng(1).normal(0, 0.3, len(chance)), 0.01, 0.99)
    found = difference(rows, noisy, chance)
    parts = [np.flatnonzero(rows["cutoff"] == cutoff) for cutoff in rows["cutoff"].unique()]
    left = rows["churned"].to_numpy()
    for figure, told in ((roc_auc_score, found.auc), (log_loss, found.log_loss)):
        assert told == pytest.approx(
            np.mean([figure(left[at], noisy[at]) - figure(left[at], chance[at]) for at in parts])
        )
    assert found.auc_high < 0 < found.log_loss_low
    assert (found.rows, found.customers) == (600, 200)


def test_a_model_is_not_different_from_itself() -> None:
    rows, chance = frame(50, 2)
    assert list(difference(rows, chance, chance).as_dict().values()) == [0.0] * 6 + [100, 50]


def test_the_order_of_the_rows_changes_the_interval_by_chance_only() -> None:
    """The draws follow the order of the customers, so that of the rows is the caller's to keep."""
    rows, chance = frame(100, 1)
    assert difference(rows, chance, 1 - chance) == difference(rows, chance, 1 - chance)


def test_a_customer_is_drawn_with_all_of_their_rows() -> None:
    """Ten rows that say the same of each customer tell no more than one: the interval is as wide."""
    rows, chance = frame(150, 1)
    other = np.clip(chance + np.random.default_rng(2).normal(0, 0.2, len(chance)), 0.01, 0.99)
    once = difference(rows, chance, other)
    days = pd.date_range("2026-01-01", periods=10, freq="30D", tz="UTC")
    often = pd.concat([rows.assign(cutoff=day) for day in days], ignore_index=True)
    tenfold = difference(often, np.tile(chance, 10), np.tile(other, 10))
    assert tenfold.auc == pytest.approx(once.auc)
    assert tenfold.auc_high - tenfold.auc_low == pytest.approx(once.auc_high - once.auc_low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of two equally good rankings; 95 % of 60 samples, give or take chance."""
    held = 0
    for seed in range(60):
        rows, chance = frame(120, 1, seed)
        random = np.random.default_rng(seed + 1000)
        one, other = (np.clip(chance + random.normal(0, 0.2, len(chance)), 0.01, 0.99) for _ in range(2))
        found = difference(rows, one, other, draws=100)
        held += found.auc_low <= 0 <= found.auc_high
    assert 51 <= held <= 60
