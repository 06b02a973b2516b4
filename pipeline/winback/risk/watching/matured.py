"""What became of the customers of a published run: how well its chances did, and what can be said before its time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from winback import store
from winback.errors import WindowNotRecorded
from winback.facts.labels.labels import bought_at, cohort_at, labels_at
from winback.facts.labels.treated import Reach, treated_at
from winback.risk.asking.questions import KEYS
from winback.risk.examining import figures
from winback.risk.examining.baselines import best_rule, rules
from winback.risk.examining.intervals import LEVEL, Draws, drawn, draws, measured
from winback.risk.examining.ranked import Flags, Floats, Ranked, ranked
from winback.risk.watching.publish_scores import Scored

SAMPLES = 200
FEW = 50  # customers of each outcome; fewer say little of a ranking
EARLIEST = 7  # days gone, before anything is said of an open window


@dataclass(frozen=True)
class Known:
    """What is known by a day: the facts, the business's zone and the day."""

    facts: Path
    zone: str
    today: dt.date


def off(counts: Ranked) -> Floats:
    """Mean chance less the share that left."""
    return figures.mean_predicted(counts) - counts.share_left


FIGURES = {
    "auc": figures.auc,
    "log_loss": figures.log_loss,
    "off": off,
    "calibration_slope": figures.calibration_slope,
}


def matured(run: Scored, decisions: pd.DataFrame, known: Known) -> dict[str, Any]:
    """The figures of a run whose window is closed: of all its customers, and of those whom nobody tried to keep.

    An action that works makes the chance of its customer wrong; so calibration is judged on those left alone.
    `rule_auc` is that of the best single rule on the same customers, `above_rule` what the model's has above it.
    """
    told = described(run)
    try:
        left = labels_at(known.facts, run.scores[KEYS], told["horizon_days"], known.zone, known.today).to_numpy()
    except WindowNotRecorded as error:
        return {**told, "fault": str(error)}
    acted = decisions["customer_id"][decisions["action"] != "leave_alone"]
    treated = run.scores["customer_id"].isin(acted).to_numpy() | _contacted(run, told["horizon_days"], known)
    rows = run.scores[["customer_id"]].merge(run.features, on="customer_id", validate="one_to_one")
    groups = {"all": np.ones(len(left), dtype=bool), "left_alone": ~treated}
    return {**told, **{name: _figures(run, rows, left, chosen) for name, chosen in groups.items()}}


def described(run: Scored) -> dict[str, Any]:
    """Which run, of which model, and how old that was: days since it was trained."""
    card = run.model["card"]
    return {
        "date": run.today.isoformat(),
        "version": run.model["version"],
        "model_days": (run.today - dt.date.fromisoformat(card["today"])).days,
        "horizon_days": card["spec"]["horizon_days"],
        "customers": len(run.scores),
    }


def _contacted(run: Scored, days: int, known: Known) -> Flags:
    if not store.table_files(known.facts, "contacts"):
        return np.zeros(len(run.scores), dtype=bool)
    return treated_at(known.facts, run.scores[KEYS], Reach(days), known.zone, known.today).to_numpy(dtype=bool)


def _figures(run: Scored, rows: pd.DataFrame, left: Flags, chosen: Flags) -> dict[str, Any]:
    """The figures of some of the customers; of too few of an outcome only how many there are."""
    some, chance, people = left[chosen], run.chance[chosen], run.scores["customer_id"][chosen]
    told: dict[str, Any] = {"customers": int(chosen.sum()), "left": int(some.sum())}
    if min(told["left"], told["customers"] - told["left"]) < FEW:
        return told
    rule, rule_auc = best_rule(rows[chosen], some)
    among = draws(people, SAMPLES)
    found = measured(some, chance, FIGURES, among)
    above = _above(some, chance, rules(rows[chosen]).get(rule, np.zeros(len(some))), among)
    return {
        **told,
        "mean_chance": float(chance.mean()),
        "rule": rule,
        "rule_auc": rule_auc,
        "above_rule": above,
        **found,
    }


def _above(left: Flags, chance: Floats, by_rule: Floats, among: Draws) -> dict[str, float | None]:
    """The AUC of one ranking less that of another, over the same samples of customers."""
    value = figures.auc(ranked(left, chance)) - figures.auc(ranked(left, by_rule))
    ours, theirs = (drawn(left, values, {"auc": figures.auc}, among)["auc"] for values in (chance, by_rule))
    return among.interval(float(value[0]), ours - theirs)


def early(run: Scored, known: Known) -> dict[str, Any]:
    """An early estimate for a run whose window is open: who came back by now, against what its chances expect.

    expected = mean(1 - chance) x part, where `part` is how many of those who bought in the whole window after
    the cutoff one horizon ago had done so after as many days. `difference` is the share that came back less the
    expected one; its interval holds the luck of this run's customers alone, not that of `part`.
    """
    told = described(run)
    days = (known.today - run.today).days
    if days < EARLIEST:
        return {**told, "days": days, "fault": f"only {days} days have gone by; {EARLIEST} are needed."}
    try:
        came = bought_at(known.facts, run.scores[KEYS], days, known.zone, known.today).to_numpy(dtype=bool)
        part = _part(run, days, known)
    except WindowNotRecorded as error:
        return {**told, "days": days, "fault": str(error)}
    chance = (1 - run.chance) * part
    spread = float(norm.ppf((1 + LEVEL) / 2) * np.sqrt((chance * (1 - chance)).sum()) / max(len(chance), 1))
    found, expected = float(came.mean()), float(chance.mean())
    difference = {"value": found - expected, "low": found - expected - spread, "high": found - expected + spread}
    return {
        **told,
        "days": days,
        "came_back": found,
        "expected": expected,
        "difference": difference,
    }


def _part(run: Scored, days: int, known: Known) -> float:
    """Of those who bought within a horizon of the last cutoff whose window is closed, the share that did in `days`."""
    spec = run.model["card"]["spec"]
    cutoff = known.today - dt.timedelta(days=spec["horizon_days"])
    cohort = cohort_at(known.facts, [cutoff], known.zone, spec["active_days"])
    bought = [
        bought_at(known.facts, cohort, after, known.zone, known.today).sum() for after in (days, spec["horizon_days"])
    ]
    return float(bought[0] / max(bought[1], 1))
