"""What a shop may do about leaving, and what each action truly does by cause: some nothing, some harm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winback.errors import ConfigError
from winback.simulate.causes import CAUSES, NAMES, NONE, PAUSE
from winback.simulate.chance import Flags, Floats, Ints, taken, uniform
from winback.simulate.habits import Habits, dates, paused
from winback.simulate.leaving import Leaving, acted_on, strikes
from winback.simulate.rows import Rows, numbers, together, words
from winback.simulate.shop import Shop, instants
from winback.toml_files import did_you_mean

STATES = (*NAMES, NONE, PAUSE)
DELIVERED = 0.96


@dataclass(frozen=True)
class Action:
    """What one action is said to answer, and what it does.

    `drivers`: what the catalogue says. `keeps`: by cause the chance, once delivered, to keep who is leaving
    for it; below zero the chance to drive him away at once. `harms`: the chance to drive away who is not
    leaving, or only pauses. `accepts`: share of those who order again within 28 days that redeem it.
    """

    id: str
    family: str
    channel: str
    drivers: tuple[str, ...]
    costs: tuple[float, float]  # of the contact, of the incentive when it is redeemed
    accepts: float
    keeps: dict[str, float]
    harms: float = 0.0


PRICE, SERVICE, PRODUCT, NOVELTY, CARD, RIVAL, END = NAMES
ACTIONS: tuple[Action, ...] = (
    Action("price_offer", "money_off", "email", ("discounts", "monetary"), (0.05, 4.0), 0.5,
           {PRICE: 0.35, RIVAL: 0.15, NOVELTY: 0.04}),
    Action("free_delivery", "convenience", "sms", ("monetary", "frequency", "habits"), (0.08, 3.0), 0.3,
           {PRICE: 0.12, PRODUCT: 0.05, RIVAL: 0.05}),
    Action("senior_call", "service_recovery", "call", ("service", "satisfaction"), (4.0, 0.0), 0.0,
           {SERVICE: 0.40, PRODUCT: 0.12}),
    Action("replacement", "product_fix", "email", ("returns", "satisfaction"), (0.6, 6.0), 0.6,
           {PRODUCT: 0.40, SERVICE: 0.08}),
    Action("something_new", "content", "email", ("breadth", "loyalty", "engagement"), (0.05, 2.0), 0.3,
           {NOVELTY: 0.32, RIVAL: 0.06}),
    Action("card_link", "payment_fix", "sms", ("payments", "subscription"), (0.08, 0.0), 0.0, {CARD: 0.55}),
    Action("thank_you_letter", "recognition", "post", ("engagement", "tenure", "trend"), (1.2, 0.0), 0.0,
           {RIVAL: 0.18, END: 0.04, SERVICE: 0.06}),
    Action("season_note", "content", "email", ("seasonality",), (0.03, 0.0), 0.0, {NOVELTY: 0.05}),
    Action("usual_reminder", "convenience", "email", ("recency", "cadence", "frequency"), (0.03, 0.0), 0.0, {}),
    Action("big_coupon", "money_off", "post", ("discounts", "recency", "trend"), (0.75, 8.0), 0.7,
           {PRICE: 0.36, SERVICE: -0.15, RIVAL: 0.16}),
    Action("last_chance_push", "convenience", "push", ("recency", "trend"), (0.01, 0.0), 0.0,
           dict.fromkeys(NAMES, -0.10), harms=0.04),
)  # fmt: skip
IDS = tuple(action.id for action in ACTIONS)


@dataclass(frozen=True)
class Deeds:
    """What was done: one value a contact, sorted by day; `who` and `action` are numbers, `day` the shop's."""

    who: Ints
    day: Ints
    action: Ints


NOTHING = Deeds(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


def effects() -> Floats:
    """The true effect of each action (column) on each state (row of STATES), once delivered."""
    table = [[action.keeps.get(name, 0.0) for action in ACTIONS] for name in NAMES]
    harms = [-action.harms for action in ACTIONS]
    return np.array([*table, harms, harms])


def numbers_of(names: list[str]) -> Ints:
    """The number of each action; ConfigError for one that this shop does not know."""
    if unknown := sorted(set(names) - set(IDS)):
        raise ConfigError(
            f"{len(unknown)} actions are not among those whose effect is known (first: {unknown[0]!r})."
            f"{did_you_mean(unknown[0], list(IDS))}"
        )
    return np.array([IDS.index(name) for name in names], dtype=np.int64)


def state_at(shop: Shop, held: Habits, gone: Leaving, day: int) -> Ints:
    """Each customer's place in STATES as a day begins: what strikes on that day has not yet."""
    pausing = paused(shop, held, np.array([day]))[:, 0]
    struck = strikes(gone, np.full(len(held.who), day - 1))
    return np.where(struck, gone.cause, np.where(pausing, len(CAUSES) + 1, len(CAUSES)))


def campaign_rows(shop: Shop, done: Deeds, begins: Ints) -> Rows:
    """The contacts that the actions made."""
    happened = instants(begins, done.day, np.full(len(done.who), 9.0))
    channels = tuple(action.channel for action in ACTIONS)
    columns = {"campaign": _campaign(shop, done), "channel": words(channels, done.action)}
    number = 1_000_000 + done.day
    return Rows(done.who, number, happened, happened, np.zeros(len(done.who), bool), columns)


def _campaign(shop: Shop, done: Deeds) -> pa.Array:
    """An action's name and the day it was done."""
    day = pa.array(dates(shop, done.day)).cast(pa.string())
    return pc.binary_join_element_wise(words(IDS, done.action), day, " ")


def outcome_rows(shop: Shop, done: Deeds, ordered: Ints, begins: Ints) -> Rows:
    """What came of the contacts: delivered, and redeemed with the first order after it (`ordered`, its instant).

    `ordered` is -1 where no order came within 28 days.
    """
    at = instants(begins, done.day, np.full(len(done.who), 9.1))
    reached = delivered(shop, done)
    accepts = np.array([action.accepts for action in ACTIONS])[done.action]
    redeems = reached & (ordered >= 0) & (uniform(shop.seed, "redeems", done.who, done.day) < accepts)
    costs = np.array([action.costs[1] for action in ACTIONS])[done.action]
    parts = [(reached, at, 0, np.full(len(at), np.nan)), (redeems, ordered, 1, costs)]
    return together([_outcomes(shop, done, part).only(part[0]) for part in parts])


def _outcomes(shop: Shop, done: Deeds, part: tuple[Flags, Ints, int, Floats]) -> Rows:
    _, happened, kind, value = part
    told = words(("delivered", "redeemed"), np.full(len(done.who), kind))
    columns = {"campaign": _campaign(shop, done), "kind": told, "value": numbers(value, np.isnan(value))}
    none = np.zeros(len(done.who), bool)
    return Rows(done.who, done.day * 10 + kind, happened, happened, none, columns)


def delivered(shop: Shop, done: Deeds) -> Flags:
    """Whether each contact reached its customer."""
    return np.asarray(uniform(shop.seed, "delivered", done.who, done.day) < DELIVERED, dtype=bool)


def after(shop: Shop, held: Habits, gone: Leaving, done: Deeds) -> Leaving:
    """The customers after all that was done to them, day by day. `held.who` is a range of numbers."""
    mine = taken(done, (done.who >= held.who[0]) & (done.who <= held.who[-1]))
    for day in np.unique(mine.day):
        today = taken(mine, mine.day == day)
        row = today.who - held.who[0]
        chance = np.zeros(len(held.who))
        chance[row] = effects()[state_at(shop, held, gone, int(day))[row], today.action]
        luck = np.ones(len(held.who))
        luck[row] = np.where(delivered(shop, today), uniform(shop.seed, "works", today.who, today.day), 1.0)
        gone = acted_on(gone, int(day), luck < chance, luck < -chance)
    return gone
