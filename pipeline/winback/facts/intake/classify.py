"""One SQL statement a group of files: every row mapped, parsed, and either good or given its fault."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from winback.config import Rule
from winback.errors import SourceError
from winback.facts.intake import faults, parse, row_rules
from winback.facts.intake.contracts import CONTRACTS, HAPPENED, Column, Kind, Mapped, Part, is_needed
from winback.facts.intake.erased import Refuses
from winback.facts.intake.number_format import Written, plain
from winback.facts.intake.raw_rows import Group, lacking
from winback.store import literal

SQL_TYPES: Mapping[Kind, str] = {
    "text": "VARCHAR",
    "moment": "TIMESTAMPTZ",
    "cents": "BIGINT",
    "count": "DECIMAL(18, 3)",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "flag": "BIGINT",
    "period": "VARCHAR",
    "word": "VARCHAR",
    "expiry": "TIMESTAMPTZ",
}


@dataclass(frozen=True)
class Clock:
    """How dates are read: the zone of stamps without offset, their format or ISO, when we received them."""

    zone: str
    date_format: str | None
    received_at: datetime


@dataclass(frozen=True)
class Reading:
    """How the rows of one source are read: mapping and rules, dates, the project's currency, whom it refuses."""

    table: str
    mapping: Mapping[str, Mapped]
    rules: tuple[Rule, ...]
    clock: Clock
    currency: str
    refuses: Refuses | None = None
    numbers: Written | None = None


@dataclass(frozen=True)
class _Place:
    """A part of a contract column: the end of its names in the statement, its operand and that one's type."""

    name: str
    operand: str
    kind: str
    mapped: Mapped


def statement(reading: Reading, group: Group, raw: bool) -> str:
    """A SELECT of file, line, every contract column of the table, and fault: NULL, 'code column' or 'left_out n'.

    With `raw` the files' own columns c0, c1, ... come along.
    """
    table, mapping = reading.table, reading.mapping
    keys = ", ".join(["file", "line", *([f"c{i}" for i in range(group.own)] if raw else [])])
    places = [place for mapped in mapping.values() for place in _places(mapped, group, reading.numbers)]
    ruled = [_ruled(rule, group, reading.numbers) for rule in reading.rules]
    # Step by step: the engine computes a column once, but an expression as often as it is written.
    tidied = [f"{place.operand} AS t_{place.name}" for place in places]
    tidied += [f"{text} AS t_rule_{number}" for number, text in enumerate(ruled)]
    present = [f"{_translated(place)} AS p_{place.name}" for place in places]
    present += [f"{parse.present(f't_rule_{number}', 'VARCHAR')} AS p_rule_{number}" for number in range(len(ruled))]
    read = [f"{_value(place, reading.clock)} AS v_{place.name}" for place in places]
    values = [f"{_combined(mapping.get(c.name), c)} AS {c.name}" for c in CONTRACTS[table]]
    values += [f"v_{place.name} IS NOT NULL AS has_{place.name}" for place in places if place.mapped.how == "product"]
    unread = row_rules.left_out(reading.rules)
    unread += [fault for m in mapping.values() for fault in faults.of_parts(table, m, _kinds(m, places))]
    back = row_rules.returned(reading.rules)
    steps = f"SELECT {keys}, {', '.join(tidied)} FROM {group.relation}"
    steps = f"SELECT {keys}, {', '.join(present)} FROM ({steps})"
    steps = f"SELECT *, {', '.join(read)} FROM ({steps})"
    steps = f"SELECT {keys}, {', '.join(values)}, {back} AS back, {faults.first_of(unread)} AS unread FROM ({steps})"
    return _judged(reading, keys, steps)


def _judged(reading: Reading, keys: str, steps: str) -> str:
    """The values with what follows from them: when they were known, what came back, what cannot be."""
    table = reading.table
    known = f"coalesce(recorded_at, {HAPPENED[table]}) AS recorded_at"
    if table == "orders":
        known += ", CASE WHEN back OR is_return = 1 THEN -abs(amount) ELSE amount END AS amount"
    names = ", ".join(column.name for column in CONTRACTS[table])
    judged = faults.of_values(table, reading.mapping, reading.clock.received_at, reading.currency)
    steps = f"SELECT * REPLACE ({known}) FROM ({steps})"
    return f"SELECT {keys}, {names}, coalesce(unread, {faults.first_of(judged)}) AS fault FROM ({steps})"


def _ruled(rule: Rule, group: Group, numbers: Written | None) -> str:
    """The tidied text that a rule looks at; a number where it asks for one."""
    text, _ = parse.tidy(*_operand(rule.column, group))
    is_text = group.types[group.names.index(rule.column)] == "VARCHAR"
    return plain(text, numbers) if numbers and is_text and rule.below is not None else text


def _places(mapped: Mapped, group: Group, numbers: Written | None) -> list[_Place]:
    places = []
    for number, part in enumerate(mapped.parts):
        operand, kind = parse.tidy(*_operand(part, group), mapped.column.kind)
        if numbers and kind == "VARCHAR" and mapped.column.kind in parse.NUMBERS and isinstance(part, str):
            operand = plain(operand, numbers)  # our own constants and factors are plain
        places.append(_Place(f"{mapped.column.name}_{number}", operand, kind, mapped))
    return places


def _kinds(mapped: Mapped, places: Sequence[_Place]) -> list[str]:
    return [place.kind for place in places if place.mapped is mapped]


def _operand(part: Part, group: Group) -> tuple[str, str]:
    """The SQL of one mapped column or constant, and its type."""
    if isinstance(part, dict):
        return literal(part["value"]), "VARCHAR"
    if isinstance(part, float):
        return literal(repr(part)), "VARCHAR"
    if part not in group.names:
        raise SourceError(lacking(group.files[0], part, group.names, ", which the mapping names"))
    position = group.names.index(part)
    return f"c{position}", group.types[position]


def _translated(place: _Place) -> str:
    """A part that is there, in the contract's words."""
    found = parse.present(f"t_{place.name}", place.kind)
    if not place.mapped.words or place.kind != "VARCHAR":
        return found
    words = " ".join(f"WHEN {literal(word)} THEN {literal(meant)}" for word, meant in place.mapped.words)
    return f"CASE {found} {words} ELSE {found} END"


def _value(place: _Place, clock: Clock) -> str:
    """A part's value, NULL where it cannot be read."""
    column, wanted = f"p_{place.name}", place.mapped.column.kind
    if place.mapped.how == "product":
        return parse.factor(column, place.kind)
    if wanted == "moment":
        return parse.moment(column, place.kind, clock.zone, clock.date_format)
    if wanted == "expiry":
        return parse.expiry(column, place.kind, clock.zone, clock.date_format)
    if wanted in ("cents", "count", "number"):
        return {"cents": parse.cents, "count": parse.thousandths, "number": parse.number}[wanted](column, place.kind)
    if wanted == "word":
        return parse.word(column, place.mapped.column.words)
    return {"flag": parse.flag, "period": parse.period}[wanted](column) if wanted != "text" else column


def _combined(mapped: Mapped | None, column: Column) -> str:
    """The value of a contract column: its parts added up or multiplied, an empty part of an optional sum left out."""
    wanted = SQL_TYPES[column.kind]
    if mapped is None:
        return f"CAST(NULL AS {wanted})"
    parts = [f"v_{column.name}_{i}" for i in range(len(mapped.parts))]
    if mapped.how == "product":
        return f"CAST({parse.product(parts, column.kind)} AS {wanted})"
    if len(parts) > 1 and not is_needed(column):
        nothing = " AND ".join(f"{part} IS NULL" for part in parts)
        total = " + ".join(f"coalesce({part}, 0)" for part in parts)
        return f"CASE WHEN {nothing} THEN NULL ELSE CAST({total} AS {wanted}) END"
    return f"CAST({' + '.join(parts)} AS {wanted})"
