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
from winback.insight.metrics.periods import EPOCH, periods
from winback.insight.metrics.table import Terms, by_period

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
    others = {"events": rows(shop.events, "value"), "contacts": rows(shop.contacts, "value"), "tickets": tickets}
    return Tables(orders=rows(shop.orders, "amount"), subscriptions=spans, **others)


def assert_told(row: dict, numerator: float, denominator: float) -> None:
    """A row is numerator / denominator, or undefined with a reason where there is no base."""
    if denominator == 0:
        assert math.isnan(row["value"])
        assert row["undefined"]
        return
    assert row["undefined"] == "", row
    assert row["value"] == pytest.approx(numerator / denominator), row
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
        for metric, (numerator, denominator) in wanted.items():
            assert_told(told[metric], numerator, denominator)


@settings(max_examples=25)
@given(shop=SHOPS)
def test_ages_are_as_defined(shop: Shop):
    terms = Terms(10, 1.0, EPOCH + dt.timedelta(days=shop.until), "week")
    table = by_age(tables(shop), terms, Ages(days=(1, 7, 30), full=(1, 2), brackets=((3, 9),)))
    every = table[table["period"] == "all"].set_index(["metric", "n"]).to_dict("index")
    asked = {("day_n", n): (n, n) for n in (1, 7, 30)} | {("rolling_n", n): (n, n) for n in (1, 7, 30)}
    asked |= {("return_n", n): (1, n) for n in (1, 7, 30)} | {("full_n", n): (1, n) for n in (1, 2)}
    asked[("bracket_m_n", "3-9")] = (3, 9)
    for (metric, n), (low, high) in asked.items():
        assert_told(every[(metric, str(n))], *naive.aged(shop, metric, low, high))
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
