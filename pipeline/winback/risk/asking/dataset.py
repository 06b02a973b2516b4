"""The dates a model learns from and is examined on, and the rows they give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.config import Cutoffs
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.days import months_from, weeks_from
from winback.facts.features.declared import Feature
from winback.facts.features.table import features_at
from winback.facts.labels.retraining import Campaigns
from winback.risk.asking.questions import KEYS, answers, asked_of, base_of
from winback.risk.asking.specs import Spec

MOST_FOLDS = 3


@dataclass(frozen=True)
class Plan:
    """The cutoffs to learn from and, at least one horizon later, those to be examined on."""

    train: tuple[dt.date, ...]
    holdout: tuple[dt.date, ...]


def plan_cutoffs(cutoffs: Cutoffs, horizon_days: int, history_starts: dt.date, today: dt.date) -> Plan:
    """The cutoffs that a project's settings and history allow on `today`.

    Every label window is closed by `today`, and training windows by the first hold-out: the gap that
    a forecast made on that day would have had to live with.
    """
    horizon = dt.timedelta(days=horizon_days)
    holdout = tuple(sorted(cutoffs.holdout)) or _last(cutoffs, today - horizon)
    if holdout[-1] + horizon > today:
        raise WindowNotRecorded(
            f"the hold-out cutoff {holdout[-1]} needs {horizon_days} days of orders, to {holdout[-1] + horizon}; "
            f"today is {today}. Choose cutoffs up to {today - horizon}."
        )
    first = cutoffs.first or history_starts + horizon
    steps = months_from if cutoffs.every == "month" else weeks_from
    train = tuple(steps(first, holdout[0] - horizon))
    if len(train) < 2:
        raise NotEnoughData(
            f"between the first usable cutoff {first} and {holdout[0] - horizon} (one horizon before the hold-out "
            f"{holdout[0]}) lie {len(train)} cutoffs; 2 are needed. The log starts on {history_starts}: wait, choose "
            "a shorter horizon, or set [cutoffs] every = 'week'."
        )
    return Plan(train, holdout)


def _last(cutoffs: Cutoffs, latest: dt.date) -> tuple[dt.date, ...]:
    """The latest date and those 30 (or 7) days apart before it."""
    step = 30 if cutoffs.every == "month" else 7
    return tuple(latest - dt.timedelta(days=step * n) for n in reversed(range(cutoffs.holdouts)))


@dataclass(frozen=True)
class Ask:
    """A question, the features offered to answer it, and the customers it must not be asked of: who objected.

    `campaigns`: our own, for training; None where there was none yet.
    """

    spec: Spec
    features: Sequence[Feature]
    unasked: Collection[str] = ()
    campaigns: Campaigns | None = None


def rows_at(facts: Path, cutoffs: Sequence[dt.date], zone: str, ask: Ask) -> pd.DataFrame:
    """One row a (customer_id, cutoff) that the spec asks about, with its features; for training and scoring alike."""
    table = features_at(facts, cutoffs, zone, ask.features, base=base_of(ask.spec))
    asked = asked_of(facts, ask.spec, cutoffs, zone)
    if ask.unasked:
        asked = asked[~asked["customer_id"].isin(list(ask.unasked))]
    return asked.merge(table, on=KEYS, validate="one_to_one")


def labelled_rows(facts: Path, cutoffs: Sequence[dt.date], zone: str, today: dt.date, ask: Ask) -> pd.DataFrame:
    """`rows_at` with the outcome `churned` of each row that is a case of the question."""
    rows = rows_at(facts, cutoffs, zone, ask)
    rows["churned"] = answers(facts, ask.spec, rows, zone, today)
    cases = rows[rows["churned"].notna()]
    return cases.astype({"churned": bool}).reset_index(drop=True)


def seen_throughout(rows: pd.DataFrame, features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The features that are known at every cutoff or whose gaps are the customers' own.

    One that is unknown for everybody at some cutoffs, because its window begins before the log, would
    teach a model which date it is.
    """
    known = rows[[f.name for f in features]].notna().groupby(rows["cutoff"]).any().all()
    return tuple(f for f in features if known[f.name])


def forward_folds(cutoff: pd.Series, horizon_days: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For the last cutoffs: the rows whose windows had closed by then, and the rows of that cutoff."""
    dates = sorted(cutoff.unique())
    folds = []
    for date in dates[-MOST_FOLDS:]:
        # Cutoffs begin days; where the clocks were changed in between, one of those had 23 or 25 hours.
        closed = np.flatnonzero(cutoff < date - pd.Timedelta(days=horizon_days) + pd.Timedelta(hours=12))
        if len(closed):
            folds.append((closed.astype(np.int64), np.flatnonzero(cutoff == date).astype(np.int64)))
    if not folds:
        raise NotEnoughData(
            f"no training cutoff lies {horizon_days} days after another; calibration needs an earlier one to "
            "predict a later one. A longer history or a shorter horizon gives more."
        )
    return folds
