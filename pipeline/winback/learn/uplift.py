"""Whom an action changes: its effect for each customer, learned where who got it was drawn at random."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import KFold
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
LEARNERS = ("t", "x", "dr")
SMALL: dict[str, Any] = {
    "max_iter": 60,
    "learning_rate": 0.05,
    "max_leaf_nodes": 6,
    "min_samples_leaf": 200,
    "l2_regularization": 5.0,
    "random_state": 0,  # from 10,000 rows on a tenth of them says when to stop
}


class Uplift(BaseEstimator):  # type: ignore[misc]
    """The effect of treatment for each row, by a meta-learner on any scikit-learn estimators.

    `learner`: "t" (two models of the outcome, one less the other), "x" (the effects that each arm's model imputes to
    the other, averaged by propensity; Kuenzel and others, PNAS 116 (10), 2019) or "dr" (one model of doubly robust
    scores, cross-fitted; Kennedy, Electronic Journal of Statistics 17 (2), 2023). `outcome`: a classifier where it is
    0 or 1, else a regressor; `effect`: a regressor. Defaults: small boosted trees, many rows a leaf, for effects are
    small and their noise is large. `folds`: of the cross-fitting.
    """

    def __init__(
        self,
        learner: Literal["t", "x", "dr"] = "x",
        outcome: Any = None,
        effect: Any = None,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.learner = learner
        self.outcome = outcome
        self.effect = effect
        self.folds = folds
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike, treated: ArrayLike, chance: float | ArrayLike = 0.5) -> Self:
        """Learn from rows with an outcome, whether they were treated, and the chance (0..1, without ends) of it."""
        rows, outcome = validate_data(self, X, y, ensure_all_finite="allow-nan", dtype=np.float64, y_numeric=True)
        outcome, flags = outcome.astype(float), np.asarray(treated, bool)
        check_consistent_length(rows, flags)
        if self.learner not in LEARNERS:
            raise ValueError(f"learner is one of {LEARNERS}, and is {self.learner!r}")
        if flags.all() or not flags.any():
            told = f"of n_samples = {len(flags)}, {flags.sum()} were treated"
            raise ValueError(f"an effect needs rows of both arms; {told}")
        chances = np.broadcast_to(np.asarray(chance, float), outcome.shape)
        self.models_ = [self._fitted(rows[arm], outcome[arm]) for arm in (~flags, flags)]
        if self.learner == "x":
            left, got = (expected(model, rows) for model in self.models_)
            imputed = np.where(flags, outcome - left, got - outcome)
            self.effects_ = [self._effect().fit(rows[arm], imputed[arm]) for arm in (~flags, flags)]
            self.chance_ = float(chances.mean())
        if self.learner == "dr":
            scores = self._scores(rows, outcome, flags, chances)
            self.effects_ = [self._effect().fit(rows, scores)]
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """The expected outcome with the action less that without, one a row."""
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)
        if self.learner == "t":
            return expected(self.models_[1], rows) - expected(self.models_[0], rows)
        found = [np.asarray(model.predict(rows), float) for model in self.effects_]
        if self.learner == "x":
            return np.asarray(self.chance_ * found[0] + (1 - self.chance_) * found[1])
        return found[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        given = [model for model in (self.outcome, self.effect) if model is not None]
        tags.input_tags.allow_nan = all(get_tags(model).input_tags.allow_nan for model in given)
        tags.target_tags.required = True
        return tags

    def _effect(self) -> Any:
        return clone(self.effect) if self.effect is not None else HistGradientBoostingRegressor(**SMALL)

    def _fitted(self, rows: Floats, outcome: Floats) -> Any:
        if self.outcome is not None:
            model = clone(self.outcome)
        else:
            kind = HistGradientBoostingClassifier if is_binary(outcome) else HistGradientBoostingRegressor
            model = kind(**SMALL)
        return model.fit(rows, outcome.astype(int) if is_binary(outcome) else outcome)

    def _scores(self, rows: Floats, outcome: Floats, flags: Flags, chances: Floats) -> Floats:
        """Doubly robust scores whose mean over any rows is their effect; models of the outcome never saw their row."""
        found = np.zeros(len(outcome))
        for seen, new in KFold(self.folds, shuffle=True, random_state=self.seed).split(rows):
            means = [
                expected(self._fitted(rows[seen][arm], outcome[seen][arm]), rows[new])
                for arm in (~flags[seen], flags[seen])
            ]
            found[new] = dr_scores(outcome[new], flags[new], chances[new], (means[0], means[1]))
        return found


def dr_scores(outcome: Floats, treated: Flags, chance: Floats, means: tuple[Floats, Floats]) -> Floats:
    """m1 - m0 + T (y - m1) / e - (1 - T) (y - m0) / (1 - e), one a row (Robins, Rotnitzky and Zhao 1994)."""
    left, got = means
    return np.asarray(
        got - left + treated * (outcome - got) / chance - ~treated * (outcome - left) / (1 - chance), dtype=float
    )


def expected(model: Any, rows: Floats) -> Floats:
    """The mean outcome that a classifier of 0 and 1, or a regressor, expects of each row."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows)[:, -1], float)
    return np.asarray(model.predict(rows), float)


def is_binary(outcome: Floats) -> bool:
    """Whether an outcome is 0 and 1 only, and both."""
    return set(np.unique(outcome).tolist()) == {0.0, 1.0}
