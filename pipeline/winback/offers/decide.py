"""One action for each customer, or none and the cause."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from winback.offers.action import LEAVE_ALONE, Action
from winback.offers.allocate import Allocation, allocate, spread
from winback.offers.causes import CAUSES, Sieve, causes, too_dear
from winback.offers.eligible import INVOLUNTARY, Limits, meant_for, permitted, repeatable, rested, uncapped
from winback.offers.options import (
    NONE,
    Bools,
    Floats,
    Ints,
    Options,
    Picks,
    Room,
    best,
    chunks,
    costs,
    gains,
    patterns_of,
    some,
)  # fmt: skip
from winback.offers.response import (
    Rates,
    Reasons,
    answered,
    main_reason,
    mean_rates,
    most_answered,
    rates_of,
    reasons_of,
)  # fmt: skip

__all__ = ["CAUSES", "Case", "Known", "Limits", "case_of", "decide", "room_of"]

_NUMBERS = ("probability", "margin_at_stake", "average_basket")


@dataclass(frozen=True)
class Known:
    """What is known beside the customers themselves; None where it is not kept.

    `permissions`: a row a customer, may_profile and may_<channel>; absent or NA is no. `history`: a row a contact
    made or decided on: customer_id, action, channel, contacted_at, monetary. `rates`: a row a learned rate: action,
    driver ("any"), stage ("any"), save_rate, accept_rate.
    """

    permissions: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    rates: pd.DataFrame | None = None


@dataclass(frozen=True)
class Case:
    """All that a decision weighs, of the customers at risk in order of customer_id; actions in order of id."""

    rows: pd.DataFrame
    at_risk: Bools
    risky: pd.DataFrame
    actions: tuple[Action, ...]
    channels: tuple[str, ...]
    reasons: Reasons
    rates: Rates
    stage: Ints
    sieve: Sieve
    options: Options


def decide(
    customers: pd.DataFrame,
    reasons: pd.DataFrame,
    actions: Sequence[Action],
    limits: Limits,
    known: Known = Known(),
) -> pd.DataFrame:
    """One row a customer, in order of customer_id: the action and channel of the choice that gains most, or the cause.

    `customers` has a row each: customer_id, cutoff, probability, at_risk, held_out, margin_at_stake,
    average_basket, days_since_last_contact, where known stage, and what the actions' conditions ask about.
    For a customer with probability p to leave and margin m at stake, of whose reasons the driver d has the share
    a_d (winback.offers.response), an action with the rates s_d (of those about to leave, kept) and r (of those who
    stay, redeeming) is expected to bring

        chance_kept = p * sum of a_d * s_d
        redeemed    = r * ((1 - p) + chance_kept)      those who stay anyway redeem too
        cost        = contact_cost + incentive_cost * redeemed
        net gain    = chance_kept * m - cost

    The total net gain is made as large as the limits allow (winback.offers.allocate). `would_have_done` is the
    action itself, and for the held-out the action the same rule at the same prices would have given them.
    `expected_deadweight` is the part of the cost that goes to those who stay anyway: incentive_cost * r * (1 - p).
    `attrs`: `net_gain_bound` (no choice within the limits could gain more), `gap` ((bound - gained) / bound),
    `price_of_money` (net gain of one more unit of budget), `method`. docs/decisions.md has all of it in words.
    """
    case = case_of(customers, reasons, actions, limits, known)
    held_out = case.risky["held_out"].to_numpy(dtype=bool)
    found = chosen(case, held_out, room_of(case, limits))
    would = best(case.options, found.prices).picks
    would = _where(held_out, would, found.picks)
    dear = too_dear(case.options, found.prices, limits.budget is None)
    told = causes(case.sieve, held_out, found.picks, dear)
    waiting = _awaiting(case, found.picks, limits.approved)
    told = [CAUSES[-1] if waits else cause for waits, cause in zip(waiting, told, strict=True)]
    done = _where(waiting, Picks(np.full(len(waiting), NONE), np.full(len(waiting), NONE)), found.picks)
    result = _written(case, done, would, told)
    result.attrs = {
        "net_gain_bound": found.bound,
        "gap": found.gap,
        "price_of_money": found.prices.money,
        "method": found.method,
    }
    return result


def case_of(
    customers: pd.DataFrame, reasons: pd.DataFrame, actions: Sequence[Action], limits: Limits, known: Known
) -> Case:
    """What may be done for whom, and what it is expected to cost and to bring."""
    rows = customers.sort_values("customer_id", kind="stable", ignore_index=True)
    _check(rows, reasons)
    offered = tuple(sorted((a for a in actions if a.per_customer), key=lambda action: action.id))
    channels = tuple(dict.fromkeys(channel for action in offered for channel in action.channels))
    at_risk = rows["at_risk"].to_numpy(dtype=bool)
    risky = rows[at_risk].reset_index(drop=True)
    why = reasons_of(risky["customer_id"], reasons)
    stages, stage = _stages(risky)
    rates = rates_of(offered, why.drivers, stages, known.rates)
    contact = _contact(offered, channels)
    may = permitted(risky, channels, known.permissions)
    free = uncapped(risky, channels, known.history, limits)
    options, harmless = _expected(risky, (why, rates, stage), offered, (contact, may & free, limits.min_net_gain))
    tests = {
        "answers": answered(why, rates, stage),
        "permitted": _reached(may, contact),
        "rested": rested(risky, offered, known.history, limits.cooldown_days) & _reached(may & free, contact),
        "harmless": harmless,
        "eligible": meant_for(risky, offered, main_reason(why, INVOLUNTARY) | limits.involuntary)
        & repeatable(risky, offered, known.history, limits),
    }
    sieve = Sieve(**tests, worth=np.ones_like(harmless))
    np.putmask(options.gain, ~sieve.on_offer, -np.inf)
    sieve = replace(sieve, worth=_worth(options, offered, channels, limits))
    np.putmask(options.gain, ~sieve.worth, -np.inf)
    return Case(rows, at_risk, risky, offered, channels, why, rates, stage, sieve, options)


def _stages(risky: pd.DataFrame) -> tuple[tuple[str, ...], Ints]:
    """The stages of life there are, and the number of each customer's."""
    if "stage" not in risky or risky.empty:
        return ("",), np.zeros(len(risky), dtype=np.int64)
    names, number = np.unique(risky["stage"].to_numpy(dtype=str), return_inverse=True)
    return tuple(str(name) for name in names), number


def _contact(actions: Sequence[Action], channels: Sequence[str]) -> Floats:
    """What a contact costs by action (row) and channel (column); inf where the action has no such channel."""
    cost = np.full((len(actions), len(channels)), np.inf)
    for row, action in enumerate(actions):
        for channel in action.channels:
            cost[row, channels.index(channel)] = action.contact_cost_by(channel)
    return cost


def _expected(
    risky: pd.DataFrame,
    response: tuple[Reasons, Rates, Ints],
    actions: Sequence[Action],
    given: tuple[Floats, Bools, float],
) -> tuple[Options, Bools]:
    """The options of all customers at risk, whatever stands against them, and which actions are not harmful."""
    why, rates, stage = response
    gain, cost = (np.empty((len(risky), len(actions))) for _ in range(2))
    harmless = np.empty(gain.shape, dtype=bool)
    chance, stake = (risky[name].to_numpy(dtype=float)[:, None] for name in ("probability", "margin_at_stake"))
    incentive = incentives(risky, actions)
    for rows in chunks(len(risky)):
        save, accept = mean_rates(why.shares[rows], stage[rows], rates)
        kept = chance[rows] * save
        cost[rows] = incentive(rows) * accept * ((1 - chance[rows]) + kept)
        gain[rows] = kept * stake[rows] - cost[rows]
        harmless[rows] = kept >= 0
    return Options(gain, cost, *given), harmless


def incentives(risky: pd.DataFrame, actions: Sequence[Action]) -> Callable[[slice | Ints], Floats]:
    """A function of some rows: what each action (column) gives each of these customers (row) who redeems it."""
    baskets = risky["average_basket"].clip(lower=0.0).to_numpy(dtype=float)[:, None]
    shared = np.array([action.incentive_basis == "basket_share" for action in actions], dtype=bool)
    each = np.array([action.incentive_cost for action in actions], dtype=float)
    return lambda rows: np.where(shared, baskets[rows], 1.0) * each


def _reached(reach: Bools, contact: Floats) -> Bools:
    """Whether each action (column) has a channel by which each customer (row) may be reached."""
    pattern, patterns = patterns_of(reach)
    there = np.array((patterns[:, None, :] & np.isfinite(contact)).any(axis=2))
    return np.asarray(there[pattern], dtype=bool)


def _worth(options: Options, actions: Sequence[Action], channels: Sequence[str], limits: Limits) -> Bools:
    """Whether each action brings more than the least, and money clearly more than what is free and not rationed."""
    monetary = np.array([action.monetary for action in actions], dtype=bool)
    endless = np.array([action.capacity is None for action in actions], dtype=bool) & ~monetary
    open_to_all = np.array([channel not in limits.channel_capacity for channel in channels], dtype=bool)
    pattern, patterns = patterns_of(options.reach)
    least, free = (
        np.where(patterns[:, None, :] & also, options.contact, np.inf).min(axis=2, initial=np.inf)
        for also in (np.True_, open_to_all)
    )
    passed = np.empty(options.gain.shape, dtype=bool)
    for rows in chunks(len(options)):
        net = options.gain[rows] - least[pattern[rows]]
        rival = np.where(endless, options.gain[rows] - free[pattern[rows]], -np.inf).max(axis=1, initial=-np.inf)
        bar = np.where(rival > limits.min_net_gain, rival * (1 + limits.monetary_edge), limits.min_net_gain)
        passed[rows] = net > np.where(monetary, bar[:, None], limits.min_net_gain)
    return passed


def room_of(case: Case, limits: Limits) -> Room:
    """The room that the limits leave for everybody together."""
    actions = [np.inf if action.capacity is None else action.capacity for action in case.actions]
    channels = [limits.channel_capacity.get(channel, np.inf) for channel in case.channels]
    budget = np.inf if limits.budget is None else limits.budget
    return Room(budget, np.array(actions, dtype=float), np.array(channels, dtype=float))


def chosen(case: Case, held_out: Bools, room: Room) -> Allocation:
    """The choice for all customers at risk; the held-out get nothing and use up nothing."""
    if not held_out.any():
        return allocate(case.options, room)
    free = np.flatnonzero(~held_out)
    found = allocate(some(case.options, free), room)
    return replace(found, picks=spread(found.picks, free, len(held_out)))


def _where(condition: Bools, one: Picks, other: Picks) -> Picks:
    return Picks(*(np.where(condition, *pair) for pair in ((one.action, other.action), (one.channel, other.channel))))


def _awaiting(case: Case, picks: Picks, approved: frozenset[str] | None) -> Bools:
    """Whether what is chosen for a customer must be released first, and has not been."""
    if approved is None:
        return np.zeros(len(picks.action), dtype=bool)
    waits = [action.needs_approval and action.id not in approved for action in case.actions]
    return np.array([*waits, False], dtype=bool)[picks.action]  # NONE is -1: the last


def _written(case: Case, done: Picks, would: Picks, told: Sequence[str]) -> pd.DataFrame:
    """The columns of a decision."""
    rows, actions, channels = case.rows, case.actions, case.channels
    ids, ways = [*(action.id for action in actions), LEAVE_ALONE], [*channels, ""]  # NONE is -1: the last
    taken = np.flatnonzero(done.action != NONE)
    column = done.action[taken]
    acted = np.zeros(len(rows), dtype=bool)
    acted[np.flatnonzero(case.at_risk)[taken]] = True

    def numbers(values: Floats) -> Floats:
        written = np.zeros(len(rows))
        written[acted] = values
        return written

    chance = case.risky["probability"].to_numpy(dtype=float)[taken]
    mine = mean_rates(case.reasons.shares[taken], case.stage[taken], case.rates)
    save, accept = (np.take_along_axis(part, column[:, None], axis=1)[:, 0] for part in mine)
    given = np.take_along_axis(incentives(case.risky, actions)(taken), column[:, None], axis=1)[:, 0]
    approval = np.array([*(action.needs_approval for action in actions), False], dtype=bool)
    asks = np.zeros(len(rows), dtype=bool)
    asks[case.at_risk] = approval[would.action]
    driver = most_answered(case.reasons, case.rates, case.stage, taken, column)
    return rows[["customer_id", "cutoff"]].assign(
        action=_texts(rows, acted, [ids[c] for c in column], LEAVE_ALONE),
        cause=_texts(rows, case.at_risk, told, CAUSES[0]),
        channel=_texts(rows, acted, [ways[c] for c in done.channel[taken]], ""),
        contact_cost=numbers(case.options.contact[column, done.channel[taken]]),
        incentive_cost=numbers(given),
        expected_cost=numbers(costs(case.options, done)[taken]),
        chance_kept=numbers(chance * save),
        margin_at_stake=rows["margin_at_stake"],
        expected_net_gain=numbers(gains(case.options, done)[taken]),
        would_have_done=_texts(rows, case.at_risk, [ids[c] for c in would.action], LEAVE_ALONE),
        would_have_channel=_texts(rows, case.at_risk, [ways[c] for c in would.channel], ""),
        needs_approval=asks,
        driver=_texts(rows, acted, driver, ""),
        expected_deadweight=numbers(given * accept * (1 - chance)),
    )


def _texts(rows: pd.DataFrame, where: Bools, texts: Sequence[str], default: str) -> pd.Series[str]:
    """One text a customer: those of `texts` in turn `where` it is true, else `default`."""
    column = np.full(len(rows), default, dtype=object)
    column[where] = texts
    return pd.Series(column, index=rows.index, dtype="str")


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
