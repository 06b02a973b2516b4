"""What a model has to beat: the best single rule, and a logistic regression on the same features."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

RULES = {
    "days_since_last_order": 1,
    "overdue_median_ratio": 1,
    "orders_28d": -1,
    "orders_90d": -1,
}


def best_rule(rows: pd.DataFrame, churned: NDArray[np.bool_]) -> tuple[str, float]:
    """The name and AUC of the single column that ranks these customers best, its direction fixed beforehand.

    Unknown values rank as most at risk: nothing speaks for those customers' staying. Where a spec leaves
    out every column of RULES, chance is what is left to beat.
    """
    scores = {
        name: float(roc_auc_score(churned, (sign * rows[name]).fillna(np.inf).clip(upper=1e12)))
        for name, sign in RULES.items()
        if name in rows
    }
    if not scores:
        return "chance", 0.5
    name = max(scores, key=lambda rule: scores[rule])
    return name, scores[name]


def logistic() -> Pipeline:
    """A ridge logistic regression on logarithms of the features, medians in the place of unknowns."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        FunctionTransformer(signed_log),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=5000),
    )


def signed_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(1 + |x|) with the sign of x."""
    return np.sign(values) * np.log1p(np.abs(values))
