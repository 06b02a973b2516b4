"""The feature kernel: every window of every cutoff from differences of two positions in one sorted log.

A log is sorted by (customer, day, instant). The number of rows of each customer before each boundary
(a cutoff, or a cutoff minus a window) is counted once; a sum over a window is then the difference of
two entries of a prefix sum. The cost is O(rows x measures) + O(customers x cutoffs x features), and
never rows x cutoffs. Everything inside is an integer, so no order of adding changes a bit.

A day is a day number (1970-01-01 = 0) of the business's calendar. Windows are half-open in days:
`[cutoff - window, cutoff)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class Log:
    """Rows of one table and one set of customers, sorted by (customer, day, us).

    `customer` holds codes 0..n-1; `us` microseconds since 1970 UTC; a row is known at a cutoff when
    `day < cutoff` and `recorded_day < cutoff`. `measures` are integers to be added up.
    """

    customer: Ints
    day: Ints
    us: Ints
    recorded_day: Ints
    measures: dict[str, Ints] = field(default_factory=dict)

    def take(self, rows: Ints | Flags) -> Log:
        """The rows at these places, in the log's order."""
        measures = {name: values[rows] for name, values in self.measures.items()}
        return Log(self.customer[rows], self.day[rows], self.us[rows], self.recorded_day[rows], measures)


@dataclass(frozen=True)
class View:
    """A log seen from pairs (customer, cutoff): where each pair's known rows begin and end.

    `start[i]:stop[i]` are the rows of pair i before its cutoff; `from_[w][i]:stop[i]` those within
    its last w days. Valid for pairs for which every earlier row was recorded in time.
    """

    log: Log
    start: Ints
    stop: Ints
    from_: dict[int, Ints]
    prefix: dict[str, Ints]

    def total(self, measure: str, window: int | None) -> Ints:
        """The sum of a measure over each pair's last `window` days (None: over all its past)."""
        sums = self.prefix[measure]
        return sums[self.stop] - sums[self._first(window)]

    def _first(self, window: int | None) -> Ints:
        """Where each pair's window begins."""
        return self.start if window is None else self.from_[window]

    def nth_last(self, values: Ints, n: int) -> tuple[Ints, Flags]:
        """The value in each pair's n-th last row (1 = the last), and whether there is one."""
        at = self.stop - n
        known = at >= self.start
        return values[np.where(known, at, 0)] if len(values) else np.zeros_like(at), known


def positions(log: Log, n_customers: int, boundaries: Ints) -> tuple[Ints, Ints]:
    """Where each customer's rows begin, and the first row at or after each sorted boundary day."""
    n_boundaries = len(boundaries)
    counts = np.bincount(
        log.customer * (n_boundaries + 1) + np.searchsorted(boundaries, log.day, side="right"),
        minlength=n_customers * (n_boundaries + 1),
    ).reshape(n_customers, n_boundaries + 1)
    before = counts.cumsum(axis=1)
    first = before[:, -1].cumsum() - before[:, -1]
    return first, first[:, None] + before[:, :-1]


def prefix_sum(values: Ints) -> Ints:
    """The sums of the first 0, 1, 2, ... values."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def view(log: Log, n_customers: int, cutoffs: Ints, windows: set[int], pairs: tuple[Ints, Ints]) -> View:
    """The log from each pair (customer code, index into the sorted cutoffs)."""
    boundaries = np.unique(np.concatenate([cutoffs, *(cutoffs - w for w in sorted(windows))]))
    first, at = positions(log, n_customers, boundaries)
    customer, cutoff = pairs

    def place(days: Ints) -> Ints:
        return at[customer, np.searchsorted(boundaries, days)[cutoff]]

    return View(
        log,
        start=first[customer],
        stop=place(cutoffs),
        from_={w: place(cutoffs - w) for w in sorted(windows)},
        prefix={name: prefix_sum(values) for name, values in log.measures.items()},
    )


def first_of(customer: Ints, *keys: Ints) -> Flags:
    """Whether each row of a sorted log is the first of its customer with these keys."""
    new = np.ones(len(customer), dtype=bool)
    if len(customer) > 1:
        same = customer[1:] == customer[:-1]
        for key in keys:
            same &= key[1:] == key[:-1]
        new[1:] = ~same
    return new


def day_gaps(customer: Ints, day: Ints) -> tuple[Flags, Ints]:
    """Whether a row opens a later active day of its customer, and the days since the active day before.

    A gap belongs to the row that ends it, so it does not depend on any cutoff.
    """
    opens = first_of(customer, day)
    at = np.flatnonzero(opens)
    later = np.zeros(len(customer), dtype=bool)
    gaps = np.zeros(len(customer), dtype=np.int64)
    if len(at) > 1:
        continues = customer[at[1:]] == customer[at[:-1]]
        later[at[1:]] = continues
        gaps[at[1:]] = np.where(continues, day[at[1:]] - day[at[:-1]], 0)
    return later, gaps


def last_values(seen: View, flags: Flags, values: Ints, most: int) -> tuple[Ints, Ints]:
    """Each pair's last flagged values, sorted upwards and padded, and how many there are (0..most)."""
    kept = values[flags]
    ends = prefix_sum(flags.astype(np.int64))
    stop = ends[seen.stop]
    count = np.minimum(stop - ends[seen.start], most)
    back = np.arange(1, most + 1)
    at = stop[:, None] - back
    absent = back > count[:, None]
    table = kept[np.where(absent, 0, at)] if len(kept) else np.zeros(at.shape, dtype=np.int64)
    table[absent] = np.iinfo(np.int64).max
    table.sort(axis=1)
    return table, count


def quantile(table: Ints, count: Ints, q: float) -> Floats:
    """The q-quantile of each row's first `count` sorted values, linear between two; NaN for none."""
    place = q * (np.maximum(count, 1) - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count, 1) - 1)
    rows = np.arange(len(table))
    below, above = table[rows, low].astype(np.float64), table[rows, high].astype(np.float64)
    return np.where(count > 0, below + (place - low) * (above - below), np.nan)


def distinct(log: Log, value: Ints, n_customers: int, cutoffs: Ints, window: int | None) -> Ints:
    """How many different values each customer had in each cutoff's window: (customers, cutoffs).

    A row counts at a cutoff when it lies in the window and its value's previous row does not. Those
    cutoffs are one interval, so each row is added at its first cutoff and taken off after its last:
    O(rows) a window, however many the cutoffs and the values.
    """
    order = np.lexsort((log.day, value, log.customer))
    customer, day, kept = log.customer[order], log.day[order], value[order]
    new = first_of(customer, kept)
    enters = np.searchsorted(cutoffs, day, side="right")
    leaves = np.full(len(day), len(cutoffs))
    if window is not None:
        leaves = np.searchsorted(cutoffs, day + window, side="right")
        previous_leaves = np.where(new, 0, np.roll(leaves, 1))
        enters = np.maximum(enters, previous_leaves)
    else:
        leaves = np.where(new, leaves, enters)
    size = n_customers * (len(cutoffs) + 1)
    spread = customer * (len(cutoffs) + 1)
    change = np.bincount(spread + enters, minlength=size) - np.bincount(spread + leaves, minlength=size)
    return change.reshape(n_customers, len(cutoffs) + 1).cumsum(axis=1)[:, :-1].astype(np.int64)


def late_pairs(log: Log, n_customers: int, cutoffs: Ints) -> Flags:
    """Whether a (customer, cutoff) has a row that had happened but was not yet recorded."""
    late = np.zeros((n_customers, len(cutoffs)), dtype=bool)
    rows = np.flatnonzero(log.recorded_day > log.day)
    for k, cutoff in enumerate(cutoffs):
        unseen = rows[(log.day[rows] < cutoff) & (log.recorded_day[rows] >= cutoff)]
        late[log.customer[unseen], k] = True
    return late


def known_at(log: Log, cutoff: int, customers: Flags) -> Log:
    """The rows of these customers that had happened and were recorded before the cutoff."""
    return log.take(customers[log.customer] & (log.day < cutoff) & (log.recorded_day < cutoff))
