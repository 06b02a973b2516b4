"""A candidate against the champion, on rows that neither has learned from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.errors import ConfigError, FeatureMismatch, ModelRefused
from winback.facts.check.gates import Gate
from winback.facts.features.declared import Feature
from winback.risk.asking.dataset import Ask, rows_at
from winback.risk.asking.questions import KEYS
from winback.risk.asking.specs import spec_of
from winback.risk.examining.paired import Difference, difference
from winback.risk.keeping import aliases, registry
from winback.risk.keeping.champions import features_of
from winback.risk.keeping.file_gates import QUESTION
from winback.risk.keeping.promotions import Version
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.train import fit
from winback.risk.scoring.own_estimator import Classifier

MARGINS = {"auc": 0.01, "log_loss": 0.01}  # what a candidate may lose where it is not sure that it loses


@dataclass(frozen=True)
class Comparison:
    """What a candidate was compared with, and how it did."""

    champion: Version
    by: str  # "itself", where it had not learned from the rows, else "its recipe"
    difference: Difference

    def as_dict(self) -> dict[str, Any]:
        """The comparison as plain values."""
        return {"version": self.champion.version, "by": self.by, **self.difference.as_dict()}


def against_champion(state: Path, candidate: Candidate, offered: Sequence[Feature]) -> tuple[Gate, Comparison | None]:
    """The gate, and the figures where both could be asked.

    Where the champion has learned from all held-out cutoffs, its recipe is fitted on the candidate's rows:
    to compare with what it has seen the outcome of would favour it.
    """
    card = candidate.model.card_
    name, needed = card["spec"]["name"], "not worse than the champion on the same rows"
    version = aliases.champion(state, name)
    if version is None:
        return Gate("champion", needed, "there is none yet"), None
    try:
        rival: Classifier = registry.load_version(state, version, spec_of(candidate.model).trusted)
        if any(rival.card_["spec"].get(key) != card["spec"].get(key) for key in QUESTION):
            return Gate("champion", needed, f"version {version.version} answers another question"), None
        by, rows, theirs = _chances(rival, candidate, features_of(rival, offered))
    except (ModelRefused, FeatureMismatch, ConfigError) as error:
        return Gate("champion", needed, f"version {version.version} cannot be asked any more: {error}"), None
    found = Comparison(version, by, difference(rows, rows["probability"].to_numpy(dtype=np.float64), theirs))
    return _judged(needed, found), found


def _judged(needed: str, found: Comparison) -> Gate:
    """Refused where the candidate did worse by more than the margin, or surely worse by however little."""
    d = found.difference
    told = (
        f"AUC {d.auc:+.4f} ({d.auc_low:+.4f} to {d.auc_high:+.4f}), log loss {d.log_loss:+.4f} "
        f"({d.log_loss_low:+.4f} to {d.log_loss_high:+.4f}) against version {found.champion.version} ({found.by})"
    )
    worse = d.auc < -MARGINS["auc"] or d.auc_high < 0 or d.log_loss > MARGINS["log_loss"] or d.log_loss_low > 0
    if worse:
        return Gate("champion", needed, told, f"on the same {d.rows} rows of {d.customers} customers: {told}.")
    return Gate("champion", needed, told)


def _chances(
    rival: Classifier, candidate: Candidate, features: Sequence[Feature]
) -> tuple[str, pd.DataFrame, NDArray[np.float64]]:
    """By what the champion is represented, the rows, and the chances it gives them."""
    horizon = dt.timedelta(days=spec_of(rival).reach_days)
    known = max(dt.date.fromisoformat(day) for day in rival.card_["fitted_on"]) + horizon
    days = candidate.examined["cutoff"].dt.tz_convert(candidate.zone).dt.date
    unseen = candidate.examined[(days >= known).to_numpy()].reset_index(drop=True)
    if len(unseen):
        return "itself", unseen, _of(rival, with_features(candidate, unseen, features), features)
    learner = fit(spec_of(rival), with_features(candidate, candidate.learning, features), features)
    rows = candidate.examined
    return "its recipe", rows, _of(learner, with_features(candidate, rows, features), features)


def _of(model: Classifier, rows: pd.DataFrame, features: Sequence[Feature]) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = model.predict_proba(rows[[f.name for f in features]])[:, 1]
    return chances


def with_features(candidate: Candidate, rows: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """`rows` with those features, too, that the champion reads and the candidate does not."""
    missing = [f for f in features if f.name not in rows]
    if not missing:
        return rows
    days = sorted(set(rows["cutoff"].dt.tz_convert(candidate.zone).dt.date))
    found = rows_at(candidate.facts, days, candidate.zone, Ask(spec_of(candidate.model), missing))
    found["cutoff"] = found["cutoff"].astype(rows["cutoff"].dtype)
    return rows.merge(found, on=KEYS, how="left", validate="one_to_one")
