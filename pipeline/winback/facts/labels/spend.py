"""What customers ordered and paid in the window after each cutoff: what a value is learned from and checked against."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from winback import store
from winback.facts.labels import within
from winback.facts.labels.labels import refuse_open_windows
from winback.facts.labels.within import PURCHASES, Rows

# Every row of money: purchases, what changed of them later, and goods that came back.
MONEY = Rows("orders", "ordered_at")


def spend_at(facts: Path, cohort: pd.DataFrame, days: int, zone: str, today: dt.date) -> pd.DataFrame:
    """`orders` and `spend` of each (customer_id, cutoff) in `[cutoff, cutoff + days)`, in its order and index.

    `orders` are purchases. `spend` is what was paid for them in the project's currency, less what was given back
    for goods returned in the same window (so it may be below zero), with later changes of an order counted in
    the order's own window. Only what was recorded before `today` is known. WindowNotRecorded when a window ends
    after it, or when the log falls silent long before a window's end.
    """
    cutoffs = within.days_of(cohort, zone)
    if not cutoffs:
        return pd.DataFrame({"orders": np.zeros(0, np.int64), "spend": np.zeros(0)}, index=cohort.index)
    refuse_open_windows(facts, (cutoffs[-1], days), zone, today)
    spans = within.after(cutoffs, days, zone, today)
    orders = within.matched(cohort, within.counted(facts, PURCHASES, spans))
    return pd.DataFrame({"orders": orders, "spend": _cents(facts, cohort, spans) / 100.0})


def _cents(facts: Path, cohort: pd.DataFrame, spans: list[within.Span]) -> pd.Series[int]:
    """The cents of each (customer_id, cutoff) of a cohort."""
    conditions = within.in_spans(spans)
    with store.connect() as con:
        rows = within.selected(con, facts, MONEY, ("amount_cents",))
        found = within.tallied(con, rows, conditions, "sum(amount_cents)")
    return within.matched(cohort, found)
