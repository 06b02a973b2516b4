"""OwnClassifier: a scikit-learn classifier of the user's own, calibrated as ChurnClassifier is."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from winback.errors import ConfigError, MissingExtra
from winback.risk.asking.specs import OwnEstimator, Spec
from winback.risk.scoring.estimator import (
    ChurnClassifier,
    Floats,
    Fold,
    calibration_slope,
    level,
    stratified,
    two_classes,
)

NEARLY_SURE = 1e-9
BACKGROUND_ROWS = 64
EXTRAS = ("lightgbm", "xgboost")


class OwnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """P(leaves) from another classifier's probabilities, calibrated on rows outside its fit.

    A straight line in log-odds, as in ChurnClassifier. Where the classifier cannot read unknown values,
    medians take their place. `background_` are some rows of the training, where sampled reasons start from.

    Parameters
    ----------
    estimator : classifier with predict_proba, not fitted
    calibrated : whether the slope is taken from rows outside the fit, or left at 1; the level is always set
    """

    def __init__(self, estimator: Any = None, calibrated: bool = True) -> None:
        self.estimator = estimator
        self.calibrated = calibrated

    def fit(self, X: Any, y: Any, folds: Iterable[Fold] | None = None) -> Self:
        """Fit on all rows; the calibration only on rows predicted from other rows."""
        X, y = validate_data(self, X, y, ensure_all_finite="allow-nan", dtype=np.float64)
        self.classes_, positive = two_classes(y)
        self.calibration_slope_ = 1.0
        if self.calibrated:
            later = list(folds) if folds is not None else stratified(X, positive)
            fitted = [(a, b, self._fitted(X[a], positive[a])) for a, b in later if 0 < positive[a].mean() < 1]
            self.calibration_slope_ = calibration_slope([(_log_odds(m, X[b]), positive[b]) for _, b, m in fitted])
        self.model_ = self._fitted(X, positive)
        raw = _log_odds(self.model_, X)
        self.calibration_intercept_ = level(self.calibration_slope_ * raw, float(positive.mean()))
        self.background_ = X[np.linspace(0, len(X) - 1, min(BACKGROUND_ROWS, len(X))).astype(int)]
        return self

    def decision_function(self, X: Any) -> Floats:
        """The calibrated log-odds of leaving, one a row."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        return self.calibration_intercept_ + self.calibration_slope_ * _log_odds(self.model_, X)

    def predict_proba(self, X: Any) -> Floats:
        """The chances of (staying, leaving), one pair a row."""
        leaving = expit(self.decision_function(X))
        return np.column_stack([1 - leaving, leaving])

    def predict(self, X: Any) -> NDArray[Any]:
        """The likelier class of each row."""
        leaving = self.decision_function(X) > 0
        classes: NDArray[Any] = self.classes_[leaving.astype(int)]
        return classes

    def _fitted(self, X: Floats, y: Any) -> Any:
        model = clone(self.estimator)
        if not get_tags(model).input_tags.allow_nan:
            model = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), model)
        return model.fit(X, y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


Classifier = ChurnClassifier | OwnClassifier


def new_estimator(spec: Spec) -> Classifier:
    """The spec's estimator, not fitted."""
    if spec.own_estimator is None:
        return ChurnClassifier(**asdict(spec.estimator), calibrated=spec.calibrated)
    return OwnClassifier(_imported(spec.own_estimator), spec.calibrated)


def _imported(own: OwnEstimator) -> Any:
    """The user's estimator with its parameters; ConfigError where it is none, MissingExtra where an extra brings it."""
    module, name = own.path.split(":")
    root = module.split(".")[0]
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name == root and root in EXTRAS:
            raise MissingExtra(f'{own.path} needs {root}; run: pip install "winback[{root}]"') from error
        raise ConfigError(f"own_estimator: there is no module {module!r} to import {own.path} from.") from error
    except AttributeError as error:
        raise ConfigError(f"own_estimator: the module {module!r} has no {name!r}.") from error
    try:
        model = found(**own.parameters)
    except TypeError as error:
        raise ConfigError(f"own_estimator: {own.path} does not take these parameters: {error}.") from error
    if not (hasattr(model, "fit") and hasattr(found, "predict_proba")):
        raise ConfigError(f"own_estimator: {own.path} is no classifier with fit and predict_proba.")
    return model


def _log_odds(model: Any, X: Floats) -> Floats:
    chance = np.asarray(model.predict_proba(X), dtype=np.float64)[:, 1]
    return np.asarray(logit(np.clip(chance, NEARLY_SURE, 1 - NEARLY_SURE)), dtype=np.float64)
