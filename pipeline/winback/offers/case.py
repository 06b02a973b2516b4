"""What a decision weighs: each action for each customer at risk, what stands against it, its cost and its gain."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from winback.offers.action import Action
from winback.offers.causes import Sieve
from winback.offers.eligible import INVOLUNTARY, Limits, meant_for, past_of, permitted, repeatable, rested, uncapped
from winback.offers.options import NONE, Bools, Floats, Ints, Options, Picks, chunks, patterns_of
from winback.offers.response import Rates, Reasons, answered, main_reason, own_rates, rates_at, rates_of, reasons_of

_NUMBERS = ("probability", "margin_at_stake", "average_basket")


@dataclass(frozen=True)
class Known:
    """What is known beside the customers themselves; None where it is not kept.

    `permissions`: a row a customer, may_profile and may_<channel>; absent or NA is no. `history`: a row a contact
    made or decided on: customer_id, action, channel, contacted_at, monetary. `rates`: a row a learned rate: action,
    driver ("any"), stage ("any"), save_rate, accept_rate. `effects`: where an action's effect is known customer by
    customer: customer_id, action, chance_kept (by how much his chance to stay grows), in place of the rates.
    """

    permissions: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    rates: pd.DataFrame | None = None
    effects: pd.DataFrame | None = None


NOTHING_KNOWN = Known()


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
    own = own_rates(known.effects, offered, risky["customer_id"], risky["probability"].to_numpy(dtype=float))
    rates = replace(rates_of(offered, why.drivers, stages, known.rates), own=own)
    contact = _contact(offered, channels)
    may = permitted(risky, channels, known.permissions)
    past = past_of(risky, known.history)
    free = uncapped(len(risky), channels, past, limits)
    options, harmless = _expected(risky, (why, rates, stage), offered, (contact, may & free, limits.min_net_gain))
    tests = {
        "answers": answered(why, rates, stage),
        "permitted": _reached(may, contact),
        "rested": rested(risky, offered, past, limits.cooldown_days) & _reached(may & free, contact),
        "harmless": harmless,
        "eligible": meant_for(risky, offered, main_reason(why, INVOLUNTARY) | limits.involuntary)
        & repeatable(len(risky), offered, past, limits),
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
        save, accept = rates_at(why, stage, rates, rows)
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


@dataclass(frozen=True)
class Taken:
    """One value a customer at risk for whom something is done: his row, the action, and what is expected of it.

    `chance_kept`: by how much the chance to stay grows. `incentive`: given when he redeems. `deadweight`: of the
    expected cost what goes to him if he stays anyway, incentive * accept rate * (1 - probability).
    """

    row: Ints
    action: Ints
    chance_kept: Floats
    incentive: Floats
    deadweight: Floats


def taken(case: Case, picks: Picks) -> Taken:
    """What is expected of the options that are picked."""
    row = np.flatnonzero(picks.action != NONE)
    action = picks.action[row]
    chance = case.risky["probability"].to_numpy(dtype=float)[row]
    rates = rates_at(case.reasons, case.stage, case.rates, row)
    parts = (*rates, incentives(case.risky, case.actions)(row))
    save, accept, given = (np.take_along_axis(part, action[:, None], axis=1)[:, 0] for part in parts)
    return Taken(row, action, chance * save, given, given * accept * (1 - chance))


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
