"""What each declared feature is, said plainly: one customer, one cutoff, one feature at a time.

Written from the meanings at the top of features.toml, not from the kernel: the rows known at the cutoff
are picked by their instants, days and weeks are counted by putting them in a set, money stays in
fractions. None is unknown. Slow on purpose.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from winback.facts.features.feature import Feature
from winback.prove.history import MOMENTS, History, known_from
from winback.prove.meanings import MEANINGS, Value
from winback.prove.past import Past
from winback.prove.streams import DAY, STREAMS, Fact, facts_of


@dataclass(frozen=True)
class Answer:
    """The value of a feature of some kind; None is unknown. `size`: how large the numbers are it is a difference of."""

    kind: str
    value: Value
    size: float = 0.0


Answers = dict[tuple[str, dt.date], dict[str, Answer]]


@dataclass(frozen=True)
class Asked:
    """One cutoff: its date and instant, and the first day of each facts table's log as known then."""

    cutoff: dt.date
    midnight: dt.datetime
    began: dict[str, dt.date | None]


def expected(history: History, features: Sequence[Feature]) -> Answers:
    """By (customer, cutoff) with an order known at that cutoff: the answer by name of feature.

    Where the shop has no table of orders, a known subscription makes somebody a customer.
    """
    base = "orders" if "orders" in history.tables else "subscriptions"
    parts = [part for f in features for part in (f.inputs or (f,))]
    streams = {base} | {f.table for f in parts}
    facts = {stream: _by_customer(facts_of(history, stream)) for stream in streams}
    answers: Answers = {}
    for cutoff in history.cutoffs:
        asked = Asked(cutoff, history.midnight(cutoff), _began(history, cutoff))
        for customer in facts[base]:
            rows = {stream: _known(found.get(customer, []), asked) for stream, found in facts.items()}
            if any(not fact.change for fact in rows[base]):
                answers[customer, cutoff] = _values(rows, asked, features)
    return answers


def _by_customer(facts: list[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.row["customer_id"]].append(fact)
    return found


def _known(facts: list[Fact], asked: Asked) -> list[Fact]:
    """The rows that had happened and were recorded before the cutoff."""
    return [fact for fact in facts if fact.at < asked.midnight and fact.known < asked.midnight]


def _began(history: History, cutoff: dt.date) -> dict[str, dt.date | None]:
    """The day of the first row of each facts table, of whomever, that was known at the cutoff."""
    midnight = history.midnight(cutoff)
    return {name: min(_days(history, name, midnight), default=None) for name in history.tables}


def _days(history: History, table: str, midnight: dt.datetime) -> Iterator[dt.date]:
    for row in history.tables[table]:
        known = known_from(table, row)
        if known < midnight:
            yield Fact(row, history.zone, row[MOMENTS[table]], known).day


def _values(rows: dict[str, list[Fact]], asked: Asked, features: Sequence[Feature]) -> dict[str, Answer]:
    """Each feature of one customer at one cutoff."""
    pasts: dict[Any, Past] = {}
    return {f.name: _answer(f, rows, asked, pasts) for f in features}


def _answer(f: Feature, rows: dict[str, list[Fact]], asked: Asked, pasts: dict[Any, Past]) -> Answer:
    """A feature, also one that is made of two others."""
    if not f.inputs:
        return Answer(f.kind, _value(f, rows, asked, pasts))
    over, under = (_value(part, rows, asked, pasts) for part in f.inputs)
    size = 0.0 if f.kind == "ratio" else max(abs(float(over or 0)), abs(float(under or 0)))
    return Answer(f.kind, of_two(f.kind, over, under), size)


def _value(f: Feature, rows: dict[str, list[Fact]], asked: Asked, pasts: dict[Any, Past]) -> Value:
    """A feature; None where its windows reach back before the log began."""
    key = (f.table, tuple(f.where.items()))
    if key not in pasts:
        began = asked.began[STREAMS[f.table][0]]
        pasts[key] = Past(_chosen(rows[f.table], f), asked.cutoff, asked.midnight, began)
    past = pasts[key]
    reach = days_needed(f)
    if reach and (past.log_began is None or past.cutoff - reach * DAY < past.log_began):
        return None
    return MEANINGS[f.kind](past, f)


def days_needed(f: Feature) -> int:
    """How many days before the cutoff must have been seen."""
    if f.window is None or f.kind == "rate":
        return 0
    return f.lag + f.window * {"trend": 2, "acceleration": 3, "spans": f.n}.get(f.kind, 1)


def of_two(kind: str, over: Value, under: Value) -> Value:
    """A ratio or difference; unknown where either is, or where nothing is divided by."""
    if over is None or under is None or (kind == "ratio" and under == 0):
        return None
    return over / under if kind == "ratio" else over - under


def _chosen(facts: list[Fact], f: Feature) -> list[Fact]:
    """The rows whose columns have one of the words asked for."""
    return [fact for fact in facts if all(_column(fact, name) in allowed for name, allowed in f.where.items())]


def _column(fact: Fact, name: str) -> Any:
    """What a row says in a column; an order without a discount was not discounted."""
    return int((fact.numbers["discounted"] or 0) > 0) if name == "discounted" else fact.row[name]
