"""A source's files as relations of the embedded database, before any value is read.

The columns are called c0, c1, ... there, so that no name found in a file ever becomes SQL.
"""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from winback import store
from winback.config import Lookup, Source
from winback.errors import ConfigError, SourceError
from winback.facts.parse import present, tidy
from winback.facts.sources import is_parquet, named_files
from winback.facts.text_lines import REJECTED, read_lines, repeated

LEFT_OUT = pa.schema([("file", pa.string()), *REJECTED])


@dataclass(frozen=True)
class Group:
    """The files of one source that have the same columns.

    `relation` is a FROM clause with c0, c1, ... (called `names` in the files, of the engine's
    `types`), file (an index into `files`) and line. The first `own` columns are the files' own, the
    others come from lookups.
    """

    relation: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    files: tuple[str, ...]
    own: int


@dataclass(frozen=True)
class _Found:
    """A lookup with one row a key: its view, and how its columns are called there and in the file."""

    view: str
    columns: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A source as read: groups of rows, lines that are no rows (own and lookups'), and how many came in."""

    groups: tuple[Group, ...]
    rejected: pa.Table
    rejected_in_lookups: pa.Table
    count: int


def read_rows(con: store.Connection, table: str, source: Source, base: Path) -> Rows:
    """Every row of one source with its lookups joined; a lookup neither drops nor multiplies rows."""
    rows = _read(con, table, source, named_files(source.path, base))
    groups, rejected = rows.groups, [LEFT_OUT.empty_table()]
    for number, lookup in enumerate(source.lookups):
        by_name = replace(source, path=lookup.path, format="auto")
        found = _read(con, f"{table}_lookup_{number}", by_name, named_files(lookup.path, base))
        view = _first_of_each(con, f"{table}_lookup_{number}", lookup, found.groups)
        groups = tuple(_joined(table, group, lookup, view) for group in groups)
        rejected.append(found.rejected)
    return Rows(groups, rows.rejected, pa.concat_tables(rejected), rows.count)


def _read(con: store.Connection, table: str, source: Source, files: Mapping[str, Path]) -> Rows:
    """The rows of some files, grouped by their columns."""
    parquet = {name: path for name, path in files.items() if is_parquet(source, path)}
    text = {name: path for name, path in files.items() if name not in parquet}
    groups, count = _parquet_groups(con, parquet)
    text_groups, rejected, lines = _text_groups(con, table, source, text)
    return Rows((*groups, *text_groups), rejected, LEFT_OUT.empty_table(), count + lines)


def _parquet_groups(con: store.Connection, files: Mapping[str, Path]) -> tuple[list[Group], int]:
    """Parquet files by schema, read in place by the engine, and their number of rows."""
    alike: dict[str, list[str]] = {}
    rows = 0
    for name, path in files.items():
        try:
            about = pq.read_metadata(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{name} cannot be read as Parquet: {error}") from error
        alike.setdefault(str(about.schema.to_arrow_schema().remove_metadata()), []).append(name)
        rows += about.num_rows
    return [_parquet_group(con, names, files) for names in alike.values()], rows


def _parquet_group(con: store.Connection, names: Sequence[str], files: Mapping[str, Path]) -> Group:
    paths = ", ".join(store.literal(_no_pattern(str(files[name]))) for name in names)
    scan = f"read_parquet([{paths}], hive_partitioning = false)"
    columns = tuple(name.strip() for name in pq.read_schema(files[names[0]]).names)
    if twice := repeated(columns):
        raise SourceError(f"{names[0]} names a column twice: {listed(twice)}")
    types = con.sql(f"DESCRIBE SELECT * FROM {scan}").to_arrow_table()["column_type"].to_pylist()
    own = ", ".join(f"c{i}" for i in range(len(columns)))
    relation = f"(SELECT {own}, file_index AS file, file_row_number + 1 AS line FROM {scan} t({own}))"
    return Group(relation, columns, tuple(types), tuple(names), len(columns))


def _no_pattern(path: str) -> str:
    """A path whose *, ? and [ the engine takes as they are."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _text_groups(
    con: store.Connection, table: str, source: Source, files: Mapping[str, Path]
) -> tuple[list[Group], pa.Table, int]:
    """Text files by header, the lines that are no rows, and how many lines there were."""
    alike: dict[tuple[str, ...], list[tuple[str, pa.Table]]] = {}
    rejected, count = [LEFT_OUT.empty_table()], 0
    for name, path in files.items():
        lines = read_lines(path, source.delimiter, source.encoding)
        alike.setdefault(lines.header, []).append((name, lines.rows))
        rejected.append(lines.rejected.add_column(0, LEFT_OUT.field("file"), _repeated(name, lines.rejected)))
        count += lines.count
    groups = []
    for number, (header, parts) in enumerate(alike.items()):
        numbered = [rows.append_column("file", _repeated(i, rows)) for i, (_, rows) in enumerate(parts)]
        con.register(f"{table}_text_{number}", pa.concat_tables(numbered))
        names = tuple(name for name, _ in parts)
        groups.append(Group(f"{table}_text_{number}", header, ("VARCHAR",) * len(header), names, len(header)))
    return groups, pa.concat_tables(rejected), count


def _repeated(value: str | int, table: pa.Table) -> pa.Array:
    return pa.repeat(pa.scalar(value), table.num_rows)


def _first_of_each(con: store.Connection, view: str, lookup: Lookup, groups: Sequence[Group]) -> _Found:
    """The lookup's columns beside its key as text (column `key`), one row a key: the first in the file."""
    if len(groups) != 1:
        raise SourceError(f"the files of lookup {lookup.path!r} have different columns; give them the same ones")
    group = groups[0]
    for name in (lookup.on, *lookup.columns):
        if name not in group.names:
            raise SourceError(f"lookup {lookup.path!r} has no column {name!r}; it has {listed(group.names)}")
    key = group.names.index(lookup.on)
    wanted = [i for i, name in enumerate(group.names) if i != key and (not lookup.columns or name in lookup.columns)]
    chosen = "".join(f", c{i}" for i in wanted)
    text, _ = tidy(f"c{key}", group.types[key])
    con.execute(
        f"CREATE TEMP TABLE {view} AS SELECT DISTINCT ON (key) {text} AS key{chosen} FROM {group.relation} "
        f"WHERE {present('key', 'VARCHAR')} IS NOT NULL ORDER BY key, file, line"
    )
    return _Found(
        view,
        tuple(f"c{i}" for i in wanted),
        tuple(group.names[i] for i in wanted),
        tuple(group.types[i] for i in wanted),
    )


def _joined(table: str, group: Group, lookup: Lookup, found: _Found) -> Group:
    """The group with the lookup's columns after its own."""
    if lookup.on not in group.names:
        raise SourceError(
            f"lookup {lookup.path!r} is joined on {lookup.on!r}, which {group.files[0]} does not have; "
            f"it has {listed(group.names)}"
        )
    clash = [name for name in found.names if name in group.names]
    if clash:
        raise ConfigError(
            f"[sources.{table}] lookup {lookup.path!r} brings {listed(clash)}, which {group.files[0]} "
            "has already; name the columns you need in the lookup's `columns`"
        )
    width, on = len(group.names), group.names.index(lookup.on)
    kept = ", ".join(f"r.c{i}" for i in range(width))
    added = "".join(f", l.{column} AS c{width + i}" for i, column in enumerate(found.columns))
    relation = (
        f"(SELECT {kept}{added}, r.file, r.line FROM {group.relation} r "
        f"LEFT JOIN {found.view} l ON {tidy(f'r.c{on}', group.types[on])[0]} = l.key)"
    )
    return replace(group, relation=relation, names=group.names + found.names, types=group.types + found.types)


def listed(names: Sequence[str]) -> str:
    """Names for an error message, the first twenty of them."""
    shown = ", ".join(repr(name) for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown
