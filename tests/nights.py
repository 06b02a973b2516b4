"""Nights of a made-up list, as a run does them, so that they can be repeated, struck and raced."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from winback import runs, store
from winback.campaigns import night
from winback.campaigns.assign import Shares
from winback.campaigns.movements import Staying

FIRST = dt.date(2026, 2, 15)
CUSTOMERS = 40


def plan(number: int) -> night.Plan:
    shares = Shares(0.1, 0.2, "winback hold-out 1")
    return night.Plan("inactivity-28d", FIRST + dt.timedelta(days=number), shares, Staying(0.4, 0.05, 3))


def run_id(number: int) -> str:
    return f"{plan(number).day.isoformat()}-{number:012x}"


def scores(number: int) -> pd.DataFrame:
    """Who is asked on a night, with chances that waver; every night a tenth of the customers is another."""
    rng = np.random.default_rng(number)
    chance = np.linspace(0.1, 0.7, CUSTOMERS) + rng.normal(0, 0.05, CUSTOMERS)
    ids = [f"c{(who + (number * 4 if who < number * 4 else 0)) % 60:02d}x{who:02d}" for who in range(CUSTOMERS)]
    return pd.DataFrame(
        {
            "customer_id": pd.Series(ids, dtype="str"),
            "cutoff": pd.Timestamp(plan(number).day, tz="UTC"),
            "probability": chance.clip(0, 1),
            "stage": pd.Series("active", index=range(CUSTOMERS), dtype="str"),
        }
    )


def decided(customers: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """A mail for everybody who is listed and not held out."""
    would = np.where(customers["at_risk"], "mail", "leave_alone")
    done = np.where(arms["arm"] == "treated", would, "leave_alone")
    acted = done == "mail"
    return customers[["customer_id", "cutoff", "margin_at_stake"]].assign(
        action=done,
        cause=np.where(acted, "", np.where(customers["at_risk"], "held_out", "would_stay_anyway")),
        would_have_done=would,
        channel=np.where(acted, "email", ""),
        would_have_channel=np.where(customers["at_risk"], "email", ""),
        driver="recency",
        needs_approval=False,
        contact_cost=0.1 * acted,
        incentive_cost=0.0,
        expected_cost=0.1 * acted,
        chance_kept=0.1 * acted,
        expected_net_gain=1.5 * acted,
    )


def tables(state: Path, folder: Path, number: int) -> None:
    """The tables that a run of this night writes into its folder."""
    asked = scores(number)
    flags = night.listed(state, plan(number), asked)
    asked = asked.assign(at_risk=flags["at_risk"], nights_below=flags["nights_below"], model_version="1")
    who = asked["customer_id"]
    features = pd.DataFrame({"customer_id": who, "spend_90d": 10.0, "orders_90d": 2, "days_since_last_order": 20.0})
    reasons = pd.DataFrame(
        {
            "customer_id": who,
            "cutoff": asked["cutoff"],
            "driver": "recency",
            "rank": 1,
            "points": asked["probability"] - 0.25,
            "base_rate": 0.25,
            "feature": "days_since_last_order",
            "value": 20.0,
            "peers": 7.0,
            "sentence": "Last order 20 days ago",
        }
    )
    customers = asked.assign(margin_at_stake=np.arange(len(asked)) * 3.5)
    arms = night.drawn(state, plan(number), customers)
    made = {"scores": asked, "features": features, "reasons": reasons, "assignments": arms}
    for name, table in {**made, "decisions": decided(customers, arms)}.items():
        store.write_table(folder / f"{name}.parquet", table)


FILES = [f"{name}.parquet" for name in ("scores", "features", "reasons", "assignments", "decisions")]


def run(root: Path, number: int) -> None:
    """All that a run does with its campaign: its tables, its launch, its list."""
    state, folder = root / "state", root / "runs" / run_id(number)
    with runs.project_lock(state):
        runs.sweep(root)
        if runs.is_published(root / "runs", run_id(number)):
            return

        def make() -> dict[str, int]:
            tables(state, folder, number)
            return {}

        runs.step(folder, "tables", make, FILES)
        before = runs.current(root / "runs")
        asked = store.read_table(before / "scores.parquet").to_pandas()["customer_id"] if before else None
        night.launch(state, plan(number), folder, asked)
        runs.publish(root / "runs", run_id(number), {"logical_date": plan(number).day.isoformat(), "facts": "f"})


def tree(root: Path) -> dict[str, bytes | str]:
    """Every file of the runs and of the ledgers with its bytes, links with their target."""
    found = [path for place in ("runs", "state") for path in sorted((root / place).rglob("*")) if path.name != "lock"]
    return {
        str(path.relative_to(root)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in found
        if path.is_symlink() or path.is_file()
    }
