"""Rows as bytes: CSV for people, CSV for machines, Parquet; in files no larger than a destination takes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from winback.errors import ExportRefused
from winback.export.destination import Destination
from winback.people_text import people_csv


def files_of(kind: str, rows: pd.DataFrame, destination: Destination) -> dict[str, tuple[bytes, int]]:
    """The bytes and the number of rows of each file, by name: `kind`, and a number where there are several."""
    if destination.form == "parquet":
        return {f"{kind}.parquet": (parquet_bytes(rows), len(rows))}
    if destination.form == "people":
        return {f"{kind}.csv": (people_csv(rows), len(rows))}
    parts = list(_split(rows, destination.max_rows, destination.max_bytes))
    names = (
        [f"{kind}.csv"]
        if len(parts) == 1
        else [f"{kind}-{n:0{len(str(len(parts)))}}.csv" for n in range(1, len(parts) + 1)]
    )
    return dict(zip(names, parts, strict=True))


def _split(rows: pd.DataFrame, max_rows: int, max_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Files that each begin with the header and end with a whole row."""
    header = next(_lines([tuple(rows.columns)]))
    lines: list[bytes] = []
    size = len(header)
    for line in _lines(_filled(rows).itertuples(index=False, name=None)):
        if len(header) + len(line) > max_bytes:
            raise ExportRefused(f"one row is longer than the {max_bytes} bytes a file may have")
        if lines and (len(lines) == max_rows or size + len(line) > max_bytes):
            yield header + b"".join(lines), len(lines)
            lines, size = [], len(header)
        lines.append(line)
        size += len(line)
    yield header + b"".join(lines), len(lines)


def _filled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with an empty text for what is missing."""
    return rows.astype(object).where(rows.notna(), "") if rows.isna().to_numpy().any() else rows


def _lines(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    """Each row as a line of CSV in UTF-8, quoted only where it must be."""
    told: list[str] = []
    writer = csv.writer(SimpleNamespace(write=told.append))
    for row in rows:
        writer.writerow(row)
        # The writer quotes the characters of its own line end alone; so both are, and the line ends as we want it.
        yield told.pop().removesuffix("\r\n").encode("utf-8") + b"\n"


def parquet_bytes(rows: pd.DataFrame) -> bytes:
    """A Parquet file; equal rows give equal bytes."""
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
