"""What was weighed: in the figures of the decision itself, and with what stood against each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from winback.offers.action import Action
from winback.offers.candidates import ANOTHER, KEPT, TESTS, candidates
from winback.offers.decide import CAUSES, Known, Limits, case_of, decide

CUTOFF = pd.Timestamp("2026-01-01", tz="UTC")
DRIVERS = ("recency", "trend", "tickets")


def action(id_: str, **fields: object) -> Action:
    plain = {"name": id_, "message": "-", "family": "content", "drivers": ("any",), "channels": ("email",)}
    return Action(id=id_, **{**plain, "contact_cost": 0.1, "save_rate": 0.1, **fields})


ACTIONS = [
    *(action(f"letter_{n}", channels=("post", "email"), contact_cost=0.1 * n, save_rate=0.02 * n) for n in range(1, 6)),
    action("gift", incentive_cost=9.0, accept_rate=0.5, save_rate=0.3, needs_approval=True),
    action("call", channels=("call",), contact_cost=4.0, save_rate=0.4, capacity=5, drivers=("tickets",)),
    action("share", incentive_cost=0.1, incentive_basis="basket_share", accept_rate=0.4, drivers=("trend",)),
    action("late", cooldown_days=60, save_rate=0.5, drivers=("recency",)),
]


def shop(count: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """So many customers, a tenth of them held out, and their reasons."""
    rng = np.random.default_rng(seed)
    ids = pd.Series([f"c{n:04}" for n in range(count)], dtype="str")
    rows = pd.DataFrame(
        {
            "customer_id": ids,
            "cutoff": CUTOFF,
            "probability": rng.uniform(0.05, 0.95, count),
            "at_risk": rng.random(count) < 0.7,
            "held_out": rng.random(count) < 0.1,
            "margin_at_stake": rng.lognormal(3, 1, count),
            "average_basket": rng.uniform(5, 80, count),
            "days_since_last_contact": np.where(rng.random(count) < 0.5, rng.integers(1, 90, count), np.nan),
            "stage": rng.choice(["active", "cooling", "lost"], count),
        }
    )
    why = pd.DataFrame(
        {
            "customer_id": np.repeat(ids.to_numpy(), len(DRIVERS)),
            "driver": list(DRIVERS) * count,
            "points": rng.normal(0.05, 0.1, count * len(DRIVERS)),
        }
    )
    return rows, why


def told(count: int, seed: int, limits: Limits, permissions: pd.DataFrame | None = None) -> tuple[pd.DataFrame, ...]:
    """Candidates and decisions of a shop."""
    rows, why = shop(count, seed)
    known = Known(permissions)
    made = decide(rows, why, ACTIONS, limits, known)
    return candidates(case_of(rows, why, ACTIONS, limits, known), made), made


LIMITS = Limits(budget=60.0, min_net_gain=0.2, cooldown_days=14, channel_capacity={"post": 30})


@pytest.mark.parametrize("seed", range(6))
def test_what_is_done_comes_first_in_the_figures_of_the_decision(seed: int) -> None:
    found, made = told(300, seed, LIMITS)
    first = found.drop_duplicates("customer_id").set_index("customer_id")
    acted = made[made["action"] != "leave_alone"].set_index("customer_id")
    assert len(acted) > 20
    mine = first.loc[acted.index]
    assert mine["action"].tolist() == acted["action"].tolist()
    assert set(mine["stands_against"]) == {""}
    assert mine["chance_kept"].tolist() == pytest.approx(acted["chance_kept"].tolist())
    same_way = (mine["channel"] == acted["channel"]).to_numpy()  # where places of a channel are short, another is taken
    assert same_way.mean() > 0.5
    for name in ("expected_cost", "expected_net_gain"):
        assert mine.loc[same_way, name].tolist() == pytest.approx(acted.loc[same_way, name].tolist())
    assert (found["stands_against"] == "").sum() == len(acted)


@pytest.mark.parametrize("seed", range(6))
def test_each_candidate_says_what_stood_against_it(seed: int) -> None:
    found, made = told(300, seed, LIMITS)
    rows, _ = shop(300, seed)
    assert set(found["customer_id"]) <= set(rows.loc[rows["at_risk"], "customer_id"])
    assert found.groupby("customer_id").size().max() == KEPT
    assert not found.duplicated(["customer_id", "action"]).any()
    assert set(found["stands_against"]) <= {"", ANOTHER, *TESTS.values(), *CAUSES}
    both = found.merge(made, on="customer_id", suffixes=("", "_done"))
    held = both[both["cause"] == "held_out"]
    assert (held.loc[held["action"] == held["would_have_done"], "stands_against"] == "held_out").all()
    assert (both.loc[both["stands_against"] == ANOTHER, "would_have_done"] != "leave_alone").all()
    poor = both[both["stands_against"] == "not_worth_the_cost"]
    assert (poor.loc[~poor["action"].isin({"gift", "share"}), "expected_net_gain"] <= 0.2 + 1e-9).all()
    over = both[both["stands_against"] == "over_budget"]
    assert len(over)
    assert (over["action_done"] == "leave_alone").all()
    assert (over["expected_net_gain"] > 0.2).all()


def test_of_those_on_offer_the_best_come_first() -> None:
    found, _ = told(300, 1, Limits(budget=None, min_net_gain=0.0, cooldown_days=0))
    offered = found[found["stands_against"].isin({"", ANOTHER})]
    falling = offered.groupby("customer_id")["expected_net_gain"].diff().dropna()
    assert (falling <= 1e-9).all()


def test_who_may_not_be_reached_sees_it() -> None:
    nobody = pd.DataFrame({"customer_id": [f"c{n:04}" for n in range(50)], "may_profile": True, "may_email": False})
    for channel in ("sms", "push", "post", "call", "app", "store", "ads"):
        nobody[f"may_{channel}"] = channel == "call"
    found, _ = told(50, 3, Limits(budget=None, min_net_gain=0.0, cooldown_days=0), nobody)
    assert set(found.loc[found["channel"] != "call", "stands_against"]) == {"no_consent"}


def test_nobody_at_risk_is_no_row() -> None:
    rows, why = shop(5, 1)
    rows["at_risk"] = False
    made = decide(rows, why, ACTIONS, LIMITS)
    found = candidates(case_of(rows, why, ACTIONS, LIMITS, Known()), made)
    assert found.empty
    assert list(found.columns) == [
        *("customer_id", "action", "channel", "chance_kept", "expected_cost", "expected_net_gain", "stands_against"),
    ]
