"""Where each customer stands in his life with the business: new, active, cooling, lapsed, lost, returned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from winback.limits import Stages

STAGES = ("new", "active", "cooling", "lapsed", "lost", "returned")
READ_FOR_STAGES = (
    "days_since_first_order",
    "days_since_last_order",
    "days_since_order_2",
    "gap_median_days",
    "orders_total",
)


def stages(rows: pd.DataFrame, limits: Stages) -> pd.Series:
    """The stage of each row of features; the first of these that is true:

    lost      no order for `lost_days`
    lapsed    none for `lapsed_days`
    returned  the last order came after `lapsed_days` or more without one, at most `returned_days` ago
    cooling   later than usual: `cooling_ratio` times the customer's own median gap, which at least
              `cooling_gaps` gaps must tell; with fewer, none for `cooling_days`
    new       the first order at most `new_days` ago
    active    all others
    """
    since, first = rows["days_since_last_order"], rows["days_since_first_order"]
    gap_before = rows["days_since_order_2"] - since  # NaN for a single order: no gap was ever long
    known = (rows["orders_total"] > limits.cooling_gaps) & (rows["gap_median_days"] > 0)
    usual = (limits.cooling_ratio * rows["gap_median_days"]).where(known, limits.cooling_days)
    asked = [
        (since >= limits.lost_days, "lost"),
        (since >= limits.lapsed_days, "lapsed"),
        ((gap_before >= limits.lapsed_days) & (since <= limits.returned_days), "returned"),
        (since >= usual, "cooling"),
        (first <= limits.new_days, "new"),
    ]
    found = np.select([flags.to_numpy(dtype=bool) for flags, _ in asked], [name for _, name in asked], "active")
    return pd.Series(found, index=rows.index, name="stage", dtype="str")
