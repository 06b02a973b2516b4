"""The same features in SQL, by segments: the quickest SQL form that was found for many cutoffs.

A segment is a run of days between two neighbouring ends of windows. Rows are added up once by (customer,
segment), segments are mapped to the ages they have at each cutoff, and windows are sums over ages. With a
single cutoff a segment is an age, and the mapping is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from formulas import Numbers, Total, backs, columns, totals
from winback import store

LEFT_OUT = ("gap_quantile", "overdue", "spans")  # and the n-th last row for n > 1
US = 86_400_000_000
# Of one row of `known`: what each measure is.
MEASURES = {
    "spend": "amount_cents",
    "discount": "discount_cents",
    "list_price": "amount_cents + discount_cents",
    "lines": "line_count",
    "pieces": "quantity",
    "hour": "us // 3600000000 % 24",
    "evening": "CAST(us // 3600000000 % 24 >= 18 AS INT)",
    "weekend": "CAST((day + 3) % 7 >= 5 AS INT)",
    "discounted": "CAST(discount_cents > 0 AS INT)",
    "active_days": "CAST(gap IS NULL OR gap > 0 AS INT)",
    "gap": "coalesce(gap, 0)",
    "gaps": "CAST(coalesce(gap, 0) > 0 AS INT)",
    "gap_squared": "coalesce(gap * gap, 0)",
    **{f"weekday_{k}": f"CAST((gap IS NULL OR gap > 0) AND (day + 3) % 7 = {k} AS INT)" for k in range(7)},
}


@dataclass(frozen=True)
class Sql:
    """An expression in SQL, put together as numbers are."""

    text: str

    def __add__(self, other: Sql | float) -> Sql:
        return Sql(f"({self.text} + {sql(other)})")

    def __sub__(self, other: Sql | float) -> Sql:
        return Sql(f"({self.text} - {sql(other)})")

    def __mul__(self, other: Sql | float) -> Sql:
        return Sql(f"({self.text} * {sql(other)})")

    def __truediv__(self, other: Sql | float) -> Sql:
        return Sql(f"({self.text} / {sql(other)})")


def sql(value: Sql | float) -> str:
    """An operand as text."""
    return value.text if isinstance(value, Sql) else repr(value)


def done(features: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The features that this contender does: the others it may leave out."""
    return [f for f in features if f["kind"] not in LEFT_OUT and not (f["kind"] == "since_nth" and f["n"] > 1)]


def said(column: dict[Total, str]) -> Numbers:
    """How formulas are said in SQL, on a row of window sums."""
    return Numbers(
        total=lambda measure, window, lag: Sql(column[measure, window, lag]),
        since=lambda n: Sql(f"((cutoff * {US}::BIGINT - {'last_us' if n else 'first_us'}) / {US}::DOUBLE)"),
        quantile=lambda _: None,
        spans=lambda *_: None,
        divided=lambda a, b: Sql(f"({a.text} / nullif({sql(b)}, 0))"),
        root=lambda a: Sql(f"sqrt({a.text})"),
        log=lambda a: Sql(f"CASE WHEN {a.text} > 0 THEN ln({a.text}) END"),
        x_log_x=lambda a: Sql(f"CASE WHEN {a.text} > 0 THEN {a.text} * ln({a.text}) ELSE 0 END"),
        at_least=lambda a, b: Sql(f"greatest({a.text}, {b})"),
        unknown=Sql("NULL::DOUBLE"),
    )


def query(job: dict[str, Any]) -> str:
    """The statement for a job."""
    features = done(job["features"])
    ages = backs(features)
    asked = totals(features)
    column = {key: f"t{i}" for i, key in enumerate(asked)}
    measures = sorted({m for m, _, _ in asked})
    added = ", ".join(f"{'count(*)' if m == 'rows' else f'sum({MEASURES[m]})'}::DOUBLE AS {m}" for m in measures)
    again = ", ".join(f"sum({m}) AS {m}" for m in measures)
    windows = ", ".join(f"{window_sum(key, ages)} AS {column[key]}" for key in asked)
    file = store.literal(str(Path(job["facts"]) / "orders.parquet"))
    last = max(job["cutoffs"])
    return f"""
WITH customers AS MATERIALIZED (
  SELECT customer_id, CAST(row_number() OVER () AS INT) AS customer
  FROM (SELECT DISTINCT customer_id FROM read_parquet({file}))),
known AS (
  SELECT *, day - lag(day) OVER (PARTITION BY customer ORDER BY us) AS gap
  FROM (SELECT *, epoch_us(ordered_at) AS us, epoch_us(ordered_at) // {US} AS day
        FROM read_parquet({file}) JOIN customers USING (customer_id))
  WHERE day < {last}),
partial AS (
  SELECT customer, segment, {added}, min(us) AS first_us, max(us) AS last_us
  FROM known JOIN segments USING (day) GROUP BY ALL),
aged AS (
  SELECT customer, cutoff, age, {again}, min(first_us) AS first_us, max(last_us) AS last_us
  FROM partial JOIN ages USING (segment) GROUP BY ALL),
summed AS (
  SELECT customer, cutoff, {windows}, min(first_us) AS first_us, max(last_us) AS last_us
  FROM {"aged" if len(job["cutoffs"]) > 1 else "partial JOIN ages USING (segment)"} GROUP BY ALL)
SELECT customer_id, cutoff, {outputs(job, features, column)} FROM summed JOIN customers USING (customer)"""  # noqa: S608 - made of our own words


def window_sum(key: Total, ages: list[int]) -> str:
    """One window's sum over the ages in it."""
    measure, window, lag = key
    upto = "" if window is None else f" AND age < {ages.index(lag + window)}"
    return f"sum(CASE WHEN age >= {ages.index(lag)}{upto} THEN {measure} ELSE 0 END)"  # a quarter less than FILTER


def outputs(job: dict[str, Any], features: Sequence[dict[str, Any]], column: dict[Any, str]) -> str:
    """Every feature's expression; cutoffs differ in what is unknown and in how many days a rate divides by."""
    numbers = said(column)
    by_cutoff = {c: columns(features, numbers, c, job["log_start"]) for c in job["cutoffs"]}
    texts = []
    for name in (f["name"] for f in features):
        cases: dict[str, list[int]] = {}
        for cutoff, found in by_cutoff.items():
            cases.setdefault(found[name].text, []).append(cutoff)
        whens = [f"WHEN cutoff IN ({', '.join(map(str, at))}) THEN {text}" for text, at in cases.items()]
        texts.append(f"{next(iter(cases)) if len(cases) == 1 else ' '.join(['CASE', *whens, 'END'])} AS {name}")
    return ", ".join(texts)


def maps(job: dict[str, Any]) -> tuple[pa.Table, pa.Table]:
    """The segment of each day, and the age of each segment at each later cutoff."""
    ages = np.array(backs(done(job["features"])))
    ends = np.unique([cutoff - age for cutoff in job["cutoffs"] for age in ages])
    days = np.arange(job["log_start"], max(job["cutoffs"]))
    segment = np.searchsorted(ends, days, side="right")
    numbers, first = np.unique(segment, return_index=True)
    known = [
        (int(s), cutoff, int(np.searchsorted(ages, cutoff - day, side="left")) - 1)
        for s, day in zip(numbers, days[first], strict=True)
        for cutoff in job["cutoffs"]
        if day < cutoff
    ]
    of = dict(zip(("segment", "cutoff", "age"), map(list, zip(*known, strict=True)), strict=True))
    return pa.table({"day": days, "segment": segment}), pa.table(of)


def segments(job: dict[str, Any]) -> pa.Table:
    """One row a customer and cutoff."""
    with store.connect(threads=2) as con:
        con.execute("SET preserve_insertion_order = false")
        segment_of, age_of = maps(job)
        con.register("segments", segment_of)
        con.register("ages", age_of)
        return con.sql(query(job)).to_arrow_table()


def decoded(job: dict[str, Any]) -> pa.Table:
    """The floor: every needed column decoded and touched once, which sums do and minima do not."""
    file = store.literal(str(Path(job["facts"]) / f"{job.get('table', 'orders')}.parquet"))
    read = [f"sum({touched(c)}) AS {c}" for c in job["columns"]]
    with store.connect(threads=2) as con:
        return con.sql(f"SELECT {', '.join(read)} FROM read_parquet({file})").to_arrow_table()  # noqa: S608


def touched(column: str) -> str:
    """A number that cannot be told without the value."""
    if column.endswith("_at"):
        return f"epoch_us({column})"
    return f"strlen({column})" if column.endswith("_id") else column


def keep(result: pa.Table, path: Path) -> None:
    """Write the result."""
    pq.write_table(result, path)
