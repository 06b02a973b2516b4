"""Why a row is refused: a code and the sentence that explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from winback.facts.intake.contract_column import Column
from winback.facts.intake.contract_tables import CONTRACTS, HAPPENED

_AMOUNT = "{column} needs a plain number such as 1234.50: {source} holds {value}"
_DATE = "{column} needs a date: {source} holds {value}"
_BAD: Mapping[str, str] = {
    "moment": _DATE,
    "expiry": "{column} needs a date or a month such as 12/27: {source} holds {value}",
    "cents": _AMOUNT,
    "count": "{column} needs a plain number such as 3: {source} holds {value}",
    "number": "{column} needs a plain number such as 0.5: {source} holds {value}",
    "flag": "{column} needs yes or no, true or false, 1 or 0: {source} holds {value}",
    "period": "{column} needs a period such as P1M, P1Y or P7D: {source} holds {value}",
}
_CONFLICT = "an earlier row of this {column} says otherwise: {source} hold {value}"


def fault_name(table: str, column: Column) -> str:
    """What a column is called in a code: every table's own moment is its date."""
    return "date" if column.name == HAPPENED[table] else column.name


def range_code(column: Column) -> str:
    """The code of a value that is a number but not a possible one."""
    return f"negative_{column.name}" if (column.low, column.high) == (0, None) else f"{column.name}_out_of_range"


def _each_column() -> Iterator[tuple[str, Column]]:
    for table, columns in CONTRACTS.items():
        for column in columns:
            yield fault_name(table, column), column


def _missing() -> dict[str, str]:
    needed = {name for name, column in _each_column() if column.required} | {"order_id", "currency"}
    shown = {name: "{column}" if name == "date" else name for name in sorted(needed)}
    return {f"missing_{name}": f"{shown[name]} is missing: {{source}} holds {{value}}" for name in shown}


def _bad() -> dict[str, str]:
    return {f"bad_{name}": _BAD[column.kind] for name, column in sorted(_each_column(), key=str) if column.kind in _BAD}


def _unknown() -> dict[str, str]:
    words = sorted({name for name, column in _each_column() if column.kind == "word"})
    return {f"unknown_{name}": f"{name} has to be {{words}}: {{source}} holds {{value}}" for name in words}


def _out_of_range() -> dict[str, str]:
    limits = {range_code(column): column for _, column in _each_column() if column.low is not None}
    return {
        code: f"{c.name} is never below {c.low:g}: {{source}} holds {{value}}"
        if c.high is None
        else f"{c.name} goes from {c.low:g} to {c.high:g}: {{source}} holds {{value}}"
        for code, c in sorted(limits.items())
    }


# {column}: the contract's column; {words}: its words; {source}: the source's column(s); {value}: what was found.
REASONS: Mapping[str, str] = {
    "empty_line": "the line is empty",
    "long_line": "the line is longer than 1,048,576 bytes",
    "control_character": "the line holds a NUL or a carriage return that ends no line",
    "bad_encoding": "the line is not valid in the encoding {value}",
    "open_quote": "a quoted field does not end on its line",
    "bad_quote": "a quoted field is followed by something other than the delimiter",
    "ragged_row": "{value}",
    "bad_json": "the line is no JSON object: {value}",
    "repeated_key": "the line names {value} twice",
    "deep_json": "the line is nested deeper than {value}",
    "too_many_columns": "with this line the file would have more than {value} columns",
    **_missing(),
    **_bad(),
    **_unknown(),
    **_out_of_range(),
    "score_out_of_range": "score goes from 0 to 10 (nps), 1 to 5 (csat) or 1 to 7 (ces): {source} hold {value}",
    "negative_quantity": "quantity is below zero, but not the amount: {source} hold {value}",
    "impossible_number": "{column} is a number of a million million or more: {source} holds {value}",
    "other_currency": "currency is not the project's: {source} holds {value}",
    "ancient_date": "{column} is before 1970, as a date put in for none would be: {source} holds {value}",
    "future_date": "{column} is later than this ingest: {source} holds {value}",
    "recorded_before_it_happened": "recorded_at is earlier than {column}: {source} hold {value}",
    "resolved_before_opened": "resolved_at is earlier than opened_at: {source} hold {value}",
    "ended_before_started": "ended_at is earlier than started_at: {source} hold {value}",
    "conflicting_order": _CONFLICT,
    "conflicting_ticket": _CONFLICT,
    "conflicting_subscription": _CONFLICT,
    "conflicting_payment": _CONFLICT,
    "conflicting_customer": _CONFLICT,
}
