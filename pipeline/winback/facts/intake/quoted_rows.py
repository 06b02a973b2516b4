"""Rows of delimited text whose quoted fields go on over several lines.

Such a row is taken only if it reads well as a whole, its quotes closed where a field ends. Else the
quote that opened it costs its own line, and reading goes on with the next one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winback.facts.intake import byte_blocks

# A field that goes on for longer is a quote that was left open.
MAX_LINES = 200

# The fields of a row, or the code of its fault and what to say about it.
Found = list[str] | tuple[str, str]


@dataclass(frozen=True)
class Span:
    """So many lines of a block, from the one of index `first` on."""

    first: int
    lines: int


def fields_of(text: str, delimiter: str) -> list[str]:
    """The fields of one row; csv.Error where its quotes are not in order."""
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def spans_of(
    block: bytes, bounds: NDArray[np.int64], good: NDArray[np.bool_], delimiter: str, last: bool
) -> tuple[list[Span], int]:
    """The rows of a block that take several lines, and how many of its lines can be told by now.

    `good`: the lines that are well formed by themselves; none of them begins such a row.
    """
    spans: list[Span] = []
    for index in np.flatnonzero(~good).tolist():
        if spans and index < spans[-1].first + spans[-1].lines:
            continue
        lines, at_the_end = _length(block, bounds, index, delimiter)
        if at_the_end and not last:
            return spans, index
        if lines > 1:
            spans.append(Span(index, lines))
    return spans, len(good)


def _length(block: bytes, bounds: NDArray[np.int64], index: int, delimiter: str) -> tuple[int, bool]:
    """How many lines the row takes that begins here, 0 if it does not end; and whether the block is why."""
    reader = csv.reader(_lines_from(block, bounds, index), delimiter=delimiter, strict=True)
    try:
        next(reader)
    except (csv.Error, StopIteration) as error:
        read = index + reader.line_num
        is_open = "unexpected end" in str(error) and reader.line_num < MAX_LINES
        too_long = bounds[read] - bounds[index] > byte_blocks.MAX_LINE_BYTES
        return 0, is_open and read == len(bounds) - 1 and not too_long
    return reader.line_num, False


def _lines_from(block: bytes, bounds: NDArray[np.int64], index: int) -> Iterator[str]:
    """The lines a row could take; bytes that are no text are kept apart from all that is."""
    for line in range(index, min(index + MAX_LINES, len(bounds) - 1)):
        if bounds[line + 1] - bounds[index] > byte_blocks.MAX_LINE_BYTES:
            return
        yield block[bounds[line] : bounds[line + 1]].decode("utf-8", "surrogateescape")
