"""Days of thirty calendars at every change of their clocks, against a search for the day's first instant."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.facts.days import (
    begins,
    day_number,
    day_numbers,
    day_of,
    local_hours,
    microseconds,
    months_from,
    weeks_from,
)

DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1))
DAY = dt.timedelta(days=1)
EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FIRST, LAST, SETTLED = dt.date(2015, 1, 1), dt.date(2035, 12, 31), dt.date(2025, 12, 31)
# Whole, half and quarter hours east and west; clocks that change at midnight, by half an hour, in winter,
# in Ramadan, no more, or over the day line.
ZONES = """
    UTC Europe/Berlin Europe/London Europe/Lisbon Europe/Dublin Europe/Chisinau Europe/Moscow Europe/Istanbul
    America/New_York America/Chicago America/Los_Angeles America/St_Johns America/Havana America/Sao_Paulo
    America/Asuncion America/Santiago America/Scoresbysund America/Nuuk Atlantic/Azores Africa/Cairo
    Africa/Casablanca Asia/Beirut Asia/Amman Asia/Tehran Asia/Gaza Asia/Kolkata Asia/Kathmandu Asia/Pyongyang
    Australia/Sydney Australia/Lord_Howe Pacific/Chatham Pacific/Apia Pacific/Norfolk Pacific/Auckland
""".split()  # noqa: SIM905 - read as a text


@cache
def changes(zone: str) -> list[dt.date]:
    """The days by whose noon (in Greenwich) the clocks differ from the noon before."""
    clock = ZoneInfo(zone)
    noons = [dt.datetime.combine(FIRST + n * DAY, dt.time(12), dt.UTC) for n in range((LAST - FIRST).days + 1)]
    offsets = [noon.astimezone(clock).utcoffset() for noon in noons]
    return [noons[n].date() for n in range(1, len(noons)) if offsets[n] != offsets[n - 1]]


def first_instant(day: dt.date, zone: str) -> dt.datetime:
    """The first quarter of a second that has this date, or a later one, on the clocks of a zone."""
    clock = ZoneInfo(zone)
    start = dt.datetime.combine(day - 2 * DAY, dt.time(), dt.UTC)

    def instant(quarter: int) -> dt.datetime:
        return start + quarter * dt.timedelta(seconds=0.25)

    return instant(bisect_left(range(4 * 86_400 * 4), day, key=lambda q: instant(q).astimezone(clock).date()))


def test_there_are_thirty_zones_and_hundreds_of_changes():
    assert len(set(ZONES)) >= 30
    assert sum(len(changes(zone)) for zone in ZONES) > 700


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_with_its_first_instant(zone):
    """On every change from 2015 to 2035, on the days about it, and on leap days and the ends of years."""
    about = {day + n * DAY for day in changes(zone) for n in (-1, 0, 1)}
    about |= {dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(2025, 12, 31), dt.date(2026, 1, 1)}
    wrong = [str(day) for day in sorted(about) if begins(day, zone) != first_instant(day, zone)]
    assert wrong == []


@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_lies_in_the_latest_day_that_has_begun(zone):
    """At each start of a day about every change of the clocks, and a microsecond before it."""
    about = sorted({day + n * DAY for day in changes(zone) for n in (-1, 0, 1)} | {SETTLED})
    starts = [microseconds(begins(day, zone)) for day in about]
    stamps = np.array([start + n for start in starts for n in (-1, 0)])
    numbers = [day_number(day) for day in about]
    assert day_numbers(stamps, zone).tolist() == [n for number in numbers for n in (number - 1, number)]


@pytest.mark.parametrize("zone", ZONES)
def test_hours_are_those_that_the_clocks_show(zone):
    """Every seven minutes and a bit, a day and a half about every change of the clocks."""
    clock, bit = ZoneInfo(zone), dt.timedelta(minutes=7, microseconds=1)
    noons = [dt.datetime.combine(day - DAY, dt.time(12), dt.UTC) for day in changes(zone)[:12]] or [EPOCH]
    stamps = [noon + n * bit for noon in noons for n in range(310)]
    hours = local_hours(np.array([microseconds(stamp) for stamp in stamps]), zone)
    assert hours.tolist() == [stamp.astimezone(clock).hour for stamp in stamps]


def test_a_day_that_was_left_out_has_no_instants():
    around = np.array([microseconds(begins(dt.date(2011, 12, 30), "Pacific/Apia")) + n for n in (-1, 0)])
    assert [day_of(n).isoformat() for n in day_numbers(around, "Pacific/Apia")] == ["2011-12-29", "2011-12-31"]


def test_no_instants_have_no_days_and_no_hours():
    none = np.zeros(0, dtype=np.int64)
    assert day_numbers(none, "UTC").tolist() == local_hours(none, "UTC").tolist() == []


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2026-01-01", "UTC", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01", "Asia/Kolkata", "2025-12-31T18:30:00+00:00"),
        ("2026-03-08", "America/New_York", "2026-03-08T05:00:00+00:00"),
        ("2026-03-09", "America/New_York", "2026-03-09T04:00:00+00:00"),
        ("2026-04-05", "Australia/Lord_Howe", "2026-04-04T13:00:00+00:00"),
        ("2026-04-06", "Australia/Lord_Howe", "2026-04-05T13:30:00+00:00"),
        # no midnight: the clocks went from 24 o'clock to one
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        ("2024-04-26", "Africa/Cairo", "2024-04-25T22:00:00+00:00"),
        # two midnights: the first
        ("2025-11-02", "America/Havana", "2025-11-02T04:00:00+00:00"),
        # no day at all: it is over as it begins
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_the_instant_at_which_a_day_begins(day, zone, expected):
    assert begins(dt.date.fromisoformat(day), zone).isoformat() == expected


@pytest.mark.parametrize(
    ("day", "number"), [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11016), ("2026-01-01", 20454)]
)
def test_a_days_number(day, number):
    assert day_number(dt.date.fromisoformat(day)) == number
    assert day_of(number).isoformat() == day


@given(DAYS)
def test_days_and_numbers_are_each_others(day):
    assert day_of(day_number(day)) == day
    assert day_number(day + DAY) == day_number(day) + 1


@given(DAYS, st.sampled_from(ZONES))
def test_days_follow_each_other(day, zone):
    assert begins(day, zone) < begins(day + DAY, zone)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.000001+01:00", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2200-01-01T00:00:00.000001Z", 7_258_118_400_000_001),
    ],
)
def test_microseconds_are_exact(instant, expected):
    assert microseconds(dt.datetime.fromisoformat(instant)) == expected


@pytest.mark.parametrize(
    ("step", "first", "last", "expected"),
    [
        (months_from, "2025-11-05", "2026-02-01", ["2025-11-05", "2025-12-01", "2026-01-01", "2026-02-01"]),
        (months_from, "2025-11-05", "2026-01-31", ["2025-11-05", "2025-12-01", "2026-01-01"]),
        (months_from, "2024-01-31", "2024-03-01", ["2024-01-31", "2024-02-01", "2024-03-01"]),
        (months_from, "2026-01-01", "2026-01-01", ["2026-01-01"]),
        (months_from, "2026-01-02", "2026-01-01", []),
        (weeks_from, "2026-02-20", "2026-03-06", ["2026-02-20", "2026-02-27", "2026-03-06"]),
        (weeks_from, "2026-02-20", "2026-03-05", ["2026-02-20", "2026-02-27"]),
        (weeks_from, "2026-02-20", "2026-02-20", ["2026-02-20"]),
        (weeks_from, "2026-02-21", "2026-02-20", []),
    ],
)
def test_steps_from_a_day_to_a_day(step, first, last, expected):
    days = step(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert [day.isoformat() for day in days] == expected
