"""Features of several tables in SQL, late rows minded: each stream is filtered to what was known, then grouped.

One statement a cutoff: with late rows there is no segment that all cutoffs share. Different values are
counted from each value's last day, which is quicker than counting distinct in every window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winback import store

US = 86_400_000_000
Feature = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Where a stream's rows lie: its table, its moment, which rows, the column whose values are counted."""

    table: str
    moment: str
    kept: str = "true"
    value: str = ""


STREAMS = {
    "orders": Rows("orders", "ordered_at", "amount_cents >= 0"),
    "order_products": Rows("order_products", "ordered_at", value="product_id"),
    "events": Rows("events", "occurred_at"),
    "tickets": Rows("tickets", "opened_at"),
    "tickets_resolved": Rows("tickets", "resolved_at", "resolved_at IS NOT NULL"),
}
MEASURES = {
    "rows": "1",
    "spend": "amount_cents",
    "discount": "discount_cents",
    "list_price": "amount_cents + discount_cents",
    "value": "CAST(round(value * 1000) AS BIGINT)",
    "resolve_hours": "(epoch_us(resolved_at) - epoch_us(opened_at)) // 1000000",
}
UNITS = {"spend": 100, "value": 1000, "resolve_hours": 3600}


def by_cutoff(job: dict[str, Any]) -> pa.Table:
    """One row a customer and cutoff."""
    with store.connect(threads=2) as con:
        con.execute("SET preserve_insertion_order = false")
        found = [con.sql(statement(job, cutoff)).to_arrow_table() for cutoff in job["cutoffs"]]
    return pa.concat_tables(found)


def statement(job: dict[str, Any], cutoff: int) -> str:
    """The features of one cutoff: the customers with an order, and beside them each stream's sums."""
    streams = {f["table"]: [g for g in job["features"] if g["table"] == f["table"]] for f in job["features"]}
    parts = {s: part(Path(job["facts"]), s, fs, cutoff) for s, fs in streams.items()}
    base = f"SELECT DISTINCT customer_id FROM ({known(Path(job['facts']), STREAMS['orders'], cutoff)})"  # noqa: S608
    joins = " ".join(f"LEFT JOIN ({query}) {name} USING (customer_id)" for name, query in parts.items())
    texts = ", ".join(f"{unknown(f, cutoff, job['log_start'])} AS {f['name']}" for f in job["features"])
    return f"SELECT customer_id, {cutoff} AS cutoff, {texts} FROM ({base}) base {joins}"  # noqa: S608


def unknown(f: Feature, cutoff: int, log_start: int) -> str:
    """A feature's column: unknown where its window begins before the log does; nothing is 0 for sums."""
    if cutoff - f["window"] < log_start:
        return "NULL::DOUBLE"
    return f["name"] if f["kind"] in ("share", "mean") else f"coalesce({f['table']}.{f['name']}, 0)"


def known(facts: Path, rows: Rows, cutoff: int) -> str:
    """The rows of a stream that had happened and were recorded before the cutoff."""
    file = store.literal(str(facts / f"{rows.table}.parquet"))
    day = f"epoch_us({rows.moment}) // {US}"
    return (
        f"SELECT *, {day} AS day FROM read_parquet({file}) "  # noqa: S608
        f"WHERE {rows.kept} AND {day} < {cutoff} AND epoch_us(recorded_at) // {US} < {cutoff}"
    )


def part(facts: Path, stream: str, features: Sequence[Feature], cutoff: int) -> str:
    """One stream's features at one cutoff."""
    rows = STREAMS[stream]
    source = known(facts, rows, cutoff)
    if features[0]["kind"] == "distinct":
        last = f"SELECT customer_id, max(day) AS day FROM ({source}) GROUP BY customer_id, {rows.value}"  # noqa: S608
        source = last
    texts = ", ".join(f"{said(f, cutoff)} AS {f['name']}" for f in features)
    return f"SELECT customer_id, {texts} FROM ({source}) GROUP BY customer_id"  # noqa: S608


def said(f: Feature, cutoff: int) -> str:
    """A feature as an aggregate."""
    asked = " AND ".join([f"day >= {cutoff - f['window']}", *wanted(f)])

    def total(measure: str) -> str:
        return f"sum(CASE WHEN {asked} THEN {MEASURES[measure]} ELSE 0 END)::DOUBLE"

    unit = UNITS.get(f["measure"], 1)
    if f["kind"] == "share":
        return f"{total(f['measure'])} / nullif({total(f['of'])}, 0)"
    if f["kind"] == "mean":
        return f"{total(f['measure'])} / {unit} / nullif({total('rows')}, 0)"
    return f"{total(f['measure'])} / {unit}"


def wanted(f: Feature) -> list[str]:
    """The conditions on columns."""
    return [f"{c} IN ({', '.join(map(store.literal, words))})" for c, words in f["where"].items()]


def keep(result: pa.Table, path: Path) -> None:
    """Write the result."""
    pq.write_table(result, path)
