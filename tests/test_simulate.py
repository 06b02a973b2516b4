"""The simulated shop: the same for everybody who asks, and every cause shows what it is said to show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.errors import ConfigError
from winback.facts.intake.contracts import CONTRACTS, HAPPENED
from winback.simulate import world
from winback.simulate.actions import IDS, NOTHING, STATES, Deeds, effects, numbers_of
from winback.simulate.causes import CAUSES, NAMES
from winback.simulate.chance import uniform
from winback.simulate.happenings import stays_away
from winback.simulate.papers import COLUMNS
from winback.simulate.shop import Shop, customers_by, shop_of
from winback.simulate.truth import customers

TABLES = tuple(table for table in COLUMNS if table != "outcomes")  # those come with the first contact
SMALL = Shop(customers=300, days=240, seed=5, subscribers=0.3, late_share=0.05)


def tables_of(w: world.World, since: int = 0) -> dict[str, pa.Table]:
    """What became known of a whole shop on the days from `since` on."""
    parts = [world.tables_of(world.made(w, who), since) for who in world.chunks(w)]
    return {table: pa.concat_tables([part[table] for part in parts]) for table in parts[0]}


def sorted_rows(table: pa.Table) -> list[str]:
    """The rows as texts in an order of their own."""
    return sorted(map(str, table.to_pylist()))


@pytest.fixture(scope="module")
def small() -> dict[str, pa.Table]:
    return world.tables(SMALL)


@pytest.fixture(scope="module")
def told() -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """A larger shop as frames, and its customers' truth."""
    asked = Shop(customers=3_000, days=500, seed=2, subscribers=0.3)
    everything = world.world(asked)
    hidden = pa.concat_tables([customers(world.made(everything, who)) for who in world.chunks(everything)]).to_pandas()
    return {name: table.to_pandas() for name, table in world.tables(asked).items()}, hidden


def test_equal_shops_are_equal_and_others_are_not(small):
    again, other = world.tables(SMALL), world.tables(Shop(**{**vars(SMALL), "seed": 6}))
    assert all(again[table].equals(rows) for table, rows in small.items())
    assert not any(other[table].equals(rows) for table, rows in small.items())


@pytest.mark.parametrize("at_once", [1, 7])
def test_the_rows_do_not_depend_on_how_many_customers_are_made_at_a_time(small, at_once):
    fewer = Shop(**{**vars(SMALL), "customers": 40})
    whole = world.tables(fewer)
    for name, table in world.tables(fewer, at_once).items():
        assert sorted_rows(table) == sorted_rows(whole[name]), name


def test_a_longer_log_begins_with_the_shorter_one():
    """The first days and those added later are together what a longer log would hold."""
    early, late = world.world(SMALL, until=150), world.world(SMALL)
    first, later, whole = tables_of(early), tables_of(late, 150), tables_of(late)
    for table in TABLES:
        assert sorted_rows(pa.concat_tables([first[table], later[table]])) == sorted_rows(whole[table]), table


@pytest.mark.parametrize("table", TABLES)
def test_tables_keep_their_contract(small, table):
    """Columns of the contract and no others; nothing before the first day or recorded after the last."""
    rows, known = small[table], {column.name: column for column in CONTRACTS[table]}
    assert set(rows.column_names) == {"customer_id", *COLUMNS[table], "recorded_at"} <= set(known)
    assert world.MOMENTS[table] == HAPPENED[table]
    for name in rows.column_names:
        if known[name].required:
            assert rows[name].null_count == 0
        if known[name].words:
            assert set(rows[name].to_pylist()) <= set(known[name].words)
    happened, recorded = (rows[name].to_pandas() for name in (HAPPENED[table], "recorded_at"))
    assert (recorded >= happened).all()
    assert (recorded < pd.Timestamp("2024-08-28", tz="UTC")).all()
    assert table == "customers" or (happened >= pd.Timestamp("2024-01-01", tz="UTC")).all()


def test_tables_can_be_left_out():
    asked = Shop(customers=50, days=100, without=("tickets", "events"))
    assert set(world.tables(asked)) == {*TABLES} - {"tickets", "events", "subscriptions"}


def test_late_rows_and_duplicates_are_as_many_as_asked():
    clean = world.tables(Shop(customers=500, days=300, late_share=0.0, duplicates_share=0.0))["payments"]
    dirty = world.tables(Shop(customers=500, days=300, late_share=0.1, duplicates_share=0.05))["payments"]
    assert pc.all(pc.equal(clean["recorded_at"], clean["attempted_at"])).as_py()
    late = pc.mean(pc.greater(dirty["recorded_at"], dirty["attempted_at"]).cast(pa.float64())).as_py()
    assert late == pytest.approx(0.1, abs=0.02)
    twice = len(dirty) - len(dirty.group_by(dirty.column_names).aggregate([]))
    assert twice == pytest.approx(0.05 * len(clean), rel=0.2)


def test_days_are_the_business_s():
    """In New York nobody orders at night, whatever the hour is in UTC; the rows of each day lie within it."""
    asked = Shop(customers=200, days=120, time_zone="America/New_York")
    hours = world.tables(asked)["orders"].to_pandas()["ordered_at"].dt.tz_convert("America/New_York").dt.hour
    assert hours.between(2, 22).all()
    assert hours.median() == pytest.approx(15, abs=2)


def test_customers_come_evenly_and_half_are_there(told):
    _, hidden = told
    there = (pd.to_datetime(hidden["arrived"]) < "2024-01-01").mean()
    assert there == pytest.approx(0.5, abs=0.01)
    assert customers_by(Shop(customers=1000, days=100), 100) == 1000
    assert customers_by(Shop(customers=1000, days=100), 150) == 1250


def test_money_is_conserved(told):
    """Every order that is not a return has one payment that succeeded, of the same amount to the cent a line."""
    tables, _ = told
    orders, payments = (tables[name].drop_duplicates() for name in ("orders", "payments"))
    bought = orders[orders["order_id"].str.startswith("o")].groupby("order_id").agg(amount=("amount", "sum"))
    paid = payments[payments["payment_id"].str.startswith("p")].set_index("payment_id")
    assert (paid["status"] == "succeeded").all()
    assert {name[1:] for name in bought.index} >= {name[1:] for name in paid.index[:500]}
    assert (orders.loc[orders["order_id"].str.startswith("r"), "amount"] < 0).all()
    assert (orders.loc[orders["order_id"].str.startswith("o"), "amount"] > 0).all()


def struck(tables, hidden, cause, traced=True):
    """The customers of a cause with the days that it was at work on, and all the others that nothing struck."""
    mine = hidden[(hidden["cause"] == cause) & (hidden["leaves_traces"] == traced) & ~hidden["one_time"]]
    return mine.set_index("customer_id")["onset"].map(lambda day: pd.Timestamp(day, tz="UTC"))


def during(table: pd.DataFrame, moment: str, onset: pd.Series) -> pd.DataFrame:
    """The rows of the 60 days from each customer's onset on."""
    rows = table.merge(onset.rename("onset"), left_on="customer_id", right_index=True)
    return rows[(rows[moment] >= rows["onset"]) & (rows[moment] < rows["onset"] + pd.Timedelta(days=60))]


@pytest.mark.parametrize("cause", NAMES)
def test_orders_fade_away_after_every_cause(told, cause):
    tables, hidden = told
    onset = struck(tables, hidden, cause)
    orders = tables["orders"].merge(onset.rename("onset"), left_on="customer_id", right_index=True)
    since = (orders["ordered_at"] - orders["onset"]).dt.days
    later = orders["onset"] < pd.Timestamp("2024-12-01", tz="UTC")  # watched for 160 days and more
    before, after = (since.between(-60, -1) & later).sum(), (since.between(140, 199) & later).sum()
    assert before > 20
    assert after < 0.25 * before


def shares(told, cause):
    """What a cause is to be seen by: of its customers while it is at work, and of everybody at any time."""
    tables, hidden = told
    onset = struck(tables, hidden, cause)
    n = len(onset)
    orders, events = during(tables["orders"], "ordered_at", onset), during(tables["events"], "occurred_at", onset)
    tickets, surveys = during(tables["tickets"], "opened_at", onset), during(tables["surveys"], "answered_at", onset)
    payments = during(tables["payments"], "attempted_at", onset)
    return {
        "on offer": (orders["discount"] > 0).mean(),
        "sent back": (orders["amount"] < 0).mean(),
        "lines": orders.groupby("order_id").size().mean(),
        "visits": (events["kind"] == "visit").sum() / n,
        "unsubscribed": (events["kind"] == "unsubscribe").sum() / n,
        "complaints": tickets["ticket_id"].nunique() / n,
        "csat": tickets["csat"].mean(),
        "nps": surveys.loc[surveys["kind"] == "nps", "score"].mean(),
        "declined": (payments["status"] == "failed").sum() / n,
    }


@pytest.mark.parametrize(
    ("cause", "sign", "more", "than"),
    [
        ("price_pressure", "on offer", True, "service_failure"),
        ("service_failure", "complaints", True, "price_pressure"),
        ("service_failure", "csat", False, "price_pressure"),
        ("service_failure", "nps", False, "novelty_gone"),
        ("product_trouble", "sent back", True, "price_pressure"),
        ("product_trouble", "complaints", True, "price_pressure"),
        ("novelty_gone", "lines", False, "price_pressure"),
        ("novelty_gone", "visits", False, "price_pressure"),
        ("payment_failure", "declined", True, "price_pressure"),
        ("competitor", "visits", False, "price_pressure"),
        ("competitor", "unsubscribed", True, "price_pressure"),
    ],
)
def test_causes_leave_their_traces(told, cause, sign, more, than):
    mine, others = shares(told, cause)[sign], shares(told, than)[sign]
    assert mine > 1.5 * others if more else mine < 0.85 * others


def test_a_pause_is_no_end(told):
    """Who pauses hardly buys meanwhile and buys again afterwards as before."""
    tables, hidden = told
    stays = hidden["cause"].isna() & (pd.to_datetime(hidden["arrived"]) < "2024-01-01")
    mine = hidden[stays & (hidden["pause_days"] > 0) & hidden["pause_begins"].between(60, 260)].set_index("customer_id")
    assert mine["pause_days"].between(30, 50).all()
    orders = tables["orders"].merge(mine["pause_begins"], left_on="customer_id", right_index=True)
    since = (orders["ordered_at"] - pd.Timestamp("2024-01-01", tz="UTC")).dt.days - orders["pause_begins"]
    meanwhile, before, after = (since.between(first, first + 29).sum() for first in (0, -30, 51))
    assert meanwhile < 0.1 * before
    assert after == pytest.approx(before, rel=0.3)


def test_actions_change_only_what_comes_after_them():
    """The days before are the same to the bit, and so is everything of whoever was not acted on."""
    who = np.arange(0, 300, 2)
    done = Deeds(who, np.full(len(who), 120), numbers_of(["last_chance_push"]).repeat(len(who)))
    alone, acted = (tables_of(world.world(SMALL, done=what)) for what in (NOTHING, done))
    for table in ("orders", "events", "payments"):
        frames = [found[table].to_pandas() for found in (alone, acted)]
        before, odd = (
            [frame[chosen(frame, table)].reset_index(drop=True) for frame in frames] for chosen in (early, by)
        )
        pd.testing.assert_frame_equal(*before)
        pd.testing.assert_frame_equal(*odd)
        assert len(frames[1]) < len(frames[0])  # it harms


def early(frame: pd.DataFrame, table: str) -> pd.Series:
    """The rows of the days before day 120."""
    return frame[HAPPENED[table]] < pd.Timestamp("2024-04-30", tz="UTC")


def by(frame: pd.DataFrame, table: str) -> pd.Series:
    """The rows of customers with an odd number."""
    return frame["customer_id"].str[-1].isin(list("13579"))


def test_effects_say_what_does_nothing_and_what_harms():
    table = pd.DataFrame(effects(), index=STATES, columns=IDS)
    assert (table["usual_reminder"] == 0).all()
    assert (table["last_chance_push"] < 0).all()
    assert table.loc["service_failure", "big_coupon"] < 0 < table.loc["price_pressure", "big_coupon"]
    assert table.loc["service_failure"].idxmax() == "senior_call"
    assert (table.loc["none"] <= 0).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"days": 0}, "a simulated shop has at least 1 customer and 1 to 7300 days; came 20000 customers and 0 days."),
        ({"late_share": 1.5}, "late_share is a share from 0 to 1; came 1.5."),
        ({"without": ("ticket",)}, "no table 'ticket' can be left out. Did you mean 'tickets'?"),
        ({"without": ("orders",)}, "no table 'orders' can be left out."),
        ({"time_zone": "Europe/Berln"}, "no time zone is called 'Europe/Berln'; write one such as 'Europe/Berlin'."),
    ],
)  # fmt: skip
def test_a_shop_that_cannot_be_is_refused(asked, said):
    with pytest.raises(ConfigError) as error:
        Shop(**asked)
    assert str(error.value).startswith(said)


def test_a_shop_survives_json():
    assert shop_of(SMALL.as_dict()) == SMALL


@given(st.integers(0, 2**40), st.integers(0, 2**31), st.integers(0, 10**6))
def test_chance_is_between_0_and_1_and_the_same_whoever_asks(seed, who, number):
    one = uniform(seed, "x", who, number)[0]
    many = uniform(seed, "x", np.array([3, who, 9])[:, None], np.array([number, number + 1])[None, :])
    assert 0 < one < 1
    assert many[1, 0] == one


def test_chance_is_even_and_without_memory():
    drawn = uniform(1, "x", np.arange(1000)[:, None], np.arange(200)[None, :])
    assert np.histogram(drawn, 20, (0, 1))[0] / drawn.size == pytest.approx(0.05, abs=0.002)
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 0.01


@pytest.mark.parametrize(("stages", "chance"), [(1, 0.3678794), (2, 0.4060058), (3, 0.4231901)])
def test_gaps_are_erlang(stages, chance):
    """P(gap > mean) of Erlang's distribution is exp(-k) x the sum of k^j / j! for j < k."""
    assert stays_away(np.array([stages]), np.array([1.0]))[0] == pytest.approx(chance, abs=1e-6)


def test_every_cause_is_told_of():
    assert len({cause.name for cause in CAUSES}) == len(CAUSES) == 7
    assert all(0 < cause.traced <= 1 for cause in CAUSES)
