"""Payments of orders, cards that end, boxes by subscription, and the shop's ordinary campaigns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from winback.simulate.buying import Baskets
from winback.simulate.causes import CARD_YEARS, NAMES, PAYMENT
from winback.simulate.chance import Flags, Ints, taken, uniform, waiting
from winback.simulate.habits import Habits, dates
from winback.simulate.leaving import Leaving, ends, shows
from winback.simulate.rows import Rows, known, moments, money, names, together, words
from winback.simulate.shop import Shop, days_in, instants

STATUS = ("succeeded", "failed")
CODES = ("insufficient_funds", "expired_card")
DECLINED, ATTEMPTS = 0.02, 4
PLANS, PRICES = ("small box", "large box"), np.array([9.9, 19.9])
MONTH = 30  # days between two boxes
CAMPAIGN_EVERY, CAMPAIGN_SHARE = 28, 0.12


def payments(shop: Shop, held: Habits, gone: Leaving, bought: Baskets, begins: Ints) -> Rows:
    """A payment an order, some at the second attempt; and the failures of those who cannot pay any more."""
    parts = [_of_orders(shop, held, bought, retried=False), _of_orders(shop, held, bought, retried=True)]
    return together([*parts, _failures(shop, held, gone, begins), _of_boxes(shop, held, gone, begins)])


def _of_orders(shop: Shop, held: Habits, bought: Baskets, *, retried: bool) -> Rows:
    """The payments that succeeded; with `retried` the failed attempts before some of them."""
    first = uniform(shop.seed, "declined", bought.who, bought.when.number) < DECLINED
    each = taken(bought, np.flatnonzero(first if retried else np.ones(len(first), bool)))
    number, failed = each.when.number, np.full(len(each.who), retried)
    happened = each.instant - 300_000_000 * retried
    about = {
        "payment_id": names("q" if retried else "p", each.who, number),
        "amount": money(each.price * (1 - each.cut)),
    }
    return _rows(
        shop, held, (each.when.row, number, happened, each.when.day), (failed, number * 0, failed & False, about)
    )


def _rows(
    shop: Shop, held: Habits, at: tuple[Ints, Ints, Ints, Ints], said: tuple[Flags, Ints, Flags, dict[str, object]]
) -> Rows:
    """Rows of payments: `at` is row, number, instant and day; `said` failed, the code, traces, id and amount."""
    row, number, happened, day = at
    failed, code, traces, about = said
    on_file = held.card_ends[row]
    current = np.where((day <= on_file) | (code == 1), on_file, on_file + 365 * CARD_YEARS + 1)
    columns = {
        "status": words(STATUS, failed.astype(np.int64)),
        **about,
        "decline_code": words(CODES, code, ~failed),
        "card_expires": pa.array(dates(shop, current)),
    }
    who = held.who[row]
    return Rows(who, number, happened, known(shop, "payments", who, number, happened), traces, columns)


def _failures(shop: Shop, held: Habits, gone: Leaving, begins: Ints) -> Rows:
    """Two to four failed attempts in the weeks after a card or an account failed."""
    struck = (gone.cause == PAYMENT) & gone.traced & (gone.onset < days_in(begins))
    row, turn = np.nonzero(np.repeat(struck[:, None], ATTEMPTS, axis=1))
    who = held.who[row]
    after = (5 * turn * (0.4 + waiting(shop.seed, "tries on", who, turn))).astype(np.int64)
    day = np.minimum(gone.onset[row] + after, days_in(begins))
    does = uniform(shop.seed, "tries", who, turn) < np.array([1.0, 0.9, 0.6, 0.4])[turn]
    kept = does & (day < days_in(begins)) & shows(gone, row, day)
    row, turn, day, who = row[kept], turn[kept], day[kept], who[kept]
    code = (gone.onset[row] == held.card_ends[row]).astype(np.int64)
    about = {"payment_id": names("f", who, turn), "amount": money(held.basket[row])}
    happened = instants(begins, day, held.hour[row] + 0.1 * turn)
    always = np.ones(len(row), bool)
    return _rows(shop, held, (row, 20_000 + turn, happened, day), (always, code, always, about))


def _box_days(shop: Shop, held: Habits, gone: Leaving, until: int) -> tuple[Ints, Ints]:
    """When each customer's box begins and ends; NEVER-like for who has none."""
    begins = np.maximum(held.arrived, 0) + 5 + (60 * uniform(shop.seed, "box", held.who)).astype(np.int64)
    over = ends(gone)
    has = held.subscriber & ~held.one_time & (begins < np.minimum(over, until))
    return np.where(has, begins, until), np.where(has, np.minimum(over, until), until)


def _of_boxes(shop: Shop, held: Habits, gone: Leaving, begins: Ints) -> Rows:
    """A payment for the box every month; after a payment failure struck they all fail."""
    until = days_in(begins)
    start, over = _box_days(shop, held, gone, until)
    count = np.maximum(-(-(over - start) // MONTH), 0)
    row = np.repeat(np.arange(len(held.who)), count)
    turn = np.arange(len(row)) - np.repeat(count.cumsum() - count, count)
    day = start[row] + MONTH * turn
    failed = (gone.cause[row] == PAYMENT) & shows(gone, row, day)
    code = (gone.onset[row] == held.card_ends[row]).astype(np.int64) * failed
    about = {"payment_id": names("b", held.who[row], turn), "amount": money(_price(shop, held)[row])}
    happened = instants(begins, day, np.full(len(row), 6.0))
    return _rows(shop, held, (row, 30_000 + turn, happened, day), (failed, code, failed, about))


def _plan(shop: Shop, held: Habits) -> Ints:
    return (uniform(shop.seed, "plan", held.who) < 0.35).astype(np.int64)


def _price(shop: Shop, held: Habits) -> np.ndarray:
    return PRICES[_plan(shop, held)]


def subscriptions(shop: Shop, held: Habits, gone: Leaving, begins: Ints) -> Rows:
    """The boxes: a row at the beginning and another at the end, with the reason that is given for it."""
    until = days_in(begins)
    start, over = _box_days(shop, held, gone, until)
    has = np.flatnonzero(start < until)
    done = has[(over < until)[has]]
    days = (begins, start, over)
    return together([_box_rows(shop, (held, gone), days, has, False), _box_rows(shop, (held, gone), days, done, True)])


def _box_rows(
    shop: Shop, whose: tuple[Habits, Leaving], days: tuple[Ints, Ints, Ints], rows: Ints, ended: bool
) -> Rows:
    """One row a box of these customers: of its beginning, or of its end."""
    (held, gone), (begins, start, over) = whose, days
    who, none = held.who[rows], np.full(len(rows), not ended)
    told = shows(gone, rows, gone.onset[rows])
    happened = instants(begins, start[rows], np.full(len(rows), 6.0))
    end = instants(begins, over[rows], np.full(len(rows), 12.0))
    columns = {
        "subscription_id": names("s", who),
        "ended_at": moments(end, none),
        "plan": words(PLANS, _plan(shop, held)[rows]),
        "price": money(_price(shop, held)[rows]),
        "period": words(("P30D",), rows * 0),
        "auto_renew": np.ones(len(rows), dtype=np.int64),
        "cancel_reason": words(NAMES, gone.cause[rows], none | ~told),
    }
    return Rows(who, who * 0, happened, end if ended else happened, told & ended, columns)


def campaigns(shop: Shop, held: Habits, begins: Ints) -> Rows:
    """What the shop sends anyway, to one in eight every four weeks: it changes nothing."""
    days = np.arange(20, days_in(begins), CAMPAIGN_EVERY)
    gets = uniform(shop.seed, "campaign", held.who[:, None], days[None, :]) < CAMPAIGN_SHARE
    row, column = np.nonzero(gets & (days[None, :] > held.arrived[:, None]))
    who, day = held.who[row], days[column]
    happened = instants(begins, day, np.full(len(row), 9.0))
    columns = {"campaign": names("letter", day), "channel": words(("email", "post"), day // CAMPAIGN_EVERY % 2)}
    return Rows(who, day, happened, known(shop, "contacts", who, day, happened), np.zeros(len(who), bool), columns)


def signed_up(shop: Shop, held: Habits, begins: Ints) -> Rows:
    """The customers themselves, known from some hours before their first order on."""
    came = np.minimum(held.arrived, days_in(begins) - 1)
    happened = instants(begins, came, 3 * uniform(shop.seed, "signs up", held.who))
    columns = {
        "country": words(
            ("DE", "AT", "FR", "PL"), np.digitize(uniform(shop.seed, "country", held.who), [0.5, 0.7, 0.9])
        ),
        "language": words(("de", "en", "fr"), np.digitize(uniform(shop.seed, "language", held.who), [0.6, 0.85])),
    }
    return Rows(held.who, held.who, happened, happened, np.zeros(len(happened), bool), columns)
