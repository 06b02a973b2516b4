"""A challenger beside the champion: scored every night on the same customers, published nowhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import spearmanr

from winback.facts.features.declared import Feature
from winback.risk.asking.dataset import Ask, rows_at
from winback.risk.asking.questions import KEYS
from winback.risk.asking.specs import spec_of
from winback.risk.keeping import registry
from winback.risk.keeping.champions import features_of
from winback.risk.keeping.promotions import Version
from winback.risk.scoring.own_estimator import Classifier
from winback.risk.scoring.score import score


@dataclass(frozen=True)
class Night:
    """What a night scores on: the facts, the day in its zone, the features at hand, who counts as at risk, and
    the types that an own estimator may be made of."""

    facts: Path
    zone: str
    today: dt.date
    offered: Sequence[Feature]
    at_risk_probability: float
    trusted: tuple[str, ...] = ()


def shadow(state: Path, version: Version, night: Night, champions: pd.DataFrame) -> pd.DataFrame:
    """The challenger's scores of the champion's customers: the same columns, in the same order of customers.

    ModelRefused or FeatureMismatch where it cannot be asked.
    """
    model: Classifier = registry.load_version(state, version, night.trusted)
    features = features_of(model, night.offered)
    rows = rows_at(night.facts, [night.today], night.zone, Ask(spec_of(model), features))
    rows = champions[["customer_id"]].merge(rows, on="customer_id", validate="one_to_one")
    scores = score(model, rows, features, night.at_risk_probability)
    return scores.assign(stage=champions["stage"].to_numpy(), model_version=str(version.version))


def agreement(champions: pd.DataFrame, challengers: pd.DataFrame) -> dict[str, Any]:
    """How far two score tables agree on the customers of both.

    rank_correlation: Spearman's; mean_difference: challenger minus champion; flags_differ: the share of
    customers whom only one of the two calls at risk.
    """
    both = champions.merge(challengers, on=KEYS, suffixes=("", "_challenger"), validate="one_to_one")
    ours, theirs = both["probability"], both["probability_challenger"]
    ranked = len(both) > 1 and ours.min() < ours.max() and theirs.min() < theirs.max()
    return {
        "customers": len(both),
        "rank_correlation": float(spearmanr(ours, theirs).statistic) if ranked else None,
        "mean_difference": float((theirs - ours).mean()) if len(both) else None,
        "flags_differ": float((both["at_risk"] != both["at_risk_challenger"]).mean()) if len(both) else None,
    }
