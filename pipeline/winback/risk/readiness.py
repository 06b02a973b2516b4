"""Whether a project's data allow its question to be learned on a day: the gates of training, in one list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from winback.config import Cutoffs, DataGates
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.check import gates
from winback.facts.check.gates import Gate
from winback.facts.labels.labels import cohort_at, labels_at, oldest_order
from winback.risk.dataset import plan_cutoffs
from winback.risk.specs import Spec

Labelled = Callable[[Sequence[dt.date]], pd.DataFrame]


def training_gates(
    facts: Path,
    when: tuple[str, dt.date],
    spec: Spec,
    cutoffs: Cutoffs,
    limits: DataGates,
    labelled: Labelled | None = None,
) -> list[Gate]:
    """The gates of training for a zone and a day, refused ones among them; nothing is raised for what they say.

    `labelled`: customer_id, cutoff and outcome of everybody asked about at some cutoffs; by default those
    of the spec's inactivity. Outcomes are counted only where the history allows training cutoffs.
    """
    zone, today = when
    try:
        starts = oldest_order(facts, zone)
    except NotEnoughData as error:
        return [Gate("days of history", "some", "none", str(error))]
    needed = gates.days_needed(spec.horizon_days, spec.active_days, _holdout_days(cutoffs))
    found = [gates.customers_gate(facts, zone, today, limits), gates.history_gate(starts, today, needed, limits)]
    try:
        plan = plan_cutoffs(cutoffs, spec.horizon_days, starts, today)
        rows = (labelled or _inactive(facts, when, spec))(plan.train)
    except (NotEnoughData, WindowNotRecorded) as error:
        # Where the history is too short, that has been said already, with the number of days.
        return [*found, *([Gate("training cutoffs", "2", "too few", str(error))] if found[-1].passed else [])]
    recorded = gates.recorded_gate(facts, zone, plan.train, limits)
    return [*found, *([recorded] if recorded else []), *gates.outcome_gates(rows, limits)]


def _holdout_days(cutoffs: Cutoffs) -> int:
    """The days from the first hold-out to the last."""
    if cutoffs.holdout:
        return (max(cutoffs.holdout) - min(cutoffs.holdout)).days
    return (cutoffs.holdouts - 1) * (30 if cutoffs.every == "month" else 7)


def _inactive(facts: Path, when: tuple[str, dt.date], spec: Spec) -> Labelled:
    zone, today = when

    def labelled(days: Sequence[dt.date]) -> pd.DataFrame:
        cohort = cohort_at(facts, days, zone, spec.active_days)
        if cohort.empty:
            raise NotEnoughData(
                f"nobody was in the cohort at any of the {len(days)} training cutoffs from {days[0]} to "
                f"{days[-1]}: was "
                "anything recorded before them?"
            )
        return cohort.assign(churned=labels_at(facts, cohort, spec.horizon_days, zone, today))

    return labelled
