"""What a model has to beat: single rules, logistic regressions, expected purchases, and boosting out of the box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from winback.risk.examining.purchases import Past, expected_purchases, fit

Floats = NDArray[np.float64]
RULES = {
    "days_since_last_order": 1,
    "overdue_median_ratio": 1,
    "orders_28d": -1,
    "orders_90d": -1,
}
# Recency, frequency and money, of late and in all.
RFM = ("days_since_last_order", "orders_90d", "orders_total", "spend_90d", "spend_per_week")
PAST = ("orders_total", "days_since_first_order", "days_since_last_order")


def rules(rows: pd.DataFrame) -> dict[str, Floats]:
    """What each rule of RULES ranks by, its direction fixed beforehand: the highest are most at risk.

    Unknown values rank as most at risk: nothing speaks for those customers' staying.
    """
    return {
        name: (sign * rows[name]).fillna(np.inf).clip(upper=1e12).to_numpy(dtype=np.float64)
        for name, sign in RULES.items()
        if name in rows
    }


def best_rule(rows: pd.DataFrame, churned: NDArray[np.bool_]) -> tuple[str, float]:
    """The name and AUC of the single column that ranks these customers best.

    Where a spec leaves out every column of RULES, chance is what is left to beat.
    """
    scores = {name: float(roc_auc_score(churned, ranks)) for name, ranks in rules(rows).items()}
    if not scores:
        return "chance", 0.5
    name = max(scores, key=lambda rule: scores[rule])
    return name, scores[name]


def logistic(strength: float = 0.01) -> Pipeline:
    """A ridge logistic regression on logarithms of the features, medians in the place of unknowns."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        FunctionTransformer(signed_log),
        StandardScaler(),
        LogisticRegression(C=strength, max_iter=5000),
    )


def logistic_chances(learning: pd.DataFrame, examined: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """The chances of leaving that a logistic regression on these columns gives the examined rows."""
    return _chances(logistic(), learning, examined, columns)


def rfm_chances(learning: pd.DataFrame, examined: pd.DataFrame) -> Floats:
    """The same of recency, frequency and money alone: the columns of RFM that there are, hardly shrunk."""
    return _chances(logistic(1.0), learning, examined, [name for name in RFM if name in learning])


def boosted_chances(learning: pd.DataFrame, examined: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """The same of scikit-learn's gradient boosting with nothing set but the seed."""
    return _chances(HistGradientBoostingClassifier(random_state=0), learning, examined, columns)


def fewest_purchases(examined: pd.DataFrame, horizon_days: int, dropout_at_first: bool = True) -> Floats:
    """Minus the purchases that MBG/NBD (or BG/NBD) expects of each row within the horizon.

    Fitted to the cohort's past at the first examined cutoff, as known then; it needs no outcomes.
    """
    first = at_each_cutoff(examined)[0]
    habits = fit(past_of(examined.iloc[first]), dropout_at_first)
    return -expected_purchases(past_of(examined), habits, horizon_days)


def at_each_cutoff(rows: pd.DataFrame) -> list[NDArray[np.int64]]:
    """The positions of each cutoff's rows, the earliest cutoff first."""
    codes, known = pd.factorize(rows["cutoff"], sort=True)
    return [np.flatnonzero(codes == code) for code in range(len(known))]


def past_of(rows: pd.DataFrame) -> Past:
    """What the rows' customers did up to their cutoff, in days."""
    age = rows["days_since_first_order"].to_numpy(dtype=np.float64)
    since = rows["days_since_last_order"].to_numpy(dtype=np.float64)
    return Past(rows["orders_total"].to_numpy(dtype=np.float64) - 1, np.maximum(age - since, 0), age)


def signed_log(values: Floats) -> Floats:
    """log(1 + |x|) with the sign of x."""
    return np.sign(values) * np.log1p(np.abs(values))


def _chances(peer: Pipeline, learning: pd.DataFrame, examined: pd.DataFrame, columns: Sequence[str]) -> Floats:
    chance: Floats = peer.fit(learning[list(columns)], learning["churned"]).predict_proba(examined[list(columns)])[:, 1]
    return chance
