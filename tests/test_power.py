"""What a campaign can show: against published figures, and against campaigns that were simulated."""

from __future__ import annotations

from math import ceil, inf

import numpy as np
import pytest
from scipy.stats import norm

from winback.campaigns.power import (
    Arms,
    arms,
    customers_needed,
    is_trusted,
    power,
    smallest_effect,
    smallest_money,
    weeks_to_pool,
)


@pytest.mark.parametrize(
    ("share", "base", "effect", "aim", "an_arm"),
    [
        (0.5, 0.75, 0.25, 0.9, 77),  # R, help page of power.prop.test: n = 76.7
        (0.5, 0.70, 0.10, 0.8, 356),  # Fleiss, Levin and Paik 2003, 0.6 against 0.7, before the correction
        (0.5, 0.50, 0.10, 0.8, 388),  # 0.4 against 0.5
        (0.5, 0.15, 0.05, 0.8, 686),  # 0.10 against 0.15
        (0.5, 0.10, 0.05, 0.8, 435),  # 0.05 against 0.10
        (0.5, 0.10, 0.05, 0.9, 582),
    ],
)
def test_sizes_are_the_published_ones(share: float, base: float, effect: float, aim: float, an_arm: int) -> None:
    assert ceil(customers_needed(share, base, effect, aim) / 2) == an_arm


@pytest.mark.parametrize(
    ("size", "rates", "expected"),
    [(50, (0.5, 0.75), 0.740), (77, (0.5, 0.75), 0.901), (356, (0.7, 0.6), 0.800), (435, (0.1, 0.05), 0.801)],
)
def test_power_is_the_published_one(size: int, rates: tuple[float, float], expected: float) -> None:
    assert power(Arms(size, size), *rates) == pytest.approx(expected, abs=0.0015)


def test_money_is_the_published_size() -> None:
    """J. Cohen 1988: half a standard deviation, 80 %, 5 %: 63 an arm by the normal curve (64 by Student's t)."""
    assert smallest_money(Arms(63, 63), 1.0) == pytest.approx(0.5, abs=0.002)
    assert smallest_money(Arms(63, 63), 20.0) == pytest.approx(10.0, abs=0.04)
    assert smallest_money(Arms(10, 0), 1.0) is None


def seen(sizes: tuple[int, int], rates: tuple[float, float], seed: int, times: int = 40_000) -> float:
    """How often the two-proportion test finds a difference in simulated campaigns (treated, held out)."""
    rng = np.random.default_rng(seed)
    treated, held = (rng.binomial(n, p, times) / n for n, p in zip(sizes, rates, strict=True))
    pooled = (sizes[0] * treated + sizes[1] * held) / sum(sizes)
    error = np.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
    return float((np.abs(treated - held) > norm.ppf(0.975) * error).mean())


@pytest.mark.parametrize(
    ("customers", "share", "base"),
    [(620, 0.1, 0.5), (2000, 0.1, 0.3), (10_000, 0.05, 0.4), (4000, 0.5, 0.1), (50_000, 0.1, 0.6)],
)
def test_the_smallest_effect_is_seen_four_times_in_five_in_simulated_campaigns(
    customers: int, share: float, base: float
) -> None:
    sizes = arms(customers, share)
    effect = smallest_effect(sizes, base)
    assert effect is not None
    found = seen((int(sizes.treated), int(sizes.held_out)), (base - effect, base), seed=customers)
    assert found == pytest.approx(0.8, abs=0.025)  # counts are whole, the curve is not
    assert power(sizes, base, base - effect) == pytest.approx(0.8, abs=1e-6)


def test_mean_money_is_seen_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    size = arms(3000, 0.1)
    effect = smallest_money(size, 5.0) or 0.0
    treated = rng.normal(effect, 5.0 / np.sqrt(size.treated), 40_000)
    held = rng.normal(0.0, 5.0 / np.sqrt(size.held_out), 40_000)
    error = 5.0 * np.sqrt(1 / size.treated + 1 / size.held_out)
    assert (np.abs(treated - held) > norm.ppf(0.975) * error).mean() == pytest.approx(0.8, abs=0.01)


def test_size_and_effect_are_each_others_inverse() -> None:
    for share, base in ((0.1, 0.5), (0.2, 0.3), (0.5, 0.1)):
        for customers in (500, 5000, 50_000):
            sizes = Arms(customers * (1 - share), customers * share)
            effect = smallest_effect(sizes, base)
            if effect is not None:
                assert customers_needed(share, base, effect) == pytest.approx(customers, rel=1e-6)


def test_a_list_too_small_to_show_anything_says_so() -> None:
    assert smallest_effect(arms(20, 0.1), 0.5) is None
    assert smallest_effect(arms(1000, 0.0), 0.5) is None
    assert power(Arms(100, 0), 0.5, 0.1) == 0.0
    assert power(Arms(100, 5), 0.5, 0.5) < 0.06
    assert not is_trusted(arms(90, 0.1), 0.5)
    assert is_trusted(arms(100, 0.1), 0.5)
    assert not is_trusted(arms(100, 0.1), 0.45)


@pytest.mark.parametrize("rate", [0.0, 1.0, float("nan")])
def test_a_rate_that_nothing_can_be_seen_of_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="the rate of leaving without the campaign must lie between 0 and 1, and is"):
        smallest_effect(Arms(100, 100), rate)


def test_weeks_to_pool() -> None:
    needed = customers_needed(0.1, 0.5, 0.1)
    assert 2100 < needed < 2250
    for customers, new, weeks in ((2250, 0, 1), (620, 100, 17), (620, 2000, 2), (620, 0, None), (620, 2, None)):
        assert weeks_to_pool(customers, new, 0.1, 0.5, 0.1) == weeks
    assert customers_needed(0.0, 0.5, 0.1) == customers_needed(0.1, 0.5, 0.0) == customers_needed(0.1, 0.5, 0.6) == inf
    assert weeks_to_pool(10**6, 10**6, 0.1, 0.5, 0.0) is None
