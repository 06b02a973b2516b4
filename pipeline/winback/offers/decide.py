"""One action for each customer, or none and the cause."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.offers.budget import NONE, Choice, Floats, Ints, best, choose
from winback.offers.catalogue import ANY, LEAVE_ALONE, Action

Bools = NDArray[np.bool_]

# Why a customer is left alone. The first that holds is the one written: what concerns the customer
# comes before what concerns our actions, and these before what concerns our money.
CAUSES = (
    "would_stay_anyway",  # he is not at risk
    "held_out",  # left alone to measure what the others' actions bring
    "contacted_recently",  # every action that answers his reasons must wait
    "cannot_be_moved",  # no action answers any of his reasons
    "not_worth_the_cost",  # the best action's net gain is not above the least that is worth the effort
    "over_budget",  # it was worth it, but others brought more for the money
)

_NUMBERS = ("probability", "margin_at_stake", "average_basket")


@dataclass(frozen=True)
class Limits:
    """What a run may do. Money is in the project's currency.

    `budget`: most the expected cost may be (None: no limit). `min_net_gain`: an action is taken only for
    more than this (>= 0). `cooldown_days`: days to leave a customer in peace after a contact.
    """

    budget: float | None
    min_net_gain: float
    cooldown_days: int

    def __post_init__(self) -> None:
        if (self.budget or 0.0) < 0 or self.min_net_gain < 0 or self.cooldown_days < 0:
            raise ValueError(f"limits cannot be negative: {self}")


@dataclass(frozen=True)
class _Options:
    """What each action (column) would do for each customer at risk (row)."""

    answers: Bools
    rested: Bools
    kept: Floats
    incentive: Floats
    cost: Floats
    gain: Floats


def decide(customers: pd.DataFrame, reasons: pd.DataFrame, actions: Sequence[Action], limits: Limits) -> pd.DataFrame:
    """One row a customer, in order of customer_id: the action of the largest net gain, or the cause for none.

    For a customer with probability p to leave and margin m at stake, an action that answers the share a
    of his reasons (by their positive points) is expected to bring

        chance_kept = p * save_rate * a
        redeemed    = accept_rate * ((1 - p) + chance_kept)      those who stay anyway redeem too
        cost        = contact_cost + incentive_cost * redeemed
        net gain    = chance_kept * m - cost

    Under a budget the total net gain is what is made largest. `would_have_done` is the action itself, and
    for the held-out the action the same rule (at the same price of money) would have given them.
    `attrs` of the frame: `net_gain_bound` (no choice could reach more) and `price_of_money`
    (net gain of one more unit of budget).
    """
    rows = customers.sort_values("customer_id", kind="stable", ignore_index=True)
    _check(rows, reasons)
    actions = sorted((a for a in actions if a.per_customer), key=lambda action: action.id)
    at_risk = rows["at_risk"].to_numpy(dtype=bool)
    risky = rows[at_risk].reset_index(drop=True)
    held_out = risky["held_out"].to_numpy(dtype=bool)
    options = _options(risky, reasons, actions, limits.cooldown_days)
    choice, would_have_done = _choose(options, held_out, limits)
    result = _written(rows, at_risk, actions, options, choice.option)
    causes = _causes(options, choice.option, held_out, limits)
    result.insert(3, "cause", _texts(rows, at_risk, causes, CAUSES[0]))
    ids = [*(action.id for action in actions), LEAVE_ALONE]  # NONE is -1: the last
    result["would_have_done"] = _texts(rows, at_risk, [ids[option] for option in would_have_done], LEAVE_ALONE)
    result.attrs = {"net_gain_bound": choice.bound, "price_of_money": choice.price}
    return result


def _check(rows: pd.DataFrame, reasons: pd.DataFrame) -> None:
    """Refuse frames that would give a customer two answers, or an answer made of nothing."""
    twice = rows.loc[rows["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise ValueError(f"one row a customer expected; {len(twice)} repeat: {reprlib.repr(twice.tolist())}")
    for column in _NUMBERS:
        bad = rows.loc[~np.isfinite(rows[column].to_numpy(dtype=float)), "customer_id"]
        if len(bad):
            raise ValueError(f"{column} must be a number; {len(bad)} are not: {reprlib.repr(bad.tolist())}")
    bad = rows.loc[~rows["probability"].between(0, 1), "customer_id"]
    if len(bad):
        raise ValueError(f"probability must be 0..1; {len(bad)} are not: {reprlib.repr(bad.tolist())}")
    if not np.isfinite(reasons["points"].to_numpy(dtype=float)).all():
        raise ValueError("points of reasons must be numbers; some are not")


def _options(risky: pd.DataFrame, reasons: pd.DataFrame, actions: Sequence[Action], cooldown_days: int) -> _Options:
    """What each action would do for each customer at risk."""
    chance = risky["probability"].to_numpy(dtype=float)[:, None]
    match = _match(risky["customer_id"], reasons, actions)
    kept = chance * match * _row(actions, "save_rate")
    baskets = risky["average_basket"].clip(lower=0.0).to_numpy(dtype=float)[:, None]
    shared = np.array([action.incentive_basis == "basket_share" for action in actions])
    incentive = np.where(shared, baskets, 1.0) * _row(actions, "incentive_cost")
    cost = _contact_costs(actions) + incentive * _row(actions, "accept_rate") * ((1 - chance) + kept)
    gain = kept * risky["margin_at_stake"].to_numpy(dtype=float)[:, None] - cost
    days = risky["days_since_last_contact"].to_numpy(dtype=float, na_value=np.nan)[:, None]
    # Never contacted is NaN, and no comparison with NaN holds: such a customer never has to wait.
    rested = ~(days < np.maximum(_row(actions, "cooldown_days"), cooldown_days))
    return _Options(match > 0, rested, kept, incentive, cost, gain)


def _row(actions: Sequence[Action], field: str) -> Floats:
    """One field of all actions, side by side."""
    return np.array([getattr(action, field) for action in actions], dtype=float)


def _contact_costs(actions: Sequence[Action]) -> Floats:
    """What a contact through each action's preferred channel costs."""
    return np.array([action.contact_cost_by(action.channels[0]) for action in actions], dtype=float)


def _match(customer_ids: pd.Series[str], reasons: pd.DataFrame, actions: Sequence[Action]) -> Floats:
    """The share of each customer's (row) positive points that each action (column) answers."""
    drivers = pd.Index(reasons["driver"].unique())
    row = pd.Index(customer_ids).get_indexer(pd.Index(reasons["customer_id"]))
    cell = row * len(drivers) + drivers.get_indexer(pd.Index(reasons["driver"]))
    known = row >= 0  # reasons are also kept of customers who are not at risk
    pushes = reasons["points"].clip(lower=0.0).to_numpy(dtype=float)
    points = np.bincount(cell[known], weights=pushes[known], minlength=len(customer_ids) * len(drivers))
    # Of nobody, bincount makes whole numbers.
    points = points.astype(float).reshape(len(customer_ids), len(drivers))
    total = points.sum(axis=1, keepdims=True)
    points = np.divide(points, total, out=np.zeros_like(points), where=total > 0)
    answers = [[action.answers(driver) for action in actions] for driver in drivers]
    match = points @ np.array(answers, dtype=float).reshape(len(drivers), len(actions))
    match[:, [ANY in action.drivers for action in actions]] = 1.0
    shares: Floats = np.clip(match, 0.0, 1.0)  # rounded shares may add up to a little more than 1
    return shares


def _choose(options: _Options, held_out: Bools, limits: Limits) -> tuple[Choice, Ints]:
    """The choice of all customers at risk (the held-out get NONE), and what would have been done for each."""
    worth = options.answers & options.rested & (options.gain > limits.min_net_gain)
    gain = np.where(worth, options.gain, -np.inf)
    choice = choose(gain[~held_out], options.cost[~held_out], limits.budget)
    option = np.full(len(gain), NONE)
    option[~held_out] = choice.option
    would = option.copy()
    would[held_out] = best(gain[held_out] - choice.price * options.cost[held_out])
    return Choice(option, choice.price, choice.bound), would


def _causes(options: _Options, option: Ints, held_out: Bools, limits: Limits) -> list[str]:
    """The first cause that holds for each customer at risk; empty where an action is taken."""
    ready = options.answers & options.rested
    answered = options.answers.any(axis=1)
    waits = np.where(answered, ~ready.any(axis=1), ~options.rested.any(axis=1))
    worth = (ready & (options.gain > limits.min_net_gain)).any(axis=1)
    conditions = [option != NONE, held_out, waits, ~answered, ~worth]
    return [str(cause) for cause in np.select(conditions, ["", *CAUSES[1:5]], default=CAUSES[5])]


def _written(
    rows: pd.DataFrame, at_risk: Bools, actions: Sequence[Action], options: _Options, option: Ints
) -> pd.DataFrame:
    """The columns that say what is done for each customer, and what it costs and brings."""
    taken = np.flatnonzero(option != NONE)
    column = option[taken]
    acted = np.zeros(len(rows), dtype=bool)
    acted[np.flatnonzero(at_risk)[taken]] = True

    def numbers(values: Floats) -> Floats:
        written = np.zeros(len(rows))
        written[acted] = values
        return written

    return rows[["customer_id", "cutoff"]].assign(
        action=_texts(rows, acted, [actions[c].id for c in column], LEAVE_ALONE),
        channel=_texts(rows, acted, [actions[c].channels[0] for c in column], ""),
        contact_cost=numbers(_contact_costs(actions)[column]),
        incentive_cost=numbers(options.incentive[taken, column]),
        expected_cost=numbers(options.cost[taken, column]),
        chance_kept=numbers(options.kept[taken, column]),
        margin_at_stake=rows["margin_at_stake"],
        expected_net_gain=numbers(options.gain[taken, column]),
    )


def _texts(rows: pd.DataFrame, where: Bools, texts: Sequence[str], default: str) -> pd.Series[str]:
    """One text a customer: those of `texts` in turn `where` it is true, else `default`."""
    column = np.full(len(rows), default, dtype=object)
    column[where] = texts
    return pd.Series(column, index=rows.index, dtype="str")
