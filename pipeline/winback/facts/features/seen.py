"""What the formulas of features read: one log as the pairs see it, with all that is derived from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from winback.facts.features import kernel, values
from winback.facts.features.kernel import Asked, Flags, Floats, Ints, Log, Numbers, View
from winback.facts.features.values import Grouped

LAST_GAPS = 20
WEEK = 7
# How many of the smallest unit of a measure make one of those people read: 100 cents are one of money.
UNITS = {
    **dict.fromkeys(("spend", "discount", "list_price", "refund", "price", "amount"), 100),
    **dict.fromkeys(("value", "csat", "score"), 1000),
    "resolve_hours": 3600,
}


@dataclass(frozen=True)
class Seen:
    """What the formulas read: one log as the pairs see it.

    `changes` holds later-recorded differences, which only sums take in; `cutoff_us` the instant of
    each pair's cutoff, `log_days` how many days of log lie before it.
    """

    log: Log
    changes: Log | None
    asked: Asked
    cutoff_us: Ints
    log_days: Ints
    backs: tuple[int, ...]
    kept: dict[str, Seen] = field(default_factory=dict)
    amounts: dict[object, Floats] = field(default_factory=dict)

    @cached_property
    def view(self) -> View:
        """The log from each pair's cutoff."""
        return View(self.log, self.asked, self.backs)

    @cached_property
    def view_of_changes(self) -> View | None:
        """The differences recorded later, from each pair's cutoff."""
        return View(self.changes, self.asked, self.backs) if self.changes is not None and len(self.changes) else None

    @cached_property
    def gaps(self) -> tuple[Flags, Ints]:
        """Which rows end a gap between active days, and the gap's days."""
        return kernel.day_gaps(self.log.customer, self.log.day)

    @cached_property
    def last_gaps(self) -> tuple[NDArray[np.int32], Ints]:
        """Each pair's last gaps, sorted upwards and padded, and how many they are."""
        return kernel.last_values(self.view, *self.gaps, LAST_GAPS)

    @cached_property
    def grouped(self) -> Grouped:
        """The rows that have a value, by customer and value."""
        return values.grouped(self.log)

    def total(self, measure: str, window: int | None, lag: int = 0) -> Numbers:
        """A sum in the measure's smallest unit: rows, cents."""
        if measure not in self.log.measures and measure in DERIVED:
            self.log.measures[measure] = DERIVED[measure](self)
        own = self.view.total(measure, window, lag)
        later = self.view_of_changes
        return own + later.total(measure, window, lag) if later and measure in later.log.measures else own

    def amount(self, measure: str, window: int | None, lag: int = 0) -> Floats:
        """A sum in the unit people read; not to be written into."""
        key = (measure, window, lag)
        if key not in self.amounts:
            self.amounts[key] = in_units(self.total(measure, window, lag), measure)
        return self.amounts[key]

    def gap_quantile(self, q: float) -> Floats:
        """The q-quantile of each pair's last gaps; not to be written into."""
        if q not in self.amounts:
            self.amounts[q] = kernel.quantile(*self.last_gaps, q)
        return self.amounts[q]

    def having(self, measure: str) -> Seen:
        """The same with only the rows that have the measure."""
        known = self.log.measures.get(f"has_{measure}")
        if known is None:
            return self
        if measure not in self.kept:
            log = self.log.take(known.astype(bool))
            self.kept[measure] = Seen(log, None, self.asked, self.cutoff_us, self.log_days, self.backs)
        return self.kept[measure]

    def in_order(self, measure: str) -> Ints:
        """A measure's values, those of one customer and instant from the smallest to the largest."""
        log, found = self.log, self.log.measures[measure]
        if len(log) < 2 or kernel.first_of(log.customer, log.us).all():
            return found
        return found[np.lexsort((found, log.us, log.customer))]


def _weekdays(seen: Seen) -> Ints:
    """The weekday of each active day as a one in its own nine bits: seven counts in one sum.

    Exact while a window holds at most 511 of each weekday; declarations keep windows that short.
    """
    weekday = (seen.log.day + 3) % WEEK  # 1970-01-01 was a Thursday; Monday is 0
    return np.where(kernel.first_of(seen.log.customer, seen.log.day), 1 << (9 * weekday), 0)


DERIVED: dict[str, Callable[[Seen], Ints]] = {
    "active_days": lambda seen: kernel.first_of(seen.log.customer, seen.log.day).astype(np.int64),
    "gaps": lambda seen: seen.gaps[0].astype(np.int64),
    "gap": lambda seen: seen.gaps[1],
    "gap_squared": lambda seen: seen.gaps[1] * seen.gaps[1],
    "weekdays": _weekdays,
}


def in_units(total: Numbers, measure: str) -> Floats:
    """A total of the smallest unit in the unit people read."""
    unit = UNITS.get(measure, 1)
    return np.asarray(total if unit == 1 else total / unit, dtype=np.float64)
