"""What a spec asks: of whom at a cutoff, and what came of them in the window after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from winback.errors import NotEnoughData
from winback.facts.days import begins
from winback.facts.labels import within
from winback.facts.labels.labels import cohort_at, labels_at, lapsed_cohort_at, oldest, oldest_order
from winback.facts.labels.rule_labels import rule_labels_at
from winback.facts.labels.subscription_labels import SUBSCRIPTIONS, Ending, ending_labels_at, subscribed_at
from winback.risk.asking.specs import Spec

KEYS = within.KEYS


def base_of(spec: Spec) -> str:
    """The table whose rows make somebody a customer."""
    return "subscriptions" if spec.of_subscriptions else "orders"


def history_starts(facts: Path, spec: Spec, zone: str) -> dt.date:
    """The first day of the log that the question is asked of."""
    if not spec.of_subscriptions:
        return oldest_order(facts, zone)
    day = oldest(facts, SUBSCRIPTIONS, zone)
    if day is None:
        raise NotEnoughData("the subscriptions table is empty; check the quarantine for the reasons.")
    return day


def asked_of(facts: Path, spec: Spec, cutoffs: Sequence[dt.date], zone: str) -> pd.DataFrame:
    """One row a (customer_id, cutoff) whom the question is asked of, sorted, as known at the cutoff."""
    if spec.of_subscriptions:
        return subscribed_at(facts, cutoffs, zone)
    if spec.lapsed_days is not None:
        return lapsed_cohort_at(facts, cutoffs, zone, spec.lapsed_days)
    return cohort_at(facts, cutoffs, zone, spec.active_days)


def answers(facts: Path, spec: Spec, cohort: pd.DataFrame, zone: str, today: dt.date) -> pd.Series:
    """Whether what the question asks about came true for each row of the cohort; NA for no case of it.

    No case: who left in another way than the one asked about, or had already left when the window began.
    """
    shifted = _shifted(cohort, spec.lead_days, zone)
    if spec.of_subscriptions:
        return _ended(facts, spec, shifted, zone, today)
    asked = (spec.horizon_days, zone, today)
    if spec.churned is not None:
        return rule_labels_at(facts, shifted, spec.churned, *asked).astype("boolean")
    return labels_at(facts, shifted, *asked).astype("boolean")


def _ended(facts: Path, spec: Spec, cohort: pd.DataFrame, zone: str, today: dt.date) -> pd.Series:
    """Whether the subscription ended the way asked about."""
    ending = Ending(spec.horizon_days, spec.grace_days, spec.failed_days)
    found = ending_labels_at(facts, cohort, ending, zone, today)
    mine = found["voluntary" if spec.kind == "subscription" else "involuntary"].astype("boolean")
    answer = mine.mask(found["churned"] & ~mine.fillna(False))
    if spec.lead_days and len(cohort):
        still = subscribed_at(facts, within.days_of(cohort, zone), zone)
        answer = answer.mask(within.matched(cohort, still.assign(rows=1)) == 0)
    return answer


def _shifted(cohort: pd.DataFrame, lead_days: int, zone: str) -> pd.DataFrame:
    """The cohort at the beginning of its windows."""
    if not lead_days or cohort.empty:
        return cohort
    lead = dt.timedelta(days=lead_days)
    begin = {c: pd.Timestamp(begins(c.tz_convert(zone).date() + lead, zone)) for c in cohort["cutoff"].unique()}
    return cohort.assign(cutoff=cohort["cutoff"].map(begin).astype(cohort["cutoff"].dtype))
