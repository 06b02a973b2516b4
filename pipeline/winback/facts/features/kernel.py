"""The feature kernel: every window of every cutoff from differences of two positions in one sorted log.

A log is sorted by (customer, instant). The number of rows of each customer before each boundary (a
cutoff, or some days before one) is counted once; a sum over a window is then the difference of two
entries of a prefix sum. The cost is O(rows x measures) + O(customers x cutoffs x features), and never
rows x cutoffs. Everything inside is an integer, so no order of adding changes a bit.

A day is a day number (1970-01-01 = 0) of the business's calendar. Windows are half-open in days:
`[cutoff - lag - window, cutoff - lag)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = Ints | Floats  # whole numbers, as doubles where those hold them exactly
EXACT = 2**53
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Log:
    """Rows of one stream and one set of customers, sorted by (customer, us).

    `customer` holds codes 0..n-1; `us` microseconds since 1970 UTC; a row is known at a cutoff when
    `day < cutoff` and `recorded_day < cutoff`. `measures` are integers, one a row.
    """

    customer: Ints
    day: Ints
    us: Ints
    recorded_day: Ints
    measures: dict[str, Ints] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, rows: Ints | Flags | slice) -> Log:
        """The rows at these places, in the log's order."""
        measures = {name: values[rows] for name, values in self.measures.items()}
        return Log(self.customer[rows], self.day[rows], self.us[rows], self.recorded_day[rows], measures)

    def block(self, first: int, last: int) -> Log:
        """The rows of the customers `first` to `last`, not included, now called 0, 1, ..."""
        rows = slice(*np.searchsorted(self.customer, [first, last]).tolist())
        kept = self.take(rows)
        return replace(kept, customer=kept.customer - first)


@dataclass(frozen=True)
class Asked:
    """What is asked of one block of customers: how many there are, which cutoffs, and for which pairs.

    `days` are the sorted cutoffs, `pair_customer` and `pair_cutoff` the customer's code and the
    cutoff's index of each row of the answer.
    """

    customers: int
    days: Ints
    pair_customer: Ints
    pair_cutoff: Ints

    def of_pairs(self, table: NDArray[Any]) -> NDArray[Any]:
        """Each pair's entry of a table of cutoffs by customers."""
        found: NDArray[Any] = table.ravel()[self.places]
        return found

    @cached_property
    def places(self) -> Ints:
        """Each pair's place in a table of cutoffs by customers."""
        places: Ints = self.pair_cutoff * self.customers + self.pair_customer
        return places


@dataclass(frozen=True)
class View:
    """A log seen from pairs (customer, cutoff): where each pair's known rows begin and end.

    `start[i]:at(0)[i]` are the rows of pair i before its cutoff, `at(b)[i]` where those of its last b
    days begin. Valid for pairs for which every earlier row was recorded in time.
    """

    log: Log
    asked: Asked
    backs: tuple[int, ...]
    kept: dict[object, Any] = field(default_factory=dict)

    @cached_property
    def boundaries(self) -> Ints:
        """The sorted days that windows begin or end at."""
        return np.unique(np.concatenate([self.asked.days - back for back in self.backs]))

    @cached_property
    def places(self) -> tuple[Ints, NDArray[np.int32]]:
        """Where each customer's rows begin, and his first row at or after each boundary, a line a boundary."""
        return positions(self.log, self.asked.customers, self.boundaries)

    @cached_property
    def start(self) -> Ints:
        """Where each pair's rows begin."""
        return self.places[0][self.asked.pair_customer]

    @property
    def stop(self) -> Ints:
        """Where each pair's known rows end."""
        return self.at(0)

    def at(self, back: int | None) -> Ints:
        """Each pair's first row of its last `back` days (None: of all its past)."""
        if back is None:
            return self.start
        if back not in self.kept:
            lines = np.searchsorted(self.boundaries, self.asked.days - back)
            self.kept[back] = self.asked.of_pairs(self.places[1][lines]).astype(np.int64)
        found: Ints = self.kept[back]
        return found

    def sums(self, measure: str, back: int | None) -> Numbers:
        """The sum of a measure over all rows before `at(back)`."""
        key = (measure, back)
        if key not in self.kept:
            if measure == "rows":
                self.kept[key] = self.at(back).astype(np.float64)
            else:
                if (measure,) not in self.kept:
                    self.kept[measure,] = exact_sums(self.log.measures[measure])
                self.kept[key] = self.kept[measure,][self.at(back)]
        found: Numbers = self.kept[key]
        return found

    def total(self, measure: str, window: int | None, lag: int = 0) -> Numbers:
        """The sum of a measure over `[cutoff - lag - window, cutoff - lag)` (None: over all the past)."""
        return self.sums(measure, lag) - self.sums(measure, None if window is None else lag + window)

    def nth_last(self, values: Ints, n: int) -> tuple[Ints, Flags]:
        """The value in each pair's n-th last row (1 = the last), and whether there is one."""
        at = self.stop - n
        known = at >= self.start
        return values[np.where(known, at, 0)] if len(values) else np.zeros_like(at), known


def positions(log: Log, n_customers: int, boundaries: Ints) -> tuple[Ints, NDArray[np.int32]]:
    """Where each customer's rows begin, and his first row at or after each sorted boundary day, a line a boundary."""
    first = np.searchsorted(log.customer, np.arange(n_customers))
    first_day = int(log.day.min()) if len(log) else 0
    last_day = int(log.day.max()) if len(log) else 0
    segment = np.searchsorted(boundaries, np.arange(first_day, last_day + 1), side="right") * n_customers
    rows = np.bincount(segment[log.day - first_day] + log.customer, minlength=n_customers * (len(boundaries) + 1))
    before = rows.reshape(len(boundaries) + 1, n_customers).astype(np.int32)
    before[0] += first
    return first, np.cumsum(before, axis=0, out=before)


def prefix_sum(values: Ints) -> Ints:
    """The sums of the first 0, 1, 2, ... values."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def exact_sums(values: Ints) -> Numbers:
    """`prefix_sum` in doubles, which are quicker to reckon with, if no sum can grow too large to be exact."""
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    if largest * len(values) >= EXACT:
        return prefix_sum(values)
    sums = np.zeros(len(values) + 1)
    sums[1:] = values
    return np.cumsum(sums, out=sums)


def first_of(customer: Ints, *keys: Ints) -> Flags:
    """Whether each row of a sorted log is the first of its customer with these keys."""
    new = np.ones(len(customer), dtype=bool)
    if len(customer) > 1:
        changed = customer[1:] != customer[:-1]
        for key in keys:
            changed |= key[1:] != key[:-1]
        new[1:] = changed
    return new


def day_gaps(customer: Ints, day: Ints) -> tuple[Flags, Ints]:
    """Whether a row opens a later active day of its customer, and the days since the active day before.

    A gap belongs to the row that ends it, so it does not depend on any cutoff.
    """
    gaps = np.zeros(len(customer), dtype=np.int64)
    if len(customer) > 1:
        gaps[1:] = day[1:] - day[:-1]
        gaps[1:][customer[1:] != customer[:-1]] = 0
    return gaps > 0, gaps


def last_values(view: View, flags: Flags, values: Ints, most: int) -> tuple[NDArray[np.int32], Ints]:
    """Each pair's last flagged values, sorted upwards and padded, and how many there are (0..most)."""
    padded = np.concatenate([np.zeros(most, dtype=np.int32), values[flags].astype(np.int32)])
    ends = prefix_sum(flags.astype(np.int64))
    stop = ends.take(view.stop)
    count = np.minimum(stop - ends.take(view.start), most)
    table: NDArray[np.int32] = np.lib.stride_tricks.sliding_window_view(padded, most)[stop]
    table[np.arange(most) < (most - count)[:, None]] = np.iinfo(np.int32).max
    table.sort(axis=1)
    return table, count


def quantile(table: NDArray[np.int32], count: Ints, q: float) -> Floats:
    """The q-quantile of each row's first `count` sorted values, linear between two; NaN for none."""
    flat, line = table.ravel(), np.arange(len(table)) * table.shape[1]
    last = np.maximum(count, 1) - 1
    place = q * last
    low = place.astype(np.int64)
    below = flat.take(line + low).astype(np.float64)
    found: Floats = below + (place - low) * (flat.take(line + np.minimum(low + 1, last)) - below)
    found[count == 0] = np.nan
    return found


def late_pairs(log: Log, n_customers: int, cutoffs: Ints) -> Flags:
    """Whether a (customer, cutoff) has a row that had happened but was not yet recorded."""
    late = np.zeros((n_customers, len(cutoffs)), dtype=bool)
    rows = np.flatnonzero(log.recorded_day > log.day)
    day, recorded = log.day[rows], log.recorded_day[rows]
    for k, cutoff in enumerate(cutoffs):
        unseen = rows[(day < cutoff) & (recorded >= cutoff)]
        late[log.customer[unseen], k] = True
    return late


def known_at(log: Log, cutoff: int, customers: Flags) -> Log:
    """The rows of these customers that had happened and were recorded before the cutoff."""
    return log.take(customers[log.customer] & (log.day < cutoff) & (log.recorded_day < cutoff))
