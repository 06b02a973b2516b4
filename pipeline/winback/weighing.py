"""What the offers weigh of a run: its customers at their value, who may be reached how, and what they had before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from winback import store
from winback.facts.labels.contacts import days_since_last_contact
from winback.jobs import Job
from winback.offers.case import Known
from winback.offers.catalogue import features_read
from winback.offers.eligible import Limits, limits_of
from winback.offers.value import margin_at_stake
from winback.permitting import permissions_of

CONTACTS = """
SELECT customer_id, '' AS action, coalesce(channel, '') AS channel, contacted_at, false AS monetary
FROM read_parquet($path) ORDER BY ALL
"""


@dataclass(frozen=True)
class Weighed:
    """The arguments of `winback.offers.decide.decide`, in its order; the actions are the job's."""

    customers: pd.DataFrame
    reasons: pd.DataFrame
    limits: Limits
    known: Known


def weighed(job: Job, folder: Path) -> Weighed:
    """What is decided on, from the scores, reasons, features and assignments of a run's folder."""
    scores, rows, arms, reasons = (_read(folder, name) for name in ("scores", "features", "assignments", "reasons"))
    customers = candidates(job, scores, rows, arms)
    known = Known(permissions_of(job, customers["customer_id"]), contacts_of(job))
    return Weighed(customers, reasons, limits_of(job.config.offers, involuntary=job.spec.kind == "payment"), known)


def candidates(job: Job, scores: pd.DataFrame, rows: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """The scored customers with what a decision weighs: value, basket, last contact, hold-out, asked-about features."""
    offers = job.config.offers
    spent = spend_total(rows)
    since = days_since_last_contact(job.facts, job.today, job.zone)
    held_out = scores["customer_id"].map(arms.set_index("customer_id")["arm"]) == "held_out"
    stake = margin_at_stake(spent, rows["days_since_first_order"], offers.margin_rate, offers.value_days)
    asked = sorted(features_read(job.actions) & set(rows.columns) - set(scores.columns))
    return scores[["customer_id", "cutoff", "probability", "at_risk", "stage"]].assign(
        held_out=held_out.to_numpy(),
        margin_at_stake=stake.to_numpy(),
        average_basket=(spent / rows["orders_total"]).to_numpy(),
        days_since_last_contact=scores["customer_id"].map(since).to_numpy(dtype="float64"),
        **{name: rows[name].to_numpy() for name in asked},
    )


def spend_total(rows: pd.DataFrame) -> pd.Series:
    """What each customer has spent so far, in money."""
    return (rows["spend_per_week"] * rows["days_since_first_order"].clip(lower=7) / 7).round(2)


def contacts_of(job: Job) -> pd.DataFrame | None:
    """One row a contact the project's own tools report; which action it was is not known. None without such a table."""
    files = [str(path) for path in store.table_files(job.facts, "contacts")] if job.config.sources.contacts else []
    if not files:
        return None
    with store.connect() as con:
        rows: pd.DataFrame = con.sql(CONTACTS, params={"path": files}).to_arrow_table().to_pandas()
    return rows


def _read(folder: Path, table: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read_table(folder / f"{table}.parquet").to_pandas()
    return frame
