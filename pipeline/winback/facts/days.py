"""Days of the business's calendar, and the instants at which they begin."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

EPOCH = dt.date(1970, 1, 1)
UTC = dt.UTC
US_PER_HOUR = 3_600_000_000
US_PER_DAY = 24 * US_PER_HOUR


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> dt.date:
    """The date of a day number."""
    return EPOCH + dt.timedelta(days=int(number))


def begins(day: dt.date, zone: str) -> dt.datetime:
    """The UTC instant at which a day begins in a zone.

    Where the clocks skip midnight, the day begins at the instant of the skip.
    """
    return dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def microseconds(instant: dt.datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z of an aware instant."""
    return (instant - dt.datetime(1970, 1, 1, tzinfo=UTC)) // dt.timedelta(microseconds=1)


def months_from(first: dt.date, last: dt.date) -> list[dt.date]:
    """`first` and the starts of the months after it, up to and with `last`."""
    days, day = [], first
    while day <= last:
        days.append(day)
        day = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return days


def weeks_from(first: dt.date, last: dt.date) -> list[dt.date]:
    """`first` and every seventh day after it, up to and with `last`."""
    return [first + dt.timedelta(days=n) for n in range(0, (last - first).days + 1, 7)]


def day_numbers(us: Ints, zone: str) -> Ints:
    """The day each instant (microseconds since 1970 UTC) lies in: the latest that has begun in the zone.

    Exact for every zone: a first guess from the zone's smallest offset is never too late, and is moved
    on while the next day has begun.
    """
    if not len(us):
        return np.zeros(0, dtype=np.int64)
    first, last = int(us.min()) // US_PER_DAY - 2, int(us.max()) // US_PER_DAY + 3
    starts = _starts(zone, first, last)
    # What a day's start is before UTC midnight, at most; the guess is by the most westerly of them.
    shift = int((starts - np.arange(first, last + 1) * US_PER_DAY).max())
    days: Ints = (us - shift) // US_PER_DAY
    if (starts == np.arange(first, last + 1) * US_PER_DAY + shift).all():
        return days
    while (behind := us >= starts[days + (1 - first)]).any():
        days += behind
    return days


@lru_cache(maxsize=64)
def _starts(zone: str, first: int, last: int) -> Ints:
    """The instants at which the days from `first` to `last` begin."""
    return np.array([microseconds(begins(day_of(day), zone)) for day in range(first, last + 1)], dtype=np.int64)


def local_hours(us: Ints, zone: str) -> Ints:
    """What hour (0..23) the clocks of a zone show at each instant."""
    if not len(us):
        return np.zeros(0, dtype=np.int64)
    changes, offsets = _offsets(zone, int(us.min()) // US_PER_DAY - 1, int(us.max()) // US_PER_DAY + 2)
    local = us + (offsets[np.searchsorted(changes, us, side="right")] if len(changes) else offsets[0])
    hours: Ints = local % US_PER_DAY // US_PER_HOUR
    return hours


@lru_cache(maxsize=64)
def _offsets(zone: str, first: int, last: int) -> tuple[Ints, Ints]:
    """The instants at which the clocks of a zone change between two days, and the offsets before, between, after."""
    step = US_PER_HOUR * 6
    found = [(us, _offset(us, zone)) for us in range(first * US_PER_DAY, last * US_PER_DAY + 1, step)]
    changes = [_change(a, b, zone) for (a, was), (b, is_) in pairwise(found) if was != is_]
    offsets = [found[0][1], *(_offset(us, zone) for us in changes)]
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _offset(us: int, zone: str) -> int:
    """How far the clocks of a zone are ahead of UTC at an instant, in microseconds."""
    at = dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=us)
    ahead = at.astimezone(ZoneInfo(zone)).utcoffset() or dt.timedelta(0)
    return ahead // dt.timedelta(microseconds=1)


def _change(before: int, after: int, zone: str) -> int:
    """The instant in (before, after] at which the offset changes, to the microsecond."""
    was = _offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, zone) == was else (before, middle)
    return after
