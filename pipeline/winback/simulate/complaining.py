"""Tickets and surveys."""

from __future__ import annotations

import numpy as np

from winback.simulate.buying import Baskets
from winback.simulate.causes import CAUSES
from winback.simulate.chance import Flags, Floats, Ints, normal, taken, uniform, waiting
from winback.simulate.habits import Habits
from winback.simulate.leaving import Leaving, of_cause, shows
from winback.simulate.rows import Rows, known, moments, names, numbers, together, words
from winback.simulate.shop import DAY_US, Shop, days_in, instants

TOPICS = ("delivery", "quality", "service", "invoice", "account")
ASKS, MOST_COMPLAINTS = 0.05, 3  # share of the orders that are asked about; complaints of one failure
SURVEYED_EVERY = 120
Asked = tuple[Ints, Ints, Ints, Floats]  # customer, number, microseconds, days to the answer


def tickets(shop: Shop, held: Habits, gone: Leaving, bought: Baskets, begins: Ints) -> Rows:
    """Questions about some orders, and the complaints of those whom a failure struck.

    A ticket is a row when it is opened and another when it is resolved.
    """
    return together([_questions(shop, held, bought, begins), _complaints(shop, held, gone, begins)])


def _questions(shop: Shop, held: Habits, bought: Baskets, begins: Ints) -> Rows:
    """What is asked about an order in the days after it, whoever the customer is; most are answered within a day."""
    asks = uniform(shop.seed, "asks", bought.who, bought.when.number) < ASKS
    day = bought.when.day + 1 + (5 * uniform(shop.seed, "asks on", bought.who, bought.when.number)).astype(np.int64)
    each = taken(bought, asks & (day < days_in(begins)))
    who, number = each.who, each.when.number
    hour = held.hour[each.when.row] + 1.5 * normal(shop.seed, "asks at", who, number)
    opened = instants(begins, day[asks & (day < days_in(begins))], hour)
    days = 0.5 * np.exp(1.0 * normal(shop.seed, "answer", who, number))
    topic = (len(TOPICS) * uniform(shop.seed, "topic", who, number)).astype(np.int64)
    csat = np.where(days > 3, 3.4, 4.3) + 0.9 * normal(shop.seed, "csat", who, number)
    said = uniform(shop.seed, "rates", who, number) < 0.45
    return _ticket_rows(shop, (who, number, opened, days), (topic, csat, said), np.zeros(len(who), bool))


def _complaints(shop: Shop, held: Habits, gone: Leaving, begins: Ints) -> Rows:
    """One to three complaints in the weeks after a failure struck."""
    upset = np.array([bool(c.tickets) for c in CAUSES])[gone.cause] & (gone.onset < days_in(begins)) & gone.traced
    row, turn = np.nonzero(np.repeat(upset[:, None], MOST_COMPLAINTS, axis=1))
    who = held.who[row]
    after = (1 + 7 * turn) * (0.3 + waiting(shop.seed, "complains on", who, turn))
    day = np.minimum(gone.onset[row] + after.astype(np.int64), days_in(begins))
    does = uniform(shop.seed, "complains", who, turn) < np.array([0.95, 0.55, 0.25])[turn]
    kept = does & (day < days_in(begins)) & shows(gone, row, day)
    who, turn, row, day = who[kept], turn[kept], row[kept], day[kept]
    days = of_cause("waits_days", gone, row, day) * np.exp(0.6 * normal(shop.seed, "waits", who, turn))
    first = np.array([TOPICS.index(c.tickets[0]) if c.tickets else 0 for c in CAUSES])
    other = np.array([TOPICS.index(c.tickets[-1]) if c.tickets else 0 for c in CAUSES])
    topic = np.where(uniform(shop.seed, "complaint", who, turn) < 0.6, first[gone.cause[row]], other[gone.cause[row]])
    csat = of_cause("csat", gone, row, day) + 0.8 * normal(shop.seed, "complaint csat", who, turn)
    said = uniform(shop.seed, "complaint rated", who, turn) < 0.6
    opened = instants(begins, day, held.hour[row])
    return _ticket_rows(shop, (who, 10_000 + turn, opened, days), (topic, csat, said), np.ones(len(who), bool))


def _ticket_rows(shop: Shop, asked: Asked, answer: tuple[Ints, Floats, Flags], traces: Flags) -> Rows:
    """The opened and the resolved row of each ticket."""
    who, number, opened, days = asked
    topic, csat, said = answer
    resolved = opened + (np.clip(days, 0.02, 60) * DAY_US).astype(np.int64) // 1_000_000 * 1_000_000
    none = np.ones(len(who), bool)
    about = {"ticket_id": names("t", who, number), "topic": words(TOPICS, topic)}
    mark = np.round(np.clip(csat, 1, 5))
    before = {**about, "resolved_at": moments(resolved, none), "csat": numbers(mark, none)}
    after = {**about, "resolved_at": moments(resolved), "csat": numbers(mark, ~said)}
    known_at = known(shop, "tickets", who, number, opened)
    opening = Rows(who, number, opened, known_at, traces, before)
    return together([opening, Rows(who, number, opened, np.maximum(resolved, known_at), traces, after)])


def surveys(shop: Shop, held: Habits, gone: Leaving, bought: Baskets, begins: Ints) -> Rows:
    """The question of recommending, asked three times a year, and of satisfaction with some orders."""
    return together([_nps(shop, held, gone, begins), _csat(shop, gone, bought)])


def _nps(shop: Shop, held: Habits, gone: Leaving, begins: Ints) -> Rows:
    turns = np.arange(days_in(begins) // SURVEYED_EVERY + 1)
    day = (
        turns[None, :] * SURVEYED_EVERY
        + (SURVEYED_EVERY * uniform(shop.seed, "surveyed", held.who)).astype(np.int64)[:, None]
    )
    answers = uniform(shop.seed, "answers", held.who[:, None], turns[None, :]) < 0.3
    row, turn = np.nonzero(answers & (day >= held.arrived[:, None]) & (day < days_in(begins)))
    day, who = day[row, turn], held.who[row]
    usual = held.satisfaction[row] + 1.2 * normal(shop.seed, "nps", who, turn)
    score = usual - of_cause("nps", gone, row, day)
    traces = shows(gone, row, day) & (np.round(score) <= 6) & (usual - score >= 2)
    happened = instants(begins, day, held.hour[row])
    columns = {"kind": words(("nps",), turn * 0), "score": np.round(np.clip(score, 0, 10))}
    return Rows(who, turn, happened, known(shop, "surveys", who, turn, happened), traces, columns)


def _csat(shop: Shop, gone: Leaving, bought: Baskets) -> Rows:
    chosen = np.flatnonzero(uniform(shop.seed, "asked after", bought.who, bought.when.number) < 0.05)
    each = taken(bought, chosen)
    who, number = each.who, each.when.number
    less = of_cause("nps", gone, each.when.row, each.when.day) / 2
    score = 4.4 - less + 0.8 * normal(shop.seed, "order csat", who, number)
    happened = each.instant + DAY_US
    columns = {"kind": words(("csat",), number * 0), "score": np.round(np.clip(score, 1, 5))}
    return Rows(who, number, happened, known(shop, "order csat", who, number, happened), less >= 1, columns)
