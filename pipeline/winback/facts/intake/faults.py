"""When a mapped row is refused, as SQL conditions, each with its mark: 'code column'."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from winback.facts.intake import parse
from winback.facts.intake.contracts import HAPPENED, IDS, Mapped, Part, is_needed
from winback.facts.intake.refusals import fault_name, range_code
from winback.store import literal

Fault = tuple[str, str]

# The end of what a row tells of: the column, the code of one before the beginning, whether it may lie ahead.
ENDS: Mapping[str, tuple[str, str, bool]] = {
    "tickets": ("resolved_at", "resolved_before_opened", False),
    "subscriptions": ("ended_at", "ended_before_started", True),
}
_SCORES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
CONFLICTS = {table: f"conflicting_{table.removesuffix('s')} {name}" for table, name in IDS.items()}

# What the rows of one id have to agree in, and whether a later row of it is a new version of the first.
FIXED: Mapping[str, tuple[str, ...]] = {
    "orders": ("customer_id", "ordered_at"),
    "tickets": ("customer_id", "opened_at"),
    "subscriptions": ("customer_id",),
    "payments": ("customer_id",),
    "customers": ("signed_up_at",),
}


def of_parts(table: str, mapped: Mapped, kinds: Sequence[str]) -> list[Fault]:
    """When a column is missing or unreadable; `kinds` are the types of its parts."""
    column = mapped.column
    code = fault_name(table, column)
    parts = [f"{column.name}_{i}" for i in range(len(mapped.parts))]
    faults: list[Fault] = []
    if is_needed(column):
        faults.append((" OR ".join(f"p_{part} IS NULL" for part in parts), f"missing_{code} {column.name}"))
    if column.kind == "text":
        return faults
    unread = [f"(p_{part} IS NOT NULL AND v_{part} IS NULL)" for part in parts]
    if column.kind in ("cents", "count"):
        large = [
            f"({bad} AND {parse.too_large(f'p_{part}', kind)})"
            for bad, part, kind in zip(unread, parts, kinds, strict=True)
        ]
        faults.append((" OR ".join(large), f"impossible_number {column.name}"))
    verb = "unknown" if column.kind == "word" else "bad"
    faults.append((" OR ".join(unread), f"{verb}_{code} {column.name}"))
    return faults


def of_values(table: str, mapping: Mapping[str, Mapped], received_at: datetime, currency: str) -> list[Fault]:
    """When the values of a row cannot be, alone or beside each other; they are all read by then."""
    faults = [*_of_products(mapping), *_of_money(table, mapping, currency), *_of_ranges(mapping)]
    received = f"CAST({literal(received_at.isoformat())} AS TIMESTAMPTZ)"
    happened = HAPPENED[table]
    faults += [
        (f"{happened} < TIMESTAMPTZ '1970-01-01 00:00:00+00'", f"ancient_date {happened}"),
        (f"{happened} > {received}", f"future_date {happened}"),
        (f"recorded_at > {received}", "future_date recorded_at"),
        (f"recorded_at < {happened}", f"recorded_before_it_happened {happened}"),
    ]
    if table in ENDS:
        end, code, may_lie_ahead = ENDS[table]
        faults.append((f"{end} < {happened}", f"{code} {end}"))
        if not may_lie_ahead:
            faults.append((f"{end} > {received}", f"future_date {end}"))
    return faults


def _of_products(mapping: Mapping[str, Mapped]) -> list[Fault]:
    """A product may be too large though its factors are not."""
    products = [(name, len(mapped.parts)) for name, mapped in mapping.items() if mapped.how == "product"]
    return [
        (f"{name} IS NULL AND {' AND '.join(f'has_{name}_{i}' for i in range(width))}", f"impossible_number {name}")
        for name, width in products
    ]


def _of_money(table: str, mapping: Mapping[str, Mapped], currency: str) -> list[Fault]:
    if table != "orders":
        return []
    faults = [("quantity < 0 AND amount >= 0", "negative_quantity quantity")] if "quantity" in mapping else []
    if "currency" in mapping and currency:
        faults.append((f"upper(currency) <> {literal(currency)}", "other_currency currency"))
    return faults


def _of_ranges(mapping: Mapping[str, Mapped]) -> list[Fault]:
    faults = []
    for name, mapped in mapping.items():
        column = mapped.column
        if column.low is not None:
            scale = 100 if column.kind == "cents" else 1
            outside = f"{name} < {column.low * scale:g}"
            if column.high is not None:
                outside += f" OR {name} > {column.high * scale:g}"
            faults.append((outside, f"{range_code(column)} {name}"))
    if "score" in mapping:
        beyond = [f"(kind = '{kind}' AND NOT score BETWEEN {low} AND {high})" for kind, (low, high) in _SCORES.items()]
        faults.append((" OR ".join(beyond), "score_out_of_range score"))
    return faults


def first_of(faults: Sequence[Fault]) -> str:
    """The mark of the first fault that applies, else NULL."""
    if not faults:
        return "NULL"
    return f"CASE {' '.join(f'WHEN {when} THEN {literal(mark)}' for when, mark in faults)} END"


def at_fault(table: str, fault: Collection[str], mapping: Mapping[str, Mapped]) -> tuple[Part, ...]:
    """The source columns whose values explain a fault."""
    code, column = fault
    names: tuple[str, ...] = (column,)
    if code == "recorded_before_it_happened":
        names = (column, "recorded_at")
    elif code in ("resolved_before_opened", "ended_before_started"):
        names = (HAPPENED[table], column)
    elif code == "score_out_of_range":
        names = ("kind", column)
    elif code == "negative_quantity":
        names = (column, "amount")
    elif code.startswith("conflicting_"):
        names = (column, *(name for name in FIXED[table] if name != column))
    return tuple(part for name in names for part in mapping[name].parts)
