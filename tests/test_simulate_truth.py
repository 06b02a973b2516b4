"""The truth of a simulated shop is true: probabilities agree with what then happens, and with other futures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from winback.simulate import truth, world
from winback.simulate.actions import ACTIONS, IDS, Deeds, state_at
from winback.simulate.causes import CARD_FAILS, CAUSES, GONE, PAYMENT, SPEEDS
from winback.simulate.habits import first_gap
from winback.simulate.leaving import hazards, left_of, seasons
from winback.simulate.shop import Shop

ASKED = Shop(customers=4_000, days=560, seed=11)
CUTOFF, HORIZON = 500, 60


def told_at(w: world.World) -> pd.DataFrame:
    """What is told of everybody at the cutoff."""
    then = world.as_of(w, CUTOFF)
    parts = [truth.at_cutoff(world.made(then, who), HORIZON) for who in world.chunks(then)]
    return pa.concat_tables(parts).to_pandas()


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """What is told at a cutoff, with whether an order came in the 60 days after it."""
    w = world.world(ASKED)
    told = told_at(w)
    orders = pd.concat([world.tables_of(world.made(w, who))["orders"].to_pandas() for who in world.chunks(w)])
    day = (orders["ordered_at"] - pd.Timestamp("2024-01-01", tz="UTC")).dt.days
    bought = orders[day.between(CUTOFF, CUTOFF + HORIZON - 1) & orders["order_id"].str.startswith("o")]
    return told.assign(left=~told["customer_id"].isin(bought["customer_id"]))


def surprise(rows: pd.DataFrame) -> float:
    """How many standard deviations the leavers are from the sum of their chances."""
    chance = rows["leaves"]
    return float((rows["left"] - chance).sum() / np.sqrt((chance * (1 - chance)).sum()))


def test_chances_agree_with_what_happens(rows):
    by_chance = rows.groupby(pd.cut(rows["leaves"], [0, 0.02, 0.1, 0.3, 0.6, 0.9, 0.97, 1], include_lowest=True))
    by_cause = rows.groupby(rows["cause"].fillna("none"))
    for groups in (by_chance, by_cause, rows.groupby("on_pause"), rows.groupby("one_time")):
        for name, mine in groups:
            assert abs(surprise(mine)) < 3.5, name


def test_what_is_told_at_a_cutoff_knows_nothing_of_later_days(rows):
    pd.testing.assert_frame_equal(told_at(world.world(ASKED, until=CUTOFF)), rows.drop(columns="left"))


def test_the_chance_does_not_depend_on_how_many_customers_are_made_at_a_time():
    then = world.as_of(world.world(ASKED), CUTOFF)
    whole, *parts = (
        truth.at_cutoff(world.made(then, who), HORIZON).to_pandas()
        for who in (np.arange(64), *np.split(np.arange(64), 8))
    )
    pd.testing.assert_frame_equal(whole, pd.concat(parts, ignore_index=True), rtol=1e-12)


def test_traced_customers_have_a_cause_that_shows(rows):
    traced = rows[rows["traced"]]
    assert traced["cause"].notna().all()
    assert (traced["traces"] >= truth.TRACES).all()
    assert not traced["one_time"].any()
    assert rows.loc[rows["cause"].isna(), "traces"].sum() == 0
    share = rows[rows["struck_days_ago"].between(30, 120) & ~rows["one_time"]].groupby("cause")["traced"].mean()
    assert share["service_failure"] > 0.8
    assert share["natural_end"] < 0.5


def test_who_pauses_is_likely_to_come_back(rows):
    """Within 60 days a pause of up to 70 may not have ended; but it is nothing like the end."""
    pausing = rows[rows["on_pause"] & rows["cause"].isna()]
    assert len(pausing) > 30
    assert pausing["leaves"].mean() < 0.7
    assert rows.loc[rows["cause"].notna() & (rows["level"] < 0.03), "leaves"].mean() > 0.9


def futures(w: world.World, some: world.People, row: int, draws: int, chance: np.random.Generator) -> float:
    """The share of many futures of one customer without an order, day by day and from other numbers.

    An independent way: the day and cause of leaving are drawn first, then the rest of the open gap, by rejection.
    """
    held, pace = some.held, some.held.rate[row] * seasons(w.shop, some.held, w.until + np.arange(HORIZON))[row]
    stages = int(held.gap_shape[row])
    mine = some.orders.row == row
    waited = some.time[row, -1] - (
        np.max(some.orders.at, where=mine, initial=0.0) if mine.any() else -first_gap(w.shop.seed, held)[1][row]
    )
    gaps = chance.gamma(stages, 1 / stages, 50 * draws)
    rest = chance.choice(gaps[gaps > waited] - waited, draws)
    if some.gone.onset[row] < w.until:
        passes = np.full(draws, (pace * left_of(some.gone, w.until + np.arange(HORIZON))[row]).sum())
        return float((rest > passes).mean())
    a_day = hazards(held)[row]
    days = np.floor(chance.exponential(1 / a_day.sum(), draws))
    cause = chance.choice(len(CAUSES), draws, p=a_day / a_day.sum())
    ends = held.card_ends[row] - w.until
    card = (chance.random(draws) < CARD_FAILS) & (ends >= 0) & (ends <= days)
    days, cause = np.where(card, ends, days), np.where(card, PAYMENT, cause)
    fades = np.array([c.fades_days for c in CAUSES])[cause] * chance.choice(SPEEDS, draws)
    since = np.arange(HORIZON)[None, :] - days[:, None] + 1
    level = 1 - (1 - GONE) * np.clip(since / fades[:, None], 0, 1)
    return float((rest > (pace * level).sum(axis=1)).mean())


def test_chances_agree_with_many_other_futures():
    """10,000 futures of each of some customers in every state; four standard deviations are allowed."""
    w = world.world(ASKED, until=CUTOFF)
    some = world.people(w, np.arange(400))
    exact = truth.leaves(w, some, HORIZON)
    chance, draws = np.random.default_rng(7), 10_000
    states = np.where(some.held.arrived < CUTOFF, state_at(w.shop, some.held, some.gone, CUTOFF), -1)
    chosen = [row for state in np.unique(states[states >= 0]) for row in np.flatnonzero(states == state)[:3]]
    assert len(chosen) > 20
    for row in chosen:
        found = futures(w, some, row, draws, chance)
        allowed = 4 * np.sqrt(exact[row] * (1 - exact[row]) / draws) + 1e-4
        assert found == pytest.approx(exact[row], abs=allowed), row


@pytest.fixture(scope="module")
def acted() -> pd.DataFrame:
    """One row a customer and action: the chance told, and whether an order came after the action was done."""
    found = []
    w = world.world(Shop(customers=4_000, days=CUTOFF, seed=11))
    for number, name in [(-1, "none"), *enumerate(IDS)]:
        for who in world.chunks(w):
            told = truth.stays(w, world.people(w, who), HORIZON).to_pandas()
            told = told[told["action"] == name]
            done = Deeds(who, np.full(len(who), CUTOFF), np.full(len(who), max(number, 0)))
            after = world.world(w.shop, CUTOFF + HORIZON, done if number >= 0 else w.done)
            orders = world.people(after, who).orders
            came = np.unique(orders.row[orders.day >= CUTOFF])
            came = pd.Series(np.isin(np.arange(len(who)), came), [f"c{n:07}" for n in who])
            found.append(told.assign(came=told["customer_id"].map(came).astype(bool)))
    return pd.concat(found)


@pytest.mark.deep
def test_actions_do_what_is_told_of_them(acted):
    for name, mine in acted.groupby("action"):
        spread = np.sqrt((mine["stays"] * (1 - mine["stays"])).sum())
        assert abs((mine["came"] - mine["stays"]).sum() / spread) < 3.5, name
    stays = acted.groupby("action")["stays"].mean()
    assert stays["last_chance_push"] < stays["none"] == stays["usual_reminder"] < stays["price_offer"]


def test_customers_tell_why_and_when():
    w = world.world(ASKED)
    told = truth.customers(world.made(w, np.arange(500))).to_pandas()
    struck = told["cause"].notna()
    assert (told.loc[struck, "onset"] >= told.loc[struck, "arrived"]).all()
    assert (told.loc[struck, "end"] > told.loc[struck, "onset"]).all()
    assert told.loc[~struck, ["onset", "end", "leaves_traces"]].isna().all(axis=None)
    assert told["kept_on"].isna().all()


def test_effects_are_told_as_they_work():
    told = truth.effects_table().to_pandas().set_index(["state", "action"])["effect"]
    for action in ACTIONS:
        for name, effect in action.keeps.items():
            assert told[name, action.id] == effect
        assert told["none", action.id] == told["seasonal_pause", action.id] == -action.harms
