"""What a customer who stays is worth."""

from __future__ import annotations

import reprlib

import numpy as np
import pandas as pd

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
