"""The bootstrap over customers: all rows of one together, nothing that depends on the rows' order, honest cover."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from winback.risk.examining import figures
from winback.risk.examining.intervals import CELLS, Draws, drawn, draws, measured
from winback.risk.examining.ranked import ranked

FIGURES = {"auc": figures.auc, "brier": figures.brier, "slope": figures.calibration_slope}


def visits(customers: int, each: int, seed: int, own: float = 0.0) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Customer, outcome and chance of `each` rows of so many customers; `own`: how alike the rows of one are."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(customers), each)
    z = rng.normal(-1, 1, customers)[ids]
    left = rng.random(len(ids)) < expit(z)
    alike = rng.random(customers)[ids] < own
    left = np.where(alike, left.reshape(customers, each)[:, 0][ids], left)
    return pd.Series(ids).map("C{:05}".format), left, expit(z)


def test_customers_are_drawn_with_all_their_rows() -> None:
    ids = pd.Series(["b", "a", "b", "c", "b"])
    among = draws(ids, 200, seed=4)
    weights = np.vstack(list(among.weights()))
    assert weights.shape == (200, 5)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] == weights[:, 4]).all()
    # Three customers are drawn each time, whatever the number of their rows.
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights.mean() == pytest.approx(1, abs=0.1)
    some = np.vstack(list(among.of(np.array([3, 1])).weights()))
    assert (some == weights[:, [3, 1]]).all()


def test_same_seed_same_samples_whatever_the_order_of_the_rows() -> None:
    ids, left, chance = visits(40, 3, seed=1)
    turned = np.random.default_rng(2).permutation(len(ids))
    there = measured(left, chance, FIGURES, draws(ids, 50, seed=7))
    back = measured(left[turned], chance[turned], FIGURES, draws(ids.iloc[turned], 50, seed=7))
    for name, told in there.items():
        assert back[name] == pytest.approx(told, rel=1e-9)
    assert measured(left, chance, FIGURES, draws(ids, 50, seed=8))["auc"] != there["auc"]


def test_parts_of_the_work_are_put_together_in_order() -> None:
    """More cells than fit at a time: the samples are those of the whole at once."""
    ids, left, chance = visits(4000, 2, seed=3)
    among = draws(ids, 260)
    assert len(list(among.weights())) == -(-260 // (CELLS // 8000))
    whole = figures.auc(ranked(left, chance, among.times[:, among.customer]))
    np.testing.assert_array_equal(drawn(left, chance, {"auc": figures.auc}, among)["auc"], whole)


def test_interval_is_the_middle_of_the_samples() -> None:
    samples = np.append(np.arange(1001) / 1000, np.nan)
    whole, part = (Draws(np.array([0]), np.array([[1]]), narrow) for narrow in (1.0, 0.1))
    assert whole.interval(0.4, samples) == {"value": 0.4, "low": pytest.approx(0.025), "high": pytest.approx(0.975)}
    # A tenth as wide, and about the figure of all.
    narrow = {"value": 0.4, "low": pytest.approx(0.4 - 0.0475), "high": pytest.approx(0.4 + 0.0475)}
    assert part.interval(0.4, samples) == narrow
    for each in (whole, part):
        assert each.interval(np.nan, np.array([np.nan])) == {"value": None, "low": None, "high": None}
        assert {type(v) for v in each.interval(np.float64(1), samples).values()} == {float}


def test_of_very_many_customers_some_tell_how_all_would_scatter() -> None:
    """A quarter of the customers, narrowed by half: the interval is as wide as that of all, about their figure."""
    ids, left, chance = visits(4000, 2, seed=12)
    some = draws(ids, 400, most=1000)
    assert some.narrow == 0.5
    assert some.taken.sum() == 2000
    assert some.taken.reshape(4000, 2).all(axis=1).sum() == 1000
    whole, part = (measured(left, chance, FIGURES, among) for among in (draws(ids, 400), some))
    for name, told in whole.items():
        assert part[name]["value"] == told["value"]
        assert part[name]["high"] - part[name]["low"] == pytest.approx(told["high"] - told["low"], rel=0.2), name
        assert part[name]["low"] < told["value"] < part[name]["high"]
    alone = measured(left[~some.taken], chance[~some.taken], FIGURES, some.of(~some.taken))["auc"]
    assert (alone["low"], alone["high"]) == (None, None)


def test_many_samples_slope_is_that_of_each_alone() -> None:
    """Samples share cells of log-odds: that is quicker and hardly off."""
    ids, left, chance = visits(1500, 2, seed=9)
    among = draws(ids, 6)
    for name in ("calibration_slope", "calibration_intercept"):
        together = drawn(left, chance, {name: getattr(figures, name)}, among)[name]
        alone = [getattr(figures, name)(ranked(left, chance, row[None]))[0] for row in next(among.weights())]
        np.testing.assert_allclose(together, alone, atol=1e-3)


def test_rows_of_one_customer_are_no_new_evidence() -> None:
    """Four equal rows of each customer tell no more than one: the interval is as wide."""
    ids, left, chance = visits(400, 1, seed=6)
    once = measured(left, chance, FIGURES, draws(ids, 400))
    again = np.tile(np.arange(400), 4)
    four = measured(left[again], chance[again], FIGURES, draws(ids.iloc[again], 400))
    assert four["auc"] == pytest.approx(once["auc"])
    apart = measured(left[again], chance[again], FIGURES, draws(pd.Series(np.arange(1600)), 400))
    wide, narrow = (told["auc"]["high"] - told["auc"]["low"] for told in (once, apart))
    assert narrow == pytest.approx(wide / 2, rel=0.25)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "truth"), [("auc", None), ("slope", 1.0)])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str, truth: float | None) -> None:
    """95 of 100 shops of 500 customers whose rows resemble each other; 90 to 99 may come out of 300 shops."""
    if truth is None:
        _, left, chance = visits(300_000, 1, seed=0)
        truth = float(figures.auc(ranked(left, chance))[0])
    held = 0
    for shop in range(300):
        ids, left, chance = visits(500, 3, seed=1000 + shop, own=0.5)
        told = measured(left, chance, {name: FIGURES[name]}, draws(ids, 400, seed=shop))[name]
        held += told["low"] <= truth <= told["high"]
    assert 0.90 <= held / 300 <= 0.99, held
