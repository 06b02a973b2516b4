"""One screen about a run, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

LEFT_ALONE = "leave_alone"


def summarise(
    told: dict[str, Any],
    frames: Mapping[str, pd.DataFrame],
    model: dict[str, Any],
    accounting: list[dict[str, Any]],
    actions: Mapping[str, Any],
) -> dict[str, Any]:
    """The figures of a run: rows accounted for, quality, people at risk, drivers, actions and money."""
    scores, decisions = frames["scores"], frames["decisions"]
    card = model["card"]
    return {
        **told,
        "accounting": accounting,
        "model": {"name": model["name"], "version": model["version"], "rows": card["rows"], **_treated(card)},
        "horizon_days": card["spec"]["horizon_days"],
        "quality": card["quality"],
        "customers": len(scores),
        "at_risk": int(scores["at_risk"].sum()),
        "mean_probability": float(scores["probability"].mean()),
        "base_rate": card["reference"]["base_rate"],
        "drivers": main_drivers(scores, frames["reasons"]),
        "actions": chosen(decisions, actions),
        "left_alone": left_alone(decisions[decisions["customer_id"].isin(scores["customer_id"][scores["at_risk"]])]),
        "expected_cost": float(decisions["expected_cost"].sum()),
        "expected_net_gain": float(decisions["expected_net_gain"].sum()),
        "margin_at_stake": float(decisions["margin_at_stake"][scores["at_risk"].to_numpy()].sum()),
    }


def _treated(card: dict[str, Any]) -> dict[str, Any]:
    """How rows of customers whom campaigns treated entered the model, where there were any."""
    return {"campaigns": card["campaigns"]} if "campaigns" in card else {}


def main_drivers(scores: pd.DataFrame, reasons: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry a driver: for how many people at risk it is told first, and its mean points there."""
    at_risk = reasons[reasons["customer_id"].isin(scores["customer_id"][scores["at_risk"]])]
    raising = at_risk[at_risk["points"] > 0].sort_values(["customer_id", "place"])
    first = raising.drop_duplicates("customer_id")["driver"].value_counts()
    mean = at_risk.groupby("driver")["points"].mean()
    rows = [{"driver": str(d), "first_for": int(first.get(d, 0)), "mean_points": float(mean[d])} for d in mean.index]
    return sorted(rows, key=lambda row: (-row["first_for"], -row["mean_points"], row["driver"]))


def chosen(decisions: pd.DataFrame, actions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry an action taken: how many customers, what it is expected to cost and to bring."""
    taken = decisions[decisions["action"] != LEFT_ALONE]
    sums = taken.groupby("action").agg(
        customers=("customer_id", "size"),
        expected_cost=("expected_cost", "sum"),
        expected_net_gain=("expected_net_gain", "sum"),
    )
    rows = [
        {"action": str(k), "name": actions[str(k)].name["en"], "customers": int(row["customers"])}
        | {what: float(row[what]) for what in ("expected_cost", "expected_net_gain")}
        for k, row in sums.iterrows()
    ]
    return sorted(rows, key=lambda row: (-row["expected_net_gain"], row["action"]))


def left_alone(decisions: pd.DataFrame) -> dict[str, int]:
    """How many of these customers are left alone, by cause."""
    causes = decisions["cause"][decisions["action"] == LEFT_ALONE].value_counts()
    return {str(cause): int(n) for cause, n in sorted(causes.items())}
