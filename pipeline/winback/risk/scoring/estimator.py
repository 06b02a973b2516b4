"""ChurnClassifier: bagged gradient boosting whose probabilities are calibrated on rows it had not seen."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Self

# Waiting threads that spin cost three times the wall time when another process holds a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from winback.errors import NotEnoughData
from winback.risk.scoring.tree_tables import predictions, small_enough, tree_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Fold = tuple[Ints, Ints]
CHI2_95 = 3.841458820694124
LEAST_SLOPE = 0.05
ROWS_FOR_TABLES = 20_000  # making the tables costs as much as walking the trees for some thousand rows


class ChurnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """P(leaves) from the mean log-odds of `n_models` boosted tree ensembles, then calibrated.

    Calibration is a straight line in log-odds (Platt 1999). Its slope comes from predictions for rows
    outside the fit: `folds` given to `fit` (for churn: earlier cutoffs predict later ones), else five
    stratified folds; see `calibration_slope`. Its level is the share of leavers in all the rows.
    NaN means unknown and is allowed; a column never known in training is left out. Equal rows in
    equal order give equal bits on any number of threads.

    Parameters
    ----------
    n_models : seeds averaged (n_models >= 1); a handful removes most of the luck of one seed
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf, l2_regularization, max_features :
        as in scikit-learn's HistGradientBoostingClassifier; small regularised trees by default
    random_state : first seed
    calibrated : whether the slope is taken from rows outside the fit, or left at 1; the level is always set
    """

    def __init__(
        self,
        n_models: int = 5,
        learning_rate: float = 0.05,
        max_iter: int = 120,
        max_leaf_nodes: int = 6,
        min_samples_leaf: int = 60,
        l2_regularization: float = 10.0,
        max_features: float = 0.1,
        random_state: int = 0,
        calibrated: bool = True,
    ) -> None:
        self.n_models = n_models
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.random_state = random_state
        self.calibrated = calibrated

    def fit(self, X: Any, y: Any, folds: Iterable[Fold] | None = None) -> Self:
        """Fit on all rows; the calibration only on rows predicted from other rows."""
        X, y = validate_data(self, X, y, ensure_all_finite="allow-nan", dtype=np.float64)
        self.classes_, positive = two_classes(y)
        folds = list(folds) if folds is not None else stratified(X, positive)
        self.calibration_slope_ = self._spread(X, positive, folds) if self.calibrated else 1.0
        self.columns_, self.models_ = self._boost(X, positive)
        self.n_iter_ = self.max_iter
        raw = _mean_log_odds(self.models_, X[:, self.columns_])
        self.calibration_intercept_ = level(self.calibration_slope_ * raw, float(positive.mean()))
        return self

    def decision_function(self, X: Any) -> Floats:
        """The calibrated log-odds of leaving, one a row."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        raw = _mean_log_odds(self.models_, X[:, self.columns_])
        return self.calibration_intercept_ + self.calibration_slope_ * raw

    def predict_proba(self, X: Any) -> Floats:
        """The chances of (staying, leaving), one pair a row."""
        leaving = expit(self.decision_function(X))
        return np.column_stack([1 - leaving, leaving])

    def predict(self, X: Any) -> NDArray[Any]:
        """The likelier class of each row."""
        leaving = self.decision_function(X) > 0
        classes: NDArray[Any] = self.classes_[leaving.astype(int)]
        return classes

    def _boost(self, X: Floats, y: Ints) -> tuple[Ints, list[HistGradientBoostingClassifier]]:
        """The columns that were ever known, and one ensemble a seed fitted on them."""
        columns = np.flatnonzero(np.isfinite(X).any(axis=0))
        models = [
            HistGradientBoostingClassifier(
                learning_rate=self.learning_rate,
                max_iter=self.max_iter,
                max_leaf_nodes=self.max_leaf_nodes,
                min_samples_leaf=self.min_samples_leaf,
                l2_regularization=self.l2_regularization,
                max_features=self.max_features,
                early_stopping=False,
                random_state=self.random_state + seed,
            ).fit(X[:, columns], y)
            for seed in range(self.n_models)
        ]
        return columns, models

    def _spread(self, X: Floats, y: Ints, folds: list[Fold]) -> float:
        """The slope that calibrates rows predicted by ensembles that had not seen them.

        A fold whose own past holds one outcome only, as the first weeks of a shop may, teaches nothing.
        """
        predicted = []
        for train, later in folds:
            if not 0 < y[train].mean() < 1:
                continue
            columns, models = self._boost(X[train], y[train])
            predicted.append((_mean_log_odds(models, X[later][:, columns]), y[later]))
        return calibration_slope(predicted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def two_classes(y: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """The two classes of a target, sorted, and which of them each row is of; ValueError for more or fewer."""
    check_classification_targets(y)
    classes, positive = np.unique(y, return_inverse=True)
    if len(classes) != 2:
        raise ValueError(f"Only binary classification is supported; the target has {len(classes)} class(es)")
    return classes, positive


def calibration_slope(predicted: list[tuple[Floats, Ints]]) -> float:
    """The factor on log-odds that fits outcomes best, or 1.0 where the outcomes do not ask for one.

    `predicted` holds (log-odds, outcome 0/1) of each fold. Every fold keeps a level of its own, for
    months differ and the next one's level is not in the data. Likelihood-ratio test at 5 % against a
    slope of 1, after the closed testing procedure of Vergouwe et al. (Statistics in Medicine, 2017):
    a correction that is not called for costs more than it mends. Predictions that do not rank the later rows at
    all (a slope below LEAST_SLOPE) are worth nothing: 0.0, and everybody gets the share of leavers.
    """
    used = [(z, y) for z, y in predicted if 0 < y.mean() < 1]
    if not used:
        raise NotEnoughData("no fold holds both people who left and people who stayed; calibration needs both.")
    slope = float(minimize_scalar(_deviance, bounds=(0.0, 5.0), args=(used,), method="bounded").x)
    if slope < LEAST_SLOPE:
        return 0.0
    return slope if _deviance(1.0, used) - _deviance(slope, used) > CHI2_95 else 1.0


def level(log_odds: Floats, share: float) -> float:
    """The number that, added to the log-odds, makes the mean probability equal `share` (0 < share < 1)."""
    middle = logit(share)  # at one end every probability is below the share, at the other above
    ends = middle - float(log_odds.max()) - 1, middle - float(log_odds.min()) + 1
    return float(brentq(lambda shift: expit(log_odds + shift).mean() - share, *ends, xtol=1e-12))


def _deviance(slope: float, predicted: list[tuple[Floats, Ints]]) -> float:
    """-2 log likelihood at a slope, each fold at its own best level."""
    total = 0.0
    for log_odds, outcome in predicted:
        z = slope * log_odds
        z = z + level(z, float(outcome.mean()))
        total += 2 * float(np.logaddexp(0, z).sum() - (z * outcome).sum())
    return total


def stratified(X: Floats, y: Ints) -> list[Fold]:
    """Five folds of rows drawn by lot, each with its share of either class."""
    folds = min(5, int(np.bincount(y).min()))
    if folds < 2:
        raise NotEnoughData("each class needs at least two rows, to calibrate on rows outside the fit.")
    return list(StratifiedKFold(folds, shuffle=True, random_state=0).split(X, y))


def _mean_log_odds(models: list[HistGradientBoostingClassifier], X: Floats) -> Floats:
    total: Floats = np.mean([_log_odds(m, X) for m in models], axis=0)
    return total


def _log_odds(model: HistGradientBoostingClassifier, X: Floats) -> Floats:
    """`model.decision_function(X)`, for many rows from tables of its trees: the same bits in less time."""
    nodes = nodes_of(model)
    if len(X) < ROWS_FOR_TABLES or not small_enough(nodes):
        return np.asarray(model.decision_function(X), dtype=np.float64)
    return predictions([tree_table(n) for n in nodes], float(model._baseline_prediction.item()), X)  # noqa: SLF001


def nodes_of(model: HistGradientBoostingClassifier) -> list[NDArray[Any]]:
    """The table of nodes of each of an ensemble's trees, in order."""
    return [predictors[0].nodes for predictors in model._predictors]  # noqa: SLF001
