"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, what was found, and what to do (empty where all is well)."""

    about: str
    level: Level
    found: str
    todo: str = ""


def graded(about: str, found: str, todo: str, *, warn: bool = False, fail: bool = False) -> Finding:
    """A finding whose advice is given only where something is wrong."""
    level: Level = "fail" if fail else "warn" if warn else "ok"
    return Finding(about, level, found, todo if level != "ok" else "")
