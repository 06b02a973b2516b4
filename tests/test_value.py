"""Margin at stake: the formula, and what shrinking does."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.offers import value
from winback.offers.value import SHRINK_DAYS, margin_at_stake

CUSTOMERS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 5000)), min_size=1, max_size=30)


def frame(rows: list[tuple[float, int]]) -> tuple[pd.Series, pd.Series]:
    return pd.Series([float(s) for s, _ in rows]), pd.Series([t for _, t in rows], dtype="int64")


def test_the_docstring_counts_right() -> None:
    assert doctest.testmod(value).failed == 0
    assert doctest.testmod(value).attempted > 0


@pytest.mark.parametrize(
    ("spend", "tenure", "expected"),
    [
        # all alike: nothing to shrink, 2 a day * 0.5 * 100 days
        ([200.0, 200.0], [100, 100], [100.0, 100.0]),
        # r = 300/300 = 1; (300 + 90) / (210 + 90) = 1.3; (0 + 90) / (90 + 90) = 0.5
        ([300.0, 0.0], [210, 90], [65.0, 25.0]),
        # a first order today comes on top of 90 average days: r = 1; (10 + 90) / 90, (0 + 90) / 100
        ([10.0, 0.0], [0, 10], [55.56, 45.0]),
        # more returned than bought is worth what a customer who bought nothing is: r = 90/90
        ([90.0, -500.0, 0.0], [30, 30, 30], [75.0, 37.5, 37.5]),
        # nobody has any tenure: there is no rate to shrink to
        ([90.0, 0.0], [0, 0], [50.0, 0.0]),
        ([], [], []),
    ],
)
def test_margin_is_the_shrunk_rate_times_days_times_margin(
    spend: list[float], tenure: list[int], expected: list[float]
) -> None:
    margin = margin_at_stake(pd.Series(spend, dtype=float), pd.Series(tenure, dtype="int64"), 0.5, 100)
    assert margin.round(2).tolist() == expected


@given(CUSTOMERS)
def test_margin_is_finite_and_never_negative(rows: list[tuple[float, int]]) -> None:
    margin = margin_at_stake(*frame(rows), margin_rate=0.3, value_days=180)
    assert np.isfinite(margin).all()
    assert (margin >= 0).all()


@given(CUSTOMERS)
def test_each_rate_lies_between_the_customers_own_and_that_of_all(rows: list[tuple[float, int]]) -> None:
    spend, tenure = frame(rows)
    rate = margin_at_stake(spend, tenure, margin_rate=1.0, value_days=1)
    spent = spend.clip(lower=0)
    everyone = spent.sum() / max(tenure.sum(), 1)
    for i in np.flatnonzero(tenure > 0):
        low, high = sorted([spent[i] / tenure[i], everyone])
        assert low * (1 - 1e-9) <= rate[i] <= high * (1 + 1e-9)


def test_the_longer_the_tenure_the_more_the_customers_own_rate_counts() -> None:
    newcomer, regular = margin_at_stake(pd.Series([100.0, 10_000.0]), pd.Series([10, 1000]), 1.0, 1)
    assert abs(regular - 10) < 0.2  # both spend 10 a day, as all do
    assert abs(newcomer - 10) < 0.2
    spend, tenure = pd.Series([30.0, 3000.0, 1000.0]), pd.Series([3, 300, 1000])
    newcomer, regular, _ = margin_at_stake(spend, tenure, 1.0, 1)
    everyone = 4030 / 1303
    weight = 3 / (3 + SHRINK_DAYS)
    assert newcomer == pytest.approx(weight * 10 + (1 - weight) * everyone)
    assert newcomer < regular < 10


def test_the_index_is_kept() -> None:
    spend = pd.Series([1.0, 2.0], index=["b", "a"])
    assert margin_at_stake(spend, pd.Series([1, 2], index=["b", "a"]), 0.3, 180).index.tolist() == ["b", "a"]


@pytest.mark.parametrize(
    ("spend", "tenure"), [([1.0, np.nan], [1.0, 1.0]), ([1.0, 1.0], [1.0, np.nan]), ([1.0, 1.0], [1.0, -1.0])]
)
def test_missing_and_negative_values_are_refused_with_their_rows(spend: list[float], tenure: list[float]) -> None:
    with pytest.raises(ValueError, match="tenure_days >= 0") as error:
        margin_at_stake(pd.Series(spend), pd.Series(tenure), 0.3, 180)
    assert str(error.value) == (
        "spend and tenure_days must be numbers and tenure_days >= 0; 1 customers have others, in rows [1]"
    )
