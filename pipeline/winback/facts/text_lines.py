"""Delimited text, read by physical lines: a bad line costs itself and nothing else.

A field may not span lines, so an open quote ends with its line. NumPy screens a block of bytes at a
time; lines that pass are parsed together by Arrow, the others are looked at one by one.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from winback.errors import ConfigError, SourceError
from winback.facts.line_screen import passing

BLOCK_BYTES = 32 << 20
# A longer line is no row of a shop's export; it is refused before it can fill the memory.
MAX_LINE_BYTES = 1 << 20
MAX_COLUMNS = 10_000
KEPT_OF_A_BAD_LINE = 4_000

REJECTED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("value", pa.string()), ("raw", pa.string())])


@dataclass(frozen=True)
class Lines:
    """A text file: `rows` (columns c0, c1, ... as text, and line), `rejected` lines, and how many came in."""

    header: tuple[str, ...]
    rows: pa.Table
    rejected: pa.Table
    count: int


@dataclass(frozen=True)
class _Format:
    """How every line is read: its number of fields, the delimiter, the encoding it is said to have."""

    width: int
    delimiter: str
    encoding: str


def read_lines(path: Path, delimiter: str, encoding: str) -> Lines:
    """The lines of one delimited file under its header, each either parsed or rejected with a reason code."""
    codec = _checked(delimiter, encoding)
    blocks = _blocks(_utf8(path, codec))
    try:
        first = next(blocks, b"")
        head, _, rest = first.partition(b"\n")
        header = _header(head, path, delimiter, encoding)
        form = _Format(len(header), delimiter, encoding)
        rows, rejected, line = [], [], 2
        for block in _chain(rest, blocks):
            parsed, bad, lines = _read_block(block, line, form)
            rows.append(parsed)
            rejected.append(bad)
            line += lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path.name} is not a whole gzip file: {error}") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
    return Lines(
        header,
        pa.concat_tables([_schema(form.width).empty_table(), *rows]),
        pa.concat_tables([REJECTED.empty_table(), *rejected]),
        line - 2,
    )


def _chain(rest: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """What is left of the first block, if anything, then the other blocks."""
    if rest:
        yield rest
    yield from blocks


def _checked(delimiter: str, encoding: str) -> str:
    """The codec's own name; both settings must be ones that lines can be read with."""
    if not delimiter.isascii() or delimiter in '"\r\n\0':
        raise ConfigError(f"delimiter = {delimiter!r} cannot part fields; use one such as ',', ';', '|' or '\\t'")
    try:
        name = codecs.lookup(encoding).name
        "a".encode(encoding)
    except LookupError as error:
        raise ConfigError(f"encoding = {encoding!r} is not known; use one such as 'utf-8' or 'cp1252'") from error
    return name


def _utf8(path: Path, codec: str) -> Iterator[bytes]:
    """The file's bytes, unzipped, as UTF-8 and without byte order mark.

    A byte that the codec cannot read becomes one that UTF-8 cannot read either, so that the line it
    is on, and only that one, fails later.
    """
    with _opened(path) as stream:
        chunks: Iterator[bytes] = iter(lambda: stream.read(BLOCK_BYTES), b"")
        if codec not in ("utf-8", "utf-8-sig"):
            chunks = _recoded(chunks, codec)
        yield next(chunks, b"").removeprefix(codecs.BOM_UTF8)
        yield from chunks


def _recoded(chunks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)(errors="winback_unreadable")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    """A lone surrogate in place of bytes that could not be decoded."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("winback_unreadable", _unreadable)


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of whole lines; a line past the limit is cut just above it."""
    held = b""
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if not end:
            held += chunk[: MAX_LINE_BYTES + 1 - len(held)]
            continue
        if len(held) > MAX_LINE_BYTES:
            # The cut line's remainder must not look like a line of its own.
            start = chunk.find(b"\n")
            yield held + chunk[start:end]
        else:
            yield held + chunk[:end]
        held = chunk[end:][: MAX_LINE_BYTES + 1]
    if held:
        yield held


def _header(line: bytes, path: Path, delimiter: str, encoding: str) -> tuple[str, ...]:
    """The column names on the first line."""
    try:
        fields = _fields(line.removesuffix(b"\r").decode("utf-8"), delimiter) if line.strip() else []
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


def _fields(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def _schema(width: int) -> pa.Schema:
    return pa.schema([*((f"c{i}", pa.string()) for i in range(width)), ("line", pa.int64())])


def _read_block(block: bytes, first_line: int, form: _Format) -> tuple[pa.Table, pa.Table, int]:
    """The rows and the rejected lines of one block, and how many lines it has."""
    data = np.frombuffer(block, np.uint8)
    bounds = _bounds(data)
    good = passing(data, bounds, ord(form.delimiter), form.width) & (np.diff(bounds) <= MAX_LINE_BYTES)
    kept = block if good.all() else data[np.repeat(good, np.diff(bounds))].tobytes()
    parsed = _parsed(kept, form)
    if parsed.num_rows != good.sum():
        # Arrow and the screen disagree about where rows end: every line of the block is looked at.
        good[:] = False
        parsed = parsed.slice(0, 0)
    lines = np.flatnonzero(good) + first_line
    rows = parsed.append_column("line", pa.array(lines, pa.int64()))
    single, rejected = _examined(block, bounds, ~good, first_line, form)
    return pa.concat_tables([rows, single]), rejected, len(good)


def _bounds(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where each line starts, and the end of the last."""
    ends = np.flatnonzero(data == ord("\n")) + 1
    if not ends.size or ends[-1] != data.size:
        ends = np.append(ends, data.size)
    return np.concatenate([np.zeros(1, np.int64), ends])


def _parsed(block: bytes, form: _Format) -> pa.Table:
    """Lines already known to be well formed, as text columns."""
    names = _schema(form.width).names[:-1]
    if not block:
        return _schema(form.width).empty_table().select(names)
    return pc.read_csv(
        pa.BufferReader(block),
        read_options=pc.ReadOptions(column_names=names, block_size=4 * MAX_LINE_BYTES),
        parse_options=pc.ParseOptions(delimiter=form.delimiter, ignore_empty_lines=False),
        convert_options=pc.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _examined(
    block: bytes, bounds: NDArray[np.int64], which: NDArray[np.bool_], first_line: int, form: _Format
) -> tuple[pa.Table, pa.Table]:
    """Each line of `which` on its own: a row after all, or rejected."""
    rows: list[tuple[Any, ...]] = []
    rejected: list[tuple[Any, ...]] = []
    for index in np.flatnonzero(which).tolist():
        line = block[bounds[index] : bounds[index + 1]].removesuffix(b"\n").removesuffix(b"\r")
        found = _fault_or_fields(line, form)
        if isinstance(found, list):
            rows.append((*found, index + first_line))
        else:
            raw = line[: 4 * KEPT_OF_A_BAD_LINE].decode("utf-8", "replace")[:KEPT_OF_A_BAD_LINE]
            rejected.append((index + first_line, *found, raw))
    return _table(rows, _schema(form.width)), _table(rejected, REJECTED)


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Tuples as a table, one a row."""
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema)


def _fault_or_fields(line: bytes, form: _Format) -> list[str] | tuple[str, str]:
    """A line's fields, or the code of what is wrong with it and what to say about it."""
    if code := _fault_of_bytes(line):
        return code, ""
    try:
        fields = _fields(line.decode("utf-8"), form.delimiter)
    except UnicodeDecodeError:
        return "bad_encoding", form.encoding
    except csv.Error as error:
        return ("open_quote" if "unexpected end" in str(error) else "bad_quote"), ""
    if len(fields) != form.width:
        return "ragged_row", f"{form.width} fields were expected, {len(fields)} came"
    return fields


def _fault_of_bytes(line: bytes) -> str | None:
    """What is wrong with a line whatever its text means."""
    if len(line) > MAX_LINE_BYTES:
        return "long_line"
    if not line.strip():
        return "empty_line"
    return "control_character" if b"\0" in line or b"\r" in line else None
