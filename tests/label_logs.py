"""Logs for the tests of labels: tables from readable lines, and random ones that look for the edges of windows.

>>> subscriptions("a: 2026-01-01 until=2026-02-01 why=too_dear; b: 2026-01-05")[["customer_id", "cancel_reason"]]
  customer_id cancel_reason
0           a      too_dear
1           b           NaN
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from history import INSTANT, NUMBER, TEXT, entries, instant, table
from winback import store

US = dt.timedelta(microseconds=1)
ORDERS = {
    "customer_id": TEXT,
    "order_id": TEXT,
    "ordered_at": INSTANT,
    "recorded_at": INSTANT,
    "amount_cents": "int64",
    "channel": TEXT,
    "part": "int64",
}
EVENTS = {"customer_id": TEXT, "occurred_at": INSTANT, "recorded_at": INSTANT, "kind": TEXT, "value": NUMBER}
SUBSCRIPTIONS = {
    "customer_id": TEXT,
    "started_at": INSTANT,
    "recorded_at": INSTANT,
    "ended_at": INSTANT,
    "plan": TEXT,
    "cancel_reason": TEXT,
}
PAYMENTS = {"customer_id": TEXT, "attempted_at": INSTANT, "recorded_at": INSTANT, "status": TEXT}
CONTACTS = {"customer_id": TEXT, "contacted_at": INSTANT, "recorded_at": INSTANT, "campaign": TEXT, "channel": TEXT}
COLUMNS = {
    "orders": ORDERS,
    "events": EVENTS,
    "subscriptions": SUBSCRIPTIONS,
    "payments": PAYMENTS,
    "contacts": CONTACTS,
}
# A day beside a change of the clocks, a leap day, or where midnight itself is skipped or comes twice.
PLACES = {
    "UTC": ["2024-02-29", "2026-01-01"],
    "America/New_York": ["2026-03-08", "2025-11-02"],
    "America/Havana": ["2026-03-08", "2025-11-02"],
    "America/Santiago": ["2025-09-07", "2026-04-05"],
    "Australia/Lord_Howe": ["2026-04-05", "2025-10-05"],
    "Asia/Kathmandu": ["2024-02-29"],
}
Row = dict[str, object]


def subscriptions(line: str) -> pd.DataFrame:
    """One row a subscription: the instant it began, then `until=` an instant and `why=` a reason."""
    rows = []
    for customer, _, began, recorded, words in entries(line):
        named = dict(word.split("=", 1) for word in words)
        until = instant(named["until"]) if "until" in named else None
        rows.append((customer, began, recorded, until, named.get("plan"), named.get("why")))
    return table(rows, SUBSCRIPTIONS, ["customer_id", "started_at"])


def payments(line: str) -> pd.DataFrame:
    """One row an attempt to pay: its instant and status."""
    rows = [(customer, tried, recorded, *words) for customer, _, tried, recorded, words in entries(line)]
    return table(rows, PAYMENTS, ["customer_id", "attempted_at"])


@dataclass(frozen=True)
class Log:
    """Rows of several tables, the calendar they are read with, and the cutoffs to ask them at."""

    zone: str
    cutoffs: tuple[dt.date, ...]
    today: dt.date
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def midnight(self, day: dt.date, days: int = 0) -> dt.datetime:
        """Where the day `days` after a day begins."""
        return dt.datetime.combine(day + dt.timedelta(days=days), dt.time(), ZoneInfo(self.zone)).astimezone(dt.UTC)

    def rows(self, name: str, customer: str, known: dt.datetime) -> Iterable[Row]:
        """The rows of a customer recorded before an instant."""
        return [r for r in self.tables[name] if r["customer_id"] == customer and r["recorded_at"] < known]

    def customers(self) -> list[str]:
        """Everybody in any table."""
        return sorted({str(row["customer_id"]) for rows in self.tables.values() for row in rows})

    def day(self, moment: dt.datetime) -> dt.date:
        """The latest day that has begun at a moment."""
        guess = moment.astimezone(ZoneInfo(self.zone)).date() + dt.timedelta(days=1)
        while self.midnight(guess) > moment:
            guess -= dt.timedelta(days=1)
        return guess


def random_log(seed: int, customers: int, lengths: tuple[int, ...]) -> Log:
    """A log of so many customers, whose rows crowd at the edges of windows of these lengths."""
    chance = random.Random(seed)
    zone = chance.choice(list(PLACES))
    about = dt.date.fromisoformat(chance.choice(PLACES[zone]))
    cutoffs = tuple(sorted({about + dt.timedelta(days=chance.choice([-30, -7, -1, 0, 1, 9])) for _ in range(3)}))
    log = Log(zone, cutoffs, cutoffs[-1] + dt.timedelta(days=max(lengths)), {name: [] for name in COLUMNS})
    for number in range(customers):
        _live(log, chance, f"c{number}", lengths)
    _keep_going(log)
    return log


def _live(log: Log, chance: random.Random, customer: str, lengths: tuple[int, ...]) -> None:
    """Add the rows of one customer."""
    for name in COLUMNS:
        for number in range(chance.choice([0, 0, 1, 2, 5])):
            moment = _moment(log, chance, lengths)
            row: Row = {"customer_id": customer, "recorded_at": _recorded(log, chance, moment)}
            match name:
                case "orders":
                    row |= {"order_id": f"{customer}-{number}", "ordered_at": moment}
                    row |= {"amount_cents": chance.choice([0, 1, 500, 500, -1, -500]), "part": chance.choice([0, 0, 1])}
                    row |= {"channel": chance.choice(["web", "shop"])}
                case "events":
                    row |= {"occurred_at": moment, "kind": chance.choice(["visit", "cancel_request"]), "value": None}
                case "subscriptions":
                    until = chance.choice([None, *[_moment(log, chance, lengths, since=moment) for _ in range(4)]])
                    reason = chance.choice([None, None, "", "Card expired", "too dear", "payment_failed"])
                    row |= {"started_at": moment, "ended_at": until, "plan": "a", "cancel_reason": reason}
                case "payments":
                    status = chance.choice(["succeeded", "failed", "failed", "pending", "refunded"])
                    row |= {"attempted_at": moment, "status": status}
                case _:
                    row |= {"contacted_at": moment, "campaign": chance.choice([None, "spring"]), "channel": "post"}
            log.tables[name].append(row)


def _moment(log: Log, chance: random.Random, lengths: tuple[int, ...], since: dt.datetime | None = None) -> dt.datetime:
    """An instant on or beside the edge of a window, or anywhere about one; often that of another row."""
    known = [row[key] for rows in log.tables.values() for row in rows[-3:] for key in row if key.endswith("_at")]
    if (known := [moment for moment in known if moment]) and chance.random() < 0.3:
        moment = chance.choice(known)
    else:
        length = chance.choice([0, 1, *lengths, -1, *(-n for n in lengths), -60])
        edge = log.midnight(chance.choice(log.cutoffs), length)
        moment = edge + chance.choice([-US, 0 * US, US, dt.timedelta(hours=chance.randint(-40, 40))])
    return max(moment, since) if since else moment


def _recorded(log: Log, chance: random.Random, moment: dt.datetime) -> dt.datetime:
    """Mostly the instant itself; else late, or on the edge of what was known at a cutoff or today."""
    if chance.random() < 0.7:
        return moment
    edge = log.midnight(chance.choice([*log.cutoffs, log.today]))
    return max(moment, edge - chance.choice([US, 0 * US]))


def _keep_going(log: Log) -> None:
    """Somebody who is seen in every table every five days, so that no table is silent or begins late."""
    days = (log.today - log.cutoffs[0]).days
    for number in range(-1, days // 5 + 1):
        moment = min(log.midnight(log.cutoffs[0], 5 * number), log.midnight(log.today) - US)
        row: Row = {"customer_id": "feed", "recorded_at": moment}
        log.tables["orders"].append(row | _order(number, moment))
        log.tables["events"].append(row | {"occurred_at": moment, "kind": "visit", "value": None})
        ended = {"ended_at": moment + US, "plan": "a", "cancel_reason": "moved"}
        log.tables["subscriptions"].append(row | {"started_at": moment} | ended)


def _order(number: int, moment: dt.datetime) -> Row:
    return {"order_id": f"feed-{number}", "ordered_at": moment, "amount_cents": 1, "part": 0, "channel": "web"}


def write(log: Log, folder: Path, chance: random.Random | None = None) -> Path:
    """The log's tables in a folder, sorted as ingest does, or in any order."""
    for name, columns in COLUMNS.items():
        frame = pd.DataFrame(log.tables[name], columns=list(columns)).astype(columns)
        order = ["customer_id", list(columns)[1 if name != "orders" else 2]]
        shuffled = frame.sample(frac=1, random_state=chance.randrange(2**31)) if chance else frame
        store.write_table(folder / f"{name}.parquet", shuffled if chance else frame.sort_values(order, kind="stable"))
    return folder
