"""The tables of the facts folder as the kernel's logs: one SQL statement a table reads, filters and sorts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winback import store
from winback.facts.days import day_number
from winback.facts.kernel import Ints, Log

ROWS_PER_PARTITION = 2_000_000

ORDERS = """
SELECT customer_id, {day} AS day, epoch_us(ordered_at) AS us, {recorded} AS recorded_day,
       1 AS orders, amount_cents AS spend, coalesce(discount_cents, 0) AS discount,
       line_count AS lines, {hour} AS hour {categories}
FROM read_parquet({path}) {join}
WHERE {part} AND {day} < {before}
ORDER BY customer_id, day, us, order_id
"""
CATEGORIES = """
SELECT customer_id, {day} AS day, epoch_us(ordered_at) AS us, {recorded} AS recorded_day, category
FROM read_parquet({path}) WHERE {part} AND {day} < {before}
ORDER BY customer_id, day, us, category
"""
EVENTS = """
SELECT customer_id, {day} AS day, epoch_us(occurred_at) AS us, {recorded} AS recorded_day, 1 AS events
FROM read_parquet({path}) WHERE {part} AND {day} < {before}
ORDER BY customer_id, day, us, kind, value
"""
SENT_AT = {"orders": "ordered_at", "order_categories": "ordered_at", "events": "occurred_at"}


@dataclass(frozen=True)
class Part:
    """One partition of the customers and the calendar it is read with."""

    facts: Path
    zone: str
    before: dt.date
    part: int = 0
    parts: int = 1

    def words(self, table: str) -> dict[str, str]:
        """The SQL words that differ by table."""
        at, zone = SENT_AT[table], store.literal(self.zone)
        return {
            "path": store.literal(str(self.facts / f"{table}.parquet")),
            "day": _day(f"timezone({zone}, {at})"),
            "recorded": _day(f"timezone({zone}, recorded_at)"),
            "hour": f"hour(timezone({zone}, {at}))",
            "part": f"hash(customer_id) % {self.parts} = {self.part}" if self.parts > 1 else "true",
            "before": str(day_number(self.before)),
        }


def _day(local: str) -> str:
    return f"date_diff('day', DATE '1970-01-01', CAST({local} AS DATE))"


def partitions(facts: Path, zone: str, before: dt.date) -> list[Part]:
    """The partitions of the orders by a hash of the customer, of about 2 million rows each."""
    rows = pq.read_metadata(facts / "orders.parquet").num_rows
    count = max(1, -(-rows // ROWS_PER_PARTITION))
    return [Part(facts, zone, before, part, count) for part in range(count)]


def log_starts(facts: Path, table: str, zone: str, cutoffs: Ints) -> Ints:
    """The first day of a table's log as known at each cutoff; the cutoff itself where nothing was known."""
    words = Part(facts, zone, dt.date.max).words(table)
    query = f"""
        SELECT {words["day"]} AS day, greatest({words["day"]}, {words["recorded"]}) AS known
        FROM read_parquet({words["path"]}) GROUP BY ALL ORDER BY day
    """  # noqa: S608 - built from our own words and store.literal
    with store.connect() as con:
        rows = con.sql(query).to_arrow_table()
    day, known = rows["day"].to_numpy(), rows["known"].to_numpy()
    return np.array([min(day[known < cutoff], default=cutoff) for cutoff in cutoffs], dtype=np.int64)


def orders_log(con: store.Connection, part: Part) -> tuple[pa.Array, Log]:
    """The customers of a partition, sorted, and their orders."""
    words = part.words("orders") | {"join": "", "categories": ""}
    if (part.facts / "order_categories.parquet").exists():
        path = store.literal(str(part.facts / "order_categories.parquet"))
        counted = f"SELECT order_id, count(*) AS n FROM read_parquet({path}) GROUP BY 1"  # noqa: S608 - store.literal
        words["join"] = f"LEFT JOIN ({counted}) USING (order_id)"
        words["categories"] = ", coalesce(n, 0) AS categories"
    rows = con.sql(ORDERS.format(**words)).to_arrow_table()
    ids = pc.unique(rows["customer_id"])
    log = _log(rows, ids, ("orders", "spend", "discount", "lines", "hour", "categories"))
    return ids, Log(log.customer, log.day, log.us, log.recorded_day, log.measures | _flags(log))


def _flags(log: Log) -> dict[str, Ints]:
    """Measures that are read off the columns of an order."""
    weekday = (log.day + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    flags = {f"weekday_{d}": weekday == d for d in range(7)}
    flags |= {"weekend_orders": weekday >= 5, "evening_orders": log.measures["hour"] >= 18}
    flags |= {"discounted_orders": log.measures["discount"] > 0}
    measures = {name: flag.astype(np.int64) for name, flag in flags.items()}
    return measures | {"list_price": log.measures["spend"] + log.measures["discount"]}


def log_of(con: store.Connection, part: Part, table: str, ids: pa.Array) -> Log:
    """The rows of a further table that belong to these customers."""
    query = {"order_categories": CATEGORIES, "events": EVENTS}[table].format(**part.words(table))
    rows = con.sql(query).to_arrow_table()
    rows = rows.filter(pc.is_in(rows["customer_id"], ids))
    if "category" in rows.column_names:
        codes = pc.index_in(rows["category"], pc.unique(rows["category"]))
        rows = rows.set_column(rows.column_names.index("category"), "category", codes)
    return _log(rows, ids, ("events", "category"))


def _log(rows: pa.Table, ids: pa.Array, measures: tuple[str, ...]) -> Log:
    present = [name for name in measures if name in rows.column_names]
    return Log(
        _ints(pc.index_in(rows["customer_id"], ids)),
        _ints(rows["day"]),
        _ints(rows["us"]),
        _ints(rows["recorded_day"]),
        {name: _ints(rows[name]) for name in present},
    )


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), dtype=np.int64)
