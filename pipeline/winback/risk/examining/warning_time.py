"""Lead time: how many days before a customer counts as lapsed the model had flagged them for good.

A customer who left lapses at the end of `horizon_days` of silence, that is at the last order plus the
horizon: the day on which the plain rule "nothing for so many days" would have said so. The warning is
the first of the examined cutoffs in the unbroken run of flags that reaches the last cutoff at which the
customer left; a cutoff without a flag, or outside the cohort, breaks the run. Lead time is lapse minus
warning. A flag that came and went does not count: nobody could have known that it was the right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from winback.risk.examining.intervals import Draws
from winback.risk.examining.ranked import Flags, Floats, Ints, ratio

SAME_DAYS = 0.01  # the moment of one order, worked out from two cutoffs, differs by rounding


@dataclass(frozen=True)
class Silences:
    """The examined rows by customer and cutoff, and where among them each lapse ends.

    `row`: the position of each among the examined rows; `day`: of its cutoff; `joined`: whether the row
    before is the same customer's at the cutoff before; `ends`: the last row of each lapse; `lapse`: the
    day of that lapse. Days are counted from the first cutoff.
    """

    row: Ints
    day: Floats
    joined: Flags
    ends: Ints
    lapse: Floats


def silences(rows: pd.DataFrame, horizon_days: int) -> Silences:
    """The lapses of these rows, which hold customer_id, cutoff, churned and days_since_last_order.

    A silence that spans several cutoffs is one lapse, and ends at the last of them at which the
    customer left.
    """
    customer, number = (pd.factorize(rows[name], sort=True)[0] for name in ("customer_id", "cutoff"))
    row = np.lexsort((number, customer))
    since = (rows["cutoff"] - rows["cutoff"].min()).dt.total_seconds().to_numpy()[row] / 86_400
    last = since - rows["days_since_last_order"].to_numpy(dtype=np.float64)[row]
    same = np.diff(customer[row], prepend=-1) == 0
    joined = same & (np.diff(number[row], prepend=-1) == 1)
    silence = np.cumsum(~(same & (np.abs(np.diff(last, prepend=np.inf)) < SAME_DAYS)))
    left = np.flatnonzero(rows["churned"].to_numpy(dtype=bool)[row])
    ends = left[np.append(np.diff(silence[left]) > 0, np.ones(min(1, len(left)), dtype=bool))]
    return Silences(row, since, joined, ends, last[ends] + horizon_days)


def lead_days(known: Silences, flagged: Flags) -> Floats:
    """Days from warning to lapse, one a lapse; NaN where the customer was not flagged at its end."""
    flags = flagged[known.row]
    goes_on = known.joined & flags & np.append(False, flags[:-1])
    first = np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(flags))))
    return np.where(flags[known.ends], known.lapse - known.day[first[known.ends]], np.nan)


def lead_time(known: Silences, flagged: Flags, among: Draws) -> dict[str, Any]:
    """How early the lapses after the first examined cutoff were warned of; earlier ones could not be.

    `in_time`: the share of them with a lead time above 0; `days`: the median lead time of those. A
    warning at the first cutoff might have come earlier still, so days are at least so many.
    """
    could = known.lapse > 0
    lead, of = lead_days(known, flagged)[could], among.customer[known.row[known.ends[could]]]
    one = np.ones((1, len(lead)))
    times, drawn = among.times[:, of[of >= 0]].astype(np.float64), lead[of >= 0]
    return {
        "lapses": len(lead),
        "lapsed_before": int((~could).sum()),
        "in_time": among.interval(_share(lead, one)[0], _share(drawn, times)),
        "days": among.interval(_median(lead, one)[0], _median(drawn, times)),
    }


def _share(lead: Floats, times: Floats) -> Floats:
    """The share of lapses with a warning before them, in each sample."""
    return ratio(times @ (lead > 0), times.sum(axis=1))


def _median(lead: Floats, times: Floats) -> Floats:
    """The median lead time of the lapses with a warning before them, in each sample (the lower of two middles)."""
    early = np.flatnonzero(lead > 0)
    early = early[np.argsort(lead[early], kind="stable")]
    if not len(early):
        return np.full(len(times), np.nan)
    reached = np.cumsum(times[:, early], axis=1)
    middle = (reached >= reached[:, -1:] / 2).argmax(axis=1)
    return np.where(reached[:, -1] > 0, lead[early][middle], np.nan)
