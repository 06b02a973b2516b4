"""When and why each customer begins to leave, and how much of a customer is left on a day."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from winback.simulate.causes import CARD_FAILS, CAUSES, GONE, NATURAL, PAUSED, PAYMENT, SPEEDS, Cause
from winback.simulate.chance import Flags, Floats, Ints, uniform, waiting
from winback.simulate.habits import Habits, days_of_year, paused
from winback.simulate.shop import Shop

NEVER = 1_000_000
LOOKS_BY, LINGERS = 0.3, 2  # of the visits this share goes on; they fade in so many times the time of the orders
KEPT = 0.9  # of the old rate of a customer who was kept


@dataclass(frozen=True)
class Leaving:
    """One value a customer: days are counted from the shop's first, NEVER beyond all of them.

    `cause` is the place in CAUSES; `traced` whether it shows itself; `kept` and `driven` the days from
    which an action kept the customer or drove him away.
    """

    cause: Ints
    onset: Ints
    fades: Floats
    traced: Flags
    kept: Ints
    driven: Ints


def hazards(held: Habits) -> Floats:
    """How often a day each cause (column) strikes each customer (row), before the end of the card."""
    a_day = np.array([cause.a_year / 365.25 for cause in CAUSES])[None, :] * held.frailty[:, None]
    a_day[:, 0] *= 0.4 + 3.0 * held.discount_taste  # who likes offers suffers from prices
    return a_day


def leaving(shop: Shop, held: Habits) -> Leaving:
    """What strikes first, and when, if nobody does anything about it."""
    a_day = hazards(held)
    total = a_day.sum(axis=1)
    clock = np.maximum(held.arrived, 0)
    onset = clock + np.minimum(waiting(shop.seed, "onset", held.who) / total, NEVER).astype(np.int64)
    which = uniform(shop.seed, "cause", held.who)[:, None] > a_day.cumsum(axis=1) / total[:, None]
    cause = np.minimum(which.sum(axis=1), len(CAUSES) - 1)
    card = (uniform(shop.seed, "card fails", held.who) < CARD_FAILS) & (held.card_ends <= onset)
    onset, cause = np.where(card, held.card_ends, onset), np.where(card, PAYMENT, cause)
    onset = np.where(held.one_time, held.arrived, onset)
    cause = np.where(held.one_time, NATURAL, cause)
    speed = np.array(SPEEDS)[(uniform(shop.seed, "speed", held.who) < 0.5).astype(np.int64)]
    fades = np.where(held.one_time, 1.0, np.array([c.fades_days for c in CAUSES])[cause] * speed)
    shows = np.array([c.traced for c in CAUSES])[cause] > uniform(shop.seed, "traced", held.who)
    never = np.full(len(held.who), NEVER)
    return Leaving(cause, onset, fades, shows & ~held.one_time, never, never)


def ends(gone: Leaving) -> Ints:
    """The day from which on a customer has left; NEVER for the kept."""
    faded = np.minimum(gone.onset + np.ceil(gone.fades).astype(np.int64), NEVER)
    return np.minimum(np.where(gone.kept <= gone.onset + gone.fades, NEVER, faded), gone.driven)


def left_of(gone: Leaving, days: Ints) -> Floats:
    """The factor of each customer's (row) rate of buying on each day (column)."""
    since = days[None, :] - gone.onset[:, None] + 1
    level = 1 - (1 - GONE) * np.clip(since / gone.fades[:, None], 0.0, 1.0)
    level = np.where(days[None, :] >= gone.kept[:, None], KEPT, level)
    return np.where(days[None, :] >= gone.driven[:, None], GONE, level)


def lingering(gone: Leaving, days: Ints) -> Floats:
    """What fading leaves of visits and opened mails: who buys no more still looks by, and stops more slowly."""
    onset = np.where(gone.driven < gone.onset, gone.driven, gone.onset)
    since = days[None, :] - onset[:, None] + 1
    level = 1 - (1 - LOOKS_BY) * np.clip(since / (LINGERS * gone.fades[:, None]), 0.0, 1.0)
    return np.where(days[None, :] >= gone.kept[:, None], 1.0, level)


def interest_in(gone: Leaving, days: Ints) -> Floats:
    """The factor of visits and opened mails that the cause itself takes, where it shows itself."""
    goes_to = np.where(gone.traced, np.array([c.interest for c in CAUSES])[gone.cause], 1.0)[:, None]
    within = np.array([c.cools_days for c in CAUSES])[gone.cause][:, None]
    since = days[None, :] - gone.onset[:, None] + 1
    level = 1 - (1 - goes_to) * np.clip(since / within, 0.0, 1.0)
    return np.where(days[None, :] >= gone.kept[:, None], 1.0, level)


def seasons(shop: Shop, held: Habits, days: Ints) -> Floats:
    """The factor of each customer's (row) rate on each day (column): weekday, time of year, pause."""
    weekday = (days + shop.start.weekday()) % 7
    weekend = np.where(weekday[None, :] >= 5, held.weekend[:, None], 1.0) / ((5 + 2 * held.weekend) / 7)[:, None]
    wave = 1 + held.season[:, None] * np.cos(2 * np.pi * (days_of_year(shop, days) - 345) / 365.25)[None, :]
    return np.asarray(weekend * wave * np.where(paused(shop, held, days), PAUSED, 1.0), dtype=np.float64)


def strikes(gone: Leaving, day: Ints) -> Flags:
    """Whether a cause has struck each customer by his own day and nothing has been done about it."""
    return np.asarray((gone.onset <= day) & (day < gone.kept) & (day < gone.driven), dtype=bool)


def acted_on(gone: Leaving, day: int, kept: Flags, driven: Flags) -> Leaving:
    """The same after actions of a day; the first thing that worked counts."""
    free = (gone.kept == NEVER) & (gone.driven == NEVER)
    return replace(
        gone,
        kept=np.where(kept & free, day, gone.kept),
        driven=np.where(driven & free, day, gone.driven),
    )


def shows(gone: Leaving, row: Ints, day: Ints) -> Flags:
    """Whether a cause that shows itself is at work on the customer of each row on its day."""
    at_work = (gone.onset[row] <= day) & (day < gone.kept[row]) & (day < gone.driven[row])
    return np.asarray(at_work & gone.traced[row], dtype=bool)


def of_cause(name: str, gone: Leaving, row: Ints, day: Ints) -> Floats:
    """The number of this name of the cause that shows itself on each row; where none does, what is usual."""
    usual = next(f.default for f in fields(Cause) if f.name == name)
    own = np.array([getattr(cause, name) for cause in CAUSES], dtype=np.float64)[gone.cause[row]]
    return np.where(shows(gone, row, day), own, float(usual))  # type: ignore[arg-type]
