"""A first look at a file of orders: how it is written, its columns, and a sample of their values."""

# What came with a file is a literal or never part of a statement; the names in these are our own.
# ruff: noqa: S608

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from winback import store
from winback.config import Source
from winback.errors import SourceError
from winback.facts.intake import raw_rows
from winback.facts.intake.parse import present, tidy
from winback.facts.intake.raw_rows import Group
from winback.facts.intake.sources import format_of, named_files
from winback.guess.text_form import text_form

SPREAD = 6_000  # rows looked at, evenly over the file
STRETCH = 4_000  # rows looked at side by side, where lines of one order would stand


@dataclass(frozen=True)
class Column:
    """A column of the file: how many of all rows have a value, how many different ones, and samples as text.

    `spread`: values of rows taken evenly over the file, in its order; `stretch`: of the first rows. None: no value.
    """

    name: str
    kind: str
    filled: int
    distinct: int
    spread: tuple[str | None, ...]
    stretch: tuple[str | None, ...]

    @property
    def values(self) -> list[str]:
        """The values of the spread rows that have one."""
        return [value for value in self.spread if value is not None]


@dataclass(frozen=True)
class Glance:
    """The file or files as they would be read: the source so far, the columns, the rows, and what was odd."""

    source: Source
    columns: tuple[Column, ...]
    rows: int
    files: int
    odd: tuple[str, ...]

    def named(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def look(written: str, base: Path) -> Glance:
    """What the files at a path (a file, a folder, a pattern; relative to `base`) hold; SourceError where nothing."""
    source, files = Source(path=written, columns={}), named_files(written, base)
    texts = [path for path in files.values() if format_of(source, path) == "csv"]
    if texts:
        form = text_form(texts[0])
        source = replace(source, delimiter=form.delimiter, encoding=form.encoding, quoted_newlines=form.quoted_newlines)
    with closing(store.connect()) as con:
        rows = raw_rows.read_files(con, "glance", source, files)
        if not rows.groups or not rows.count:
            raise SourceError(f"{written} has no rows below its header")
        group = max(rows.groups, key=lambda each: len(each.files))
        columns, count = _columns(con, group)
    return Glance(source, columns, count, len(files), tuple(_odd(rows, group)))


def _odd(rows: raw_rows.Rows, group: Group) -> list[str]:
    """What is said of files that are not all alike, and of lines that are no rows."""
    others = [other for other in rows.groups if other is not group]
    told = [f"{other.files[0]} has other columns than {group.files[0]} and was not looked at" for other in others[:3]]
    if bad := rows.rejected.num_rows:
        told.append(f"{bad:,} of {rows.count:,} lines are no rows; `winback quarantine` will show them after a run")
    return told


def _columns(con: store.Connection, group: Group) -> tuple[tuple[Column, ...], int]:
    """The columns of a group of files, and its number of rows."""
    texts = [_text(f"c{i}", kind) for i, kind in enumerate(group.types)]
    counts = ", ".join(f"count({text}), count(DISTINCT {text})" for text in texts)
    total, *each = con.sql(f"SELECT count(*), {counts} FROM {group.relation}").fetchall()[0]
    shown = ", ".join(f"{text} AS c{i}" for i, text in enumerate(texts))
    step = max(1, total // SPREAD)
    evenly = f"SELECT {shown} FROM {group.relation} WHERE line % {step} = 0 ORDER BY file, line LIMIT {2 * SPREAD}"
    first = f"SELECT {shown} FROM {group.relation} ORDER BY file, line LIMIT {STRETCH}"
    spread, stretch = (con.sql(query).to_arrow_table() for query in (evenly, first))
    columns = [
        Column(name, kind, each[2 * i], each[2 * i + 1], tuple(spread[i].to_pylist()), tuple(stretch[i].to_pylist()))
        for i, (name, kind) in enumerate(zip(group.names, group.types, strict=True))
    ]
    return tuple(columns), int(total)


def _text(column: str, kind: str) -> str:
    """A value as text, NULL for what programs write for nothing."""
    text, _ = tidy(column, kind)
    return present(text, "VARCHAR")
