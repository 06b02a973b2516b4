"""The champion of a question, loaded, and the features that it reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from winback.errors import FeatureMismatch, ModelRefused
from winback.facts.features import declared
from winback.facts.features.declared import Feature
from winback.risk.asking.specs import Spec
from winback.risk.keeping import aliases, registry
from winback.risk.keeping.promotions import Version, history, reigns
from winback.risk.scoring.own_estimator import Classifier


def champion_for(state: Path, spec: Spec, today: dt.date) -> tuple[Version, Classifier] | None:
    """The champion and its loaded model; None when there is none yet for this spec.

    For a day on which the champion had not been trained yet: the last champion before it that had. ModelRefused
    where each of them learned from days that, on `today`, had not happened yet.
    """
    version = aliases.champion(state, spec.name)
    if version is None:
        return None
    model: Classifier = registry.load_version(state, version, spec.trusted)
    if model.card_["spec"] != spec.as_dict():
        return None
    if model.card_["today"] > today.isoformat():
        if found := _known_then(state, version, spec, today):
            return found
        raise ModelRefused(
            f"the champion of {spec.name} (version {version.version}) learned from data up to "
            f"{model.card_['today']}; a list for {today} made with it would know the future. Give the runs of "
            "earlier dates a state folder of their own ([project] state)."
        )
    return version, model


def _known_then(state: Path, present: Version, spec: Spec, today: dt.date) -> tuple[Version, Classifier] | None:
    """The last champion of this spec, but for the present one, that learned from nothing later than `today`."""
    line = [row.model for row in reigns(history(state, spec.name))]
    for version in dict.fromkeys(reversed(line)):
        if version == present or not (state / version.path).is_file():
            continue
        model: Classifier = registry.load_version(state, version, spec.trusted)
        if model.card_["spec"] == spec.as_dict() and model.card_["today"] <= today.isoformat():
            return version, model
    return None


def features_of(model: Classifier, offered: Sequence[Feature] = ()) -> tuple[Feature, ...]:
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


def refuse_lost_features(version: Version, model: Classifier, offered: Sequence[Feature]) -> None:
    """FeatureMismatch when a champion reads what the configured sources do not offer any more."""
    at_hand = {f.name for f in offered}
    if lost := [f.name for f in features_of(model, offered) if f.name not in at_hand]:
        raise FeatureMismatch(
            f"the champion of {version.name} (version {version.version}) reads {len(lost)} features that the "
            f"configured sources do not give (first: {lost[:5]}). Configure what it was trained on, or train anew "
            "in another state folder ([project] state)."
        )
