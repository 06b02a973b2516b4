"""Made-up facts: customers of very different size over two years, in the form in which ingest writes them.

Written customers by customer, a row group at a time, so that any number of rows needs little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from winback import store

DAY = 86_400_000_000
FIRST_DAY = 19_723  # 2024-01-01
DAYS = 730
ROWS_A_CUSTOMER = 66
CHANNELS = ("web", "store", "app")
KINDS = ("visit", "email_open", "email_click", "cart_abandoned", "search")
TOPICS = ("delivery", "quality", "payment", "other")
PRODUCTS = 100_000
Columns = dict[str, pa.Array | np.ndarray]


def orders(rng: np.random.Generator, n: int, late: float) -> Columns:
    """Amounts, discounts, lines and pieces of `n` orders."""
    cents = rng.lognormal(7.5, 0.8, n).astype(np.int64)
    return {
        "order_id": pa.array(rng.integers(0, 10**12, n)).cast(pa.string()),
        **moments("ordered_at", rng, n, late),
        "amount_cents": cents,
        "discount_cents": np.where(rng.random(n) < 0.3, cents // 10, 0),
        "quantity": rng.integers(1, 30, n),
        "line_count": rng.integers(1, 20, n),
        "channel": words(CHANNELS, rng.integers(0, len(CHANNELS), n)),
        "part": np.zeros(n, dtype=np.int64),
    }


def order_products(rng: np.random.Generator, n: int, late: float) -> Columns:
    """`n` lines, each of one of 100,000 products, few of them sold often."""
    rank = (PRODUCTS ** rng.random(n)).astype(np.int64)
    product = [f"p{i:06}" for i in range(PRODUCTS + 1)]
    return {
        "order_id": words(["o"], rank * 0),
        **moments("ordered_at", rng, n, late),
        "product_id": words(product, rank),
    }


def events(rng: np.random.Generator, n: int, late: float) -> Columns:
    """`n` visits, opened and clicked e-mails, carts left behind."""
    kind = words(KINDS, rng.choice(len(KINDS), n, p=[0.6, 0.2, 0.05, 0.05, 0.1]))
    return {**moments("occurred_at", rng, n, late), "kind": kind, "value": rng.integers(0, 9_000, n) / 1000}


def tickets(rng: np.random.Generator, n: int, late: float) -> Columns:
    """`n` tickets, solved within ten days, half of them rated."""
    found = moments("opened_at", rng, n, late)
    opened = found["opened_at"].cast(pa.int64()).to_numpy()
    return {
        **found,
        "resolved_at": instants(opened + rng.integers(3_600, 10 * 86_400, n) * 1_000_000),
        "topic": words(TOPICS, rng.integers(0, len(TOPICS), n)),
        "csat": pa.array(rng.integers(1, 6, n).astype(float), mask=rng.random(n) < 0.5),
    }


TABLES: dict[str, tuple[str, Callable[[np.random.Generator, int, float], Columns]]] = {
    "orders": ("ordered_at", orders),
    "order_products": ("ordered_at", order_products),
    "events": ("occurred_at", events),
    "tickets": ("opened_at", tickets),
}


def make(folder: Path, table: str, rows: int, late: float = 0.0, scale: float = 1.0) -> None:
    """Write `<table>.parquet`: groups of whole customers, sorted by customer and time.

    `late` is the share of rows recorded up to 30 days after they happened; `scale` how many rows of this
    table stand for one order, so that several tables have the same customers.
    """
    group = min(rows, int(store.ROWS_PER_GROUP * scale))
    folder.mkdir(parents=True, exist_ok=True)
    writer = None
    for number in range(max(1, rows // group)):
        found = chunk(table, number, group, max(1, round(group / scale / ROWS_A_CUSTOMER)), late)
        writer = writer or pq.ParquetWriter(folder / f"{table}.parquet", found.schema, compression="zstd")
        writer.write_table(found, row_group_size=len(found))
    if writer is not None:
        writer.close()


def chunk(table: str, number: int, rows: int, customers: int, late: float) -> pa.Table:
    """The rows of some customers, whose names follow those of the chunk before."""
    weight = np.random.default_rng([number, 0]).lognormal(0, 1.2, customers)
    rng = np.random.default_rng([number, 1 + list(TABLES).index(table)])
    moment, columns = TABLES[table]
    customer = rng.choice(customers, rows, p=weight / weight.sum())
    found = columns(rng, rows, late)
    order = np.lexsort((found[moment].cast(pa.int64()).to_numpy(), customer))
    names = words([f"c{number:05}-{i:05}" for i in range(customers)], customer[order])
    return pa.table({"customer_id": names, **{n: _taken(c, order) for n, c in found.items()}})


def moments(name: str, rng: np.random.Generator, n: int, late: float) -> Columns:
    """Instants all over the two years, and when each row was recorded."""
    us = FIRST_DAY * DAY + rng.integers(0, DAYS * 86_400, n) * 1_000_000
    delay = np.where(rng.random(n) < late, rng.integers(1, 30 * 86_400, n) * 1_000_000, 0)
    return {name: instants(us), "recorded_at": instants(us + delay)}


def words(of: Sequence[str], codes: np.ndarray) -> pa.Array:
    """Words by their codes."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(of)).cast(pa.string())


def instants(us: np.ndarray) -> pa.Array:
    """Microseconds since 1970 as moments."""
    return pa.array(us).cast(pa.timestamp("us", "UTC"))


def _taken(column: pa.Array | np.ndarray, order: np.ndarray) -> pa.Array:
    return (column if isinstance(column, pa.Array) else pa.array(column)).take(pa.array(order))
