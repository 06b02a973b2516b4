"""Trying what is not yet known to be best, for as many customers as the trying is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.learn.rates import looked_up
from winback.learn.responses import Floats


@dataclass(frozen=True)
class Limit:
    """`most_cost`: share (0..1) of the expected net gain that trying may cost. `key`: draws who tries."""

    most_cost: float
    key: str


def explored(
    chosen: pd.DataFrame,
    tries: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
    rates: pd.DataFrame,
    stages: pd.Series[str],
    limit: Limit,
) -> pd.DataFrame:
    """The decisions with those of some customers taken from a try; one row a customer, in the order of `chosen`.

    `chosen`: decisions by the rates as expected. `tries`: decisions by rates drawn, each with the table of its rates.
    `stages`: each customer's stage, in the same order. More columns: `explored` (from a try) and
    `choice_propensity`, the chance of the action he got, (1 - e) [it is the chosen one] + e x its share of the tries:
    what judging another policy by these decisions needs. `attrs`: `explore_share` (e) and `explore_cost` (expected).

    e is 1, or as much less as keeps the expected cost at `most_cost` of the expected net gain of `chosen`. As rates
    become known the tries agree with what is chosen, and trying ends by itself. The expected cost of tries may exceed
    the budget by as much as their draws differ.
    """
    actions = np.array([chosen["action"], *(decided["action"] for decided, _ in tries)], dtype=object)
    worth = [chosen["expected_net_gain"].to_numpy(dtype=float)]
    worth += [_worth(decided, drawn, rates, stages) for decided, drawn in tries]
    lost = worth[0].sum() - np.mean([each.sum() for each in worth[1:]])
    share = 1.0 if lost <= 0 else float(min(1.0, limit.most_cost * max(worth[0].sum(), 0.0) / lost))
    places = _places(chosen["customer_id"], limit.key)
    trying = places[0] < share
    pick = np.where(trying, 1 + (places[1] * len(tries)).astype(int), 0)
    rows = pd.concat([chosen, *(decided for decided, _ in tries)], ignore_index=True)
    mixed = rows.iloc[pick * len(chosen) + np.arange(len(chosen))].set_axis(chosen.index)
    same = actions == actions[pick, np.arange(len(chosen))]
    chance = (1 - share) * same[0] + share * same[1:].mean(axis=0)
    mixed = mixed.assign(explored=trying & ~same[0], choice_propensity=chance)
    mixed.attrs = {**chosen.attrs, "explore_share": share, "explore_cost": float(share * max(lost, 0.0))}
    return mixed


def _worth(decided: pd.DataFrame, drawn: pd.DataFrame, rates: pd.DataFrame, stages: pd.Series[str]) -> Floats:
    """The net gain of decisions at the rates as expected instead of those drawn: kept changes in their proportion."""
    rows = decided[["action", "driver"]].assign(stage=stages.to_numpy())
    expected, tried = (looked_up(table, rows, "save_rate").to_numpy() for table in (rates, drawn))
    ratio = np.divide(expected, tried, out=np.ones(len(rows)), where=np.isfinite(tried) & (tried > 0))
    more = decided["chance_kept"].to_numpy(dtype=float) * (np.nan_to_num(ratio, nan=1.0) - 1)
    worth: Floats = decided["expected_net_gain"].to_numpy(dtype=float) + more * decided["margin_at_stake"].to_numpy()
    return worth


def _places(customer_ids: pd.Series[str], key: str) -> Floats:
    """Two places in [0, 1) of each customer, by a keyed hash: the same again for the same key."""
    keyed = hashlib.blake2b(key=hashlib.sha512(key.encode("utf-8")).digest(), digest_size=16)
    digests = bytearray()
    for customer_id in customer_ids:
        one = keyed.copy()
        one.update(str(customer_id).encode("utf-8"))
        digests += one.digest()
    places: Floats = (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)) / np.float64(2**53)
    return places.reshape(-1, 2).T
