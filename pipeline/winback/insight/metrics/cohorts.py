"""Retention by days since a customer's first day: on day N, by day N, within days, on every day.

Day 0 is the first day. `ages` are one row an active customer and day (customer, age), `observed` one number a customer:
how many days after day 0 lie wholly before today. Who has not been observed long enough is not counted at all, above
the line or below it: young cohorts are cut off, not called lost.

Two clocks: *calendar* days of the business's zone, or *24 h* windows from the first moment on (Amplitude). The
functions take either; metrics of the second bear it in their names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure, share

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
NEVER = 2**62
US_PER_DAY = 86_400_000_000
DEVTODEV = "devtodev; GoPractice"
WATCHED = "customers whose day 0 was at least N whole days ago"
OLD_ENOUGH = "customers watched long enough"


@dataclass(frozen=True)
class Aged:
    """Active days by age: `who` (0..n-1) was active at `age` days; `observed` whole days of each of the n are known.

    `first`: the calendar day each of them began on, in days since 1970, NEVER for who was not active at all.
    """

    who: Ints
    age: Ints
    observed: Ints
    first: Ints

    @property
    def bought(self) -> Flags:
        """Who was active at all."""
        return self.first < NEVER

    def of(self, chosen: Flags) -> Aged:
        """Some of the customers."""
        number = np.cumsum(chosen) - 1
        rows = chosen[self.who]
        return Aged(number[self.who[rows]], self.age[rows], self.observed[chosen], self.first[chosen])


def aged(activity: pd.DataFrame, until: int, until_at: int | None = None) -> Aged:
    """The ages of what customers did: `activity` has one row a deed, `customer_id` and `day` (days since 1970).

    `until`: the first day that is not known. Where `until_at` is given, the instant from which on nothing is known,
    ages are windows of 24 hours from each customer's first moment on; the activity then has `at` too. Both instants
    are in microseconds since 1970 UTC.

    >>> activity = pd.DataFrame({"customer_id": ["a", "a", "b"], "day": [10, 17, 12]})
    >>> aged(activity, until=20).age.tolist(), aged(activity, until=20).observed.tolist()
    ([0, 7, 0], [9, 7])
    """
    who, known = pd.factorize(activity["customer_id"])
    calendar = aged_of(who, activity["day"].to_numpy("int64"), len(known), until)
    if until_at is None:
        return calendar
    return windowed(calendar, activity["at"].to_numpy("int64"), until_at)


def aged_of(who: Ints, day: Ints, customers: int, until: int) -> Aged:
    """The ages in calendar days of customers who are numbered already."""
    first = _first(who, day, customers)
    return Aged(who, day - first[who], until - 1 - first, first)


def windowed(calendar: Aged, at: Ints, until_at: int) -> Aged:
    """The ages in windows of 24 hours, from the moment of each row."""
    began = _first(calendar.who, at, len(calendar.first))
    observed = (until_at - began) // US_PER_DAY - 1
    return Aged(calendar.who, (at - began[calendar.who]) // US_PER_DAY, observed, calendar.first)


def _first(who: Ints, moment: Ints, customers: int) -> Ints:
    """The earliest moment of each customer, NEVER where there is none."""
    found = np.full(customers, NEVER)
    np.minimum.at(found, who, moment)
    return found


def _met(some: Aged, low: int, high: float) -> tuple[Flags, Flags]:
    """Who was active at an age from `low` to `high`, and who has been watched for as long as that takes."""
    here = np.zeros(len(some.observed), dtype=bool)
    here[some.who[(some.age >= low) & (some.age <= high)]] = True
    needed = low if high == np.inf else high
    return here, some.observed >= needed


def _shared(met: Flags, watched: Flags) -> Figure:
    return share(int((met & watched).sum()), int(watched.sum()), OLD_ENOUGH)


@metric(
    f"active on day N / {WATCHED}",
    "share",
    "article 3; devtodev; GoPractice",
    "On that one day, not by it. Days of the business's zone: for UTC days of a shop elsewhere the figure differs.",
    "cohort",
)
def day_n(some: Aged, n: int) -> Figure:
    """Share of the customers who are active exactly N calendar days after their first day.

    >>> week = pd.DataFrame({"customer_id": [*range(100), *range(15)], "day": [0] * 100 + [7] * 15})
    >>> day_n(aged(week, until=8), 7).value
    0.15
    """
    return _shared(*_met(some, n, n))


@metric("as day_n, in windows of 24 hours", "share", "Amplitude", "Evening buyers differ most from day_n.", "cohort")
def day_n_24h(some: Aged, n: int) -> Figure:
    """Share of the customers who are active from N * 24 to (N + 1) * 24 hours after their first moment.

    >>> at = [23 * 3_600_000_000, 25 * 3_600_000_000]
    >>> hours = pd.DataFrame({"customer_id": ["a", "a"], "day": [0, 1], "at": at})
    >>> day_n_24h(aged(hours, 9, until_at=9 * US_PER_DAY), 1).value  # two hours later is not a day later
    0.0
    """
    return _shared(*_met(some, n, n))


@metric(
    f"active on day N or any later day / {WATCHED}",
    "share",
    DEVTODEV,
    "Grows as time passes, most for young cohorts; never compare it with day_n. Article 3 words it loosely.",
    "cohort",
)
def rolling_n(some: Aged, n: int) -> Figure:
    """Share of the customers who are active on day N or later, as far as is known (unbounded retention).

    >>> log = pd.DataFrame({"customer_id": ["a", "a", "b"], "day": [0, 9, 0]})
    >>> rolling_n(aged(log, until=10), 7).value
    0.5
    """
    return _shared(*_met(some, n, np.inf))


@metric(
    f"active on ≥ 1 of days 1..N / {WATCHED}",
    "share",
    "devtodev",
    "",
    "cohort",
)
def return_n(some: Aged, n: int) -> Figure:
    """Share of the customers who come back at least once in days 1 to N.

    >>> log = pd.DataFrame({"customer_id": ["a", "a", "b"], "day": [0, 3, 0]})
    >>> return_n(aged(log, until=10), 7).value
    0.5
    """
    return _shared(*_met(some, 1, n))


@metric(
    f"active on ≥ 1 of days M..N / {WATCHED}",
    "share",
    "devtodev",
    "",
    "cohort",
)
def bracket_m_n(some: Aged, m: int, n: int) -> Figure:
    """Share of the customers who are active at least once in days M to N.

    >>> log = pd.DataFrame({"customer_id": ["a", "a", "b"], "day": [0, 40, 0]})
    >>> bracket_m_n(aged(log, until=61), 31, 60).value
    0.5
    """
    if not 0 < m <= n:
        raise ValueError(f"a bracket is of days M to N with 1 <= M <= N; came {m} to {n}")
    return _shared(*_met(some, m, n))


@metric(
    f"active on each of days 1..N / {WATCHED}",
    "share",
    "devtodev",
    "",
    "cohort",
)
def full_n(some: Aged, n: int) -> Figure:
    """Share of the customers who are active on every one of days 1 to N.

    >>> log = pd.DataFrame({"customer_id": ["a", "a", "a", "b", "b"], "day": [0, 1, 2, 0, 2]})
    >>> full_n(aged(log, until=5), 2).value
    0.5
    """
    rows = (some.age >= 1) & (some.age <= n)
    seen = np.zeros((len(some.observed), n), dtype=bool)
    seen[some.who[rows], some.age[rows] - 1] = True
    return _shared(np.asarray(seen.all(axis=1)), some.observed >= n)
