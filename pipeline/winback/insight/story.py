"""One customer, from what happened to what was decided, as one published run had it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from winback import runs, store
from winback.errors import NotEnoughData
from winback.insight.score_history import score_history

EVENTS_TOLD = 12
# What says nothing to a reader, or too much: ids of rows, counts that ingest keeps, and addresses.
UNTOLD = {
    *("customer_id", "recorded_at", "part", "line_count", "email", "phone", "first_name", "last_name"),
    *("city", "region", "postcode"),
    *("order_id", "ticket_id", "subscription_id", "payment_id"),
}


def story(run: Path, facts: Path, happened: Mapping[str, str], customer_id: str) -> dict[str, Any]:
    """What the run in `run` knew, thought and decided of a customer; plain values, times in UTC.

    `facts`: the folder of the tables it was made from; `happened`: the column of each table that says when.
    Keys: customer_id, run_id, today, events (how many, the newest first), features, score, reasons, candidates
    (None where the run kept none), decision, assignment, history. RunDamaged where a file is not as it was
    written; NotEnoughData for somebody whom the run did not score.
    """
    manifest = runs.verify(run)
    score = _one(run, "scores", customer_id)
    if score is None:
        raise NotEnoughData(
            f"run {run.name} did not score a customer {customer_id!r}: nobody is called so, or he was no case of its "
            f"question.{_written_otherwise(run, customer_id)} `winback show` with --customer looks through all runs."
        )
    reasons = _rows(run / "reasons.parquet", customer_id).sort_values("rank", na_position="last")
    return {
        "customer_id": customer_id,
        "run_id": run.name,
        "today": manifest["logical_date"],
        "events": events(facts, happened, customer_id, score["cutoff"]),
        "features": _one(run, "features", customer_id),
        "score": {**score, "base_rate": float(reasons["base_rate"].iloc[0]) if len(reasons) else None},
        "reasons": _plain(reasons.drop(columns=["customer_id", "cutoff", "base_rate"])),
        "candidates": _candidates(run, customer_id),
        "decision": _one(run, "decisions", customer_id),
        "assignment": _one(run, "assignments", customer_id),
        "history": score_history(run.parent, customer_id),
    }


def events(facts: Path, happened: Mapping[str, str], customer_id: str, cutoff: dt.datetime) -> dict[str, Any]:
    """What was known of the customer by the cutoff: `count` rows of each table, and the `newest` EVENTS_TOLD.

    A row counts where it happened and was recorded before the cutoff, as everywhere.
    """
    count: dict[str, int] = {}
    told: list[dict[str, Any]] = []
    for table, column in happened.items():
        for file in store.table_files(facts, table):
            rows = _rows(file, customer_id)
            recorded = rows["recorded_at"] if "recorded_at" in rows else rows[column]
            rows = rows[(rows[column] < cutoff) & (recorded < cutoff)]
            count[table] = count.get(table, 0) + len(rows)
            kept = [name for name in rows.columns if name not in UNTOLD and name != column]
            newest = rows.sort_values(column, ascending=False, kind="stable").head(EVENTS_TOLD)
            for at, what in zip(newest[column], _plain(newest[kept]), strict=True):
                told.append({"at": at.to_pydatetime(), "table": table, "what": what})
    told.sort(key=lambda event: (event["at"], event["table"]), reverse=True)
    return {"count": {table: n for table, n in count.items() if n}, "newest": told[:EVENTS_TOLD]}


def _candidates(run: Path, customer_id: str) -> list[dict[str, Any]] | None:
    """What was weighed for the customer, the best first; None where the run kept nothing of it."""
    path = run / "candidates.parquet"
    return _plain(_rows(path, customer_id).drop(columns="customer_id")) if path.exists() else None


def _one(run: Path, table: str, customer_id: str) -> dict[str, Any] | None:
    """The customer's row of one of the run's tables."""
    rows = _plain(_rows(run / f"{table}.parquet", customer_id))
    return {name: value for name, value in rows[0].items() if name != "customer_id"} if rows else None


def _written_otherwise(run: Path, customer_id: str) -> str:
    """A hint to the same id in other letters or with other zeros; who is merely spelt alike is somebody else."""
    ids = pq.read_table(run / "scores.parquet", columns=["customer_id"])["customer_id"].to_pandas()
    bare = ids.str.casefold().str.strip().str.replace(r"(?<!\d)0+", "", regex=True)
    same = ids[bare == re.sub(r"(?<!\d)0+", "", customer_id.casefold().strip())]
    return f" Did you mean {same.iloc[0]!r}?" if len(same) else ""


def _rows(path: Path, customer_id: str) -> pd.DataFrame:
    """The rows of one customer; of a file sorted by customer only the groups that may hold him are read."""
    frame: pd.DataFrame = pq.read_table(path, filters=[("customer_id", "==", customer_id)]).to_pandas()
    return frame


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Each row as plain values, None where nothing is known; cents as money, under the name without them."""
    money = [name for name in rows.columns if name.endswith("_cents")]
    rows = rows.assign(**{name: rows[name] / 100 for name in money}).rename(columns=lambda n: n.removesuffix("_cents"))
    return [{str(name): _value(value) for name, value in row.items()} for row in rows.to_dict("records")]


def _value(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value
