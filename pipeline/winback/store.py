"""The only opener of the embedded database, and files that are whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winback.errors import SourceError

Connection = duckdb.DuckDBPyConnection
ROWS_PER_GROUP = 250_000  # what the feature kernel takes at a time: its arrays then fit into a processor's cache


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
def naming_damage(names: Sequence[str]) -> Iterator[None]:
    """SourceError where the engine fails at what is in the files of these names, and not at our statement."""
    ours = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.OutOfMemoryException)
    try:
        yield
    except ours:
        raise
    except duckdb.Error as error:
        said = " ".join(str(error).split())[:300]
        raise SourceError(
            f"{', '.join(names[:5])} cannot be read: {said}. Look whether it was written to the end and copied whole"
        ) from error


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


def write_table(path: Path, table: pa.Table | pd.DataFrame, together: str | None = None) -> None:
    """Write one Parquet file, whole or not at all; equal tables give equal bytes.

    With `together` the rows must be sorted by that column: then no row group ends between two rows
    that agree in it, so that whoever reads a group has all of them.
    """
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    with whole_file(path) as temporary:
        if together is None:
            pq.write_table(table, temporary, compression="zstd")
            return
        with pq.ParquetWriter(temporary, table.schema, compression="zstd") as writer:
            for first, last in pairwise(_group_bounds(table[together])):
                writer.write_table(table.slice(first, last - first), row_group_size=max(1, last - first))


def _group_bounds(keys: pa.ChunkedArray) -> list[int]:
    """Where the row groups of sorted keys begin, and the end: after a change of key every so many rows."""
    if len(keys) < 2:
        return [0, len(keys)]
    changes = np.flatnonzero(pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1)).to_numpy()) + 1
    nearest = np.searchsorted(changes, np.arange(ROWS_PER_GROUP, len(keys), ROWS_PER_GROUP))
    starts = np.unique(changes[nearest[nearest < len(changes)]])
    return [0, *starts.tolist(), len(keys)]


def table_files(folder: Path, table: str) -> list[Path]:
    """The files a table lies in: `<table>.parquet` and those of later loads; none where there is no such table."""
    first = folder / f"{table}.parquet"
    later = folder.glob(f"{table}.*.parquet")
    return [first, *sorted(later, key=lambda path: int(path.name.split(".")[-2]))] if first.exists() else []


def read_table(path: Path) -> pa.Table:
    """The rows of one Parquet file."""
    return pq.read_table(path)


def read_rows(folder: Path, table: str) -> pd.DataFrame:
    """The rows of one of the Parquet files of a folder, by its name without the ending."""
    rows: pd.DataFrame = read_table(folder / f"{table}.parquet").to_pandas()
    return rows


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file with sorted keys, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def append_line(file: IO[bytes], row: Any) -> None:
    """Add a line of JSON to an open file and see it on the disk; what a killed process left of a line is cut off."""
    file.seek(0)
    file.seek(file.read().rfind(b"\n") + 1)
    file.truncate()
    file.write(json.dumps(row, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def read_json(path: Path) -> Any:
    """The value in one JSON file."""
    return json.loads(path.read_text("utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
