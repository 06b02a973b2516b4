"""The figures on the screen of a run, from a handful of customers."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from winback.insight.summary import chosen, left_alone, main_drivers, summarise

SCORES = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "probability": [0.9, 0.6, 0.5, 0.2],
        "at_risk": [True, True, True, False],
    }
)
REASONS = pd.DataFrame(
    [
        ("a", "recency", 0.30),
        ("a", "trend", 0.10),
        ("a", "tenure", -0.05),
        ("b", "recency", 0.05),
        ("b", "trend", 0.20),
        ("b", "tenure", -0.30),
        ("c", "recency", 0.15),
        ("c", "trend", 0.00),
        ("c", "tenure", 0.05),
        ("d", "recency", -0.90),
        ("d", "trend", -0.90),
        ("d", "tenure", 0.90),
    ],
    columns=["customer_id", "driver", "points"],
)
_RANKED = REASONS.sort_values(["customer_id", "points", "driver"], ascending=[True, False, True])
REASONS["place"] = _RANKED.groupby("customer_id").cumcount() + 1
DECISIONS = pd.DataFrame(
    [
        ("a", "coupon", "", 1.5, 4.0, 40.0),
        ("b", "leave_alone", "held_out", 0.0, 0.0, 20.0),
        ("c", "mail", "", 0.25, 6.0, 30.0),
        ("d", "leave_alone", "would_stay_anyway", 0.0, 0.0, 900.0),
    ],
    columns=["customer_id", "action", "cause", "expected_cost", "expected_net_gain", "margin_at_stake"],
)
ACTIONS = {"coupon": SimpleNamespace(name={"en": "A coupon"}), "mail": SimpleNamespace(name={"en": "A mail"})}


def test_main_drivers_counts_first_causes_among_those_at_risk():
    """Somebody whom nothing pushes away has no first cause; who is not at risk does not count."""
    rounded = [{**row, "mean_points": round(row["mean_points"], 9)} for row in main_drivers(SCORES, REASONS)]
    assert rounded == [
        {"driver": "recency", "first_for": 2, "mean_points": 0.166666667},
        {"driver": "trend", "first_for": 1, "mean_points": 0.1},
        {"driver": "tenure", "first_for": 0, "mean_points": -0.1},
    ]


def test_main_drivers_of_nobody_are_none():
    assert main_drivers(SCORES.assign(at_risk=False), REASONS) == []


def test_the_first_is_told_by_its_place_whatever_the_order_of_the_rows():
    reasons = REASONS.assign(points=0.1, place=REASONS["driver"].map({"recency": 1, "tenure": 2, "trend": 3}))
    expected = [("recency", 3), ("tenure", 0), ("trend", 0)]
    for seed in range(5):
        rows = main_drivers(SCORES, reasons.sample(frac=1, random_state=seed))
        assert [(row["driver"], row["first_for"]) for row in rows] == expected


def test_chosen_actions_are_summed_the_largest_gain_first():
    twice = pd.concat([DECISIONS, DECISIONS.assign(customer_id="e")])
    assert chosen(twice, ACTIONS) == [
        {"action": "mail", "name": "A mail", "customers": 2, "expected_cost": 0.5, "expected_net_gain": 12.0},
        {"action": "coupon", "name": "A coupon", "customers": 2, "expected_cost": 3.0, "expected_net_gain": 8.0},
    ]
    assert chosen(DECISIONS[DECISIONS["action"] == "leave_alone"], ACTIONS) == []


def test_left_alone_counts_causes():
    assert left_alone(DECISIONS) == {"held_out": 1, "would_stay_anyway": 1}


def test_summary_of_a_run_speaks_of_those_at_risk():
    """Money at stake and causes are theirs; who stays anyway is in the count of customers alone."""
    card = {
        "spec": {"horizon_days": 28},
        "rows": 1234,
        "quality": [{"auc": 0.8}],
        "reference": {"base_rate": 0.15},
    }
    model = {"name": "small", "version": 3, "sha256": "0" * 64, "card": card}
    frames = {"scores": SCORES, "reasons": REASONS, "decisions": DECISIONS}
    told = {"run_id": "2026-02-15-abc", "today": "2026-02-15", "currency": "EUR"}
    summary = summarise(told, frames, model, [{"table": "orders"}], ACTIONS)
    drivers, actions = summary.pop("drivers"), summary.pop("actions")
    assert [row["driver"] for row in drivers] == ["recency", "trend", "tenure"]
    assert [row["action"] for row in actions] == ["mail", "coupon"]
    assert summary == {
        **told,
        "accounting": [{"table": "orders"}],
        "model": {"name": "small", "version": 3, "rows": 1234},
        "horizon_days": 28,
        "quality": [{"auc": 0.8}],
        "customers": 4,
        "at_risk": 3,
        "mean_probability": 0.55,
        "base_rate": 0.15,
        "left_alone": {"held_out": 1},
        "expected_cost": 1.75,
        "expected_net_gain": 10.0,
        "margin_at_stake": 90.0,
    }
