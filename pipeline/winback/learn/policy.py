"""What the choices made have earned, and what other choices would have: from logged decisions and their chances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from winback.learn.qini import Figure, mean_of
from winback.learn.rates import answered_of, looked_up
from winback.learn.responses import Floats

LEAVE_ALONE = "leave_alone"
LEAST_MATCHED = 30  # rows in which another policy would have done what was done; with fewer nothing is told


def logged(results: pd.DataFrame) -> pd.DataFrame:
    """The decisions as they were carried out: `did` (leave_alone for the held-out) and `chance`, of that.

    `results`: as `effects.results`, with `choice_propensity` where some decisions were tries (`learn.explore`).
    """
    held = results["arm"] == "held_out"
    choice = results["choice_propensity"] if "choice_propensity" in results else pd.Series(1.0, index=results.index)
    did = results["action"].where(~held, LEAVE_ALONE)
    return results.assign(did=did, chance=results["propensity"] * choice.where(~held, 1.0))


def expected_gain(rows: pd.DataFrame, action: pd.Series[str], rates: pd.DataFrame, prices: pd.DataFrame) -> Floats:
    """The net gain of an action for each row by the rates, as results count it: stays x margin at stake - cost.

    stays = 1 - p + p m s, cost = contact + incentive x accept_rate x stays. `prices`: one row an action: action,
    contact_cost, incentive_cost. `answered` (m) is 1 where `rows` do not tell it.
    """
    asked = rows[["driver", "stage"]].assign(action=action)
    rate, accepts = (looked_up(rates, asked, name).fillna(0.0).to_numpy() for name in ("save_rate", "accept_rate"))
    p = rows["probability"].to_numpy(dtype=float)
    stays = 1 - p + p * rate * answered_of(rows)
    priced = asked[["action"]].merge(prices, on="action", how="left")[["contact_cost", "incentive_cost"]].fillna(0.0)
    contact, incentive = priced.to_numpy(dtype=float).T
    gain: Floats = stays * rows["margin_at_stake"].to_numpy(dtype=float) - contact - incentive * accepts * stays
    return gain


def policy_report(
    results: pd.DataFrame, policies: Mapping[str, pd.Series[str]], rates: pd.DataFrame, prices: pd.DataFrame
) -> pd.DataFrame:
    """One row a policy: what it earns more than leaving everybody alone, for the customers of `results`.

    `policies`: by name the action of each row, `leave_alone` among them; the policy in use is added as "in use" (the
    action decided). `per_customer` with `low, high` (95 %, one look), `total`, `matched` (rows in which the log did
    what the policy wants) and `effective` (rows that their weights leave, (sum w)^2 / sum w^2). Doubly robust: with q
    the gain expected by the rates and e the logged chance,

        value = mean( q(policy) + [did = policy] (gain - q(did)) / e )

    which is right where the chances are, whatever the rates say, and the narrower the better these are (Dudik,
    Langford and Li, Statistical Science 29 (4), 2014). Values are NaN with fewer than 30 matched rows of any action it
    takes: what was never tried cannot be judged.
    """
    rows = logged(results)
    by_log = expected_gain(rows, rows["did"], rates, prices)
    base = _scores(rows, pd.Series(LEAVE_ALONE, index=rows.index), by_log, rates, prices)
    told = []
    for name, action in {"in use": rows["action"], **policies}.items():
        matched = rows["did"] == action
        scores = _scores(rows, action, by_log, rates, prices) - base
        figure = mean_of(scores) if _judgeable(action, matched) else Figure(np.nan, np.nan)
        weights = (matched / rows["chance"]).to_numpy(dtype=float)
        told.append(
            {
                "policy": name,
                "per_customer": figure.value,
                "low": figure.low,
                "high": figure.high,
                "total": figure.value * len(rows),
                "matched": int(matched.sum()),
                "effective": float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300)),
            }
        )
    return pd.DataFrame(told)


def _scores(
    rows: pd.DataFrame, action: pd.Series[str], by_log: Floats, rates: pd.DataFrame, prices: pd.DataFrame
) -> Floats:
    weight = ((rows["did"] == action) / rows["chance"]).to_numpy(dtype=float)
    scores: Floats = expected_gain(rows, action, rates, prices) + weight * (rows["net_gain"].to_numpy() - by_log)
    return scores


def _judgeable(action: pd.Series[str], matched: pd.Series[bool]) -> bool:
    """Whether each action of a policy was done often enough where the policy wants it."""
    return bool(matched.groupby(action).sum().min() >= LEAST_MATCHED)


def better(one: Floats, other: Floats, scores: Floats, cost: float) -> Figure:
    """What treating where `one` is true earns a customer more than where `other` is, by doubly robust scores.

    `scores` (`learn.uplift.dr_scores`) are of rows that neither choice has seen, in money before `cost`, which each
    treated one costs. An uplift model is used only where this Figure's `low` is above 0.
    """
    return mean_of((one.astype(float) - other.astype(float)) * (scores - cost))


def budget_curve(decisions: pd.DataFrame, points: int = 10) -> pd.DataFrame:
    """One row a budget, from the first tenth of what all decisions cost to all of it: `cost`, `net_gain`, `customers`.

    Decisions come in by what they bring for the money, so the curve bends down: `next_unit` is the net gain of one
    unit of budget more at that point. For decisions made without a budget.
    """
    acted = decisions[decisions["action"] != LEAVE_ALONE]
    cost, gain = (acted[name].to_numpy(dtype=float) for name in ("expected_cost", "expected_net_gain"))
    order = np.argsort(-gain / np.maximum(cost, 1e-9), kind="stable")
    spent, earned = np.cumsum(cost[order]), np.cumsum(gain[order])
    if not len(order):
        return pd.DataFrame(columns=["cost", "net_gain", "customers", "next_unit"])
    ends = np.minimum(np.searchsorted(spent, spent[-1] * np.arange(1, points + 1) / points), len(order) - 1)
    ratio = (gain / np.maximum(cost, 1e-9))[order]
    return pd.DataFrame(
        {"cost": spent[ends], "net_gain": earned[ends], "customers": ends + 1, "next_unit": ratio[ends]}
    )
