"""The formula of each kind of feature, on the kernel's view of one stream's log."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from winback.facts.days import US_PER_DAY
from winback.facts.features import values
from winback.facts.features.feature import Feature
from winback.facts.features.kernel import Flags, Floats, Ints, Numbers
from winback.facts.features.renewals import next_renewal
from winback.facts.features.seen import UNITS, WEEK, Seen, in_units

C_LOG_C = np.array([0.0, *(c * math.log(c) for c in range(1, 511 * WEEK + 1))])
Columns = dict[str, Floats]


def days_back(wanted: Sequence[Feature]) -> tuple[int, ...]:
    """How many days before the cutoff the windows of features begin and end, sorted; the cutoff itself too."""
    backs = {0}
    for f in wanted:
        if f.window is not None:
            windows = {"trend": 2, "acceleration": 3, "spans": f.n}.get(f.kind, 1)
            backs |= {f.lag + i * f.window for i in range(windows + 1)}
    return tuple(sorted(backs))


def stream_columns(seen: Seen, wanted: Sequence[Feature]) -> Columns:
    """The columns of features of one log, for pairs whose earlier rows were all recorded in time.

    Two features that say the same share one array, which is not to be written into.
    """
    return {f.name: FORMULAS[f.kind](seen, f) for f in wanted}


def divided(over: Numbers, under: Numbers) -> Floats:
    """`over / under`; NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = over / under
    quotient[under == 0] = np.nan
    return quotient


def _total(seen: Seen, f: Feature) -> Floats:
    return seen.amount(f.measure, f.window, f.lag)


def _share(seen: Seen, f: Feature) -> Floats:
    return divided(seen.amount(f.measure, f.window, f.lag), seen.amount(f.of, f.window, f.lag))


def _mean(seen: Seen, f: Feature) -> Floats:
    return divided(seen.amount(f.measure, f.window, f.lag), seen.amount("rows", f.window, f.lag))


def _spans_of(seen: Seen, f: Feature, count: int) -> list[Numbers]:
    """The totals of the last `count` windows, the newest first, in the smallest unit."""
    window = f.window or 0
    return [seen.total(f.measure, window, f.lag + i * window) for i in range(count)]


def _trend(seen: Seen, f: Feature) -> Floats:
    """In integers up to the division: what cancels out is then nothing, and not a rounding error."""
    last, before = _spans_of(seen, f, 2)
    one = UNITS.get(f.measure, 1)
    return divided(last + one, before + one)


def _acceleration(seen: Seen, f: Feature) -> Floats:
    last, before, earlier = _spans_of(seen, f, 3)
    return in_units(last - 2 * before + earlier, f.measure)


def _spans(seen: Seen, f: Feature) -> Floats:
    """A span is empty where it begins and ends at the same row."""
    ends = [seen.view.at(f.lag + i * (f.window or 0)) for i in range(f.n + 1)]
    active = np.zeros(len(ends[0]), dtype=np.int32)
    for later, earlier in pairwise(ends):
        active += earlier != later
    return np.asarray(active / f.n, dtype=np.float64)


def _rate(seen: Seen, f: Feature) -> Floats:
    """Per week of the seen part of the window; without a window, per week since the first row."""
    days = np.minimum(seen.log_days, f.window) if f.window else _since_first(seen, f)
    return seen.amount(f.measure, f.window) / (np.maximum(days, WEEK) / WEEK)


def _since_nth(seen: Seen, f: Feature) -> Floats:
    at, known = seen.view.nth_last(seen.log.us, f.n)
    return np.where(known, (seen.cutoff_us - at) / US_PER_DAY, np.nan)


def _since_first(seen: Seen, f: Feature) -> Floats:
    us, start = seen.log.us, seen.view.start
    known = seen.view.stop > start
    first = us[np.where(known, start, 0)] if len(us) else np.zeros_like(start)
    return np.where(known, (seen.cutoff_us - first) / US_PER_DAY, np.nan)


def _gap_mean(seen: Seen, f: Feature) -> Floats:
    return divided(seen.amount("gap", None), seen.amount("gaps", None))


def _gap_spread(seen: Seen, f: Feature) -> Floats:
    """Standard deviation of all gaps, from integers: sqrt(n * sum(g^2) - sum(g)^2) / n."""
    n, total, squares = (seen.total(m, None) for m in ("gaps", "gap", "gap_squared"))
    return divided(np.sqrt(n * squares - total * total), n)


def _gap_quantile(seen: Seen, f: Feature) -> Floats:
    return seen.gap_quantile(f.q)


def _overdue(seen: Seen, f: Feature) -> Floats:
    return divided(_since_nth(seen, f), seen.gap_quantile(f.q))


def _overdue_prior(seen: Seen, f: Feature) -> Floats:
    """Against the mean gap with one gap of `prior` days added: a customer with a single row has one as well."""
    usual = (seen.total("gap", None) + f.prior) / (seen.total("gaps", None) + 1)
    return divided(_since_nth(seen, f), np.asarray(usual, dtype=np.float64))


def _evenness(seen: Seen, f: Feature) -> Floats:
    """Entropy of the weekdays over its largest value, log 7: (log n - sum(c * log c) / n) / log 7.

    Nothing, and not a rounding error, where all days are of one weekday: only then do the sums agree.
    """
    packed = np.asarray(seen.total("weekdays", f.window, f.lag), dtype=np.int64)
    total = np.asarray(seen.total("active_days", f.window, f.lag), dtype=np.int64)
    weighted = sum(C_LOG_C.take((packed >> (9 * day)) & 511) for day in range(WEEK))
    some = np.maximum(total, 1)
    spread = np.where(weighted == C_LOG_C.take(total), 0.0, (np.log(some) - weighted / some) / np.log(WEEK))
    return np.where(total == 0, np.nan, spread)


def _distinct(seen: Seen, f: Feature) -> Floats:
    return values.distinct(seen.grouped, seen.asked, f.window, f.lag).astype(np.float64)


def _new_values(seen: Seen, f: Feature) -> Floats:
    return values.new_values(seen.grouped, seen.asked, f.window or 0, f.lag).astype(np.float64)


def _top_share(seen: Seen, f: Feature) -> Floats:
    most, every = values.top_count(seen.grouped, seen.asked, f.window, f.lag)
    return divided(most.astype(np.float64), every.astype(np.float64))


def _last(seen: Seen, f: Feature) -> Floats:
    seen = seen.having(f.measure)
    value, known = seen.view.nth_last(seen.in_order(f.measure), f.n)
    return np.where(known, value / UNITS.get(f.measure, 1), np.nan)


def _change(seen: Seen, f: Feature) -> Floats:
    seen = seen.having(f.measure)
    found = seen.in_order(f.measure)
    (last, _), (before, known) = seen.view.nth_last(found, 1), seen.view.nth_last(found, 2)
    return np.where(known, (last - before) / UNITS.get(f.measure, 1), np.nan)


def _stepped(seen: Seen, f: Feature, steps: Callable[[Ints], Flags], measure: str) -> Floats:
    """How many rows of the window step so from the customer's row before them."""
    seen = seen.having(measure)
    name = f"{f.kind}_{measure}"
    if name not in seen.log.measures:
        found = seen.in_order(measure)
        stepped = np.zeros(len(found), dtype=np.int64)
        if len(found) > 1:
            stepped[1:] = steps(found) & (seen.log.customer[1:] == seen.log.customer[:-1])
        seen.log.measures[name] = stepped
    return seen.view.total(name, f.window, f.lag).astype(np.float64)


def _rises(seen: Seen, f: Feature) -> Floats:
    return _stepped(seen, f, lambda found: found[1:] > found[:-1], f.measure)


def _switches(seen: Seen, f: Feature) -> Floats:
    return _stepped(seen, f, lambda found: found[1:] != found[:-1], "code")


def _days_until(seen: Seen, f: Feature) -> Floats:
    value, known = seen.view.nth_last(seen.in_order("expires_day"), 1)
    return np.where(known, (value - seen.asked.days[seen.asked.pair_cutoff]).astype(np.float64), np.nan)


def _until_renewal(seen: Seen, f: Feature) -> Floats:
    return next_renewal(seen.log, seen.view.start, seen.view.stop, seen.asked.days[seen.asked.pair_cutoff])


FORMULAS: dict[str, Callable[[Seen, Feature], Floats]] = {
    "total": _total,
    "share": _share,
    "mean": _mean,
    "trend": _trend,
    "acceleration": _acceleration,
    "spans": _spans,
    "rate": _rate,
    "since_nth": _since_nth,
    "since_first": _since_first,
    "gap_mean": _gap_mean,
    "gap_spread": _gap_spread,
    "gap_quantile": _gap_quantile,
    "overdue": _overdue,
    "overdue_prior": _overdue_prior,
    "evenness": _evenness,
    "distinct": _distinct,
    "new_values": _new_values,
    "top_share": _top_share,
    "last": _last,
    "change": _change,
    "rises": _rises,
    "switches": _switches,
    "days_until": _days_until,
    "until_renewal": _until_renewal,
}
