"""Whether the effect of an action is known better customer by customer than by pooled rates; and that effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from winback.learn.policy import LEAVE_ALONE, REACH_OF_MANY, better, expected_gain
from winback.learn.rates import looked_up
from winback.learn.responses import Floats
from winback.learn.uplift import Flags, Uplift, dr_scores

NUMBERS = ("probability", "margin_at_stake", "spend_90d", "orders_90d")
LEAST_TREATED, LEAST_HELD_OUT = 2000, 400  # of an action; with fewer a tree of 200 a leaf finds no difference
MOST_ROWS = 50_000  # the newest; more teach little and take minutes a night
FOLDS = 5
SEED = 0

Learn = Callable[[pd.DataFrame], pd.DataFrame]


class Priced(Protocol):
    """What must be known of an action of the catalogue."""

    @property
    def id(self) -> str: ...


def judged(results: pd.DataFrame, actions: Sequence[Priced], learn: Learn) -> pd.DataFrame:
    """One row an action with enough random rows: is choosing by its effect on each customer better than by its rates?

    `action, treated, held_out` (rows); `better`: what it brings a customer more to treat whom the uplift model says
    than whom the pooled rates say, in money, with `low, high` (99 %: many actions, many nights); `used`: `low` is
    above 0. Both choices are made for rows that neither has seen (five folds), and judged there by doubly robust scores
    of the net gain, with the logged chances. `learn`: results to a table of rates.
    """
    parts = [_judged(action.id, _rows_of(results, action.id), learn) for action in actions]
    columns = ["action", "treated", "held_out", "better", "low", "high", "used"]
    return pd.DataFrame([part for part in parts if part], columns=columns).astype({"used": bool})


def effects(results: pd.DataFrame, customers: pd.DataFrame, used: Sequence[str]) -> pd.DataFrame:
    """One row a customer and action of `used`: customer_id, action, chance_kept (by how much his chance to stay grows).

    `customers`: customer_id, the NUMBERS and stage.
    """
    found = []
    for action in used:
        model, stages = _fitted(_rows_of(results, action))
        kept = model.predict(_matrix(customers, stages))
        found.append(pd.DataFrame({"customer_id": customers["customer_id"], "action": action, "chance_kept": kept}))
    none = pd.DataFrame({"customer_id": [], "action": [], "chance_kept": []})
    told = pd.concat(found, ignore_index=True) if found else none
    return told.astype({"customer_id": "str", "action": "str", "chance_kept": "float64"})


def _rows_of(results: pd.DataFrame, action: str) -> pd.DataFrame:
    """The newest rows in which the action was, or would have been, done."""
    mine = results[results["action"] == action].sort_values(["cutoff", "customer_id"])
    return mine.tail(MOST_ROWS).reset_index(drop=True)


def _judged(action: str, rows: pd.DataFrame, learn: Learn) -> dict[str, object] | None:
    treated = (rows["arm"] == "treated").to_numpy()
    sizes = int(treated.sum()), int((~treated).sum())
    if sizes[0] < LEAST_TREATED or sizes[1] < LEAST_HELD_OUT:
        return None
    done = rows.loc[treated, ["contact_cost", "incentive_cost"]].mean()
    prices = pd.DataFrame([{"action": action, **done.to_dict()}])
    fold = pd.util.hash_pandas_object(rows["customer_id"], index=False).to_numpy() % np.uint64(FOLDS)
    choices, scores = np.zeros((2, len(rows)), dtype=bool), np.zeros(len(rows))
    for number in range(FOLDS):
        new = fold == number
        choices[:, new], scores[new] = _fold(rows[~new], rows[new], learn, prices)
    figure = better(choices[0], choices[1], scores, 0.0)
    low, high = (figure.value + side * REACH_OF_MANY * figure.error for side in (-1, 1))
    told = {"action": action, "treated": sizes[0], "held_out": sizes[1]}
    return {**told, "better": figure.value, "low": low, "high": high, "used": low > 0}


def _fold(
    past: pd.DataFrame, new: pd.DataFrame, learn: Learn, prices: pd.DataFrame
) -> tuple[tuple[Flags, Flags], Floats]:
    """Who would be treated by the uplift model and by the pooled rates, and each row's score."""
    rates, action = learn(past), pd.Series(prices["action"].iloc[0], index=new.index)
    alone = expected_gain(new, pd.Series(LEAVE_ALONE, index=new.index), rates, prices)
    done = expected_gain(new, action, rates, prices)
    model, stages = _fitted(past)
    kept = model.predict(_matrix(new, stages))
    accepts = looked_up(rates, new[["driver", "stage"]].assign(action=action), "accept_rate").fillna(0.0).to_numpy()
    stays = np.clip(1 - new["probability"].to_numpy(dtype=float) + kept, 0.0, 1.0)
    cost = float(prices["contact_cost"].iloc[0]) + float(prices["incentive_cost"].iloc[0]) * accepts * stays
    gain = kept * new["margin_at_stake"].to_numpy(dtype=float) - cost
    treated = (new["arm"] == "treated").to_numpy()
    scores = dr_scores(new["net_gain"].to_numpy(dtype=float), treated, _chance(new), (alone, done))
    return (gain > 0, done > alone), scores


def _chance(rows: pd.DataFrame) -> Floats:
    """The chance of the treated arm, as it was drawn."""
    mine = rows["propensity"].to_numpy(dtype=float)
    return np.asarray(np.where((rows["arm"] == "treated").to_numpy(), mine, 1 - mine), dtype=np.float64)


def _fitted(rows: pd.DataFrame) -> tuple[Uplift, tuple[str, ...]]:
    """An uplift model of staying, and the stages that it knows."""
    stages = tuple(sorted(set(rows["stage"])))
    treated = (rows["arm"] == "treated").to_numpy()
    model = Uplift("x", seed=SEED).fit(_matrix(rows, stages), rows["stayed"].to_numpy(float), treated, _chance(rows))
    return model, stages


def _matrix(rows: pd.DataFrame, stages: Sequence[str]) -> Floats:
    """What was known of each customer: NUMBERS, and whether he is in each stage."""
    numbers = rows[list(NUMBERS)].to_numpy(dtype=float)
    return np.column_stack([numbers, *((rows["stage"] == stage).to_numpy(dtype=float) for stage in stages)])
