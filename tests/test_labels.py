"""Who is asked about and who of them left: both ends of both windows, and the refusals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from history import orders
from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.labels.labels import (
    cohort_at,
    labels_at,
    lapsed_cohort_at,
    newest_order,
    oldest_order,
    refuse_silence,
    returned_at,
)

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
        # a return is no purchase; a free order is one
        ("in: 2026-02-20 0; out: 2026-02-20 -5", 10, ["in"]),
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
        # a return is no purchase; two orders are no more than one
        ("a: 2026-02-10 -1; b: 2026-02-10 1, 2026-02-11 1", set("acdef")),
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


def test_a_change_of_an_order_is_no_order(tmp_path):
    """Rows with a part are later news of an order; a log without the column has none."""
    rows = orders(f"a: 2026-01-15 1, 2026-02-10 1; b: 2026-01-15 1, 2026-02-10 1; {FEED}")
    store.write_table(tmp_path / "orders.parquet", rows.drop(columns="part", errors="ignore"))
    assert left(tmp_path, "2026-02-01", 28) == set()
    changed = rows.assign(part=[0, 1, 0, 0, 0])
    store.write_table(tmp_path / "orders.parquet", changed)
    assert left(tmp_path, "2026-02-01", 28) == {"a"}
    store.write_table(tmp_path / "orders.parquet", changed.assign(part=[1, 0, 0, 0, 0]))
    assert in_cohort(tmp_path, "2026-02-01", None) == ["b"]


def test_later_files_of_the_table_belong_to_it(tmp_path):
    """Also where only some of them have a column."""
    first = orders(f"a: 2026-01-15 1; b: 2026-01-15 1; {FEED}").drop(columns="part", errors="ignore")
    store.write_table(tmp_path / "orders.parquet", first)
    changed = orders("a: 2026-02-10 1 id=later; b: 2026-02-10 1 id=change").assign(part=[0, 1])
    store.write_table(tmp_path / "orders.1.parquet", changed)
    assert left(tmp_path, "2026-02-01", 28) == {"b"}
    store.write_table(tmp_path / "orders.12.parquet", orders("b: 2026-02-10 1 id=latest").assign(part=0))
    assert left(tmp_path, "2026-02-01", 28) == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # lapsed for the ten days [2026-02-19, 2026-03-01): their two ends
        ("in: 2026-02-18T23:59:59.999999 1; out: 2026-02-19T00:00 1", ["in"]),
        ("in: 2026-01-01 1, 2026-03-01T00:00 1; out: 2026-01-01 1, 2026-02-28T23:59:59.999999 1", ["in"]),
        # never here, here too late, or not known to have been here
        ("out: 2026-03-02 1; in: 2026-01-01 1; late: 2026-01-01 1 @2026-03-01", ["in"]),
        # the order that would speak against it was not known yet; a return does not speak against it
        ("a: 2026-01-01 1, 2026-02-25 1 @2026-03-01; b: 2026-01-01 1, 2026-02-25 -1", ["a", "b"]),
    ],
)
def test_the_lapsed_bought_before_but_not_lately(tmp_path, line, expected):
    found = lapsed_cohort_at(log(tmp_path, line), [day("2026-03-01")], "UTC", 10)
    assert found.columns.tolist() == ["customer_id", "cutoff"]
    assert found["customer_id"].tolist() == expected
    assert found.index.tolist() == [*range(len(expected))]


def test_the_lapsed_return_within_the_half_open_window(tmp_path):
    line = "a: 2026-01-01 1, 2026-02-01T00:00 1; b: 2026-01-01 1, 2026-02-28T23:59:59 1; c: 2026-01-01 1, 2026-03-01 1"
    facts = log(tmp_path, f"{line}; d: 2026-01-01 1; {FEED}")
    lapsed = lapsed_cohort_at(facts, [day("2026-02-01")], "UTC", 20)
    found = returned_at(facts, lapsed, 28, "UTC", TODAY)
    assert (found.name, found.tolist()) == ("returned", [True, True, False, False])
    with pytest.raises(WindowNotRecorded, match="The latest cutoff with a label is 2026-01-31"):
        returned_at(facts, lapsed, 60, "UTC", TODAY)


def test_nobody_asked_about_has_no_labels(tmp_path):
    """Also where the window is still open: there is nothing to refuse."""
    facts = log(tmp_path, FEED)
    labels = labels_at(facts, cohort(facts, "2026-03-31"), 30, "UTC", TODAY)
    assert (len(labels), str(labels.dtype)) == (0, "bool")


def test_a_shop_without_orders_is_told_so(tmp_path):
    with pytest.raises(NotEnoughData) as caught:
        cohort(tmp_path, "2026-02-01")
    assert str(caught.value) == (
        "the facts have no table orders, which this question is asked of; map it in [sources.orders]."
    )


def test_a_folder_may_be_called_anything(tmp_path):
    facts = tmp_path / "it's [a]*?" / "k=v"
    assert in_cohort(log(facts, "in: 2026-02-20 1"), "2026-03-01", None) == ["in"]


def test_a_feed_that_stopped_is_refused(tmp_path):
    facts = log(tmp_path, "a: 2026-03-24 1")
    with pytest.raises(WindowNotRecorded) as caught:
        refuse_silence(facts, "UTC", day("2026-04-01"))
    assert str(caught.value) == (
        "the newest order before 2026-04-01 is from 2026-03-24, more than 7 days earlier: everybody would seem to be "
        "leaving. Is the feed complete, and the date right?"
    )
    refuse_silence(facts, "UTC", day("2026-03-31"))


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
