"""Plain frames as arrays: customers as numbers, rows in order of time."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
KINDS = ("nps", "csat", "ces")
FOREVER = 2**40  # a day that never comes: the end of what runs on


@dataclass(frozen=True)
class Tables:
    """What metrics are made of; None for a table that is not at hand. Days are days since 1970 of the business's zone.

    orders: customer_id, day, amount; `is_order` where returns and later changes have rows of their own (else amounts
    of 0 and more are orders); `at` in microseconds since 1970 UTC for windows of 24 hours.
    subscriptions: customer_id, since, until (missing: runs on), monthly. events: customer_id, day.
    tickets: customer_id, day, csat. surveys: customer_id, day, kind, score. contacts: customer_id, day.
    customers: customer_id, acquisition_cost, and whatever columns figures are wanted by.
    costs: day, component, amount, and a column for each way of telling parts that they are told by; the component
    `acquisition` is sales and marketing, `win_back` the cost of regaining, all others are the cost of retention.
    """

    orders: pd.DataFrame | None = None
    subscriptions: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    tickets: pd.DataFrame | None = None
    surveys: pd.DataFrame | None = None
    contacts: pd.DataFrame | None = None
    customers: pd.DataFrame | None = None
    costs: pd.DataFrame | None = None


@dataclass(frozen=True)
class Log:
    """Rows in order of `day`: who did it, and what it counts for."""

    who: Ints
    day: Ints
    columns: dict[str, Floats] = field(default_factory=dict)

    def between(self, start: int, end: int) -> Log:
        """The rows of the days from `start` up to, without, `end`."""
        first, last = np.searchsorted(self.day, [start, end])
        return Log(self.who[first:last], self.day[first:last], {k: c[first:last] for k, c in self.columns.items()})

    def summed(self, customers: int, column: str = "") -> Floats:
        """The rows of each customer, or the sum of one column over them."""
        weights = self.columns[column] if column else None
        return np.bincount(self.who, weights=weights, minlength=customers).astype(float)


@dataclass(frozen=True)
class Spans:
    """Subscriptions: whose, from which day, until which day (FOREVER), and what one brings a month (nan: not known)."""

    who: Ints
    since: Ints
    until: Ints
    monthly: Floats

    def running(self, day: int) -> Flags:
        """Which of them began before a day and had not ended before it."""
        return (self.since < day) & (self.until >= day)


@dataclass(frozen=True)
class Coded:
    """The tables with customers numbered from 0; `segment` is the number of each one's part, `names` the parts.

    `logs`: orders, purchases (orders that are no returns), events, tickets, surveys and contacts by name. `cost`: what
    winning each customer has cost, nan where that is not known.
    """

    customers: int
    segment: Ints
    names: tuple[str, ...]
    logs: dict[str, Log]
    subscriptions: Spans | None
    cost: Floats
    costs: pd.DataFrame | None

    @property
    def purchases(self) -> Log:
        """The orders that are no returns, where there must be some."""
        if "purchases" not in self.logs:
            raise ValueError("customers by orders need the table orders")
        return self.logs["purchases"]

    @property
    def spans(self) -> Spans:
        """The subscriptions, where there must be some."""
        if self.subscriptions is None:
            raise ValueError("customers by subscriptions need the table subscriptions")
        return self.subscriptions


def coded(tables: Tables, by: str = "") -> Coded:
    """The tables in numbers; parts are the values of `by` in customers, '(unknown)' where there is none."""
    people = {f.name: t for f in fields(tables) if (t := getattr(tables, f.name)) is not None and f.name != "costs"}
    if "orders" in people and len(wrong := people["orders"][~np.isfinite(people["orders"]["amount"])]):
        first = wrong["customer_id"].iloc[0]
        raise ValueError(f"orders have an amount that is no number in {len(wrong)} rows, the first of {first!r}")
    numbers, known = _numbered(people)
    orders = people.get("orders")
    logs = {name: _log(people[name], numbers[name]) for name in people if "day" in people[name]}
    if orders is not None:
        real = (orders["is_order"] if "is_order" in orders else orders["amount"] >= 0).to_numpy(dtype=bool)
        logs["purchases"] = _log(orders[real], numbers["orders"][real])
    segment, names = _segments(tables.customers, numbers.get("customers"), by, known)
    spans = None if tables.subscriptions is None else _spans(tables.subscriptions, numbers["subscriptions"])
    cost = _costs(tables.customers, numbers.get("customers"), known)
    return Coded(known, segment, names, logs, spans, cost, tables.costs)


def _numbered(people: dict[str, pd.DataFrame]) -> tuple[dict[str, Ints], int]:
    """The number of each row's customer, by table, and how many customers there are."""
    if not people:
        return {}, 0
    ids = pd.concat([frame["customer_id"] for frame in people.values()], ignore_index=True)
    codes, known = pd.factorize(ids)
    ends = np.cumsum([len(frame) for frame in people.values()])[:-1]
    return dict(zip(people, np.split(codes.astype(np.int64), ends), strict=True)), len(known)


def _log(frame: pd.DataFrame, who: Ints) -> Log:
    """A table's rows in order of day; numbers as they are, words left out."""
    day = frame["day"].to_numpy("int64")
    since = day - day.min(initial=FOREVER)
    # Days of less than 180 years are sorted by their digits, ten times faster.
    order = np.argsort(since.astype(np.uint16) if since.max(initial=0) < 2**16 else since, kind="stable")
    numeric = [c for c in frame.select_dtypes("number").columns if c not in ("day", "customer_id")]
    columns = {str(c): frame[c].to_numpy("float64", na_value=np.nan)[order] for c in numeric}
    for kind in KINDS if "kind" in frame else ():
        columns[kind] = (frame["kind"] == kind).to_numpy(dtype=float)[order]
    return Log(who[order], day[order], columns)


def _segments(frame: pd.DataFrame | None, who: Ints | None, by: str, known: int) -> tuple[Ints, tuple[str, ...]]:
    """The part each customer belongs to, and the names of the parts, sorted."""
    if not by:
        return np.zeros(known, dtype=np.int64), ("all",)
    if frame is None or who is None or by not in frame:
        raise ValueError(f"customers have no column {by!r} to tell parts by")
    words = frame[by].astype("string").fillna("(unknown)")
    names, codes = np.unique(np.append(words.to_numpy(dtype=object).astype(str), "(unknown)"), return_inverse=True)
    segment = np.full(known, int(codes[-1]), dtype=np.int64)
    segment[who] = codes[:-1]
    return segment, tuple(str(name) for name in names)


def _spans(frame: pd.DataFrame, who: Ints) -> Spans:
    """Subscriptions as arrays."""
    until = frame["until"].to_numpy("float64", na_value=float(FOREVER)).astype(np.int64)
    monthly = frame["monthly"].to_numpy("float64", na_value=np.nan) if "monthly" in frame else np.full(len(who), np.nan)
    return Spans(who, frame["since"].to_numpy("int64"), until, monthly)


def _costs(frame: pd.DataFrame | None, who: Ints | None, known: int) -> Floats:
    """What winning each customer has cost; nan where it is not known."""
    cost = np.full(known, np.nan)
    if frame is not None and who is not None and "acquisition_cost" in frame:
        cost[who] = frame["acquisition_cost"].to_numpy("float64", na_value=np.nan)
    return cost
