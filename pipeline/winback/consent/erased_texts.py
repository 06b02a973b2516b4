"""A person taken out of text files, JSON and small databases; all that is not theirs stays byte for byte."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from winback import store
from winback.consent.erased_tables import ID
from winback.consent.marks import Marks, seen_in, words_of

GONE = "erased"
_NOTHING: Any = object()
Changed = tuple[str, int]  # a text without what was theirs, and how many lines or values that were


def changed(name: str, text: str, marks: Marks) -> Changed:
    """The text of a file of this name without these people, and in how many places they were."""
    ending = Path(name).suffix.lower()
    if ending in (".csv", ".tsv"):
        return _of_table(text, "\t" if ending == ".tsv" else ",", marks)
    if ending == ".json":
        return _of_json(text, marks)
    return _of_lines(text, marks)


def _of_table(text: str, delimiter: str, marks: Marks) -> Changed:
    """Delimited text: by its column of ids if it has one, else by any field."""
    lines = text.splitlines(keepends=True)
    reader, kept, count, last = csv.reader(lines, delimiter=delimiter), list[str](), 0, 0
    column: int | None = None
    for number, fields in enumerate(reader):
        if number == 0:
            heads = [field.strip("\ufeff \"'").lower() for field in fields]
            column = heads.index(ID) if ID in heads else None
        if number and _is_theirs(fields, column, marks):
            count += 1
        else:
            kept += lines[last : reader.line_num]
        last = reader.line_num
    return "".join(kept), count


def _is_theirs(fields: list[str], column: int | None, marks: Marks) -> bool:
    if column is not None and column < len(fields):
        return fields[column].lstrip("'") in marks.ids
    return not {field.strip().lstrip("'") for field in fields}.isdisjoint(marks.ids | marks.telling)


def seen(name: str, text: str, marks: Marks) -> set[str]:
    """The addresses and hashes in these people's own lines of delimited text."""
    if Path(name).suffix.lower() != ".csv":
        return set()
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    if ID not in (rows.fieldnames or ()):
        return set()
    return {each for row in rows if row[ID].lstrip("'") in marks.ids for each in seen_in(row.values())}


def _of_json(text: str, marks: Marks) -> Changed:
    if words_of(text).isdisjoint(marks.ids | marks.telling):
        return text, 0
    try:
        held = json.loads(text)
    except ValueError:
        return _of_lines(text, marks)
    count = [0]
    left = _without(held, marks, count)
    return (json.dumps(left, indent=2, sort_keys=True, ensure_ascii=False) + "\n", count[0]) if count[0] else (text, 0)


def _without(value: Any, marks: Marks, count: list[int]) -> Any:
    """A JSON value without these people; `count` is added up."""
    if isinstance(value, dict):
        if value.get(ID) in marks.ids:
            count[0] += 1
            return _NOTHING
        kept = {key: _without(held, marks, count) for key, held in value.items() if not _named(key, marks, count)}
        return {key: GONE if held is _NOTHING else held for key, held in kept.items()}
    if isinstance(value, list):
        return [left for each in value if (left := _without(each, marks, count)) is not _NOTHING]
    return _NOTHING if isinstance(value, str) and _named(value, marks, count) else value


def _named(text: str, marks: Marks, count: list[int]) -> bool:
    theirs = not (words_of(text) | {text}).isdisjoint(marks.telling)
    count[0] += theirs
    return theirs


def _of_lines(text: str, marks: Marks) -> Changed:
    """Lines of any text; those of JSON are gone where they name one of the people."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if words_of(line).isdisjoint(marks.telling) and not _is_row(line, marks)]
    return "".join(kept), len(lines) - len(kept)


def _is_row(line: str, marks: Marks) -> bool:
    if not line.startswith("{") or ID not in line:
        return False
    try:
        return json.loads(line).get(ID) in marks.ids
    except ValueError:
        return False


def places(path: Path, marks: Marks) -> int:
    """How many lines or values of a text file are of these people; 1 where another file holds something of theirs."""
    text = _text(path)
    if text is None:
        held = path.read_bytes()
        return int(any(mark.encode("utf-8", "surrogatepass") in held for mark in marks.telling))
    return changed(path.name.removesuffix(".gz"), text, marks)[1]


def edit(path: Path, marks: Marks) -> int:
    """How many lines or values of a text file were taken out of it."""
    text = _text(path)
    left, count = ("", 0) if text is None else changed(path.name.removesuffix(".gz"), text, marks)
    if count:
        held = gzip.compress(left.encode(), mtime=0) if path.suffix == ".gz" else left.encode()
        with store.whole_file(path) as temporary:
            temporary.write_bytes(held)
    return count


def _text(path: Path) -> str | None:
    """What a file says, packed or not; None where it is no UTF-8."""
    try:
        held = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return held.decode("utf-8")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError):
        return None


def texts_of(path: Path, marks: Marks) -> int:
    """How many texts of an SQLite file are of these people."""
    with closing(sqlite3.connect(path)) as con:
        return sum(len(_found(con, table, column, marks)) for table, column in _columns(con))


def edit_database(path: Path, marks: Marks) -> int:
    """How many texts of an SQLite file were put away, and the room they took overwritten."""
    count = 0
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA secure_delete = ON")
        for table, column in _columns(con):
            gone = [(each,) for each in _found(con, table, column, marks)]
            con.executemany(f"UPDATE {table} SET {column} = '{GONE}' WHERE {column} = ?", gone)  # noqa: S608
            count += len(gone)
        con.commit()
        con.execute("VACUUM")
    return count


def _columns(con: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every table and column of a database, quoted."""
    tables = [store.identifier(name) for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [(t, store.identifier(row[1])) for t in tables for row in con.execute(f"PRAGMA table_info({t})")]


def _found(con: sqlite3.Connection, table: str, column: str, marks: Marks) -> list[str]:
    found = con.execute(f"SELECT DISTINCT {column} FROM {table} WHERE typeof({column}) = 'text'")  # noqa: S608
    return [text for (text,) in found if not (words_of(text) | {text}).isdisjoint(marks.telling)]
