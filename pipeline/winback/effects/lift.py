"""What listing customers changed, by metric and by group, with intervals for one look and for many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from winback.effects import intervals
from winback.effects.estimate import Arms, Effect, Floats, effect
from winback.effects.pooling import pooled

METRICS = ("stayed", "orders", "revenue", "margin", "net_gain", "earned")
POWER_Z = 0.8416  # of the normal: four of five campaigns that truly work are seen
MOST_TIMES = 4096.0

# What is known of a customer beforehand, the most telling of each metric first.
_OF_STAYING = ("probability", "orders_90d", "spend_90d")
_OF_MONEY = ("expected_spend", "spend_90d", "probability")


def lift(results: pd.DataFrame, by: str = "", metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """One row a group and metric, groups of the column `by` sorted ("" for all rows at once).

    `group, metric`; `treated, held_out` (customers); `per_customer` (the effect a customer), `low, high` (for one
    look), `ever_low, ever_high` (for any number of looks); `total` = per_customer x treated, with its intervals
    as `total_low`, ...; `chance`: p-value at any look, raised for the number of groups of the metric (Holm);
    `pooled, pooled_low, pooled_high`: the effect drawn towards that of all groups as far as the groups agree;
    `promised`: the effect decided on; `verdict`: one of works, harms, less_than_promised, unclear, too_few;
    `needs`: customers more (in both arms, at the same shares) until the promised effect would be seen four
    times of five; NaN where it is seen already or nothing was promised.
    """
    groups = [("all", results)] if not by else [(str(name), rows) for name, rows in results.groupby(by, sort=True)]
    table = pd.DataFrame([row for metric in metrics for row in _metric(groups, metric)])
    return table.sort_values(["group", "metric"], key=_order(metrics), kind="stable", ignore_index=True)


def _order(metrics: Sequence[str]) -> Any:
    places = {metric: place for place, metric in enumerate(metrics)}
    return lambda column: column.map(places) if column.name == "metric" else column


def _metric(groups: Sequence[tuple[str, pd.DataFrame]], metric: str) -> Iterator[dict[str, Any]]:
    """The rows of one metric: its groups are one family."""
    effects = [effect(rows[metric].to_numpy(dtype=float), arms_of(rows, metric)) for _, rows in groups]
    chances = intervals.holm([intervals.any_look_chance(e) for e in effects])
    together = pooled([e.centre for e in effects], [e.error for e in effects])
    for (name, rows), e, chance, (value, low, high) in zip(groups, effects, chances, together, strict=True):
        promise = promised(rows, metric)
        yield {
            "group": name,
            "metric": metric,
            "treated": e.treated,
            "held_out": e.held_out,
            **_told(e),
            "chance": chance,
            "pooled": value,
            "pooled_low": low,
            "pooled_high": high,
            "promised": promise,
            "verdict": verdict(e, chance, promise),
            "needs": needs(e, promise) if chance > intervals.ALPHA else math.nan,
        }


def arms_of(rows: pd.DataFrame, metric: str) -> Arms:
    """The design of some results: arms, propensities, customers, and what was known of them beforehand."""
    expected = (1 - rows["probability"]) * rows["spend_90d"]
    known = rows.assign(expected_spend=expected)[list(_OF_STAYING if metric in ("stayed", "orders") else _OF_MONEY)]
    covariates = known.to_numpy(dtype=float, copy=True)
    missing = np.isnan(covariates)
    covariates[missing] = np.take(np.nan_to_num(_means(covariates)), np.nonzero(missing)[1])
    treated = (rows["arm"] == "treated").to_numpy()
    return Arms(treated, rows["propensity"].to_numpy(dtype=float), pd.factorize(rows["customer_id"])[0], covariates)


def _means(columns: Floats) -> Floats:
    counts = np.maximum((~np.isnan(columns)).sum(axis=0), 1)
    means: Floats = np.nansum(columns, axis=0) / counts
    return means


def promised(rows: pd.DataFrame, metric: str) -> float:
    """The effect a customer that was decided on; NaN for a metric of which none was foretold.

    Staying: (expected_net_gain + contact_cost) / margin_at_stake, which leaves out what redeemers cost.
    """
    acted = rows[rows["arm"] == "treated"]
    if metric == "net_gain" and len(acted):
        return float(acted["expected_net_gain"].mean())
    if metric == "stayed" and len(acted) and acted["margin_at_stake"].mean() > 0:
        worth = acted["expected_net_gain"].mean() + acted["contact_cost"].mean()
        return float(worth / acted["margin_at_stake"].mean())
    return math.nan


def _told(e: Effect) -> dict[str, float]:
    """The effect and its intervals, a customer and in all."""
    one, ever = intervals.one_look(e), intervals.any_look(e)
    told = {"per_customer": e.value, "low": one.low, "high": one.high, "ever_low": ever.low, "ever_high": ever.high}
    names = ("total", "total_low", "total_high", "total_ever_low", "total_ever_high")
    return {**told, **{name: value * e.treated for name, value in zip(names, told.values(), strict=True)}}


def verdict(e: Effect, chance: float, promise: float) -> str:
    """What may be said at any look, after the number of groups was taken into account.

    works, harms: the effect is above, below nothing. less_than_promised: neither, and the interval for any look
    ends below the promise. unclear: the data allow both. too_few: an arm has too few customers for any word.
    """
    if not intervals.can_tell(e):
        return "too_few"
    if chance <= intervals.ALPHA:
        return "works" if e.centre > 0 else "harms"
    return "less_than_promised" if intervals.any_look(e).high < promise else "unclear"


def needs(e: Effect, promise: float) -> float:
    """About how many customers more, in both arms, until the promised effect would be seen four times of five.

    The least multiple m of today's customers with (reach + 0.84) x error / sqrt(m) <= promise, the reach of an
    interval for any look in errors being that of the larger size; NaN without a promise above 0 or an error.
    """
    if not (promise > 0 and e.error > 0):
        return math.nan
    times = np.geomspace(1.0, MOST_TIMES, 400)
    reach = np.array([intervals.reach_per_error(e.effective * m) for m in times])
    enough = (reach + POWER_Z) * e.error / np.sqrt(times) <= promise
    if not enough.any():
        return math.inf
    return float(math.ceil((times[np.argmax(enough)] - 1) * (e.treated + e.held_out)))
