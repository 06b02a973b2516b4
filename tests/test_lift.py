"""What listing customers changed, by metric and group."""

import math

import numpy as np
import pandas as pd
import pytest

from campaign_results import made_up
from winback.cli.lift_text import sentences
from winback.effects.estimate import Effect
from winback.effects.lift import METRICS, lift, needs, promised, verdict
from winback.effects.pooling import pooled


def an_effect(value: float, error: float, held_out: int = 400) -> Effect:
    return Effect(value, value, error, 1e9, 0.0, 3600, held_out)


@pytest.mark.parametrize(
    ("value", "error", "chance", "promise", "word"),
    [
        (0.10, 0.01, 0.001, 0.10, "works"),
        (-0.10, 0.01, 0.001, 0.10, "harms"),
        (0.00, 0.01, 0.900, 0.10, "less_than_promised"),
        (0.05, 0.05, 0.900, 0.10, "unclear"),
        (0.05, 0.05, 0.900, math.nan, "unclear"),
    ],
)
def test_verdicts(value, error, chance, promise, word):
    assert verdict(an_effect(value, error), chance, promise) == word


def test_nothing_is_said_of_too_few():
    assert verdict(an_effect(0.9, 0.01, held_out=9), 1.0, 0.1) == "too_few"


def test_needs_falls_with_the_promise_and_is_nothing_once_seen():
    e = an_effect(0.01, 0.02)
    assert needs(e, 0.05) > needs(e, 0.10) >= 0
    assert needs(e, 1.0) == 0
    assert math.isnan(needs(e, 0.0))
    assert math.isinf(needs(e, 1e-6))


def test_with_what_it_needs_the_promise_is_seen_four_times_of_five():
    """At m times the customers: promise / error' - reach' = 0.84 errors, up to the grid."""
    from winback.effects.intervals import reach_per_error  # noqa: PLC0415

    e = an_effect(0.0, 0.05)
    times = 1 + needs(e, 0.06) / 4000
    assert 0.06 / (0.05 / times**0.5) - reach_per_error(e.effective * times) == pytest.approx(0.84, abs=0.1)


def test_promise_is_what_the_treated_were_decided_on():
    rows = pd.DataFrame(
        {
            "arm": ["treated", "treated", "held_out"],
            "expected_net_gain": [2.0, 4.0, 0.0],
            "contact_cost": [1.0, 1.0, 0.0],
            "margin_at_stake": [40.0, 40.0, 90.0],
        }
    )
    assert promised(rows, "net_gain") == 3.0
    assert promised(rows, "stayed") == pytest.approx((3 + 1) / 40)
    assert math.isnan(promised(rows, "revenue"))
    assert math.isnan(promised(rows[rows["arm"] == "held_out"], "net_gain"))


def test_a_campaign_that_works_and_one_that_harms_are_told_apart():
    both = pd.concat(
        [made_up(1, 5000, 0.3).assign(action="call"), made_up(2, 5000, -0.3).assign(action="push")], ignore_index=True
    )
    both["customer_id"] = [f"c{n}" for n in range(len(both))]
    found = lift(both, "action", ["stayed", "net_gain"]).set_index(["group", "metric"])["verdict"]
    assert found.to_dict() == {
        ("call", "stayed"): "works",
        ("call", "net_gain"): "works",
        ("push", "stayed"): "harms",
        ("push", "net_gain"): "harms",
    }


def test_a_campaign_without_effect_and_one_that_harms_are_reported_as_such():
    both = pd.concat(
        [made_up(7, 20_000, 0.0).assign(action="letter"), made_up(2, 5000, -0.3).assign(action="push")],
        ignore_index=True,
    )
    both["customer_id"] = [f"c{n}" for n in range(len(both))]
    found = lift(both, "action", ["stayed", "net_gain"])
    assert found.set_index(["group", "metric"])["verdict"].to_dict() == {
        ("letter", "stayed"): "less_than_promised",
        ("letter", "net_gain"): "harms",  # it costs, and brings nothing
        ("push", "stayed"): "harms",
        ("push", "net_gain"): "harms",
    }
    told = sentences(found, "EUR")
    assert [line.rsplit(": ", 1)[1] for line in told] == ["costs more than it brings."] * 2
    assert told[1].startswith("push lost ")


def test_totals_are_the_effect_a_customer_times_the_treated():
    found = lift(made_up(3, 800, 0.2))
    assert found["metric"].tolist() == list(METRICS)
    assert (found["total"] / found["treated"]).tolist() == pytest.approx(found["per_customer"].tolist())
    assert (found["ever_low"] <= found["low"]).all()
    assert (found["ever_high"] >= found["high"]).all()
    assert found.loc[found["metric"] == "stayed", "total_high"].item() == pytest.approx(
        found["treated"].iloc[0] * found["high"].iloc[0]
    )


def test_groups_are_counted_in():
    """One group in eight seems to work by itself; among eight that is no news."""
    rows = pd.concat([made_up(seed, 300, 0.0).assign(action=f"a{seed}") for seed in range(8)], ignore_index=True)
    rows["customer_id"] = [f"c{n}" for n in range(len(rows))]
    alone = [lift(part, metrics=["stayed"])["chance"].iloc[0] for _, part in rows.groupby("action")]
    among = lift(rows, "action", ["stayed"])["chance"]
    assert among.min() == pytest.approx(min(1.0, 8 * min(alone)))


def test_what_is_missing_of_a_covariate_is_taken_as_usual():
    rows = made_up(4, 300, 0.2)
    rows.loc[::7, "spend_90d"] = np.nan
    assert lift(rows, metrics=["stayed", "revenue"])["per_customer"].notna().all()


def test_pooled_by_hand():
    """Equal errors 1, values 0 and 4: scatter = 8 - 1 = 7 by moments, so each moves 1/8 towards 2."""
    (first, low, high), (second, _, _) = pooled([0.0, 4.0], [1.0, 1.0])
    assert (first, second) == pytest.approx((0.25, 3.75))
    assert high - low == pytest.approx(2 * 1.959964 * math.sqrt(7 / 8 + 4 / 64))


def test_groups_that_agree_are_one():
    values = [v for v, _, _ in pooled([0.9, 1.0, 1.1], [1.0, 1.0, 1.0])]
    assert values == pytest.approx([1.0, 1.0, 1.0])


def test_a_group_alone_stays_and_one_without_error_tells_nothing():
    assert pooled([3.0], [1.0])[0] == pytest.approx((3.0, 3.0 - 1.959964, 3.0 + 1.959964))
    assert all(math.isnan(v) for v in pooled([3.0, 1.0], [1.0, math.nan])[1])
