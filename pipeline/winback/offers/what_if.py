"""What another budget would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

import numpy as np
import pandas as pd

from winback.offers.action import Action
from winback.offers.case import Case, Known, case_of, taken
from winback.offers.decide import chosen, room_of
from winback.offers.eligible import Limits
from winback.offers.options import NONE, costs, gains

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25)  # of what would be spent if there were no end of money


def what_if(
    customers: pd.DataFrame,
    reasons: pd.DataFrame,
    actions: Sequence[Action],
    limits: Limits,
    known: Known,
    budgets: Sequence[float] = (),
) -> pd.DataFrame:
    """One row a budget, from the smallest: what the same customers would be given for it, and what that would bring.

    Columns: budget, spent (expected cost), contacted (customers), expected_net_gain, net_gain_bound (no choice within
    the limits could gain more), marginal_gain (net gain of one more unit of budget, 0 where money is not short) and
    expected_deadweight (incentives to those who stay anyway). Without `budgets`: shares of what would be spent if there
    were no end of money, and the budget of the limits. Every other limit holds as it is; nothing is written.
    """
    case = case_of(customers, reasons, actions, limits, known)
    asked = sorted(set(budgets)) if len(budgets) else _round_budgets(case, limits)
    rows = [_at(case, replace(limits, budget=float(budget))) for budget in asked]
    return pd.DataFrame(rows, columns=list(rows[0]))


def _round_budgets(case: Case, limits: Limits) -> list[float]:
    """Budgets to look at, to three digits."""
    endless = _at(case, replace(limits, budget=None))["spent"]
    wanted = [float(f"{share * endless:.3g}") for share in SHARES]
    return sorted({*wanted, *([] if limits.budget is None else [limits.budget])})


def _at(case: Case, limits: Limits) -> dict[str, float]:
    """The figures of one budget."""
    held_out = case.risky["held_out"].to_numpy(dtype=bool)
    found = chosen(case, held_out, room_of(case, limits))
    return {
        "budget": np.inf if limits.budget is None else limits.budget,
        "spent": fsum(costs(case.options, found.picks)),
        "contacted": int((found.picks.action != NONE).sum()),
        "expected_net_gain": fsum(gains(case.options, found.picks)),
        "net_gain_bound": found.bound,
        "marginal_gain": found.prices.money,
        "expected_deadweight": fsum(taken(case, found.picks).deadweight),
    }
