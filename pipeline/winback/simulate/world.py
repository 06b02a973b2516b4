"""A simulated shop as tables: some customers at a time, and what each has been through by a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from winback.simulate import buying, complaining, looking, paying
from winback.simulate.actions import NOTHING, Deeds, after, campaign_rows, outcome_rows
from winback.simulate.buying import Baskets
from winback.simulate.chance import Floats, Ints, taken, uniform
from winback.simulate.habits import Habits, first_gap, habits
from winback.simulate.happenings import Happenings, happenings, passed
from winback.simulate.leaving import Leaving, interest_in, leaving, left_of, lingering, seasons
from winback.simulate.rows import Rows, arrow, together
from winback.simulate.shop import BEFORE, Shop, customers_by, instants, midnights

REDEEMED_WITHIN = 28  # days after the contact
AT_ONCE = 2_048  # customers in memory at a time; any number gives the same rows
MOMENTS: Mapping[str, str] = {
    "orders": "ordered_at",
    "events": "occurred_at",
    "tickets": "opened_at",
    "surveys": "answered_at",
    "payments": "attempted_at",
    "customers": "signed_up_at",
    "contacts": "contacted_at",
    "subscriptions": "started_at",
    "outcomes": "happened_at",
}


@dataclass(frozen=True)
class World:
    """A shop up to a day, with all that was done to its customers; `begins` are the midnights."""

    shop: Shop
    until: int
    done: Deeds
    begins: Ints


@dataclass(frozen=True)
class People:
    """Some customers: habits, leaving, and the operational time of their orders by day."""

    held: Habits
    gone: Leaving
    season: Floats
    time: Floats
    orders: Happenings


@dataclass(frozen=True)
class Made:
    """Some customers with the rows of each table, and what is missing because their interest went."""

    world: World
    people: People
    rows: Mapping[str, list[Rows]]
    missing: list[Rows]


def world(shop: Shop, until: int | None = None, done: Deeds = NOTHING) -> World:
    """The shop up to a day, by default up to its `days`."""
    until = shop.days if until is None else until
    return World(shop, until, done, midnights(shop, until))


def as_of(w: World, day: int) -> World:
    """The same before a day began: nothing later has been done, or is known."""
    return World(w.shop, day, taken(w.done, w.done.day < day), w.begins[: BEFORE + day + 1])


def chunks(w: World, at_once: int = AT_ONCE) -> Iterator[Ints]:
    """The numbers of the customers, some at a time."""
    everybody = customers_by(w.shop, w.until)
    for first in range(0, everybody, at_once):
        yield np.arange(first, min(first + at_once, everybody))


def people(w: World, who: Ints) -> People:
    """The customers of these numbers, a range of them."""
    held = habits(w.shop, who)
    gone = after(w.shop, held, leaving(w.shop, held), w.done)
    days = np.arange(w.until)
    season, left = seasons(w.shop, held, days), left_of(gone, days)
    pace = held.rate[:, None] * season * left * (days[None, :] >= held.arrived[:, None])
    time = passed(pace)
    first, _ = first_gap(w.shop.seed, held)
    return People(held, gone, season, time, happenings(w.shop.seed, ("order gaps", who), held.gap_shape, first, time))


def made(w: World, who: Ints) -> Made:
    """The customers of these numbers, a range of them, and all their rows."""
    some = people(w, who)
    shop, held, gone, begins = w.shop, some.held, some.gone, w.begins
    bought = buying.baskets(shop, held, gone, some.orders, begins)
    mine = taken(w.done, (w.done.who >= who[0]) & (w.done.who <= who[-1]))
    interest, lingers = (of(gone, np.arange(w.until)) for of in (interest_in, lingering))
    visited, stayed_away = looking.visits(shop, held, interest, _visits(w, some, lingers), begins)
    opened, unopened = looking.mails(shop, held, gone, (lingers, interest), begins)
    makes: dict[str, Callable[[], list[Rows]]] = {
        "orders": lambda: [
            buying.order_lines(shop, held, bought),
            buying.returns(shop, held, gone, bought, begins),
        ],
        "events": lambda: [visited, opened],
        "tickets": lambda: [complaining.tickets(shop, held, gone, bought, begins)],
        "surveys": lambda: [complaining.surveys(shop, held, gone, bought, begins)],
        "payments": lambda: [paying.payments(shop, held, gone, bought, begins)],
        "customers": lambda: [paying.signed_up(shop, held, begins)],
        "contacts": lambda: [paying.campaigns(shop, held, begins), campaign_rows(shop, mine, begins)],
        "outcomes": lambda: [outcome_rows(shop, mine, _ordered_after(mine, bought), begins)],
        "subscriptions": lambda: [paying.subscriptions(shop, held, gone, begins)],
    }
    missing = [stayed_away, unopened] if shop.keeps("events") else []
    kept = [table for table in makes if shop.keeps(table) and (table != "outcomes" or len(w.done.who))]
    return Made(w, some, {table: makes[table]() for table in kept}, missing)


def _ordered_after(done: Deeds, bought: Baskets) -> Ints:
    """The instant of the first order from the day after each contact on; -1 where none comes in time."""
    key = bought.who * 10_000 + bought.when.day
    place = np.searchsorted(key, done.who * 10_000 + done.day + 1)
    near = np.minimum(place, len(key) - 1)
    if not len(key):
        return np.full(len(done.who), -1)
    found = (place < len(key)) & (bought.who[near] == done.who) & (bought.when.day[near] <= done.day + REDEEMED_WITHIN)
    return np.where(found, bought.instant[near], -1)


def _visits(w: World, some: People, lingers: Floats) -> Happenings:
    """Visits as fading leaves them; the cause's own loss of interest thins them afterwards."""
    here = np.arange(w.until)[None, :] >= some.held.arrived[:, None]
    pace = some.held.visits[:, None] * np.sqrt(some.season) * lingers * here
    one = np.ones(len(some.held.who), dtype=np.int64)
    return happenings(w.shop.seed, ("visit gaps", some.held.who), one, pace[:, 0] * 0 + 0.5, passed(pace))


def tables_of(some: Made, since: int = 0) -> dict[str, pa.Table]:
    """The tables of some customers: what became known on the days from `since` on.

    What happened before the first day is not in the shop's log, save that it knows its customers.
    """
    written = {table: _written(some.world, table, together(parts), since) for table, parts in some.rows.items()}
    return {table: arrow(rows, MOMENTS[table]) for table, rows in written.items()}


def _written(w: World, table: str, rows: Rows, since: int) -> Rows:
    """The rows known in the span, the duplicated ones twice."""
    first, last = instants(w.begins, np.array([since, w.until]), np.zeros(2))
    first = first if since or table != "customers" else w.begins[0] - 10**15
    told = rows.only((rows.recorded >= first) & (rows.recorded < last))
    again = uniform(w.shop.seed, f"twice {table}", told.who, told.number) < w.shop.duplicates_share
    return together([told, told.only(again)])


def tables(shop: Shop, at_once: int = AT_ONCE) -> dict[str, pa.Table]:
    """The tables of a whole shop by name, as it stands after its `days`."""
    all_of = world(shop)
    parts = [tables_of(made(all_of, who)) for who in chunks(all_of, at_once)]
    return {table: pa.concat_tables([part[table] for part in parts]) for table in parts[0]}
