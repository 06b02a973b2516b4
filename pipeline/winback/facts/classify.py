"""One SQL statement a group of files: every row mapped, parsed, and either good or given its fault."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from winback.errors import SourceError
from winback.facts import parse
from winback.facts.contracts import CONTRACTS, Column, Kind, Mapped, Part
from winback.facts.raw_rows import Group, listed
from winback.store import literal

HAPPENED: Mapping[str, str] = {"orders": "ordered_at", "events": "occurred_at", "contacts": "contacted_at"}
SQL_TYPES: Mapping[Kind, str] = {
    "text": "VARCHAR",
    "moment": "TIMESTAMPTZ",
    "cents": "BIGINT",
    "count": "DECIMAL(18, 3)",
    "number": "DOUBLE",
    "integer": "BIGINT",
}


@dataclass(frozen=True)
class Clock:
    """How dates are read: the zone of stamps without offset, their format or ISO, when we received them."""

    zone: str
    date_format: str | None
    received_at: datetime


def statement(table: str, mapping: Mapping[str, Mapped], group: Group, clock: Clock, raw: bool) -> str:
    """A SELECT of file, line, every contract column of `table`, and fault: NULL or 'code column'.

    With `raw` the files' own columns c0, c1, ... come along.
    """
    own = [f"c{i}" for i in range(group.own)] if raw else []
    found, present, parsed = [], [], []
    for name, mapped in mapping.items():
        for number, part in enumerate(mapped.parts):
            place, wanted = f"{name}_{number}", mapped.column.kind
            expression, kind = parse.tidy(*_operand(part, group), wanted)
            found.append(f"{expression} AS t_{place}")
            present.append(f"{parse.present(f't_{place}', kind)} AS p_{place}")
            parsed.append(f"{_value(f'p_{place}', kind, wanted, clock)} AS v_{place}")
    values = [f"{_combined(mapping.get(c.name), c)} AS {c.name}" for c in CONTRACTS[table]]
    keys = ", ".join(["file", "line", *own])
    # Step by step: the engine computes a column once, but an expression as often as it is written.
    tidied = f"SELECT {keys}, {', '.join(found)} FROM {group.relation}"
    said = f"SELECT {keys}, {', '.join(present)} FROM ({tidied})"
    read = f"SELECT *, {', '.join(parsed)} FROM ({said})"
    faults = [when for mapped in mapping.values() for when in _part_faults(mapped)]
    valued = f"SELECT {keys}, {', '.join(values)}, {_case(faults)} AS unread FROM ({read})"
    happened = HAPPENED[table]
    known = f"coalesce(recorded_at, {happened}) AS recorded_at"
    fault = f"coalesce(unread, {_case(_time_faults(happened, clock))}) AS fault"
    return f"SELECT * EXCLUDE (unread) REPLACE ({known}), {fault} FROM ({valued})"


def _operand(part: Part, group: Group) -> tuple[str, str]:
    """The SQL of one mapped column or constant, and its type."""
    if isinstance(part, dict):
        return literal(part["value"]), "VARCHAR"
    if part not in group.names:
        raise SourceError(
            f"{group.files[0]} has no column {part!r}, which the mapping names; it has {listed(group.names)}"
        )
    position = group.names.index(part)
    return f"c{position}", group.types[position]


def _value(column: str, kind: str, wanted: Kind, clock: Clock) -> str:
    if wanted == "moment":
        return parse.moment(column, kind, clock.zone, clock.date_format)
    if wanted == "text":
        return column
    return {"cents": parse.cents, "count": parse.thousandths, "number": parse.number}[wanted](column, kind)


def is_needed(column: Column) -> bool:
    """Whether a mapped column may not be empty: an order's own id never may."""
    return column.required or column.name == "order_id"


def _combined(mapped: Mapped | None, column: Column) -> str:
    """The value of a contract column: its parts added up, an empty part of an optional sum left out."""
    if mapped is None:
        return f"CAST(NULL AS {SQL_TYPES[column.kind]})"
    parts = [f"v_{column.name}_{i}" for i in range(len(mapped.parts))]
    if len(parts) > 1 and not is_needed(column):
        nothing = " AND ".join(f"{part} IS NULL" for part in parts)
        total = " + ".join(f"coalesce({part}, 0)" for part in parts)
        return f"CASE WHEN {nothing} THEN NULL ELSE CAST({total} AS {SQL_TYPES[column.kind]}) END"
    return f"CAST({' + '.join(parts)} AS {SQL_TYPES[column.kind]})"


def _part_faults(mapped: Mapped) -> list[tuple[str, str]]:
    """When a column is missing or unreadable, with the fault's name."""
    name = mapped.column.name
    code = {"ordered_at": "date", "occurred_at": "date", "contacted_at": "date"}.get(name, name)
    parts = [f"{name}_{i}" for i in range(len(mapped.parts))]
    faults = []
    if is_needed(mapped.column):
        faults.append((" OR ".join(f"p_{part} IS NULL" for part in parts), f"missing_{code} {name}"))
    if mapped.column.kind != "text":
        bad = " OR ".join(f"(p_{part} IS NOT NULL AND v_{part} IS NULL)" for part in parts)
        faults.append((bad, f"bad_{code} {name}"))
    return faults


def _time_faults(happened: str, clock: Clock) -> list[tuple[str, str]]:
    received = f"CAST({literal(clock.received_at.isoformat())} AS TIMESTAMPTZ)"
    return [
        (f"{happened} > {received}", f"future_date {happened}"),
        (f"recorded_at > {received}", "future_date recorded_at"),
        (f"recorded_at < {happened}", f"recorded_before_it_happened {happened}"),
    ]


def _case(faults: Sequence[tuple[str, str]]) -> str:
    """The first fault that applies."""
    return f"CASE {' '.join(f'WHEN {when} THEN {literal(fault)}' for when, fault in faults)} END"
