"""The delimiter and the encoding of a text file, from its first bytes."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from winback.errors import SourceError
from winback.facts.intake.byte_blocks import opened

LOOKED_AT = 1 << 20
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("cp1251", "gb18030", "cp1252")  # beside UTF-8, what programs still write in our languages


@dataclass(frozen=True)
class TextForm:
    """How a delimited text file is written; `quoted_newlines` where a quoted field goes on in the next line."""

    delimiter: str
    encoding: str
    quoted_newlines: bool


def text_form(path: Path) -> TextForm:
    """The form of one file, packed or not; SourceError where its first line names no columns."""
    with opened(path) as stream:
        head = stream.read(LOOKED_AT)
    _refuse_binary(path, head)
    encoding = _encoding(head)
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    lines = text.splitlines()[: -1 if len(head) == LOOKED_AT else None]
    if not lines:
        raise SourceError(f"{path.name} is empty; its first line must name the columns")
    delimiter = _delimiter(lines)
    _refuse_no_header(path, lines, delimiter)
    return TextForm(delimiter, encoding, _goes_on(lines, delimiter))


def _refuse_binary(path: Path, head: bytes) -> None:
    """Spreadsheets and archives are the binary files that people hand in."""
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SourceError(f"{path.name} is a spreadsheet or a zip archive; save its table as CSV and name that file")


def _encoding(head: bytes) -> str:
    """UTF-8 where the bytes are; else what the marks and the letters speak for."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _unlike_utf8(head)
    return "utf-8"


def _unlike_utf8(head: bytes) -> str:
    """Letters above ASCII stand alone in Western words, and side by side where whole words are of other letters."""
    from charset_normalizer import from_bytes  # noqa: PLC0415

    side_by_side = sum(map(len, re.findall(rb"[\x80-\xff]{3,}", head)))
    if side_by_side < 0.5 * len(re.findall(rb"[\x80-\xff]", head)):
        return "cp1252"
    odd = b"\n".join(line for line in head.split(b"\n") if not line.isascii())
    best = from_bytes(odd, cp_isolation=list(ENCODINGS)).best()
    return best.encoding if best else "cp1252"


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that parts most of the first lines into as many fields as the header has."""
    scores = {mark: _agreeing(lines[:200], mark) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: scores[mark])
    return best if scores[best][0] else ","


def _agreeing(lines: Sequence[str], mark: str) -> tuple[float, int]:
    """The share of the lines with as many fields as the header, and how many; nothing for a header of one."""
    rows = list(islice(csv.reader(lines, delimiter=mark), 200))
    width = len(rows[0])
    if width < 2:
        return 0.0, 0
    counts = Counter(len(row) for row in rows)
    return round(counts[width] / len(rows), 1), width


def _goes_on(lines: Sequence[str], mark: str) -> bool:
    """Whether quoted fields go on in the next line, in files whose quotes are in order."""
    rows = sum(1 for _ in csv.reader([line + "\n" for line in lines], delimiter=mark))
    return rows < sum(1 for line in lines if line.strip()) and sum(line.count('"') for line in lines) % 2 == 0


def _refuse_no_header(path: Path, lines: Sequence[str], delimiter: str) -> None:
    """SourceError for a file that begins with its first row, or whose fields are parted by blanks."""
    fields = next(csv.reader(lines[:1], delimiter=delimiter))
    if len(fields) == 1 and (blanks := len(lines[0].split())) > 1 and len(lines[-1].split()) == blanks:
        parts = ",".join(f"column{i}" for i in range(1, blanks + 1))
        wanted = ", ".join(f"${i}" for i in range(1, blanks + 1))
        raise SourceError(
            f"{path.name} parts its fields by blanks, which are not read. Give it a header and commas, for example:\n"
            f"  (echo {parts}; awk -v OFS=, '{{print {wanted}}}' {path.name}) > orders.csv"
        )
    values = [field.strip() for field in fields]
    if any(re.fullmatch(r"[\d\s.,:/$€+-]*\d[\d\s.,:/$€+-]*", field) for field in values):
        raise SourceError(
            f"line 1 of {path.name} is a row already: {lines[0][:80]!r}. Its first line must name the columns; "
            f"put one above it, such as: {delimiter.join(['customer', 'date', 'amount'][: len(values)])}"
        )
