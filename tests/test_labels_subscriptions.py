"""Whose subscription ended and was not renewed, and by whose doing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from label_logs import payments, subscriptions
from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.labels.subscription_labels import Ending, ending_labels_at, subscribed_at

TODAY, CUTOFF = dt.date(2026, 4, 1), dt.date(2026, 2, 1)
ENDING = Ending(horizon_days=28, grace_days=7)  # the window ends on 2026-03-01
FEED = "feed: " + ", ".join(f"2026-0{m}-{d} until=2026-0{m}-{d}T12:00" for m in (1, 2, 3) for d in (10, 20, 28))
STAYED, VOLUNTARY, INVOLUNTARY = (False, False, False), (True, True, False), (True, False, True)
UNKNOWN = (True, None, None)


def log(folder: Path, line: str, paid: str | None = "") -> Path:
    """A facts folder with these subscriptions and attempts to pay; without the latter's table if there are none."""
    store.write_table(folder / "subscriptions.parquet", subscriptions(f"{line}; {FEED}"))
    if paid is not None:
        store.write_table(folder / "payments.parquet", payments(paid))
    return folder


def labels(facts: Path, ending: Ending = ENDING, zone: str = "UTC") -> dict[str, tuple[bool | None, ...]]:
    """What came of each subscriber: churned, voluntary, involuntary."""
    asked = subscribed_at(facts, [CUTOFF], zone)
    found = ending_labels_at(facts, asked, ending, zone, TODAY)
    assert found.columns.tolist() == ["churned", "voluntary", "involuntary"]
    rows = [tuple(None if pd.isna(v) else v for v in row) for row in found.itertuples(index=False, name=None)]
    return dict(zip(asked["customer_id"], rows, strict=True))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # begins before the cutoff
        ("in: 2026-01-31T23:59:59.999999; out: 2026-02-01T00:00", ["in"]),
        # ends at the cutoff or later, or never
        ("in: 2026-01-01 until=2026-02-01T00:00; out: 2026-01-01 until=2026-01-31T23:59:59.999999", ["in"]),
        # known by then
        ("in: 2026-01-01 @2026-01-31T23:59; out: 2026-01-01 @2026-02-01", ["in"]),
        # one of two is enough; one that ends as it begins was none
        ("in: 2025-01-01 until=2025-02-01, 2026-01-01; out: 2026-01-01 until=2026-01-01", ["in"]),
    ],
)
def test_who_is_subscribed_at_the_cutoff(tmp_path, line, expected):
    found = subscribed_at(log(tmp_path, line), [CUTOFF], "UTC")
    assert found["customer_id"].tolist() == expected
    assert found["cutoff"].unique().tolist() == [pd.Timestamp(CUTOFF, tz="UTC")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # the window is [2026-02-01, 2026-03-01): its two ends
        ("2026-01-01 until=2026-02-01T00:00", VOLUNTARY),
        ("2026-01-01 until=2026-02-28T23:59:59.999999", VOLUNTARY),
        ("2026-01-01 until=2026-03-01T00:00", STAYED),
        ("2026-01-01", STAYED),
        # renewed up to the end of the seventh day after the end's day, and after it
        ("2026-01-01 until=2026-02-10T13:00, 2026-02-17T23:59:59.999999", STAYED),
        ("2026-01-01 until=2026-02-10T13:00, 2026-02-18T00:00", VOLUNTARY),
        ("2026-01-01 until=2026-02-10, 2026-02-10", STAYED),
        # a renewal that was recorded only later; and too late to be known today
        ("2026-01-01 until=2026-02-10, 2026-02-12 @2026-03-31", STAYED),
        ("2026-01-01 until=2026-02-10, 2026-02-12 @2026-04-01", VOLUNTARY),
        # another subscription goes on; both end together; the renewal ends in the window too
        ("2026-01-01 until=2026-02-10, 2025-06-01", STAYED),
        ("2026-01-01 until=2026-02-10, 2025-06-01 until=2026-02-10", VOLUNTARY),
        ("2026-01-01 until=2026-02-10, 2026-02-10 until=2026-02-20", VOLUNTARY),
        ("2026-01-01 until=2026-02-10, 2026-02-10 until=2026-03-20", STAYED),
        # a renewal that ends as it begins is none
        ("2026-01-01 until=2026-02-10, 2026-02-12 until=2026-02-12", VOLUNTARY),
        # came back after the grace, still within the window: had left
        ("2026-01-01 until=2026-02-02, 2026-02-20", VOLUNTARY),
    ],
)
def test_who_left_ended_and_was_not_renewed(tmp_path, line, expected):
    assert labels(log(tmp_path, f"a: {line}")) == {"a": expected}


@pytest.mark.parametrize(("grace", "expected"), [(0, VOLUNTARY), (1, VOLUNTARY), (2, STAYED), (31, STAYED)])
def test_the_grace_is_days_after_the_day_of_the_end(tmp_path, grace, expected):
    facts = log(tmp_path, "a: 2026-01-01 until=2026-02-10T23:00, 2026-02-12T05:00")
    assert labels(facts, Ending(horizon_days=28, grace_days=grace)) == {"a": expected}


@pytest.mark.parametrize(
    ("zone", "begun", "expected"),
    [
        # New York's 2026-03-08 has 23 hours: it ends at four in the morning of the ninth, UTC
        ("America/New_York", "2026-03-09T03:59:59.999999", STAYED),
        ("America/New_York", "2026-03-09T04:00", VOLUNTARY),
        ("UTC", "2026-03-09T00:00", VOLUNTARY),
    ],
)
def test_the_grace_ends_with_the_shops_day(tmp_path, zone, begun, expected):
    facts = log(tmp_path, f"a: 2026-01-01 until=2026-02-28T20:00, {begun}")
    assert labels(facts, Ending(horizon_days=28, grace_days=8), zone) == {"a": expected}


PAYMENT_FAILED = "a: 2026-02-09 failed"


@pytest.mark.parametrize(
    ("reason", "paid", "expected"),
    [
        # the reason decides
        ("payment_failed", "", INVOLUNTARY),
        ("Card-Expired", "a: 2026-02-09 succeeded", INVOLUNTARY),
        ("too_dear", PAYMENT_FAILED, VOLUNTARY),
        # without one, the last answered attempt on the end's day or in the 30 days before it
        ("", PAYMENT_FAILED, INVOLUNTARY),
        ("", "a: 2026-02-10T12:00 failed", INVOLUNTARY),
        ("", "a: 2026-02-10T12:00:01 failed", VOLUNTARY),
        ("", "a: 2026-01-11T00:00 failed", INVOLUNTARY),
        ("", "a: 2026-01-10T23:59:59.999999 failed", VOLUNTARY),
        ("", "a: 2026-02-01 failed, 2026-02-09 succeeded", VOLUNTARY),
        ("", "a: 2026-02-01 succeeded, 2026-02-09 failed", INVOLUNTARY),
        ("", "a: 2026-02-01 failed, 2026-02-09 pending, 2026-02-09 refunded", INVOLUNTARY),
        ("", "a: 2026-02-09 failed, 2026-02-09 succeeded", VOLUNTARY),
        ("", "b: 2026-02-09 failed", VOLUNTARY),
        # recorded too late to be known
        ("", "a: 2026-02-09 failed @2026-04-01", VOLUNTARY),
        # no payments are known of anybody
        ("", None, UNKNOWN),
        ("payment_failed", None, INVOLUNTARY),
        ("too_dear", None, VOLUNTARY),
    ],
)
def test_whose_doing_it_was(tmp_path, reason, paid, expected):
    why = f" why={reason}" if reason else ""
    assert labels(log(tmp_path, f"a: 2026-01-01 until=2026-02-10T12:00{why}", paid)) == {"a": expected}


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (("payment_failed", "too_dear"), VOLUNTARY),  # one of two that ended together was cancelled
        (("payment_failed", ""), UNKNOWN),
        (("payment_failed", "unpaid"), INVOLUNTARY),
    ],
)
def test_two_that_end_together(tmp_path, reasons, expected):
    rows = ", ".join(f"2026-01-0{n} until=2026-02-10" + (f" why={r}" if r else "") for n, r in enumerate(reasons, 1))
    assert labels(log(tmp_path, f"a: {rows}", None)) == {"a": expected}


def test_the_first_end_tells_whose_doing_it_was(tmp_path):
    line = "a: 2026-01-01 until=2026-02-02 why=unpaid, 2026-02-20 until=2026-02-25 why=too_dear"
    assert labels(log(tmp_path, line)) == {"a": INVOLUNTARY}


def test_words_of_your_own(tmp_path):
    """They take the place of the ones that come with winback; their spelling does not matter either."""
    line = "a: 2026-01-01 until=2026-02-10 why=kein-geld; b: 2026-01-01 until=2026-02-10 why=payment_failed"
    ending = Ending(horizon_days=28, involuntary=("Kein Geld",))
    assert labels(log(tmp_path, line), ending) == {"a": INVOLUNTARY, "b": VOLUNTARY}


def test_without_a_column_of_reasons(tmp_path):
    facts = log(tmp_path, "a: 2026-01-01 until=2026-02-10; b: 2026-01-01 until=2026-02-10", "b: 2026-02-09 failed")
    table = store.read_table(facts / "subscriptions.parquet").drop_columns("cancel_reason")
    store.write_table(facts / "subscriptions.parquet", table)
    assert labels(facts) == {"a": VOLUNTARY, "b": INVOLUNTARY}


def test_labels_follow_the_rows_of_the_cohort(tmp_path):
    facts = log(tmp_path, "a: 2026-01-01 until=2026-02-10; b: 2026-01-01 until=2026-03-05 why=unpaid; c: 2026-01-01")
    asked = subscribed_at(facts, [CUTOFF, dt.date(2026, 2, 9)], "UTC").iloc[[3, 5, 0]]
    found = ending_labels_at(facts, asked, ENDING, "UTC", TODAY)
    assert found.index.tolist() == [3, 5, 0]
    assert asked["customer_id"].tolist() == ["b", "c", "a"]
    assert [*map(str, found.dtypes)] == ["bool", "boolean", "boolean"]
    assert found.to_numpy().tolist() == [[True, False, True], [False, False, False], [True, True, False]]


def test_nobody_asked_about_has_no_labels(tmp_path):
    facts = log(tmp_path, "")
    found = ending_labels_at(facts, subscribed_at(facts, [CUTOFF], "UTC"), ENDING, "UTC", TODAY)
    assert (found.shape, [*map(str, found.dtypes)]) == ((0, 3), ["bool", "boolean", "boolean"])


def test_an_open_window_or_grace_is_refused(tmp_path):
    facts = log(tmp_path, "a: 2026-01-01")
    with pytest.raises(WindowNotRecorded) as caught:
        labels(facts, Ending(horizon_days=50, grace_days=10))
    assert str(caught.value) == (
        "the 60 days from 2026-02-01 end on 2026-04-02, after 2026-04-01: who leaves in them is not known yet. "
        "The latest cutoff with a label is 2026-01-31."
    )
    assert labels(facts, Ending(horizon_days=50, grace_days=9)) == {"a": STAYED}


def test_a_feed_without_ends_is_refused(tmp_path):
    """Nobody would seem to leave."""
    store.write_table(
        tmp_path / "subscriptions.parquet", subscriptions("a: 2026-01-01 until=2026-04-01; b: 2026-01-01")
    )
    with pytest.raises(NotEnoughData) as caught:
        labels(tmp_path)
    assert str(caught.value) == "no subscription ended before 2026-04-01; check the mapping of ended_at."


def test_a_feed_whose_ends_stopped_is_refused(tmp_path):
    line = "a: 2026-01-01; b: 2026-01-01 until=2026-02-03, 2026-01-02 until=2026-02-12"
    store.write_table(tmp_path / "subscriptions.parquet", subscriptions(line))
    with pytest.raises(WindowNotRecorded) as caught:
        labels(tmp_path)
    assert str(caught.value) == (
        "the newest of the subscriptions is from 2026-02-12, more than 9 days before the last window ends on "
        "2026-03-01, which is longer than they were ever silent. Is the feed complete?"
    )


def test_without_a_column_of_ends(tmp_path):
    table = subscriptions("a: 2026-01-01").drop(columns="ended_at")
    store.write_table(tmp_path / "subscriptions.parquet", table)
    with pytest.raises(NotEnoughData) as caught:
        subscribed_at(tmp_path, [CUTOFF], "UTC")
    assert (
        str(caught.value)
        == "the subscriptions table has no column ended_at; map it in [sources.subscriptions.columns]."
    )
