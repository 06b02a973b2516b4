"""What a customer is worth if he stays, if he leaves, and what is at stake between the two."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.errors import NotEnoughData
from winback.offers.spending import Floats, SpendModel, expected_spend, fit_spend

SHRINK_DAYS = 90


def margin_at_stake(
    spend: pd.Series[float], tenure_days: pd.Series[float], margin_rate: float, value_days: int
) -> pd.Series[float]:
    """Margin one customer brings over `value_days` if he stays, in the project's currency; never negative.

    `spend` is what he spent in his `tenure_days` (from his first order to the cutoff, >= 0), and
    `0 <= margin_rate <= 1`. His daily rate is shrunk to that of all customers together:

        r = sum(spend) / sum(tenure_days)
        rate_i = (spend_i + k * r) / (tenure_days_i + k),  k = 90 days
        margin_i = margin_rate * value_days * rate_i

    as if each had first spent k days as the average customer. Without it, somebody whose first order
    was yesterday would be worth one order a day, and the money would go to newcomers.

    >>> spend, tenure = pd.Series([100.0, 800.0]), pd.Series([10, 440])
    >>> margin_at_stake(spend, tenure, margin_rate=0.3, value_days=180).round(2).tolist()
    [151.2, 99.85]

    The first spends 10 a day so far against 2 a day of all, and is valued at 2.80 a day.
    """
    bad = spend.isna() | tenure_days.isna() | (tenure_days < 0)
    if bad.any():
        raise ValueError(
            f"spend and tenure_days must be numbers and tenure_days >= 0; {int(bad.sum())} customers have "
            f"others, in rows {reprlib.repr(np.flatnonzero(bad).tolist())}"
        )
    spent = spend.clip(lower=0.0)
    all_days = float(tenure_days.sum())
    daily = float(spent.sum()) / all_days if all_days else 0.0
    rate = (spent + SHRINK_DAYS * daily) / (tenure_days + SHRINK_DAYS)
    return rate * (margin_rate * value_days)


@dataclass(frozen=True)
class ValueModel:
    """What customers spend in `window_days` if they stay, and if they leave.

    `leaves` None: too few who left bought again, so that their spend is `left_share` of what they would have
    spent had they stayed.
    """

    window_days: int
    stays: SpendModel
    leaves: SpendModel | None
    left_share: float


def fit_value(rows: pd.DataFrame, outcomes: pd.DataFrame, window_days: int) -> ValueModel:
    """A model of what a customer spends in a window, from rows of features whose windows have closed.

    `outcomes` says of each row, in the same order: `stayed` (bool: bought within the horizon), and `orders` and
    `spend` within the window. A customer who had lapsed and bought within the horizon has come back, and stayed
    means that. NotEnoughData where too few customers stayed.
    """
    stayed = outcomes["stayed"].to_numpy(dtype=bool)
    stays = _fitted(rows, outcomes, stayed)
    as_if = float(expected_spend(stays, rows[~stayed]).sum())
    share = min(1.0, float(outcomes["spend"][~stayed].clip(lower=0.0).sum()) / as_if) if as_if else 0.0
    try:
        leaves = _fitted(rows, outcomes, ~stayed)
    except NotEnoughData:
        leaves = None
    return ValueModel(window_days, stays, leaves, share)


def _fitted(rows: pd.DataFrame, outcomes: pd.DataFrame, among: NDArray[np.bool_]) -> SpendModel:
    return fit_spend(rows[among], outcomes["orders"][among], outcomes["spend"][among])


def expected_margin(model: ValueModel, rows: pd.DataFrame, margin_rate: float, value_days: int) -> pd.DataFrame:
    """The margin each customer is expected to bring over `value_days`, in the project's currency, to the cent.

        margin_if_stays  = margin_rate * value_days / window_days * E[spend in the window | stays]
        margin_if_leaves = the same of those who leave: a silence of one horizon is not always for ever
        margin_at_stake  = what is lost with him: the difference, at least 0

    Of a lapsed customer, `margin_if_stays` is his second-life value: what he brings if he comes back.
    """
    stays = expected_spend(model.stays, rows)
    leaves = model.left_share * stays if model.leaves is None else expected_spend(model.leaves, rows)
    scale = margin_rate * value_days / model.window_days
    margins = pd.DataFrame({"margin_if_stays": stays, "margin_if_leaves": np.minimum(leaves, stays)}, index=rows.index)
    margins = (margins * scale).round(2)
    return margins.assign(margin_at_stake=(margins["margin_if_stays"] - margins["margin_if_leaves"]).round(2))


def weighted(margins: pd.DataFrame, probability: pd.Series[float]) -> pd.Series[float]:
    """Margin expected of each customer, who leaves with `probability` (0..1): what he is worth today."""
    expected = margins["margin_if_stays"] - probability * margins["margin_at_stake"]
    return expected.rename("margin_expected")


def gini(actual: Floats, told: Floats) -> float:
    """How well `told` ranks what customers brought: 1 as well as the truth itself, 0 as well as chance."""
    return _concentration(actual, told) / _concentration(actual, actual)


def _concentration(actual: Floats, by: Floats) -> float:
    """How far the running share of money, the best customers by `by` first, lies above that of customers."""
    share = np.cumsum(actual[np.argsort(-by, kind="stable")]) / actual.sum()
    return float(share.mean() - (len(actual) + 1) / (2 * len(actual)))


def errors(actual: Floats, told: Floats) -> dict[str, float]:
    """How far what was told of each customer is from what he brought: in money, in order, in level and by decile.

    `decile_error`: mean distance of the told from the actual mean of each tenth of the customers, in shares of
    the mean of all. `level`: what was told of all together over what came.
    """
    actual, told = np.asarray(actual, dtype=float), np.asarray(told, dtype=float)
    tenth = np.argsort(np.argsort(told, kind="stable"), kind="stable") * 10 // len(told)
    apart = [abs(float(told[tenth == k].mean() - actual[tenth == k].mean())) for k in range(10)]
    return {
        "mae": float(np.abs(told - actual).mean()),
        "rmse": float(np.sqrt(((told - actual) ** 2).mean())),
        "spearman": float(pd.Series(told).corr(pd.Series(actual), method="spearman")),
        "gini": gini(actual, told),
        "level": float(told.sum() / actual.sum()),
        "decile_error": float(np.mean(apart) / actual.mean()),
    }
