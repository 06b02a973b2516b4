"""What was weighed for each customer at risk: the best actions that answer his reasons, and what stood against each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from winback.offers.action import LEAVE_ALONE
from winback.offers.case import Case, incentives
from winback.offers.options import NONE, Bools, Floats, Ints, chunks
from winback.offers.response import rates_at

KEPT = 6  # of a customer: enough to see what else there was, and a tenth of what all would take
ANOTHER = "another_chosen"
# The tests of an action for a customer, in the order in which a decision makes them, and what failing one is called.
TESTS = {
    "permitted": "no_consent",
    "rested": "contacted_recently",
    "harmless": "sleeping_dog",
    "eligible": "not_eligible",
    "worth": "not_worth_the_cost",
}


def candidates(case: Case, decisions: pd.DataFrame) -> pd.DataFrame:
    """One row an action weighed for a customer at risk: customer_id, action, channel, chance_kept, expected_cost,
    expected_net_gain, stands_against; by customer, what was (or would have been) done first, then by gain.

    Of each the KEPT best of the actions that answer a reason of his, those on offer before the others.
    `decisions` as `decide` made them of the same case. `channel`: the cheapest by which he may be reached, of those
    that may not the cheapest at all. `stands_against`: "" for what is done; for what was on offer why something
    else, or nothing, was done (ANOTHER, or the cause of the decision); else the first of TESTS that it fails.
    """
    made = decisions.set_index("customer_id").loc[case.risky["customer_id"]]
    ids = [action.id for action in case.actions]
    best = pd.Index([*ids, LEAVE_ALONE]).get_indexer(pd.Index(made["would_have_done"]))
    best = np.where(best == len(ids), NONE, best)
    parts = [_weighed(case, rows, best[rows]) for rows in chunks(len(case.risky))]
    told = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(_NUMBERS))
    row, action = (told[name].to_numpy(dtype=np.int64) for name in ("row", "number"))
    channel = told["way"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "customer_id": case.risky["customer_id"].to_numpy()[row],
            "action": np.array([*ids, ""])[action],
            "channel": np.array([*case.channels, ""])[channel],
            **{name: told[name].to_numpy(dtype=np.float64) for name in _NUMBERS[3:]},
            "stands_against": _against(case, made, row, action),
        }
    ).astype({"customer_id": "str", "action": "str", "channel": "str", "stands_against": "str"})


_NUMBERS = ("row", "number", "way", "chance_kept", "expected_cost", "expected_net_gain")


def _weighed(case: Case, rows: slice, best: Ints) -> pd.DataFrame:
    """The places of the best actions of some customers, with their numbers."""
    chance, stake = (
        case.risky[name].to_numpy(dtype=float)[rows][:, None] for name in ("probability", "margin_at_stake")
    )
    save, accept = rates_at(case.reasons, case.stage, case.rates, rows)
    kept = chance * save
    contact, way = _ways(case, rows)
    cost = contact + incentives(case.risky, case.actions)(rows) * accept * ((1 - chance) + kept)
    gain = kept * stake - cost
    order = gain + np.where(case.sieve.on_offer[rows], _above(gain), 0.0)
    order = np.where(case.sieve.answers[rows], order, -np.inf)
    done = np.flatnonzero(best != NONE)
    order[done, best[done]] = np.inf
    number = np.argsort(-order, axis=1, kind="stable")[:, :KEPT]
    here, place = np.nonzero(np.take_along_axis(order, number, axis=1) > -np.inf)
    cell = here, number[here, place]
    found = (here + rows.start, cell[1], way[cell], kept[cell], cost[cell], gain[cell])
    return pd.DataFrame(dict(zip(_NUMBERS, found, strict=True)))


def _above(gain: Floats) -> float:
    """More than the gains of any two actions lie apart."""
    return float(np.ptp(gain)) + 1.0 if gain.size else 1.0


def _ways(case: Case, rows: slice) -> tuple[Floats, Ints]:
    """What the cheapest contact costs by customer and action, and its channel."""
    price = case.options.contact[None, :, :]
    open_ = np.where(case.options.reach[rows][:, None, :], price, np.inf)
    open_ = np.where(np.isfinite(open_).any(axis=2, keepdims=True), open_, price)
    way = open_.argmin(axis=2)
    return np.take_along_axis(open_, way[:, :, None], axis=2)[:, :, 0], way


def _against(case: Case, made: pd.DataFrame, row: Ints, action: Ints) -> list[str]:
    """What stands against each action of a customer."""
    taken, would, cause = (made[name].to_numpy()[row] for name in ("action", "would_have_done", "cause"))
    names = np.array([*(each.id for each in case.actions), ""])[action]
    fails: list[Bools] = [~getattr(case.sieve, test)[row, action] for test in TESTS]
    instead = (would != LEAVE_ALONE) & (would != names)
    conditions = [taken == names, *fails, instead]
    return [str(word) for word in np.select(conditions, ["", *TESTS.values(), ANOTHER], cause)]
