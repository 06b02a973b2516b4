"""Train and examine: a spec and the facts of a day to a model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from winback.errors import NotEnoughData
from winback.facts.features.declared import Feature
from winback.facts.labels.retraining import learnable
from winback.risk.asking.dataset import Ask, Plan, forward_folds, labelled_rows, seen_throughout
from winback.risk.asking.specs import Spec, with_parameters
from winback.risk.examining.baselines import PAST, RFM, at_each_cutoff, fewest_purchases, logistic_chances, rfm_chances
from winback.risk.examining.evaluate import Quality, quality, refuse_thin_data
from winback.risk.examining.examination import LOGISTIC, Terms, examination
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.search import Say, searched
from winback.risk.learning.treated import compared, entered, treatment, untreated
from winback.risk.scoring.own_estimator import Classifier, new_estimator
from winback.risk.scoring.reasons import reference
from winback.risk.watching.drift import drift_reference


def silently(_: str) -> None:
    """For those who do not watch."""


# Read beside what the model sees: slices are told by them, and peers need them.
EXAMINED_BESIDE = (*RFM, *PAST)


def train(facts: Path, plan: Plan, zone: str, today: dt.date, ask: Ask, say: Say = silently) -> Candidate:
    """The spec's model: examined on the plan's hold-outs, then fitted again on every labelled cutoff.

    The examination is of a model that saw the training cutoffs alone; what it must show is asked when it
    is enrolled. NotEnoughData for too few rows. What is returned has also learned from the hold-outs, the
    newest outcomes there are. Its `card_` says in plain values what was asked, shown and learned from,
    and where its reasons start.
    """
    spec, features = ask.spec, ask.spec.chosen(ask.features)
    beside = [f for f in ask.features if f.name in EXAMINED_BESIDE and f not in features]
    rows = labelled_rows(facts, [*plan.train, *plan.holdout], zone, today, replace(ask, features=[*features, *beside]))
    held_out, used = rows["cutoff"].isin(_instants(rows, plan.holdout, zone)), seen_throughout(rows, features)
    past, later = rows[~held_out].reset_index(drop=True), rows[held_out].reset_index(drop=True)
    learning, examined = taught(past, ask, used), untreated(later, ask.campaigns).copy()
    refuse_thin_data(learning, spec.gates)
    examined["cutoff"] = examined["cutoff"].dt.tz_convert(zone)  # a cutoff is called by the business's date
    if examined.empty:
        raise NotEnoughData("nobody was in the cohort at any of the hold-out cutoffs; choose others.")
    found, trials = searched(spec, learning, used, say)
    recipe = with_parameters(spec, found)
    trial = fit(recipe, learning, used)
    examined = examined.copy().assign(probability=trial.predict_proba(_matrix(examined, used))[:, 1])
    figures, told = examine(learning, examined, (spec, used))
    learned = taught(rows, ask, used)
    model = fit(recipe, learned, used)
    model.card_ = {
        "spec": spec.as_dict(),
        "today": today.isoformat(),
        "examined_after": [day.isoformat() for day in plan.train],
        "fitted_on": [day.isoformat() for day in (*plan.train, *plan.holdout)],
        "rows": len(rows),
        "quality": [q.as_dict() for q in figures],
        "examination": told,
        "search": {"found": found, "trials": trials},
        "reference": asdict(reference(model, _matrix(rows, used), used)),
        "drift_reference": drift_reference(rows, model.predict_proba(_matrix(rows, used))[:, 1], used),
    }
    if ask.campaigns is not None and (how := entered(rows, learned, ask.campaigns))["treated"]:
        naive = fit(recipe, past, used).predict_proba(_matrix(examined, used))[:, 1]
        model.card_["campaigns"] = how | {"not_examined": len(later) - len(examined), **compared(examined, naive)}
    return Candidate(model, figures, examined, learning, facts, zone)


def fit(spec: Spec, rows: pd.DataFrame, features: Sequence[Feature]) -> Classifier:
    """The spec's estimator on these rows, calibrated forward in time.

    NotEnoughData where what is learned of the past does not rank who leaves later.
    """
    folds = forward_folds(rows["cutoff"], spec.reach_days)
    model: Classifier = new_estimator(spec).fit(_matrix(rows, features), rows["churned"].to_numpy(), folds)
    if not model.calibration_slope_:
        raise NotEnoughData(
            f"predictions for {sum(len(later) for _, later in folds):,} later rows do not rank them at all; there is "
            "too little history, or the past does not resemble the later dates."
        )
    return model


def taught(rows: pd.DataFrame, ask: Ask, features: Sequence[Feature]) -> pd.DataFrame:
    """The rows as they are to be learned from: those of customers whom our campaigns treated as the mode says.

    The mode `model` asks for the risk of the untreated; a first model of the same recipe learns it from those.
    """
    if ask.campaigns is None or not (about := treatment(rows, ask.campaigns))["treated"].any():
        return rows
    if (mode := ask.campaigns.mode) != "model":
        return learnable(rows, about, mode)
    first = fit(ask.spec, learnable(rows, about, "exclude"), features)
    return learnable(rows, about, mode, first.predict_proba(_matrix(rows, features))[:, 1])


def examine(
    learning: pd.DataFrame, examined: pd.DataFrame, ask: tuple[Spec, Sequence[Feature]]
) -> tuple[list[Quality], dict[str, Any]]:
    """The figures of each held-out cutoff beside a logistic regression's, and all else that is told of the model.

    `examined` has the `probability` that a model gave which had learned from `learning` alone.
    """
    spec, features = ask
    names = [f.name for f in features]
    chance = examined["probability"].to_numpy()
    with threadpool_limits(1):
        peers = _peers(learning, examined, names, spec.horizon_days)
        places = at_each_cutoff(examined)
        found = [quality(examined.iloc[k], chance[k], peers[LOGISTIC][k]) for k in places]
        return found, examination(examined, chance, peers, Terms(spec.horizon_days))


def _peers(
    learning: pd.DataFrame, examined: pd.DataFrame, names: Sequence[str], horizon_days: int
) -> dict[str, NDArray[np.float64]]:
    """Rankings of the examined rows by what is simpler, as far as their columns allow."""
    peers = {LOGISTIC: logistic_chances(learning, examined, names)}
    if any(name in learning for name in RFM):
        peers["logistic regression, recency, frequency and money"] = rfm_chances(learning, examined)
    if set(PAST) <= set(examined) and (examined["orders_total"].iloc[at_each_cutoff(examined)[0]] > 1).any():
        peers["MBG/NBD, fewest expected purchases"] = fewest_purchases(examined, horizon_days)
    return peers


def _matrix(rows: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    return rows[[f.name for f in features]]


def _instants(rows: pd.DataFrame, days: Sequence[dt.date], zone: str) -> list[pd.Timestamp]:
    wanted = set(days)
    return [stamp for stamp in rows["cutoff"].unique() if stamp.tz_convert(zone).date() in wanted]
