"""What each metric is: one definition a metric, beside the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Unit = Literal["share", "money", "count", "points", "score", "ratio"]
Scope = Literal["period", "cohort"]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Definition:
    """One metric: its name, its family, what it is in a sentence, formula, unit, sources and what to beware of."""

    name: str
    family: str
    says: str
    formula: str
    unit: Unit
    source: str
    beware: str
    scope: Scope = "period"


DEFINITIONS: dict[str, Definition] = {}


def metric(formula: str, unit: Unit, source: str, beware: str = "", scope: Scope = "period") -> Callable[[F], F]:
    """Enters a function as the metric of its name; the first line of its docstring says what it is."""

    def enter(function: F) -> F:
        says = (function.__doc__ or "").strip().splitlines()[0]
        name, family = function.__name__, function.__module__.rpartition(".")[2]
        DEFINITIONS[name] = Definition(name, family, says, formula, unit, source, beware, scope)
        return function

    return enter
