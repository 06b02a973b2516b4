"""Made-up assignments and results of campaigns, for tests of what measures them."""

import numpy as np
import pandas as pd

FIRST = pd.Timestamp("2026-01-05", tz="UTC")


def assigned(
    arms: str, campaign: str = "inactivity-2026-01-05", cutoff: pd.Timestamp = FIRST, **columns
) -> pd.DataFrame:
    """Rows of the ledger, one a letter of `arms`: t for treated, h for held out; customers a, b, c, ..."""
    rows = pd.DataFrame(
        {
            "campaign": campaign,
            "customer_id": [chr(ord("a") + n) for n in range(len(arms))],
            "cutoff": cutoff,
            "arm": ["treated" if arm == "t" else "held_out" for arm in arms],
            "held_by": ["" if arm == "t" else "campaign" for arm in arms],
            "stratum": "all",
            "action": "coupon",
            "channel": "email",
            "driver": "recency",
            "stage": "cooling",
            "probability": 0.5,
            "margin_at_stake": 40.0,
            "expected_net_gain": 2.0,
            "contact_cost": [1.0 if arm == "t" else 0.0 for arm in arms],
            "incentive_cost": [5.0 if arm == "t" else 0.0 for arm in arms],
            "propensity": [0.5] * len(arms),
            "spend_90d": 100.0,
            "orders_90d": 2.0,
        }
    )
    return rows.assign(**columns)


def takings(orders: list[int], revenue: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"orders": orders, "revenue": revenue})


def outcomes(*rows: tuple) -> pd.DataFrame:
    """Rows of (customer, day of January, kind, value) of the first campaign."""
    return pd.DataFrame(
        {
            "campaign": pd.Series(["inactivity-2026-01-05"] * len(rows), dtype="str"),
            "customer_id": pd.Series([row[0] for row in rows], dtype="str"),
            "happened_at": pd.to_datetime([f"2026-01-{row[1]:02d}T12:00Z" for row in rows], utc=True),
            "kind": pd.Series([row[2] for row in rows], dtype="str"),
            "value": pd.Series([row[3] for row in rows], dtype="float64"),
        }
    )


def made_up(seed: int, size: int, kept: float, held_share: float = 0.2) -> pd.DataFrame:
    """Results of a campaign that keeps the share `kept` of those who would leave (below 0: drives stayers away)."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1.0, 1.0, size)
    treated = rng.random(size) >= held_share
    after = chance * (1 - kept) if kept >= 0 else chance - kept * (1 - chance)
    stayed = (rng.random(size) >= np.where(treated, after, chance)).astype(float)
    spend = rng.lognormal(4.0, 0.5, size)
    cost = treated * (0.5 + 2.0 * stayed * (rng.random(size) < 0.4))
    return pd.DataFrame(
        {
            "customer_id": [f"c{n:06d}" for n in range(size)],
            "action": np.where(rng.random(size) < 0.5, "call", "coupon"),
            "arm": np.where(treated, "treated", "held_out"),
            "propensity": np.where(treated, 1 - held_share, held_share),
            "probability": chance,
            "spend_90d": spend,
            "orders_90d": rng.poisson(3, size).astype(float),
            "margin_at_stake": 0.3 * spend,
            "contact_cost": 0.5 * treated,
            "expected_net_gain": np.where(treated, 3.0, 0.0),
            "stayed": stayed,
            "orders": stayed * (1 + rng.poisson(1, size)),
            "revenue": stayed * spend,
            "margin": 0.3 * stayed * spend,
            "net_gain": 0.3 * stayed * spend - cost,
            "earned": 0.3 * stayed * spend - cost,
        }
    )
