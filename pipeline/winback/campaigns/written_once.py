"""Tables of customers that are written once and then never changed."""

from __future__ import annotations

import reprlib
from pathlib import Path

import pandas as pd
import pyarrow as pa

from winback import store
from winback.errors import CampaignChanged


def write_once(path: Path, rows: pd.DataFrame, schema: pa.Schema, what: str) -> None:
    """`rows`, one a customer, are in `path` from now on; where it holds the same already, nothing is written.

    CampaignChanged where it holds others: the list may have left the house, so what it was stays written.
    `what` begins the sentence: "campaign x is assigned". Callers hold the project's lock.
    """
    if twice := rows.loc[rows["customer_id"].duplicated(), "customer_id"].tolist():
        raise ValueError(f"one row a customer expected; {len(twice)} repeat: {reprlib.repr(twice)}")
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False).replace_schema_metadata(None)
    if not path.exists():
        store.write_table(path, table)
        store.sync_folder(path.parent.parent)  # the folder may be new, and its name must survive as well
    elif not (found := store.read_table(path)).equals(table):
        raise CampaignChanged(
            f"{what} already in {path}, and the list may have left the house; what would be written now differs: "
            f"{_difference(found.to_pandas(), table.to_pandas())}. Nothing was changed. Give the new list a campaign "
            "of its own with [campaigns] name, or run with --replace-list where nothing of the first was used."
        )


def _difference(found: pd.DataFrame, came: pd.DataFrame) -> str:
    """What differs, in words: customers, then columns, with counts and the first ids."""
    parts = []
    for what, these, others in (("more", came, found), ("missing", found, came)):
        ids = these.loc[~these["customer_id"].isin(others["customer_id"]), "customer_id"].tolist()
        if ids:
            parts.append(f"{len(ids)} customers {what} (first: {reprlib.repr(ids)})")
    both = found.merge(came, on="customer_id", suffixes=("", " now"))
    for column in (name for name in found.columns if name != "customer_id"):
        then, now = both[column], both[f"{column} now"]
        ids = both.loc[(then != now) & ~(then.isna() & now.isna()), "customer_id"].tolist()
        if ids:
            parts.append(f"{column} of {len(ids)} (first: {reprlib.repr(ids)})")
    return "; ".join(parts) or "the order of the rows"
