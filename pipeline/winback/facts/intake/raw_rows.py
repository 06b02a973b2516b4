"""A source's files as relations of the embedded database, before any value is read.

The columns are called c0, c1, ... there, so that no name found in a file ever becomes SQL.
"""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from winback import store
from winback.config import Lookup, Source
from winback.errors import ConfigError, SourceError
from winback.facts.intake import parquet_rows
from winback.facts.intake.byte_blocks import Limits
from winback.facts.intake.json_lines import read_json_lines, with_columns
from winback.facts.intake.parse import present, tidy
from winback.facts.intake.sources import format_of, named_files
from winback.facts.intake.text_lines import REJECTED, Lines, read_lines, repeated

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


def read_rows(
    con: store.Connection,
    table: str,
    source: Source,
    base: Path,
    only: Collection[str] | None = None,
    mend: Callable[[Rows], Rows] | None = None,
) -> Rows:
    """Every row of one source with its lookups joined; a lookup neither drops nor multiplies rows.

    `only`: the names of the files to read, where not all of them are wanted. `mend`: puts mended
    rows in the place of some that were read.
    """
    files = named_files(source.path, base)
    rows = read_files(con, table, source, files if only is None else {name: files[name] for name in only})
    rows = mend(rows) if mend else rows
    groups, rejected = rows.groups, [LEFT_OUT.empty_table()]
    for number, lookup in enumerate(source.lookups):
        by_name = replace(source, path=lookup.path, format="auto")
        found = read_files(con, f"{table}_lookup_{number}", by_name, named_files(lookup.path, base))
        view = _first_of_each(con, f"{table}_lookup_{number}", lookup, found.groups)
        groups = tuple(_joined(table, group, lookup, view) for group in groups)
        rejected.append(found.rejected)
    return Rows(groups, rows.rejected, pa.concat_tables(rejected), rows.count)


def read_files(con: store.Connection, table: str, source: Source, files: Mapping[str, Path]) -> Rows:
    """The rows of some files, grouped by their columns."""
    by_format: dict[str, dict[str, Path]] = {"csv": {}, "parquet": {}, "jsonl": {}}
    for name, path in files.items():
        by_format[format_of(source, path)][name] = path
    groups, count = _parquet_groups(con, by_format["parquet"], _limits(source))
    text = _text_parts(source, by_format["csv"])
    objects = _json_parts(source, by_format["jsonl"])
    rejected = [LEFT_OUT.empty_table()]
    for name, lines in (*text, *objects):
        rejected.append(lines.rejected.add_column(0, LEFT_OUT.field("file"), _repeated(name, lines.rejected)))
        count += lines.count
    groups += _text_groups(con, table, [*text, *objects])
    return Rows(tuple(groups), pa.concat_tables(rejected), LEFT_OUT.empty_table(), count)


def _limits(source: Source) -> Limits:
    return Limits(source.max_expansion, source.max_decoded_gb)


def _parquet_groups(con: store.Connection, files: Mapping[str, Path], limits: Limits) -> tuple[list[Group], int]:
    """Parquet files by schema, read in place by the engine, and their number of rows."""
    alike, rows = parquet_rows.alike(files, limits)
    return [_parquet_group(con, names, files) for names in alike], rows


def _parquet_group(con: store.Connection, names: Sequence[str], files: Mapping[str, Path]) -> Group:
    scan = parquet_rows.scan([files[name] for name in names])
    columns = tuple(name.strip() for name in pq.read_schema(files[names[0]]).names)
    if twice := repeated(columns):
        raise SourceError(f"{names[0]} names a column twice: {listed(twice)}")
    with store.naming_damage(names):
        types = con.sql(f"DESCRIBE SELECT * FROM {scan}").to_arrow_table()["column_type"].to_pylist()
    own = ", ".join(f"c{i}" for i in range(len(columns)))
    indexed = "CAST(file_index AS BIGINT) AS file, file_row_number + 1 AS line"
    relation = f"(SELECT {own}, {indexed} FROM {scan} t({own}))"
    return Group(relation, columns, tuple(types), tuple(names), len(columns))


def _text_parts(source: Source, files: Mapping[str, Path]) -> list[tuple[str, Lines]]:
    """What is in each file of delimited text."""
    limits = _limits(source)
    return [
        (name, read_lines(path, source.delimiter, source.encoding, source.quoted_newlines, limits))
        for name, path in files.items()
    ]


def _json_parts(source: Source, files: Mapping[str, Path]) -> list[tuple[str, Lines]]:
    """What is in each file of JSON lines; a key that some lack is empty there, so all have the same columns."""
    parts = [(name, read_json_lines(path, source.encoding, _limits(source))) for name, path in files.items()]
    keys = tuple(dict.fromkeys(key for _, lines in parts for key in lines.header)) or _named(source)
    return [(name, with_columns(lines, keys)) for name, lines in parts]


def _named(source: Source) -> tuple[str, ...]:
    """The columns a mapping names, for files in which no line is a row that could name them."""
    names = [*(lookup.on for lookup in source.lookups), *(rule.column for rule in source.rules)]
    for column in source.columns.values():
        value = next(iter(column.values()), ()) if isinstance(column, dict) else column
        names += [part for part in ((value,) if isinstance(value, str) else value) if isinstance(part, str)]
    return tuple(dict.fromkeys(names))


def _text_groups(con: store.Connection, table: str, files: Sequence[tuple[str, Lines]]) -> list[Group]:
    """Files of text by their columns."""
    alike: dict[tuple[str, ...], list[tuple[str, pa.Table]]] = {}
    for name, lines in files:
        alike.setdefault(lines.header, []).append((name, lines.rows))
    groups = []
    for number, (header, parts) in enumerate(alike.items()):
        numbered = [rows.append_column("file", _repeated(i, rows)) for i, (_, rows) in enumerate(parts)]
        con.register(f"{table}_text_{number}", pa.concat_tables(numbered))
        names = tuple(name for name, _ in parts)
        groups.append(Group(f"{table}_text_{number}", header, ("VARCHAR",) * len(header), names, len(header)))
    return groups


def _repeated(value: str | int, table: pa.Table) -> pa.Array:
    return pa.repeat(pa.scalar(value), table.num_rows)


def _first_of_each(con: store.Connection, view: str, lookup: Lookup, groups: Sequence[Group]) -> _Found:
    """The lookup's columns beside its key as text (column `key`), one row a key: the first in the file."""
    if len(groups) != 1:
        raise SourceError(f"the files of lookup {lookup.path!r} have different columns; give them the same ones")
    group = groups[0]
    for name in (lookup.on, *lookup.columns):
        if name not in group.names:
            raise SourceError(lacking(f"lookup {lookup.path!r}", name, group.names))
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


def lacking(place: str, name: str, names: Sequence[str], asked: str = "") -> str:
    """What to say of a column that is not there, and what to do about it."""
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"{place} has no column {name!r}{asked}; it has {listed(names)}.{hint} "
        "Correct the name in the configuration, or the header of the file"
    )


def listed(names: Sequence[str]) -> str:
    """Names for an error message, the first twenty of them."""
    shown = ", ".join(repr(name) for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown
