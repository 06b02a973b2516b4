"""Train, examine, register and promote: a spec and the facts of a day to a champion."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from winback.errors import FeatureMismatch, ModelRefused, NotEnoughData
from winback.facts.features import declared
from winback.facts.features.declared import Feature
from winback.risk import registry
from winback.risk.baselines import logistic
from winback.risk.dataset import Plan, forward_folds, labelled_rows, seen_throughout
from winback.risk.estimator import ChurnClassifier
from winback.risk.evaluate import Quality, quality, refuse_thin_data, refuse_weak_model
from winback.risk.promotions import Version
from winback.risk.reasons import reference
from winback.risk.specs import Spec


def train(facts: Path, plan: Plan, zone: str, today: dt.date, ask: tuple[Spec, Sequence[Feature]]) -> ChurnClassifier:
    """The spec's model: examined on the plan's hold-outs, then fitted again on every labelled cutoff.

    The examination is of a model that saw the training cutoffs alone; NotEnoughData or ModelNotBetter
    when it misses a gate of the spec. What is returned has also learned from the hold-outs, the newest
    outcomes there are. Its `card_` says in plain values what was asked, shown and learned from, and
    where its reasons start.
    """
    spec, offered = ask
    features = [f for f in offered if f.name not in spec.leave_out]
    rows = labelled_rows(facts, [*plan.train, *plan.holdout], zone, today, (spec, features))
    held_out = rows["cutoff"].isin(_instants(rows, plan.holdout, zone))
    learning, examined = rows[~held_out].reset_index(drop=True), rows[held_out].reset_index(drop=True)
    refuse_thin_data(learning, spec.gates)
    used = seen_throughout(rows, features)
    examined["cutoff"] = examined["cutoff"].dt.tz_convert(zone)  # a cutoff is called by the business's date
    figures = examine(fit(spec, learning, used), learning, examined, used)
    refuse_weak_model(figures, spec.gates)
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
    return model


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


def enrol(state: Path, model: ChurnClassifier, made_from: dict[str, Any], at: dt.datetime) -> Version:
    """The registered version of a trained model, now the champion of its spec's name.

    `made_from` is all that the training was made from; equal means equal version.
    """
    figures = model.card_["quality"]
    told = json.dumps(made_from, sort_keys=True, default=str, indent=2)
    record = registry.ModelRecord(
        params={"spec": model.card_["spec"], "today": model.card_["today"], "rows": model.card_["rows"]},
        metrics={q["cutoff"]: {k: v for k, v in q.items() if isinstance(v, float)} for q in figures},
        tags={"training_key": hashlib.sha256(told.encode()).hexdigest()},
        artifacts={"card.json": json.dumps(model.card_, indent=2), "made_from.json": told},
        features=tuple(str(name) for name in model.feature_names_in_),
    )
    version = registry.register(state, model.card_["spec"]["name"], model, record)
    gain = min(q["auc"] - q["rule_auc"] for q in figures)
    registry.promote(state, version, at, f"AUC at least {gain:+.3f} above the best single rule", "gates of the spec")
    return version


def champion_for(state: Path, spec: Spec, today: dt.date) -> tuple[Version, ChurnClassifier] | None:
    """The champion and its loaded model; None when there is none yet for this spec.

    ModelRefused when it learned from days that, on `today`, had not happened yet.
    """
    version = registry.champion(state, spec.name)
    if version is None:
        return None
    model: ChurnClassifier = registry.load_version(state, version)
    if model.card_["spec"] != spec.as_dict():
        return None
    if model.card_["today"] > today.isoformat():
        raise ModelRefused(
            f"the champion of {spec.name} (version {version.version}) learned from data up to "
            f"{model.card_['today']}; a list for {today} made with it would know the future. Give the runs of "
            "earlier dates a state folder of their own ([project] state)."
        )
    return version, model


def features_of(model: ChurnClassifier, offered: Sequence[Feature] = ()) -> tuple[Feature, ...]:
    """The features a loaded model reads, in its order; FeatureMismatch where one is declared no more.

    `offered`: the project's, its own ones and their words among them; others are as winback declares them.
    """
    names = [str(name) for name in model.feature_names_in_]
    known = {f.name: f for f in (*declared.builtin(), *offered)}
    if gone := [name for name in names if name not in known]:
        raise FeatureMismatch(
            f"the model reads {len(gone)} features that this version of winback does not declare "
            f"(first: {gone[:5]}). Train again, or run the version of winback that trained it."
        )
    return tuple(known[name] for name in names)


def refuse_lost_features(version: Version, model: ChurnClassifier, offered: Sequence[Feature]) -> None:
    """FeatureMismatch when a champion reads what the configured sources do not offer any more."""
    at_hand = {f.name for f in offered}
    if lost := [f.name for f in features_of(model, offered) if f.name not in at_hand]:
        raise FeatureMismatch(
            f"the champion of {version.name} (version {version.version}) reads {len(lost)} features that the "
            f"configured sources do not give (first: {lost[:5]}). Configure what it was trained on, or train anew "
            "in another state folder ([project] state)."
        )
