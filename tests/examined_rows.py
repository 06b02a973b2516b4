"""Held-out rows made up for examinations: customers at three cutoffs, whose chance of leaving is known."""

import numpy as np
import pandas as pd
from scipy.special import expit


def held_out(customers: int = 600, seed: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows of so many customers at three cutoffs, and the chance each row's outcome was drawn with."""
    rng = np.random.default_rng(seed)
    z = np.repeat(rng.normal(-1.2, 1.2, customers), 3) + rng.normal(0, 0.5, 3 * customers)
    rows = pd.DataFrame(
        {
            "customer_id": np.repeat([f"C{n:04}" for n in range(customers)], 3),
            "cutoff": np.tile(pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]).tz_localize("UTC"), customers),
            "churned": rng.random(len(z)) < expit(z),
            "days_since_last_order": np.exp(2.5 + 0.7 * z + rng.normal(0, 0.8, len(z))),
            "orders_90d": np.round(np.exp(1 - 0.5 * z + rng.normal(0, 0.5, len(z)))),
            "orders_total": np.repeat(rng.integers(1, 9, customers), 3),
            "country": np.repeat(rng.choice(["DE", "FR", "LU"], customers, p=[0.6, 0.37, 0.03]), 3),
        }
    )
    return rows, expit(z)
