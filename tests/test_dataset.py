"""The dates that are learned from and examined on, the rows they give, and the gap between them."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history import orders
from winback import store
from winback.config import Cutoffs
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.days import begins
from winback.facts.features import declared
from winback.risk.asking.dataset import (
    Ask,
    Plan,
    forward_folds,
    labelled_rows,
    plan_cutoffs,
    rows_at,
    seen_throughout,
)
from winback.risk.asking.specs import Spec

STARTS = dt.date(2025, 1, 1)


def day(text: str) -> dt.date:
    """`2026-01-03` or, for short, `26-01-03`."""
    return dt.date.fromisoformat(text if len(text) == 10 else f"20{text}")


def days(text: str) -> tuple[dt.date, ...]:
    """A date for each word."""
    return tuple(day(word) for word in text.split())


@pytest.mark.parametrize(
    ("cutoffs", "horizon", "today", "train", "holdout"),
    [
        # By default: from one horizon after the log starts, then every first of a month, to two horizons ago.
        (
            Cutoffs(),
            30,
            "25-06-30",
            "25-01-31 25-02-01 25-03-01 25-04-01 25-05-01",
            "25-05-31",
        ),
        (Cutoffs(), 30, "25-06-29", "25-01-31 25-02-01 25-03-01 25-04-01", "25-05-30"),
        (Cutoffs(), 90, "25-10-28", "25-04-01 25-05-01", "25-07-30"),
        # Several hold-outs end with the latest that is closed; training stops before the first.
        (Cutoffs(holdouts=3), 30, "25-06-30", "25-01-31 25-02-01 25-03-01", "25-04-01 25-05-01 25-05-31"),
        (
            Cutoffs(every="week", holdouts=2),
            7,
            "25-02-19",
            "25-01-08 25-01-15 25-01-22 25-01-29",
            "25-02-05 25-02-12",
        ),
        (Cutoffs(every="week", first=day("25-01-20")), 14, "25-03-02", "25-01-20 25-01-27", "25-02-16"),
        # A first cutoff of one's own may be earlier than the default, or no first of a month.
        (Cutoffs(first=day("25-01-10")), 30, "25-04-10", "25-01-10 25-02-01", "25-03-11"),
        (Cutoffs(first=day("25-02-01")), 30, "25-05-01", "25-02-01 25-03-01", "25-04-01"),
        # Hold-outs of one's own are sorted; the last may be one horizon ago, to the day.
        (
            Cutoffs(first=day("25-02-01"), holdout=days("25-06-01 25-05-01")),
            30,
            "25-07-01",
            "25-02-01 25-03-01 25-04-01",
            "25-05-01 25-06-01",
        ),
        # Between training and the hold-out lies one horizon to the day: 31 days do not fit into April.
        (
            Cutoffs(first=day("25-02-01"), holdout=days("25-05-01")),
            31,
            "25-07-01",
            "25-02-01 25-03-01",
            "25-05-01",
        ),
        (
            Cutoffs(first=day("25-02-01"), holdout=days("25-05-01"), holdouts=5),
            30,
            "25-07-01",
            "25-02-01 25-03-01 25-04-01",
            "25-05-01",
        ),
        # Over a year's end and a leap day.
        (
            Cutoffs(first=day("27-12-31"), holdout=days("28-03-01")),
            1,
            "28-03-02",
            "27-12-31 28-01-01 28-02-01",
            "28-03-01",
        ),
        (
            Cutoffs(first=day("28-02-15"), every="week", holdout=days("28-03-08")),
            8,
            "28-04-01",
            "28-02-15 28-02-22 28-02-29",
            "28-03-08",
        ),
    ],
)
def test_plan(cutoffs: Cutoffs, horizon: int, today: str, train: str, holdout: str) -> None:
    assert plan_cutoffs(cutoffs, horizon, STARTS, day(today)) == Plan(days(train), days(holdout))


def test_a_holdout_that_is_not_closed_is_refused() -> None:
    cutoffs = Cutoffs(first=day("25-02-01"), holdout=days("25-05-01 25-06-02"))
    with pytest.raises(WindowNotRecorded) as refused:
        plan_cutoffs(cutoffs, 30, STARTS, day("25-07-01"))
    assert str(refused.value) == (
        "the hold-out cutoff 2025-06-02 needs 30 days of orders, to 2025-07-02; today is 2025-07-01. "
        "Choose cutoffs up to 2025-06-01."
    )


@pytest.mark.parametrize(("first", "count"), [("25-04-01", 1), ("25-04-02", 0), ("26-01-01", 0)])
def test_too_few_cutoffs_are_refused(first: str, count: int) -> None:
    with pytest.raises(NotEnoughData) as refused:
        plan_cutoffs(Cutoffs(first=day(first), holdout=days("25-05-01")), 30, STARTS, day("25-07-01"))
    assert str(refused.value) == (
        f"between the first usable cutoff {day(first)} and 2025-04-01 (one horizon before the hold-out 2025-05-01) "
        f"lie {count} cutoffs; 2 are needed. The log starts on 2025-01-01: wait, choose a shorter horizon, or set "
        "[cutoffs] every = 'week'."
    )


def test_two_cutoffs_are_enough() -> None:
    cutoffs = Cutoffs(first=day("25-03-02"), holdout=days("25-05-01"))
    assert plan_cutoffs(cutoffs, 30, STARTS, day("25-07-01")).train == days("25-03-02 25-04-01")


DATES = st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31))


@given(
    st.sampled_from(["month", "week"]),
    st.none() | DATES,
    st.lists(DATES, max_size=3),
    st.integers(1, 12),
    st.integers(1, 120),
    DATES,
    DATES,
)
def test_no_window_of_a_plan_reaches_where_it_must_not(
    every: str,
    first: dt.date | None,
    holdout: list[dt.date],
    holdouts: int,
    horizon: int,
    starts: dt.date,
    today: dt.date,
) -> None:
    """Training windows end by the first hold-out, all windows by today, whatever is asked for."""
    cutoffs = Cutoffs(first=first, every=every, holdout=tuple(holdout), holdouts=holdouts)
    try:
        plan = plan_cutoffs(cutoffs, horizon, starts, today)
    except (NotEnoughData, WindowNotRecorded):
        return
    gap = dt.timedelta(days=horizon)
    assert plan.train[-1] + gap <= plan.holdout[0]
    assert plan.holdout[-1] + gap <= today
    assert list(plan.train) == sorted(set(plan.train))
    assert plan.train[0] == (first or starts + gap)
    assert plan.holdout == (tuple(sorted(holdout)) or plan.holdout)
    assert len(plan.holdout) == (len(holdout) or holdouts)


def test_seen_throughout_keeps_gaps_of_customers_and_drops_gaps_of_dates() -> None:
    """Unknown for some of the customers at every cutoff is theirs; for all of them at one is the date's."""
    first, second = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-02-01", tz="UTC")
    nan = np.nan
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "b", "a", "b"],
            "cutoff": [first, first, second, second],
            "gap_mean_days": [nan, 3.0, nan, nan],
            "orders_28d": [1.0, 2.0, 0.0, 1.0],
            "orders_90d": [nan, nan, 4.0, 5.0],
            "spend_28d": [nan, 2.0, 3.0, nan],
            "spend_90d": [nan, nan, nan, nan],
        }
    )
    features = declared.named(list(rows.columns[2:]))
    kept = seen_throughout(rows, features)
    assert [f.name for f in kept] == ["orders_28d", "spend_28d"]
    assert [f.name for f in seen_throughout(rows[:2], features)] == ["gap_mean_days", "orders_28d", "spend_28d"]
    assert [f.name for f in seen_throughout(rows[2:], features)] == ["orders_28d", "orders_90d", "spend_28d"]


def instants(text: str, zone: str = "UTC") -> pd.Series:
    """The instant at which each date begins."""
    return pd.Series(pd.to_datetime([begins(d, zone) for d in days(text)], utc=True).as_unit("us"))


def folded(cutoff: pd.Series, horizon: int) -> list[tuple[list[int], list[int]]]:
    """`forward_folds` as plain lists."""
    return [(a.tolist(), b.tolist()) for a, b in forward_folds(cutoff, horizon)]


def test_a_fold_learns_from_windows_that_had_closed() -> None:
    """Each row by its place, not by its label; the day on which a window ends is not in it."""
    cutoff = instants("26-01-01 26-01-29 26-01-29 26-02-26 26-02-25")
    assert folded(cutoff, 28) == [([0], [1, 2]), ([0], [4]), ([0, 1, 2], [3])]
    assert folded(cutoff, 29) == [([0], [4]), ([0], [3])]
    assert folded(cutoff.set_axis([9, 8, 7, 7, 7]), 28) == folded(cutoff, 28)


def test_only_the_last_three_cutoffs_are_predicted() -> None:
    cutoff = instants("26-01-01 26-02-01 26-03-01 26-04-01 26-05-01")
    assert folded(cutoff, 28) == [([0, 1], [2]), ([0, 1, 2], [3]), ([0, 1, 2, 3], [4])]


@pytest.mark.parametrize("dates", ["26-03-08 26-04-05", "26-10-04 26-11-01"])
def test_a_fold_counts_days_where_the_clocks_are_changed(dates: str) -> None:
    """28 of the business's days lie between, though an hour less, or more, than 28 times 24 hours."""
    cutoff = instants(dates, "Europe/Berlin")
    assert folded(cutoff, 28) == [([0], [1])]
    with pytest.raises(NotEnoughData):
        forward_folds(cutoff, 29)


def test_no_fold_is_said() -> None:
    with pytest.raises(NotEnoughData) as refused:
        forward_folds(instants("26-01-01 26-01-28"), 28)
    assert str(refused.value) == (
        "no training cutoff lies 28 days after another; calibration needs an earlier one to predict a later one. "
        "A longer history or a shorter horizon gives more."
    )


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])


@given(st.lists(DATES, min_size=2, max_size=12), st.integers(1, 60), ZONES)
def test_no_training_row_of_a_fold_has_a_window_past_its_cutoff(dates: list[dt.date], horizon: int, zone: str) -> None:
    """In the business's own days, and no row that had closed is left out."""
    cutoff = pd.Series(pd.to_datetime([begins(d, zone) for d in dates], utc=True).as_unit("us"))
    gap = dt.timedelta(days=horizon)
    expected = [
        ([k for k, d in enumerate(dates) if d + gap <= date], [k for k, d in enumerate(dates) if d == date])
        for date in sorted(set(dates))[-3:]
    ]
    expected = [fold for fold in expected if fold[0]]
    if expected:
        assert folded(cutoff, horizon) == expected
    else:
        with pytest.raises(NotEnoughData):
            forward_folds(cutoff, horizon)


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Four customers: a goes on, b stops, c is long gone, d is new and is recorded late."""
    log = orders(
        "a: 2026-01-02 10, 2026-01-20 12, 2026-02-10 11, 2026-03-09 10;"
        "b: 2026-01-05 30, 2026-01-30 20;"
        "c: 2025-10-01 5;"
        "d: 2026-01-31 8 @2026-02-03, 2026-03-02 4"
    )
    store.write_table(tmp_path / "orders.parquet", log)
    return tmp_path


ASKED = declared.named(["days_since_last_order", "orders_28d", "spend_per_week"])
SPEC = Spec("own", 10, active_days=60)


def test_rows_of_the_cohort_with_their_features(facts: Path) -> None:
    rows = rows_at(facts, days("26-02-01 26-03-01"), "UTC", Ask(SPEC, ASKED))
    assert list(rows.columns) == ["customer_id", "cutoff", "days_since_last_order", "orders_28d", "spend_per_week"]
    told = [(c, f"{t:%m-%d}", last, n) for c, t, last, n, _ in rows.itertuples(index=False)]
    assert told == [
        ("a", "02-01", 12.0, 1.0),
        ("a", "03-01", 19.0, 1.0),
        ("b", "02-01", 2.0, 2.0),
        ("b", "03-01", 30.0, 0.0),
        ("d", "03-01", 29.0, 0.0),
    ]


def test_everybody_is_asked_about_without_an_active_window(facts: Path) -> None:
    assert rows_at(facts, days("26-02-01"), "UTC", Ask(Spec("own", 10), ASKED))["customer_id"].tolist() == [
        "a",
        "b",
        "c",
    ]


def test_labelled_rows_are_the_same_rows_with_an_outcome(facts: Path) -> None:
    rows = labelled_rows(facts, days("26-02-01 26-03-01"), "UTC", day("26-03-11"), Ask(SPEC, ASKED))
    plain = rows_at(facts, days("26-02-01 26-03-01"), "UTC", Ask(SPEC, ASKED))
    pd.testing.assert_frame_equal(rows.drop(columns="churned"), plain)
    assert dict(zip(zip(rows["customer_id"], rows["cutoff"].dt.month, strict=True), rows["churned"], strict=True)) == {
        ("a", 2): False,
        ("a", 3): False,
        ("b", 2): True,
        ("b", 3): True,
        ("d", 3): False,
    }
