"""Whole periods of the calendar."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Length = Literal["week", "month", "quarter"]
PER_YEAR = {"week": 365.25 / 7, "month": 12.0, "quarter": 4.0}
EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Period:
    """The days from `start` up to, without, `end`."""

    name: str
    start: dt.date
    end: dt.date

    @property
    def days(self) -> tuple[int, int]:
        """Start and end in days since 1970."""
        return (self.start - EPOCH).days, (self.end - EPOCH).days


def day_of(number: int) -> dt.date:
    """The date of days since 1970."""
    return EPOCH + dt.timedelta(days=number)


def periods(first: dt.date, until: dt.date, length: Length) -> list[Period]:
    """The whole weeks (from Monday), months or quarters within `first` up to, without, `until`.

    >>> [p.name for p in periods(dt.date(2025, 12, 15), dt.date(2026, 3, 1), "month")]
    ['2026-01', '2026-02']
    >>> [p.name for p in periods(dt.date(2025, 12, 29), dt.date(2026, 1, 11), "week")]
    ['2026-W01']
    """
    start, found = period_of(first, length).start, []
    while (each := period_of(start, length)).end <= until:
        if each.start >= first:
            found.append(each)
        start = each.end
    return found


def period_of(day: dt.date, length: Length) -> Period:
    """The period that a day lies in.

    >>> period_of(dt.date(2026, 5, 9), "quarter")
    Period(name='2026-Q2', start=datetime.date(2026, 4, 1), end=datetime.date(2026, 7, 1))
    """
    if length == "week":
        start = day - dt.timedelta(days=day.weekday())
        year, week, _ = day.isocalendar()
        return Period(f"{year}-W{week:02}", start, start + dt.timedelta(days=7))
    months = 1 if length == "month" else 3
    month = (day.month - 1) // months * months + 1
    start = day.replace(month=month, day=1)
    end = (start + dt.timedelta(days=31 * months + 1)).replace(day=1)
    name = f"{day.year}-{month:02}" if months == 1 else f"{day.year}-Q{month // 3 + 1}"
    return Period(name, start, end)
