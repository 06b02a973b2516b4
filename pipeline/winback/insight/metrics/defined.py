"""All metrics by name, and the page that defines them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from winback.errors import ConfigError
from winback.insight.metrics import (
    ages,
    churn,
    cohorts,
    cost,
    counts,
    repeat,
    retention,
    revenue,
    value,
    voice,
)
from winback.insight.metrics.benchmarks import benchmarks
from winback.insight.metrics.definitions import DEFINITIONS, Definition, Unit

FAMILIES = (retention, churn, cohorts, ages, repeat, revenue, value, cost, voice, counts)  # in the order of the page
UNITS = {
    "share": "share of 1",
    "money": "money",
    "count": "count",
    "points": "points",
    "score": "points",
    "ratio": "ratio",
}


def family_of(module: object) -> list[Definition]:
    """The metrics of one module, in the order in which they are written."""
    name = str(getattr(module, "__name__", "")).rpartition(".")[2]
    return [each for each in DEFINITIONS.values() if each.family == name]


def unit_of(name: str) -> Unit:
    """The unit of a metric."""
    return DEFINITIONS[name].unit


def by_age(name: str) -> bool:
    """Whether a metric is told by age, of cohorts, not by period."""
    return DEFINITIONS[name].scope == "cohort"


def known_metrics(names: Iterable[str]) -> list[str]:
    """These metrics, or all; ConfigError with the nearest name for one there is not."""
    every = [each.name for module in FAMILIES for each in family_of(module)]
    chosen = list(names) or every
    for name in chosen:
        if name not in every:
            near = difflib.get_close_matches(name, every, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(every)}."
            raise ConfigError(f"there is no metric {name!r}.{hint}")
    return chosen


def page() -> str:
    """The definitions as Markdown: a table a family, after what its module says of it."""
    parts = []
    for module in FAMILIES:
        said = [line.strip() for line in (module.__doc__ or "").strip().splitlines()]
        title, rest = said[0].rstrip("."), "\n".join(said[1:]).strip()
        rows = [_line(each) for each in family_of(module)]
        table = "\n".join(
            ["| name | what it is | formula | unit | source | beware |", "|---|---|---|---|---|---|", *rows]
        )
        parts.append("\n\n".join(part for part in (f"### {title}", rest, table) if part))
    return "\n\n".join(parts) + "\n"


def published() -> str:
    """The benchmarks as Markdown."""
    lines = ["| industry | percent | source | year |", "|---|---|---|---|"]
    for each in benchmarks():
        rows = each.rates.items()
        lines += [f"| {name.replace('_', ' ')} | {rate:g} | {each.source} | {each.published} |" for name, rate in rows]
    return "\n".join(lines) + "\n"


def _line(each: Definition) -> str:
    cells = (f"`{each.name}`", each.says, f"`{each.formula}`", UNITS[each.unit], each.source, each.beware)
    return f"| {' | '.join(cells)} |".replace("  |", " |")
