"""Which lines of a block of bytes are plainly well formed, decided for all of them at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NEWLINE, _RETURN, _QUOTE = ord("\n"), ord("\r"), ord('"')


def passing(data: Bytes, bounds: Positions, delimiter: int, width: int) -> Flags:
    """One flag a line: it has `width` fields, its quotes are in order, its text is UTF-8.

    Line i is data[bounds[i]:bounds[i + 1]], its line end included. A line that does not pass need
    not be bad; it is one to look at closely.
    """
    starts, ends = bounds[:-1], _text_ends(data, bounds)
    quotes, in_line = _quotes(data, starts)
    delimiters = np.flatnonzero(data == delimiter)
    outside = delimiters[~_is_inside(delimiters, quotes, starts)] if quotes.size else delimiters
    passed: Flags = _per_line(outside, starts) == width - 1
    passed &= ends > starts
    if quotes.size:
        passed[_line_of(quotes[~_in_order(data, quotes, in_line, (starts, ends), delimiter)], starts)] = False
        passed &= _per_line(quotes, starts) % 2 == 0
    for faults in (_stray_returns(data, bounds), np.flatnonzero(data == 0), _not_utf8(data)):
        passed[_line_of(faults, starts)] = False
    if width == 1:
        # A lone field of blanks cannot be told from an empty line here.
        passed &= data[np.minimum(starts, data.size - 1)] > ord(" ")
    return passed


def _text_ends(data: Bytes, bounds: Positions) -> Positions:
    """Where each line's text ends: before LF or CRLF."""
    ends: Positions = bounds[1:] - (data[bounds[1:] - 1] == _NEWLINE)
    ends -= (ends > bounds[:-1]) & (data[ends - 1] == _RETURN)
    return ends


def _line_of(positions: Positions, starts: Positions) -> Positions:
    lines: Positions = np.searchsorted(starts, positions, side="right") - 1
    return lines


def _per_line(positions: Positions, starts: Positions) -> Positions:
    """How many of the sorted `positions` are on each line."""
    counts: Positions = np.diff(np.searchsorted(positions, starts), append=positions.size)
    return counts


def _quotes(data: Bytes, starts: Positions) -> tuple[Positions, Positions]:
    """Where the quotes are, and which of its line each is, from 0."""
    quotes = np.flatnonzero(data == _QUOTE)
    first = np.searchsorted(quotes, starts)
    return quotes, np.arange(quotes.size) - first[_line_of(quotes, starts)]


def _is_inside(positions: Positions, quotes: Positions, starts: Positions) -> Flags:
    """Whether an odd number of quotes stands before each position on its line."""
    before = np.searchsorted(quotes, positions) - np.searchsorted(quotes, starts)[_line_of(positions, starts)]
    inside: Flags = before % 2 == 1
    return inside


def _in_order(
    data: Bytes, quotes: Positions, in_line: Positions, spans: tuple[Positions, Positions], delimiter: int
) -> Flags:
    """Whether each quote opens a field at its start or closes one at its end; a doubled quote does both."""
    starts, ends = spans
    line = _line_of(quotes, starts)
    before = data[np.maximum(quotes - 1, 0)]
    after = data[np.minimum(quotes + 1, data.size - 1)]
    opens = (quotes == starts[line]) | (before == delimiter) | (before == _QUOTE)
    closes = (quotes + 1 == ends[line]) | (after == delimiter) | (after == _QUOTE)
    ordered: Flags = np.where(in_line % 2 == 0, opens, closes)
    return ordered


def _stray_returns(data: Bytes, bounds: Positions) -> Positions:
    """Carriage returns that are not followed by the line's end."""
    returns = np.flatnonzero(data == _RETURN)
    after = data[np.minimum(returns + 1, data.size - 1)]
    stray: Positions = returns[(after != _NEWLINE) & (returns != bounds[-1] - 1)]
    return stray


def _not_utf8(data: Bytes) -> Positions:
    """Every non-ASCII byte when the block as a whole is not UTF-8, else none."""
    high = np.flatnonzero(data > 127)
    if high.size:
        try:
            data.tobytes().decode("utf-8")
        except UnicodeDecodeError:
            return high
    return high[:0]
