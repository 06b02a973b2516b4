"""Orders as lines, and what was sent back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from winback.simulate.chance import Flags, Floats, Ints, normal, taken, uniform
from winback.simulate.habits import CATEGORIES, CHANNELS, Habits
from winback.simulate.happenings import Happenings
from winback.simulate.leaving import Leaving, of_cause, shows
from winback.simulate.rows import Rows, known, money, names, words
from winback.simulate.shop import Shop, days_in, instants

RETURNED = 0.03
CUTS = np.array([0.1, 0.15, 0.2, 0.3])
PRODUCTS = 200  # of each category
_STRIDES = np.array([1, 5, 7, 11])


@dataclass(frozen=True)
class Baskets:
    """One value an order; `rank` is the place of its first category among the customer's own."""

    when: Happenings
    who: Ints
    instant: Ints
    price: Floats
    cut: Floats
    lines: Ints
    rank: Ints
    traces: Flags


def baskets(shop: Shop, held: Habits, gone: Leaving, when: Happenings, begins: Ints) -> Baskets:
    """What is in each order: the customer's habit, less what the cause at work takes from it."""
    row, number, day = when.row, when.number, when.day
    who, seed = held.who[row], shop.seed
    taste = held.discount_taste[row]
    luck = uniform(seed, "on offer", who, number)
    on_offer = luck < taste + (1 - taste) * of_cause("on_offer", gone, row, day)
    cut = np.where(on_offer, CUTS[(4 * uniform(seed, "cut", who, number)).astype(np.int64)], 0.0)
    rank = (held.breadth[row] * uniform(seed, "rank", who, number) ** 1.5).astype(np.int64)
    lines = 1 + (uniform(seed, "lines", who, number)[:, None] < [0.5, 0.2, 0.08]).sum(axis=1)
    lines = np.minimum(lines, held.breadth[row])
    narrow = uniform(seed, "narrow", who, number) < of_cause("narrows", gone, row, day)
    factor = of_cause("basket", gone, row, day)
    hour = held.hour[row] + 1.5 * normal(seed, "order hour", who, number)
    return Baskets(
        when,
        who,
        instants(begins, day, hour),
        held.basket[row] * np.exp(0.35 * normal(seed, "price", who, number)) * factor,
        cut,
        np.where(narrow, 1, lines),
        np.where(narrow, 0, rank),
        (on_offer & (luck >= taste)) | (narrow & ((rank > 0) | (lines > 1))),
    )


def order_lines(shop: Shop, held: Habits, bought: Baskets) -> Rows:
    """The orders table: one row a line, each of another category."""
    of = np.repeat(np.arange(len(bought.who)), bought.lines)
    line = np.arange(len(of)) - np.repeat(bought.lines.cumsum() - bought.lines, bought.lines)
    each = taken(bought, of)
    number, seed = each.when.number, shop.seed
    rank = (each.rank + line) % held.breadth[each.when.row]
    category = _category(seed, each.who, rank)
    price = np.maximum(each.price / each.lines * np.exp(0.2 * normal(seed, "line", each.who, number, line)), 0.5)
    columns = {
        "order_id": names("o", each.who, number),
        "amount": money(price * (1 - each.cut)),
        "discount": money(price * each.cut),
        "quantity": 1 + (uniform(seed, "pieces", each.who, number, line) < 0.25).astype(np.int64),
        "category": words(CATEGORIES, category),
        "channel": _channel(seed, each.who, number),
        "product_id": _product(seed, each.who, category, (number, line)),
    }
    recorded = known(shop, "orders", each.who, number, each.instant)
    return Rows(each.who, number, each.instant, recorded, each.traces & (line == 0), columns)


def _category(seed: int, who: Ints, rank: Ints) -> Ints:
    """The category at a place of the customer's own order of them."""
    begin = (12 * uniform(seed, "first category", who)).astype(np.int64)
    stride = _STRIDES[(4 * uniform(seed, "next category", who)).astype(np.int64)]
    return np.asarray((begin + rank * stride) % len(CATEGORIES), dtype=np.int64)


def _channel(seed: int, who: Ints, number: Ints) -> object:
    own = (3 * uniform(seed, "own channel", who)).astype(np.int64)
    other = (3 * uniform(seed, "other channel", who, number)).astype(np.int64)
    return words(CHANNELS, np.where(uniform(seed, "channel", who, number) < 0.8, own, other))


def _product(seed: int, who: Ints, category: Ints, place: tuple[Ints, Ints]) -> object:
    """Half of the lines are the customer's favourite of the category, the others any of it."""
    own = uniform(seed, "favourite", who, category)
    drawn = uniform(seed, "product", who, *place)
    choice = np.where(uniform(seed, "as always", who, *place) < 0.5, own, drawn)
    return names("p", category * PRODUCTS + (PRODUCTS * choice).astype(np.int64))


def returns(shop: Shop, held: Habits, gone: Leaving, bought: Baskets, begins: Ints) -> Rows:
    """Orders sent back, as rows of their own below zero.

    Trouble with a product begins with an order: the last one before it strikes, and those after it.
    """
    row, number, day = bought.when.row, bought.when.number, bought.when.day
    chance = uniform(shop.seed, "sent back", bought.who, number)
    has_struck = gone.onset[row] < days_in(begins)
    troubled = np.where(has_struck & _last_before(gone, bought.when), gone.onset[row], day)
    share = np.maximum(RETURNED, of_cause("returns", gone, row, troubled))
    back = np.maximum(troubled, day) + 2 + (10 * uniform(shop.seed, "back on", bought.who, number)).astype(np.int64)
    chosen = np.flatnonzero((chance < share) & (back < days_in(begins)))
    sent = taken(bought, chosen)
    instant = instants(begins, back[chosen], held.hour[sent.when.row])
    columns = {
        "order_id": names("r", sent.who, sent.when.number),
        "amount": money(-np.maximum(sent.price * (1 - sent.cut) * 0.8, 0.5)),
        "discount": money(np.zeros(len(chosen))),
        "quantity": np.ones(len(chosen), dtype=np.int64),
        "category": words(CATEGORIES, _category(shop.seed, sent.who, sent.rank)),
        "channel": _channel(shop.seed, sent.who, sent.when.number),
        "product_id": names("p", _category(shop.seed, sent.who, sent.rank) * PRODUCTS),
    }
    recorded = known(shop, "returns", sent.who, sent.when.number, instant)
    return Rows(sent.who, sent.when.number, instant, recorded, chance[chosen] >= RETURNED, columns)


def _last_before(gone: Leaving, when: Happenings) -> Flags:
    """Whether an order is the last of its customer before the cause struck; shown or not is asked later."""
    before = when.day < gone.onset[when.row]
    following = np.append((when.row[1:] == when.row[:-1]) & before[1:], False)
    struck = shows(gone, when.row, gone.onset[when.row])
    return np.asarray(before & ~following & struck, dtype=bool)
