"""The declared features: which there are, what each measures, and the words for it."""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from winback.config import parse
from winback.errors import ConfigError

Kind = Literal[
    "total",
    "share",
    "trend",
    "rate",
    "mean",
    "since_nth",
    "since_first",
    "gap_mean",
    "gap_spread",
    "gap_quantile",
    "overdue",
    "evenness",
    "distinct",
]
Driver = Literal[
    "recency",
    "cadence",
    "frequency",
    "monetary",
    "trend",
    "tenure",
    "discounts",
    "breadth",
    "habits",
    "engagement",
]
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class Feature:
    """One column of the feature table: its name, what it measures, its driver, unit and words."""

    name: str
    kind: Kind
    driver: Driver
    unit: str
    label: str
    sentence: str
    plain: str = ""
    table: Literal["orders", "order_categories", "events"] = "orders"
    measure: str = ""
    of: str = ""
    window: int | None = None
    n: int = 1
    q: float = 0.5
    needs: str = ""

    @property
    def source(self) -> str:
        """The table or column that must be there for the feature to be."""
        return self.needs or self.table


@cache
def builtin() -> tuple[Feature, ...]:
    """Every feature that comes with winback, in its fixed order."""
    text = importlib.resources.files("winback.facts").joinpath("features.toml").read_text("utf-8")
    entries = tomllib.loads(text)["feature"]
    return tuple(feature for entry in entries for feature in expand(entry))


def expand(entry: dict[str, Any]) -> list[Feature]:
    """The features one entry declares: one a window, one an `n`, or one."""
    entry = dict(entry)
    windows = entry.pop("windows", [None])
    ns = entry.pop("n", [1])
    ns = ns if isinstance(ns, list) else [ns]
    plain = parse(Feature, entry, f"feature {entry.get('name')!r}")
    return [_written_out(plain, window, n) for window in windows for n in ns]


def _written_out(feature: Feature, window: int | None, n: int) -> Feature:
    def fill(text: str) -> str:
        return text.replace("{w}", str(window)).replace("{n}", str(n))

    return replace(
        feature,
        name=fill(feature.name),
        label=fill(feature.label),
        sentence=fill(feature.sentence),
        plain=fill(feature.plain),
        window=window,
        n=n,
    )


def available(sources: Collection[str]) -> tuple[Feature, ...]:
    """The features whose tables and columns are at hand, e.g. {"orders", "orders.discount"}."""
    return tuple(f for f in builtin() if f.source in sources)


def named(names: Collection[str]) -> tuple[Feature, ...]:
    """The features of these names, in the declared order."""
    known = {f.name: f for f in builtin()}
    if unknown := sorted(set(names) - set(known)):
        raise ConfigError(f"no feature is declared as {unknown[0]!r}; `winback features` lists them all.")
    return tuple(f for f in builtin() if f.name in names)
