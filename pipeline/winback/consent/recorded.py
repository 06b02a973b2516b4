"""What the ingested tables say about consent, with what could not be taken in of them: that is a no."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from winback import store

SOURCES = ("consents", "suppressions")
_APART = re.compile(r"[\s,;|\"'{}\[\]:]+")
_WHOLE = re.compile(r"(\d+)\.0+")


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
    named = [_tokens(raw) & known for raw in refused]
    unread = tuple(sorted({each for found in named for each in found}))
    consents, suppressions = _table(facts, "consents", _CONSENTS), _table(facts, "suppressions", _SUPPRESSIONS)
    return Recorded(consents, suppressions, unread, sum(not found for found in named))


_CONSENTS = ("customer_id", "channel", "purpose", "status", "recorded_at")
_SUPPRESSIONS = ("customer_id", "channel", "recorded_at")


def _table(facts: Path, table: str, columns: Sequence[str]) -> pd.DataFrame:
    """All rows of an ingested table; none where there is no such table."""
    parts = [store.read_table(path).select(list(columns)).to_pandas() for path in store.table_files(facts, table)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns), dtype="object")


def _refused(facts: Path) -> list[str]:
    """The refused rows of the tables about consent, and of their lookups, as they came."""
    path = facts / "quarantine.parquet"
    rows = store.read_table(path).select(["table", "raw"]).to_pylist() if path.is_file() else []
    return [row["raw"] or "" for row in rows if row["table"].split(" ")[0] in SOURCES]


def _tokens(raw: str) -> set[str]:
    """Everything in a refused row that may be a customer's id, however the row was delimited."""
    found = {part for part in _APART.split(raw) if part}
    for delimiter in ",;\t|":
        found.update(field.strip() for line in csv.reader([raw], delimiter=delimiter) for field in line)
    found.update(_values(raw))
    return found | {whole[1] for part in found if (whole := _WHOLE.fullmatch(part))}


def _values(raw: str) -> Iterator[str]:
    """The values of a row that is a JSON object; none of any other."""
    try:
        held: Any = json.loads(raw)
    except ValueError:
        return
    yield from (str(value).strip() for value in held.values()) if isinstance(held, dict) else ()
