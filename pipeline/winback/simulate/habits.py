"""Customers' latent habits, which hold until a cause of leaving strikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from winback.simulate.chance import Flags, Floats, Ints, hump, normal, uniform, waiting
from winback.simulate.shop import Shop, existing

CATEGORIES = (
    "bakery",
    "books",
    "coffee",
    "cosmetics",
    "garden",
    "home",
    "kids",
    "pets",
    "snacks",
    "tea",
    "toys",
    "wine",
)
CHANNELS = ("web", "app", "shop")
ONE_TIME, PAUSING = 0.25, 0.12  # shares: of the newly come who buy once; of all who pause each year


@dataclass(frozen=True)
class Habits:
    """One value a customer. Rates are a day; shares from 0 to 1; days are counted from the shop's first.

    `gap_shape`: orders come by a gap of Erlang's distribution with so many stages: 1 at random, 3 with a
    rhythm. `pause_begins` is a day of the year, `pause_days` 0 for who makes no pause.
    """

    who: Ints
    arrived: Ints
    one_time: Flags
    rate: Floats
    gap_shape: Ints
    basket: Floats
    breadth: Ints
    discount_taste: Floats
    visits: Floats
    opens: Floats
    clicks: Floats
    hour: Floats
    weekend: Floats
    season: Floats
    pause_begins: Ints
    pause_days: Ints
    satisfaction: Floats
    frailty: Floats
    subscriber: Flags
    card_ends: Ints


def habits(shop: Shop, who: Ints) -> Habits:
    """The habits of the customers of these numbers."""
    seed = shop.seed
    there = who < existing(shop)
    rate = np.clip(np.exp(0.5 * normal(seed, "rate", who)) / 15, 1 / 45, 1 / 3)
    arrived = _arrival(shop, who)
    pauses = uniform(seed, "pauses", who) < PAUSING
    return Habits(
        who=who,
        arrived=arrived,
        one_time=~there & (uniform(seed, "one time", who) < ONE_TIME),
        rate=rate,
        gap_shape=1 + np.digitize(uniform(seed, "rhythm", who), [0.35, 0.75]),
        basket=np.exp(3.4 + 0.5 * normal(seed, "basket", who)),
        breadth=2 + (5 * hump(uniform(seed, "breadth", who), 1.2, 1.5)).astype(np.int64),
        discount_taste=hump(uniform(seed, "taste", who), 1.1, 4.5),
        visits=rate * np.exp(0.4 + 0.5 * normal(seed, "visits", who)) + 0.02,
        opens=0.03 + 0.9 * hump(uniform(seed, "opens", who), 1.3, 2.5),
        clicks=0.5 * hump(uniform(seed, "clicks", who), 1.2, 3.0),
        hour=9 + 12 * uniform(seed, "hour", who),
        weekend=np.exp(0.5 * normal(seed, "weekend", who)),
        season=0.25 * uniform(seed, "season", who),
        pause_begins=(365 * uniform(seed, "pause begins", who)).astype(np.int64),
        pause_days=np.where(pauses, 30 + (21 * uniform(seed, "pause days", who)).astype(np.int64), 0),
        satisfaction=8.3 + 1.1 * normal(seed, "satisfaction", who),
        frailty=np.exp(0.5 * normal(seed, "frailty", who) - 0.125),
        subscriber=uniform(seed, "subscriber", who) < shop.subscribers,
        card_ends=_month_end(shop, np.maximum(arrived, 0) + (1096 * uniform(seed, "card", who)).astype(np.int64)),
    )


def _arrival(shop: Shop, who: Ints) -> Ints:
    """The day of a customer's coming: who is there on the first day came up to 400 days before it, most lately."""
    earlier = -1 - (399 * (1 - np.sqrt(1 - uniform(shop.seed, "came", who)))).astype(np.int64)
    a_day = max(shop.customers - existing(shop), 1) / shop.days
    later = ((who - existing(shop) + uniform(shop.seed, "comes", who)) / a_day).astype(np.int64)
    return np.where(who < existing(shop), earlier, later)


def dates(shop: Shop, days: Ints) -> np.ndarray:
    """The dates of numbered days."""
    return np.asarray(np.datetime64(shop.start, "D") + days.astype("timedelta64[D]"))


def days_of_year(shop: Shop, days: Ints) -> Ints:
    """How many days of its year lie before each day."""
    date = dates(shop, days)
    return np.asarray((date - date.astype("datetime64[Y]")).astype(np.int64))


def _month_end(shop: Shop, day: Ints) -> Ints:
    """The last day of the month of a day."""
    following = (dates(shop, day).astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[D]")
    return np.asarray((following - np.datetime64(shop.start, "D")).astype(np.int64) - 1)


def paused(shop: Shop, held: Habits, days: Ints) -> Flags:
    """Whether each customer (row) is on a seasonal pause on each day (column)."""
    since = (days_of_year(shop, days)[None, :] - held.pause_begins[:, None]) % 365
    return np.asarray(since < held.pause_days[:, None], dtype=bool)


def first_gap(seed: int, held: Habits) -> tuple[Floats, Floats]:
    """The way to the first order and from the one before it, in mean gaps: long gaps are met more often."""
    stages = held.gap_shape
    parts = np.stack([waiting(seed, "gap met", held.who, n) for n in range(4)])
    met = np.where(np.arange(4)[:, None] <= stages, parts, 0.0).sum(axis=0) / stages
    ahead = uniform(seed, "gap met at", held.who)
    there = held.arrived < 0
    return np.where(there, met * ahead, 0.0), np.where(there, met * (1 - ahead), 0.0)
