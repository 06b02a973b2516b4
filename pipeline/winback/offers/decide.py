"""One action for each customer, or none and the cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from winback.offers.action import LEAVE_ALONE, Action
from winback.offers.allocate import Allocation, allocate, spread
from winback.offers.case import NOTHING_KNOWN, Case, Known, case_of, taken
from winback.offers.causes import CAUSES, causes, too_dear
from winback.offers.eligible import Limits
from winback.offers.options import NONE, Bools, Floats, Picks, Room, best, costs, gains, some
from winback.offers.response import most_answered, share_answered

__all__ = ["CAUSES", "Known", "Limits", "chosen", "decide", "room_of"]


def decide(
    customers: pd.DataFrame,
    reasons: pd.DataFrame,
    actions: Sequence[Action],
    limits: Limits,
    known: Known = NOTHING_KNOWN,
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
    action itself, and for the held-out the action the same rule at the same prices would have given them; `driver` (the
    reason through which it is expected to do most) and `answered` (the share of the reasons that it answers) are of it.
    `expected_deadweight` is the part of the cost that goes to those who stay anyway: incentive_cost * r * (1 - p).
    `attrs`: `net_gain_bound` (no choice within the limits could gain more), `gap` ((bound - gained) / bound),
    `price_of_money` (net gain of one more unit of budget), `method`. docs/decisions.md has all of it in words.
    """
    return decided(case_of(customers, reasons, actions, limits, known), limits)


def decided(case: Case, limits: Limits) -> pd.DataFrame:
    """What `decide` says of the customers of a case."""
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
    mine = taken(case, done)
    acted = np.zeros(len(rows), dtype=bool)
    acted[np.flatnonzero(case.at_risk)[mine.row]] = True

    def numbers(values: Floats) -> Floats:
        written = np.zeros(len(rows))
        written[acted] = values
        return written

    approval = np.array([*(action.needs_approval for action in actions), False], dtype=bool)
    asks = np.zeros(len(rows), dtype=bool)
    asks[case.at_risk] = approval[would.action] & ~case.risky["held_out"].to_numpy(dtype=bool)
    meant = np.flatnonzero(would.action != NONE)
    asked = (case.reasons, case.rates, case.stage, meant, would.action[meant])
    wanted = case.at_risk.copy()
    wanted[case.at_risk] = would.action != NONE
    answered = np.zeros(len(rows))
    answered[wanted] = share_answered(*asked)
    return rows[["customer_id", "cutoff"]].assign(
        action=_texts(rows, acted, [ids[a] for a in mine.action], LEAVE_ALONE),
        cause=_texts(rows, case.at_risk, told, CAUSES[0]),
        channel=_texts(rows, acted, [ways[c] for c in done.channel[mine.row]], ""),
        contact_cost=numbers(case.options.contact[mine.action, done.channel[mine.row]]),
        incentive_cost=numbers(mine.incentive),
        expected_cost=numbers(costs(case.options, done)[mine.row]),
        chance_kept=numbers(mine.chance_kept),
        margin_at_stake=rows["margin_at_stake"],
        expected_net_gain=numbers(gains(case.options, done)[mine.row]),
        would_have_done=_texts(rows, case.at_risk, [ids[c] for c in would.action], LEAVE_ALONE),
        would_have_channel=_texts(rows, case.at_risk, [ways[c] for c in would.channel], ""),
        needs_approval=asks,
        driver=_texts(rows, wanted, most_answered(*asked), ""),
        expected_deadweight=numbers(mine.deadweight),
        answered=answered,
    )


def _texts(rows: pd.DataFrame, where: Bools, texts: Sequence[str], default: str) -> pd.Series[str]:
    """One text a customer: those of `texts` in turn `where` it is true, else `default`."""
    column = np.full(len(rows), default, dtype=object)
    column[where] = texts
    return pd.Series(column, index=rows.index, dtype="str")
