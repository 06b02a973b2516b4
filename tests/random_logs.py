"""Random histories that look for edges: window borders, midnights, clock changes, ties, late records.

A history is what happened in one shop; `write` makes of it the tables that ingest writes.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from history import EVENTS, INSTANT, ORDERS, TEXT
from winback import store

# A day on or beside a change of the clocks in each zone; UTC and Kolkata have none.
CHANGES = {
    "UTC": ["2026-01-01", "2024-02-29"],
    "America/New_York": ["2026-03-08", "2026-03-09", "2025-11-02", "2025-11-03"],
    "Asia/Kolkata": ["2026-03-01", "2025-12-31"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-04-06", "2025-10-05", "2025-10-06"],
}
# The lengths of all windows, twice them for trends, and days beside none of them.
DISTANCES = [0, 1, 2, 6, 7, 8, 13, 14, 15, 28, 29, 56, 57, 90, 91, 112, 113, 180, 181, 365, 366]
LATE = [dt.timedelta(microseconds=1), dt.timedelta(hours=9), dt.timedelta(days=1), dt.timedelta(days=40)]
ORDER_CATEGORIES = {
    "customer_id": TEXT,
    "order_id": TEXT,
    "ordered_at": INSTANT,
    "recorded_at": INSTANT,
    "category": TEXT,
}


@dataclass(frozen=True)
class Order:
    """One order: when it happened and was recorded, and what it held."""

    id: str
    customer: str
    at: dt.datetime
    recorded: dt.datetime
    cents: int
    discount: int | None
    lines: int
    categories: frozenset[str]


@dataclass(frozen=True)
class Event:
    """One event: when it happened and was recorded."""

    customer: str
    at: dt.datetime
    recorded: dt.datetime
    kind: str


@dataclass(frozen=True)
class History:
    """What happened in one shop, the calendar it is read with, and the cutoffs to ask it at."""

    zone: str
    cutoffs: tuple[dt.date, ...]
    orders: tuple[Order, ...]
    events: tuple[Event, ...]

    def midnight(self, day: dt.date) -> dt.datetime:
        """The instant at which a day begins; no day of CHANGES skips its midnight."""
        return dt.datetime.combine(day, dt.time(), ZoneInfo(self.zone)).astimezone(dt.UTC)

    def without(self, instant: dt.datetime) -> History:
        """The history with every row deleted that happened or was recorded at or after an instant."""
        kept = [tuple(r for r in t if max(r.at, r.recorded) < instant) for t in (self.orders, self.events)]
        return replace(self, orders=kept[0], events=kept[1])

    def shuffled(self, chance: random.Random) -> History:
        """The same rows in another order."""
        orders, events = list(self.orders), list(self.events)
        chance.shuffle(orders)
        chance.shuffle(events)
        return replace(self, orders=tuple(orders), events=tuple(events))

    def plus(self, other: History) -> History:
        """The rows of both in one shop, read with this one's calendar."""
        return replace(self, orders=self.orders + other.orders, events=self.events + other.events)


def random_history(seed: int, customers: str = "c", cutoffs: tuple[dt.date, ...] = (), zone: str = "") -> History:
    """The history of 1 to 8 customers; the same for the same arguments."""
    chance = random.Random(seed)
    zone = zone or chance.choice(list(CHANGES))
    cutoffs = cutoffs or random_cutoffs(chance, zone)
    blank = History(zone, cutoffs, (), ())
    oldest = chance.choice([5, 30, 100, 250, 500])
    names = [f"{customers}{n}" for n in range(chance.randint(1, 8))]
    orders: list[Order] = []
    events: list[Event] = []
    for name in names:
        most = chance.choice([0, 1, 3, 12, 30])  # more than 20 gaps only when there are many orders
        for n, (at, recorded) in enumerate(random_times(chance, blank, oldest, most)):
            orders.append(random_order(chance, f"{name}-{n}", name, at, recorded))
        for at, recorded in random_times(chance, blank, oldest, chance.choice([0, 2, 6])):
            events.append(Event(name, at, recorded, chance.choice(["visit", "open"])))
    return replace(blank, orders=tuple(orders), events=tuple(events))


def random_cutoffs(chance: random.Random, zone: str) -> tuple[dt.date, ...]:
    """1 to 5 different days about a change of the clocks, in no order."""
    about = dt.date.fromisoformat(chance.choice(CHANGES[zone]))
    apart = chance.sample([0, 1, 2, 7, 28, 45, 90, -1, -30], k=chance.randint(1, 5))
    return tuple(about + dt.timedelta(days=n) for n in apart)


def random_times(
    chance: random.Random, history: History, oldest: int, most: int
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Up to `most` pairs of instants, happened and recorded: many on an edge, many alike, some after all cutoffs."""
    times: list[tuple[dt.datetime, dt.datetime]] = []
    for _ in range(chance.randint(0, most)):
        cutoff = chance.choice(history.cutoffs)
        back = chance.choice([d for d in DISTANCES if d <= oldest]) if chance.random() < 0.5 else None
        day = cutoff - dt.timedelta(days=chance.randint(-20, oldest) if back is None else back)
        at = chance.choice(
            [
                history.midnight(day),
                history.midnight(day) - dt.timedelta(microseconds=1),
                history.midnight(day) + dt.timedelta(seconds=chance.randrange(86_400)),
                history.midnight(day) + dt.timedelta(seconds=chance.randrange(86_400)),
                chance.choice(times)[0] if times else history.midnight(day),
            ]
        )
        times.append((at, random_recorded(chance, history, at)))
    return times


def random_recorded(chance: random.Random, history: History, at: dt.datetime) -> dt.datetime:
    """Mostly the instant itself; else later, on a cutoff, or before it by a clock that was wrong."""
    kind = chance.random()
    if kind < 0.7:
        return at
    if kind < 0.85:
        return at + chance.choice(LATE)
    if kind < 0.95:
        edge = history.midnight(chance.choice(history.cutoffs))
        return max(at, edge - chance.choice([dt.timedelta(0), dt.timedelta(microseconds=1)]))
    return at - chance.choice(LATE)


def random_order(chance: random.Random, name: str, customer: str, at: dt.datetime, recorded: dt.datetime) -> Order:
    """An order that may be free, a return, huge, discounted, or without a category."""
    cents = chance.choice([0, -100, -1, 1, 100, chance.randint(1, 9_999), chance.randint(-5_000, 10**9)])
    discount = chance.choice([None, 0, 0, 1, chance.randint(1, 5_000)])
    categories = frozenset(chance.sample(["bread", "milk", "tea", "soap"], k=chance.randint(0, 3)))
    return Order(name, customer, at, recorded, cents, discount, chance.randint(1, 9), categories)


def random_shop(seed: int, logs: int) -> History:
    """Several random histories of one calendar in one shop: no customer of one is in another."""
    first = random_history(seed, "0-")
    for n in range(1, logs):
        first = first.plus(random_history(seed * 1000 + n, f"{n}-", first.cutoffs, first.zone))
    return first


def write(history: History, folder: Path, rows_in_a_batch: int | None = None) -> Path:
    """The history's tables in a folder, as ingest writes them, but with the rows in the history's own order."""
    folder.mkdir(parents=True, exist_ok=True)
    orders = [(o.id, o.customer, o.at, o.recorded, o.cents, o.discount, None, o.lines, None, 0) for o in history.orders]
    categories = [(o.customer, o.id, o.at, o.recorded, category) for o in history.orders for category in o.categories]
    events = [(e.customer, e.at, e.recorded, e.kind, None) for e in history.events]
    for name, rows, columns in (
        ("orders", orders, ORDERS),
        ("order_categories", categories, ORDER_CATEGORIES),
        ("events", events, EVENTS),
    ):
        frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
        whole = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(whole, folder / f"{name}.parquet", row_group_size=rows_in_a_batch)
    return folder


def one_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step use a cursor of one database: to open a new one takes longer than a small log."""
    opened = store.connect(threads=1)

    def cursor(threads: int | None = None) -> store.Connection:
        con = opened.cursor()
        con.execute("SET TimeZone = 'UTC'")
        return con

    monkeypatch.setattr(store, "connect", cursor)
