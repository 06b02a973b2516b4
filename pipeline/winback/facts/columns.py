"""The formula of each kind of feature, on the kernel's view of one table's log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from winback.facts import kernel
from winback.facts.declared import Feature
from winback.facts.kernel import US_PER_DAY, Flags, Floats, Ints, Log, View

LAST_GAPS = 20
IN_CENTS = ("spend", "discount", "list_price")
WEEK = 7
Columns = dict[str, Floats]


@dataclass(frozen=True)
class Moments:
    """Sorted cutoffs: day numbers, the instants (microseconds) at which those days begin, and the first
    day of the table's log as it was known then."""

    day: Ints
    us: Ints
    start: Ints

    def only(self, k: int) -> Moments:
        """The k-th cutoff alone."""
        return Moments(self.day[k : k + 1], self.us[k : k + 1], self.start[k : k + 1])


@dataclass(frozen=True)
class Pairs:
    """The (customer code, index of the cutoff) a table of features has rows for."""

    customer: Ints
    cutoff: Ints


@dataclass(frozen=True)
class Seen:
    """What the formulas read: the view of a log, each pair's cutoff and length of log, the active-day gaps."""

    view: View
    cutoff_us: Ints
    log_days: Ints
    gap_ends: Flags
    gaps: Ints

    @cached_property
    def last_gaps(self) -> tuple[Ints, Ints]:
        """Each pair's last gaps between active days, sorted upwards and padded, and how many they are."""
        return kernel.last_values(self.view, self.gap_ends, self.gaps, LAST_GAPS)


def table_columns(log: Log, n_customers: int, moments: Moments, pairs: Pairs, wanted: Sequence[Feature]) -> Columns:
    """The columns of one table's features for pairs whose earlier rows were all recorded in time."""
    if any(f.kind == "distinct" for f in wanted):
        return {f.name: _distinct(log, n_customers, moments, pairs, f) for f in wanted}
    seen = look(with_activity(log), n_customers, moments, pairs, wanted)
    return {f.name: FORMULAS[f.kind](seen, f) for f in wanted}


def _distinct(log: Log, n_customers: int, moments: Moments, pairs: Pairs, f: Feature) -> Floats:
    counts = kernel.distinct(log, log.measures["category"], n_customers, moments.day, f.window)
    return counts[pairs.customer, pairs.cutoff].astype(np.float64)


def look(log: Log, n_customers: int, moments: Moments, pairs: Pairs, wanted: Sequence[Feature]) -> Seen:
    """The log as the formulas of `wanted` need to see it."""
    windows = {w for f in wanted if f.window for w in (f.window, *([2 * f.window] if f.kind == "trend" else []))}
    gap_ends, gaps = kernel.day_gaps(log.customer, log.day)
    log = replace(log, measures=log.measures | {"gaps": gap_ends * 1, "gap": gaps, "gap_squared": gaps * gaps})
    view = kernel.view(log, n_customers, moments.day, windows, (pairs.customer, pairs.cutoff))
    log_days = (moments.day - moments.start)[pairs.cutoff]
    return Seen(view, moments.us[pairs.cutoff], log_days, gap_ends, gaps)


def with_activity(log: Log) -> Log:
    """The log with a flag for the first row of a customer's day."""
    opens_day = kernel.first_of(log.customer, log.day)
    return replace(log, measures=log.measures | {"order_days": opens_day * 1})


def divided(over: Floats, under: Floats) -> Floats:
    """`over / under`; NaN where there is nothing to divide by."""
    quotient = np.full(len(over), np.nan)
    np.divide(over, under, out=quotient, where=under != 0)
    return quotient


def _counted(seen: Seen, measure: str, window: int | None) -> Ints:
    """A total in the smallest unit: rows, cents."""
    return seen.view.total(measure, window)


def _unit(measure: str) -> int:
    """How many of the smallest unit make one of those people read: 100 cents are one of money."""
    return 100 if measure in IN_CENTS else 1


def _amount(seen: Seen, measure: str, window: int | None) -> Floats:
    """A total in the unit people read."""
    return _counted(seen, measure, window) / _unit(measure)


def _total(seen: Seen, f: Feature) -> Floats:
    return _amount(seen, f.measure, f.window)


def _share(seen: Seen, f: Feature) -> Floats:
    return divided(_amount(seen, f.measure, f.window), _amount(seen, f.of, f.window))


def _mean(seen: Seen, f: Feature) -> Floats:
    return divided(_amount(seen, f.measure, f.window), _amount(seen, "orders", f.window))


def _trend(seen: Seen, f: Feature) -> Floats:
    """In integers up to the division: what cancels out is then nothing, and not a rounding error."""
    last, both = _counted(seen, f.measure, f.window), _counted(seen, f.measure, 2 * (f.window or 0))
    one = _unit(f.measure)
    return divided((last + one).astype(np.float64), (both - last + one).astype(np.float64))


def _rate(seen: Seen, f: Feature) -> Floats:
    """Per week of the seen part of the window; without a window, per week since the first row."""
    days = np.minimum(seen.log_days, f.window) if f.window else _since_first(seen, f)
    return _amount(seen, f.measure, f.window) / (np.maximum(days, WEEK) / WEEK)


def _since_nth(seen: Seen, f: Feature) -> Floats:
    at, known = seen.view.nth_last(seen.view.log.us, f.n)
    return np.where(known, (seen.cutoff_us - at) / US_PER_DAY, np.nan)


def _since_first(seen: Seen, f: Feature) -> Floats:
    us, start = seen.view.log.us, seen.view.start
    known = seen.view.stop > start
    first = us[np.where(known, start, 0)] if len(us) else np.zeros_like(start)
    return np.where(known, (seen.cutoff_us - first) / US_PER_DAY, np.nan)


def _gap_mean(seen: Seen, f: Feature) -> Floats:
    return divided(_amount(seen, "gap", None), _amount(seen, "gaps", None))


def _gap_spread(seen: Seen, f: Feature) -> Floats:
    """Standard deviation of all gaps, from integers: sqrt(n * sum(g^2) - sum(g)^2) / n."""
    n, total, squares = (seen.view.total(m, None) for m in ("gaps", "gap", "gap_squared"))
    return divided(np.sqrt((n * squares - total * total).astype(np.float64)), n.astype(np.float64))


def _gap_quantile(seen: Seen, f: Feature) -> Floats:
    return kernel.quantile(*seen.last_gaps, f.q)


def _evenness(seen: Seen, f: Feature) -> Floats:
    """Entropy of the weekdays over its largest value, log 7."""
    days = np.stack([_amount(seen, f"weekday_{d}", f.window) for d in range(WEEK)], axis=1)
    total = days.sum(axis=1)
    share = np.divide(days, total[:, None], out=np.zeros_like(days), where=total[:, None] > 0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return np.where(total > 0, np.abs(-(share * logs).sum(axis=1)) / np.log(WEEK), np.nan)


def _overdue(seen: Seen, f: Feature) -> Floats:
    return divided(_since_nth(seen, f), _gap_quantile(seen, f))


FORMULAS: dict[str, Callable[[Seen, Feature], Floats]] = {
    "total": _total,
    "share": _share,
    "mean": _mean,
    "trend": _trend,
    "rate": _rate,
    "since_nth": _since_nth,
    "since_first": _since_first,
    "gap_mean": _gap_mean,
    "gap_spread": _gap_spread,
    "gap_quantile": _gap_quantile,
    "overdue": _overdue,
    "evenness": _evenness,
}
