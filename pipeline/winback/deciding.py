"""From scores to decisions: who is left alone to measure, then what is done for whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from winback import store
from winback.campaigns import approvals, night
from winback.jobs import Job
from winback.learn.explore import Limit, explored
from winback.learn.personal import effects
from winback.learn.rates import Rates, drawn
from winback.measuring import learned_rates, personal, responses
from winback.offers.candidates import candidates
from winback.offers.case import case_of
from winback.offers.decide import decide, decided
from winback.weighing import Weighed, plan_of, valued_customers, weighed

TRIES = 3  # draws of the rates from which trying takes its decisions


def decisions_of(job: Job, folder: Path) -> dict[str, Any]:
    """Write assignments.parquet, drawn before anything is decided, rates.parquet, effects.parquet (of actions whose
    effect is known better customer by customer), decisions.parquet and candidates.parquet (what was weighed for each).

    What was approved for this night or the series needs no approval any more. What is told: how good the choice
    is, and how much of it is trying.
    """
    arms = night.drawn(job.state, plan_of(job), valued_customers(job, folder))
    store.write_table(folder / "assignments.parquet", arms)
    seen = responses(job)
    rates, own = learned_rates(job, seen), personal(job, seen)
    store.write_table(folder / "rates.parquet", rates.table)
    used = own.loc[own["used"], "action"].tolist()
    store.write_table(folder / "effects.parquet", effects(seen, _described(job, folder) if used else seen, used))
    now = weighed(job, folder)
    case = case_of(now.customers, now.reasons, now.actions, now.limits, now.known)
    decisions = _explored(job, now, decided(case, now.limits), rates)
    approved = approvals.approved(approvals.history(job.state), plan_of(job).campaign)
    decisions["needs_approval"] &= ~decisions["action"].isin(approved)
    store.write_table(folder / "decisions.parquet", decisions)
    store.write_table(folder / "candidates.parquet", candidates(case, decisions))
    told = {str(name): value for name, value in decisions.attrs.items()}
    return {**told, "tried": int(decisions["explored"].sum()), "personal": own.to_dict("records")}


def _described(job: Job, folder: Path) -> pd.DataFrame:
    """The customers at risk with what is known of them as the ledger knows it of those before."""
    rows = store.read_rows(folder, "features")[["customer_id", "spend_90d", "orders_90d"]]
    who = valued_customers(job, folder)
    who = who.loc[who["at_risk"], ["customer_id", "probability", "margin_at_stake", "stage"]]
    return who.merge(rows, on="customer_id", validate="one_to_one")


def _explored(job: Job, now: Weighed, chosen: pd.DataFrame, rates: Rates) -> pd.DataFrame:
    """The decisions, some of them tries once results are known, but for those that would break the budget."""
    alone = chosen.assign(explored=False, choice_propensity=1.0)
    alone.attrs = dict(chosen.attrs)
    offers = job.config.offers
    if not rates.table["n"].sum() or not offers.explore_cost:
        return alone
    tables = [drawn(rates, seed) for seed in range(TRIES)]
    tried = [replace(now.known, rates=table, effects=None) for table in tables]
    tries = [
        (decide(now.customers, now.reasons, now.actions, now.limits, known), table)
        for known, table in zip(tried, tables, strict=True)
    ]
    stages = now.customers.sort_values("customer_id")["stage"].reset_index(drop=True)
    key = f"{offers.holdout_key}\n{plan_of(job).campaign}\ntry"
    mixed = explored(chosen, tries, rates.table, stages, Limit(offers.explore_cost, key))
    return alone if offers.budget is not None and mixed["expected_cost"].sum() > offers.budget else mixed
