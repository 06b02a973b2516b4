"""When a subscription renews next: whole periods from the day it started, months clipped to their end."""

from __future__ import annotations

import numpy as np

from winback.facts.features.kernel import NEVER, Floats, Ints, Log


def next_renewal(log: Log, start: Ints, stop: Ints, cutoff: Ints) -> Floats:
    """Days from each pair's cutoff to the next renewal of its newest subscription that has not ended; else NaN.

    Of several that began at one instant, the soonest renewal counts. `log.measures`: `ends_day` (NEVER
    where no end is known), `period_months` and `period_days` (0 where the period is not so written).
    """
    found = np.full(len(start), np.nan)
    newest = np.full(len(start), NEVER)
    open_ = stop > start
    at = stop - 1
    while open_.any():
        here = np.where(open_, at, 0)
        running = open_ & (log.measures["ends_day"][here] >= cutoff)
        same = running & ((newest == NEVER) | (log.us[here] == newest))
        days = _renewal_day(log, here, cutoff) - cutoff
        newest[same] = log.us[here][same]
        found = np.where(same, np.fmin(found, days), found)
        at = at - 1
        open_ = open_ & (at >= start) & ((newest == NEVER) | (log.us[np.maximum(at, 0)] == newest))
    return found


def _renewal_day(log: Log, rows: Ints, cutoff: Ints) -> Floats:
    """The first renewal day on or after the cutoff of the subscription in each row; NaN without a period."""
    began = log.day[rows]
    months, days = log.measures["period_months"][rows], log.measures["period_days"][rows]
    found = np.full(len(rows), np.nan)
    by_days = days > 0
    times = np.maximum(-((began - cutoff) // np.maximum(days, 1)), 1)
    found[by_days] = (began + times * days)[by_days]
    by_months = (months > 0) & ~by_days
    found[by_months] = _monthly(began[by_months], months[by_months], cutoff[by_months])
    return found


def _monthly(began: Ints, months: Ints, cutoff: Ints) -> Ints:
    """The first day on or after the cutoff that lies a whole number of periods (1 or more) after the start."""
    month = began.astype("datetime64[D]").astype("datetime64[M]")
    apart = cutoff.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - month.astype(np.int64)
    times = np.maximum(apart // months, 1)
    day = _after(began, month, times * months)
    late = day < cutoff
    return np.where(late, _after(began, month, (times + 1) * months), day)


def _after(began: Ints, month: np.ndarray, months: Ints) -> Ints:
    """The day of the month of the start, so many months later; the month's last day where it has no such day."""
    first = (month + months).astype("datetime64[D]").astype(np.int64)
    length = (month + months + 1).astype("datetime64[D]").astype(np.int64) - first
    of_month = began - month.astype("datetime64[D]").astype(np.int64)
    day: Ints = first + np.minimum(of_month, length - 1)
    return day
