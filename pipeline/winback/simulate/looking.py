"""Visits, and what becomes of the shop's weekly mails: the table of events."""

from __future__ import annotations

import numpy as np

from winback.simulate.causes import CAUSES
from winback.simulate.chance import Flags, Floats, Ints, normal, uniform, waiting
from winback.simulate.habits import Habits
from winback.simulate.happenings import Happenings
from winback.simulate.leaving import NEVER, Leaving
from winback.simulate.rows import Rows, known, numbers, together, words
from winback.simulate.shop import Shop, instants

KINDS = ("visit", "product_view", "add_to_cart", "email_open", "email_click", "unsubscribe")
MAIL_EVERY, UNSUBSCRIBES_A_YEAR = 7, 0.04


def visits(shop: Shop, held: Habits, interest: Floats, when: Happenings, begins: Ints) -> tuple[Rows, Rows]:
    """Visits, and those that were left out because interest had gone.

    `value` is how long a visit took: it has nothing to do with anything.
    """
    who = held.who[when.row]
    comes = uniform(shop.seed, "still comes", who, when.number) < interest[when.row, when.day]
    hour = held.hour[when.row] + 2.5 * normal(shop.seed, "visit hour", who, when.number)
    kind = np.digitize(uniform(shop.seed, "visit kind", who, when.number), [0.7, 0.88])
    value = np.round(np.exp(4 + normal(shop.seed, "seconds", who, when.number)), 1)
    rows = _rows(shop, ("visits", begins), (who, when.number, when.day, hour), kind)
    rows = Rows(rows.who, rows.number, rows.happened, rows.recorded, ~comes, {**rows.columns, "value": value})
    return rows.only(comes), rows.only(~comes)


def _rows(shop: Shop, told: tuple[str, Ints], at: tuple[Ints, Ints, Ints, Floats], kind: Ints) -> Rows:
    """Rows of events: `told` is a purpose and where days begin, `at` customer, number, day and hour."""
    purpose, begins = told
    who, number, day, hour = at
    happened = instants(begins, day, hour)
    columns = {"kind": words(KINDS, kind), "value": numbers(np.zeros(len(who)), np.ones(len(who), bool))}
    return Rows(who, number, happened, known(shop, purpose, who, number, happened), np.zeros(len(who), bool), columns)


def unsubscribed(shop: Shop, held: Habits, gone: Leaving) -> tuple[Ints, Flags]:
    """The day from which a customer gets no mails any more, and whether the cause made it so."""
    usual = np.maximum(held.arrived, 0) + 365 / UNSUBSCRIBES_A_YEAR * waiting(shop.seed, "unsubscribes", held.who)
    share = np.where(gone.traced, np.array([c.unsubscribes for c in CAUSES])[gone.cause], 0.0)
    does = uniform(shop.seed, "unsubscribes now", held.who) < share
    now = gone.onset + 3 + 12 * waiting(shop.seed, "unsubscribes after", held.who)
    now = np.where(does & (now < gone.kept), now, NEVER)
    return np.minimum(np.minimum(usual, now), NEVER).astype(np.int64), now < usual


def mails(shop: Shop, held: Habits, gone: Leaving, level: tuple[Floats, Floats], begins: Ints) -> tuple[Rows, Rows]:
    """Opened and clicked mails with the unsubscriptions, and the openings that were left out for lack of interest.

    `level`: what fading leaves of opening, and what the cause's own loss of interest leaves, by day.
    """
    faded, interest = level
    sent = np.arange(3, faded.shape[1], MAIL_EVERY)
    until, caused = unsubscribed(shop, held, gone)
    gets = (sent[None, :] >= held.arrived[:, None]) & (sent[None, :] < until[:, None])
    luck = uniform(shop.seed, "opens", held.who[:, None], sent[None, :])
    would = held.opens[:, None] * (0.3 + 0.7 * faded[:, sent])
    row, column = np.nonzero(gets & (luck < would))
    opened = luck[row, column] < (would * interest[:, sent])[row, column]
    who, day = held.who[row], sent[column]
    hour = 8 + 14 * uniform(shop.seed, "opening hour", who, day)
    opens = _rows(shop, ("mails", begins), (who, day, day, hour), np.full(len(who), 3))
    clicks = opened & (uniform(shop.seed, "clicks", who, day) < held.clicks[row])
    clicked = _rows(shop, ("clicks", begins), (who, day, day, hour + 0.05), np.full(len(who), 4)).only(clicks)
    leaves = np.flatnonzero(until < faded.shape[1])
    last = _rows(
        shop, ("ends", begins), (held.who[leaves], until[leaves], until[leaves], held.hour[leaves]), leaves * 0 + 5
    )
    last = Rows(last.who, last.number, last.happened, last.recorded, caused[leaves], last.columns)
    missed = opens.only(~opened)
    lost = Rows(missed.who, missed.number, missed.happened, missed.recorded, np.ones(len(missed.who), bool))
    return together([opens.only(opened), clicked, last]), lost
