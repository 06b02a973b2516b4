"""Outcomes of campaigns that are handed in as files, beside those of a configured source: kept for ever, counted once.

    <state>/outcomes/<hash of the file and its mapping>/{outcomes.parquet, quarantine.parquet, added.json}

`added.json` is written last: a folder without it is of a file that was refused, or of a process that was killed,
and counts for nothing. Callers of `hand_in` hold the project's lock.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from winback import store
from winback.config import Source
from winback.errors import SourceError
from winback.facts.intake.contracts import CONTRACTS, TABLES
from winback.facts.intake.ingest import ingest_given
from winback.facts.intake.ledger import Since
from winback.facts.intake.sources import format_of_name
from winback.facts.intake.tables import schema_of

TABLE, MARK = "outcomes", "added.json"
COLUMNS = [column.name for column in TABLES[TABLE]]


def hand_in(file: Path, mapping: Mapping[str, str | dict[str, str]], state: Path, since: Since) -> dict[str, Any]:
    """What became of the rows of a file of outcomes: as its Accounting says, with `new` and `added_before`.

    `mapping`: contract's column -> the file's column, or {"value": ...} for all rows; a column of the contract that
    the file calls by its own name need not be mapped. The same file mapped in the same way is taken in once.
    `new`: accepted rows that no earlier file held. SourceError or TooManyBadRows where the file does not do.
    """
    if not file.is_file():
        raise SourceError(f"no file {file}; give a CSV, JSON or Parquet file of outcomes.")
    columns = _columns(file, mapping)
    digest = hashlib.sha256(json.dumps([store.sha256(file), columns], sort_keys=True).encode()).hexdigest()[:12]
    folder = state / TABLE / digest
    if (folder / MARK).is_file():
        return {**store.read_json(folder / MARK), "added_before": True}
    before = _rows(state)
    source = Source(path=file.name, columns=columns)
    (accounting,) = ingest_given({TABLE: source}, file.parent, folder, since)
    mine = store.read_rows(folder, TABLE)[COLUMNS]
    new = len(pd.concat([before, mine]).drop_duplicates(_SAME)) - len(before)
    told = {**asdict(accounting), "file": file.name, "received_at": since.received_at.isoformat(), "new": new}
    store.write_json(folder / MARK, told)
    return {**told, "added_before": False}


_SAME = ["campaign", "customer_id", "happened_at", "kind", "value"]


def _columns(file: Path, mapping: Mapping[str, str | dict[str, str]]) -> dict[str, Any]:
    """The mapping with the columns that the file calls as the contract does."""
    known = [column.name for column in CONTRACTS[TABLE]]
    there = set(_header(file))
    return {name: mapping.get(name, name) for name in known if name in mapping or name in there}


def _header(file: Path) -> list[str]:
    """The names of a file's columns."""
    kind = format_of_name(file.name)
    try:
        if kind == "parquet":
            return list(pq.read_schema(file).names)
        with file.open(encoding="utf-8-sig", newline="") as lines:
            first = next(iter(lines), "")
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise SourceError(f"{file.name} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if kind == "jsonl":
        return list(json.loads(first)) if first.startswith("{") else []
    return [name.strip() for name in next(csv.reader([first]), [])]


def listed(state: Path) -> list[dict[str, Any]]:
    """What was told of each file handed in, oldest first."""
    marks = [store.read_json(path) for path in (state / TABLE).glob(f"*/{MARK}")]
    return sorted(marks, key=lambda told: (told["received_at"], told["file"]))


def known_outcomes(facts: Path, state: Path, before: dt.datetime) -> pd.DataFrame:
    """Every outcome recorded before a moment, of the configured source and of files handed in; equal rows once."""
    tables = [store.read_table(path) for path in store.table_files(facts, TABLE)]
    frames = [_rows(state), *(table.to_pandas()[COLUMNS] for table in tables)]
    rows = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    known: pd.DataFrame = rows[rows["recorded_at"] < before].drop_duplicates(_SAME, ignore_index=True)
    return known


def _rows(state: Path) -> pd.DataFrame:
    """The rows of all files handed in, equal ones once."""
    folders = sorted(path.parent for path in (state / TABLE).glob(f"*/{MARK}"))
    tables = [store.read_table(folder / f"{TABLE}.parquet").select(COLUMNS) for folder in folders]
    rows: pd.DataFrame = pa.concat_tables([schema_of(TABLE).empty_table(), *tables]).to_pandas()
    return rows.drop_duplicates(_SAME, ignore_index=True)
