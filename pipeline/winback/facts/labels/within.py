"""How many rows of a facts table each customer has within stretches of time, in one reading of the table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from winback import store
from winback.errors import NotEnoughData
from winback.facts.days import begins, microseconds

Ints = NDArray[np.int64]
KEYS = ["customer_id", "cutoff"]
EVER = -(2**62)  # earlier than any instant, in microseconds
# What a column that is not there says: a log without `part` has only orders as first recorded, one without
# reasons or campaigns tells of none.
STANDS_FOR = {"part": "0", **dict.fromkeys(("cancel_reason", "campaign", "channel"), "CAST(NULL AS VARCHAR)")}
Where = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rows:
    """Rows of a facts table, each at one moment: which of them count, and the columns they may be chosen by."""

    table: str
    moment: str
    kept: str = ""
    columns: tuple[str, ...] = ()
    where: Where = field(default_factory=dict)


PURCHASES = Rows("orders", "ordered_at", "coalesce(part, 0) = 0 AND amount_cents >= 0", ("channel",))


@dataclass(frozen=True)
class Span:
    """The half-open stretch `[begin, end)` asked about at a cutoff, in microseconds since 1970 UTC.

    Rows recorded at or after `known` are not seen.
    """

    cutoff: int
    begin: int
    end: int
    known: int


def instant(day: dt.date, zone: str, days: int = 0) -> int:
    """Where the day `days` after a day begins, in microseconds since 1970 UTC."""
    return microseconds(begins(day + dt.timedelta(days=days), zone))


def days_of(cohort: pd.DataFrame, zone: str) -> list[dt.date]:
    """The cutoffs of a cohort as days of the zone, sorted, each once."""
    return sorted({stamp.tz_convert(zone).date() for stamp in cohort["cutoff"].unique()})


def after(cutoffs: Sequence[dt.date], days: int, zone: str, today: dt.date) -> list[Span]:
    """`[cutoff, cutoff + days)` of each cutoff, as recorded before `today`."""
    known = instant(today, zone)
    return [Span(c, c, instant(day, zone, days), known) for day in cutoffs for c in [instant(day, zone)]]


def before(cutoffs: Sequence[dt.date], days: int | None, zone: str) -> list[Span]:
    """`[cutoff - days, cutoff)` of each cutoff, or all time before it, as recorded before the cutoff itself."""
    ends = [(day, instant(day, zone)) for day in cutoffs]
    return [Span(c, instant(day, zone, -days) if days else EVER, c, c) for day, c in ends]


def counted(facts: Path, rows: Rows, spans: Sequence[Span]) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with rows in the cutoff's span: how many. Sorted."""
    with store.connect() as con:
        return tallied(con, selected(con, facts, rows), in_spans(spans))


def in_spans(spans: Sequence[Span]) -> dict[int, str]:
    """The condition of each cutoff: which rows of `selected` lie in its span and were known."""
    return {s.cutoff: f"moment >= {s.begin} AND moment < {s.end} AND recorded < {s.known}" for s in spans}


def tallied(
    con: store.Connection, relation: str, conditions: Mapping[int, str], tally: str = "count(*)"
) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with rows of a query that meet the cutoff's condition: how many. Sorted.

    Or another whole number that `tally` makes of those rows, where it is not 0. One pass over the table,
    however many cutoffs there are.
    """
    asked = sorted(conditions)
    tallies = [f"coalesce({tally} FILTER ({conditions[cutoff]}), 0)::BIGINT" for cutoff in asked]
    counts = "".join(f", {each} AS n{i}" for i, each in enumerate(tallies))
    found = con.sql(f"SELECT customer_id{counts} FROM ({relation}) GROUP BY 1 ORDER BY 1").to_arrow_table()  # noqa: S608
    matrix = np.column_stack([np.zeros(len(found), np.int64), *(column.to_numpy() for column in found.columns[1:])])
    customer, number = np.nonzero(matrix[:, 1:])
    return pd.DataFrame(
        {
            "customer_id": found["customer_id"].take(pa.array(customer)).to_pandas(),
            "cutoff": pd.DatetimeIndex(np.array(asked, dtype="datetime64[us]")[number], tz="UTC"),
            "rows": matrix[customer, number + 1],
        }
    )


def matched(cohort: pd.DataFrame, found: pd.DataFrame) -> pd.Series:
    """The `rows` found for each (customer_id, cutoff) of a cohort, in its order and under its index; 0 where none."""
    merged = cohort[KEYS].merge(found, how="left", on=KEYS, validate="many_to_one")
    return merged["rows"].fillna(0).astype("int64").set_axis(cohort.index)


def selected(con: store.Connection, facts: Path, rows: Rows, also: Collection[str] = ()) -> str:
    """The query of the rows: customer_id, `moment` and `recorded` in microseconds, and the columns of `also`."""
    scan = scanned(facts, rows.table)
    has = set(con.sql(f"SELECT * FROM {scan} LIMIT 0").columns)  # noqa: S608 - our own file names, quoted
    if missing := sorted(({*rows.where} | ({*also} - STANDS_FOR.keys())) - has):
        raise NotEnoughData(
            f"the {rows.table} table has no column {missing[0]}; map it in [sources.{rows.table}.columns]."
        )
    stands = "".join(f", {value} AS {name}" for name, value in STANDS_FOR.items() if name not in has)
    tests = [f"{store.identifier(rows.moment)} IS NOT NULL", *([rows.kept] if rows.kept else [])]
    tests += [f"{store.identifier(c)} IN ({_listed(values)})" for c, values in rows.where.items()]
    kept = " AND ".join(tests)
    named = "".join(f", {store.identifier(name)}" for name in also)
    return (
        f"SELECT customer_id, epoch_us({store.identifier(rows.moment)}) AS moment, "  # noqa: S608 - quoted by store
        f"epoch_us(recorded_at) AS recorded{named} FROM (SELECT *{stands} FROM {scan}) WHERE {kept}"
    )


def scanned(facts: Path, table: str) -> str:
    """The files of a facts table as the embedded database names them."""
    files = store.table_files(facts, table)
    if not files:
        raise NotEnoughData(
            f"the facts have no table {table}, which this question is asked of; map it in [sources.{table}]."
        )
    listed = _listed([_no_pattern(str(path)) for path in files])
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(store.literal(text) for text in texts)


def _no_pattern(path: str) -> str:
    """A path whose *, ? and [ the engine takes as they are."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
