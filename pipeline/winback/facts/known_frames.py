"""The tables of the facts as plain frames, with what was known when a day began."""

# Names in these statements are the tables' own; file names are quoted by the store.
# ruff: noqa: S608

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from winback import store
from winback.errors import ConfigError, SourceError
from winback.facts.days import begins, day_number, day_numbers, microseconds
from winback.facts.labels.within import scanned
from winback.toml_files import did_you_mean

DAYS_A_MONTH = 365.25 / 12
# What one day, week, month and year of an ISO 8601 period is in months.
MONTHS = {"D": 1 / DAYS_A_MONTH, "W": 7 / DAYS_A_MONTH, "M": 1.0, "Y": 12.0}
OF_CUSTOMERS = ("country", "language")
# A part that is told of a customer's first row in another table: the table, its moment, and whether it counts.
OF_FIRST = {
    "channel": ("orders", "ordered_at", "coalesce(part, 0) = 0 AND amount_cents >= 0"),
    "category": ("order_categories", "ordered_at", "true"),
    "plan": ("subscriptions", "started_at", "true"),
}
PARTS = (*OF_CUSTOMERS, *OF_FIRST, "cohort")


@dataclass(frozen=True)
class Known:
    """A facts folder as it was known when a day began in the business's zone."""

    facts: Path
    zone: str
    today: dt.date

    @property
    def instant(self) -> int:
        """That moment in microseconds since 1970 UTC."""
        return microseconds(begins(self.today, self.zone))

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        return bool(store.table_files(self.facts, table))


def known_frames(known: Known, by: str = "") -> dict[str, pd.DataFrame]:
    """The tables at hand by name, with what happened and was recorded before `known.today`.

    orders, events, contacts, tickets and surveys: customer_id, at (microseconds since 1970 UTC), day (days since 1970
    in the business's zone) and what figures are made of; amounts in money. subscriptions: since, until, monthly.
    customers: acquisition_cost and the part `by` that each belongs to. ConfigError for a part that no table tells of.
    """
    if by and by not in PARTS:
        raise ConfigError(f"customers are not parted by {by!r}.{did_you_mean(by, list(PARTS))}")
    with store.connect() as con:
        frames = {name: _dated(con, known, name, *asked) for name, asked in _WANTED.items() if known.has(name)}
        if known.has("subscriptions"):
            frames["subscriptions"] = _subscriptions(con, known)
        people = _customers(con, known, by)
    if "orders" in frames:
        frames["orders"]["amount"] /= 100
    return frames if people is None else {**frames, "customers": people}


_ORDERS = "amount_cents AS amount, coalesce(part, 0) = 0 AND amount_cents >= 0 AS is_order"
# Table -> its moment, and the columns that are read beside customer and day.
_WANTED: Mapping[str, tuple[str, str]] = {
    "orders": ("ordered_at", _ORDERS),
    "events": ("occurred_at", ""),
    "contacts": ("contacted_at", ""),
    "tickets": (
        "opened_at",
        "CASE WHEN coalesce(csat_recorded_at, recorded_at) < to_timestamp({t}) THEN csat END AS csat",
    ),
    "surveys": ("answered_at", "kind, score"),
}


def _dated(con: store.Connection, known: Known, table: str, moment: str, columns: str) -> pd.DataFrame:
    """One row a row of a table: customer_id, day, at, and the columns."""
    also = f", {columns.format(t=known.instant / 1e6)}" if columns else ""
    found = con.sql(
        f"SELECT customer_id, epoch_us({moment}) AS at{also} FROM {scanned(known.facts, table)} "
        f"WHERE epoch_us(greatest({moment}, recorded_at)) < {known.instant}"
    ).to_arrow_table()
    return _frame(found, known)


def _frame(found: pa.Table, known: Known) -> pd.DataFrame:
    frame: pd.DataFrame = found.to_pandas()
    return frame.assign(day=day_numbers(frame["at"].to_numpy("int64"), known.zone))


def _subscriptions(con: store.Connection, known: Known) -> pd.DataFrame:
    """One row a subscription: customer_id, since, until, and what it brings a month as far as price and period tell."""
    found: pd.DataFrame = (
        con.sql(f"""
        SELECT customer_id, epoch_us(started_at) AS since, price_cents / 100 AS price, period,
               CASE WHEN epoch_us(coalesce(ended_recorded_at, recorded_at)) < {known.instant}
                    THEN epoch_us(ended_at) END AS until
        FROM {scanned(known.facts, "subscriptions")}
        WHERE epoch_us(greatest(started_at, recorded_at)) < {known.instant}
    """)
        .to_arrow_table()
        .to_pandas()
    )
    ends = found["until"].notna().to_numpy()
    until = np.full(len(found), np.nan)
    until[ends] = day_numbers(found["until"][ends].to_numpy("int64"), known.zone)
    months = found["period"].map({word: _months(str(word)) for word in found["period"].dropna().unique()})
    monthly = found["price"].astype(float) / months.astype(float)
    since = day_numbers(found["since"].to_numpy("int64"), known.zone)
    return found[["customer_id"]].assign(since=since, until=until, monthly=monthly)


def _months(period: str) -> float:
    """How many months a period such as P1M, P1Y or P7D is; nan for another."""
    number, unit = period[1:-1], period[-1:]
    return int(number) * MONTHS.get(unit, np.nan) if number.isdecimal() and int(number) else float("nan")


def _customers(con: store.Connection, known: Known, by: str) -> pd.DataFrame | None:
    """One row a customer: acquisition_cost, and the part he belongs to; None where nothing is told of customers."""
    if by in OF_FIRST:
        table, moment, counts = OF_FIRST[by]
        parts = _firsts(con, known, (table, moment, counts), by)
    people = None
    if known.has("customers"):
        wanted = [*OF_CUSTOMERS, "acquisition_cost_cents"]
        newest = ", ".join(f"arg_max({name}, recorded_at) AS {name}" for name in wanted)
        people = (
            con.sql(
                f"SELECT customer_id, {newest} FROM {scanned(known.facts, 'customers')} "
                f"WHERE epoch_us(recorded_at) < {known.instant} GROUP BY 1"
            )
            .to_arrow_table()
            .to_pandas()
        )
        people["acquisition_cost"] = people.pop("acquisition_cost_cents").astype(float) / 100
    if by in OF_CUSTOMERS and people is None:
        raise ConfigError(f"{by!r} is told by the customers' table, and [sources.customers] is not configured.")
    if by in OF_FIRST:
        return parts if people is None else people.merge(parts, how="outer", on="customer_id")
    return people


def _firsts(con: store.Connection, known: Known, where: tuple[str, str, str], column: str) -> pd.DataFrame:
    """One row a customer: the column in his first row of a table, the least where several are first."""
    table, moment, counts = where
    if not known.has(table):
        raise ConfigError(f"{column!r} is told by the table {table}, which is not mapped.")
    first = f"arg_min({column}, {{'at': {moment}, 'what': {column}}})"
    found: pd.DataFrame = (
        con.sql(
            f"SELECT customer_id, {first} AS {column} FROM {scanned(known.facts, table)} "
            f"WHERE {counts} AND epoch_us(greatest({moment}, recorded_at)) < {known.instant} GROUP BY 1"
        )
        .to_arrow_table()
        .to_pandas()
    )
    return found


def costs(path: Path, components: Sequence[str]) -> pd.DataFrame:
    """One row a cost given by hand: day, component (one of `components`), amount, from a CSV file with these columns.

    Further columns tell of which part of the customers a cost is. SourceError with the row of what cannot be read.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise SourceError(f"there is no file {path}; costs are told by day, component and amount.") from error
    except ValueError as error:
        raise SourceError(f"{path} is no CSV file of costs: {error}.") from error
    if missing := sorted({"day", "component", "amount"} - set(frame.columns)):
        raise SourceError(f"{path} lacks the column {missing[0]}; costs are told by day, component and amount.")
    told = [_cost(row, f"{path}, row {n}", components) for n, row in enumerate(frame.to_dict("records"), start=1)]
    return frame.assign(day=[day for day, _ in told], amount=[amount for _, amount in told])


def _cost(row: Mapping[Any, str], where: str, components: Sequence[str]) -> tuple[int, float]:
    """Day and amount of one row of costs."""
    if row["component"] not in components:
        raise SourceError(
            f"{where}: there is no component {row['component']!r}.{did_you_mean(row['component'], list(components))}"
        )
    try:
        day, amount = day_number(dt.date.fromisoformat(row["day"])), float(row["amount"])
    except ValueError as error:
        raise SourceError(f"{where}: {error}. Days are written 2026-01-31, amounts 1200.50.") from error
    if not 0 <= amount < float("inf"):
        raise SourceError(f"{where}: a cost is money of 0 or more; came {row['amount']}.")
    return day, amount
