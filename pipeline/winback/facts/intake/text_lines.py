"""Delimited text, read by physical lines: a bad line costs itself and nothing else.

A field spans lines only where the source says so, so that elsewhere an open quote ends with its
line. NumPy screens a block of bytes at a time; lines that pass are parsed together by Arrow, the
others are looked at one by one.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from winback.errors import ConfigError, SourceError
from winback.facts.intake import byte_blocks
from winback.facts.intake.byte_blocks import Limits, blocks_of
from winback.facts.intake.line_screen import passing
from winback.facts.intake.quoted_rows import Found, Span, fields_of, spans_of

MAX_COLUMNS = 10_000
KEPT_OF_A_BAD_LINE = 4_000

REJECTED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("value", pa.string()), ("raw", pa.string())])


@dataclass(frozen=True)
class Lines:
    """A text file: `rows` (columns c0, c1, ... as text, and line), `rejected` lines, and how many came in.

    `count` is the rows and the rejected; `continued` the lines beside them on which a row went on.
    """

    header: tuple[str, ...]
    rows: pa.Table
    rejected: pa.Table
    count: int
    continued: int = 0


@dataclass(frozen=True)
class Form:
    """How every line is read: its number of fields, the delimiter, its encoding, whether a field may go on."""

    width: int
    delimiter: str
    encoding: str
    quoted_newlines: bool


def read_lines(
    path: Path, delimiter: str, encoding: str, quoted_newlines: bool = False, limits: Limits | None = None
) -> Lines:
    """The lines of one delimited file under its header, each part of a row or rejected with a reason code.

    With `quoted_newlines` a quoted field may go on over several lines; its row carries the first.
    """
    if not delimiter.isascii() or delimiter in '"\r\n\0':
        raise ConfigError(f"delimiter = {delimiter!r} cannot part fields; use one such as ',', ';', '|' or '\\t'")
    blocks = blocks_of(path, encoding, limits or Limits())
    head, _, rest = next(blocks, b"").partition(b"\n")
    with _fields_of_any_length():
        header = _header(head, path, delimiter, encoding)
        form = Form(len(header), delimiter, encoding, quoted_newlines)
        return _together(header, list(_parts(_chain(rest, blocks), header, form)))


def _parts(blocks: Iterable[bytes], header: tuple[str, ...], form: Form) -> Iterator[Lines]:
    """What each block holds; a row that is not whole at its end waits for the next."""
    held, line = b"", 2
    for block, last in _with_last(blocks):
        part, held = _read_block(held + block, line, (header, form), last)
        yield part
        line += part.count + part.continued


def _together(header: tuple[str, ...], parts: Sequence[Lines]) -> Lines:
    return Lines(
        header,
        pa.concat_tables([_schema(len(header)).empty_table(), *(part.rows for part in parts)]),
        pa.concat_tables([REJECTED.empty_table(), *(part.rejected for part in parts)]),
        sum(part.count for part in parts),
        sum(part.continued for part in parts),
    )


def _chain(rest: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """What is left of the first block, if anything, then the other blocks."""
    if rest:
        yield rest
    yield from blocks


def _with_last(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether it is the last."""
    before: bytes | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """The standard library refuses fields that Arrow reads; only the length of a line is bounded here."""
    before = csv.field_size_limit(byte_blocks.MAX_LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _header(line: bytes, path: Path, delimiter: str, encoding: str) -> tuple[str, ...]:
    """The column names on the first line."""
    try:
        fields = fields_of(line.removesuffix(b"\r").decode("utf-8"), delimiter) if line.strip() else []
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        raise SourceError(f"line 1 of {path.name} is no header in {encoding}: {error}") from error
    names = tuple(field.strip() for field in fields)
    if not names:
        raise SourceError(f"line 1 of {path.name} is empty; it must name the columns")
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"line 1 of {path.name} names {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    if twice := repeated(names):
        raise SourceError(f"line 1 of {path.name} names a column twice: {', '.join(map(repr, twice[:5]))}")
    return names


def repeated(names: Sequence[str]) -> list[str]:
    """Names that stand for more than one column; columns without a name cannot be mapped and may be many."""
    return sorted(name for name, times in Counter(names).items() if name and times > 1)


def _schema(width: int) -> pa.Schema:
    return pa.schema([*((f"c{i}", pa.string()) for i in range(width)), ("line", pa.int64())])


def _read_block(block: bytes, first_line: int, table: tuple[tuple[str, ...], Form], last: bool) -> tuple[Lines, bytes]:
    """The rows and the rejected lines of one block, and its end if a row goes on in the next one."""
    header, form = table
    data = np.frombuffer(block, np.uint8)
    bounds = _bounds(data)
    good = passing(data, bounds, ord(form.delimiter), form.width) & (np.diff(bounds) <= byte_blocks.MAX_LINE_BYTES)
    spans: list[Span] = []
    if form.quoted_newlines:
        spans, whole = spans_of(block, bounds, good, form.delimiter, last)
        data, bounds, good = data[: bounds[whole]], bounds[: whole + 1], good[:whole]
    alone = np.ones(len(good), bool)
    for span in spans:
        alone[span.first : span.first + span.lines] = False
    rows, good = _screened(data, bounds, good & alone, form)
    rows = rows.append_column("line", pa.array(np.flatnonzero(good) + first_line, pa.int64()))
    looked_at = [Span(index, 1) for index in np.flatnonzero(alone & ~good).tolist()]
    single, rejected = _examined(block, bounds, [*spans, *looked_at], first_line, form)
    rows = pa.concat_tables([rows, single])
    count = rows.num_rows + rejected.num_rows
    return Lines(header, rows, rejected, count, len(good) - count), block[bounds[-1] :]


def _screened(
    data: NDArray[np.uint8], bounds: NDArray[np.int64], good: NDArray[np.bool_], form: Form
) -> tuple[pa.Table, NDArray[np.bool_]]:
    """The good lines as a table, and which they are."""
    kept = data if good.all() else data[np.repeat(good, np.diff(bounds))]
    parsed = _parsed(kept.tobytes(), form)
    if parsed.num_rows == good.sum():
        return parsed, good
    # Arrow and the screen disagree about where rows end: every line of the block is looked at.
    return parsed.slice(0, 0), np.zeros_like(good)


def _bounds(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where each line starts, and the end of the last."""
    ends = np.flatnonzero(data == ord("\n")) + 1
    if not ends.size or ends[-1] != data.size:
        ends = np.append(ends, data.size)
    return np.concatenate([np.zeros(1, np.int64), ends])


def _parsed(block: bytes, form: Form) -> pa.Table:
    """Lines already known to be well formed, as text columns."""
    names = _schema(form.width).names[:-1]
    if not block:
        return _schema(form.width).empty_table().select(names)
    return pc.read_csv(
        pa.BufferReader(block),
        read_options=pc.ReadOptions(column_names=names, block_size=4 * byte_blocks.MAX_LINE_BYTES),
        parse_options=pc.ParseOptions(delimiter=form.delimiter, ignore_empty_lines=False),
        convert_options=pc.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _examined(
    block: bytes, bounds: NDArray[np.int64], which: Sequence[Span], first_line: int, form: Form
) -> tuple[pa.Table, pa.Table]:
    """Each span of lines on its own: a row after all, or rejected."""
    rows: list[tuple[Any, ...]] = []
    rejected: list[tuple[Any, ...]] = []
    for span in which:
        text = block[bounds[span.first] : bounds[span.first + span.lines]].removesuffix(b"\n").removesuffix(b"\r")
        found = _fault_or_fields(text, form, span.lines > 1)
        if isinstance(found, list):
            rows.append((*found, span.first + first_line))
        else:
            rejected.append((span.first + first_line, *found, shown(text)))
    return table_of(rows, _schema(form.width)), table_of(rejected, REJECTED)


def shown(line: bytes) -> str:
    """As much of a bad line as is kept."""
    return line[: 4 * KEPT_OF_A_BAD_LINE].decode("utf-8", "replace")[:KEPT_OF_A_BAD_LINE]


def table_of(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Tuples as a table, one a row."""
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema)


def _fault_or_fields(text: bytes, form: Form, spanning: bool) -> Found:
    """A row's fields, or the code of what is wrong with it and what to say about it."""
    if code := fault_of_bytes(text.replace(b"\r\n", b"\n") if spanning else text):
        return code, ""
    try:
        fields = fields_of(text.decode("utf-8"), form.delimiter)
    except UnicodeDecodeError:
        return "bad_encoding", form.encoding
    except csv.Error as error:
        return ("open_quote" if "unexpected end" in str(error) else "bad_quote"), ""
    if len(fields) != form.width:
        return "ragged_row", f"{form.width} fields were expected, {len(fields)} came"
    return fields


def fault_of_bytes(line: bytes) -> str | None:
    """What is wrong with a line whatever its text means."""
    if len(line) > byte_blocks.MAX_LINE_BYTES:
        return "long_line"
    if not line.strip():
        return "empty_line"
    return "control_character" if b"\0" in line or b"\r" in line else None
