"""The results of a project's campaigns: who was listed, what came of it, and whether it was carried out as drawn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback import runs
from winback.campaigns import ledger
from winback.effects.checks import checked
from winback.effects.results import Terms, first_listings, fresh_listings, results
from winback.errors import NotEnoughData
from winback.facts.days import begins
from winback.facts.intake.handed_in import known_outcomes
from winback.facts.labels.contacts import contacts_naming
from winback.facts.labels.retraining import Campaigns
from winback.facts.labels.takings import takings_at
from winback.facts.labels.within import KEYS
from winback.jobs import Job
from winback.learn.choices import others, prices_of
from winback.learn.personal import judged
from winback.learn.policy import expected_gains, policy_report
from winback.learn.rates import Rates, answered_of, learn_rates, looked_up
from winback.permitting import ingested

LEAST_MEASURED = 100  # treated customers with a closed window, before an action's measured rate counts in training


@dataclass(frozen=True)
class Measured:
    """What can be measured by a day.

    `results`: as `effects.results`. `checks`: a row a campaign, as `effects.checks`. `waiting`: customers whose window
    is still open, until `known_on` at the latest. `listed_again`: rows of the ledger left out because the customer
    had been listed before.
    """

    results: pd.DataFrame
    checks: pd.DataFrame
    waiting: int
    known_on: dt.date | None
    listed_again: int


def measured(job: Job, name: str | None = None) -> Measured:
    """The campaigns assigned before today: those of the series `name`, the one night of that name, or (None) all.

    Each customer counts in the campaign that listed him first. NotEnoughData where nothing was assigned, or no
    window is closed. The facts are taken in first.
    """
    with runs.project_lock(job.state):
        ingested(job)
    one = name if name is not None and not ledger.campaigns(job.state, name) else None
    rows = assigned(job, None if one else name)
    outcomes = known_outcomes(job.facts, job.state, begins(job.today, job.zone))
    first = first_listings(rows)
    if one is not None:
        ledger.read(job.state, one)  # NotEnoughData, with the names there are, for one that is none
        first = first[first["campaign"] == one].reset_index(drop=True)
    terms = Terms(job.config.offers.margin_rate, job.spec.horizon_days)
    ends = _ends(first, job)
    closed = first[ends <= job.today].reset_index(drop=True)
    if closed.empty:
        raise NotEnoughData(_nothing(first, ends, job))
    takings = takings_at(job.facts, closed, terms.horizon_days, job.zone, job.today)
    told = results(closed, rows, takings, outcomes, terms)
    seen = checked(rows, outcomes)
    seen = seen if one is None else seen[seen["campaign"] == one].reset_index(drop=True)
    waiting = ends[ends > job.today]
    last = max(waiting) if len(waiting) else None
    acted = rows["action"].isin(["leave_alone", ""]).sum()
    again = len(rows) - int(acted) - len(first_listings(rows))
    return Measured(told, seen, len(waiting), last, again)


def assigned(job: Job, series: str | None = None) -> pd.DataFrame:
    """All rows of the ledger whose cutoff lies before today; NotEnoughData where there are none."""
    names = [name for name in ledger.campaigns(job.state, series) if dt.date.fromisoformat(name[-10:]) < job.today]
    if not names:
        raise NotEnoughData(
            f"no campaign was assigned before {job.today}, so there is nothing to measure. `winback run` writes down "
            "who is treated and who is held out before a list leaves."
        )
    return ledger.read_all(job.state, names)


def _ends(rows: pd.DataFrame, job: Job) -> pd.Series:
    """The day from which on each row's window is known."""
    days = rows["cutoff"].dt.tz_convert(job.zone).dt.date
    ends: pd.Series = days.map(lambda day: day + dt.timedelta(days=job.spec.horizon_days))
    return ends


def _nothing(first: pd.DataFrame, ends: pd.Series, job: Job) -> str:
    if first.empty:
        return "in these campaigns nobody was listed for the first time with something to do, so nothing can be told."
    return (
        f"the {job.spec.horizon_days} days of {len(first):,} customers listed end on {min(ends)} at the earliest, and "
        f"today is {job.today}: what came of them is not known yet."
    )


def responses(job: Job) -> pd.DataFrame:
    """One row a customer and listing whose window is closed, no two of a customer overlapping: what learning reads.

    The facts of today must have been taken in (`measured` does so). Empty where nothing is known yet.
    """
    names = [name for name in ledger.campaigns(job.state) if dt.date.fromisoformat(name[-10:]) < job.today]
    rows = ledger.read_all(job.state, names)
    fresh = fresh_listings(rows, job.spec.horizon_days)
    closed = fresh[(_ends(fresh, job) <= job.today).astype(bool)].reset_index(drop=True)
    takings = takings_at(job.facts, closed, job.spec.horizon_days, job.zone, job.today)
    outcomes = known_outcomes(job.facts, job.state, begins(job.today, job.zone))
    return results(closed, rows, takings, outcomes, Terms(job.config.offers.margin_rate, job.spec.horizon_days))


def campaigns_of(job: Job) -> Campaigns | None:
    """Who was treated before today, for training: by the ledger, and by contacts and outcomes that name a campaign.

    None where no campaign was assigned yet. `save_rate` is the learned rate of what was done times the share of the
    reasons it answers, and unknown of an action that fewer than LEAST_MEASURED treated customers have been measured
    with, of whoever was contacted though he was held out, and where the question is another than who stops ordering.
    """
    names = [name for name in ledger.campaigns(job.state) if ledger.day_of(name) < job.today]
    if not names:
        return None
    rows = pd.concat([ledger.read(job.state, name) for name in names], ignore_index=True)
    rates = learned_rates(job).table if job.spec.kind == "inactivity" else None
    kept = [*KEYS, "arm", "action", "propensity"]
    told = pd.concat([rows[kept].assign(save_rate=_saved(rows, rates)), _strays(job, rows, names)], ignore_index=True)
    return Campaigns(told, job.spec.horizon_days, job.config.training.treated)


def _saved(rows: pd.DataFrame, rates: pd.DataFrame | None) -> pd.Series:
    """The measured save rate of what was done for each row of the ledger."""
    if rates is None:
        return pd.Series(np.nan, index=rows.index)
    many = rates.groupby("action")["n"].sum() >= LEAST_MEASURED
    known = rows["action"].map(many).eq(True)
    return (looked_up(rates, rows, "save_rate") * answered_of(rows)).where(known)


def _strays(job: Job, rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Whom a campaign reached who was not treated by its ledger: a row a customer, campaign and moment."""
    outcomes = known_outcomes(job.facts, job.state, begins(job.today, job.zone))
    reached = outcomes[outcomes["campaign"].isin(names)].rename(columns={"happened_at": "cutoff"})
    contacts = contacts_naming(job.facts, names, job.today, job.zone).rename(columns={"contacted_at": "cutoff"})
    found = pd.concat([part[["campaign", *KEYS]] for part in (reached, contacts)], ignore_index=True)
    due = rows.loc[rows["arm"] == "treated", ["campaign", "customer_id"]].assign(due=True)
    found = found.merge(due, on=["campaign", "customer_id"], how="left")
    stray = found[found["due"].isna()].astype({"cutoff": rows["cutoff"].dtype})
    return stray[KEYS].assign(arm="treated", action="unknown", propensity=1.0, save_rate=np.nan)


def learned_rates(job: Job, results: pd.DataFrame | None = None) -> Rates:
    """The response rates as known by today: `table` is what `decide` takes as `rates`. `results`: `responses`."""
    told = responses(job) if results is None else results
    return learn_rates(told, [action for action in job.actions if action.per_customer])


def personal(job: Job, results: pd.DataFrame) -> pd.DataFrame:
    """One row an action with enough random rows: whether its effect is known better customer by customer."""
    actions = [action for action in job.actions if action.per_customer]
    return judged(results, actions, lambda rows: learn_rates(rows, actions).table)


def policies(job: Job, found: Measured) -> pd.DataFrame:
    """One row a policy: what it earns, or would have, more than leaving everybody alone; as `policy_report`."""
    actions, rows = [action for action in job.actions if action.per_customer], found.results
    prices = prices_of(rows)
    expected = expected_gains(rows, lambda results: learn_rates(results, actions).table, prices)
    return policy_report(rows, others(rows, expected, prices, actions), expected)
