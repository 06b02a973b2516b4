"""Who is asked about at each cutoff, and who of them ordered nothing in the window after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.days import begins, day_number, day_of

SILENCE_DAYS = 7  # a feed that has been silent for longer than this before a date is taken to be broken

ORDER_DAYS = """
SELECT DISTINCT customer_id,
       date_diff('day', DATE '1970-01-01', CAST(timezone($zone, ordered_at) AS DATE)) AS day,
       date_diff('day', DATE '1970-01-01', CAST(timezone($zone, recorded_at) AS DATE)) AS recorded
FROM read_parquet($orders)
"""
COHORT = f"""
WITH o AS ({ORDER_DAYS})
SELECT DISTINCT o.customer_id, c.cutoff
FROM c JOIN o ON o.day >= c.since AND o.day < c.cutoff AND o.recorded < c.cutoff
ORDER BY 1, 2
"""  # noqa: S608 - two constants of this module
STAYED = f"""
WITH o AS ({ORDER_DAYS})
SELECT DISTINCT o.customer_id, c.cutoff
FROM c JOIN o ON o.day >= c.cutoff AND o.day < c.until AND o.recorded < $today
"""  # noqa: S608


def cohort_at(facts: Path, cutoffs: Sequence[dt.date], zone: str, active_days: int | None) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with an order in `[cutoff - active_days, cutoff)`, sorted.

    Orders recorded at or after the cutoff do not count. `active_days` None: any order before it.
    `cutoff` is the UTC instant at which the day begins in `zone`.
    """
    asked = _asked(cutoffs, since=active_days, until=None)
    return _rows(COHORT, asked, {"orders": str(facts / "orders.parquet"), "zone": zone})


def labels_at(facts: Path, cohort: pd.DataFrame, horizon_days: int, zone: str, today: dt.date) -> pd.Series:
    """Whether each (customer_id, cutoff) of the cohort placed no order in `[cutoff, cutoff + horizon_days)`.

    Only orders recorded before `today` are known. WindowNotRecorded when a window ends after it, or
    when the log falls silent long before a window's end: then staying cannot be told from leaving.
    """
    cutoffs = sorted({stamp.tz_convert(zone).date() for stamp in cohort["cutoff"].unique()})
    _refuse_open_windows(facts, cutoffs, horizon_days, zone, today)
    asked = _asked(cutoffs, since=None, until=horizon_days)
    words = {"orders": str(facts / "orders.parquet"), "zone": zone, "today": day_number(today)}
    stayed = _rows(STAYED, asked, words).assign(stayed=True)
    merged = cohort[["customer_id", "cutoff"]].merge(stayed, how="left", on=["customer_id", "cutoff"])
    return merged["stayed"].isna().set_axis(cohort.index).rename("churned")


def newest_order(facts: Path, zone: str, today: dt.date) -> dt.date:
    """The day of the newest order recorded before `today`."""
    day = "date_diff('day', DATE '1970-01-01', CAST(timezone($zone, {}) AS DATE))"
    query = f"""
        SELECT max({day.format("ordered_at")}) FROM read_parquet($orders)
        WHERE greatest({day.format("ordered_at")}, {day.format("recorded_at")}) < $today
    """  # noqa: S608 - constants
    words = {"orders": str(facts / "orders.parquet"), "zone": zone, "today": day_number(today)}
    with store.connect() as con:
        found = con.execute(query, words).fetchone()
    if found is None or found[0] is None:
        raise NotEnoughData(f"no order was recorded before {today}; check --date and the mapping of ordered_at.")
    return day_of(found[0])


def refuse_silence(facts: Path, zone: str, today: dt.date) -> None:
    """WindowNotRecorded when the log fell silent long before `today`."""
    newest = newest_order(facts, zone, today)
    if newest < today - dt.timedelta(days=SILENCE_DAYS):
        raise WindowNotRecorded(
            f"the newest order before {today} is from {newest}, more than {SILENCE_DAYS} days earlier: everybody "
            "would seem to be leaving. Is the feed complete, and the date right?"
        )


def oldest_order(facts: Path, zone: str) -> dt.date:
    """The day of the first order in the log."""
    query = "SELECT min(CAST(timezone($zone, ordered_at) AS DATE)) FROM read_parquet($orders)"
    with store.connect() as con:
        found = con.execute(query, {"orders": str(facts / "orders.parquet"), "zone": zone}).fetchone()
    if found is None or found[0] is None:
        raise NotEnoughData("the orders table is empty; check the quarantine for the reasons.")
    day: dt.date = found[0]
    return day


def _refuse_open_windows(facts: Path, cutoffs: Sequence[dt.date], horizon_days: int, zone: str, today: dt.date) -> None:
    last_end = max(cutoffs) + dt.timedelta(days=horizon_days)
    if last_end > today:
        raise WindowNotRecorded(
            f"the {horizon_days} days from {max(cutoffs)} end on {last_end}, after {today}: who leaves in them is not "
            f"known yet. The latest cutoff with a label is {today - dt.timedelta(days=horizon_days)}."
        )
    newest = newest_order(facts, zone, today)
    if newest < last_end - dt.timedelta(days=SILENCE_DAYS):
        raise WindowNotRecorded(
            f"the newest order is from {newest}, more than {SILENCE_DAYS} days before the window from "
            f"{max(cutoffs)} ends on {last_end}: everybody would seem to have left. Is the feed complete?"
        )


def _asked(cutoffs: Sequence[dt.date], since: int | None, until: int | None) -> pa.Table:
    """The cutoffs as day numbers, with the first day of the cohort's window and the end of the label's."""
    days = [day_number(c) for c in sorted(set(cutoffs))]
    return pa.table(
        {
            "cutoff": pa.array(days, pa.int64()),
            "since": pa.array([day - since if since else -(2**31) for day in days], pa.int64()),
            "until": pa.array([day + (until or 0) for day in days], pa.int64()),
        }
    )


def _rows(query: str, asked: pa.Table, words: dict[str, object]) -> pd.DataFrame:
    with store.connect() as con:
        con.register("c", asked)
        rows: pd.DataFrame = con.sql(query, params=words).to_arrow_table().to_pandas()
    zone = str(words["zone"])
    instants = {int(day): begins(day_of(int(day)), zone) for day in asked["cutoff"].to_pylist()}
    rows["cutoff"] = pd.to_datetime(rows["cutoff"].map(instants), utc=True).dt.as_unit("us")
    return rows
