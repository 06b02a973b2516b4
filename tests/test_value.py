"""Margin at stake: the formula, and what shrinking does."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_spending import shop
from winback.errors import NotEnoughData
from winback.offers import value
from winback.offers.spending import expected_spend
from winback.offers.value import (
    SHRINK_DAYS,
    ValueModel,
    errors,
    expected_margin,
    fit_value,
    gini,
    margin_at_stake,
    weighted,
)

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


@pytest.fixture(scope="module")
def past() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and outcomes of 1,500 customers; every third left, and spent a tenth of what he would have."""
    rows, orders, spend, _ = shop(1500)
    stayed = rows.index.to_numpy() % 3 > 0
    return rows, pd.DataFrame({"stayed": stayed, "orders": orders, "spend": spend.where(stayed, spend / 10)})


@pytest.fixture(scope="module")
def model(past) -> ValueModel:
    return fit_value(*past, window_days=90)


def test_what_is_at_stake_is_what_a_leaver_does_not_spend(past, model: ValueModel) -> None:
    rows, outcomes = past
    margins = expected_margin(model, rows, margin_rate=0.3, value_days=180)
    assert margins.columns.tolist() == ["margin_if_stays", "margin_if_leaves", "margin_at_stake"]
    means = outcomes["spend"].groupby(outcomes["stayed"]).mean() * 0.3 * 2
    assert margins["margin_if_stays"].mean() == pytest.approx(means[True], rel=0.1)
    assert margins["margin_if_leaves"].mean() == pytest.approx(means[False], rel=0.1)
    difference = margins["margin_if_stays"] - margins["margin_if_leaves"]
    assert np.allclose(margins["margin_at_stake"], difference, atol=0.001)
    assert (margins >= 0).all(axis=None)
    assert np.allclose(margins, margins.round(2), atol=1e-9)


@pytest.mark.parametrize(("margin_rate", "value_days", "times"), [(0.6, 90, 1.0), (0.3, 180, 1.0), (0.3, 45, 0.25)])
def test_margin_grows_with_its_rate_and_its_days(model: ValueModel, margin_rate, value_days, times) -> None:
    rows = shop(50, seed=3)[0]
    margins = expected_margin(model, rows, margin_rate, value_days)["margin_if_stays"]
    assert np.allclose(margins, expected_spend(model.stays, rows) * 0.6 * times, atol=0.006)


def test_nobody_is_worth_more_gone_than_staying(model: ValueModel) -> None:
    turned = ValueModel(90, model.leaves, model.stays, 0.0)
    margins = expected_margin(turned, shop(50, seed=3)[0], 1.0, 90)
    assert (margins["margin_at_stake"] >= 0).all()
    assert (margins["margin_if_leaves"] <= margins["margin_if_stays"]).all()


def test_where_few_leavers_buy_again_they_spend_a_share_of_what_stayers_do(past) -> None:
    rows, outcomes = past
    gone = ~outcomes["stayed"] & (outcomes.index % 5 > 0)
    few = outcomes.assign(**{name: outcomes[name].where(~gone, 0) for name in ("orders", "spend")})
    found = fit_value(rows, few, 90)
    assert found.leaves is None
    left = rows[~outcomes["stayed"]]
    share = few.loc[~few["stayed"], "spend"].sum() / expected_spend(found.stays, left).sum()
    assert found.left_share == pytest.approx(share)
    margins = expected_margin(found, rows, 1.0, 90)
    assert np.allclose(margins["margin_if_leaves"], margins["margin_if_stays"] * share, atol=0.01)


def test_without_any_leaver_nothing_is_known_of_them(past) -> None:
    rows, outcomes = past
    found = fit_value(rows, outcomes.assign(stayed=True), 90)
    assert (found.leaves, found.left_share) == (None, 0.0)


def test_too_few_who_stayed_are_refused(past) -> None:
    rows, outcomes = past
    with pytest.raises(NotEnoughData, match="customers with spend in the window; 200 are needed"):
        fit_value(rows, outcomes.assign(stayed=outcomes.index < 150), 90)


def test_the_weighted_margin_lies_between_staying_and_leaving() -> None:
    margins = pd.DataFrame({"margin_if_stays": [10.0, 10.0, 10.0], "margin_at_stake": [8.0, 8.0, 8.0]})
    assert weighted(margins, pd.Series([0.0, 0.25, 1.0])).tolist() == [10.0, 8.0, 2.0]


def test_gini_is_1_for_the_truth_and_0_for_one_figure_for_all_in_any_order() -> None:
    actual = np.array([0.0, 1.0, 3.0, 6.0])
    assert gini(actual, actual) == pytest.approx(1.0)
    assert gini(actual, -actual) == pytest.approx(-1.0)
    # running shares by the other order: 0.1, 0.7, 1, 1 -> mean 0.7 - 5/8; by the truth 0.6, 0.9, 1, 1 -> 0.875 - 5/8
    assert gini(actual, np.array([1.0, 4.0, 2.0, 3.0])) == pytest.approx((0.7 - 0.625) / (0.875 - 0.625))


def test_errors_of_a_told_figure_by_hand() -> None:
    actual = np.arange(20.0)
    found = errors(actual, actual + np.tile([1.0, 3.0], 10))
    assert found["mae"] == 2.0
    assert found["rmse"] == pytest.approx(5**0.5)
    assert found["level"] == pytest.approx((190 + 40) / 190)
    assert found["decile_error"] == pytest.approx(2 / 9.5)
    assert found["spearman"] == pytest.approx(1 - 6 * 18 / (20 * 399))  # 9 pairs of neighbours change places
