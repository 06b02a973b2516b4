"""What happened in one made-up shop: the rows of all facts tables, the calendar, and the cutoffs to ask it at."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
Tables = Mapping[str, tuple[Row, ...]]
_TEXT, _AT, _WHOLE, _NUMBER = pa.string(), pa.timestamp("us", tz="UTC"), pa.int64(), pa.float64()
# Of each facts table: the column of its rows' moment, and its further columns, as ingest writes them.
MOMENTS = {
    "orders": "ordered_at",
    "order_categories": "ordered_at",
    "order_products": "ordered_at",
    "events": "occurred_at",
    "contacts": "contacted_at",
    "tickets": "opened_at",
    "surveys": "answered_at",
    "subscriptions": "started_at",
    "payments": "attempted_at",
    "customers": "signed_up_at",
}
COLUMNS: Mapping[str, dict[str, pa.DataType]] = {
    "orders": {
        "order_id": _TEXT,
        "amount_cents": _WHOLE,
        "discount_cents": _WHOLE,
        "quantity": _WHOLE,
        "line_count": _WHOLE,
        "channel": _TEXT,
        "part": _WHOLE,
    },
    "order_categories": {"order_id": _TEXT, "category": _TEXT},
    "order_products": {"order_id": _TEXT, "product_id": _TEXT},
    "events": {"kind": _TEXT, "value": _NUMBER},
    "contacts": {"campaign": _TEXT, "channel": _TEXT},
    "tickets": {
        "ticket_id": _TEXT,
        "resolved_at": _AT,
        "resolved_recorded_at": _AT,
        "topic": _TEXT,
        "csat": _NUMBER,
        "csat_recorded_at": _AT,
    },
    "surveys": {"kind": _TEXT, "score": _NUMBER},
    "subscriptions": {
        "subscription_id": _TEXT,
        "ended_at": _AT,
        "ended_recorded_at": _AT,
        "plan": _TEXT,
        "price_cents": _WHOLE,
        "period": _TEXT,
        "auto_renew": _WHOLE,
        "cancel_reason": _TEXT,
    },
    "payments": {
        "payment_id": _TEXT,
        "status": _TEXT,
        "amount_cents": _WHOLE,
        "decline_code": _TEXT,
        "card_expires": _AT,
    },
    "customers": {"country": _TEXT, "language": _TEXT},
}


def schema(table: str) -> pa.Schema:
    """The columns of a facts table and their types."""
    return pa.schema({"customer_id": _TEXT, MOMENTS[table]: _AT, "recorded_at": _AT, **COLUMNS[table]})


def known_from(table: str, row: Row) -> dt.datetime:
    """When a row was known: when it had happened and was recorded."""
    happened: dt.datetime = row[MOMENTS[table]]
    recorded: dt.datetime = row["recorded_at"]
    return max(happened, recorded)


def resolved_known(row: Row) -> dt.datetime | None:
    """When it was known that a ticket had been resolved."""
    return _learned(row, "resolved_at", "resolved_recorded_at")


def ended_known(row: Row) -> dt.datetime | None:
    """When it was known that a subscription had ended."""
    return _learned(row, "ended_at", "ended_recorded_at")


def _learned(row: Row, happened: str, recorded: str) -> dt.datetime | None:
    """When a later fact of a row was known; None where there is none."""
    at: dt.datetime | None = row[happened]
    return at and max(at, row[recorded] or row["recorded_at"])


def rated_known(row: Row) -> dt.datetime | None:
    """When it was known how a ticket was rated: not before it was resolved, if it was."""
    if row["csat"] is None:
        return None
    at: dt.datetime = row["resolved_at"] or row["opened_at"]
    recorded: dt.datetime = row["csat_recorded_at"] or row["recorded_at"]
    return max(at, recorded)


@dataclass(frozen=True)
class History:
    """The rows of one shop's tables, the zone of its days, and the cutoffs to ask it at."""

    zone: str
    cutoffs: tuple[dt.date, ...]
    tables: Tables

    def midnight(self, day: dt.date) -> dt.datetime:
        """The instant at which a day begins; where its midnight is skipped, that of the skip."""
        return dt.datetime.combine(day, dt.time(), ZoneInfo(self.zone)).astimezone(dt.UTC)

    def changed(self, change: Callable[[str, tuple[Row, ...]], tuple[Row, ...]]) -> History:
        """The history with the rows of every table changed."""
        return replace(self, tables={name: change(name, rows) for name, rows in self.tables.items()})

    def without(self, instant: dt.datetime) -> History:
        """The history as it was known just before an instant: of every row only what was known then."""
        return self.changed(
            lambda name, rows: tuple(_before(instant, name, r) for r in rows if known_from(name, r) < instant)
        )

    def plus(self, other: History) -> History:
        """The rows of both in one shop, read with this one's calendar."""
        return self.changed(lambda name, rows: rows + other.tables[name])

    def shuffled(self, chance: random.Random) -> History:
        """The same rows in another order."""
        return self.changed(lambda _, rows: tuple(chance.sample(rows, len(rows))))

    def renamed(self, names: Mapping[str, str]) -> History:
        """The same rows of customers with other names."""
        return self.changed(lambda _, rows: tuple(r | {"customer_id": names[r["customer_id"]]} for r in rows))

    def customers(self) -> list[str]:
        """Everybody who has a row anywhere, sorted."""
        return sorted({row["customer_id"] for rows in self.tables.values() for row in rows})


def _before(instant: dt.datetime, table: str, row: Row) -> Row:
    """A row with what was not yet known of it left out."""
    row = dict(row)
    if table == "tickets":
        if (rated := rated_known(row)) and rated >= instant:
            row |= {"csat": None, "csat_recorded_at": None}
        if (resolved := resolved_known(row)) and resolved >= instant:
            row |= {"resolved_at": None, "resolved_recorded_at": None}
    if table == "subscriptions" and (ended := ended_known(row)) and ended >= instant:
        row |= {"ended_at": None, "ended_recorded_at": None, "cancel_reason": None}
    return row


def write(history: History, folder: Path, files: int = 1, rows_in_a_group: int | None = None) -> Path:
    """The history's tables in a folder, their rows in the history's own order, spread over so many files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.parquet"):
        old.unlink()
    for name, rows in history.tables.items():
        for number in range(files):
            table = pa.Table.from_pylist(list(rows[number::files]), schema(name))
            path = folder / (f"{name}.{number}.parquet" if number else f"{name}.parquet")
            pq.write_table(table, path, row_group_size=rows_in_a_group)
    return folder


def in_order(history: History) -> History:
    """The history with the rows of each table sorted as ingest sorts them: by customer, then by moment."""
    return history.changed(lambda n, rows: tuple(sorted(rows, key=lambda r: (r["customer_id"], r[MOMENTS[n]]))))
