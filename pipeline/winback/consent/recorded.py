"""What the ingested tables say about consent, with what could not be taken in of them: that is a no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from winback import store
from winback.facts.intake.line_values import values_in

SOURCES = ("consents", "suppressions")


@dataclass(frozen=True)
class Recorded:
    """Consents and suppressions as `permissions` takes them; `unread` are customers of whom a row was refused.

    `unplaced`: how many refused rows name no customer that we know.
    """

    consents: pd.DataFrame
    suppressions: pd.DataFrame
    unread: tuple[str, ...]
    unplaced: int


def recorded(facts: Path, customer_ids: Sequence[str] | pd.Series) -> Recorded:
    """What the facts folder holds about consent.

    A row that was refused may have been a withdrawal, so the customers named in it are told.
    """
    refused = _refused(facts)
    known = set(customer_ids) if refused else set()
    named = [values_in(raw) & known for raw in refused]
    unread = tuple(sorted({each for found in named for each in found}))
    consents, suppressions = _table(facts, "consents", _CONSENTS), _table(facts, "suppressions", _SUPPRESSIONS)
    return Recorded(consents, suppressions, unread, sum(not found for found in named))


_CONSENTS = ("customer_id", "channel", "purpose", "status", "recorded_at")
_SUPPRESSIONS = ("customer_id", "channel", "recorded_at")


def _table(facts: Path, table: str, columns: Sequence[str]) -> pd.DataFrame:
    """All rows of an ingested table; none where there is no such table."""
    parts = [store.read_table(path).select(list(columns)) for path in store.table_files(facts, table)]
    if not parts:
        return pd.DataFrame(columns=list(columns), dtype="object")
    rows: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return rows


def _refused(facts: Path) -> list[str]:
    """The refused rows of the tables about consent, and of their lookups, as they came."""
    path = facts / "quarantine.parquet"
    rows = store.read_table(path).select(["table", "raw"]).to_pylist() if path.is_file() else []
    return [row["raw"] or "" for row in rows if row["table"].split(" ")[0] in SOURCES]
