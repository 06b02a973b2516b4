"""Days of the business's calendar, and the instants at which they begin."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

EPOCH = dt.date(1970, 1, 1)
UTC = dt.UTC


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
