"""What nobody could know but we do: causes, and the true chance of ordering again.

The chance at a cutoff is that of whoever knows everything about the customer up to then, except what
chance has still to decide: which cause strikes when, how quickly it works, and when orders are placed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from winback.simulate.actions import ACTIONS, DELIVERED, IDS, STATES, effects, state_at
from winback.simulate.causes import CARD_FAILS, CAUSES, GONE, NAMES, NONE, OWN_DOING, PAYMENT, SPEEDS
from winback.simulate.chance import Floats, Ints, taken
from winback.simulate.habits import dates, first_gap, paused
from winback.simulate.happenings import stays_away
from winback.simulate.leaving import KEPT, NEVER, Leaving, ends, hazards, left_of, seasons, strikes
from winback.simulate.rows import Rows, names, words
from winback.simulate.shop import date_of
from winback.simulate.world import Made, People, World

TRACES = 2  # rows that would not be without the cause: from so many on it can be seen


def customers(some: Made) -> pa.Table:
    """One row a customer: habits, and the cause, beginning and end of the leaving that begins within the log."""
    w, held, gone = some.world, some.people.held, some.people.gone
    struck = (gone.onset < w.until) | (gone.driven < w.until)
    cause = np.where(gone.driven < gone.onset, len(NAMES), gone.cause)
    over = ends(gone)
    told = {
        "customer_id": names("c", held.who),
        "arrived": _dates(w, held.arrived),
        "one_time": held.one_time,
        "orders_per_week": held.rate * 7,
        "gap_shape": held.gap_shape,
        "basket": held.basket,
        "categories": held.breadth,
        "discount_taste": held.discount_taste,
        "visits_per_week": held.visits * 7,
        "opens_mails": held.opens,
        "pause_begins": pa.array(held.pause_begins, mask=held.pause_days == 0),
        "pause_days": held.pause_days,
        "subscriber": held.subscriber,
        "cause": words((*NAMES, OWN_DOING), cause, ~struck),
        "onset": _dates(w, np.minimum(gone.onset, gone.driven), ~struck),
        "end": _dates(w, over, ~struck | (over >= NEVER)),
        "leaves_traces": pa.array(gone.traced, mask=~struck),
        "kept_on": _dates(w, gone.kept, gone.kept == NEVER),
        "driven_away_on": _dates(w, gone.driven, gone.driven == NEVER),
    }
    return pa.table(told).filter(pa.array(held.arrived < w.until))


def _dates(w: World, day: Ints, missing: np.ndarray | None = None) -> pa.Array:
    return pa.array(dates(w.shop, np.minimum(day, 20_000)), mask=missing)


def at_cutoff(some: Made, horizon: int) -> pa.Table:
    """One row a customer who has come by the end of `some.world`: the true chance of no order in the horizon, and why.

    `cause` is the one at work, `level` what is left of the rate of buying, `traces` how many rows or
    missing rows of it were known by then, `traced` whether those are enough to be seen.
    """
    w, held, gone = some.world, some.people.held, some.people.gone
    struck = strikes(gone, np.full(len(held.who), w.until - 1))
    driven = gone.driven < w.until
    counted = _traces(some)
    told = {
        **_asked(w, held.who, horizon),
        "leaves": leaves(w, some.people, horizon),
        "cause": words((*NAMES, OWN_DOING), np.where(driven, len(NAMES), gone.cause), ~(struck | driven)),
        "struck_days_ago": pa.array(w.until - gone.onset, mask=~struck),
        "level": left_of(gone, np.array([w.until]))[:, 0],
        "on_pause": paused(w.shop, held, np.array([w.until]))[:, 0],
        "one_time": held.one_time,
        "traces": counted,
        "traced": gone.traced & struck & (counted >= TRACES),
    }
    return pa.table(told).filter(pa.array(held.arrived < w.until))


def _asked(w: World, who: Ints, horizon: int) -> dict[str, pa.Array]:
    """The columns that say of whom, when and for how long a chance is told."""
    date = np.datetime64(date_of(w.shop, w.until))
    told = {"customer_id": names("c", who), "cutoff": pa.array(np.full(len(who), date))}
    return {**told, "horizon_days": pa.array(np.full(len(who), horizon))}


def _traces(some: Made) -> Ints:
    """How many traces of each customer's cause are known by the end."""
    by, first = some.world.begins[-1], some.people.held.who[0]
    parts: list[Rows] = [*some.missing, *(rows for parts in some.rows.values() for rows in parts)]
    marks = [part.who[part.traces & (part.recorded < by)] for part in parts]
    return np.bincount(np.concatenate(marks) - first, minlength=len(some.people.held.who)).astype(np.int64)


def leaves(w: World, some: People, horizon: int) -> Floats:
    """The chance of no order in `horizon` days from `w.until` on, for each of the customers."""
    kept, driven = some.gone.kept <= w.until, some.gone.driven <= w.until
    settled = kept | driven | (some.gone.onset < w.until)
    fixed = silent(w, some, _left_later(w, some.gone, horizon), horizon)
    open_still = np.flatnonzero(~settled)
    fixed[open_still] = _unstruck(w, _some(some, open_still), horizon)
    return fixed


def silent(w: World, some: People, left: Floats, horizon: int) -> Floats:
    """The chance of no order where what is left of the rate on each day of the horizon is known."""
    pace = _pace(w, some, horizon)
    return _survives(w, some, (pace * left).sum(axis=1))


def _left_later(w: World, gone: Leaving, horizon: int) -> Floats:
    return left_of(gone, w.until + np.arange(horizon))


def _pace(w: World, some: People, horizon: int) -> Floats:
    """The rate of buying on each day of the horizon, of a customer whom nothing strikes."""
    return some.held.rate[:, None] * seasons(w.shop, some.held, w.until + np.arange(horizon))


def _survives(w: World, some: People, more: Floats) -> Floats:
    """The chance that the gap that is open at the end goes on for as much operational time."""
    shape = (-1, *[1] * (more.ndim - 1))
    stages, waited = some.held.gap_shape.reshape(shape), _waited(w, some).reshape(shape)
    return np.asarray(stays_away(stages, waited + more) / stays_away(stages, waited))


def _waited(w: World, some: People) -> Floats:
    """The operational time since each customer's last order."""
    _, before = first_gap(w.shop.seed, some.held)
    last = -before
    np.maximum.at(last, some.orders.row, some.orders.at)
    waited: Floats = some.time[:, -1] - last
    return waited


def _unstruck(w: World, some: People, horizon: int) -> Floats:
    """The same for customers on whom nothing has struck yet: over the day and cause of what may strike.

    A cause that strikes on day j of the horizon takes its part from then on; constant hazards and the
    end of the card compete.
    """
    pace, a_day = _pace(w, some, horizon), hazards(some.held)
    total = a_day.sum(axis=1)
    day = np.arange(horizon)
    card = (some.held.card_ends - w.until)[:, None]
    spared = np.where(day[None, :] >= card, 1 - CARD_FAILS, 1.0) * np.where(card < 0, 1 / (1 - CARD_FAILS), 1.0)
    strikes_on = (np.exp(-np.outer(total, day)) - np.exp(-np.outer(total, day + 1))) * spared
    ends_on = np.where(day[None, :] == card, np.exp(-total[:, None] * day[None, :]) * CARD_FAILS, 0.0)
    chance: Floats = np.exp(-total * horizon) * spared[:, -1] * _survives(w, some, pace.sum(axis=1))
    for number, cause in enumerate(CAUSES):
        weight = strikes_on * (a_day[:, number] / total)[:, None] + ends_on * (number == PAYMENT)
        for speed in SPEEDS:
            gone_by = _survives(w, some, pace @ _fading(cause.fades_days * speed, horizon))
            chance += (weight * gone_by).sum(axis=1) / len(SPEEDS)
    return chance


def _fading(fades: float, horizon: int) -> Floats:
    """What is left on each day (row) of the horizon of a customer struck on each day (column) of it."""
    since = np.arange(horizon)[:, None] - np.arange(horizon)[None, :] + 1
    return np.asarray(1 - (1 - GONE) * np.clip(since / fades, 0.0, 1.0), dtype=np.float64)


def _some(some: People, rows: Ints) -> People:
    """The customers of these rows; their orders are numbered anew."""
    place = np.full(len(some.held.who), -1)
    place[rows] = np.arange(len(rows))
    orders = taken(some.orders, place[some.orders.row] >= 0)
    orders = replace(orders, row=place[orders.row])
    return People(taken(some.held, rows), taken(some.gone, rows), some.season[rows], some.time[rows], orders)


def stays(w: World, some: People, horizon: int) -> pa.Table:
    """One row a customer and action (none first): the true chance of an order in the horizon after `until`.

    With an action: that of being offered it on that day, delivered or not.
    """
    alone = 1 - leaves(w, some, horizon)
    kept = 1 - silent(w, some, np.full((1, horizon), KEPT), horizon)
    driven = 1 - silent(w, some, np.full((1, horizon), GONE), horizon)
    works = DELIVERED * effects()[state_at(w.shop, some.held, some.gone, w.until)]
    free = (some.gone.kept > w.until) & (some.gone.driven > w.until)
    works = np.where(free[:, None], works, 0.0)
    target = np.where(works > 0, kept[:, None], driven[:, None])
    chance = np.column_stack([alone, alone[:, None] + np.abs(works) * (target - alone[:, None])])
    who, many = some.held.who, chance.shape[1]
    action = words((NONE, *IDS), np.tile(np.arange(many), len(who)))
    told = {**_asked(w, np.repeat(who, many), horizon), "action": action, "stays": chance.ravel()}
    return pa.table(told).filter(pa.array(np.repeat(some.held.arrived < w.until, many)))


def effects_table() -> pa.Table:
    """One row a state and action: the chance, once delivered, to keep a leaver; below zero to drive away."""
    state, action = np.meshgrid(np.arange(len(STATES)), np.arange(len(ACTIONS)), indexing="ij")
    told = {"state": words(STATES, state.ravel()), "action": words(IDS, action.ravel()), "effect": effects().ravel()}
    return pa.table(told)
