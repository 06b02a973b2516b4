"""The closed loop, by the real job: nights, what comes of them, rates learned, other decisions.

    python benchmarks/loop.py [--nights 5] [--customers 1800] [--folder DIR]

A made-up shop with three actions. The catalogue praises one that drives customers away and one that does nothing, and
thinks little of the one that works. Every 14 days `winback run` decides, the customers live on as the truth has it,
and their orders are the next night's log. See docs/learning.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from winback import config, jobs, measuring, nightly, store
from winback.effects.lift import lift

FIRST, DAYS, WINDOW = dt.date(2025, 1, 1), 182, 14
STAYS = {"fading": 0.5, "loyal": 0.95}  # chance of an order in a window, untreated
TRUE = {"push": -0.6, "letter": 0.0, "call": 0.5}  # share of the leavers kept; below 0: so many more leave
BASKETS = 15.0, 40.0  # of the customers with even and with odd numbers

CONFIG = """
[project]
currency = "EUR"

[sources.orders]
path = "orders/*.csv"
columns = { customer_id = "customer_id", ordered_at = "ordered_at", amount = "amount" }

[model]
spec = "small.toml"

[cutoffs]
every = "week"
first = 2025-04-16

[consent]
kept_elsewhere = true

[offers]
catalogue = "actions.toml"
at_risk_probability = 0.3
value_days = 28
cooldown_days = 0

[publish]
max_at_risk_change = 1.0
max_mean_change = 1.0
max_score_index = 100.0
max_feature_index = 100.0
max_missing_change = 1.0
"""
SPEC = """
name = "small"
horizon_days = 14
active_days = 90
features = ["days_since_last_order", "orders_28d", "orders_90d", "orders_total", "days_since_first_order"]

[estimator]
n_models = 1
learning_rate = 0.1
max_iter = 30
max_features = 0.5

[gates]
min_auc_gain = -0.1
max_calibration_error = 0.1
"""
ACTION = """
[[actions]]
id = "{id}"
name = "{id}"
message = "Made up."
family = "content"
drivers = ["any"]
stages = ["new", "active", "cooling", "lapsed", "returned"]
channels = ["email"]
contact_cost = 0.05
save_rate = {guess}
{only_if}
"""
CATALOGUE = (
    ("push", 0.3, 'only_if = [{ feature = "basket_mean_90d", at_least = 25.0 }]'),
    ("letter", 0.3, 'only_if = [{ feature = "basket_mean_90d", below = 25.0 }]'),
    ("call", 0.1, ""),
)


@dataclass(frozen=True)
class People:
    """The customers: the chance of each to order within a window if left alone, and what he spends on an order."""

    ids: np.ndarray
    stays: np.ndarray
    basket: np.ndarray


def people(customers: int) -> People:
    """Three of four fade, the others are loyal."""
    number = np.arange(customers)
    stays = np.where(number % 4 == 3, STAYS["loyal"], STAYS["fading"])
    return People(np.array([f"c{n:05}" for n in number]), stays, np.where(number // 4 % 2, *BASKETS[::-1]))


def lay_down(folder: Path, customers: int) -> Path:
    """The configuration of a new shop with its log up to the first night."""
    (folder / "orders").mkdir(parents=True)
    (folder / "winback.toml").write_text(CONFIG, "utf-8")
    (folder / "small.toml").write_text(SPEC, "utf-8")
    texts = [ACTION.format(id=name, guess=guess, only_if=only_if) for name, guess, only_if in CATALOGUE]
    (folder / "actions.toml").write_text("\n".join(texts), "utf-8")
    them = people(customers)
    lives_on(folder, them, them.stays, (FIRST, DAYS), np.random.default_rng(1))
    return folder / "winback.toml"


def lives_on(
    folder: Path, them: People, stays: np.ndarray, span: tuple[dt.date, int], rng: np.random.Generator
) -> None:
    """Write the orders of some days: each day brings an order with the chance that makes `stays` a window's."""
    begin, days = span
    who, day = np.nonzero(rng.random((len(stays), days)) >= (1 - stays[:, None]) ** (1 / WINDOW))
    at = pd.Timestamp(begin) + pd.to_timedelta(day * 86_400 + 30_000 + who % 20_000, unit="s")
    rows = pd.DataFrame({"customer_id": them.ids[who], "ordered_at": at, "amount": them.basket[who]})
    rows.to_csv(folder / "orders" / f"{begin}.csv", index=False)


def after(them: People, did: pd.Series) -> np.ndarray:
    """Each customer's chance to order within the window after what was done: `did`, actions by customer."""
    rate = did.reindex(them.ids).map(TRUE).fillna(0.0).to_numpy()
    return np.clip(1 - (1 - them.stays) * (1 - rate), 0.0, 0.99)


def night(path: Path, number: int, them: People) -> dict[str, object]:
    """One night and the 14 days after it; a row of what was done, what was known, and what it truly brings."""
    today = FIRST + dt.timedelta(days=DAYS + WINDOW * number)
    job = a_job(path, today)
    nightly.run(job, lambda _: None)
    folder = job.runs / job.run_id
    decisions = store.read_table(folder / "decisions.parquet").to_pandas().set_index("customer_id")
    rates = store.read_table(folder / "rates.parquet").to_pandas()
    acted = decisions[decisions["action"] != "leave_alone"]
    stays = after(them, acted["action"])
    lives_on(path.parent, them, stays, (today, WINDOW), np.random.default_rng(100 + number))
    kept = pd.Series(stays - them.stays, index=them.ids).reindex(acted.index)
    any_of = rates[(rates["driver"] == "any") & (rates["stage"] == "active")].set_index("action")["save_rate"]
    return {
        "night": today,
        **{name: int((acted["action"] == name).sum()) for name in TRUE},
        "held_out": int((decisions["cause"] == "held_out").sum()),
        "tries": int(decisions["explored"].sum()),
        **{f"rate_{name}": round(float(any_of[name]), 3) for name in TRUE},
        "kept": round(float(kept.sum()), 1),
        "net_gain": round(float((kept * acted["margin_at_stake"] - acted["contact_cost"]).sum()), 1),
    }


def a_job(path: Path, today: dt.date) -> jobs.Job:
    """The job of a day, called on that day."""
    received = dt.datetime.combine(today, dt.time(4), tzinfo=dt.UTC)
    return jobs.prepare(config.load(path), path.parent, today, received)


def nights(folder: Path, customers: int, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row a night; and what `winback lift` says by action when the last window has closed."""
    path, them = lay_down(folder, customers), people(customers)
    told = pd.DataFrame([night(path, number, them) for number in range(count)])
    job = a_job(path, FIRST + dt.timedelta(days=DAYS + WINDOW * count))
    return told, lift(measuring.measured(job).results, "action", ("stayed", "net_gain"))


def main(args: Sequence[str] | None = None) -> None:
    """Print the tables of docs/learning.md."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--nights", type=int, default=5)
    asked.add_argument("--customers", type=int, default=1800)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args(args)
    told, changed = nights(given.folder or Path(tempfile.mkdtemp()) / "shop", given.customers, given.nights)
    columns = ["group", "metric", "treated", "held_out", "total", "total_ever_low", "total_ever_high", "verdict"]
    print(told.to_string(index=False))
    print(changed[columns].round(1).to_string(index=False))


if __name__ == "__main__":
    main()
