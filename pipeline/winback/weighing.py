"""What the offers weigh of a run: its customers at their value, who may be reached how, and what they had before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from winback import store
from winback.campaigns import approvals, ledger, night
from winback.campaigns.assign import HELD_OUT
from winback.campaigns.night import Plan
from winback.facts.days import begins
from winback.facts.labels.contacts import KEPT_DAYS, contacts_before
from winback.jobs import Job
from winback.offers.action import LEAVE_ALONE, Action
from winback.offers.case import Known
from winback.offers.catalogue import features_read
from winback.offers.eligible import Limits, limits_of

SECONDS_A_DAY = 86_400
CARRIED_OUT = pd.Timedelta(days=7)  # a contact so soon after a decision for the same channel is that decision


@dataclass(frozen=True)
class Weighed:
    """The arguments of `winback.offers.decide.decide`, in its order."""

    customers: pd.DataFrame
    reasons: pd.DataFrame
    actions: list[Action]
    limits: Limits
    known: Known


def plan_of(job: Job) -> Plan:
    """The night's campaign."""
    return night.plan(job.config, job.spec.name, job.today)


def weighed(job: Job, folder: Path) -> Weighed:
    """What is decided on, from a run's folder: all its tables up to the assignments, and what was decided before.

    An action that was rejected for this night or the series is not offered.
    """
    arms, history = store.read_rows(folder, "assignments"), history_of(job)
    customers = valued_customers(job, folder)
    customers = customers.assign(
        held_out=(customers["customer_id"].map(arms.set_index("customer_id")["arm"]) == HELD_OUT).to_numpy(),
        days_since_last_contact=_days_since(job, history, customers["customer_id"]),
    )
    limits = limits_of(job.config.offers, involuntary=job.spec.kind == "payment")
    rates = store.read_rows(folder, "rates")
    own = store.read_rows(folder, "effects") if (folder / "effects.parquet").exists() else None
    known = Known(store.read_rows(folder, "permissions"), history, rates if rates["n"].sum() else None, own)
    return Weighed(customers, store.read_rows(folder, "reasons"), _offered(job), limits, known)


def _offered(job: Job) -> list[Action]:
    said = approvals.standing(approvals.history(job.state), plan_of(job).campaign)
    return [a for a in job.actions if a.id not in said or said[a.id].said != approvals.REJECTED]


def valued_customers(job: Job, folder: Path) -> pd.DataFrame:
    """The scored customers with their margin at stake, average basket, and what the actions' conditions ask about.

    What no configured table can tell is unknown of everybody, and no condition is met by it.
    """
    scores, rows, values = (store.read_rows(folder, name) for name in ("scores", "features", "values"))
    asked = sorted(features_read(job.actions) - set(scores.columns))
    return scores[["customer_id", "cutoff", "probability", "at_risk", "stage"]].assign(
        margin_at_stake=values["margin_at_stake"].to_numpy(),
        average_basket=(spend_total(rows) / rows["orders_total"]).to_numpy(),
        **{name: rows[name].to_numpy() if name in rows else np.nan for name in asked},
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
        return made if decided.empty else decided
    made = made.sort_values("contacted_at", ignore_index=True)
    earlier = decided[["customer_id", "channel", "contacted_at"]].assign(done=True).sort_values("contacted_at")
    found = pd.merge_asof(made, earlier, on="contacted_at", by=["customer_id", "channel"], tolerance=CARRIED_OUT)
    return pd.concat([decided, made[found["done"].isna().to_numpy()]], ignore_index=True)


def _decided(job: Job) -> pd.DataFrame:
    """What was decided in earlier nights of the last year for those treated."""
    monetary = {action.id: action.monetary for action in job.actions}
    names = ledger.campaigns(job.state, plan_of(job).series)
    days = {name: ledger.day_of(name) for name in names if 0 < (job.today - ledger.day_of(name)).days <= KEPT_DAYS}
    rows = ledger.read_all(job.state, list(days), ["campaign", "customer_id", "arm", "action", "channel"])
    rows = rows[(rows["arm"] != HELD_OUT) & (rows["action"] != LEAVE_ALONE)]
    if rows.empty:
        return pd.DataFrame()
    begun = {name: pd.Timestamp(begins(day, job.zone)).tz_convert("UTC").as_unit("us") for name, day in days.items()}
    done = rows[["customer_id", "action", "channel"]].assign(contacted_at=rows["campaign"].map(begun))
    return done.assign(monetary=[monetary.get(action, False) for action in done["action"]]).reset_index(drop=True)


def _days_since(job: Job, history: pd.DataFrame, customer_ids: pd.Series) -> pd.Series:
    """Days, with fractions, from each customer's last contact to the beginning of today; NaN for none."""
    last = history.groupby("customer_id")["contacted_at"].max()
    since = (pd.Timestamp(begins(job.today, job.zone)) - last).dt.total_seconds() / SECONDS_A_DAY
    return pd.Series(customer_ids.map(since).to_numpy(dtype="float64"), index=customer_ids.index)
