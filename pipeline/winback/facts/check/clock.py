"""What the stamps of a table give away about how they were written: dates without times, wrong zones, stand-ins."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.facts.check.findings import Finding, of_all, percent
from winback.facts.check.look import Look
from winback.facts.check.rhythm import OLDEST, Rhythm
from winback.facts.days import Ints, begins, microseconds

ENOUGH = 200  # rows, before anything is said of hours
NIGHT = 3  # the hour at which people sleep
EARLIEST_MIDDLE, LATEST_MIDDLE = -1.0, 6.5  # of the quiet hours of a business whose clock is right
QUIET = 0.1  # of the busiest hour
STRAY_GAP_DAYS, STRAY_SHARE = 180, 0.01


def check_clock(look: Look, rhythm: Rhythm | None) -> Iterator[Finding]:
    """What is odd about when the rows of a table happened, apart from how many a day."""
    yield from _ancient(look)
    if rhythm is None:
        return
    yield from _stray(look, rhythm)
    if rhythm.rows < ENOUGH:
        return
    if found := _no_time(look, rhythm):
        yield found
        return
    if look.table == "contacts":  # a program sends them, to many at once and at its hour
        return
    if found := _other_midnight(look, rhythm):
        yield found
        return
    yield from _some_midnights(look, rhythm)
    yield from _same_instant(look, rhythm)
    yield from _quiet_hours(look, rhythm)
    yield from _clock_change(look, rhythm)


def _ancient(look: Look) -> Iterator[Finding]:
    oldest = microseconds(begins(OLDEST, look.zone))
    found = look.one(f"SELECT count(*) FILTER (at_us < {oldest}) AS n, min({look.moment}::DATE) AS d FROM {look.table}")
    if found["n"]:
        yield Finding(
            look.table, look.moment, "warning", "ancient_date",
            f"{of_all(found['n'], look.rows, 'rows')} are dated before {OLDEST.year}, the oldest {found['d']}",
            "Such dates stand for an unknown one and make the history seem longer; leave them empty in the source.",
            found["n"], found["n"] / look.rows,
        )  # fmt: skip


def _stray(look: Look, rhythm: Rhythm) -> Iterator[Finding]:
    """A few rows long before all others."""
    days = np.flatnonzero(rhythm.daily)
    before = np.cumsum(rhythm.daily)[days[:-1]] / rhythm.rows
    lone = np.flatnonzero((np.diff(days) >= STRAY_GAP_DAYS) & (before <= STRAY_SHARE))
    if len(lone):
        last = lone[-1]
        count, begin = int(rhythm.daily[: days[last] + 1].sum()), rhythm.day(days[last + 1])
        yield Finding(
            look.table, look.moment, "warning", "stray_first_rows",
            f"{of_all(count, rhythm.rows, 'rows')} lie before {begin}, when the others begin; the first is of "
            f"{rhythm.day(days[0])}",
            "The history is taken to begin with the first row: take these out, or set [cutoffs] first well "
            f"after {begin}.",
            count, count / rhythm.rows,
        )  # fmt: skip


def _no_time(look: Look, rhythm: Rhythm) -> Finding | None:
    quarters = rhythm.quarters
    share = int(quarters.loc[quarters["quarter"] == 0, "sharp"].sum()) / rhythm.rows
    if share < 0.99:
        return None
    return Finding(
        look.table, look.moment, "note", "no_time_of_day",
        f"{'all' if share == 1 else percent(share)} of the stamps are exactly midnight: days without a time",
        "Nothing is wrong with that, but habits of the hour stay unknown; map a column with the time if there "
        "is one.",
        share=share,
    )  # fmt: skip


def _other_midnight(look: Look, rhythm: Rhythm) -> Finding | None:
    """All at one hour of the day, or at two that lie an hour apart: days of another zone."""
    sharp = rhythm.quarters.groupby("quarter")["sharp"].sum()
    top = sharp.nlargest(2)
    near = len(top) == 1 or abs(int(top.index[0]) - int(top.index[1])) in (4, 92)
    share = int(top.sum() if near else top.iloc[0]) / rhythm.rows
    if share < 0.95:
        return None
    first = int(top.index[0])
    hour = f"{first // 4:02}:{first % 4 * 15:02}"
    return Finding(
        look.table, look.moment, "warning", "midnight_of_another_zone",
        f"{'all' if share == 1 else percent(share)} of the stamps are at {hour} by the clocks of {look.zone}: "
        "midnights of another zone",
        f"Many of these days are then a day off: set time_zone in [sources.{look.table}] to the zone the dates "
        "were written in.",
        share=share,
    )  # fmt: skip


def _some_midnights(look: Look, rhythm: Rhythm) -> Iterator[Finding]:
    quarters = rhythm.quarters
    count = int(quarters.loc[quarters["quarter"] == 0, "sharp"].sum())
    if count / rhythm.rows >= 0.05:
        yield Finding(
            look.table, look.moment, "warning", "some_without_time",
            f"{of_all(count, rhythm.rows, 'stamps')} are exactly midnight, the others are not",
            "Some of the rows seem to have lost their time; those of a day are then taken in the wrong order.",
            count, count / rhythm.rows,
        )  # fmt: skip


def _same_instant(look: Look, rhythm: Rhythm) -> Iterator[Finding]:
    """Many customers at the very same instant, which is no midnight."""
    found = look.ask(f"""
        SELECT at_us, count(DISTINCT customer_id) AS n FROM {look.table}
        GROUP BY 1 HAVING count(*) >= 20 ORDER BY n DESC, 1 LIMIT 1
    """)
    if found.empty:
        return
    count, us = int(found["n"][0]), int(found["at_us"][0])
    quarter = rhythm.quarters[rhythm.quarters["slot"] == us // 900_000_000]
    is_midnight = us % 900_000_000 == 0 and (quarter["quarter"] == 0).any()
    if count >= max(20, 0.01 * rhythm.rows) and not is_midnight:
        at = pd.Timestamp(us, unit="us", tz="UTC").tz_convert(look.zone)
        yield Finding(
            look.table, look.moment, "warning", "one_instant",
            f"{count:,} customers have a row at the very same instant, {at:%Y-%m-%d %H:%M:%S}",
            "That is when a program wrote them, not when it happened: map the column that tells the latter.",
            count, count / rhythm.rows,
        )  # fmt: skip


def quiet_run(hours: Ints) -> tuple[int, int]:
    """The first hour and the length of the longest run of quiet hours, around midnight too."""
    quiet = np.tile(hours <= QUIET * hours.max(), 2)
    best, length = (0, 0), 0
    for hour, is_quiet in enumerate(quiet):
        length = length + 1 if is_quiet else 0
        if length > best[1] and length <= 24:
            best = (hour - length + 1) % 24, length
    return best


def _quiet_hours(look: Look, rhythm: Rhythm) -> Iterator[Finding]:
    hours = rhythm.hours()
    start, length = quiet_run(hours)
    if hours.min() > 0.5 * hours.max():
        yield Finding(
            look.table, look.moment, "note", "no_quiet_hours",
            "no hour of the day is quiet, and people sleep",
            "If the stamps tell when a program wrote the row, map the column that tells when it happened.",
        )  # fmt: skip
        return
    middle = (start + length / 2 + 12) % 24 - 12
    sleeps = (NIGHT - start) % 24 < length
    misplaced = not EARLIEST_MIDDLE <= middle <= LATEST_MIDDLE if length <= 12 else not sleeps
    if length >= 4 and (misplaced or not sleeps):
        yield Finding(
            look.table, look.moment, "warning", "quiet_by_day",
            f"by the clocks of {look.zone} the quiet hours are {start:02}:00 to {(start + length) % 24:02}:00, "
            f"with {percent(_share_in(hours, start, length))} of the rows; people sleep around {NIGHT:02}:00",
            "A time zone seems wrong: [project] time_zone is that of the customers, time_zone in "
            f"[sources.{look.table}] the "
            "one the stamps are written in.",
        )  # fmt: skip


def _share_in(hours: Ints, start: int, length: int) -> float:
    return float(np.roll(hours, -start)[:length].sum() / hours.sum())


def _smooth(quarters: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shares of the day's quarters of an hour, each averaged with the two on either side."""
    near: NDArray[np.float64] = np.mean([np.roll(quarters, shift) for shift in range(-2, 3)], axis=0)
    shares: NDArray[np.float64] = near / quarters.sum()
    return shares


def _clock_change(look: Look, rhythm: Rhythm) -> Iterator[Finding]:
    """The day's rhythm moves by an hour when the clocks are changed: stamps of a zone that changes them otherwise."""
    counts = rhythm.quarters.pivot_table(index="quarter", columns="season", values="rows", aggfunc="sum", fill_value=0)
    counts = counts.reindex(range(96), fill_value=0)
    if counts.shape[1] != 2 or counts.sum().min() < 10 * ENOUGH:
        return
    winter, summer = (_smooth(counts[season].to_numpy(np.float64)) for season in sorted(counts.columns))
    apart = {shift: float(np.abs(np.roll(winter, shift) - summer).sum()) for shift in (-4, 0, 4)}
    best = min(apart, key=lambda shift: apart[shift])
    if best and apart[0] > 0.12 and apart[best] < 0.6 * apart[0]:
        yield Finding(
            look.table, look.moment, "warning", "clock_change",
            f"in summer all happens an hour {'later' if best > 0 else 'earlier'} than in winter by the clocks of "
            f"{look.zone}",
            "A time zone seems wrong: [project] time_zone is that of the customers, time_zone in "
            f"[sources.{look.table}] the "
            "one the stamps are written in.",
        )  # fmt: skip
