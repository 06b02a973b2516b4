"""The effect of a campaign on one outcome."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_results import made_up
from winback.effects.estimate import Arms, effect
from winback.effects.lift import arms_of


def plain(treated: list[int], outcome: list[float], share: float = 0.5):
    flags = np.array(treated, dtype=bool)
    arms = Arms(flags, np.where(flags, 1 - share, share), np.arange(len(flags)), np.zeros((len(flags), 0)))
    return effect(np.array(outcome, dtype=float), arms)


def test_without_covariates_it_is_the_difference_of_means_with_welchs_error():
    found = plain([1, 1, 1, 0, 0], [4.0, 6.0, 8.0, 1.0, 3.0])
    assert found.value == pytest.approx(6.0 - 2.0)
    # By hand: residuals / (1 - 1/n), squared, over n^2: (8 / (2/3)^2) / 9 + (2 / (1/2)^2) / 4.
    assert found.error**2 == pytest.approx(8 / (2 / 3) ** 2 / 9 + 2 / (1 / 2) ** 2 / 4)
    assert (found.treated, found.held_out) == (3, 2)


def uneven(seed: int):
    """Two kinds of customers with outcomes 10 and 0, held out with different chances; no effect."""
    rng = np.random.default_rng(seed)
    kind = np.arange(1000) % 2
    held = np.where(kind, 0.5, 0.1)
    treated = rng.random(1000) >= held
    arms = Arms(treated, np.where(treated, 1 - held, held), np.arange(1000), np.zeros((1000, 0)))
    return effect(10.0 * kind, arms), (10.0 * kind)[treated].mean() - (10.0 * kind)[~treated].mean()


def test_weights_put_right_what_chances_made_uneven():
    found = [uneven(seed) for seed in range(100)]
    assert max(means for _, means in found) < -2
    values = [e.value for e, _ in found]
    assert abs(np.mean(values)) < 3 * np.std(values) / 10
    assert np.mean([e.error for e, _ in found]) == pytest.approx(np.std(values), rel=0.2)


def test_a_covariate_that_explains_the_outcome_leaves_no_error():
    rng = np.random.default_rng(1)
    known = rng.normal(size=(200, 1))
    treated = np.arange(200) % 2 == 0
    outcome = 3 * known[:, 0] + 2 * treated
    found = effect(outcome, Arms(treated, np.full(200, 0.5), np.arange(200), known))
    assert found.value == pytest.approx(2.0)
    assert found.error < 1e-9


def test_a_small_arm_takes_few_covariates():
    """Two useless columns change nothing where the arm is too small for them, and something where it is not."""
    rng = np.random.default_rng(2)
    for size, same in ((40, True), (400, False)):
        treated = np.arange(size) % 4 != 0
        outcome, known = rng.normal(size=size), rng.normal(size=(size, 2))
        share = np.where(treated, 0.75, 0.25)
        with_them = effect(outcome, Arms(treated, share, np.arange(size), known))
        without = effect(outcome, Arms(treated, share, np.arange(size), known[:, :0]))
        assert (with_them.value == without.value) is same


def test_repeated_and_constant_columns_are_taken_once():
    rows = made_up(1, 400, 0.2)
    arms = arms_of(rows, "stayed")
    doubled = Arms(
        arms.treated,
        arms.propensity,
        arms.customer,
        np.column_stack([np.ones(400), arms.covariates[:, 0], 2 * arms.covariates[:, 0], arms.covariates[:, 1:]]),
    )
    outcome = rows["stayed"].to_numpy()
    assert effect(outcome, doubled).value == pytest.approx(effect(outcome, arms).value)


def test_an_arm_in_which_all_stay_is_not_sure():
    found = plain([1] * 30 + [0] * 10, [1.0] * 25 + [0.0] * 5 + [1.0] * 10)
    assert found.value == pytest.approx(25 / 30 - 1)
    assert found.centre == pytest.approx(26 / 32 - 11 / 12)
    assert found.error > 0.08


def test_rows_of_one_customer_count_as_one():
    """Each customer ten times says no more than once."""
    rng = np.random.default_rng(5)
    treated = rng.random(100) < 0.5
    outcome = rng.normal(size=100)
    once = effect(outcome, Arms(treated, np.full(100, 0.5), np.arange(100), np.zeros((100, 0))))
    tenfold = Arms(np.repeat(treated, 10), np.full(1000, 0.5), np.repeat(np.arange(100), 10), np.zeros((1000, 0)))
    many = effect(np.repeat(outcome, 10), tenfold)
    assert many.value == pytest.approx(once.value)
    assert many.error == pytest.approx(once.error, rel=0.03)
    assert (many.treated, many.held_out) == (once.treated, once.held_out)


@pytest.mark.parametrize("treated", [[1, 1, 1], [1, 1, 0], []])
def test_an_arm_of_less_than_two_has_no_error(treated):
    found = plain(treated, [1.5] * len(treated))
    assert np.isnan(found.error)


@given(st.floats(-5, 5), st.floats(0.1, 9), st.integers(0, 9))
def test_units_do_not_matter(shift, scale, seed):
    rng = np.random.default_rng(seed)
    treated = np.arange(60) % 3 != 0
    outcome, known = rng.exponential(size=60), rng.normal(size=(60, 1))
    arms = Arms(treated, np.where(treated, 2 / 3, 1 / 3), np.arange(60), known)
    moved = Arms(treated, arms.propensity, arms.customer, known * scale + shift)
    one, other = effect(outcome, arms), effect(outcome * scale + shift, moved)
    assert other.value == pytest.approx(one.value * scale, abs=1e-9)
    assert other.error == pytest.approx(one.error * scale)
    assert other.skew == pytest.approx(one.skew, abs=1e-9)
