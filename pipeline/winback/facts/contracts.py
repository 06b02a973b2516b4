"""What the tables hold: the columns a source is mapped onto, the columns written, why a row is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from winback.config import Source, did_you_mean
from winback.errors import ConfigError

Kind = Literal["text", "moment", "cents", "count", "number", "integer"]
Part = str | dict[Literal["value"], str]

# What programs write for "nothing", compared exactly: 'Null', 'Nan' and 'Na' are people's names and stay.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NaT", "NULL", "null", "None", "<NA>")


@dataclass(frozen=True)
class Column:
    """One column of a table: `meaning` is a sentence, `unit` what its value counts."""

    name: str
    kind: Kind
    required: bool
    unit: str
    meaning: str


@dataclass(frozen=True)
class Mapped:
    """One contract column and the source columns or constant it is made of."""

    column: Column
    parts: tuple[Part, ...]


def _column(name: str, kind: Kind, unit: str, meaning: str) -> Column:
    return Column(name.rstrip("*"), kind, name.endswith("*"), unit, meaning)


_RECORDED = "When it became known; the same moment as it happened where this is not mapped or empty."

# A star marks a column that must be mapped and may not be empty.
CONTRACTS: Mapping[str, tuple[Column, ...]] = {
    "orders": (
        _column("customer_id*", "text", "id", "Who bought."),
        _column("ordered_at*", "moment", "time", "When the order was placed."),
        _column("amount*", "cents", "money", "What was paid; below zero for a return; rounded to cents."),
        _column("order_id", "text", "id", 'The order; with grain = "line" the rows of one order share it.'),
        _column("recorded_at", "moment", "time", _RECORDED),
        _column("discount", "cents", "money", "What the price was lowered by; rounded to cents."),
        _column("quantity", "count", "pieces", "How many pieces; thousandths count until the order is summed."),
        _column("category", "text", "name", "What kind of thing was bought."),
        _column("channel", "text", "name", "Where it was bought: web, app, shop, ..."),
    ),
    "events": (
        _column("customer_id*", "text", "id", "Who did something."),
        _column("occurred_at*", "moment", "time", "When it was done."),
        _column("kind*", "text", "name", "What was done: visit, email_open, add_to_cart, ..."),
        _column("value", "number", "any", "How much of it, in whatever unit the kind is counted."),
        _column("recorded_at", "moment", "time", _RECORDED),
    ),
    "contacts": (
        _column("customer_id*", "text", "id", "Whom we wrote to, called or showed something."),
        _column("contacted_at*", "moment", "time", "When we did."),
        _column("campaign", "text", "name", "The campaign it belonged to."),
        _column("channel", "text", "name", "How: email, post, phone, ..."),
        _column("recorded_at", "moment", "time", _RECORDED),
    ),
}

# The columns whose value may be the sum of several source columns.
SUMMED: frozenset[Kind] = frozenset({"cents", "count", "number"})

TABLES: Mapping[str, tuple[Column, ...]] = {
    "orders": (
        _column("order_id*", "text", "id", "The order; made from customer, time and amount if not mapped."),
        _column("customer_id*", "text", "id", "Who bought."),
        _column("ordered_at*", "moment", "time", "When the first row of the order was placed."),
        _column("recorded_at*", "moment", "time", "When the last row of the order became known."),
        _column("amount_cents*", "integer", "cents", "What was paid, all rows of the order."),
        _column("discount_cents", "integer", "cents", "What the price was lowered by, all rows."),
        _column("quantity", "integer", "pieces", "How many pieces, all rows, rounded to whole ones."),
        _column("line_count*", "integer", "rows", "How many rows of the source the order is made of."),
        _column("channel", "text", "name", "Where it was bought; the first by name if its rows differ."),
    ),
    "order_categories": (
        _column("customer_id*", "text", "id", "Who bought."),
        _column("order_id*", "text", "id", "The order."),
        _column("ordered_at*", "moment", "time", "As in orders."),
        _column("recorded_at*", "moment", "time", "As in orders."),
        _column("category*", "text", "name", "A kind of thing that is in the order; each once."),
    ),
    "events": (
        _column("customer_id*", "text", "id", "Who did something."),
        _column("occurred_at*", "moment", "time", "When it was done."),
        _column("recorded_at*", "moment", "time", "When it became known."),
        _column("kind*", "text", "name", "What was done."),
        _column("value", "number", "any", "How much of it."),
    ),
    "contacts": (
        _column("customer_id*", "text", "id", "Whom we contacted."),
        _column("contacted_at*", "moment", "time", "When we did."),
        _column("recorded_at*", "moment", "time", "When it became known."),
        _column("campaign", "text", "name", "The campaign it belonged to."),
        _column("channel", "text", "name", "How."),
    ),
    "quarantine": (
        _column("table*", "text", "name", "The table the row was meant for; `orders lookup` for a lookup's."),
        _column("file*", "text", "name", "The file as the configuration calls it."),
        _column("line*", "integer", "lines", "Line of a text file (its header is 1); row of a Parquet file."),
        _column("reason*", "text", "code", "Why, one of the codes below."),
        _column("detail*", "text", "sentence", "Why, with the value that was found."),
        _column("raw*", "text", "text", "The row, at most 4,000 characters of it."),
    ),
}

# {column}: the contract's column; {source}: the source's column(s); {value}: what was found there.
REASONS: Mapping[str, str] = {
    "empty_line": "the line is empty",
    "long_line": "the line is longer than 1,048,576 bytes",
    "control_character": "the line holds a NUL or a carriage return that ends no line",
    "bad_encoding": "the line is not valid in the encoding {value}",
    "open_quote": "a quoted field does not end on its line",
    "bad_quote": "a quoted field is followed by something other than the delimiter",
    "ragged_row": "{value}",
    "missing_customer_id": "customer_id is missing: {source} holds {value}",
    "missing_date": "{column} is missing: {source} holds {value}",
    "bad_date": "{column} needs a date: {source} holds {value}",
    "missing_amount": "amount is missing: {source} holds {value}",
    "bad_amount": "amount needs a plain number such as 1234.50: {source} holds {value}",
    "missing_order_id": "order_id is missing: {source} holds {value}",
    "missing_kind": "kind is missing: {source} holds {value}",
    "bad_recorded_at": "recorded_at needs a date: {source} holds {value}",
    "bad_discount": "discount needs a plain number such as 1234.50: {source} holds {value}",
    "bad_quantity": "quantity needs a plain number such as 3: {source} holds {value}",
    "bad_value": "value needs a plain number such as 0.5: {source} holds {value}",
    "future_date": "{column} is later than this ingest: {source} holds {value}",
    "recorded_before_it_happened": "recorded_at is earlier than {column}: {source} hold {value}",
    "conflicting_order": "an earlier row of this order_id says otherwise: {source} hold {value}",
}


def mapping_of(table: str, source: Source) -> dict[str, Mapped]:
    """The mapped columns of one source by contract name, in the contract's order."""
    known = {column.name: column for column in CONTRACTS[table]}
    for name in source.columns:
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise ConfigError(f"[sources.{table}.columns] {name}: no such column of {table}.{hint}")
    lacking = [name for name, column in known.items() if column.required and name not in source.columns]
    if table == "orders" and source.grain == "line" and "order_id" not in source.columns:
        lacking.append("order_id")
    if lacking:
        raise ConfigError(
            f"[sources.{table}.columns] maps {_listed(source.columns)} but {table} also needs "
            f'{_listed(lacking)}; write for example {lacking[0]} = "column of {source.path}"'
        )
    if table != "orders" and source.grain == "line":
        raise ConfigError(f'[sources.{table}] grain = "line" is for orders only; leave it out')
    return {name: _mapped(table, known[name], source) for name in known if name in source.columns}


def _mapped(table: str, column: Column, source: Source) -> Mapped:
    """A mapping's value as parts; only numbers may be summed."""
    value = source.columns[column.name]
    where = f"[sources.{table}.columns] {column.name}"
    if isinstance(value, dict):
        if set(value) != {"value"}:
            raise ConfigError(f'{where}: a constant is written {{ value = "..." }}; came {value!r}')
        return Mapped(column, (value,))
    if isinstance(value, str):
        return Mapped(column, (value,))
    if column.kind not in SUMMED:
        raise ConfigError(f"{where}: only numbers can be added up; came {list(value)!r}. Name one column")
    if not value:
        raise ConfigError(f"{where}: a sum needs at least one column; came []")
    return Mapped(column, tuple(value))


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(names) if names else "nothing"
