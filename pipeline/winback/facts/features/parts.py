"""The facts tables read part by part: all the rows of the customers from one to another, and no others.

Ingest writes tables sorted by customer, with row groups that end between customers. So a part of the
customers is a few row groups of each table, found by the groups' own smallest and largest customer, and
no part reads what another needs. Files in any other order give the same rows, only slower.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winback import store
from winback.facts.days import day_numbers
from winback.facts.features.kernel import NEVER, Ints
from winback.facts.features.logs import as_ints
from winback.facts.features.streams import STREAMS

# Of each facts table: the column of its rows' moment.
MOMENTS = {name: stream.moment for name, stream in STREAMS.items() if stream.table == name}
# Columns of few different words; read as codes.
WORDS = ("customer_id", "channel", "category", "product_id", "kind", "topic", "plan", "status", "decline_code")

Group = tuple[str | None, str | None, int]


@dataclass(frozen=True)
class Span:
    """The customers from `first` up to and without `last`, by code points; None: no limit."""

    first: str | None = None
    last: str | None = None

    def whole(self, low: str, high: str) -> bool:
        """Whether all customers from `low` to `high` are in it."""
        return (self.first is None or low >= self.first) and (self.last is None or high < self.last)

    def touches(self, low: str, high: str) -> bool:
        """Whether any customer from `low` to `high` can be in it."""
        return (self.first is None or high >= self.first) and (self.last is None or low < self.last)


def spans(facts: Path, table: str) -> list[Span]:
    """The customers in parts of about as many rows of a table as a row group has."""
    groups = [group for path in store.table_files(facts, table) for group in _groups(path)]
    if not groups or any(low is None for low, _, _ in groups):
        return [Span()]
    bounds: set[str] = set()
    held = 0
    for low, _, rows in sorted(groups, key=lambda group: str(group[0])):
        if held and held + rows > 1.5 * store.ROWS_PER_GROUP:
            bounds.add(str(low))
            held = 0
        held += rows
    edges = [None, *sorted(bounds), None]
    return [Span(first, last) for first, last in pairwise(edges)]


def _groups(path: Path) -> tuple[Group, ...]:
    """The row groups of a file."""
    return _groups_as_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _groups_as_of(path: Path, written_ns: int) -> tuple[Group, ...]:  # noqa: ARG001 - part of the cache's key
    """Kept, because each part of the customers asks: a big file has hundreds of groups, and of parts."""
    return tuple(_read_groups(pq.read_metadata(path)))


def _read_groups(about: pq.FileMetaData) -> Iterator[Group]:
    """The smallest and largest customer and the number of rows of each row group."""
    place = about.schema.names.index("customer_id")
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        seen = group.column(place).statistics
        known = seen is not None and seen.has_min_max
        yield (seen.min, seen.max, group.num_rows) if known else (None, None, group.num_rows)


def read(facts: Path, table: str, columns: Collection[str], span: Span) -> pa.Table:
    """The rows of a facts table that belong to the customers of a span."""
    parts = [_read_file(path, columns, span) for path in store.table_files(facts, table)]
    return pa.concat_tables(parts, promote_options="default")


def _read_file(path: Path, columns: Collection[str], span: Span) -> pa.Table:
    with pq.ParquetFile(path, read_dictionary=[c for c in columns if c in WORDS], memory_map=True) as file:
        groups = _groups(path)
        touched = [i for i, (low, high, _) in enumerate(groups) if low is None or span.touches(low, str(high))]
        names = [name for name in file.schema_arrow.names if name in columns]
        rows = file.read_row_groups(touched, names, use_threads=False)
    if all(groups[i][0] is not None and span.whole(str(groups[i][0]), str(groups[i][1])) for i in touched):
        return rows
    customer = rows["customer_id"].cast(pa.string())
    kept = pc.is_valid(customer)
    if span.first is not None:
        kept = pc.and_(kept, pc.greater_equal(customer, span.first))
    if span.last is not None:
        kept = pc.and_(kept, pc.less(customer, span.last))
    return rows.filter(kept)


def log_starts(facts: Path, table: str, zone: str, cutoffs: Ints) -> Ints:
    """The first day of a table's log as known at each cutoff (a day number); the cutoff where nothing was known."""
    moment, files = MOMENTS[table], store.table_files(facts, table)
    if not files:
        return cutoffs
    if (sure := _first_on_time(files, moment)) is not None:
        first = int(day_numbers(np.array([sure]), zone)[0])
        return np.minimum(cutoffs, first)
    rows = pa.concat_tables(pq.read_table(path, columns=[moment, "recorded_at"]) for path in files)
    return earliest_known(as_ints(rows[moment]), as_ints(rows["recorded_at"]), zone, cutoffs)


def earliest_known(us: Ints, recorded: Ints, zone: str, cutoffs: Ints) -> Ints:
    """The first day among rows that were known before each cutoff; the cutoff itself where there is none."""
    on_time = us[recorded <= us].min(initial=NEVER)
    few = us <= on_time  # an earlier row can only be a late one
    day, known = day_numbers(us[few], zone), day_numbers(np.maximum(us, recorded)[few], zone)
    return np.array([day[known < cutoff].min(initial=cutoff) for cutoff in cutoffs], dtype=np.int64)


def _first_on_time(files: list[Path], moment: str) -> int | None:
    """The table's first instant if some row of that instant was recorded then, told from the files' own statistics."""
    best: tuple[dt.datetime, Path, int] | None = None
    for path in files:
        about = pq.read_metadata(path)
        place = about.schema.names.index(moment)
        for number in range(about.num_row_groups):
            seen = about.row_group(number).column(place).statistics
            if about.row_group(number).num_rows == 0:
                continue
            if seen is None or not seen.has_min_max:
                return None
            best = min(best or (seen.min, path, number), (seen.min, path, number))
    if best is None:
        return None
    with pq.ParquetFile(best[1]) as file:
        rows = file.read_row_group(best[2], [moment, "recorded_at"])
    us, recorded = as_ints(rows[moment]), as_ints(rows["recorded_at"])
    first = int(us.min())
    return first if bool((recorded[us == first] <= first).any()) else None
