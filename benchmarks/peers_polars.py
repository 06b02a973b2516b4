"""The same features in polars: cutoff by cutoff, on its streaming engine, rows added up by age first.

Runs in an environment of its own (peers/requirements.txt). What does not depend on the cutoff is computed
once. The sums by (customer, age) are taken of all rows, windows are then sums over ages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from formulas import Numbers, Total, backs, columns, totals

US = 86_400_000_000
GAPS = 20


def loaded(job: dict[str, Any]) -> pl.DataFrame:
    """The orders with their measures; customers as codes."""
    c = pl.col
    orders = pl.scan_parquet(Path(job["facts"]) / "orders.parquet").select(
        "customer_id",
        us=c("ordered_at").dt.epoch("us"),
        spend="amount_cents",
        discount="discount_cents",
        pieces="quantity",
        lines="line_count",
    )
    orders = orders.with_columns(
        day=(c("us") // US).cast(pl.Int32),
        hour=c("us") // 3_600_000_000 % 24,
        same=(c("customer_id") == c("customer_id").shift()).fill_null(value=False),
        list_price=c("spend") + c("discount"),
        discounted=(c("discount") > 0).cast(pl.Int64),
        customer=c("customer_id").rle_id(),
    )
    orders = orders.with_columns(
        evening=(c("hour") >= 18).cast(pl.Int64),
        weekend=((c("day") + 3) % 7 >= 5).cast(pl.Int64),
        gap=pl.when("same").then(c("day") - c("day").shift()).otherwise(0).cast(pl.Int64),
    )
    orders = orders.with_columns(
        gaps=(c("gap") > 0).cast(pl.Int64),
        gap_squared=c("gap") * c("gap"),
        active_days=(~c("same") | (c("gap") > 0)).cast(pl.Int64),
    )
    days = [(c("active_days") * ((c("day") + 3) % 7 == k)).cast(pl.Int64).alias(f"weekday_{k}") for k in range(7)]
    return orders.with_columns(days).drop("same").collect(engine="streaming")


def loop(job: dict[str, Any]) -> pl.DataFrame:
    """One row a customer and cutoff."""
    orders, asked = loaded(job), totals(job["features"])
    names = orders.select("customer", "customer_id").unique()
    found = pl.concat([at(orders.lazy().drop("customer_id"), cutoff, job, asked) for cutoff in job["cutoffs"]])
    return found.join(names, on="customer").drop("customer")


def at(orders: pl.LazyFrame, cutoff: int, job: dict[str, Any], asked: list[Total]) -> pl.DataFrame:
    """The features of one cutoff."""
    known = orders.filter(pl.col("day") < cutoff)
    summed = window_sums(known, cutoff, asked, backs(job["features"]))
    rows = known.group_by("customer").agg(*row_numbers(cutoff, job))
    gaps = (
        known.filter(pl.col("gap") > 0)
        .group_by("customer")
        .agg(
            pl.col("gap").tail(GAPS).quantile(q, "linear").alias(f"q{q}")
            for q in sorted({f["q"] for f in job["features"] if f["kind"] in ("gap_quantile", "overdue")})
        )
    )
    found = columns(job["features"], said(cutoff), cutoff, job["log_start"])
    wanted = [value.cast(pl.Float64).alias(name) for name, value in found.items()]
    joined = summed.join(rows, on="customer").join(gaps, on="customer", how="left")
    return joined.select("customer", pl.lit(cutoff).alias("cutoff"), *wanted).collect(engine="streaming")


def window_sums(known: pl.LazyFrame, cutoff: int, asked: list[Total], ages: list[int]) -> pl.LazyFrame:
    """Every sum that is asked for, by customer."""
    measures = sorted({m for m, _, _ in asked} - {"rows"})
    age = pl.col("day").map_batches(lambda days: age_of(days, cutoff, ages), return_dtype=pl.Int64, is_elementwise=True)
    sums = known.group_by("customer", age.alias("age")).agg(
        pl.len().cast(pl.Int64).alias("rows"), pl.col(*measures).sum()
    )
    return sums.group_by("customer").agg(
        pl.col(m).filter(within(w, lag, ages)).sum().cast(pl.Float64).alias(f"{m} {w} {lag}") for m, w, lag in asked
    )


def age_of(days: pl.Series, cutoff: int, ages: list[int]) -> pl.Series:
    """How many ends of windows lie between each day and the cutoff."""
    return pl.Series(ages).search_sorted(cutoff - days, side="left").cast(pl.Int64) - 1


def within(window: int | None, lag: int, ages: list[int]) -> pl.Expr:
    """Whether an age lies in a window."""
    old = pl.col("age") >= ages.index(lag)
    return old if window is None else old & (pl.col("age") < ages.index(lag + window))


def row_numbers(cutoff: int, job: dict[str, Any]) -> list[pl.Expr]:
    """The instants of the last rows, and in how many spans there is one."""
    us = pl.col("us")
    ranks = {1} | {f["n"] for f in job["features"] if f["kind"] == "since_nth"}
    span = {(f["window"], f["n"]) for f in job["features"] if f["kind"] == "spans"}
    age = cutoff - 1 - pl.col("day")
    return [
        us.first().alias("us0"),
        *(us.get(-n, null_on_oob=True).alias(f"us{n}") for n in ranks),
        *((age // w).filter(age < w * n).n_unique().alias(f"spans {w} {n}") for w, n in span),
    ]


def said(cutoff: int) -> Numbers:
    """How formulas are said in polars."""
    return Numbers(
        total=lambda measure, window, lag: pl.col(f"{measure} {window} {lag}"),
        since=lambda n: (cutoff * US - pl.col(f"us{n}")) / US,
        quantile=lambda q: pl.col(f"q{q}"),
        spans=lambda w, n: pl.col(f"spans {w} {n}") / n,
        divided=lambda a, b: pl.when(b != 0).then(a / b),
        root=lambda a: a.sqrt(),
        log=lambda a: pl.when(a > 0).then(a.log()),
        x_log_x=lambda a: pl.when(a > 0).then(a * a.log()).otherwise(0.0),
        at_least=lambda a, b: pl.max_horizontal(a, pl.lit(float(b))),
        unknown=pl.lit(None, pl.Float64),
    )


def keep(result: pl.DataFrame, path: Path) -> None:
    """Write the result."""
    result.write_parquet(path)
