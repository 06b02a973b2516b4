"""Every class of the package that learns is a scikit-learn estimator by scikit-learn's own checks."""

from __future__ import annotations

import ast
from typing import Self

import numpy as np
import pytest
from numpy.typing import ArrayLike
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from test_layers import MODULES
from winback.learn.uplift import Uplift

# Class -> the test module that puts it through the checks.
CHECKED = {
    "ChurnClassifier": "test_estimator",
    "OwnClassifier": "test_own_estimator",
    "QuantileCodes": "test_quantile_codes",
    "Uplift": "test_conformance",
}


class EverySecond(Uplift):
    """Uplift where every second row was treated: the checks know only `fit(X, y)`."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        return super().fit(X, y, np.arange(len(X)) % 2 == 0)


@parametrize_with_checks(
    [
        EverySecond("t"),
        EverySecond("x", LinearRegression(), LinearRegression()),
        EverySecond("dr", LinearRegression(), LinearRegression(), folds=2),
    ]
)
def test_scikit_learn_can_use_uplift(estimator: Uplift, check) -> None:
    check(estimator)


def test_every_class_that_learns_is_checked(texts: dict[str, str]) -> None:
    """Its name stands in the test module's checks."""
    found = {
        node.name
        for tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(part, ast.FunctionDef) and part.name == "fit" for part in node.body)
    }
    assert found == set(CHECKED)
    for name, module in CHECKED.items():
        assert name in texts[f"tests/{module}.py"]
        assert "parametrize_with_checks" in texts[f"tests/{module}.py"]


@pytest.mark.parametrize("treated", [[True] * 4, [False] * 4])
def test_one_arm_alone_is_refused(treated: list[bool]) -> None:
    with pytest.raises(ValueError, match=f"rows of both arms; of n_samples = 4, {sum(treated)} were treated"):
        Uplift("t", LogisticRegression()).fit(np.zeros((4, 1)), [0, 1, 0, 1], treated)


def test_arms_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        Uplift("t", LogisticRegression()).fit(np.zeros((4, 1)), [0, 1, 0, 1], [True, False])
