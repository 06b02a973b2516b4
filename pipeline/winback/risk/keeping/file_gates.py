"""What a registered version must show by itself, before its scores are looked at and whenever it changes its rank."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from winback.errors import FeatureMismatch, ModelRefused
from winback.facts.check.gates import Gate
from winback.facts.features.declared import Feature
from winback.risk.asking.specs import Spec
from winback.risk.keeping import registry
from winback.risk.keeping.champions import features_of
from winback.risk.keeping.golden import golden_fault
from winback.risk.keeping.promotions import Version
from winback.risk.scoring.own_estimator import Classifier

# What two models must agree in to be compared.
QUESTION = ("kind", "horizon_days", "active_days", "lapsed_days", "lead_days", "grace_days", "failed_days", "churned")


@dataclass(frozen=True)
class Asked:
    """What a champion is wanted for: the project's question, its day, and the features its sources can give."""

    spec: Spec
    today: dt.date
    offered: Sequence[Feature]


def file_gates(state: Path, version: Version, asked: Asked) -> tuple[list[Gate], Classifier | None]:
    """What a registered version must show by itself, and its model where it loads."""
    needed = f"SHA-256 {version.sha256[:12]}, by our own loader"
    try:
        model: Classifier = registry.load_version(state, version, asked.spec.trusted)
    except ModelRefused as error:
        return [Gate("loads", needed, "refused", str(error))], None
    return [Gate("loads", needed, "so"), *_own_gates(model, asked)], model


def _own_gates(model: Classifier, asked: Asked) -> Iterator[Gate]:
    """What a loaded model says of itself: its golden rows, question, days and features."""
    fault = golden_fault(model)
    yield Gate("golden rows", "the chances of its training, bit for bit", "other" if fault else "the same", fault)
    same = model.card_["spec"] == asked.spec.as_dict()
    refusal = "" if same else f"it answers another question than {asked.spec.name} now asks: {_odd(model, asked)}."
    yield Gate("question", "the project's spec", "the same" if same else "another", refusal)
    yield _days(model, asked)
    yield _features(model, asked)


def _odd(model: Classifier, asked: Asked) -> str:
    """The parts of the spec in which a model differs from what is asked."""
    theirs, ours = model.card_["spec"], asked.spec.as_dict()
    keys = [key for key in ours if theirs.get(key) != ours[key]]
    return ", ".join(f"{key} {theirs.get(key)!r} instead of {ours[key]!r}" for key in keys)[:300]


def _days(model: Classifier, asked: Asked) -> Gate:
    """Whether all that a model learned from had happened by today."""
    horizon = dt.timedelta(days=model.card_["spec"]["horizon_days"])
    last = max(dt.date.fromisoformat(day) for day in model.card_["fitted_on"]) + horizon
    last = max(last, dt.date.fromisoformat(model.card_["today"]))
    refusal = f"it learned from outcomes up to {last}; today is {asked.today}." if last > asked.today else ""
    return Gate("days", f"outcomes up to {asked.today}", f"up to {last}", refusal)


def _features(model: Classifier, asked: Asked) -> Gate:
    """Whether every feature that a model reads is declared and given by the sources."""
    needed, count = "all declared and given by the sources", len(model.feature_names_in_)
    try:
        given = {f.name for f in asked.offered}
        lost = [f.name for f in features_of(model, asked.offered) if f.name not in given]
    except FeatureMismatch as error:
        return Gate("features", needed, "not so", str(error))
    refusal = f"{len(lost)} of its features are not given by the sources (first: {lost[:5]})." if lost else ""
    return Gate("features", needed, f"{count - len(lost)} of {count}", refusal)
