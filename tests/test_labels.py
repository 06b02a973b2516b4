"""Who is asked about and who of them left: both ends of both windows, and the refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from history import orders
from random_logs import History, Order, one_database, random_shop, write
from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.labels import cohort_at, labels_at, newest_order, oldest_order

TODAY = dt.date(2026, 4, 1)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def log(folder: Path, line: str) -> Path:
    """A facts folder with these orders."""
    store.write_table(folder / "orders.parquet", orders(line))
    return folder


def cohort(facts: Path, *cutoffs: str, zone: str = "UTC", active_days: int | None = None) -> pd.DataFrame:
    return cohort_at(facts, [day(c) for c in cutoffs], zone, active_days)


def in_cohort(facts: Path, cutoff: str, active_days: int | None, zone: str = "UTC") -> list[str]:
    return cohort(facts, cutoff, zone=zone, active_days=active_days)["customer_id"].tolist()


def left(facts: Path, cutoff: str, horizon_days: int, zone: str = "UTC", today: dt.date = TODAY) -> set[str]:
    """The customers of a cutoff's cohort whose label says that they left."""
    asked = cohort(facts, cutoff, zone=zone)
    return set(asked["customer_id"][labels_at(facts, asked, horizon_days, zone, today)])


@pytest.mark.parametrize(
    ("line", "active_days", "expected"),
    [
        # the first instant of the window, and the last one before it
        ("in: 2026-02-19T00:00 1; out: 2026-02-18T23:59:59.999999 1", 10, ["in"]),
        # the last instant of it, and the cutoff
        ("in: 2026-02-28T23:59:59.999999 1; out: 2026-03-01T00:00 1", 10, ["in"]),
        # recorded just in time, and on the cutoff
        ("in: 2026-02-20 1 @2026-02-28T23:59:59; out: 2026-02-20 1 @2026-03-01T00:00", 10, ["in"]),
        # recorded by a clock that was wrong, before it happened
        ("in: 2026-02-20 1 @2026-01-01; out: 2026-03-01 1 @2026-01-01", 10, ["in"]),
        # one day only, and any day
        ("in: 2026-02-28 1; out: 2026-02-27T23:00 1", 1, ["in"]),
        ("b: 1969-12-31T23:00 1; a: 2026-02-28 1, 2026-02-27 1; out: 2026-03-01 1", None, ["a", "b"]),
        # a return is an order too: somebody was there
        ("in: 2026-02-20 -5", 10, ["in"]),
    ],
)
def test_the_cohort_ordered_in_a_half_open_window(tmp_path, line, active_days, expected):
    assert in_cohort(log(tmp_path, line), "2026-03-01", active_days) == expected


def test_a_cohort_has_one_row_a_customer_and_cutoff(tmp_path):
    """Sorted; each cutoff once, as the instant its day begins there."""
    facts = log(tmp_path, "b: 2026-01-01 1; a: 2026-01-01 1, 2026-01-02T20:00 1")
    found = cohort(facts, "2026-01-03", "2026-01-02", "2026-01-03", zone="Asia/Kolkata", active_days=1)
    assert [*map(str, found.dtypes)] == ["str", "datetime64[us, UTC]"]
    assert found.astype(str).to_numpy().tolist() == [
        ["a", "2026-01-01 18:30:00+00:00"],
        ["b", "2026-01-01 18:30:00+00:00"],
    ]
    later = cohort(facts, "2026-01-04", zone="Asia/Kolkata", active_days=1)
    assert later.astype(str).to_numpy().tolist() == [["a", "2026-01-03 18:30:00+00:00"]]


def test_a_cohort_may_be_empty(tmp_path):
    found = cohort(log(tmp_path, "a: 2026-01-01 1"), "2025-12-31")
    assert (found.columns.tolist(), len(found)) == (["customer_id", "cutoff"], 0)
    assert str(found["cutoff"].dtype) == "datetime64[us, UTC]"


ASKED = "; ".join(f"{c}: 2026-01-15 1" for c in "abcdef")
FEED = "feed: 2026-03-31 1"  # somebody orders to the end, so the log is not silent


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # the window is [2026-02-01, 2026-03-03): its two ends
        ("a: 2026-02-01T00:00 1; b: 2026-01-31T23:59:59.999999 1", set("bcdef")),
        ("a: 2026-03-02T23:59:59.999999 1; b: 2026-03-03T00:00 1", set("bcdef")),
        # recorded late, but before today; then today
        ("a: 2026-02-10 1 @2026-03-31T23:59; b: 2026-02-10 1 @2026-04-01T00:00", set("bcdef")),
        # a return is an order too; two orders are no more than one
        ("a: 2026-02-10 -1; b: 2026-02-10 1, 2026-02-11 1", set("cdef")),
        # who comes new within the window is not asked about
        ("new: 2026-02-10 1", set("abcdef")),
    ],
)
def test_who_left_ordered_nothing_in_the_half_open_window(tmp_path, line, expected):
    facts = log(tmp_path, f"{ASKED}; {line}; {FEED}".replace("a: 2026-01-15 1; a:", "a:"))
    assert left(facts, "2026-02-01", 30) == expected


def test_labels_follow_the_rows_of_the_cohort(tmp_path):
    """In its order and under its index, also when it is a part of a larger table, with several cutoffs."""
    facts = log(tmp_path, f"stays: 2026-01-15 1, 2026-02-10 1, 2026-03-20 1; goes: 2026-01-15 1; {FEED}")
    asked = cohort(facts, "2026-02-01", "2026-03-01").iloc[[3, 0, 2]]
    assert asked["customer_id"].tolist() == ["stays", "goes", "stays"]
    labels = labels_at(facts, asked, 28, "UTC", TODAY)
    assert labels.name == "churned"
    assert labels.to_dict() == {3: False, 0: True, 2: False}
    assert labels.index.tolist() == [3, 0, 2]


@pytest.mark.parametrize(
    ("zone", "line", "expected"),
    [
        # New York, 2026-03-08 has 23 hours and begins at five; the day after begins at four
        ("America/New_York", "in: 2026-03-08T05:00 1; out: 2026-03-08T04:59:59 1", {"out"}),
        ("America/New_York", "in: 2026-03-09T03:59:59 1; out: 2026-03-09T04:00 1", {"out"}),
        ("UTC", "in: 2026-03-08T04:59:59 1; out: 2026-03-09T00:00 1", {"out"}),
    ],
)
def test_a_horizon_of_a_day_ends_with_the_shops_day(tmp_path, zone, line, expected):
    known = "in: 2026-01-01 1; out: 2026-01-01 1"
    rows = orders(f"{known}; {FEED}").assign(order_id=["a", "b", "c"])
    facts = tmp_path
    store.write_table(facts / "orders.parquet", pd.concat([rows, orders(line)], ignore_index=True))
    assert left(facts, "2026-03-08", 1, zone) - {"feed"} == expected


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_cohorts_begin_with_the_shops_day(tmp_path, zone):
    """The clocks go back on the first Sunday of November in New York and of April on Lord Howe Island."""
    changed, begins, ends = {
        "America/New_York": ("2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"),
        "Australia/Lord_Howe": ("2026-04-05", "2026-04-04T13:00", "2026-04-05T13:30"),
    }[zone]
    facts = log(tmp_path, f"first: {begins} 1; after: {ends} 1")
    next_day = str(day(changed) + dt.timedelta(days=1))
    assert in_cohort(facts, changed, 1, zone) == []
    assert in_cohort(facts, next_day, 1, zone) == ["first"]
    assert in_cohort(facts, str(day(next_day) + dt.timedelta(days=1)), 1, zone) == ["after"]


@pytest.mark.parametrize("seed", range(12))
def test_cohorts_and_labels_are_those_of_a_loop(seed, tmp_path, monkeypatch):
    """96 random logs; somebody orders to the end, so that none is silent."""
    one_database(monkeypatch)
    shop = random_shop(seed, 8)
    today = max(shop.cutoffs) + dt.timedelta(days=9)
    end = shop.midnight(today) - dt.timedelta(microseconds=1)
    feed = Order("feed", "feed", end, end, 1, None, 1, frozenset())
    shop = replace(shop, orders=(feed, *shop.orders))
    facts = write(shop, tmp_path)
    for active_days in (None, 1, 7, 28):
        asked = cohort_at(facts, shop.cutoffs, shop.zone, active_days)
        pairs = list(asked.itertuples(index=False, name=None))
        assert pairs == [
            (customer, shop.midnight(cutoff))
            for customer in sorted({o.customer for o in shop.orders})
            for cutoff in sorted(shop.cutoffs)
            if ordered(shop, customer, cutoff, -(active_days or 10_000), cutoff)
        ]
        if pairs:
            days = {shop.midnight(cutoff): cutoff for cutoff in shop.cutoffs}
            labels = labels_at(facts, asked, 9, shop.zone, today)
            assert labels.tolist() == [not ordered(shop, c, days[at], 9, today) for c, at in pairs]


def ordered(shop: History, customer: str, cutoff: dt.date, reach: int, known: dt.date) -> bool:
    """Whether a customer has an order within `reach` days after (before, if negative) a cutoff, known by then."""
    begin, end = sorted([cutoff, cutoff + dt.timedelta(days=reach)])
    return any(
        o.customer == customer
        and shop.midnight(begin) <= o.at < shop.midnight(end)
        and o.recorded < shop.midnight(known)
        for o in shop.orders
    )


def test_an_open_window_is_refused(tmp_path):
    facts = log(tmp_path, f"a: 2026-01-01 1; {FEED}")
    asked = cohort(facts, "2026-01-15", "2026-03-03")
    with pytest.raises(WindowNotRecorded) as caught:
        labels_at(facts, asked, 30, "UTC", TODAY)
    assert str(caught.value) == (
        "the 30 days from 2026-03-03 end on 2026-04-02, after 2026-04-01: who leaves in them is not known yet. "
        "The latest cutoff with a label is 2026-03-02."
    )
    assert left(facts, "2026-03-02", 30) == {"a"}


def test_a_silent_log_is_refused(tmp_path):
    facts = log(tmp_path, "a: 2026-01-01 1, 2026-02-21T23:00 1, 2026-03-30 1 @2026-04-01")
    with pytest.raises(WindowNotRecorded) as caught:
        left(facts, "2026-01-31", 30)
    assert str(caught.value) == (
        "the newest order is from 2026-02-21, more than 7 days before the window from 2026-01-31 ends on "
        "2026-03-02: everybody would seem to have left. Is the feed complete?"
    )
    with pytest.raises(WindowNotRecorded, match="ends on 2026-03-01"):
        left(facts, "2026-01-31", 29)
    assert left(facts, "2026-01-31", 28) == set()


def test_labels_need_an_order_that_was_known(tmp_path):
    facts = log(tmp_path, "a: 2026-01-01 1")
    asked = cohort(facts, "2026-01-15")
    log(tmp_path, "a: 2026-01-01 1 @2026-04-01")
    with pytest.raises(NotEnoughData):
        labels_at(facts, asked, 30, "UTC", TODAY)


@pytest.mark.parametrize(
    ("line", "zone", "newest"),
    [
        ("a: 2026-03-31T23:59:59 1, 2026-04-01T00:00 1", "UTC", "2026-03-31"),
        ("a: 2026-03-20 1, 2026-03-31 1 @2026-04-01", "UTC", "2026-03-20"),
        ("a: 2026-03-20 1, 2026-04-02 1 @2026-03-01", "UTC", "2026-03-20"),
        ("a: 2026-03-31T18:29:59 1, 2026-03-31T18:30 1", "Asia/Kolkata", "2026-03-31"),
        ("a: 2026-04-01T03:59 1, 2026-04-01T04:00 1", "America/New_York", "2026-03-31"),
    ],
)
def test_the_newest_order_was_recorded_before_today(tmp_path, line, zone, newest):
    assert newest_order(log(tmp_path, line), zone, TODAY) == day(newest)


@pytest.mark.parametrize("line", ["", "a: 2026-04-01 1", "a: 2026-03-01 1 @2026-04-01"])
def test_without_a_newest_order(tmp_path, line):
    with pytest.raises(NotEnoughData) as caught:
        newest_order(log(tmp_path, line), "UTC", TODAY)
    assert str(caught.value) == ("no order was recorded before 2026-04-01; check --date and the mapping of ordered_at.")


def test_the_oldest_order(tmp_path):
    facts = log(tmp_path, "b: 2026-01-02 1; a: 2026-01-01T02:00 1 @2026-02-01, 2026-01-03 1")
    assert oldest_order(facts, "UTC") == day("2026-01-01")
    assert oldest_order(facts, "America/New_York") == day("2025-12-31")


def test_without_an_oldest_order(tmp_path):
    with pytest.raises(NotEnoughData) as caught:
        oldest_order(log(tmp_path, ""), "UTC")
    assert str(caught.value) == "the orders table is empty; check the quarantine for the reasons."
