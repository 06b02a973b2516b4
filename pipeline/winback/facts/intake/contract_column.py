"""How one column of a contract is described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "moment", "cents", "count", "number", "integer", "flag", "period", "word", "expiry"]


@dataclass(frozen=True)
class Column:
    """One column of a table: `meaning` is a sentence, `unit` what its value counts.

    `words`: the only values of a word. `low`, `high`: the least and the greatest value, both allowed.
    """

    name: str
    kind: Kind
    required: bool
    unit: str
    meaning: str
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def column(name: str, kind: Kind, unit: str, meaning: str, **limits: Any) -> Column:
    """A Column; a star after its name says that it must be mapped and may not be empty."""
    return Column(name.rstrip("*"), kind, name.endswith("*"), unit, meaning, **limits)
