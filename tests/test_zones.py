"""Recency, windows and hours in thirty time zones, against a brute force that asks the clocks at every quarter hour."""

from __future__ import annotations

import datetime as dt
import random
from functools import cache
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from history import ORDERS
from test_days import DAY, ZONES, changes
from winback import store
from winback.facts.features import declared
from winback.facts.features.table import features_at

QUARTER = dt.timedelta(minutes=15)
WINDOWS = (7, 28, 90)
FEATURES = declared.named(
    {"days_since_last_order", *(f"orders_{w}d" for w in WINDOWS), "order_days_90d", "order_hour_mean_90d"}
)
CUSTOMERS = 80
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def edges(zone: str, chance: random.Random) -> list[dt.date]:
    """Four cutoffs: after two changes of the clocks, after a leap day, at the start of a year."""
    moved = chance.sample(changes(zone), k=min(2, len(changes(zone)))) or [dt.date(2023, 5, 1)]
    near = [day + chance.randint(0, 2) * DAY for day in moved]
    return sorted(
        {*near, dt.date(chance.choice([2016, 2020, 2024, 2028]), 3, 1), dt.date(chance.randint(2016, 2034), 1, 1)}
    )


@cache
def local_day(instant: dt.datetime, clock: ZoneInfo) -> dt.date:
    """The latest date that the clocks have shown within 27 hours before an instant."""
    return max((instant - n * QUARTER).astimezone(clock).date() for n in range(4 * 27))


def first_instant(day: dt.date, clock: ZoneInfo) -> dt.datetime:
    """The first quarter of an hour at which the clocks show a date or a later one."""
    at = dt.datetime.combine(day - DAY, dt.time(), dt.UTC)
    while at.astimezone(clock).date() < day:
        at += QUARTER
    return at


def near(cutoff: dt.date, zone: str, chance: random.Random) -> dt.datetime:
    """An instant beside the edge of a window, or anywhere in the last hundred days."""
    clock = ZoneInfo(zone)
    if chance.random() < 0.3:
        return first_instant(cutoff, clock) - dt.timedelta(seconds=chance.randrange(100 * 86_400))
    edge = first_instant(cutoff - chance.choice([0, 1, *WINDOWS]) * DAY, clock)
    return edge + chance.choice([-1, 0, 1, 3_600_000_000, -3_600_000_000]) * dt.timedelta(microseconds=1)


def expected(at: list[dt.datetime], cutoff: dt.date, clock: ZoneInfo) -> list[float]:
    """The features of one customer at one cutoff, from the dates and hours that the clocks showed."""
    start = first_instant(cutoff, clock)
    past = sorted(instant for instant in at if instant < start)
    days = {instant: local_day(instant, clock) for instant in past}
    recent = [instant for instant in past if days[instant] >= cutoff - 90 * DAY]
    since = (start - past[-1]) / DAY
    orders = [float(sum(days[instant] >= cutoff - w * DAY for instant in past)) for w in WINDOWS]
    hours = [instant.astimezone(clock).hour for instant in recent]
    hour = sum(hours) / len(hours) if hours else float("nan")
    return [since, *orders, float(len({days[instant] for instant in recent})), hour]


def test_the_quarter_hours_of_the_search_are_fine_enough():
    """Every zone used here moves its clocks, and begins its days, at quarters of an hour."""
    for zone in ZONES:
        for day in changes(zone):
            start = first_instant(day, ZoneInfo(zone))
            before = start - dt.timedelta(microseconds=1)
            assert before.astimezone(ZoneInfo(zone)).date() < day, (zone, day)


@pytest.mark.parametrize("zone", ZONES)
def test_features_of_every_zone_are_those_of_its_clocks(zone, tmp_path):
    """About 300 cases a zone, over 10,000 in all: customers x cutoffs; every feature of each."""
    chance, clock = random.Random(zone), ZoneInfo(zone)
    cutoffs = edges(zone, chance)
    log = {
        f"c{n:02}": [LONG_AGO, *(near(chance.choice(cutoffs), zone, chance) for _ in range(6))]
        for n in range(CUSTOMERS)
    }
    rows = [(f"{c}-{n}", c, at, at, 100, 0, 1, 1, None, 0) for c, past in log.items() for n, at in enumerate(past)]
    frame = pd.DataFrame(rows, columns=list(ORDERS)).astype(ORDERS).sort_values(["customer_id", "ordered_at"])
    store.write_table(tmp_path / "orders.parquet", frame, together="customer_id")
    table = features_at(tmp_path, cutoffs, zone, FEATURES)
    found = table[[f.name for f in FEATURES]].to_numpy().tolist()
    wanted = [expected(log[c], cutoff, clock) for c in sorted(log) for cutoff in cutoffs]
    order = ["days_since_last_order", *(f"orders_{w}d" for w in WINDOWS), "order_days_90d", "order_hour_mean_90d"]
    place = [order.index(f.name) for f in FEATURES]
    assert len(found) == len(wanted) >= CUSTOMERS * 3
    for row, truth in zip(found, wanted, strict=True):
        assert row == pytest.approx([truth[i] for i in place], rel=1e-12, nan_ok=True)
