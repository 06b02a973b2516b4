"""What other decisions would have earned, from the log of those made: by hand, and over and over on made-up logs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from campaign_results import assigned
from winback.cli import policy_text
from winback.learn.choices import others, prices_of
from winback.learn.policy import Policy, expected_gains, policy_report

ALONE = "leave_alone"


@dataclass(frozen=True)
class Act:
    id: str
    drivers: tuple[str, ...] = ("price",)
    stages: tuple[str, ...] = ("lapsed",)
    monetary: bool = False

    def answers(self, driver: str) -> bool:
        return driver in self.drivers


def log(size: int, rng: np.random.Generator, tried: float = 0.4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A log of calls (good for the first half of the customers) and pushes (bad), a fifth held out; true gains.

    Each is called with the chance 1 - tried, or pushed with tried.
    """
    good = np.arange(size) < size // 2
    truth = pd.DataFrame({"call": np.where(good, 6.0, -2.0), "push": -3.0, ALONE: 0.0})
    push, held = rng.random(size) < tried, rng.random(size) < 0.2
    action = np.where(push, "push", "call")
    did = np.where(held, ALONE, action)
    gains = truth.to_numpy()[np.arange(size), [truth.columns.get_loc(name) for name in did]]
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(size)],
            "action": action,
            "arm": np.where(held, "held_out", "treated"),
            "propensity": np.where(held, 0.2, 0.8),
            "choice_propensity": np.where(push, tried, 1 - tried),
            "probability": np.where(good, 0.7, 0.3),
            "margin_at_stake": 20.0,
            "net_gain": gains + rng.normal(0, 8, size) + 10,
        }
    )
    return rows, truth


def test_by_hand():
    """Two called with 10 and 14, two held out with 4 and 8; nothing expected: 2 x 10 - ... each by 1 / its chance."""
    rows = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "action": "call",
            "arm": ["treated", "treated", "held_out", "held_out"],
            "propensity": 0.5,
            "net_gain": [10.0, 14.0, 4.0, 8.0],
        }
    ).loc[np.repeat(range(4), 20)]
    rows = rows.reset_index(drop=True)
    nothing = pd.DataFrame(0.0, index=rows.index, columns=["call", ALONE])
    found = policy_report(rows, {ALONE: Policy(pd.Series(ALONE, index=rows.index))}, nothing).set_index("policy")
    assert found.loc["in use", "per_customer"] == pytest.approx((20 + 28 - 8 - 16) / 4)
    assert found.loc["in use", ["customers", "matched", "told", "total"]].tolist() == [80, 40, 1.0, 480.0]
    assert found.loc[ALONE, ["per_customer", "low", "high", "better"]].tolist() == [0.0, 0.0, 0.0, -6.0]
    assert found.loc["in use", "effective"] == 40.0


def test_nine_of_ten_intervals_and_more_hold_the_truth_even_where_the_rates_are_wrong():
    """200 logs; what is expected is upside down. Fixed policies, and those that follow what was drawn."""
    rng, hits = np.random.default_rng(1), {}
    for _ in range(200):
        rows, truth = log(400, rng)
        policies = {
            "call": Policy(pd.Series("call", index=rows.index)),
            "best": Policy(pd.Series(np.where(rows["probability"] > 0.5, "call", ALONE), index=rows.index)),
            "half": Policy(rows["action"].where(rows["probability"] > 0.5, ALONE), drawn=True),
        }
        table = policy_report(rows, policies, -truth).set_index("policy")
        true = {"in use": (0.6 * 2.0 - 0.4 * 3.0), "call": 2.0, "best": 3.0, "half": (0.6 * 6 - 0.4 * 3) / 2}
        for name, value in true.items():
            row = table.loc[name]
            hits.setdefault(name, []).append(row["low"] <= value <= row["high"])
            beside = row["better_low"] <= value - true["in use"] <= row["better_high"]
            hits.setdefault(f"{name} beside", []).append(beside)
    shares = {name: float(np.mean(values)) for name, values in hits.items()}
    assert all(share >= 0.92 for share in shares.values()), shares
    assert all(shares[name] <= 0.985 for name in ("in use", "call", "best", "half")), shares


def test_what_was_never_tried_is_not_judged():
    rows, truth = log(600, np.random.default_rng(2), tried=0.0)
    every = {name: Policy(pd.Series(name, index=rows.index)) for name in ("push", "call")}
    found = policy_report(rows, every, truth).set_index("policy")
    assert np.isnan(found.loc["push", "per_customer"])
    assert np.isfinite(found.loc["call", "per_customer"])
    row = found.reset_index().to_dict("records")[1]
    assert policy_text.verdict(row) == "not enough data: the log holds too few such decisions"


def test_a_rare_action_among_those_drawn_hides_nothing():
    """Seven calls more were made: what was decided is still judged as a whole, for both arms show it."""
    rows, truth = log(600, np.random.default_rng(4), tried=0.0)
    rows.loc[:6, "action"] = "push"
    found = policy_report(rows, {"push": Policy(rows["action"])}, truth).set_index("policy")
    assert np.isfinite(found.loc["in use", "per_customer"])
    assert np.isnan(found.loc["push", "per_customer"])


def test_a_policy_of_which_the_log_tells_less_than_half_is_not_judged():
    """Pushes were done for the first tenth alone: enough rows, but of the others only rates would speak."""
    rows, truth = log(2000, np.random.default_rng(3), tried=0.0)
    some = (np.arange(2000) < 200) & (rows["arm"] == "treated")
    rows["action"] = rows["action"].mask(some, "push")
    found = policy_report(rows, {"push": Policy(pd.Series("push", index=rows.index))}, truth).set_index("policy")
    assert found.loc["push", "matched"] > 100
    assert found.loc["push", "told"] == pytest.approx(0.1, abs=0.02)
    assert np.isnan(found.loc["push", "per_customer"])


def test_the_other_policies_are_what_they_are_called():
    columns = {
        "probability": [0.2, 0.8, 0.6, 0.4],
        "margin_at_stake": [4.0, 3.0, 2.0, 1.0],
        "action": ["call", "coupon", "call", "old"],
        "driver": ["price", "price", "service", "price"],
        "stage": "lapsed",
        "incentive_cost": [0.0, 5.0, 0.0, 0.0],
    }
    rows = assigned("tttt", **columns)
    prices = prices_of(rows)
    assert prices["action"].tolist() == ["call", "coupon", "old"]
    expected = pd.DataFrame({"call": [1.0, 1.0, 9.0, 0.5], "coupon": [2.0, -1.0, 9.0, 1.0], "old": 99.0, ALONE: 0.6})
    actions = [Act("call"), Act("coupon", drivers=("price",), monetary=True), Act("visit")]
    found = {name: policy.action.tolist() for name, policy in others(rows, expected, prices, actions).items()}
    assert found == {
        ALONE: [ALONE] * 4,
        "riskiest_half": [ALONE, "coupon", "call", ALONE],
        "most_valuable_half": ["call", "coupon", ALONE, ALONE],
        "no_money_off": ["call", ALONE, "call", "old"],
        "best_known": ["coupon", "call", ALONE, "coupon"],
        "cheapest": ["call", "call", ALONE, "call"],
    }


def test_no_row_speaks_for_itself():
    """The half that teaches the rates is the other one."""
    rows = assigned("t" * 26)
    seen = []

    def learn(results: pd.DataFrame) -> pd.DataFrame:
        seen.append(set(results["customer_id"]))
        rate = 0.1 * len(seen)
        columns = {"save_rate": rate, "accept_rate": 0.0}
        return pd.DataFrame([{"action": "coupon", "driver": "any", "stage": "any", **columns}])

    prices = pd.DataFrame({"action": ["coupon"], "contact_cost": [1.0], "incentive_cost": [5.0]})
    found = expected_gains(rows, learn, prices)
    assert seen[0] | seen[1] == set(rows["customer_id"])
    assert not seen[0] & seen[1]
    taught = np.where(rows["customer_id"].isin(seen[0]), 0.2, 0.1)
    assert found["coupon"].tolist() == pytest.approx(((0.5 + 0.5 * taught) * 40 - 1).tolist())
    assert found[ALONE].tolist() == pytest.approx([20.0] * 26)


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((0.1, 0.5), "would have brought more"),
        ((-0.5, -0.1), "would have brought less"),
        ((-0.5, 0.5), "not told apart from what was decided"),
    ],
)
def test_words(figures, words):
    row = {"policy": "cheapest", "per_customer": 1.0, "better_low": figures[0], "better_high": figures[1]}
    assert policy_text.verdict(row) == words
