"""Every metric on random logs against a second implementation that goes customer by customer."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_metrics as naive
from naive_metrics import Shop
from winback.insight.metrics.ages import Ages, by_age
from winback.insight.metrics.coded import Tables
from winback.insight.metrics.defined import known_metrics
from winback.insight.metrics.periods import EPOCH, PER_YEAR, periods
from winback.insight.metrics.table import Terms, by_period

HOUR = 3_600_000_000  # in microseconds
PARTS = {"one_time_margin", "one_time_cost", "win_back"}  # of other metrics
BY_AGE = {"day_n", "day_n_24h", "rolling_n", "return_n", "bracket_m_n", "full_n", "period_k"}
OPENS = dt.date(2026, 1, 5)
FIRST = (OPENS - EPOCH).days
WHO = st.sampled_from("abcdefg")
DAY = st.integers(FIRST, FIRST + 48)
SHOPS = st.builds(
    Shop,
    orders=st.lists(st.tuples(WHO, DAY, st.sampled_from([-5.0, 0.0, 3.0, 10.0])), min_size=1, max_size=40),
    events=st.lists(st.tuples(WHO, DAY, st.just(0.0)), max_size=5),
    tickets=st.lists(st.tuples(WHO, DAY, st.sampled_from([0.0, 1.0, 4.0, 5.0])), max_size=6),
    contacts=st.lists(st.tuples(WHO, DAY, st.just(0.0)), max_size=8),
    subscriptions=st.lists(
        st.tuples(WHO, DAY, st.none() | st.integers(FIRST + 20, FIRST + 60), st.sampled_from([4.0, 9.0])), max_size=8
    ),
    until=st.just(FIRST + 49),
    surveys=st.lists(
        st.tuples(WHO, DAY, st.just("nps"), st.integers(0, 10))
        | st.tuples(WHO, DAY, st.just("csat"), st.integers(1, 5))
        | st.tuples(WHO, DAY, st.just("ces"), st.integers(1, 7)),
        max_size=8,
    ),
    costs=st.lists(
        st.tuples(DAY, st.sampled_from(["acquisition", "service", "other", "win_back"]), st.sampled_from([7.0, 20.0])),
        max_size=8,
    ),
    won_for=st.dictionaries(WHO, st.sampled_from([2.0, 5.0]), max_size=5),
).filter(lambda shop: any(amount >= 0 for _, _, amount in shop.orders))


def tables(shop: Shop) -> Tables:
    """The random shop as frames."""

    def rows(of: list[naive.Row], third: str) -> pd.DataFrame:
        frame = pd.DataFrame(of, columns=["customer_id", "day", third])
        return frame.astype({"customer_id": "str", "day": "int64", third: "float64"})

    spans = pd.DataFrame(shop.subscriptions, columns=["customer_id", "since", "until", "monthly"])
    spans = spans.astype({"customer_id": "str", "since": "int64", "until": "float64", "monthly": "float64"})
    tickets = rows(shop.tickets, "csat")
    tickets["csat"] = tickets["csat"].where(tickets["csat"] > 0)
    orders = rows(shop.orders, "amount")
    orders["at"] = (orders["day"] * 24 + hours(shop)) * HOUR
    others = {"events": rows(shop.events, "value"), "contacts": rows(shop.contacts, "value"), "tickets": tickets}
    surveys = pd.DataFrame(shop.surveys, columns=["customer_id", "day", "kind", "score"])
    others["surveys"] = surveys.astype({"customer_id": "str", "day": "int64", "kind": "str", "score": "float64"})
    costs = pd.DataFrame(shop.costs, columns=["day", "component", "amount"])
    others["costs"] = costs.astype({"day": "int64", "component": "str", "amount": "float64"})
    people = pd.DataFrame({"customer_id": list(shop.won_for), "acquisition_cost": list(shop.won_for.values())})
    others["customers"] = people.astype({"customer_id": "str", "acquisition_cost": "float64"})
    return Tables(orders=orders, subscriptions=spans, **others)


def hours(shop: Shop) -> np.ndarray:
    """The hour of each order, so that days and windows of 24 hours differ."""
    return 7 * np.arange(len(shop.orders)) % 24


def assert_told(row: dict, numerator: float, denominator: float) -> None:
    """A row is numerator / denominator, or undefined with a reason where there is no base."""
    if denominator == 0:
        assert math.isnan(row["value"])
        assert row["undefined"]
        return
    assert row["undefined"] == "", row
    assert row["value"] == pytest.approx(numerator / denominator), row
    if row["numerator"] == row["numerator"] and row["metric"] != "nps":  # a plain count is made of nothing
        assert (row["numerator"], row["denominator"]) == pytest.approx((numerator, denominator)), row
    if row["interval"]:
        assert row["low"] <= row["value"] + 1e-9
        assert row["value"] - 1e-9 <= row["high"]


@settings(max_examples=40)
@given(shop=SHOPS, active_days=st.integers(1, 20))
def test_periods_are_as_defined(shop: Shop, active_days: int):
    terms = Terms(active_days, 1.0, EPOCH + dt.timedelta(days=shop.until), "week", second_life_days=7)
    asked = periods(OPENS, terms.until, "week")
    table = by_period(tables(shop), asked, terms)
    opened = min(day for _, day, amount in shop.orders if amount >= 0)
    for period, rows in table.groupby("period"):
        told = {row["metric"]: row for row in rows.to_dict("records")}
        start, end = next(p.days for p in asked if p.name == period)
        wanted = naive.buying_of(shop, start, end) | naive.recurring_of(shop, start, end)
        wanted |= naive.answers(shop, start, end)
        wanted["second_life_value"] = naive.second_lives(shop, start, end, active_days, 7)
        if start - active_days >= opened:
            wanted |= naive.customers_of(shop, start, end, active_days)
            wanted |= naive.winning_back(shop, start, end, active_days)
        else:
            reason = f"the log begins less than {active_days} days before the period"
            assert told["crr_ids"]["undefined"] == told["churn_stripe"]["undefined"] == reason
            assert told["winback_rate"]["undefined"] == reason
        if 2 * start - end < opened:
            assert wanted.pop("revenue_retention_orders")
            assert "the log begins" in told["revenue_retention_orders"]["undefined"]
        for metric in wanted.keys() - PARTS:
            assert_told(told[metric], *wanted[metric])
        if "crr_ids" in wanted:
            for metric, value in naive.made_of_others(wanted, PER_YEAR["week"]).items():
                assert told[metric]["value"] == pytest.approx(math.nan if value is None else value, nan_ok=True), metric
                assert bool(told[metric]["undefined"]) is (value is None)


def test_no_metric_is_left_out():
    """Every metric has a second implementation here; those of age and fitted ones have tests of their own."""
    shop = Shop([("a", FIRST, 5.0)], [], [], [], [], FIRST + 49)
    told = naive.customers_of(shop, FIRST + 7, FIRST + 14, 3) | naive.buying_of(shop, FIRST + 7, FIRST + 14)
    told |= naive.recurring_of(shop, FIRST, FIRST + 7) | naive.answers(shop, FIRST, FIRST + 7)
    told |= naive.winning_back(shop, FIRST, FIRST + 7, 3)
    told |= {"second_life_value": naive.second_lives(shop, FIRST, FIRST + 7, 3, 7)}
    seen = (told.keys() | naive.made_of_others(told, 52.0).keys()) - PARTS
    assert set(known_metrics([])) - seen == {*BY_AGE, "ltv_fitted"}


@settings(max_examples=25)
@given(shop=SHOPS)
def test_customers_by_subscriptions_are_as_defined(shop: Shop):
    terms = Terms(10, 1.0, EPOCH + dt.timedelta(days=shop.until), "week", customers_by="subscriptions")
    asked = periods(OPENS, terms.until, "week")
    told = by_period(tables(shop), asked, terms).set_index(["period", "metric"])
    for period in asked:
        for metric, (numerator, denominator) in naive.stand_by_spans(shop, *period.days).items():
            assert_told(told.loc[(period.name, metric)].to_dict() | {"metric": metric}, numerator, denominator)


@settings(max_examples=25)
@given(shop=SHOPS)
def test_ages_are_as_defined(shop: Shop):
    terms = Terms(10, 1.0, EPOCH + dt.timedelta(days=shop.until), "week")
    ages = Ages(days=(1, 7, 30), full=(1, 2), brackets=((3, 9),), until_at=shop.until * 24 * HOUR)
    table = by_age(tables(shop), terms, ages)
    every = table[table["period"] == "all"].set_index(["metric", "n"]).to_dict("index")
    asked = {("day_n", n): (n, n) for n in (1, 7, 30)} | {("rolling_n", n): (n, n) for n in (1, 7, 30)}
    asked |= {("return_n", n): (1, n) for n in (1, 7, 30)} | {("full_n", n): (1, n) for n in (1, 2)}
    asked[("bracket_m_n", "3-9")] = (3, 9)
    for (metric, n), (low, high) in asked.items():
        assert_told({"metric": metric, **every[(metric, str(n))]}, *naive.aged(shop, metric, low, high))
    for n in (1, 7, 30):
        assert_told({"metric": "", **every[("day_n_24h", str(n))]}, *naive.aged_in_hours(shop, hours(shop).tolist(), n))
    cohorts = table[~table["metric"].isin(["period_k"]) & (table["period"] != "all") & (table["n"] == "1")]
    whole = cohorts.groupby("metric")[["numerator", "denominator"]].sum()
    for metric in whole.index:  # cohorts together are everybody
        row = every[(metric, "1")]
        assert (whole.loc[metric] == [np.nan_to_num(row["numerator"]), np.nan_to_num(row["denominator"])]).all()


@settings(max_examples=25)
@given(shop=SHOPS)
def test_cohort_table_is_as_defined(shop: Shop):
    terms = Terms(10, 1.0, EPOCH + dt.timedelta(days=shop.until), "week")
    table = by_age(tables(shop), terms)
    told = table[table["metric"] == "period_k"].set_index(["period", "n"])["numerator"].to_dict()
    asked = periods(OPENS, terms.until, "week")
    wanted = {}
    for place, cohort in enumerate(asked):
        mine = [c for c in shop.customers if shop.days(c) and cohort.days[0] <= shop.days(c)[0] < cohort.days[1]]
        for k, later in enumerate(asked[place + 1 :] if mine else (), start=1):
            back = sum(any(later.days[0] <= d < later.days[1] for d in shop.days(c)) for c in mine)
            wanted[(cohort.name, str(k))] = back
    assert told == wanted


@settings(max_examples=15)
@given(shop=SHOPS, parts=st.lists(st.sampled_from(["x", "y", None]), min_size=7, max_size=7))
def test_parts_add_up_to_the_whole(shop: Shop, parts: list[str | None]):
    terms = Terms(7, 1.0, EPOCH + dt.timedelta(days=shop.until), "week")
    asked = periods(OPENS, terms.until, "week")
    given = tables(shop)
    people = pd.DataFrame({"customer_id": list("abcdefg"), "part": parts})
    parted = by_period(Tables(**{**vars(given), "customers": people}), asked, terms, "part")
    whole = by_period(given, asked, terms)
    counted = ["crr_ids", "churn_stripe", "repeat_rate_ever", "arppu", "winback_rate", "nrr", "contact_rate_orders"]
    for metric in counted:
        both = [t[t["metric"] == metric].groupby("period")[["numerator", "denominator"]].sum() for t in (parted, whole)]
        pd.testing.assert_frame_equal(*both)
    assert set(parted["segment"]) <= {"x", "y", "(unknown)"}
