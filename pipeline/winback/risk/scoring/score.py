"""The chance to leave of each customer of the cohort."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from winback.errors import FeatureMismatch
from winback.facts.features.declared import Feature
from winback.risk.scoring.own_estimator import Classifier


def score(
    model: Classifier, rows: pd.DataFrame, features: Sequence[Feature], at_risk_probability: float
) -> pd.DataFrame:
    """One row a customer: customer_id, cutoff, probability (0..1), at_risk (probability >= the threshold).

    `rows` holds the model's features in any order; a missing one is a FeatureMismatch, never a zero.
    """
    names = [f.name for f in features]
    if missing := [name for name in names if name not in rows]:
        raise FeatureMismatch(
            f"the model reads {len(missing)} features that these rows lack (first: {missing[:5]}); is a source that "
            "it was trained on no longer configured?"
        )
    probability = model.predict_proba(rows[names])[:, 1]
    if not np.isfinite(probability).all():
        lost = rows["customer_id"][~np.isfinite(probability)]
        raise FeatureMismatch(f"{len(lost)} customers got no probability (first: {list(lost[:5])}).")
    keys = rows[["customer_id", "cutoff"]].reset_index(drop=True)
    return keys.assign(probability=probability, at_risk=probability >= at_risk_probability)
