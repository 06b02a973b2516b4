"""From scores to decisions: who is left alone to measure, then what is done for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from winback import store
from winback.campaigns import approvals, night
from winback.jobs import Job
from winback.offers.decide import decide
from winback.weighing import plan_of, valued_customers, weighed


def decisions_of(job: Job, folder: Path) -> dict[str, Any]:
    """Write assignments.parquet, drawn before anything is decided, and decisions.parquet; how good the choice is.

    What was approved for this night or the series needs no approval any more.
    """
    arms = night.drawn(job.state, plan_of(job), valued_customers(job, folder))
    store.write_table(folder / "assignments.parquet", arms)
    now = weighed(job, folder)
    decisions = decide(now.customers, now.reasons, now.actions, now.limits, now.known)
    approved = approvals.approved(approvals.history(job.state), plan_of(job).campaign)
    decisions["needs_approval"] &= ~decisions["action"].isin(approved)
    store.write_table(folder / "decisions.parquet", decisions)
    return {name: decisions.attrs[name] for name in ("net_gain_bound", "gap", "price_of_money", "method")}
