"""How long a decision takes for a million customers, 35 actions and 6 channels, and how near it is to the bound.

    python benchmarks/decide.py [CUSTOMERS] [SEED]

Everybody is at risk, a tenth is held out, each customer has three reasons, may be reached by some of the channels
and has been contacted before; a budget, most actions and half of the channels are short. The bound is that of the
relaxed problem (linear program) at the prices found: no choice within the limits can gain more.
"""

from __future__ import annotations

import resource
import sys
import time
from math import fsum

import numpy as np
import pandas as pd

from winback.offers.action import Action
from winback.offers.decide import Known, Limits, decide

CHANNELS = ("email", "sms", "push", "post", "call", "app")
COSTS = (0.05, 0.1, 0.02, 0.9, 2.5, 0.02)
DRIVERS = tuple(f"driver_{number:02}" for number in range(16))
CUTOFF = pd.Timestamp("2026-01-01", tz="UTC")
ACTIONS = 35


def actions(count: int, chance: np.random.Generator) -> list[Action]:
    """35 actions that every channel can bring, each answering four drivers; two in three have a capacity."""
    made = []
    for number in range(ACTIONS):
        gives = number % 2 == 0
        made.append(
            Action(
                id=f"action_{number:02}",
                name="-",
                message="-",
                family="money_off" if gives else "content",
                drivers=tuple(str(d) for d in chance.choice(DRIVERS, 4, replace=False)),
                channels=CHANNELS,
                contact_cost=dict(zip(CHANNELS, COSTS, strict=True)),
                save_rate=float(chance.uniform(0.02, 0.2)),
                incentive_cost=float(chance.uniform(1, 8)) if gives else 0.0,
                accept_rate=float(chance.uniform(0.1, 0.5)) if gives else 0.0,
                capacity=int(count * chance.uniform(0.002, 0.03)) if number % 3 else None,
            )
        )
    return made


def customers(count: int, chance: np.random.Generator) -> pd.DataFrame:
    """Customers who are all at risk."""
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"c{number:07}" for number in range(count)], dtype="str"),
            "cutoff": CUTOFF,
            "probability": chance.beta(2, 3, count),
            "at_risk": True,
            "held_out": chance.random(count) < 0.1,
            "stage": pd.Series(chance.choice(["active", "cooling", "lapsed"], count), dtype="str"),
            "margin_at_stake": chance.lognormal(4, 1, count),
            "average_basket": chance.lognormal(3.5, 0.5, count),
            "days_since_last_contact": chance.integers(1, 200, count).astype(float),
        }
    )


def reasons(ids: pd.Series, chance: np.random.Generator) -> pd.DataFrame:
    """Three drivers of each customer, with their points."""
    first = chance.integers(0, len(DRIVERS), (len(ids), 1))
    driver = (first + np.array([[0, 3, 7]])) % len(DRIVERS)
    return pd.DataFrame(
        {
            "customer_id": ids.repeat(3).reset_index(drop=True),
            "driver": pd.Series(np.array(DRIVERS)[driver.ravel()], dtype="str"),
            "points": chance.gamma(1.0, 0.1, 3 * len(ids)),
        }
    )


def permissions(ids: pd.Series, chance: np.random.Generator) -> pd.DataFrame:
    """Seven of ten permit each channel."""
    said = {f"may_{channel}": chance.random(len(ids)) < 0.7 for channel in CHANNELS}
    return pd.DataFrame({"customer_id": ids, "may_profile": True, **said})


def history(ids: pd.Series, chance: np.random.Generator) -> pd.DataFrame:
    """One contact of each customer in the year before."""
    ago = pd.to_timedelta(chance.integers(15, 365, len(ids)), unit="D")
    action = np.array([f"action_{number:02}" for number in range(ACTIONS)])[chance.integers(0, ACTIONS, len(ids))]
    channel = np.array(CHANNELS)[chance.integers(0, len(CHANNELS), len(ids))]
    told = {"action": pd.Series(action, dtype="str"), "channel": pd.Series(channel, dtype="str")}
    return pd.DataFrame({"customer_id": ids, **told, "contacted_at": CUTOFF - ago, "monetary": True})


def main() -> None:
    """Decide, look that no limit is passed, and print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chance = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    offered, who = actions(count, chance), customers(count, chance)
    why, known = (
        reasons(who["customer_id"], chance),
        Known(permissions(who["customer_id"], chance), history(who["customer_id"], chance)),
    )
    places = {channel: int(count * share) for channel, share in (("sms", 0.05), ("post", 0.03), ("call", 0.01))}
    limits = Limits(0.06 * count, 0.0, 14, max_contacts=3, channel_capacity=places, monetary_edge=0.1, max_monetary=3)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    decided = decide(who, why, offered, limits, known)
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    done = decided[decided["action"] != "leave_alone"]
    by_action, by_channel = done["action"].value_counts(), done["channel"].value_counts()
    assert fsum(done["expected_cost"]) <= 0.06 * count
    assert all(by_action.get(a.id, 0) <= a.capacity for a in offered if a.capacity is not None)
    assert all(by_channel.get(channel, 0) <= size for channel, size in places.items())
    print(f"{count:,} customers, {len(offered)} actions, {len(CHANNELS)} channels: {took:.1f} s")
    print(
        f"CPU {after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.1f} s, by {decided.attrs['method']}"
    )
    print(f"memory: {before.ru_maxrss / 2**20:.2f} GB before, {after.ru_maxrss / 2**20:.2f} GB at most")
    print(f"gap to the bound: {decided.attrs['gap']:.6%} of {decided.attrs['net_gain_bound']:,.2f}")
    print(f"spent {fsum(done['expected_cost']):,.2f} of {0.06 * count:,.2f}; contacted {len(done):,}")
    print(decided["cause"].value_counts().to_string())


if __name__ == "__main__":
    main()
