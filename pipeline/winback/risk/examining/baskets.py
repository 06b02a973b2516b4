"""What a purchase of each customer is worth: the gamma-gamma model, and with purchases.py what customers still bring.

A customer's purchases vary around a mean of his own, Gamma(p, v), and v varies over customers, Gamma(q, scale): Fader
and Hardie, "The Gamma-Gamma model of monetary value" (brucehardie.com, note 25). How often somebody buys is taken to
say nothing of how much. Worked out again from these assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gammaln

from winback.errors import NotEnoughData
from winback.risk.examining.purchases import Floats, Past, expected_purchases, fit

LEAST_REPEATERS = 30
MOST_FITTED = 20_000
STRETCHES = 4


@dataclass(frozen=True)
class Baskets:
    """A fitted shop; a purchase of a customer of whom nothing is known is worth p * scale / (q - 1)."""

    p: float
    q: float
    scale: float


@dataclass(frozen=True)
class Lives:
    """Of each customer: expected purchases in each stretch of the days ahead, and what one is expected to be worth.

    `customer_id`: n; `purchases`: n x STRETCHES; `baskets`: n, money. `discounts`: what money of each stretch is worth
    today.
    """

    customer_id: pd.Series
    purchases: Floats
    baskets: Floats
    discounts: Floats


def fit_baskets(count: Floats, mean: Floats) -> Baskets:
    """The most likely parameters, from how many purchases each customer made and their mean (money above 0)."""
    if len(count) < LEAST_REPEATERS:
        raise NotEnoughData(
            f"{len(count)} customers have bought again; what a purchase is worth needs {LEAST_REPEATERS}."
        )
    unit = float(np.mean(mean))  # money in means, so that starts are for any currency

    def loss(logs: Floats) -> float:
        p, q, scale = np.exp(logs)
        x, m = p * count, mean / unit
        known = gammaln(x + q) - gammaln(x) - gammaln(q) + q * np.log(scale)
        return -float(np.mean(known + (x - 1) * np.log(m) + x * np.log(count) - (x + q) * np.log(scale + m * count)))

    found = minimize(loss, np.log([4.0, 4.0, 1.0]), method="L-BFGS-B", bounds=[(-9, 9)] * 3, options={"ftol": 1e-12})
    p, q, scale = (float(value) for value in np.exp(found.x))
    if q <= 1:
        raise NotEnoughData(f"amounts are too uneven for a mean (q = {q:.2f}, above 1 is needed).")
    return Baskets(p, q, scale * unit)


def expected_basket(count: Floats, mean: Floats, baskets: Baskets) -> Floats:
    """The expected worth of a purchase of each customer: his own mean, drawn to everybody's where he bought little."""
    told: Floats = baskets.p * (baskets.scale + np.where(count > 0, mean, 0.0) * count)
    return told / (baskets.p * count + baskets.q - 1)


def lives(orders: pd.DataFrame, until: int, days: int, yearly_discount: float) -> Lives:
    """What customers are still expected to buy in the `days` from `until` on, by MBG/NBD and gamma-gamma.

    `orders`: customer_id, day (days since 1970), amount. Orders of a day are one purchase; what is left of a day after
    returns must be above 0. Fitted on at most MOST_FITTED customers. NotEnoughData where too few bought again.
    """
    daily = orders[orders["day"] < until].groupby(["customer_id", "day"], sort=True)["amount"].sum().reset_index()
    daily = daily[daily["amount"] > 0]
    if daily.empty:
        raise NotEnoughData("nobody has bought anything yet.")
    each = daily.groupby("customer_id")
    first, last, n = each["day"].min(), each["day"].max(), np.asarray(each.size(), dtype=np.float64)
    past = Past(n - 1, (last - first).to_numpy(dtype=float), np.asarray(until - first, dtype=np.float64))
    again = daily[daily.duplicated("customer_id")]
    mean = again.groupby("customer_id")["amount"].mean().reindex(first.index).to_numpy(dtype=float)
    some = np.arange(0, len(n), max(1, len(n) // MOST_FITTED))
    habits = fit(Past(past.repeats[some], past.last[some], past.age[some]))
    bought = some[past.repeats[some] > 0]
    baskets = fit_baskets(past.repeats[bought], mean[bought])
    ends = days * np.arange(STRETCHES + 1) / STRETCHES
    so_far = np.column_stack([expected_purchases(past, habits, end) if end else np.zeros(len(n)) for end in ends])
    discounts = (1 + yearly_discount) ** (-(ends[1:] + ends[:-1]) / 2 / 365.25)
    worth = expected_basket(past.repeats, np.nan_to_num(mean), baskets)
    return Lives(pd.Series(first.index), np.diff(so_far, axis=1), worth, discounts)
