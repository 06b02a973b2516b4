"""Parquet files by what columns they have, refused before they are read if they would swell past all bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from winback import store
from winback.errors import SourceError
from winback.facts.intake.byte_blocks import Limits, refuse_bomb
from winback.facts.intake.text_lines import MAX_COLUMNS

MAX_NESTING = 32
# What a value takes at least when it is read, however well it was packed.
_BYTES_A_VALUE = 4


def alike(files: Mapping[str, Path], limits: Limits) -> tuple[list[list[str]], int]:
    """The names of files that have the same columns, and how many rows all files have."""
    by_schema: dict[str, list[str]] = {}
    rows = 0
    for name, path in files.items():
        try:
            about = pq.read_metadata(path)
            schema = about.schema.to_arrow_schema()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SourceError(f"{name} cannot be read as Parquet: {error}") from error
        _refuse_swelling(name, path, about, limits)
        by_schema.setdefault(str(schema.remove_metadata()), []).append(name)
        rows += about.num_rows
    return list(by_schema.values()), rows


def _refuse_swelling(name: str, path: Path, about: pq.FileMetaData, limits: Limits) -> None:
    """SourceError for a file that is wider, deeper or longer than tables of a shop are."""
    width = about.num_columns
    if width > MAX_COLUMNS:
        raise SourceError(f"{name} has {width:,} columns; at most {MAX_COLUMNS:,} are read")
    depth = max((about.schema.column(i).path.count(".") for i in range(width)), default=0)
    if depth > MAX_NESTING:
        raise SourceError(f"{name} has columns nested {depth} levels deep; at most {MAX_NESTING} are read")
    packed = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    refuse_bomb(name, path.stat().st_size, max(packed, about.num_rows * width * _BYTES_A_VALUE), limits)


def scan(paths: Sequence[Path]) -> str:
    """The FROM clause that reads some files with the same columns."""
    listed = ", ".join(store.literal(_no_pattern(str(path))) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _no_pattern(path: str) -> str:
    """A path whose *, ? and [ the engine takes as they are."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
