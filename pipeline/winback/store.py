"""The only opener of the embedded database, and files that are whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from winback.errors import SourceError

Connection = duckdb.DuckDBPyConnection


def connect(threads: int | None = None) -> Connection:
    """A new in-memory database: clock in UTC, nothing fetched from outside, order of rows kept."""
    options: dict[str, Any] = {"autoinstall_known_extensions": False, "preserve_insertion_order": True}
    if threads:
        options["threads"] = threads
    con = duckdb.connect(":memory:", config=options)
    con.execute("SET TimeZone = 'UTC'")
    return con


def identifier(name: str) -> str:
    """`name` quoted as an SQL identifier; the one place where a name becomes SQL."""
    if not name or "\0" in name:
        raise SourceError(f"a column or table cannot be called {name!r}")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` quoted as an SQL string, for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path`, synced, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_table(path: Path, table: pa.Table | pd.DataFrame) -> None:
    """Write one Parquet file, whole or not at all; equal tables give equal bytes."""
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: Path) -> pa.Table:
    """The rows of one Parquet file."""
    return pq.read_table(path)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file with sorted keys, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def read_json(path: Path) -> Any:
    """The value in one JSON file."""
    return json.loads(path.read_text("utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
