"""What others have published of their industries: dated, with its source, and never a pass or a fail."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from pathlib import Path

from winback.toml_files import STRICT, parse, read_toml


@dataclass(frozen=True)
class Benchmark:
    """One published table: by whom, in which year, what it says, over which period, and percent by industry."""

    source: str
    published: int
    says: str
    period: str
    rates: dict[str, float]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Benchmarks:
    """All of them."""

    benchmark: tuple[Benchmark, ...]

    __pydantic_config__ = STRICT


def benchmarks() -> tuple[Benchmark, ...]:
    """The published tables, the oldest first."""
    path = Path(str(importlib.resources.files("winback.insight.metrics"))) / "benchmarks.toml"
    return parse(Benchmarks, read_toml(path), str(path)).benchmark
