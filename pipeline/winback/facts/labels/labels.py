"""Who is asked about at each cutoff, and who of them bought nothing in the window after it.

Every label of this package keeps one contract: a frame with customer_id and cutoff goes in, what came
of each of its rows comes out, in its order and under its index. Cohorts know what was recorded before
the cutoff, labels what was recorded before `today`. A window that is not yet fully recorded is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.days import day_numbers, day_of
from winback.facts.labels import within
from winback.facts.labels.within import PURCHASES, Rows

SILENCE_DAYS = 7  # a feed that has been silent for longer than this before a date is taken to be broken


def cohort_at(facts: Path, cutoffs: Sequence[dt.date], zone: str, active_days: int | None) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with a purchase in `[cutoff - active_days, cutoff)`, sorted.

    Orders recorded at or after the cutoff do not count, nor do returns. `active_days` None: any
    purchase before it. `cutoff` is the UTC instant at which the day begins in `zone`.
    """
    spans = within.before(sorted(set(cutoffs)), active_days, zone)
    return within.counted(facts, PURCHASES, spans)[within.KEYS]


def labels_at(facts: Path, cohort: pd.DataFrame, horizon_days: int, zone: str, today: dt.date) -> pd.Series:
    """Whether each (customer_id, cutoff) of the cohort bought nothing in `[cutoff, cutoff + horizon_days)`.

    Only orders recorded before `today` are known. WindowNotRecorded when a window ends after it, or
    when the log falls silent long before a window's end: then staying cannot be told from leaving.
    """
    return (~bought_at(facts, cohort, horizon_days, zone, today)).rename("churned")


def lapsed_cohort_at(facts: Path, cutoffs: Sequence[dt.date], zone: str, lapsed_days: int) -> pd.DataFrame:
    """One row a (customer_id, cutoff) who bought before, but not in `[cutoff - lapsed_days, cutoff)`, sorted.

    As known at the cutoff: an order of those days that was recorded later does not speak against it.
    """
    ever = cohort_at(facts, cutoffs, zone, None)
    recent = within.counted(facts, PURCHASES, within.before(sorted(set(cutoffs)), lapsed_days, zone))
    return ever[within.matched(ever, recent) == 0].reset_index(drop=True)


def returned_at(facts: Path, cohort: pd.DataFrame, horizon_days: int, zone: str, today: dt.date) -> pd.Series:
    """Whether each (customer_id, cutoff) of a lapsed cohort bought again in `[cutoff, cutoff + horizon_days)`."""
    return bought_at(facts, cohort, horizon_days, zone, today).rename("returned")


def bought_at(facts: Path, cohort: pd.DataFrame, horizon_days: int, zone: str, today: dt.date) -> pd.Series:
    """Whether each (customer_id, cutoff) has a purchase in `[cutoff, cutoff + horizon_days)`."""
    cutoffs = within.days_of(cohort, zone)
    if cutoffs:
        refuse_open_windows(facts, (cutoffs[-1], horizon_days), zone, today)
    found = within.counted(facts, PURCHASES, within.after(cutoffs, horizon_days, zone, today))
    return within.matched(cohort, found) > 0


def newest_order(facts: Path, zone: str, today: dt.date) -> dt.date:
    """The day of the newest order or return recorded before `today`."""
    found = newest(facts, Rows("orders", "ordered_at"), zone, today)
    if found is None:
        raise NotEnoughData(f"no order was recorded before {today}; check --date and the mapping of ordered_at.")
    return found


def newest(facts: Path, rows: Rows, zone: str, today: dt.date | None) -> dt.date | None:
    """The day of the newest of these rows that happened and was recorded before `today`; None where there is none."""
    known = f"greatest(moment, recorded) < {within.instant(today, zone)}" if today else "true"
    return _day(facts, rows, f"max(moment) FILTER ({known})", zone)


def oldest_order(facts: Path, zone: str) -> dt.date:
    """The day of the first order in the log."""
    day = oldest(facts, Rows("orders", "ordered_at"), zone)
    if day is None:
        raise NotEnoughData("the orders table is empty; check the quarantine for the reasons.")
    return day


def oldest(facts: Path, rows: Rows, zone: str) -> dt.date | None:
    """The day of the first of these rows; None where there is none."""
    return _day(facts, rows, "min(moment)", zone)


def refuse_silence(facts: Path, zone: str, today: dt.date) -> None:
    """WindowNotRecorded when the log fell silent long before `today`."""
    last = newest_order(facts, zone, today)
    if _silent(last, today):
        raise WindowNotRecorded(
            f"the newest order before {today} is from {last}, more than {SILENCE_DAYS} days earlier: everybody "
            "would seem to be leaving. Is the feed complete, and the date right?"
        )


def refuse_open_windows(facts: Path, last: tuple[dt.date, int], zone: str, today: dt.date) -> None:
    """WindowNotRecorded when the last cutoff's window of so many days ends after `today` or after the orders do."""
    refuse_unended(last, today)
    cutoff, days = last
    end, last_order = cutoff + dt.timedelta(days=days), newest_order(facts, zone, today)
    if _silent(last_order, end):
        raise WindowNotRecorded(
            f"the newest order is from {last_order}, more than {SILENCE_DAYS} days before the window from "
            f"{cutoff} ends on {end}: everybody would seem to have left. Is the feed complete?"
        )


def refuse_unended(last: tuple[dt.date, int], today: dt.date) -> None:
    """WindowNotRecorded when the last cutoff's window of so many days ends after `today`."""
    cutoff, days = last
    if (end := cutoff + dt.timedelta(days=days)) > today:
        raise WindowNotRecorded(
            f"the {days} days from {cutoff} end on {end}, after {today}: who leaves in them is not "
            f"known yet. The latest cutoff with a label is {today - dt.timedelta(days=days)}."
        )


def _silent(last: dt.date, end: dt.date) -> bool:
    return last < end - dt.timedelta(days=SILENCE_DAYS)


def _day(facts: Path, rows: Rows, moment: str, zone: str) -> dt.date | None:
    """The local day of a moment chosen of these rows."""
    with store.connect() as con:
        found = con.execute(f"SELECT {moment} FROM ({within.selected(con, facts, rows)})").fetchone()  # noqa: S608 - ours
    if found is None or found[0] is None:
        return None
    return day_of(int(day_numbers(np.array([found[0]], dtype=np.int64), zone)[0]))
