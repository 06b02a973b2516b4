"""What the choices made have earned, and what other choices would have: from logged decisions and their chances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.learn.qini import Figure, mean_of
from winback.learn.rates import answered_of, looked_up
from winback.learn.responses import Floats

LEAVE_ALONE = "leave_alone"
LEAST_MATCHED = 30  # rows in which another policy would have done what was done; with fewer nothing is told
LEAST_TOLD = 0.5  # of the customers; of the others only the rates would speak
REACH_OF_MANY = 2.575829  # 99 %: five policies looked at together err as seldom as one at 95 %
UNKNOWN = Figure(float("nan"), float("nan"))


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


def expected_gains(
    results: pd.DataFrame, learn: Callable[[pd.DataFrame], pd.DataFrame], prices: pd.DataFrame
) -> pd.DataFrame:
    """One column an action of `prices`, and leave_alone: its `expected_gain` for each row, by the rates that the other
    half of the customers taught (`learn`: results to a table of rates), so that no row speaks for itself.
    """
    half = pd.util.hash_pandas_object(results["customer_id"], index=False).to_numpy() % np.uint64(2) == 0
    found = pd.DataFrame(index=results.index, columns=[*prices["action"], LEAVE_ALONE], dtype="float64")
    for mine in (half, ~half):
        rows, rates = results[mine], learn(results[~mine])
        for name in found.columns:
            found.loc[mine, name] = expected_gain(rows, pd.Series(name, index=rows.index), rates, prices)
    return found


@dataclass(frozen=True)
class Policy:
    """What is done for each row; `drawn`: it follows the decisions made, tries among them, and is not fixed before."""

    action: pd.Series[str]
    drawn: bool = False


def policy_report(results: pd.DataFrame, policies: Mapping[str, Policy], expected: pd.DataFrame) -> pd.DataFrame:
    """One row a policy: what it earns more than leaving everybody alone, for the `customers` of `results`.

    `policies`: by name; the policy in use is added as "in use" (the action decided). `expected`: the gain of each
    action (column) for each row, as `expected_gains`. `per_customer` with `low, high` (95 %, one look), `total`;
    `better`: than the policy in use, with `better_low, better_high` (99 %: several policies are looked at);
    `matched` (rows in which the log did what the policy wants), `effective` (rows that their weights leave,
    (sum w)^2 / sum w^2) and `told` (share of the customers for whom the log can tell: the mean weight, 1 at most).
    Doubly robust: with q the gain expected and e the logged chance of what was done,

        value = mean( q(policy) + [did = policy] (gain - q(did)) / e )

    which is right where the chances are, whatever q says, and the narrower the better q is (Dudik, Langford and Li,
    Statistical Science 29 (4), 2014). Where the policy follows what was drawn e is the chance of the arm alone. Values
    are NaN with fewer than 30 matched rows of any action it fixes (in all, where it was drawn), or where less than half
    of the customers can be told of: what was never tried cannot be judged.
    """
    rows, alone = logged(results), pd.Series(LEAVE_ALONE, index=results.index)
    base, used = (_scores(rows, policy, expected) for policy in (Policy(alone), Policy(rows["action"], drawn=True)))
    told = []
    for name, policy in {"in use": Policy(rows["action"], drawn=True), **policies}.items():
        matched = rows["did"] == policy.action
        weights = _weights(rows, policy)
        scores = _scores(rows, policy, expected)
        share = min(1.0, float(weights.mean()))
        known = share >= LEAST_TOLD and _judgeable(policy, matched)
        figure, beside = (mean_of(each) if known else UNKNOWN for each in (scores - base, scores - used))
        told.append(
            {
                "policy": name,
                "customers": len(rows),
                "per_customer": figure.value,
                "low": figure.low,
                "high": figure.high,
                "total": figure.value * len(rows),
                "better": beside.value,
                "better_low": beside.value - REACH_OF_MANY * beside.error,
                "better_high": beside.value + REACH_OF_MANY * beside.error,
                "matched": int(matched.sum()),
                "effective": float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300)),
                "told": share,
            }
        )
    return pd.DataFrame(told)


def _weights(rows: pd.DataFrame, policy: Policy) -> Floats:
    """1 / the logged chance, where what was done is what the policy wants; else 0."""
    chance = rows["propensity"] if policy.drawn else rows["chance"]
    weights: Floats = ((rows["did"] == policy.action) / chance).to_numpy(dtype=float)
    return weights


def _scores(rows: pd.DataFrame, policy: Policy, expected: pd.DataFrame) -> Floats:
    wanted, did = (_of(expected, action) for action in (policy.action, rows["did"]))
    scores: Floats = wanted + _weights(rows, policy) * (rows["net_gain"].to_numpy(dtype=float) - did)
    return scores


def _of(expected: pd.DataFrame, action: pd.Series[str]) -> Floats:
    """Each row's value of one column; of an action without a column, that of leaving him alone."""
    place = expected.columns.get_indexer(pd.Index(action))
    place = np.where(place < 0, expected.columns.tolist().index(LEAVE_ALONE), place)
    found: Floats = expected.to_numpy(dtype=float)[np.arange(len(expected)), place]
    return found


def _judgeable(policy: Policy, matched: pd.Series[bool]) -> bool:
    """Whether what a policy does was done often enough where it wants it: each action, or in all what was drawn."""
    if policy.drawn:
        return int(matched.sum()) >= LEAST_MATCHED
    return bool(matched.groupby(policy.action).sum().min() >= LEAST_MATCHED)


def better(one: Floats, other: Floats, scores: Floats, cost: float) -> Figure:
    """What treating where `one` is true earns a customer more than where `other` is, by doubly robust scores.

    `scores` (`learn.uplift.dr_scores`) are of rows that neither choice has seen, in money before `cost`, which each
    treated one costs. An uplift model is used only where this Figure's `low` is above 0.
    """
    return mean_of((one.astype(float) - other.astype(float)) * (scores - cost))
