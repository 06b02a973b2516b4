"""Train and examine: a spec and the facts of a day to a model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from winback.errors import NotEnoughData
from winback.facts.features.declared import Feature
from winback.risk.baselines import logistic
from winback.risk.candidate import Candidate
from winback.risk.dataset import Plan, forward_folds, labelled_rows, seen_throughout
from winback.risk.estimator import ChurnClassifier
from winback.risk.evaluate import Quality, quality, refuse_thin_data
from winback.risk.reasons import reference
from winback.risk.specs import Spec


def train(facts: Path, plan: Plan, zone: str, today: dt.date, ask: tuple[Spec, Sequence[Feature]]) -> Candidate:
    """The spec's model: examined on the plan's hold-outs, then fitted again on every labelled cutoff.

    The examination is of a model that saw the training cutoffs alone; what it must show is asked when it
    is enrolled. NotEnoughData for too few rows. What is returned has also learned from the hold-outs, the
    newest outcomes there are. Its `card_` says in plain values what was asked, shown and learned from,
    and where its reasons start.
    """
    spec, offered = ask
    features = [f for f in offered if f.name not in spec.leave_out]
    rows = labelled_rows(facts, [*plan.train, *plan.holdout], zone, today, (spec, features))
    held_out = rows["cutoff"].isin(_instants(rows, plan.holdout, zone))
    learning, examined = rows[~held_out].reset_index(drop=True), rows[held_out].reset_index(drop=True)
    refuse_thin_data(learning, spec.gates)
    used = seen_throughout(rows, features)
    examined["cutoff"] = examined["cutoff"].dt.tz_convert(zone)  # a cutoff is called by the business's date
    trial = fit(spec, learning, used)
    figures = examine(trial, learning, examined, used)
    examined["probability"] = trial.predict_proba(_matrix(examined, used))[:, 1]
    model = fit(spec, rows, used)
    model.card_ = {
        "spec": spec.as_dict(),
        "today": today.isoformat(),
        "examined_after": [day.isoformat() for day in plan.train],
        "fitted_on": [day.isoformat() for day in (*plan.train, *plan.holdout)],
        "rows": len(rows),
        "quality": [q.as_dict() for q in figures],
        "reference": asdict(reference(model, _matrix(rows, used), used)),
    }
    return Candidate(model, figures, examined, learning, facts, zone)


def fit(spec: Spec, rows: pd.DataFrame, features: Sequence[Feature]) -> ChurnClassifier:
    """The spec's estimator on these rows, calibrated forward in time."""
    folds = forward_folds(rows["cutoff"], spec.horizon_days)
    model: ChurnClassifier = spec.new_estimator().fit(_matrix(rows, features), rows["churned"].to_numpy(), folds)
    return model


def examine(
    model: ChurnClassifier, learning: pd.DataFrame, examined: pd.DataFrame, features: Sequence[Feature]
) -> list[Quality]:
    """The figures of each held-out cutoff, beside those of a logistic regression on the same rows."""
    if examined.empty:
        raise NotEnoughData("nobody was in the cohort at any of the hold-out cutoffs; choose others.")
    with threadpool_limits(1):
        peer = logistic().fit(_matrix(learning, features), learning["churned"])
        return [
            quality(
                rows,
                model.predict_proba(_matrix(rows, features))[:, 1],
                peer.predict_proba(_matrix(rows, features))[:, 1],
            )
            for _, rows in examined.groupby("cutoff")
        ]


def _matrix(rows: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    return rows[[f.name for f in features]]


def _instants(rows: pd.DataFrame, days: Sequence[dt.date], zone: str) -> list[pd.Timestamp]:
    wanted = set(days)
    return [stamp for stamp in rows["cutoff"].unique() if stamp.tz_convert(zone).date() in wanted]
