"""What each kind of feature is, in words that every contender can say: sums over windows, and a few others.

Plain Python without the package, for contenders that live in an environment of their own. Written from
the meanings in the package's features.toml, not from its kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

UNITS = dict.fromkeys(("spend", "discount", "list_price"), 100)
Feature = dict[str, Any]
Total = tuple[str, int | None, int]  # a measure, a window and its lag


@dataclass(frozen=True)
class Numbers:
    """How a contender says the parts of a formula.

    `total(measure, window, lag)` is in the smallest unit; `since(n)` days since the n-th last row (0: the
    first); `quantile(q)` of the last twenty gaps; `spans(window, n)` the share of spans with a row;
    `divided` knows nothing of division by zero; `x_log_x` is 0 for 0; `unknown` is what a window that
    begins before the log does gives.
    """

    total: Callable[[str, int | None, int], Any]
    since: Callable[[int], Any]
    quantile: Callable[[float], Any]
    spans: Callable[[int, int], Any]
    divided: Callable[[Any, Any], Any]
    root: Callable[[Any], Any]
    log: Callable[[Any], Any]
    x_log_x: Callable[[Any], Any]
    at_least: Callable[[Any, int], Any]
    unknown: Any = 1.0


def reach(f: Feature) -> int:
    """Days that must have been seen before the cutoff."""
    if f["window"] is None or f["kind"] == "rate":
        return 0
    return int(f["lag"] + f["window"] * {"trend": 2, "acceleration": 3, "spans": f["n"]}.get(f["kind"], 1))


def backs(features: Sequence[Feature]) -> list[int]:
    """How many days before the cutoff the windows begin and end, spans left out; sorted, with 0."""
    found = {0}
    for f in features:
        if f["window"] is not None and f["kind"] != "spans":
            count = {"trend": 2, "acceleration": 3}.get(f["kind"], 1)
            found |= {f["lag"] + i * f["window"] for i in range(count + 1)}
    return sorted(found)


def totals(features: Sequence[Feature]) -> list[Total]:
    """The sums that the formulas of these features ask for."""
    asked: dict[Total, None] = {}

    def note(measure: str, window: int | None, lag: int) -> float:
        asked[measure, window, lag] = None
        return 1.0

    columns(features, Numbers(note, *[_one] * 8), 0, None)
    return list(asked)


def _one(*_: Any) -> float:
    return 1.0


def columns(features: Sequence[Feature], numbers: Numbers, cutoff: int, log_start: int | None) -> dict[str, Any]:
    """Every feature's formula by name, at one cutoff; `log_start` is the first day of the log."""
    found: dict[str, Any] = {}
    for f in features:
        if f["kind"] == "ratio":
            found[f["name"]] = numbers.divided(found[f["over"]], found[f["under"]])
        elif f["kind"] == "difference":
            found[f["name"]] = found[f["over"]] - found[f["under"]]
        elif log_start is not None and reach(f) and cutoff - reach(f) < log_start:
            found[f["name"]] = numbers.unknown
        else:
            found[f["name"]] = formula(f, numbers, cutoff - (log_start or 0))
    return found


def formula(f: Feature, say: Numbers, log_days: int) -> Any:
    """The formula of one feature."""
    return FORMULAS[f["kind"]](f, say, log_days)


def _total(f: Feature, say: Numbers, _: int) -> Any:
    return say.total(f["measure"], f["window"], f["lag"]) / unit(f)


def _share(f: Feature, say: Numbers, _: int) -> Any:
    return say.divided(say.total(f["measure"], f["window"], f["lag"]), say.total(f["of"], f["window"], f["lag"]))


def _mean(f: Feature, say: Numbers, _: int) -> Any:
    return say.divided(_total(f, say, 0), say.total("rows", f["window"], f["lag"]))


def _trend(f: Feature, say: Numbers, _: int) -> Any:
    last, before = (say.total(f["measure"], f["window"], f["lag"] + i * f["window"]) for i in range(2))
    return (last + unit(f)) / (before + unit(f))


def _acceleration(f: Feature, say: Numbers, _: int) -> Any:
    last, before, earlier = (say.total(f["measure"], f["window"], f["lag"] + i * f["window"]) for i in range(3))
    return (last - before * 2 + earlier) / unit(f)


def _rate(f: Feature, say: Numbers, log_days: int) -> Any:
    weeks = max(min(log_days, f["window"]), 7) / 7 if f["window"] else say.at_least(say.since(0), 7) / 7
    return _total(f, say, 0) / weeks


def _gap_mean(_: Feature, say: Numbers, __: int) -> Any:
    return say.divided(say.total("gap", None, 0), say.total("gaps", None, 0))


def _gap_spread(_: Feature, say: Numbers, __: int) -> Any:
    n, total, squares = (say.total(m, None, 0) for m in ("gaps", "gap", "gap_squared"))
    return say.divided(say.root(n * squares - total * total), n)


def _overdue_prior(f: Feature, say: Numbers, _: int) -> Any:
    usual = (say.total("gap", None, 0) + f["prior"]) / (say.total("gaps", None, 0) + 1)
    return say.divided(say.since(1), usual)


def _evenness(f: Feature, say: Numbers, _: int) -> Any:
    days = say.total("active_days", f["window"], f["lag"])
    first, *others = (say.x_log_x(say.total(f"weekday_{k}", f["window"], f["lag"])) for k in range(7))
    for other in others:
        first = first + other
    return say.divided(say.log(days) * days - first, days * math.log(7))


def unit(f: Feature) -> int:
    """How many of the measure's smallest unit make one that people read."""
    return UNITS.get(f["measure"], 1)


FORMULAS: dict[str, Callable[[Feature, Numbers, int], Any]] = {
    "total": _total,
    "share": _share,
    "mean": _mean,
    "trend": _trend,
    "acceleration": _acceleration,
    "rate": _rate,
    "since_nth": lambda f, say, _: say.since(f["n"]),
    "since_first": lambda _, say, __: say.since(0),
    "gap_mean": _gap_mean,
    "gap_spread": _gap_spread,
    "gap_quantile": lambda f, say, _: say.quantile(f["q"]),
    "overdue": lambda f, say, _: say.divided(say.since(1), say.quantile(f["q"])),
    "overdue_prior": _overdue_prior,
    "spans": lambda f, say, _: say.spans(f["window"], f["n"]),
    "evenness": _evenness,
}
