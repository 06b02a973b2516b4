"""The effect of an action customer by customer: used where it is surely better on customers not seen, else not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.learn.personal import effects, judged


@dataclass(frozen=True)
class Act:
    id: str


def log(size: int, split: bool, seed: int = 0) -> pd.DataFrame:
    """Calls, a fifth held out. They keep 0.3 of all; or (`split`) 0.6 of small spenders, and drive large ones away."""
    rng = np.random.default_rng(seed)
    treated, spend, chance = rng.random(size) < 0.8, rng.uniform(10, 90, size), rng.uniform(0.3, 0.6, size)
    rate = np.where(spend < 60, 0.6, -0.5) if split else 0.3
    stayed = (rng.random(size) >= chance * (1 - rate * treated)).astype(float)
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(size)],
            "cutoff": pd.Timestamp("2026-01-05", tz="UTC"),
            "action": "call",
            "driver": "price",
            "stage": rng.choice(["active", "lapsed"], size),
            "arm": np.where(treated, "treated", "held_out"),
            "propensity": np.where(treated, 0.8, 0.2),
            "probability": chance,
            "margin_at_stake": 40.0,
            "spend_90d": spend,
            "orders_90d": rng.poisson(3, size).astype(float),
            "contact_cost": 1.0 * treated,
            "incentive_cost": 0.0,
            "stayed": stayed,
            "net_gain": 40 * stayed - 1.0 * treated,
        }
    )


def rates(results: pd.DataFrame) -> pd.DataFrame:
    """The pooled rate, as simply as can be."""
    left = 1 - results.groupby("arm")["stayed"].mean()
    rate = 1 - left["treated"] / left["held_out"]
    columns = {"save_rate": rate, "accept_rate": 0.0}
    return pd.DataFrame([{"action": "call", "driver": "any", "stage": "any", **columns}])


def test_it_is_used_where_customers_differ_and_not_where_they_do_not():
    one, other = (judged(log(8000, split), [Act("call"), Act("push")], rates).iloc[0] for split in (True, False))
    assert one["used"]
    truth = 0.375 * (0.45 * 0.5 * 40 + 1)  # those left alone: 30 of 80 spend over 60; each lost 9 and cost 1
    assert one["low"] <= truth <= one["high"]
    assert not other["used"]
    assert (one["treated"] + one["held_out"], one["action"]) == (8000, "call")


def test_few_rows_tell_nothing():
    assert judged(log(2400, True), [Act("call")], rates).empty
    assert judged(log(2400, True).head(0), [Act("call")], rates).empty


def test_the_effect_of_each_customer():
    rows = log(8000, True, seed=1)
    found = effects(rows, rows.head(400), ["call"])
    assert found.columns.tolist() == ["customer_id", "action", "chance_kept"]
    small = rows.head(400)["spend_90d"] < 50
    assert found.loc[small, "chance_kept"].mean() > 0.15
    assert found.loc[rows.head(400)["spend_90d"] > 70, "chance_kept"].mean() < -0.1
    assert effects(rows, rows, []).empty
