"""Tables of a log, as ingest writes them, from one readable line.

Customers are parted by `;`, their rows by `,`. A row is an instant (UTC where it names no zone), what
happened, and where it was recorded later, `@` and that instant.

>>> log = orders("c1: 2026-01-03 40.00, 2026-01-09T13:00 12.50 @2026-01-11; c2: 2026-02-01 5 channel=web")
>>> log[["order_id", "ordered_at", "amount_cents", "channel"]]
  order_id                ordered_at  amount_cents channel
0     c1-1 2026-01-03 00:00:00+00:00          4000     NaN
1     c1-2 2026-01-09 13:00:00+00:00          1250     NaN
2     c2-1 2026-02-01 00:00:00+00:00           500     web
>>> str(log.recorded_at[1])
'2026-01-11 00:00:00+00:00'
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa

from winback.prove.history import MOMENTS, schema

INSTANT, TEXT, WHOLE, WHOLE_OR_NULL, NUMBER = "datetime64[us, UTC]", "str", "int64", "Int64", "float64"
ORDERS = {
    "order_id": TEXT,
    "customer_id": TEXT,
    "ordered_at": INSTANT,
    "recorded_at": INSTANT,
    "amount_cents": WHOLE,
    "discount_cents": WHOLE_OR_NULL,
    "quantity": WHOLE_OR_NULL,
    "line_count": WHOLE,
    "channel": TEXT,
    "part": WHOLE,
}
EVENTS = {"customer_id": TEXT, "occurred_at": INSTANT, "recorded_at": INSTANT, "kind": TEXT, "value": NUMBER}
CONTACTS = {
    "customer_id": TEXT,
    "contacted_at": INSTANT,
    "recorded_at": INSTANT,
    "campaign": TEXT,
    "channel": TEXT,
}
Entry = tuple[str, int, dt.datetime, dt.datetime, list[str]]


def orders(line: str) -> pd.DataFrame:
    """One row an order: `instant amount`, then any of `discount= quantity= lines= channel= id= part=`."""
    rows = []
    for customer, number, happened, recorded, (amount, *named) in entries(line):
        extra = dict(word.split("=", 1) for word in named)
        rows.append(
            {
                "order_id": extra.pop("id", f"{customer}-{number}"),
                "customer_id": customer,
                "ordered_at": happened,
                "recorded_at": recorded,
                "amount_cents": cents(amount),
                "discount_cents": cents(extra.pop("discount", None)),
                "quantity": whole(extra.pop("quantity", None)),
                "line_count": int(extra.pop("lines", 1)),
                "channel": extra.pop("channel", None),
                "part": int(extra.pop("part", 0)),
            }
        )
        assert not extra, f"an order knows no {sorted(extra)}"
    return table(rows, ORDERS, ["customer_id", "ordered_at", "order_id", "part"])


def events(line: str) -> pd.DataFrame:
    """One row an event: `instant kind`, then its value if it has one."""
    rows = [
        (customer, happened, recorded, words[0], float(words[1]) if words[1:] else None)
        for customer, _, happened, recorded, words in entries(line)
    ]
    return table(rows, EVENTS, ["customer_id", "occurred_at", "kind"])


def contacts(line: str) -> pd.DataFrame:
    """One row a contact made by us: `instant`, then its campaign and channel if they are known."""
    rows = [
        (customer, happened, recorded, *words, *[None] * (2 - len(words)))
        for customer, _, happened, recorded, words in entries(line)
    ]
    return table(rows, CONTACTS, ["customer_id", "contacted_at"])


def facts(name: str, line: str) -> pa.Table:
    """The rows of any facts table: `instant`, then `column=value` for its further columns, as ingest types them."""
    columns = schema(name)
    rows = [
        {"customer_id": customer, MOMENTS[name]: happened, "recorded_at": recorded}
        | {key: typed(text, columns.field(key).type) for key, text in (word.split("=", 1) for word in words)}
        for customer, _, happened, recorded, words in entries(line)
    ]
    return pa.Table.from_pylist(rows, columns)


def typed(text: str, kind: pa.DataType) -> Any:
    """A word as a value of a column's type."""
    if pa.types.is_timestamp(kind):
        return instant(text)
    return int(text) if pa.types.is_integer(kind) else float(text) if pa.types.is_floating(kind) else text


def entries(line: str) -> Iterator[Entry]:
    """Each row of a line: customer, its number within the customer, happened, recorded, further words."""
    for history in filter(str.strip, line.split(";")):
        customer, _, rows = history.partition(":")
        for number, row in enumerate(filter(str.strip, rows.split(",")), start=1):
            fact, _, later = row.partition("@")
            happened, *words = fact.split()
            yield customer.strip(), number, instant(happened), instant(later.strip() or happened), words


def instant(text: str) -> dt.datetime:
    """`2026-01-03`, `2026-01-03T13:00` or `2026-01-03T13:00+02:00` as an instant in UTC."""
    when = dt.datetime.fromisoformat(text)
    return when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when.astimezone(dt.UTC)


def cents(money: str | None) -> int | None:
    """`12.5` as 1250, exactly."""
    return None if money is None else int(Decimal(money) * 100)


def whole(number: str | None) -> int | None:
    """`3` as 3; what is not given stays null."""
    return None if number is None else int(number)


def table(rows: list[Any], columns: dict[str, str], by: list[str]) -> pd.DataFrame:
    """The rows with the columns' types, sorted."""
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    return frame.sort_values(by, kind="stable", ignore_index=True)
