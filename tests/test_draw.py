"""The hold-out of a campaign: as large as was said, the same for ever, alike in chance and value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.campaigns.assign import Shares, draw, held_out

CUTOFF = pd.Timestamp("2026-02-15", tz="UTC")
SHARES = Shares(everywhere=0.05, campaign=0.1, key="winback hold-out 1")
NIGHT = "inactivity-28d-2026-02-15"


def customers(count: int, seed: int = 1, listed: float = 1.0) -> pd.DataFrame:
    """So many customers of whom the share `listed` with the highest chances is listed; value is skewed, as it is."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 5, count)
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"{seed}-{number}" for number in range(count)], dtype="str"),
            "cutoff": CUTOFF,
            "probability": chance,
            "margin_at_stake": rng.lognormal(3, 1, count) * (1 + chance),
            "at_risk": chance >= np.quantile(chance, 1 - listed),
        }
    )


def off(rows: pd.DataFrame, drawn: pd.DataFrame, column: str) -> float:
    """The standardised difference of a column's means between the arms of those listed."""
    listed = rows["at_risk"].to_numpy()
    values, held = rows.loc[listed, column].to_numpy(), (drawn["arm"] == "held_out").to_numpy()[listed]
    return float((values[held].mean() - values[~held].mean()) / values.std())


def test_who_is_drawn_never_changes() -> None:
    """Golden: if these change, a campaign that is run again changes its arms."""
    drawn = draw(customers(200, listed=0.5), SHARES, NIGHT)
    assert drawn.groupby("held_by").size().to_dict() == {"": 184, "campaign": 9, "global": 7}
    held = drawn.loc[drawn["held_by"] == "campaign", "customer_id"].tolist()
    assert held == ["1-14", "1-49", "1-53", "1-97", "1-107", "1-110", "1-116", "1-126", "1-128"]


def test_a_row_names_arm_who_held_stratum_and_chance_of_the_arm() -> None:
    rows = customers(2000, listed=0.3)
    drawn = draw(rows, SHARES, NIGHT)
    assert list(drawn.columns) == ["customer_id", "cutoff", "arm", "held_by", "stratum", "propensity"]
    assert drawn["customer_id"].tolist() == rows["customer_id"].tolist()
    listed = drawn[rows["at_risk"].to_numpy()]
    others = drawn[~rows["at_risk"].to_numpy()]
    found = {
        name: part.groupby(["arm", "held_by"])["propensity"].unique().map(lambda p: p.round(9).tolist()).to_dict()
        for name, part in (("listed", listed), ("others", others))
    }
    assert found == {
        "listed": {
            ("treated", ""): [0.855],  # 0.95 * 0.9
            ("held_out", "global"): [0.145],
            ("held_out", "campaign"): [0.145],
        },
        "others": {("treated", ""): [0.95], ("held_out", "global"): [0.05]},
    }
    assert set(others["stratum"]) == {""}
    assert sorted(set(listed["stratum"])) == [f"c{c}v{v}" for c in "123" for v in "123"]
    assert listed["stratum"].value_counts().between(60, 73).all()


def test_whoever_is_held_out_everywhere_is_so_by_his_id_alone() -> None:
    rows = customers(3000, listed=0.5)
    drawn = draw(rows, SHARES, NIGHT)
    everywhere = held_out(rows["customer_id"], SHARES.everywhere, SHARES.key)
    assert ((drawn["held_by"] == "global") == everywhere).all()
    assert (drawn.loc[everywhere, "arm"] == "held_out").all()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 400),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["", "ключ 12", "k" * 200]),
    st.integers(0, 10**6),
)
def test_every_draw_lies_within_one_customer_of_its_share_as_a_whole_and_in_each_stratum(
    count: int, listed: float, share: float, key: str, seed: int
) -> None:
    rows = customers(count, seed=seed, listed=listed) if count else customers(1).head(0)
    drawn = draw(rows, Shares(0.2, share, key), NIGHT)
    pool = drawn[(drawn["stratum"] != "") & (drawn["held_by"] != "global")]
    held = pool["held_by"] == "campaign"
    assert abs(held.sum() - share * len(pool)) < 1 + 1e-6
    for _, part in pool.groupby("stratum"):
        assert abs((part["held_by"] == "campaign").sum() - share * len(part)) < 1 + 1e-6
    assert (held == (pool["arm"] == "held_out")).all()
    assert set(drawn.loc[drawn["stratum"] == "", "held_by"]) <= {"", "global"}


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 300))
def test_the_order_of_the_customers_does_not_matter(random, count: int) -> None:
    rows = customers(count, listed=0.7)
    rows.loc[::3, ["probability", "margin_at_stake"]] = 0.4  # many are alike
    order = random.sample(range(count), count)
    expected = draw(rows, SHARES, NIGHT).iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(draw(rows.iloc[order].reset_index(drop=True), SHARES, NIGHT), expected)


def test_shares_of_nothing_and_of_all() -> None:
    rows = customers(500)
    assert set(draw(rows, Shares(0, 0, "key"), NIGHT)["arm"]) == {"treated"}
    assert set(draw(rows, Shares(0, 1, "key"), NIGHT)["held_by"]) == {"campaign"}
    assert set(draw(rows, Shares(1, 1, "key"), NIGHT)["held_by"]) == {"global"}


def test_each_customer_has_the_same_chance_whatever_his_stratum() -> None:
    """Over 200 campaigns of 40 customers: everyone held out 50 times, within 4 standard deviations."""
    rows, times = customers(40), np.zeros(40)
    for number in range(200):
        times += (draw(rows, Shares(0, 0.25, "key"), f"c{number}-2026-02-15")["arm"] == "held_out").to_numpy()
    assert times.sum() == 200 * 10
    assert np.abs(times - 50).max() < 4 * np.sqrt(200 * 0.25 * 0.75)


def test_tiny_lists_are_held_out_as_often_as_large_ones() -> None:
    """Three newcomers a night for 200 nights: rounding within each night would hold out nobody, ever."""
    rows = customers(3)
    held = [(draw(rows, Shares(0, 0.1, "key"), f"c{n}-2026-02-15")["arm"] == "held_out").sum() for n in range(200)]
    assert abs(sum(held) - 60) < 3.5 * np.sqrt(200 * 0.3 * 0.7)


def test_arms_are_nearer_to_each_other_than_a_plain_draw_makes_them() -> None:
    """620 listed, 10 % held out, 60 campaigns: root mean square of the standardised difference."""
    apart: dict[str, list[float]] = {f"{how} {c}": [] for how in ("drawn", "plain") for c in ("probability", "value")}
    for seed in range(60):
        rows = customers(620, seed)
        drawn = draw(rows, Shares(0, 0.1, "key"), f"c{seed}-2026-02-15")
        plain = draw(rows, Shares(0.1, 0, f"key {seed}"), NIGHT)
        for how, arms in (("drawn", drawn), ("plain", plain)):
            apart[f"{how} probability"].append(off(rows, arms, "probability"))
            apart[f"{how} value"].append(off(rows, arms, "margin_at_stake"))
    far = {name: float(np.sqrt(np.mean(np.square(values)))) for name, values in apart.items()}
    assert far["drawn probability"] < 0.5 * far["plain probability"]
    assert far["drawn value"] < 0.8 * far["plain value"]
    assert max(abs(np.mean(apart["drawn probability"])), abs(np.mean(apart["drawn value"]))) < 0.035


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.deep)])
def test_of_many_customers_the_share_is_within_a_tenth_of_a_point_and_the_arms_are_alike(count: int) -> None:
    rows = customers(count)
    drawn = draw(rows, SHARES, NIGHT)
    shares = drawn["held_by"].value_counts(normalize=True)
    assert abs(shares["global"] - 0.05) < (0.001 if count == 1_000_000 else 0.0025)
    assert abs(shares["campaign"] - 0.1 * (1 - shares["global"])) < 0.0001
    one = np.sqrt(1 / (0.145 * count) + 1 / (0.855 * count))  # standard deviation, had nothing been balanced
    assert abs(off(rows, drawn, "probability")) < 2.5 * one
    assert abs(off(rows, drawn, "margin_at_stake")) < 2.5 * one


# Night after night


def test_whoever_was_listed_before_keeps_his_arm_and_its_chance_whoever_else_is_listed() -> None:
    first = customers(1000, listed=0.4)
    before = draw(first, SHARES, "s-2026-02-15")
    earlier = before[before["stratum"] != ""]
    again = first.assign(at_risk=first["probability"] > first["probability"].quantile(0.4))
    after = draw(again, Shares(0.05, 0.3, SHARES.key), "s-2026-02-16", earlier)
    both = earlier.merge(after, on="customer_id", suffixes=("", "_after"))
    assert both["arm"].tolist() == both["arm_after"].tolist()
    assert both["held_by"].tolist() == both["held_by_after"].tolist()
    drawn_before = both[both["held_by"] != "global"]
    assert drawn_before["propensity"].tolist() == drawn_before["propensity_after"].tolist()
    new = after[(after["stratum"] != "") & (after["held_by"] != "global")]
    new = new[~new["customer_id"].isin(earlier["customer_id"])]
    assert abs((new["arm"] == "held_out").sum() - 0.3 * len(new)) < 1


def test_whoever_is_no_longer_held_out_everywhere_is_drawn_as_if_new() -> None:
    rows = customers(400)
    before = draw(rows, Shares(0.5, 0, "key"), "s-2026-02-15")
    after = draw(rows, Shares(0, 0.5, "key"), "s-2026-02-16", before)
    was = (before["held_by"] == "global").to_numpy()
    assert (after.loc[~was, "arm"] == "treated").all()
    assert abs((after.loc[was, "held_by"] == "campaign").sum() - 0.5 * was.sum()) < 1


def test_a_larger_share_everywhere_takes_from_those_treated_before() -> None:
    rows = customers(400)
    before = draw(rows, Shares(0, 0, "key"), "s-2026-02-15")
    after = draw(rows, Shares(0.5, 0, "key"), "s-2026-02-16", before)
    assert ((after["held_by"] == "global") == held_out(rows["customer_id"], 0.5, "key")).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"share must be between 0 and 1, and is {share}"):
        Shares(0.1, share, "key")
