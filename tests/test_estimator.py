"""ChurnClassifier: scikit-learn's own conformance, equal bits, unknown values, and the calibration."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_info, threadpool_limits

from winback.errors import NotEnoughData
from winback.risk.scoring.estimator import ChurnClassifier, calibration_slope, level

NAN = np.nan
SMALL = ChurnClassifier(n_models=2, max_iter=20, min_samples_leaf=2, max_features=1.0, l2_regularization=0.0)


@parametrize_with_checks([SMALL])
def test_scikit_learn_can_use_it(estimator: ChurnClassifier, check) -> None:
    check(estimator)


def people(rows: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Three features, the first of which matters, some values unknown; and who left."""
    rng = np.random.default_rng(seed)
    since = rng.gamma(2, 10, rows)
    X = pd.DataFrame({"since": since, "orders": rng.poisson(3, rows), "basket": rng.normal(40, 9, rows)})
    left = rng.random(rows) < expit((since - 20) / 8)
    return X.mask(rng.random(X.shape) < 0.1), left


def model(**changed: object) -> ChurnClassifier:
    """A small estimator, quick to fit."""
    return ChurnClassifier(**{"n_models": 2, "max_iter": 15, "min_samples_leaf": 10, "max_features": 0.5} | changed)


def test_the_same_rows_give_the_same_bits() -> None:
    X, y = people()
    first, again = model().fit(X, y), model().fit(X.copy(), y.copy())
    assert first.predict_proba(X).tobytes() == again.predict_proba(X).tobytes()
    assert first.calibration_slope_ == again.calibration_slope_
    assert first.calibration_intercept_ == again.calibration_intercept_


def test_the_number_of_threads_changes_no_bit() -> None:
    """Enough rows that scikit-learn does share the work between threads."""
    X, y = people(3000)
    fitted = {}
    for threads in (1, 2):
        with threadpool_limits(threads):
            pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]
            assert set(pools) == {threads}
            fitted[threads] = model().fit(X, y).predict_proba(X)
    assert fitted[1].tobytes() == fitted[2].tobytes()


def test_another_seed_gives_another_model() -> None:
    X, y = people()
    assert not np.array_equal(model().fit(X, y).predict_proba(X), model(random_state=1).fit(X, y).predict_proba(X))


def test_the_models_are_those_of_consecutive_seeds() -> None:
    """Two seeds from 3 are seeds 3 and 4: the mean of the two one-seed models, before calibration."""
    X, y = people()
    both, third, fourth = (model(n_models=n, random_state=seed).fit(X, y) for n, seed in ((2, 3), (1, 3), (1, 4)))
    raw = [(m.decision_function(X) - m.calibration_intercept_) / m.calibration_slope_ for m in (both, third, fourth)]
    np.testing.assert_allclose(raw[0], (raw[1] + raw[2]) / 2, atol=1e-12)


def test_the_level_is_the_share_of_leavers() -> None:
    X, y = people()
    assert model().fit(X, y).predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=1e-9)


def test_a_column_that_was_never_known_changes_nothing() -> None:
    """Wherever it stands; and when it is known later it still says nothing."""
    X, y = people()
    plain = model(max_features=1.0).fit(X, y)
    for place in (0, 1, 3):
        wider = X.copy()
        wider.insert(place, "empty", NAN)
        fitted = model(max_features=1.0).fit(wider, y)
        assert fitted.n_features_in_ == 4
        assert fitted.columns_.tolist() == [k for k in range(4) if k != place]
        assert fitted.predict_proba(wider).tobytes() == plain.predict_proba(X).tobytes()
        assert fitted.predict_proba(wider.assign(empty=1.0)).tobytes() == plain.predict_proba(X).tobytes()


def test_a_column_unknown_in_the_rows_of_one_fold_is_no_fault() -> None:
    X, y = people()
    X.loc[:199, "basket"] = NAN
    folds = [(np.arange(200), np.arange(200, 400))]
    fitted = model().fit(X, y, folds)
    assert fitted.columns_.tolist() == [0, 1, 2]
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_a_row_of_which_nothing_is_known_gets_a_chance() -> None:
    X, y = people()
    chance = model().fit(X, y).predict_proba(X.iloc[:1] * NAN)
    assert 0 < chance[0, 1] < 1
    assert chance[0].sum() == 1


def test_an_infinite_value_is_refused() -> None:
    X, y = people()
    fitted = model().fit(X, y)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        fitted.predict_proba(X.replace(X.iloc[0, 0], np.inf))


def test_columns_in_another_order_are_refused() -> None:
    X, y = people()
    fitted = model().fit(X, y)
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.predict_proba(X[X.columns[::-1]])


@pytest.mark.parametrize(
    ("classes", "leaver"), [((False, True), True), ((0, 1), 1), ((-1, 1), 1), (("left", "stayed"), "stayed")]
)
def test_the_second_class_is_the_one_predicted(classes: tuple, leaver: object) -> None:
    X, y = people()
    fitted = model().fit(X, np.array(classes)[y.astype(int)])
    assert fitted.classes_.tolist() == list(classes)
    likely = fitted.predict_proba(X)[:, 1] > 0.5
    assert 0 < likely.sum() < len(X)
    assert (fitted.predict(X) == leaver).tolist() == likely.tolist()


@pytest.mark.parametrize(("y", "count"), [([1, 1, 1, 1], 1), ([0, 0, 0, 0], 1), ([0, 1, 2, 1], 3)])
def test_other_than_two_classes_are_refused(y: list[int], count: int) -> None:
    with pytest.raises(ValueError, match="Only binary") as refused:
        SMALL.fit(np.arange(4.0)[:, None], y)
    assert str(refused.value) == f"Only binary classification is supported; the target has {count} class(es)"


def test_one_row_of_a_class_is_too_few() -> None:
    with pytest.raises(NotEnoughData) as refused:
        SMALL.fit(np.arange(4.0)[:, None], [0, 0, 0, 1])
    assert str(refused.value) == "each class needs at least two rows, to calibrate on rows outside the fit."


@settings(max_examples=50)
@given(st.lists(st.floats(-300, 300), min_size=1, max_size=20), st.floats(0.001, 0.999))
def test_level_makes_the_mean_what_it_should_be(log_odds: list[float], share: float) -> None:
    z = np.array(log_odds)
    assert expit(z + level(z, share)).mean() == pytest.approx(share, abs=1e-9)


def test_level_of_known_numbers() -> None:
    """Two rows two apart are at one half in their middle; equal rows are at the share."""
    assert level(np.array([1.0, 3.0]), 0.5) == pytest.approx(-2, abs=1e-9)
    assert level(np.array([5.0, 5.0, 5.0]), 0.25) == pytest.approx(logit(0.25) - 5, abs=1e-9)


def outcomes(z: np.ndarray) -> np.ndarray:
    """Rows that left: of a run of rows with equal log-odds, the very share that they promise."""
    left = np.zeros(len(z), dtype=np.int64)
    for value in np.unique(z):
        rows = np.flatnonzero(z == value)
        left[rows[: round(float(expit(value)) * len(rows))]] = 1
    return left


STEPS = np.repeat(np.linspace(-3, 3, 13), 400)


def test_calibrated_predictions_are_left_exactly_as_they_are() -> None:
    assert calibration_slope([(STEPS, outcomes(STEPS))]) == 1.0


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_a_planted_slope_is_found(slope: float) -> None:
    """Predictions twice as sure as they should be, and half as sure."""
    assert calibration_slope([(STEPS, outcomes(slope * STEPS))]) == pytest.approx(slope, abs=0.01)


def test_the_slope_does_not_depend_on_the_levels_of_the_folds() -> None:
    """Two months, one with many leavers, one with few: each keeps its own level."""
    slope = calibration_slope([(STEPS - 2, outcomes(0.5 * STEPS)), (STEPS + 3, outcomes(0.5 * STEPS + 1))])
    assert slope == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("rows", "corrected"), [(20, False), (400, True)])
def test_a_slope_is_only_corrected_where_the_rows_ask_for_it(rows: int, corrected: bool) -> None:
    """A slope of 0.8 seen on few rows may be chance; on many it is not."""
    z = np.repeat(np.linspace(-3, 3, 13), rows)
    assert (calibration_slope([(z, outcomes(0.8 * z))]) != 1.0) == corrected


def test_the_correction_is_asked_for_at_five_percent() -> None:
    """Of many months of calibrated predictions about one in twenty is corrected, by chance."""
    rng = np.random.default_rng(1)
    z = rng.normal(-1, 1.5, (400, 300))
    corrected = [calibration_slope([(row, (rng.random(300) < expit(row)).astype(np.int64))]) != 1.0 for row in z]
    assert 0.02 < np.mean(corrected) < 0.09


def test_a_fold_with_one_outcome_says_nothing() -> None:
    """And is not in the way of one with both."""
    useless = (STEPS, np.zeros(len(STEPS), dtype=np.int64))
    both = (STEPS, outcomes(0.5 * STEPS))
    assert calibration_slope([useless, both, (STEPS, 1 - useless[1])]) == calibration_slope([both])


@pytest.mark.parametrize("folds", [[], [(STEPS, np.zeros(len(STEPS), dtype=np.int64))]])
def test_no_fold_with_both_outcomes_is_refused(folds: list) -> None:
    with pytest.raises(NotEnoughData) as refused:
        calibration_slope(folds)
    assert str(refused.value) == "no fold holds both people who left and people who stayed; calibration needs both."


@pytest.mark.parametrize("slope", [0.0, -1.0, 0.04])
def test_predictions_that_do_not_rank_are_worth_nothing(slope: float) -> None:
    assert calibration_slope([(STEPS, outcomes(slope * STEPS)), (STEPS, outcomes(slope * STEPS))]) == 0.0


def test_where_nothing_ranks_everybody_gets_the_share_of_leavers() -> None:
    """Outcomes that later turn round: what was learned before says nothing of them."""
    X, y = people()
    turned = np.where(np.arange(len(y)) < 200, y, ~y)
    fitted = model().fit(X, turned, [(np.arange(200), np.arange(200, 400))])
    assert fitted.calibration_slope_ == 0.0
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], turned.mean())


def test_the_calibration_is_of_the_folds_that_are_given() -> None:
    """Later rows whose outcomes are drawn by lot need a flatter line than rows like the past."""
    X, y = people(1200)
    rng = np.random.default_rng(3)
    mixed = y.copy()
    lot = np.arange(600, 1200)[rng.random(600) < 0.6]
    mixed[lot] = rng.random(len(lot)) < y.mean()
    forward = [(np.arange(600), np.arange(600, 1200))]
    steady, shaken = (model(max_iter=60).fit(X, target, iter(forward)) for target in (y, mixed))
    assert shaken.calibration_slope_ < 0.7 < steady.calibration_slope_


def test_a_fold_whose_past_has_one_outcome_says_nothing() -> None:
    """The first weeks of a shop, in which nobody left, are no past to predict from."""
    X, y = people()
    nobody = np.flatnonzero(~y)[:50]
    real = (np.arange(200), np.arange(200, 400))
    with_it, without = (model().fit(X, y, folds) for folds in ([(nobody, real[1]), real], [real]))
    assert with_it.calibration_slope_ == without.calibration_slope_
    with pytest.raises(NotEnoughData) as refused:
        model().fit(X, y, [(nobody, real[1])])
    assert str(refused.value) == "no fold holds both people who left and people who stayed; calibration needs both."
