"""From scores to decisions: who is left alone to measure, what is known of everybody, what is done for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from winback import store
from winback.campaigns import approvals, ledger, night
from winback.campaigns.assign import HELD_OUT
from winback.campaigns.night import Plan
from winback.facts.days import begins
from winback.facts.labels.contacts import contacts_before
from winback.jobs import Job
from winback.offers.action import LEAVE_ALONE
from winback.offers.decide import Known, decide
from winback.offers.eligible import limits_of
from winback.offers.value import margin_at_stake

SECONDS_A_DAY = 86_400
CARRIED_OUT = pd.Timedelta(days=7)  # a contact so soon after a decision for the same channel is that decision


def plan_of(job: Job) -> Plan:
    """The night's campaign."""
    return night.plan(job.config, job.spec.name, job.today)


def decisions_of(job: Job, folder: Path) -> dict[str, Any]:
    """Write assignments.parquet, drawn before anything is decided, and decisions.parquet; how good the choice is.

    An action that was rejected for this night or the series is not offered; one that was approved needs it no more.
    """
    scores, features = _table(folder, "scores"), _table(folder, "features")
    customers = _valued(job, scores, features)
    arms = night.drawn(job.state, plan_of(job), customers)
    store.write_table(folder / "assignments.parquet", arms)
    known = Known(_table(folder, "permissions"), history_of(job))
    since = _days_since(job, known.history, customers["customer_id"])
    customers = customers.assign(held_out=(arms["arm"] == HELD_OUT).to_numpy(), days_since_last_contact=since)
    said = approvals.standing(approvals.history(job.state), plan_of(job).campaign)
    offered = [a for a in job.actions if a.id not in said or said[a.id].said != approvals.REJECTED]
    decisions = decide(customers, _table(folder, "reasons"), offered, limits_of(job.config.offers), known)
    approved = [action for action, word in said.items() if word.said == approvals.APPROVED]
    decisions["needs_approval"] &= ~decisions["action"].isin(approved)
    store.write_table(folder / "decisions.parquet", decisions)
    return {name: decisions.attrs[name] for name in ("net_gain_bound", "gap", "price_of_money", "method")}


def _valued(job: Job, scores: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """The scored customers with what they are worth, and what the actions' conditions ask about."""
    offers = job.config.offers
    spent = spend_total(features)
    stake = margin_at_stake(spent, features["days_since_first_order"], offers.margin_rate, offers.value_days)
    asked = sorted({condition.feature for action in job.actions for condition in action.only_if} - set(scores))
    return scores.drop(columns="model_version").assign(
        margin_at_stake=stake.to_numpy(),
        average_basket=(spent / features["orders_total"]).to_numpy(),
        **{name: features[name].to_numpy() for name in asked},
    )


def spend_total(rows: pd.DataFrame) -> pd.Series:
    """What each customer has spent so far, in money."""
    return (rows["spend_per_week"] * rows["days_since_first_order"].clip(lower=7) / 7).round(2)


def history_of(job: Job) -> pd.DataFrame:
    """One row a contact of the 365 days before today: customer_id, action, channel, contacted_at, monetary.

    The contacts that the business wrote down, and what campaigns of earlier nights decided for those treated. A
    contact within 7 days of a decision for the same channel is that decision carried out, and counts once.
    """
    decided = _decided(job)
    made = contacts_before(job.facts, job.today, job.zone).assign(action="", monetary=False)
    if made.empty or decided.empty:
        return pd.concat([decided, made], ignore_index=True)
    made = made.sort_values("contacted_at", ignore_index=True)
    earlier = decided[["customer_id", "channel", "contacted_at"]].assign(done=True).sort_values("contacted_at")
    keys = ["customer_id", "channel"]
    found = pd.merge_asof(made, earlier, on="contacted_at", by=keys, tolerance=CARRIED_OUT)
    return pd.concat([decided, made[found["done"].isna().to_numpy()]], ignore_index=True)


def _decided(job: Job) -> pd.DataFrame:
    """What was decided in earlier nights of the last year for those treated."""
    monetary = {action.id: action.monetary for action in job.actions}
    frames = []
    for campaign in ledger.campaigns(job.state, plan_of(job).series):
        day = ledger.day_of(campaign)
        if 0 < (job.today - day).days <= 365:
            rows = ledger.read(job.state, campaign)
            rows = rows[(rows["arm"] != HELD_OUT) & (rows["action"] != LEAVE_ALONE)]
            rows = rows[["customer_id", "action", "channel"]].assign(contacted_at=pd.Timestamp(begins(day, job.zone)))
            frames.append(rows.assign(monetary=[monetary.get(action, False) for action in rows["action"]]))
    return pd.concat(frames, ignore_index=True) if frames else _nothing()


def _nothing() -> pd.DataFrame:
    kinds = {"customer_id": "str", "action": "str", "channel": "str", "contacted_at": "datetime64[us, UTC]"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in {**kinds, "monetary": "bool"}.items()})


def _days_since(job: Job, history: pd.DataFrame | None, customer_ids: pd.Series) -> pd.Series:
    """Days, with fractions, from each customer's last contact to the beginning of today; NaN for none."""
    if history is None or history.empty:
        return pd.Series(float("nan"), index=customer_ids.index)
    last = history.groupby("customer_id")["contacted_at"].max()
    since = (pd.Timestamp(begins(job.today, job.zone)) - last).dt.total_seconds() / SECONDS_A_DAY
    return pd.Series(customer_ids.map(since).to_numpy(dtype="float64"), index=customer_ids.index)


def _table(folder: Path, name: str) -> pd.DataFrame:
    """One of the run's own tables."""
    frame: pd.DataFrame = store.read_table(folder / f"{name}.parquet").to_pandas()
    return frame
