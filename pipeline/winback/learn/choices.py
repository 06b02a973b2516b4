"""Other policies than the one in use: what each would have done for the customers of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from winback.learn.policy import LEAVE_ALONE, Policy


class Meant(Protocol):
    """What must be known of an action of the catalogue."""

    @property
    def id(self) -> str: ...
    @property
    def stages(self) -> tuple[str, ...]: ...
    @property
    def monetary(self) -> bool: ...
    def answers(self, driver: str) -> bool: ...


def prices_of(results: pd.DataFrame) -> pd.DataFrame:
    """One row an action done: action, contact_cost, incentive_cost, as those treated cost on average."""
    done = results[(results["arm"] == "treated") & ~results["action"].isin([LEAVE_ALONE, ""])]
    return done.groupby("action")[["contact_cost", "incentive_cost"]].mean().reset_index()


def others(
    results: pd.DataFrame, expected: pd.DataFrame, prices: pd.DataFrame, actions: Sequence[Meant]
) -> dict[str, Policy]:
    """Policies by name; the actions they choose from are those that were done and are in the catalogue.

    leave_alone; riskiest_half and most_valuable_half (as decided, the others left alone); no_money_off (as decided,
    but nothing where money would be given; absent where none was); best_known (what the rates of today expect most of,
    by `expected`, among what is meant for his driver and stage); cheapest (of the same, the one that costs least).
    """
    decided, offered = results["action"], [action for action in actions if action.id in set(prices["action"])]
    monetary = {action.id for action in actions if action.monetary}
    fits = np.array([_fits(action, results) for action in offered]).reshape(len(offered), len(results)).T
    names = [action.id for action in offered]
    gain = expected[names].to_numpy(dtype=float)
    cost = prices.set_index("action").loc[names].sum(axis=1).to_numpy(dtype=float)
    alone = expected[LEAVE_ALONE].to_numpy(dtype=float)
    return {
        LEAVE_ALONE: Policy(pd.Series(LEAVE_ALONE, index=results.index)),
        "riskiest_half": _kept(decided, results["probability"] >= results["probability"].median()),
        "most_valuable_half": _kept(decided, results["margin_at_stake"] >= results["margin_at_stake"].median()),
        **({"no_money_off": _kept(decided, ~decided.isin(monetary))} if decided.isin(monetary).any() else {}),
        "best_known": _best(np.where(fits, gain, -np.inf), alone, names, results.index),
        "cheapest": _best(np.where(fits, -cost, -np.inf), np.full(len(results), -1e300), names, results.index),
    }


def _kept(decided: pd.Series[str], where: pd.Series[bool]) -> Policy:
    return Policy(decided.where(where, LEAVE_ALONE), drawn=True)


def _fits(action: Meant, results: pd.DataFrame) -> list[bool]:
    """Whether an action is meant for each row's driver and stage."""
    pairs = zip(results["driver"], results["stage"], strict=True)
    return [stage in action.stages and action.answers(driver) for driver, stage in pairs]


def _best(worth: np.ndarray, alone: np.ndarray, names: Sequence[str], index: pd.Index) -> Policy:
    """The action (column) that is worth most, or none where it is not worth more than nothing."""
    every = np.column_stack([alone, worth])
    return Policy(pd.Series(np.array([LEAVE_ALONE, *names], dtype=object)[every.argmax(axis=1)], index=index))
