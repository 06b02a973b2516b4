"""What an action is expected to do for a customer: his reasons, and how often the action keeps whom they drive away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from winback.offers.action import ANY, Action
from winback.offers.options import Bools, Floats, Ints

COMPARED = 100  # customers at risk from which a reason is measured by how much it sets one apart from the others
NO_REASON = ""


@dataclass(frozen=True)
class Reasons:
    """The share of each driver (column) in why each customer (row) is leaving; the last column is for no reason.

    Every row adds up to 1: to whom no reason stands out, the last column is 1.
    """

    drivers: tuple[str, ...]
    shares: Floats


@dataclass(frozen=True)
class Rates:
    """By stage of life (first axis), driver (second, the last is no reason) and action (third).

    `save`: of those about to leave for the driver, the share the action keeps; below 0 where it drives away.
    `accept`: chance that one who stays redeems the incentive. `answers`: whether the action is meant for the driver.
    `own`: by number of the action, where its effect is known customer by customer: the save rate of each one's reasons
    together, NaN where it is not.
    """

    stages: tuple[str, ...]
    save: Floats
    accept: Floats
    answers: Bools
    own: Mapping[int, Floats] = field(default_factory=dict)


def reasons_of(customer_ids: pd.Series[str], reasons: pd.DataFrame) -> Reasons:
    """The shares of the drivers in each customer's reasons.

    Points x above 0 count by how far they lie above those of the other customers at risk (all of `customer_ids`),
    in their standard deviations:

        distinct_d = max(0, (x_d - mean_d) / sd_d) where x_d > 0, else 0
        share_d    = distinct_d / sum of all distinct

    What moves everybody at risk alike (he has not been here for long) tells little of the cause; two unanswered
    complaints do. Of fewer than 100 customers the points count as they are, share_d = x_d / sum of those above 0.
    """
    drivers = tuple(sorted(str(d) for d in reasons["driver"].unique()))
    points = _points(customer_ids, reasons, drivers)
    pushes = np.maximum(points, 0.0)
    if len(points) >= COMPARED:
        spread = points.std(axis=0)
        above = np.maximum(points - points.mean(axis=0), 0.0) * (points > 0)
        pushes = np.divide(above, spread, out=np.zeros_like(above), where=spread > 1e-12)
    total = pushes.sum(axis=1, keepdims=True)
    shares = np.divide(pushes, total, out=np.zeros_like(pushes), where=total > 0)
    return Reasons(drivers, np.column_stack([shares, (total == 0).astype(np.float64)]))


def _points(customer_ids: pd.Series[str], reasons: pd.DataFrame, drivers: Sequence[str]) -> Floats:
    """The points of each customer (row) and driver (column); 0 where nothing is said."""
    row = places(reasons["customer_id"], customer_ids)
    cell = row * len(drivers) + places(reasons["driver"], pd.Series(drivers, dtype="str"))
    known = row >= 0  # reasons are also kept of customers who are not at risk
    count = len(customer_ids) * len(drivers)
    points = np.bincount(cell[known], weights=reasons["points"].to_numpy(dtype=float)[known], minlength=count)
    return points.astype(np.float64).reshape(len(customer_ids), len(drivers))


def places(values: pd.Series[str], among: pd.Series[str]) -> Ints:
    """Where each value stands among others; -1 where it does not."""
    texts = [pa.array(part, pa.large_string()) for part in (values, among)]
    return np.asarray(pc.fill_null(pc.index_in(texts[0], texts[1]), -1), dtype=np.int64)


def rates_of(
    actions: Sequence[Action], drivers: Sequence[str], stages: Sequence[str], learned: pd.DataFrame | None
) -> Rates:
    """The catalogue's rates, each replaced by the nearest learned one: same driver before any, then same stage.

    A learned rate of a driver that the catalogue does not name for the action makes the action an answer to it.
    """
    shape = (len(stages), len(drivers) + 1, len(actions))
    answers = np.array([[a.answers(d) if d else ANY in a.drivers for a in actions] for d in (*drivers, NO_REASON)])
    save = np.where(answers, np.array([a.save_rate for a in actions]), 0.0)
    accept = np.tile(np.array([a.accept_rate for a in actions]), (len(drivers) + 1, 1))
    whole = [np.broadcast_to(part, shape).copy() for part in (save, accept, answers)]
    rates = Rates(tuple(stages), whole[0], whole[1], whole[2])
    if learned is not None:
        order = np.lexsort((learned["stage"] != ANY, learned["driver"] != ANY))  # the nearest is written last
        for row in learned.iloc[order].itertuples():
            _learn(rates, row, ([a.id for a in actions], (*drivers, NO_REASON)))
    return rates


def _learn(rates: Rates, row: Any, names: tuple[Sequence[str], Sequence[str]]) -> None:
    """Put one learned rate in its places."""
    ids, drivers = names
    if row.action not in ids:
        return
    action, of_any = ids.index(row.action), row.driver == ANY
    for stage in (s for s, name in enumerate(rates.stages) if row.stage in (name, ANY)):
        for driver in (d for d, name in enumerate(drivers) if row.driver == name or of_any):
            meant = rates.answers[stage, driver, action]
            if not np.isnan(row.save_rate) and (meant or not of_any):
                rates.save[stage, driver, action] = row.save_rate
                rates.answers[stage, driver, action] = True
            if not np.isnan(row.accept_rate):
                rates.accept[stage, driver, action] = row.accept_rate


def mean_rates(shares: Floats, stage: Ints, rates: Rates) -> tuple[Floats, Floats]:
    """The save rate and the accept rate of each action (column) for each customer (row), over his reasons.

    Reasons that an action does not answer count with a save rate of 0, and not at all in its accept rate.
    """
    save, accept = (np.empty((len(stage), rates.save.shape[2])) for _ in range(2))
    for number in np.unique(stage):
        rows = stage == number
        mine, meant = shares[rows], rates.answers[number].astype(np.float64)
        save[rows] = mine @ rates.save[number]
        table = rates.accept[number]
        if (table == table[0]).all():
            accept[rows] = table[0]
            continue
        weight = mine @ meant
        plain = np.broadcast_to(table[-1], weight.shape).copy()
        accept[rows] = np.divide(mine @ (table * meant), weight, out=plain, where=weight > 0)
    return save, accept


def rates_at(reasons: Reasons, stage: Ints, rates: Rates, rows: slice | Ints) -> tuple[Floats, Floats]:
    """`mean_rates` of some customers, with the save rate that is known of a customer himself in place of the mean."""
    save, accept = mean_rates(reasons.shares[rows], stage[rows], rates)
    for action, own in rates.own.items():
        save[:, action] = np.where(np.isnan(own[rows]), save[:, action], own[rows])
    return save, accept


def own_rates(
    effects: pd.DataFrame | None, actions: Sequence[Action], customer_ids: pd.Series[str], chance: Floats
) -> dict[int, Floats]:
    """`Rates.own` of effects: customer_id, action, and chance_kept, by how much his chance to stay grows."""
    found: dict[int, Floats] = {}
    if effects is None:
        return found
    for number, action in enumerate(actions):
        if len(mine := effects[effects["action"] == action.id]):
            place = places(customer_ids, mine["customer_id"].reset_index(drop=True))
            kept = np.append(mine["chance_kept"].to_numpy(dtype=float), np.nan)[place]
            found[number] = np.divide(kept, chance, out=np.zeros_like(kept), where=chance > 0)
    return found


def answered(reasons: Reasons, rates: Rates, stage: Ints) -> Bools:
    """Whether each action (column) answers any reason of each customer (row)."""
    found = np.empty((len(stage), rates.save.shape[2]), dtype=bool)
    for number in np.unique(stage):
        rows = np.flatnonzero(stage == number)
        found[rows] = (reasons.shares[rows] > 0).astype(np.float32) @ rates.answers[number].astype(np.float32) > 0
    return found


def most_answered(reasons: Reasons, rates: Rates, stage: Ints, rows: Ints, action: Ints) -> list[str]:
    """The driver through which each of these customers' actions is expected to do most; "" where there is no reason."""
    part = reasons.shares[rows] * rates.save[stage[rows], :, action]
    meant = rates.answers[stage[rows], :, action] & (reasons.shares[rows] > 0)
    place = np.where(meant, part, -np.inf).argmax(axis=1)
    names = (*reasons.drivers, NO_REASON)
    return [names[p] for p in place]


def share_answered(reasons: Reasons, rates: Rates, stage: Ints, rows: Ints, action: Ints) -> Floats:
    """The share (0..1) of each of these customers' reasons that his action answers."""
    meant = rates.answers[stage[rows], :, action]
    return np.asarray((reasons.shares[rows] * meant).sum(axis=1), dtype=np.float64)


def main_reason(reasons: Reasons, driver: str) -> Bools:
    """Whether the driver has the largest share of each customer's reasons."""
    if driver not in reasons.drivers:
        return np.zeros(len(reasons.shares), dtype=bool)
    is_main: Bools = reasons.shares.argmax(axis=1) == reasons.drivers.index(driver)
    return is_main
