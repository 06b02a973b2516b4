"""A made-up shop with nothing wrong, as the tables of the facts: what a usability report is tried on.

Its customers buy by day, every twelve days or so, in Berlin; all is recorded two hours later.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from winback import store
from winback.config import Source, Sources
from winback.facts.intake.contracts import CONTRACTS
from winback.facts.intake.tables import schema_of

ZONE, TODAY = "Europe/Berlin", dt.date(2026, 2, 1)
OPENS, DAYS, CUSTOMERS = dt.date(2025, 1, 1), 396, 150
WHEN = (ZONE, TODAY)
Frames = dict[str, pd.DataFrame]
# What a written table is called where it is mapped.
MADE_FROM = {"order_categories": "category", "order_products": "product_id"}


@cache
def _frames() -> Frames:
    chance = np.random.default_rng(20260201)
    shop = {"orders": _orders(chance), "events": _events(chance), "contacts": _contacts(chance)}
    shop["order_categories"] = shop["orders"][["customer_id", "order_id", "ordered_at", "recorded_at"]].assign(
        category=chance.choice(["tea", "coffee", "cups"], len(shop["orders"]))
    )
    return shop | {"tickets": _tickets(chance), "payments": _payments(shop["orders"]), "customers": _customers(chance)}


def frames() -> Frames:
    """The tables by name, fresh copies."""
    return {table: frame.copy() for table, frame in _frames().items()}


def write(folder: Path, shop: Frames) -> Path:
    """The tables as files of a facts folder."""
    for table, frame in shop.items():
        schema = schema_of(table)
        lacking = {name: None for name in schema.names if name not in frame}
        whole = frame.assign(**lacking)[schema.names].sort_values(["customer_id", "recorded_at"], kind="stable")
        rows = pa.Table.from_pandas(whole, schema=schema, preserve_index=False).replace_schema_metadata(None)
        store.write_table(folder / f"{table}.parquet", rows, together="customer_id")
    return folder


def sources(shop: Frames) -> Sources:
    """A mapping of every column that the tables have."""
    mapped = {}
    for table in shop.keys() & CONTRACTS.keys():
        written = {name.removesuffix("_cents") for name in shop[table].columns}
        columns = {c.name: c.name for c in CONTRACTS[table] if c.name in written}
        if table == "orders":
            columns |= {column: column for made, column in MADE_FROM.items() if made in shop}
        mapped[table] = Source(path=f"{table}.csv", columns=columns)
    return Sources(**mapped)


def _at(day: np.ndarray, hour: np.ndarray) -> pd.DatetimeIndex:
    """Instants of local days and hours, to the second."""
    local = pd.Timestamp(OPENS) + pd.to_timedelta(day, unit="D") + pd.to_timedelta((hour * 3600).astype(int), unit="s")
    berlin = pd.DatetimeIndex(local).tz_localize(
        ZONE, ambiguous=np.zeros(len(local), bool), nonexistent="shift_forward"
    )
    return berlin.tz_convert("UTC").as_unit("us")


def _rows(chance: np.random.Generator, moment: str, every_days: float) -> pd.DataFrame:
    """Customers and instants: each customer every so many days, between 7 and 23 o'clock, most at four."""
    each = int(DAYS / every_days)
    who = np.repeat(np.arange(1, CUSTOMERS + 1), each)
    day = chance.uniform(0, DAYS, len(who)).astype(int)
    at = _at(day, 7 + 16 * chance.beta(3, 2.5, len(who)))
    frame = pd.DataFrame({"customer_id": [f"C{n:04}" for n in who], moment: at})
    return frame.assign(recorded_at=frame[moment] + pd.Timedelta(hours=2))


def _orders(chance: np.random.Generator) -> pd.DataFrame:
    frame = _rows(chance, "ordered_at", 12)
    cents = np.round(chance.lognormal(8.0, 0.5, len(frame))).astype("int64")
    return frame.assign(
        order_id=[f"o{n}" for n in range(len(frame))],
        amount_cents=cents,
        discount_cents=np.where(chance.random(len(frame)) < 0.3, cents // 10, 0),
        quantity=chance.integers(1, 6, len(frame)),
        line_count=1,
        channel=chance.choice(["web", "shop"], len(frame)),
        part=0,
    )


def _events(chance: np.random.Generator) -> pd.DataFrame:
    frame = _rows(chance, "occurred_at", 20)
    return frame.assign(kind=chance.choice(["visit", "email_open", "add_to_cart"], len(frame)))


def _contacts(chance: np.random.Generator) -> pd.DataFrame:
    day = np.repeat(np.arange(20, DAYS, 28), 60)
    frame = pd.DataFrame({"contacted_at": _at(day, np.full(len(day), 9.0))})
    who = [f"C{n:04}" for n in chance.integers(1, CUSTOMERS + 1, len(day))]
    named = frame.assign(
        customer_id=who,
        recorded_at=frame["contacted_at"] + pd.Timedelta(hours=1),
        campaign=[f"letter {d}" for d in day],
    )
    return named.assign(channel=chance.choice(["email", "post"], len(day)))


def _tickets(chance: np.random.Generator) -> pd.DataFrame:
    frame = _rows(chance, "opened_at", 100)
    return frame.assign(
        ticket_id=[f"t{n}" for n in range(len(frame))],
        resolved_at=frame["opened_at"] + pd.to_timedelta(chance.integers(1, 90, len(frame)), unit="h"),
        topic=chance.choice(["delivery", "refund", "damage"], len(frame)),
        csat=chance.integers(1, 6, len(frame)).astype("float64"),
    )


def _payments(orders: pd.DataFrame) -> pd.DataFrame:
    failed = np.arange(len(orders)) % 20 == 0
    return pd.DataFrame(
        {
            "customer_id": orders["customer_id"],
            "attempted_at": orders["ordered_at"],
            "recorded_at": orders["recorded_at"],
            "payment_id": "p" + orders["order_id"],
            "status": np.where(failed, "failed", "succeeded"),
            "amount_cents": orders["amount_cents"],
            "decline_code": np.where(failed, np.where(np.arange(len(orders)) % 40 == 0, "expired", "no funds"), None),
        }
    )


def _customers(chance: np.random.Generator) -> pd.DataFrame:
    at = _at(chance.integers(-200, 0, CUSTOMERS), 7 + 16 * chance.beta(3, 2.5, CUSTOMERS))
    ids = [f"C{n:04}" for n in range(1, CUSTOMERS + 1)]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "signed_up_at": at,
            "recorded_at": at + pd.Timedelta(hours=2),
            "country": chance.choice(["DE", "AT"], CUSTOMERS),
            "language": chance.choice(["de", "en"], CUSTOMERS),
            "email": [f"{name.lower()}@shop.test" for name in ids],
        }
    )
