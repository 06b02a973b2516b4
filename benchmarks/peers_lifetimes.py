"""Recency, frequency and money of each customer with lifetimes; in an environment of its own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifetimes.utils import summary_data_from_transaction_data


def summary(job: dict[str, Any]) -> pd.DataFrame:
    """One row a customer."""
    orders = pd.read_parquet(
        Path(job["facts"]) / "orders.parquet", columns=["customer_id", "ordered_at", "amount_cents"]
    )
    orders["ordered_at"] = orders["ordered_at"].dt.tz_localize(None)
    last = pd.Timestamp(job["cutoffs"][0] - 1, unit="D")
    found = summary_data_from_transaction_data(
        orders,
        "customer_id",
        "ordered_at",
        "amount_cents",
        observation_period_end=last,
        include_first_transaction=True,
    ).reset_index()
    return found.assign(cutoff=job["cutoffs"][0])


def keep(result: pd.DataFrame, path: Path) -> None:
    """Write the result under the names of ours: order days, mean spend a day, age, age at the last order."""
    ours = {
        "order_days": result["frequency"],
        "spend_a_day": result["monetary_value"] / 100,
        "age": result["T"] + 1,
        "age_at_last": result["recency"],
    }
    pd.DataFrame({"customer_id": result["customer_id"], "cutoff": result["cutoff"], **ours}).to_parquet(path)
