"""JSON lines: one object a line, a bad line costs itself; numbers stay the digits they were written with.

Objects inside objects give columns with dotted names: {"a": {"b": 1}} has the column "a.b". Lists
stay the text of a list. A key that a line does not have is NULL there, as is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from winback.errors import SourceError
from winback.facts.intake.byte_blocks import Limits, blocks_of
from winback.facts.intake.text_lines import MAX_COLUMNS, REJECTED, Lines, fault_of_bytes, shown, table_of

MAX_NESTING = 32
_Row = dict[str, str | None]


class _Refused(ValueError):
    """A line that is no row: the code of its fault and what to say about it."""


class _Number(str):
    """Digits as they stand in the file."""

    __slots__ = ()


def read_json_lines(path: Path, encoding: str, limits: Limits | None = None) -> Lines:
    """The lines of one file, each a row or rejected; the columns are all keys, in the order they first came."""
    header: dict[str, int] = {}
    rows: list[tuple[int, list[pa.Array]]] = []
    rejected: list[tuple[Any, ...]] = []
    lines = count(1)
    numbers: list[pa.Array] = []
    for block in blocks_of(path, encoding, limits or Limits()):
        _refuse_array(block, path)
        good, bad = _read_block(block, lines, (header, encoding))
        numbers.append(pa.array([number for number, _ in good], pa.int64()))
        rows.append((len(good), _columns([row for _, row in good], header)))
        rejected += bad
    table = _table(rows, numbers, len(header))
    return Lines(tuple(header), table, table_of(rejected, REJECTED), table.num_rows + len(rejected))


def with_columns(lines: Lines, header: Sequence[str]) -> Lines:
    """The same lines under a header that names more columns, or the same in another order."""
    place = {name: f"c{i}" for i, name in enumerate(lines.header)}
    empty = pa.nulls(lines.rows.num_rows, pa.string())
    columns = {f"c{i}": lines.rows[place[name]] if name in place else empty for i, name in enumerate(header)}
    return replace(lines, header=tuple(header), rows=pa.table({**columns, "line": lines.rows["line"]}))


def _refuse_array(block: bytes, path: Path) -> None:
    """A file that is one list over many lines is the mistake to expect; each of its lines would be refused."""
    if block[:64].split(b"\n")[0].strip() == b"[":
        raise SourceError(
            f"{path.name} is one JSON list, not JSON lines; write one object a line, for example with "
            f"jq -c '.[]' {path.name}"
        )


def _read_block(
    block: bytes, lines: Iterator[int], known: tuple[dict[str, int], str]
) -> tuple[list[tuple[int, _Row]], list[tuple[Any, ...]]]:
    """The rows of a block with their line numbers, and the lines that are none; new keys join the header."""
    header, encoding = known
    good, bad = [], []
    # zip asks the lines first, so that no number is spent after the last.
    for line, number in zip(block.removesuffix(b"\n").split(b"\n"), lines, strict=False):
        try:
            row = _row(line.removesuffix(b"\r"), encoding)
            _join(header, row)
        except _Refused as refused:
            bad.append((number, *refused.args, shown(line)))
        else:
            good.append((number, row))
    return good, bad


def _row(line: bytes, encoding: str) -> _Row:
    """One object's values by dotted name."""
    if code := fault_of_bytes(line):
        raise _Refused(code, "")
    try:
        value = _DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _Refused("bad_encoding", encoding) from error
    except RecursionError as error:
        raise _Refused("deep_json", f"{MAX_NESTING} levels") from error
    except json.JSONDecodeError as error:
        raise _Refused("bad_json", f"{error.msg} at character {error.pos + 1}") from error
    if not isinstance(value, dict):
        raise _Refused("bad_json", "an object was expected")
    row: _Row = {}
    _flatten("", value, row, MAX_NESTING)
    if b"\\u" in line:
        _refuse_half_characters(row)
    return row


def _refuse_half_characters(row: _Row) -> None:
    """An escape can name half of a character, which no text can hold."""
    try:
        for name, value in row.items():
            f"{name}{value}".encode()
    except UnicodeEncodeError as error:
        raise _Refused("bad_encoding", "UTF-8") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that says each thing once."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = sorted(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise _Refused("repeated_key", repr(twice[0]))
    return values


def _constant(word: str) -> str:
    raise _Refused("bad_json", f"{word} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_Number, parse_int=_Number, parse_constant=_constant)


def _flatten(prefix: str, values: dict[str, Any], row: _Row, levels: int) -> None:
    """Put the values into `row` by dotted name, blanks around keys dropped as around column names."""
    if not levels:
        raise _Refused("deep_json", f"{MAX_NESTING} levels")
    for key, value in values.items():
        name = (prefix + key).strip()
        if isinstance(value, dict):
            _flatten(f"{name}.", value, row, levels - 1)
        elif name in row:
            raise _Refused("repeated_key", repr(name))
        else:
            row[name] = value if value is None or isinstance(value, str) else _json(value, levels)


def _json(value: Any, levels: int) -> str:
    """A value inside a list, as JSON with the digits that were there."""
    if not levels:
        raise _Refused("deep_json", f"{MAX_NESTING} levels")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_json(part, levels - 1) for part in value)}]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)}: {_json(part, levels - 1)}" for key, part in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=False)


def _join(header: dict[str, int], row: _Row) -> None:
    """Give the row's new names a column."""
    if row.keys() <= header.keys():
        return
    new = [name for name in row if name not in header]
    if len(header) + len(new) > MAX_COLUMNS:
        raise _Refused("too_many_columns", f"{MAX_COLUMNS:,}")
    header.update({name: len(header) + i for i, name in enumerate(new)})


def _columns(rows: Sequence[_Row], header: dict[str, int]) -> list[pa.Array]:
    """The columns known by now, as text."""
    return [pa.array([row.get(name) for row in rows], pa.string()) for name in header]


def _table(blocks: Sequence[tuple[int, Sequence[pa.Array]]], numbers: Sequence[pa.Array], width: int) -> pa.Table:
    """The blocks below each other; a column that came later is NULL before."""
    missing = [pa.nulls(length, pa.string()) for length, _ in blocks]
    columns = {
        f"c{i}": pa.chunked_array(
            [columns[i] if i < len(columns) else missing[b] for b, (_, columns) in enumerate(blocks)], pa.string()
        )
        for i in range(width)
    }
    return pa.table({**columns, "line": pa.chunked_array(numbers, pa.int64())})
