"""A night's list as a campaign: who is on it, who is left alone, what it can show, and that it is written down.

The order of a night: `listed`, `drawn`, then (elsewhere) the decisions, then `launch` before the list leaves.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from winback import store
from winback.campaigns import assign, ledger, movements, power
from winback.campaigns.movements import Staying
from winback.config import Config


@dataclass(frozen=True)
class Plan:
    """One night of a series of campaigns."""

    series: str
    day: dt.date
    shares: assign.Shares
    staying: Staying

    @property
    def campaign(self) -> str:
        """The name of this night's campaign."""
        return ledger.campaign_name(self.series, self.day)


def plan(config: Config, question: str, day: dt.date) -> Plan:
    """What a project wants of a night; `question` is the name of its spec."""
    offers, wanted = config.offers, config.campaigns
    shares = assign.Shares(offers.holdout_share, wanted.holdout_share, offers.holdout_key)
    staying = Staying(offers.at_risk_probability, wanted.leave_margin, wanted.leave_nights)
    return Plan(wanted.name or question, day, shares, staying)


def listed(state: Path, plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """One row a customer, in the order of `scores` (customer_id, probability): customer_id, at_risk, nights_below."""
    return movements.listed(scores, movements.members(state, plan.series, plan.day), plan.staying)


def drawn(state: Path, plan: Plan, customers: pd.DataFrame) -> pd.DataFrame:
    """One row a customer, in the order of `customers`: his arm, as `assign.draw` gives it.

    `customers`: customer_id, cutoff, probability, at_risk, margin_at_stake.
    """
    return assign.draw(customers, plan.shares, plan.campaign, ledger.earlier_arms(state, plan.series))


def launch(state: Path, plan: Plan, folder: Path, asked: pd.Series[str] | None) -> None:
    """Write down what the run in `folder` assigned and whom its list gained and lost; the last thing before it leaves.

    Safe to repeat; CampaignChanged where another list of the night was launched before. `asked`: the ids that the
    run published before had scored (None: there is none).
    """
    if movements.is_late(state, plan.series, plan.day):
        return  # its list takes nobody's place, so nobody is to be measured by it
    ledger.record(state, plan.campaign, assigned(plan, folder))
    movements.record(state, plan.series, plan.day, moved(state, plan, folder, asked))


def withdraw(state: Path, plan: Plan) -> None:
    """Take back what was launched for this night and never used; it stays beside, under another name."""
    for path in (ledger.path_of(state, plan.campaign), movements.path_of(state, plan.series, plan.day)):
        if path.exists():
            before = len(list(path.parent.glob(f"withdrawn-*-{path.name}")))
            path.rename(path.with_name(f"withdrawn-{before + 1}-{path.name}"))
            store.sync_folder(path.parent)


def assigned(plan: Plan, folder: Path) -> pd.DataFrame:
    """One row a customer listed by the run in `folder`, with the columns of the assignment ledger."""
    facts = store.read_rows(folder, "features")[["customer_id", "spend_90d", "orders_90d"]].merge(
        store.read_rows(folder, "scores")[["customer_id", "stage", "probability"]], on="customer_id"
    )
    return ledger.assigned(
        plan.campaign, store.read_rows(folder, "assignments"), store.read_rows(folder, "decisions"), facts
    )


def moved(state: Path, plan: Plan, folder: Path, asked: pd.Series[str] | None) -> pd.DataFrame:
    """One row a customer who is or was on the list: what changed since the night before, and why."""
    reasons = store.read_rows(folder, "reasons").sort_values(["points", "driver"], ascending=[False, True])
    first = reasons[reasons["points"] > 0].drop_duplicates("customer_id")[["customer_id", "driver"]]
    now = store.read_rows(folder, "scores")[["customer_id", "probability", "at_risk", "nights_below"]]
    now = now.merge(
        store.read_rows(folder, "features")[["customer_id", "days_since_last_order"]], on="customer_id", how="left"
    )
    now = now.merge(first, on="customer_id", how="left").fillna({"driver": ""})
    before = movements.members(state, plan.series, plan.day)
    return movements.movements(plan.series, plan.day, now, before, plan.staying, asked)


def figures(state: Path, plan: Plan, folder: Path, asked: pd.Series[str] | None) -> dict[str, Any]:
    """What a run's summary says of its campaign: its arms, what they can show, and how the list moved.

    `smallest_fall`: of the chance to leave, to be seen with 80 % power (None: not even 0 left would be), in this
    list and in `pooled`, all customers that the series ever listed. `expected_fall`: the decisions' own hope.
    """
    rows, decisions = assigned(plan, folder), store.read_rows(folder, "decisions")
    known = pd.concat([ledger.earlier_arms(state, plan.series), rows])[["customer_id", "arm"]].drop_duplicates()
    treated = rows.loc[rows["arm"] == assign.TREATED, "customer_id"]
    hoped = decisions.loc[decisions["customer_id"].isin(treated), "chance_kept"].mean()
    told = {
        "name": plan.campaign,
        "listed": len(rows),
        "held_out": {by: int((rows["held_by"] == by).sum()) for by in (assign.GLOBAL, assign.CAMPAIGN)},
        "expected_fall": float(hoped) if len(treated) else 0.0,
        "moved": movements.moved(moved(state, plan, folder, asked)),
    }
    return {**told, "shows": shows(rows, rows["arm"]), "pooled": shows(rows, known["arm"])}


def shows(rows: pd.DataFrame, arms: pd.Series[str]) -> dict[str, Any]:
    """What so many customers in each arm can show; rate of leaving and money as the listed `rows` expect them."""
    held = int((arms == assign.HELD_OUT).sum())
    sizes = power.Arms(len(arms) - held, held)
    if rows.empty:
        return {"treated": sizes.treated, "held_out": held, "smallest_fall": None, "smallest_money": None}
    base = float(rows["probability"].mean())
    money, stays = rows["margin_at_stake"], 1 - rows["probability"]
    deviation = float((money**2 * stays).mean() - (money * stays).mean() ** 2) ** 0.5
    return {
        "treated": sizes.treated,
        "held_out": held,
        "base_rate": base,
        "smallest_fall": power.smallest_effect(sizes, base) if 0 < base < 1 else None,
        "smallest_money": power.smallest_money(sizes, deviation),
        "trusted": power.is_trusted(sizes, base),
    }
