"""The best use of a budget, against trying everything."""

import itertools
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.offers.budget import NONE, Choice, _steps, choose

NO = -np.inf


def total(values: np.ndarray, choice: Choice) -> float:
    return fsum(values[row, option] for row, option in enumerate(choice.option) if option != NONE)


def best_of_all(gain: np.ndarray, cost: np.ndarray, budget: float) -> float:
    """The largest total gain of all possible choices."""
    rows = [[(0.0, 0.0), *zip(g, c, strict=True)] for g, c in zip(gain, cost, strict=True)]
    combinations = itertools.product(*([pair for pair in row if pair[0] >= 0] for row in rows))
    return max(fsum(g for g, _ in pairs) for pairs in combinations if fsum(c for _, c in pairs) <= budget)


def instance(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """A small problem: costs of a few sizes or of any, some options not on offer, a budget that binds."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 7)), int(rng.integers(1, 4)))
    sizes = rng.choice([0.0, 0.03, 0.5, 1.0, 2.0, 5.0], size=shape)
    cost = sizes if seed % 2 else rng.gamma(1.0, 1.0, size=shape)
    gain = rng.normal(0.5, 1.5, size=shape)
    gain[gain <= 0] = NO
    return gain, cost, float(rng.uniform(0, 0.9) * cost.max(axis=1).sum())


@pytest.mark.parametrize(
    ("gain", "cost", "budget", "expected"),
    [
        ([[1.0, 2.0], [3.0, NO]], [[1, 1], [1, 1]], None, [1, 0]),
        ([[2.0, 2.0]], [[1, 1]], None, [0]),  # equals: the first
        ([[NO, 0.0], [-1.0, NO]], [[1, 1], [1, 1]], None, [NONE, NONE]),
        ([[5.0, 4.0], [5.0, 4.0]], [[10, 1], [10, 1]], 2.0, [1, 1]),  # the cheap one for both
        ([[5.0, 4.0], [5.0, 4.0]], [[10, 1], [10, 1]], 11.0, [0, 1]),  # equals: the first row
        ([[1.0], [10.0]], [[1], [10.1]], 10.5, [NONE, 0]),  # not the one that is best for its price
        ([[1.0], [10.0]], [[1], [10.1]], 0.0, [NONE, NONE]),
        ([[1.0], [10.0]], [[0], [10.1]], 0.0, [0, NONE]),  # what costs nothing is always taken
        ([[1.0]], [[0.1]], 0.1, [0]),
        ([[2.0, 2.0]], [[5, 1]], 2.0, [1]),  # the first of equals does not fit, the second does
        ([[1.0]] * 3, [[0.1]] * 3, 0.3, [0, 0, NONE]),  # three times 0.1 is above 0.3, if by a hair
        (np.empty((0, 2)), np.empty((0, 2)), 1.0, []),
        (np.empty((2, 0)), np.empty((2, 0)), 1.0, [NONE, NONE]),
    ],
)
def test_choices(gain: list, cost: list, budget: float | None, expected: list[int]) -> None:
    choice = choose(np.array(gain, dtype=float), np.array(cost, dtype=float), budget)
    assert choice.option.tolist() == expected


def test_without_a_budget_the_choice_is_the_best_of_all() -> None:
    for seed in range(300):
        gain, cost, _ = instance(seed)
        choice = choose(gain, cost, None)
        assert total(gain, choice) == best_of_all(gain, cost, np.inf) == choice.bound
        assert choice.price == 0


def test_under_a_budget_the_choice_is_nearly_the_best_of_all_and_never_over_it() -> None:
    gaps = []
    for seed in range(400):
        gain, cost, budget = instance(seed)
        choice = choose(gain, cost, budget)
        reached, possible = total(gain, choice), best_of_all(gain, cost, budget)
        assert total(cost, choice) <= budget
        assert reached <= possible + 1e-9 <= choice.bound + 2e-9
        assert possible - reached <= np.maximum(gain, 0).max() + 1e-9
        gaps.append((possible - reached) / possible if possible else 0.0)
    assert np.mean(gaps) < 0.005
    assert np.mean(np.array(gaps) < 1e-9) > 0.9


def test_on_lists_of_real_length_nothing_to_speak_of_is_lost() -> None:
    rng = np.random.default_rng(5)
    cost = rng.gamma(1.0, 1.0, size=(5000, 16))
    gain = rng.normal(0.0, 3.0, size=cost.shape)
    for budget in (10.0, 1000.0, 4000.0):
        choice = choose(gain, cost, budget)
        assert total(cost, choice) <= budget
        assert total(gain, choice) >= choice.bound * (1 - 1e-3)


@settings(max_examples=200)
@given(st.integers(0, 10_000), st.floats(0, 5), st.floats(0, 5))
def test_a_larger_budget_is_worth_no_less_at_the_bound_and_costs_no_more_a_unit(
    seed: int, one: float, other: float
) -> None:
    gain, cost, _ = instance(seed)
    small, large = (choose(gain, cost, budget) for budget in sorted([one, other]))
    assert large.bound >= small.bound - 1e-9
    assert large.price <= small.price + 1e-9


def test_the_price_is_what_one_more_unit_of_budget_brings() -> None:
    gain, cost = np.array([[10.0], [6.0], [2.0]]), np.array([[2.0], [2.0], [2.0]])
    assert [choose(gain, cost, budget).price for budget in (1.0, 2.0, 4.0, 6.0)] == [5.0, 3.0, 1.0, 0.0]


def test_rounding_does_not_let_a_second_step_overtake_the_first() -> None:
    """0.3 a unit for the first step; (0.9 - 0.3) / 2 is a hair more. Taken first, it would cost 3, not 2."""
    steps = _steps(np.array([[0.3, 0.9]] * 2), np.array([[1.0, 3.0]] * 2))
    assert list(zip(steps.row.tolist(), steps.option.tolist(), strict=True)) == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
    ]
    assert steps.slope.tolist() == [0.3] * 4
