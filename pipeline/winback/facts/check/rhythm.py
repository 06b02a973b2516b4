"""When the rows of a table happened: by quarter of an hour, by hour of the local day, by day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.facts.check.look import Look
from winback.facts.days import US_PER_DAY, Ints, begins, day_number, day_numbers, day_of, microseconds

OLDEST = dt.date(1990, 1, 1)  # what claims to be older is a stand-in for an unknown date
QUARTER_US = 900_000_000
# Where the configured zone never changes its clocks, the seasons are told apart by one that does.
ZONE_WITH_SEASONS = "Europe/Berlin"


@dataclass(frozen=True)
class Rhythm:
    """One row a quarter of an hour with rows in it, by the clocks of the table's zone.

    `quarters`: day (number), quarter (0..95), season (how far the clocks were put, in hours), rows, and
    sharp: the rows exactly at its beginning. `daily`: rows a day, from the first day with any to the
    last day before today, none left out; the first day is `first`.
    """

    quarters: pd.DataFrame
    daily: Ints
    first: int

    @property
    def rows(self) -> int:
        """All rows."""
        return int(self.daily.sum())

    def day(self, index: int) -> dt.date:
        """The date of an entry of `daily`."""
        return day_of(self.first + int(index))

    def hours(self) -> Ints:
        """Rows by hour of the local day."""
        return np.bincount(self.quarters["quarter"] // 4, weights=self.quarters["rows"], minlength=24)[:24]


def rhythm_of(look: Look) -> Rhythm | None:
    """The rhythm of a table's rows since 1990; None without any."""
    since = microseconds(begins(OLDEST, look.zone))
    found = look.ask(f"""
        SELECT at_us // {QUARTER_US} AS slot, count(*) AS rows,
            count(*) FILTER (at_us % {QUARTER_US} = 0) AS sharp
        FROM {look.table} WHERE at_us >= {since} GROUP BY 1 ORDER BY 1
    """)  # noqa: S608 - numbers and a contract's name
    if found.empty:
        return None
    us = found["slot"].to_numpy(np.int64) * QUARTER_US
    day = day_numbers(us, look.zone)
    days, place = np.unique(day, return_inverse=True)
    starts = np.array([microseconds(begins(day_of(int(d)), look.zone)) for d in days], dtype=np.int64)
    quarters = found.assign(
        day=day,
        quarter=np.clip((us - starts[place]) // QUARTER_US, 0, 95),
        season=_seasons(days, starts)[place],
    )
    last = day_number(look.today) - 1
    daily = np.bincount(day - days[0], weights=found["rows"], minlength=max(1, last - days[0] + 1))
    return Rhythm(quarters, daily.astype(np.int64), int(days[0]))


def _seasons(days: Ints, starts: Ints) -> NDArray[np.float64]:
    """By how many hours the clocks are ahead of UTC on each day, in the zone or in one that has seasons."""
    ahead = days * US_PER_DAY - starts
    if (ahead == ahead[0]).all():
        moved = [microseconds(begins(day_of(int(d)), ZONE_WITH_SEASONS)) for d in days]
        ahead = days * US_PER_DAY - np.array(moved, dtype=np.int64)
    hours: NDArray[np.float64] = ahead / 3.6e9
    return hours
