"""Random histories that look for edges: window borders, midnights, clock changes, ties, late records, corrections."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace

from winback.prove.history import COLUMNS, History, Row, in_order
from winback.prove.making import Edges, Maker
from winback.prove.random_rows import MAKERS, order_rows

# A day on or beside a change of the clocks in each zone; some have none, some skip or repeat a midnight.
CHANGES = {
    "UTC": ["2026-01-01", "2024-02-29", "2025-12-31"],
    "America/New_York": ["2026-03-08", "2026-03-09", "2025-11-02", "2025-11-03"],
    "Europe/Berlin": ["2026-03-29", "2026-03-30", "2025-10-26", "2025-10-27"],
    "Asia/Kolkata": ["2026-03-01", "2025-12-31"],
    "Asia/Kathmandu": ["2026-01-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-04-06", "2025-10-05", "2025-10-06"],
    "Pacific/Kiritimati": ["2026-01-01", "2024-03-01"],
    "America/Sao_Paulo": ["2018-11-04", "2018-11-05", "2019-02-17"],  # skips a midnight
    "Africa/Cairo": ["2023-04-28", "2023-04-29", "2023-10-27"],  # the same
    "America/St_Johns": ["2010-11-07", "2010-11-08", "2011-03-13"],  # repeats the hour before a midnight
    "America/Havana": ["2025-11-02", "2026-03-08"],  # repeats the hour after one
    "Pacific/Apia": ["2011-12-30", "2011-12-31", "2012-01-01"],  # skips a day
}


def random_history(seed: int, edges: Edges, customers: str = "c", like: History | None = None) -> History:
    """The history of 1 to 6 customers, asked as `like` is; the same for the same arguments."""
    chance = random.Random(seed)  # noqa: S311 - no secret: the same history for the same seed
    zone = like.zone if like else chance.choice(list(CHANGES))
    blank = History(zone, like.cutoffs if like else _cutoffs(chance, zone), dict.fromkeys(COLUMNS, ()))
    oldest = chance.choice([5, 30, 100, 250, 500, 800])
    maker, rows = Maker(chance, blank, oldest, edges), dict[str, list[Row]]((name, []) for name in COLUMNS)
    for number in range(chance.randint(1, 6)):
        busy = chance.choice([0, 1, 3, 12, 30])  # more than 20 gaps only when there are many orders
        for name, made in _everything(maker, busy, f"{customers}{number}"):
            rows[name].append(made | {"customer_id": f"{customers}{number}"})
    return in_order(replace(blank, tables={name: tuple(made) for name, made in rows.items()}))


def _cutoffs(chance: random.Random, zone: str) -> tuple[dt.date, ...]:
    """1 to 4 different days about a change of the clocks, in no order."""
    about = dt.date.fromisoformat(chance.choice(CHANGES[zone]))
    apart = chance.sample([0, 1, 2, 7, 28, 45, 90, -1, -30], k=chance.randint(1, 4))
    return tuple(about + dt.timedelta(days=n) for n in apart)


def random_shop(seed: int, edges: Edges, logs: int) -> History:
    """Several random histories of one calendar in one shop: no customer of one is in another."""
    first = random_history(seed, edges, "0-")
    for n in range(1, logs):
        first = first.plus(random_history(seed * 1000 + n, edges, f"{n}-", first))
    return in_order(first)


def _everything(maker: Maker, busy: int, who: str) -> Iterator[tuple[str, Row]]:
    """All rows of one customer, each with its table's name."""
    for number, (at, recorded) in enumerate(maker.times(busy)):
        yield from order_rows(maker, f"{who}-{number}", at, recorded)
    for name, make in MAKERS.items():
        for at, recorded in maker.times(maker.chance.choice([0, 2, 6, 14])):
            yield name, make(maker, at, recorded)
