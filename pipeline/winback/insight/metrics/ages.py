"""Retention by age as a table: each cohort by days since its first day, and by whole periods since its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from winback.insight.metrics import cohorts
from winback.insight.metrics.coded import Coded, Flags, Ints, Tables
from winback.insight.metrics.cohorts import Aged
from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure, share
from winback.insight.metrics.periods import Length, day_of, period_of
from winback.insight.metrics.table import COLUMNS, Terms, as_row, parted

ALL = "all"


@dataclass(frozen=True)
class Ages:
    """At which ages retention is told: the N of day-N, rolling, return and full retention; the (M, N) of brackets.

    `until_at`: the instant (microseconds since 1970 UTC) from which on nothing is known, for windows of 24 hours.
    """

    days: tuple[int, ...] = (1, 7, 30, 60, 90)
    full: tuple[int, ...] = (3, 7)
    brackets: tuple[tuple[int, int], ...] = ((1, 30), (31, 60), (61, 90))
    until_at: int | None = None


@metric(
    "bought in the k-th period after the one of the first order / customers of that cohort",
    "share",
    "common (cohort table)",
    "Customers who began late in a period are younger. Period 0 is 100 % by definition and is not told.",
    "cohort",
)
def period_k(back: float, cohort: float) -> Figure:
    """Share of the customers who first bought in a period who buy in the k-th period after it.

    >>> period_k(30, 120).value
    0.25
    """
    return share(back, cohort, "customers of the cohort")


def by_age(tables: Tables, terms: Terms, ages: Ages | None = None, by: str = "") -> pd.DataFrame:
    """One row a metric, age, cohort and part of the customers, as `by_period` has them; activity is buying.

    `period` is the cohort's, "all" for all cohorts together; `n` is N, "M-N" of a bracket, or k. Cohorts that are too
    young are undefined.
    """
    ages = ages or Ages()
    data, orders = parted(tables, terms, by), tables.orders
    if orders is None or "purchases" not in data.logs:
        return pd.DataFrame(columns=COLUMNS)
    log, segment = data.logs["purchases"], data.segment
    calendar = cohorts.aged_of(log.who, log.day, data.customers, terms.last)
    hours = None
    if ages.until_at is not None and "at" in log.columns:
        hours = cohorts.windowed(calendar, log.columns["at"].astype(np.int64), ages.until_at)
    rows = [
        row
        for cohort, part, chosen in _groups(calendar, data, segment, terms.length)
        for row in _told(calendar.of(chosen), hours.of(chosen) if hours else None, ages, (cohort, part))
    ]
    rows += list(_by_periods(calendar, data, terms))
    return pd.DataFrame(rows, columns=COLUMNS)


def _groups(some: Aged, data: Coded, segment: Ints, length: Length) -> Iterator[tuple[str, str, Flags]]:
    """Every cohort of every part with somebody in it, all cohorts together first."""
    names, which = cohort_names(some, length)
    for part, name in enumerate(data.names):
        mine = (segment == part) & some.bought
        if mine.any():
            yield ALL, name, mine
            for number in np.unique(which[mine]):
                yield names[number], name, mine & (which == number)


def cohort_names(some: Aged, length: Length) -> tuple[list[str], Ints]:
    """The names of the periods that customers began in, in order of time, and which of them is each one's; -1: none."""
    which = np.full(len(some.first), -1, dtype=np.int64)
    days, place = np.unique(some.first[some.bought], return_inverse=True)
    periods = [period_of(day_of(int(day)), length) for day in days]
    names = sorted({(p.start, p.name) for p in periods})
    number = {name: n for n, (_, name) in enumerate(names)}
    which[some.bought] = np.array([number[p.name] for p in periods], dtype=np.int64)[place]
    return [name for _, name in names], which


def _told(some: Aged, hours: Aged | None, ages: Ages, where: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """The figures of one cohort and part."""
    cohort, part = where
    by_days: Sequence[Callable[[Aged, int], Figure]] = (cohorts.day_n, cohorts.rolling_n, cohorts.return_n)
    asked: list[tuple[str, str, Callable[[], Figure]]] = [
        (f.__name__, str(n), partial(f, some, n)) for f in by_days for n in ages.days
    ]
    if hours is not None:
        asked += [("day_n_24h", str(n), partial(cohorts.day_n_24h, hours, n)) for n in ages.days]
    asked += [("bracket_m_n", f"{m}-{n}", partial(cohorts.bracket_m_n, some, m, n)) for m, n in ages.brackets]
    asked += [("full_n", str(n), partial(cohorts.full_n, some, n)) for n in ages.full]
    for name, n, figure in asked:
        yield as_row(name, figure(), part, cohort, n)


def _by_periods(some: Aged, data: Coded, terms: Terms) -> Iterator[dict[str, Any]]:
    """period_k of every cohort and part, as far as whole periods are known."""
    names, which = cohort_names(some, terms.length)
    if not names:
        return
    counts = _counted(some, data, which, terms)
    sizes = np.zeros((len(data.names), len(names)))
    np.add.at(sizes, (data.segment[some.bought], which[some.bought]), 1)
    for part, cohort in zip(*np.nonzero(sizes), strict=True):
        for k, back in enumerate(counts[part, cohort], start=1):
            if not np.isnan(back):
                figure = period_k(float(back), float(sizes[part, cohort]))
                yield as_row("period_k", figure, data.names[part], names[cohort], str(k))


def _counted(some: Aged, data: Coded, which: Ints, terms: Terms) -> np.ndarray:
    """How many of each part and cohort bought in each later whole period; nan for periods that are not over."""
    first = int(some.first[some.bought].min())
    edges = [period_of(day_of(first), terms.length)]
    while edges[-1].end < terms.until:
        edges.append(period_of(edges[-1].end, terms.length))
    starts = np.array([p.days[0] for p in edges])
    names = [p.name for p in edges]
    known = np.array([names.index(name) for name in cohort_names(some, terms.length)[0]])
    place = np.searchsorted(starts, some.first[some.who] + some.age, side="right") - 1
    later = place - known[which[some.who]]
    shape = (len(data.names), len(known), len(edges))
    seen = np.zeros((len(some.first), len(edges)), dtype=bool)
    seen[some.who[later > 0], later[later > 0]] = True
    who, k = np.nonzero(seen)
    counts = np.zeros(shape)
    np.add.at(counts, (data.segment[who], which[who], k), 1)
    whole = sum(p.end <= terms.until for p in edges)
    beyond = known[:, None] + np.arange(len(edges))[None, :] >= whole
    counts[:, beyond] = np.nan
    return counts[:, :, 1:]
