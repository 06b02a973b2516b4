"""What the reasons, the decisions and the list itself must show before they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.facts.check.gates import Gate
from winback.risk.watching.drift import SCORE
from winback.risk.watching.publish_scores import Scored, among, first, gate, one_row_each, same_customers

MOST_POINTS_OFF = 1e-5
LEFT_ALONE = "leave_alone"
HELD_OUT = "held_out"
MONEY = ("expected_cost", "expected_net_gain", "margin_at_stake")
ROUNDED = 0.05 + 1e-9  # percent: the list shows one decimal


@dataclass(frozen=True)
class Made:
    """What a run made of its scores; `listed` is the list as it lies on disk, all text, None where it has no table.

    `as_written` says how the list writes an id.
    """

    reasons: pd.DataFrame
    assignments: pd.DataFrame
    decisions: pd.DataFrame
    listed: pd.DataFrame | None
    as_written: Callable[[str], str]


def list_gates(now: Scored, made: Made, budget: float | None) -> Iterator[Gate]:
    """The gates of all that is made of the scores."""
    yield from _reasons(now, made.reasons)
    for table, frame in (("assignments", made.assignments), ("decisions", made.decisions)):
        yield one_row_each(table, frame)
        yield same_customers(table, frame, now.scores["customer_id"])
    yield from _decisions(now, made, budget)
    yield from _listed(now, made)


def _reasons(now: Scored, reasons: pd.DataFrame) -> Iterator[Gate]:
    """Whether everybody's points add up to the chance, from the model's own base rate."""
    yield same_customers("reasons", reasons, now.scores["customer_id"])
    twice = reasons["customer_id"][reasons.duplicated(["customer_id", "driver"])]
    why = f"{len(twice):,} rows of reasons repeat a driver of a customer{first(twice)}."
    yield gate("drivers", "each once a customer", f"{len(twice):,} repeated", refused=bool(len(twice)), why=why)
    base = float(now.model["card"]["reference"]["base_rate"])
    told = base + reasons.groupby("customer_id")["points"].sum(skipna=False)
    off = np.abs(told.reindex(now.scores["customer_id"]).to_numpy() - now.chance)
    wrong = now.scores["customer_id"][~(off <= MOST_POINTS_OFF)]
    worst = float(np.max(off[np.isfinite(off)], initial=0.0))
    why = (
        f"the reasons of {len(wrong):,} of {len(now.scores):,} customers do not add up to their chance within "
        f"{MOST_POINTS_OFF:g} (worst: {worst:.2g}){first(wrong)}."
    )
    yield gate("points", f"within {MOST_POINTS_OFF:g}", f"{worst:.2g}", refused=bool(len(wrong)), why=why)


def _decisions(now: Scored, made: Made, budget: float | None) -> Iterator[Gate]:
    """Whether nobody gets what he should not, and the money is there."""
    acted = made.decisions[made.decisions["action"] != LEFT_ALONE]
    at_risk = now.scores["customer_id"][now.scores["at_risk"].to_numpy(dtype=bool)]
    held_out = made.assignments["customer_id"][made.assignments["arm"] == HELD_OUT]
    for name, wrong in (
        ("at risk", acted["customer_id"][~among(acted["customer_id"], at_risk)]),
        ("treated", acted["customer_id"][among(acted["customer_id"], held_out)]),
    ):
        why = f"{len(wrong):,} of {len(acted):,} actions are for customers who are not {name}{first(wrong)}."
        yield gate(f"actions for those {name}", "all", f"{len(wrong):,} others", refused=bool(len(wrong)), why=why)
    numbers = made.decisions[list(MONEY)].to_numpy(dtype=np.float64)
    wrong = made.decisions["customer_id"][~np.isfinite(numbers).all(axis=1)]
    why = f"{len(wrong):,} decisions have no cost, gain or margin{first(wrong)}."
    yield gate("money", "known", f"{len(wrong):,} unknown", refused=bool(len(wrong)), why=why)
    if budget is not None:
        cost = float(made.decisions["expected_cost"].sum())
        why = f"the actions cost {cost:,.2f}, the budget is {budget:,.2f}."
        yield gate("budget", f"{budget:,.2f}", f"{cost:,.2f}", refused=cost > budget + 0.005, why=why)


def _listed(now: Scored, made: Made) -> Iterator[Gate]:
    """Whether the list on disk holds those at risk, each once and with the chance of the scores."""
    at_risk = now.scores["at_risk"].to_numpy(dtype=bool)
    if made.listed is None:
        why = "at_risk.csv cannot be read to its end as a table; it was cut off or damaged."
        yield gate("list", "a whole file", "none", refused=True, why=why)
        return
    names = [made.as_written(name) for name in now.scores["customer_id"][at_risk].tolist()]
    wanted = pd.DataFrame({"customer_id": pd.array(names, dtype="str"), "chance": 100 * now.chance[at_risk]})
    listed = made.listed[["customer_id", "chance_to_leave_percent"]]
    why = f"at_risk.csv has {len(listed):,} customers, {len(wanted):,} are at risk."
    yield gate("list", f"{len(wanted):,} rows", f"{len(listed):,} rows", refused=len(listed) != len(wanted), why=why)
    both = listed.merge(wanted, on="customer_id", how="outer")
    shown = pd.to_numeric(both["chance_to_leave_percent"], errors="coerce")
    wrong = both["customer_id"][~((shown - both["chance"]).abs() <= ROUNDED)]
    why = f"{len(wrong):,} customers are not in at_risk.csv and at risk with one {SCORE}{first(wrong)}."
    yield gate("listed chances", "as scored", f"{len(wrong):,} others", refused=bool(len(wrong)), why=why)
