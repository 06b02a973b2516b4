"""Renewal days on calendars, against adding one period after another."""

from __future__ import annotations

import calendar
import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.facts.days import day_number, day_of
from winback.facts.features.kernel import NEVER, Log
from winback.facts.features.renewals import next_renewal

DAYS = st.dates(dt.date(2019, 1, 1), dt.date(2029, 1, 1))


def found(rows: list[tuple[str, int, int, str]], cutoff: str) -> float | None:
    """Days to the next renewal of one customer's subscriptions: (started, months, days, ended or "")."""
    starts = np.array([number(started) for started, *_ in rows], dtype=np.int64)
    measures = {
        "period_months": np.array([months for _, months, _, _ in rows], dtype=np.int64),
        "period_days": np.array([days for _, _, days, _ in rows], dtype=np.int64),
        "ends_day": np.array([number(ended) if ended else NEVER for *_, ended in rows], dtype=np.int64),
    }
    log = Log(np.zeros_like(starts), starts, starts * 86_400_000_000, starts, measures)
    seen = np.array([int((starts < number(cutoff)).sum())])
    days = next_renewal(log, np.zeros(1, dtype=np.int64), seen, np.array([number(cutoff)]))[0]
    return None if np.isnan(days) else float(days)


def number(day: str) -> int:
    return day_number(dt.date.fromisoformat(day))


@pytest.mark.parametrize(
    ("rows", "cutoff", "expected"),
    [
        ([("2026-01-15", 1, 0, "")], "2026-02-10", 5),
        ([("2026-01-15", 1, 0, "")], "2026-02-15", 0),
        ([("2026-01-15", 1, 0, "")], "2026-02-16", 27),
        ([("2026-01-31", 1, 0, "")], "2026-02-10", 18),  # 28 February
        ([("2026-01-31", 1, 0, "")], "2026-03-01", 30),  # 31 March, not the 28th
        ([("2024-02-29", 12, 0, "")], "2025-01-01", 58),  # 28 February
        ([("2024-02-29", 12, 0, "")], "2027-03-01", 365),  # 29 February 2028
        ([("2026-01-15", 0, 7, "")], "2026-01-16", 6),
        ([("2026-01-15", 0, 7, "")], "2026-01-22", 0),
        ([("2026-01-15", 0, 0, "")], "2026-01-16", None),  # no period is known
        ([], "2026-01-16", None),
        # the newest that has not ended; an end on the cutoff's own day is not known yet
        ([("2026-01-01", 1, 0, ""), ("2026-01-10", 1, 0, "2026-01-12")], "2026-01-20", 12),
        ([("2026-01-01", 1, 0, ""), ("2026-01-10", 1, 0, "2026-01-20")], "2026-01-20", 21),
        ([("2026-01-01", 1, 0, "2026-01-12")], "2026-01-20", None),
        # two at one instant: the sooner renewal
        ([("2026-01-10", 1, 0, ""), ("2026-01-10", 0, 14, "")], "2026-01-20", 4),
        ([("2026-01-10", 0, 14, ""), ("2026-01-10", 1, 0, "")], "2026-01-20", 4),
    ],
)
def test_days_to_the_next_renewal(rows, cutoff, expected):
    assert found(rows, cutoff) == expected


@given(DAYS, DAYS, st.sampled_from([1, 3, 6, 12]))
def test_months_are_those_of_a_calendar(started, cutoff, months):
    if started >= cutoff:
        started, cutoff = cutoff, started + dt.timedelta(days=1)
    renewals = (later(started, k * months) for k in range(1, 400))
    wanted = next(day for day in renewals if day >= cutoff)
    days = found([(started.isoformat(), months, 0, "")], cutoff.isoformat())
    assert day_of(day_number(cutoff) + int(days or 0)) == wanted


def later(day: dt.date, months: int) -> dt.date:
    """So many months later; the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
