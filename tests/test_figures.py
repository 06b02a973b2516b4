"""Each figure of a ranking by hand, against another implementation, and as it has to behave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit
from sklearn import metrics

from winback.risk.examining import figures
from winback.risk.examining.ranked import Ranked, ranked

FIVE = (np.array([True, False, True, False, False]), np.array([0.9, 0.6, 0.5, 0.2, 0.1]))
TEN = (np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 1], dtype=bool), np.linspace(0.9, 0.1, 10))
TIED = (np.array([True, False, True, False]), np.array([0.8, 0.5, 0.5, 0.2]))
ALL = {
    "auc": figures.auc,
    "average_precision": figures.average_precision,
    "log_loss": figures.log_loss,
    "brier": figures.brier,
    "mean_predicted": figures.mean_predicted,
    "calibration_slope": figures.calibration_slope,
    "calibration_intercept": figures.calibration_intercept,
    "calibration_error": figures.calibration_error,
    "lift_quality": figures.lift_quality,
    "lift": lambda counts: figures.lift(counts, 0.1),
}
OF_THE_ORDER = ("auc", "average_precision", "lift_quality", "lift")


def told(name: str, churned: np.ndarray, chance: np.ndarray) -> float:
    """A figure of one sample."""
    return float(ALL[name](ranked(churned, chance))[0])


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of both kinds and chances, many of them equal."""
    size = draw(st.integers(2, 40))
    hundredths = draw(st.lists(st.integers(1, 99), min_size=size, max_size=size))
    left = draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(lambda all_: 0 < sum(all_) < size))
    return np.array(left), np.array(hundredths) / 100


@pytest.mark.parametrize(
    ("name", "sample", "expected"),
    [
        # Of 6 pairs of one who left and one who stayed 5 are in order; of 4, three and one tie.
        ("auc", FIVE, 5 / 6),
        ("auc", TIED, 3.5 / 4),
        # Precision where the first and the second are found: 1/1 and 2/3; with the tie 1/1 and 2/3.
        ("average_precision", FIVE, (1 + 2 / 3) / 2),
        ("average_precision", TIED, (1 + 2 / 3) / 2),
        ("log_loss", FIVE, -np.log([0.9, 0.4, 0.5, 0.8, 0.9]).mean()),
        ("brier", FIVE, (0.1**2 + 0.6**2 + 0.5**2 + 0.2**2 + 0.1**2) / 5),
        ("mean_predicted", FIVE, 0.46),
        # Each customer is a bin: |1 - 0.9|, |0 - 0.6|, ...
        ("calibration_error", FIVE, (0.1 + 0.6 + 0.5 + 0.2 + 0.1) / 5),
        # The two of equal chance share a bin, of which half left as predicted.
        ("calibration_error", TIED, (0.2 + 0.0 + 0.2) / 4),
        # Lift at 1 ... 5 customers: 1/1, 1/2, 2/3, 2/4, 2/5 of the rate 2/5; at best 1, 1, 2/3, 2/4, 2/5.
        ("lift_quality", FIVE, 100 * ((1 + 1 / 2 + 2 / 3 + 0.9) / 2 - 1) / ((2 + 2 / 3 + 0.9) / 2 - 1)),
        # The second and third found half a leaver each: 1, 1.5/2, 2/3, 2/4 against 1, 1, 2/3, 2/4.
        ("lift_quality", TIED, 100 * ((1 + 0.75 + 2 / 3 + 0.5) / 2 - 1) / ((2 + 2 / 3 + 0.5) / 2 - 1)),
    ],
)
def test_figure_by_hand(name: str, sample: tuple[np.ndarray, np.ndarray], expected: float) -> None:
    assert told(name, *sample) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.1, 2.5), (0.2, 2.5), (0.3, 2.5 * 2 / 3), (0.5, 2.5 * 3 / 5), (1.0, 1.0), (0.0, 2.5), (0.04, 2.5)],
)
def test_lift(share: float, expected: float) -> None:
    """Ten customers, four left, in the model's order: left, left, stayed, left, ... , left last."""
    assert figures.lift(ranked(*TEN), share)[0] == pytest.approx(expected)


@pytest.mark.parametrize(("wanted", "found"), [(0, 0), (1, 1), (2, 1.5), (3, 2), (4, 2)])
def test_caught_counts_ties_in_part(wanted: int, found: float) -> None:
    assert figures.caught(ranked(*TIED), np.array([float(wanted)]))[0] == found


@pytest.mark.parametrize(
    ("name", "best"), [("auc", 1), ("average_precision", 1), ("lift_quality", 100), ("lift", 10 / 3)]
)
def test_a_perfect_order_and_the_one_turned_round(name: str, best: float) -> None:
    left, down = np.array([True] * 30 + [False] * 70), np.linspace(0.9, 0.1, 100)
    assert told(name, left, down) == pytest.approx(best)
    assert told(name, left, down[::-1]) < 0.25


@settings(max_examples=60, deadline=None)
@given(samples())
def test_like_scikit_learn(sample: tuple[np.ndarray, np.ndarray]) -> None:
    theirs = {
        "auc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "log_loss": metrics.log_loss,
        "brier": metrics.brier_score_loss,
    }
    for name, theirs_of in theirs.items():
        assert told(name, *sample) == pytest.approx(theirs_of(*sample)), name


@settings(max_examples=100, deadline=None)
@given(samples())
def test_lift_quality_by_adding_up_all_audiences(sample: tuple[np.ndarray, np.ndarray]) -> None:
    left, chance = sample
    part = np.array([left[chance == c].mean() for c in chance])[np.argsort(-chance, kind="stable")]
    sizes = np.arange(1, len(left) + 1)
    mean, perfect = (np.mean(np.cumsum(found) / sizes) / left.mean() for found in (part, np.sort(left)[::-1]))
    assert told("lift_quality", left, chance) == pytest.approx(100 * (mean - 1) / (perfect - 1), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(samples(), st.randoms(use_true_random=False))
def test_neither_the_rows_order_nor_a_stretched_scale_matters(sample, random) -> None:
    """What only the order tells is the same for any rising function of the chances."""
    left, chance = sample
    turned = random.sample(range(len(left)), len(left))
    for name in ALL:
        assert told(name, left[turned], chance[turned]) == pytest.approx(told(name, left, chance), rel=1e-6, abs=1e-6)
    for name in OF_THE_ORDER:
        assert told(name, left, chance**3 / 2) == pytest.approx(told(name, left, chance)), name


@settings(max_examples=60, deadline=None)
@given(samples(), st.integers(0, 2**32 - 1))
def test_a_sample_counts_as_its_rows_written_out(sample: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    """A weight of n is n rows, and many samples at once are each of them alone."""
    left, chance = sample
    times = np.random.default_rng(seed).integers(0, 3, (3, len(left)))
    times[:, [left.argmax(), (~left).argmax()]] += 1
    together = ranked(left, chance, times)
    bins = figures.calibration_error(ranked(left, chance, np.vstack([np.ones(len(left), int), times])))
    for n, row in enumerate(times):
        written_out = np.repeat(left, row), np.repeat(chance, row)
        for name in ALL.keys() - {"calibration_error", "calibration_slope"}:
            assert ALL[name](together)[n] == pytest.approx(told(name, *written_out), rel=1e-6, abs=1e-6), name
    assert bins[0] == pytest.approx(told("calibration_error", left, chance))


@pytest.mark.parametrize(("true", "tolerance"), [(1.0, 0.02), (0.5, 0.02), (2.0, 0.04)])
def test_the_slope_of_simulated_outcomes(true: float, tolerance: float) -> None:
    """1 for honest predictions, below 1 for those too sure of themselves, whatever the level."""
    rng = np.random.default_rng(5)
    z = rng.normal(-1, 1, 100_000)
    left = rng.random(len(z)) < expit(true * z)
    assert told("calibration_slope", left, expit(z)) == pytest.approx(true, abs=tolerance)
    moved = told("calibration_slope", left, expit(z + 1.5))
    assert moved == pytest.approx(told("calibration_slope", left, expit(z)), abs=1e-5)


@pytest.mark.parametrize(("slope", "shift"), [(0.3, -4.0), (0.3, 0.7), (1.0, 0.0), (3.0, -4.0), (3.0, 0.7)])
def test_slope_and_intercept_are_what_makes_the_likelihood_greatest(slope: float, shift: float) -> None:
    """The gradient is nought there; and a shift of all log-odds is taken back by the intercept."""
    rng = np.random.default_rng(7)
    z = rng.normal(0, 1.5, 4000)
    left = rng.random(len(z)) < expit(slope * z - 1)
    counts = ranked(left, expit(z + shift))
    b, a = figures.calibration_slope(counts)[0], figures.calibration_intercept(counts)[0]
    level = brentq(lambda c: (expit(c + b * z) - left).mean(), -30, 30)
    assert np.mean((expit(level + b * z) - left) * z) == pytest.approx(0, abs=1e-6)
    assert expit(a + shift + z).mean() == pytest.approx(left.mean(), abs=1e-6)


def test_the_slope_where_a_chance_is_rounded_to_certainty() -> None:
    left = np.array([True, True, False, False] * 50)
    chance = np.array([1.0, 0.6, 0.6, 0.0] * 50)
    assert np.isfinite(told("calibration_slope", left, chance))


def test_equal_chances_tell_no_one_apart() -> None:
    left, chance = np.array([True, False, False, False]), np.full(4, 0.25)
    assert {name: told(name, left, chance) for name in (*OF_THE_ORDER, "calibration_slope")} == {
        "auc": 0.5,
        "average_precision": 0.25,
        "lift_quality": pytest.approx(0, abs=1e-9),
        "lift": 1.0,
        "calibration_slope": 0.0,
    }
    assert told("calibration_intercept", left, chance) == pytest.approx(0, abs=1e-9)
    assert told("calibration_error", left, chance) == 0


@pytest.mark.parametrize("outcome", [True, False])
def test_what_one_outcome_cannot_tell_is_unknown(outcome: bool) -> None:
    left = np.full(5, outcome)
    for name in ("auc", "calibration_slope", "calibration_intercept", "lift_quality"):
        assert np.isnan(told(name, left, FIVE[1])), name


def test_ten_bins_of_equal_size() -> None:
    """A hundred customers of distinct chances: the first ten all left at about 0.95, so that bin is off by 0.05."""
    chance = np.linspace(0.995, 0.005, 100)
    left = np.zeros(100, dtype=bool)
    left[:10] = True
    of_bins = chance.reshape(10, 10).mean(axis=1)
    assert told("calibration_error", left, chance) == pytest.approx((1 - of_bins[0] + of_bins[1:].sum()) / 10)


def test_columns_are_distinct_chances_from_the_highest() -> None:
    counts = ranked(np.array([True, False, True]), np.array([0.2, 0.7, 0.2]), np.array([[1, 2, 3], [0, 1, 0]]))
    assert counts.chance.tolist() == [0.7, 0.2]
    assert counts.left.tolist() == [[0, 4], [0, 0]]
    assert counts.stayed.tolist() == [[2, 0], [1, 0]]
    assert counts.customers.tolist() == [6, 1]
    assert isinstance(counts, Ranked)
