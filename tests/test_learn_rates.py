"""Response rates: from the catalogue's guesses to what campaigns brought."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from winback.learn.explore import Limit, explored
from winback.learn.rates import drawn, learn_rates, looked_up
from winback.learn.responses import Cells, Priors, Seen, learned, summed


@dataclass(frozen=True)
class Guess:
    id: str
    drivers: tuple[str, ...] = ("price", "service")
    stages: tuple[str, ...] = ("active", "lapsed")
    save_rate: float = 0.1
    save_rate_strength: float = 50.0
    accept_rate: float = 0.3
    accept_rate_strength: float = 50.0


def results(seed: int, rates: dict[str, float], size: int = 4000, redeems: float = 0.5) -> pd.DataFrame:
    """Customers of equal numbers of each action, driver and stage; a fifth is held out."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.2, 0.75, size)
    action = rng.choice(list(rates), size)
    treated = rng.random(size) < 0.8
    kept = treated * np.array([rates[name] for name in action])
    stayed = (rng.random(size) >= chance * (1 - kept)).astype(float)
    return pd.DataFrame(
        {
            "action": action,
            "driver": rng.choice(["price", "service"], size),
            "stage": rng.choice(["active", "lapsed"], size),
            "probability": chance,
            "arm": np.where(treated, "treated", "held_out"),
            "stayed": stayed,
            "redeemed": stayed * treated * (rng.random(size) < redeems),
        }
    )


def rate(table: pd.DataFrame, action: str, column: str = "save_rate") -> float:
    return float(table.set_index(["action", "driver", "stage"]).loc[(action, "any", "any"), column])


def test_before_anything_is_seen_the_catalogue_holds():
    table = learn_rates(results(0, {"call": 0.1}).head(0), [Guess("call"), Guess("coupon", save_rate=0.2)]).table
    assert rate(table, "call") == pytest.approx(0.1)
    assert rate(table, "coupon") == pytest.approx(0.2)
    assert rate(table, "call", "accept_rate") == pytest.approx(0.3)
    assert len(table) == 2 * 3 * 3
    assert table["n"].sum() == 0
    assert not table["harmful"].any()


def test_wrong_guesses_are_put_right_and_a_sleeping_dog_is_found():
    true = {"call": 0.4, "coupon": 0.0, "push": -0.3}
    actions = [Guess("call", save_rate=0.02), Guess("coupon", save_rate=0.2), Guess("push", save_rate=0.2)]
    found = learn_rates(results(1, true, 12_000), actions)
    for action, value in true.items():
        mine = found.table[(found.table["action"] == action) & (found.table["driver"] != "any")]
        assert (mine["low"].min() <= value) & (value <= mine["high"].max())
        assert rate(found.table, action) == pytest.approx(value, abs=0.08)
    assert found.table.groupby("action")["harmful"].all().to_dict() == {"call": False, "coupon": False, "push": True}
    assert found.known.factor > 1


def test_what_the_cells_share_is_learned_from_all_and_what_they_do_not_is_not():
    """A cell with few rows moves with the others where all agree, and less where they do not."""
    rows = results(2, {"call": 0.3}, 6000)
    few = (rows["driver"] == "service") & (rows["stage"] == "lapsed")
    rows = pd.concat([rows[~few], rows[few].head(10)], ignore_index=True)
    found = learn_rates(rows, [Guess("call", save_rate=0.05)]).table.set_index(["driver", "stage"])
    assert found.loc[("service", "lapsed"), "save_rate"] == pytest.approx(0.3, abs=0.1)
    spread = found["high"] - found["low"]
    assert spread[("service", "lapsed")] > spread[("price", "active")]
    assert found.loc[("service", "lapsed"), "n"] <= 10


def test_a_forecast_that_is_off_is_no_effect():
    """Everybody leaves less often than the model says: the held-out show it, and no action gets the credit."""
    rows = results(3, {"call": 0.0}, 12_000)
    rows["probability"] = (rows["probability"] + 0.08).clip(upper=0.99)
    assert abs(rate(learn_rates(rows, [Guess("call")]).table, "call")) < 0.06


def test_an_action_that_answers_half_of_the_reasons_did_twice_as_much_for_what_it_answers():
    rows = results(7, {"call": 0.2}, 12_000)
    half, whole = (rate(learn_rates(rows.assign(answered=share), [Guess("call")]).table, "call") for share in (0.5, 1))
    assert half == pytest.approx(2 * whole, rel=0.15)
    untold = learn_rates(rows.assign(answered=np.nan), [Guess("call")]).table
    pd.testing.assert_frame_equal(untold, learn_rates(rows, [Guess("call")]).table)


def test_accept_rates_move_to_what_was_redeemed():
    table = learn_rates(results(4, {"call": 0.1}, 4000, redeems=0.7), [Guess("call")]).table
    assert table["accept_rate"].between(0.65, 0.75).all()
    unknown = results(4, {"call": 0.1}, 4000).assign(redeemed=np.nan)
    assert rate(learn_rates(unknown, [Guess("call")]).table, "call", "accept_rate") == pytest.approx(0.3)


def test_sums_of_weeks_add_up_to_the_sums_of_all():
    rng = np.random.default_rng(5)
    cells = Cells(np.array([0, 0, 1]), np.array([0, 1, 0]), np.zeros(3, dtype=np.int64))
    seen = Seen(rng.integers(0, 3, 50), rng.random(50), rng.random(50), rng.random(50) < 0.5, rng.random(50) < 0.5)
    parts = [Seen(*(column[rows] for column in vars(seen).values())) for rows in (slice(0, 20), slice(20, 50))]
    whole, added = summed(cells, seen), summed(cells, parts[0]) + summed(cells, parts[1])
    for name, values in vars(whole).items():
        assert vars(added)[name] == pytest.approx(values), name


def test_posterior_by_hand():
    """One cell, weights of 1 / 0.25: the normal mean of the guess and what was seen, by their precisions.

    The offset is seen for itself in many held-out rows, so that it is all but known.
    """
    cells = Cells(*(np.zeros(1, dtype=np.int64) for _ in range(3)))
    size, held = 100, 1_000_000
    treated = np.arange(size + held) < size
    left = np.arange(size + held) % 2 == 0
    left[:size] = np.arange(size) < 30  # 30 of 100 left where 50 were foretold
    zeros = np.zeros(size + held, dtype=np.int64)
    seen = Seen(zeros, np.full(size + held, 0.5), np.ones(size + held), treated, left)
    found = learned(cells, summed(cells, seen), Priors(np.array([0.1]), np.array([50.0])))
    precision = 1 / (found.factor * 0.1 * 0.9 / 50 + 2 * found.deviation**2)
    seen_precision = size * 0.25 * 0.25 * 16
    wanted = (precision * 0.1 + seen_precision * 0.4) / (precision + seen_precision)
    assert found.mean[0] == pytest.approx(wanted, abs=0.002)
    assert found.spread[0] == pytest.approx((precision + seen_precision) ** -0.5, rel=0.01)


def test_draws_scatter_as_what_is_known_says_and_harm_is_not_tried_again():
    found = learn_rates(results(6, {"call": 0.2, "push": -0.4}, 6000), [Guess("call"), Guess("push")])
    draws = np.array([drawn(found, seed)["save_rate"] for seed in range(400)])
    call = (found.table["action"] == "call").to_numpy()
    assert draws[:, call].std(axis=0) == pytest.approx(found.known.spread[call], rel=0.15)
    assert (draws[:, ~call] == found.table["save_rate"].to_numpy()[~call]).all()
    assert drawn(found, 7).equals(drawn(found, 7))


def test_a_rate_is_looked_up_from_the_nearest_cell():
    table = pd.DataFrame(
        [
            ("a", "price", "lapsed", 1.0),
            ("a", "price", "any", 2.0),
            ("a", "any", "lapsed", 3.0),
            ("a", "any", "any", 4.0),
        ],
        columns=["action", "driver", "stage", "save_rate"],
    )
    rows = pd.DataFrame(
        [
            ("a", "price", "lapsed"),
            ("a", "price", "new"),
            ("a", "x", "lapsed"),
            ("a", "x", "y"),
            ("b", "price", "lapsed"),
        ],
        columns=["action", "driver", "stage"],
        index=range(5, 10),
    )
    assert looked_up(table, rows, "save_rate").tolist()[:4] == [1.0, 2.0, 3.0, 4.0]
    assert looked_up(table, rows, "save_rate").isna().tolist() == [False] * 4 + [True]


def decided(actions: list[str], gains: list[float]) -> pd.DataFrame:
    ids = [f"c{n}" for n in range(len(actions))]
    columns = {"customer_id": ids, "action": actions, "driver": "price", "chance_kept": 0.1, "margin_at_stake": 40.0}
    return pd.DataFrame(columns | {"expected_net_gain": gains})


def a_table(rate: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"action": ["call", "push"], "driver": "any", "stage": "any", "save_rate": [0.2, rate]},
    )


def test_trying_costs_no_more_than_it_may():
    """The chosen earn 4 each; a try of push is drawn at 0.4, and worth 4 - 0.1 x 40 x 3/4 = 1 at the expected 0.1."""
    size = 4000
    chosen = decided(["call"] * size, [4.0] * size)
    tries = [(decided(["push"] * size, [4.0] * size), a_table(0.4)), (chosen, a_table(0.1))]
    stages = pd.Series(["lapsed"] * size)
    found = explored(chosen, tries, a_table(0.1), stages, Limit(0.1, "key"))
    share = 0.1 * 4 / ((4 - 1) / 2)
    assert found.attrs["explore_share"] == pytest.approx(share)
    assert found.attrs["explore_cost"] == pytest.approx(0.1 * 4 * size)
    assert (found["action"] == "push").mean() == pytest.approx(share / 2, abs=0.02)
    assert (found["explored"] == (found["action"] == "push")).all()
    push, call = (found.loc[found["action"] == name, "choice_propensity"].unique() for name in ("push", "call"))
    assert push == pytest.approx([share / 2])
    assert call == pytest.approx([1 - share / 2])
    again = explored(chosen, tries, a_table(0.1), stages, Limit(0.1, "key"))
    assert again.equals(found)


def test_tries_that_agree_cost_nothing_and_change_nothing():
    chosen = decided(["call", "leave_alone"], [4.0, 0.0])
    found = explored(chosen, [(chosen, a_table(0.1))], a_table(0.1), pd.Series(["x", "y"]), Limit(0.1, "key"))
    assert found["action"].tolist() == ["call", "leave_alone"]
    assert found["choice_propensity"].tolist() == [1.0, 1.0]
    assert not found["explored"].any()
    assert found.attrs["explore_cost"] == 0.0
