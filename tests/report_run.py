"""A made-up run for its page: as many customers as wanted, with whatever ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from winback.insight.report.held import Beside, Held

DATE = dt.date(2026, 3, 1)
CAUSES = ("would_stay_anyway", "held_out", "over_budget")


def figure(value: float) -> dict[str, float]:
    """A figure with an interval."""
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def run(ids: Sequence[str], seed: int = 1) -> Held:
    """A run over these customers, the first of them the likeliest to leave."""
    rng = np.random.default_rng(seed)
    chance = np.sort(rng.beta(1.2, 4.0, len(ids)))[::-1]
    stages = rng.choice(["new", "active", "cooling"], len(ids))
    scores = pd.DataFrame({"customer_id": list(ids), "probability": chance, "at_risk": chance >= 0.3, "stage": stages})
    acted = scores["at_risk"] & (rng.random(len(ids)) < 0.6)
    decisions = pd.DataFrame(
        {
            "customer_id": list(ids),
            "action": np.where(acted, "free_delivery", "leave_alone"),
            "cause": np.where(acted, "", rng.choice(CAUSES, len(ids))),
            "margin_at_stake": rng.gamma(2.0, 40.0, len(ids)),
            "expected_net_gain": np.where(acted, rng.gamma(2.0, 2.0, len(ids)), 0.0),
        }
    )
    return Held("2026-03-01-abc", DATE, summary(scores, decisions), card(), GATE, STEPS, {"winback": "1"}, {
        "scores": scores, "decisions": decisions, "reasons": reasons(ids)
    })  # fmt: skip


GATE = [{"name": "customers of scores", "found": "0 repeated", "needed": "each once", "passed": True}]
STEPS = [("scores", dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)), ("list", dt.datetime(2026, 3, 1, 4, 1, tzinfo=dt.UTC))]


def reasons(ids: Sequence[str]) -> pd.DataFrame:
    """Two drivers a customer, one of which raises the chance."""
    one = pd.DataFrame(
        {"customer_id": list(ids), "driver": "recency", "place": 1, "points": 0.1, "feature": "days_since_last_order"}
    )
    one["sentence"] = [f"{n} days since the last order" for n in range(len(ids))]
    other = one.assign(driver="monetary", place=2, points=-0.02, sentence=None)
    return pd.concat([one, other], ignore_index=True)


def summary(scores: pd.DataFrame, decisions: pd.DataFrame) -> dict[str, Any]:
    """The figures that the run's screen has."""
    acted = decisions["action"] == "free_delivery"
    left = decisions["cause"][~acted & scores["at_risk"]].value_counts().to_dict()
    return {
        "horizon_days": 28,
        "customers": len(scores),
        "at_risk": int(scores["at_risk"].sum()),
        "margin_at_stake": 1234.5,
        "expected_cost": 40.0,
        "expected_net_gain": -12.5,
        "actions": [
            {"action": "free_delivery", "name": "Free delivery", "customers": int(acted.sum()), "expected_cost": 10.0,
             "expected_net_gain": 50.0},
            {"action": "rare", "name": "A rare one", "customers": 3, "expected_cost": 7.25, "expected_net_gain": 8.0},
        ],
        "left_alone": {str(cause): int(n) for cause, n in left.items()},
        "drivers": [{"driver": "recency", "first_for": 300}, {"driver": "monetary", "first_for": 4}],
        "quality": [
            {"cutoff": "2026-01-01", "customers": 900, "churned": 0.14, "mean_predicted": 0.15, "auc": 0.85,
             "rule_auc": 0.82, "log_loss": 0.3, "calibration_slope": 1.01}
        ],
        "model": {"name": "inactivity", "version": 2, "rows": 5000},
        "accounting": [
            {"table": "orders", "rows_in": 100, "accepted": 90, "duplicates": 5, "left_out": {"1": 3}, "quarantined": 2,
             "reasons": {"bad_date": 2}}
        ],
    }  # fmt: skip


def card() -> dict[str, Any]:
    """What the page reads of a model's card."""
    thresholds = [
        {"threshold": t / 10, "caught": figure(1 - t / 10), "disturbed": figure((1 - t / 10) / 4)} for t in range(1, 10)
    ]
    part = {"churned": figure(0.2), "mean_predicted": figure(0.21), "auc": figure(0.8)}
    return {
        "reference": {"log_odds": {"recency": 0.3, "monetary": 0.1}},
        "examination": {
            "thresholds": thresholds,
            "deciles": [{"decile": d, "gained": d / 10} for d in range(1, 11)],
            "cutoffs": [{"cutoff": "2026-01-01", **part}],
            "slices": [
                {"column": "orders_total", "part": "one", "rows": 200, "left": 40, **part},
                {"column": "orders_total", "part": "tiny-part", "rows": 9, "left": 4, **part},
            ],
            "grade": {"letter": "B"},
        },
    }


def beside() -> Beside:
    """All that may lie beside a run."""
    cohorts = [
        {
            "metric": "period_k",
            "n": "1",
            "period": p,
            "value": value,
            "people": size,
            "denominator": size,
            "undefined": "",
            "interval": "",
        }
        for p, size, value in (("2025-12", 50.0, 0.4), ("2026-01", 40.0, 0.5), ("2026-02", 9.0, 0.5))
    ]
    periods = [
        {"metric": "crr_ids", "n": "", "period": p, "value": v, "low": v - 0.01, "high": v + 0.01, "numerator": 80.0,
         "denominator": 100.0, "people": 100.0, "undefined": "", "interval": "Wilson"}
        for p, v in (("2026-01", 0.8), ("2026-02", 0.85))
    ]  # fmt: skip
    few = [
        {"metric": name, "n": "", "period": p, "value": 7.0, "low": 6.0, "high": 8.0, "numerator": 21.0,
         "denominator": people, "people": people, "undefined": "", "interval": "Student"}
        for name, p, people in (("arppu", "2026-01", 60.0), ("arppu", "2026-02", 3.0), ("nps", "2026-01", 4.0),
                                ("nps", "2026-02", 60.0))
    ]  # fmt: skip
    return Beside(
        metrics=pd.DataFrame([*periods, *few, *cohorts]),
        lift=pd.DataFrame(
            {
                "metric": ["margin", "stayed"],
                "value": [12.0, 4.0],
                "low": [3.0, -1.0],
                "high": [20.0, 9.0],
                "verdict": ["works", "unclear"],
                "treated": [400, 400],
                "held_out": [40, 40],
            }
        ),
        budgets=pd.DataFrame({"budget": [0.0, 50.0, 100.0], "net_gain": [0.0, 80.0, 90.0]}),
        drift=[{"column": "orders_90d", "index": 0.31, "drifted": True}],
        history=[{"version": 2, "at": "2026-02-01 04:00", "kind": "promoted", "reason": "better", "approver": "gate"}],
        names={"free_delivery": "Free delivery"},
        movements={"date": "2026-02-22", "entered": 40, "stayed": 300, "left": 12},
    )
