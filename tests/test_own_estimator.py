"""A user's own estimator: found, calibrated, explained; and what is said of one that is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from winback.errors import ConfigError, MissingExtra
from winback.risk.asking.specs import OwnEstimator, Spec
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.own_estimator import OwnClassifier, new_estimator
from winback.risk.scoring.reasons import feature_log_odds
from winback.risk.scoring.sampled_shapley import sampled_shapley


def made_up(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Three columns, some values unknown, and who left: by a and b, never by c."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    left = rng.random(rows) < expit(1.5 * X["a"] - X["b"])
    return X.mask(rng.random(X.shape) < 0.05), left.to_numpy()


def spec(path: str, **parameters: object) -> Spec:
    return Spec("s", 28, own_estimator=OwnEstimator(path, parameters))


@parametrize_with_checks(
    [OwnClassifier(LogisticRegression()), OwnClassifier(RandomForestClassifier(5, random_state=0), calibrated=False)],
)
def test_scikit_learn_can_use_it(estimator: OwnClassifier, check) -> None:
    check(estimator)


def test_the_shipped_estimator_is_used_where_no_own_one_is_named() -> None:
    assert isinstance(new_estimator(Spec("s", 28)), ChurnClassifier)
    assert new_estimator(Spec("s", 28, calibrated=False)).calibrated is False


def test_an_own_estimator_has_its_parameters_and_is_calibrated() -> None:
    X, left = made_up(3000, 0)
    model = new_estimator(spec("sklearn.linear_model:LogisticRegression", C=0.5)).fit(X, left)
    assert model.estimator.C == 0.5
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(left.mean(), abs=1e-9)
    later, came = made_up(3000, 1)
    assert abs(model.predict_proba(later)[:, 1].mean() - came.mean()) < 0.03


def test_an_overconfident_estimator_is_taken_back() -> None:
    """Deep trees are too sure of themselves; the slope from rows outside the fit is well below 1."""
    X, left = made_up(1500, 0)
    model = new_estimator(spec("sklearn.ensemble:RandomForestClassifier", n_estimators=20, random_state=0)).fit(X, left)
    assert model.calibration_slope_ < 0.6


def test_the_sampled_reasons_of_a_linear_model_are_its_terms() -> None:
    """On a linear model the definition gives coefficient times distance from the background's mean."""
    rng = np.random.default_rng(0)
    X, background, weights = rng.normal(size=(50, 4)), rng.normal(size=(64, 4)), np.array([1.0, -2.0, 0.5, 0.0])
    found = sampled_shapley(lambda rows: rows @ weights, X, background)
    exact = weights * (X - background.mean(axis=0))
    assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.9
    np.testing.assert_allclose(found.sum(axis=1), X @ weights - (background @ weights).mean())
    assert (found[:, 3] == 0).all()
    np.testing.assert_array_equal(found, sampled_shapley(lambda rows: rows @ weights, X, background))


def test_reasons_of_an_own_estimator_add_up_to_its_log_odds() -> None:
    X, left = made_up(800, 0)
    model = new_estimator(spec("sklearn.linear_model:LogisticRegression")).fit(X, left)
    shares = feature_log_odds(model, X[:40])
    whole = model.decision_function(X[:40]) - shares.sum(axis=1)
    assert whole.max() - whole.min() < 1e-9
    assert list(shares) == ["a", "b", "c"]


@pytest.mark.parametrize("library", ["lightgbm:LGBMClassifier", "xgboost:XGBClassifier"])
def test_reasons_of_boosted_trees_of_other_libraries_are_exact(library: str) -> None:
    pytest.importorskip(library.split(":", maxsplit=1)[0])
    X, left = made_up(2000, 0)
    quiet = {"verbose": -1} if "lightgbm" in library else {"base_score": 0.5}
    model = new_estimator(spec(library, n_estimators=20, max_depth=3, **quiet)).fit(X, left)
    shares = feature_log_odds(model, X)
    whole = model.decision_function(X) - shares.sum(axis=1)
    assert whole.max() - whole.min() < 1e-4
    assert shares["a"].abs().mean() > shares["b"].abs().mean() > shares["c"].abs().mean()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("no_such_module:Thing", "there is no module 'no_such_module' to import no_such_module:Thing from."),
        ("sklearn.linear_model:Nothing", "the module 'sklearn.linear_model' has no 'Nothing'."),
        ("sklearn.svm:LinearSVC", "sklearn.svm:LinearSVC is no classifier with fit and predict_proba."),
    ],
)
def test_what_is_no_estimator(path: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        new_estimator(spec(path))
    assert str(caught.value) == f"own_estimator: {text}"


def test_a_parameter_that_it_does_not_take() -> None:
    with pytest.raises(
        ConfigError, match=r"^own_estimator: sklearn.linear_model:LogisticRegression does not take these"
    ):
        new_estimator(spec("sklearn.linear_model:LogisticRegression", depth=3))


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("winback.risk.scoring.own_estimator.importlib.import_module", gone)
    with pytest.raises(MissingExtra) as caught:
        new_estimator(spec("lightgbm:LGBMClassifier"))
    assert str(caught.value) == 'lightgbm:LGBMClassifier needs lightgbm; run: pip install "winback[lightgbm]"'
