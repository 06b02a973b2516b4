"""Whether a project's data allow its question to be learned on a day: the gates of training, in one list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from winback.config import Cutoffs
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.check import gates
from winback.facts.check.gates import Gate
from winback.limits import DataGates
from winback.risk.asking.dataset import plan_cutoffs
from winback.risk.asking.questions import answers, asked_of, history_starts
from winback.risk.asking.specs import Spec


def training_gates(
    facts: Path,
    when: tuple[str, dt.date],
    spec: Spec,
    cutoffs: Cutoffs,
    limits: DataGates,
) -> list[Gate]:
    """The gates of training for a zone and a day, refused ones among them; nothing is raised for what they say.

    Outcomes are counted only where the history allows training cutoffs.
    """
    zone, today = when
    try:
        starts = history_starts(facts, spec, zone)
    except NotEnoughData as error:
        return [Gate("days of history", "some", "none", str(error))]
    needed = gates.days_needed(spec.reach_days, spec.active_days or spec.lapsed_days, _holdout_days(cutoffs))
    found = [] if spec.of_subscriptions else [gates.customers_gate(facts, zone, today, limits)]
    found.append(gates.history_gate(starts, today, needed, limits))
    try:
        plan = plan_cutoffs(cutoffs, spec.reach_days, starts, today)
        rows = _cases(facts, when, spec, plan.train)
    except (NotEnoughData, WindowNotRecorded) as error:
        # Where the history is too short, that has been said already, with the number of days.
        return [*found, *([Gate("training cutoffs", "2", "too few", str(error))] if found[-1].passed else [])]
    recorded = None if spec.of_subscriptions else gates.recorded_gate(facts, zone, plan.train, limits)
    return [*found, *([recorded] if recorded else []), *gates.outcome_gates(rows, limits)]


def _holdout_days(cutoffs: Cutoffs) -> int:
    """The days from the first hold-out to the last."""
    if cutoffs.holdout:
        return (max(cutoffs.holdout) - min(cutoffs.holdout)).days
    return (cutoffs.holdouts - 1) * (30 if cutoffs.every == "month" else 7)


def _cases(facts: Path, when: tuple[str, dt.date], spec: Spec, days: Sequence[dt.date]) -> pd.DataFrame:
    """customer_id, cutoff and outcome of all cases of the question at some cutoffs."""
    zone, today = when
    cohort = asked_of(facts, spec, days, zone)
    if cohort.empty:
        raise NotEnoughData(
            f"nobody was in the cohort at any of the {len(days)} training cutoffs from {days[0]} to "
            f"{days[-1]}: was anything recorded before them?"
        )
    return cohort.assign(churned=answers(facts, spec, cohort, zone, today)).dropna(subset="churned")
