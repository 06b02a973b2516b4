"""The lines of the input usability report, and the words they share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Literal

import pandas as pd

Severity = Literal["error", "warning", "note", "ok"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note", "ok")


@dataclass(frozen=True)
class Finding:
    """One line: where, how grave, what was found, what to do.

    error: nothing good can be learned before it is mended. warning: probably wrong, or it costs much of
    what could be learned. note: true and worth knowing. ok: looked at, nothing found. `count` and `share`
    are of the rows or customers that `finding` speaks of.
    """

    table: str
    column: str
    severity: Severity
    code: str
    finding: str
    advice: str = ""
    count: int | None = None
    share: float | None = None


def frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row a finding, the gravest of a table first; `count` and `share` are empty where they make no sense."""
    rows = pd.DataFrame([asdict(f) for f in findings], columns=[f.name for f in fields(Finding)])
    return rows.astype({"count": "Int64", "share": "float64"})


def number(value: float) -> str:
    """`1234567` as 1,234,567; what is not whole with two decimals."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def percent(share: float) -> str:
    """A share for people; one that is not nothing is never shown as 0%, one that is not all never as 100%."""
    if 0 < share < 0.0001:
        return "under 0.01%"
    if 0.9995 <= share < 1:
        return "over 99.9%"
    return f"{share:.2%}" if 0 < share < 0.001 else f"{share:.1%}" if 0 < share < 1 else f"{share:.0%}"


def of_all(count: int, total: int, what: str) -> str:
    """`12 of 3,400 rows (0.4%)`."""
    return f"{count:,} of {total:,} {what} ({percent(count / total)})"


def some(words: Sequence[str], most: int = 5) -> str:
    """The first words, quoted, and how many more there are."""
    shown = ", ".join(repr(word) for word in words[:most])
    return f"{shown} and {len(words) - most:,} more" if len(words) > most else shown


def day_range(first: dt.date, last: dt.date) -> str:
    """`on 2026-01-03`, or `from 2026-01-03 to 2026-01-05`."""
    return f"on {first}" if first == last else f"from {first} to {last}"
