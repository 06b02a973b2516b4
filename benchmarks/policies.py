"""What decisions are worth on simulated shops whose causes and effects are known, against simpler policies.

    python benchmarks/policies.py [SEEDS] [CUSTOMERS]            chances and reasons that tell what can be known
    python benchmarks/policies.py [SEEDS] [CUSTOMERS] model      chances and reasons of a model trained on the shop

Each seed is a shop of two years, decided on 60 days before its end. Whatever a policy does is paid and rewarded by
the truth: (true chance to stay with the action - without it) * margin - contact - incentive * true chance to redeem it.
The oracle knows each customer's true gains. Our policy knows chances, reasons and true response rates by action and
driver: of those with the driver among their reasons, how many the action keeps. docs/decisions.md says what came of it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from simulated_shops import DAYS, HORIZON, SHOWN_IN, learned
from winback.offers.action import Action
from winback.offers.allocate import allocate
from winback.offers.case import Known
from winback.offers.decide import Limits, decide
from winback.offers.options import NONE, Floats, Ints, Options, Room
from winback.offers.response import reasons_of
from winback.simulate import files, truth, world
from winback.simulate.actions import ACTIONS, DELIVERED, IDS
from winback.simulate.shop import Shop, date_of

REDEEMED_WITHIN, MARGIN_RATE, VALUE_DAYS = 28, 0.3, 180
AT_RISK, BASE = 0.2, 0.2  # who is on the list; where reasons start from
FLAT = IDS.index("price_offer")
EVERYWHERE = ("new", "active", "cooling", "lapsed", "lost", "returned")
CONTACT, INCENTIVE = (np.array([action.costs[k] for action in ACTIONS]) for k in (0, 1))
ACCEPTS = np.array([action.accepts for action in ACTIONS])


@dataclass(frozen=True)
class Truth:
    """Of each customer (row) and action (column) of a shop: more chance to stay, chance to redeem, true gain, cost."""

    people: pd.DataFrame
    uplift: Floats
    redeems: Floats
    gain: Floats
    cost: Floats
    deadweight: Floats


def truth_of(shop: Shop, ids: pd.Series | None = None) -> Truth:
    """The truth of a shop, of all customers or of some, 60 days before its end."""
    then = world.as_of(world.world(shop), DAYS - HORIZON)
    told = pa.concat_tables([truth.at_cutoff(world.made(then, who), HORIZON) for who in world.chunks(then)]).to_pandas()
    habits = pa.concat_tables([truth.customers(world.made(then, who)) for who in world.chunks(then)]).to_pandas()
    people = told.merge(habits[["customer_id", "basket", "orders_per_week"]], on="customer_id")
    people = people[~people["one_time"]] if ids is None else people[people["customer_id"].isin(ids)]
    people = people.sort_values("customer_id", ignore_index=True)
    people["margin"] = people["basket"] * people["orders_per_week"] / 7 * MARGIN_RATE * VALUE_DAYS
    stays, soon = (_stays(then, horizon, people["customer_id"]) for horizon in (HORIZON, REDEEMED_WITHIN))
    uplift = stays[:, 1:] - stays[:, :1]
    redeems = ACCEPTS * (soon[:, 1:] - (1 - DELIVERED) * soon[:, :1])
    cost = CONTACT + INCENTIVE * redeems
    deadweight = INCENTIVE * ACCEPTS * DELIVERED * soon[:, :1]
    return Truth(people, uplift, redeems, uplift * people["margin"].to_numpy()[:, None] - cost, cost, deadweight)


def _stays(then: world.World, horizon: int, ids: pd.Series) -> Floats:
    parts = [truth.stays(then, world.people(then, who), horizon) for who in world.chunks(then)]
    wide = pa.concat_tables(parts).to_pandas().pivot_table("stays", "customer_id", "action")
    return wide.loc[ids, ["none", *IDS]].to_numpy()


def reasons_that_can_be_known(people: pd.DataFrame) -> pd.DataFrame:
    """A cause that left traces pushes through the drivers in which it shows; everybody fades as his risk says."""
    fading = people.assign(driver="recency", points=people["leaves"] - BASE)[["customer_id", "driver", "points"]]
    traced = people[people["traced"] & people["cause"].isin(SHOWN_IN)]
    drivers = traced["cause"].map(lambda cause: sorted(SHOWN_IN[cause]))
    shown = traced.assign(driver=drivers, points=0.3 / drivers.map(len)).explode("driver")
    return pd.concat([fading, shown[["customer_id", "driver", "points"]]], ignore_index=True)


def rates(true: Truth, reasons: pd.DataFrame) -> pd.DataFrame:
    """The true response rates by action and driver, of the customers at risk."""
    risky = true.people["at_risk"].to_numpy()
    mine = reasons_of(true.people.loc[risky, "customer_id"].reset_index(drop=True), reasons)
    leaving = true.people["leaves"].to_numpy()[risky]
    kept = mine.shares.T @ true.uplift[risky] / np.maximum(mine.shares.T @ leaving, 1e-9)[:, None]
    staying = mine.shares.T @ (1 - leaving[:, None] + true.uplift[risky])
    accept = mine.shares.T @ true.redeems[risky] / np.maximum(staying, 1e-9)
    rows = [
        (action, driver, "any", kept[d, a], accept[d, a], risky.sum())
        for a, action in enumerate(IDS)
        for d, driver in enumerate(mine.drivers)
    ]
    return pd.DataFrame(rows, columns=["action", "driver", "stage", "save_rate", "accept_rate", "n"])


def offered() -> list[Action]:
    """The shop's actions as a catalogue has them."""
    return [
        Action(
            id=a.id, name=a.id, message=a.id, family=a.family, drivers=a.drivers, channels=(a.channel,),
            contact_cost=a.costs[0], save_rate=0.1, incentive_cost=a.costs[1], accept_rate=a.accepts, stages=EVERYWHERE,
        )
        for a in ACTIONS
    ]  # fmt: skip


def ours(true: Truth, chance: Floats, reasons: pd.DataFrame, budget: float | None) -> tuple[Ints, pd.DataFrame]:
    """The action that `decide` gives each customer, and its decisions."""
    people = true.people
    who = pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "cutoff": pd.Timestamp("2026-01-01", tz="UTC"),
            "probability": chance,
            "at_risk": people["at_risk"],
            "held_out": False,
            "margin_at_stake": people["margin"],
            "average_basket": people["basket"],
            "days_since_last_contact": np.nan,
        }
    )
    limits = Limits(budget, 0.0, 0, monetary_edge=0.1)
    decided = decide(who, reasons, offered(), limits, Known(rates=rates(true, reasons)))
    return decided["action"].map({name: n for n, name in enumerate(IDS)}).fillna(NONE).to_numpy(dtype=np.int64), decided


def oracle(true: Truth, budget: float) -> Ints:
    """The best choice of whoever knows the truth."""
    count = len(true.people)
    free = Options(true.gain, true.cost, np.zeros((len(IDS), 1)), np.ones((count, 1), dtype=bool))
    return allocate(free, Room(budget, np.full(len(IDS), np.inf), np.array([np.inf]))).picks.action


def simpler(true: Truth, chance: Floats, reasons: pd.DataFrame, limits: tuple[int, float]) -> dict[str, Ints]:
    """What simpler policies do, each with as many contacts at most as ours, and within the budget as it expects it."""
    contacts, budget = limits
    risky = true.people["at_risk"].to_numpy()
    shares = reasons_of(true.people["customer_id"], reasons)
    table = rates(true, reasons).pivot_table("save_rate", "driver", "action").loc[list(shares.drivers), list(IDS)]
    kept = chance[:, None] * (shares.shares[:, :-1] @ table.to_numpy())
    cost = CONTACT + INCENTIVE * ACCEPTS * ((1 - chance)[:, None] + kept)
    gain = kept * true.people["margin"].to_numpy()[:, None] - cost
    ratio = gain / cost
    luck = np.random.default_rng(5)
    some = luck.integers(0, len(IDS), len(chance))
    here = np.arange(len(chance))
    by_ratio = ratio.argmax(axis=1)
    wanted = {
        "top risk, flat discount": (np.full(len(chance), FLAT), np.where(risky, chance, -1.0)),
        "highest ratio": (by_ratio, np.where(risky & (gain[here, by_ratio] > 0), ratio[here, by_ratio], -1.0)),
        "random": (some, np.where(risky, luck.random(len(chance)), -1.0)),
    }
    return {
        name: _first(action, order, cost[here, action], (contacts, budget)) for name, (action, order) in wanted.items()
    }


def _first(action: Ints, order: Floats, cost: Floats, limits: tuple[int, float]) -> Ints:
    """The actions of the first in order (those below 0 are out), as many as the limits allow."""
    rows = np.argsort(-order, kind="stable")[: int((order >= 0).sum())][: limits[0]]
    rows = rows[np.cumsum(cost[rows]) <= limits[1]]
    done = np.full(len(action), NONE)
    done[rows] = action[rows]
    return done


def earned(true: Truth, action: Ints) -> dict[str, float]:
    """What a choice truly earns, spends, gives to those who stay anyway, and how many are contacted."""
    rows = np.flatnonzero(action != NONE)
    of = rows, action[rows]
    figures = {"gain": true.gain[of].sum(), "cost": true.cost[of].sum(), "deadweight": true.deadweight[of].sum()}
    return {**{name: float(value) for name, value in figures.items()}, "contacted": len(rows)}


def compared(true: Truth, chance: Floats, reasons: pd.DataFrame) -> Iterator[dict[str, object]]:
    """One row a policy, without a budget and with one of three tenths of what the oracle would spend."""
    whole = earned(true, oracle(true, np.inf))["cost"]
    for name, budget in (("none", np.inf), ("3/10", 0.3 * whole)):
        done, _ = ours(true, chance, reasons, None if np.isinf(budget) else budget)
        contacts = int((done != NONE).sum()) if np.isinf(budget) else len(done)
        policies = {"oracle": oracle(true, budget), "ours": done}
        policies |= simpler(true, chance, reasons, (contacts, budget))
        for policy, action in policies.items():
            yield {"budget": name, "policy": policy, **earned(true, action)}


def shop(seed: int, customers: int, by_model: bool) -> pd.DataFrame:
    """The policies of one shop."""
    asked = Shop(customers=customers, days=DAYS, seed=seed)
    if not by_model:
        true = truth_of(asked)
        chance = true.people["leaves"].to_numpy()
        true.people["at_risk"] = chance >= AT_RISK
        return pd.DataFrame(compared(true, chance, reasons_that_can_be_known(true.people)))
    with tempfile.TemporaryDirectory() as name:
        files.write(asked, Path(name) / "shop", [date_of(asked, DAYS - HORIZON)])
        rows, reasons = learned(Path(name) / "shop")
    true = truth_of(asked, rows["customer_id"])
    chance = rows.set_index("customer_id")["probability"].loc[true.people["customer_id"]].to_numpy()
    true.people["at_risk"] = chance >= AT_RISK
    return pd.DataFrame(compared(true, chance, reasons[["customer_id", "driver", "points"]]))


def main() -> None:
    """Print each seed's table, then the ratios of all."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    customers = int(sys.argv[2]) if len(sys.argv) > 2 else 3_000
    found = []
    for seed in range(1, seeds + 1):
        told = shop(seed, customers, by_model="model" in sys.argv).assign(seed=seed)
        found.append(told)
        print(told.round(1).to_string(index=False), flush=True)
    gain = pd.concat(found).pivot_table("gain", ["budget", "seed"], "policy")
    shown = pd.DataFrame({"of the oracle": gain["ours"] / gain["oracle"]})
    for policy in ("top risk, flat discount", "highest ratio", "random"):
        # Whoever loses money is beaten by any gain; the ratio is told against what is above nothing.
        shown[f"times {policy}"] = np.where(gain[policy] > 0, gain["ours"] / gain[policy].clip(lower=1e-9), np.inf)
    print(shown.groupby("budget").agg(["mean", "min"]).T.round(3).to_string())
    print("least gain of ours:", round(float(gain["ours"].min()), 1))


if __name__ == "__main__":
    main()
