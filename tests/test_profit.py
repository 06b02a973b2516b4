"""What a ranking is worth: by hand, and against trying every threshold at thousands of acceptances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import beta

from winback.risk.examining.profit import PAPER, Campaign, Profit, expected_maximum_profit, hull, maximum_profit
from winback.risk.examining.ranked import ranked

FOUR = (np.array([True, False, True, False]), np.array([0.9, 0.6, 0.5, 0.2]))
CAMPAIGNS = [
    PAPER,
    Campaign(clv=50, incentive_cost=20, contact_cost=2, alpha=2, beta=3),
    Campaign(clv=1000, incentive_cost=0, contact_cost=0.5, alpha=0.5, beta=0.5),
    Campaign(clv=12, incentive_cost=10, contact_cost=3),
]


def tried(churned: np.ndarray, chance: np.ndarray, campaign: Campaign, accepted: np.ndarray) -> np.ndarray:
    """The highest profit a customer over all thresholds, for each acceptance."""
    listed = np.array([chance >= cut for cut in (np.inf, *np.unique(chance))])
    kept = accepted * (campaign.clv - campaign.incentive_cost) - campaign.contact_cost
    spent = campaign.incentive_cost + campaign.contact_cost
    profits = np.outer(kept, (listed & churned).sum(axis=1)) - spent * (listed & ~churned).sum(axis=1)
    return profits.max(axis=1) / len(chance)


def integrated(churned: np.ndarray, chance: np.ndarray, campaign: Campaign) -> float:
    """The mean of the highest profits over a fine grid of the acceptance's own quantiles."""
    grid = beta.ppf((np.arange(4000) + 0.5) / 4000, campaign.alpha, campaign.beta)
    return float(tried(churned, chance, campaign, grid).mean())


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    size = draw(st.integers(2, 12))
    tenths = draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))
    left = draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(lambda all_: 0 < sum(all_) < size))
    return np.array(left), np.array(tenths) / 10


def test_maximum_profit_by_hand() -> None:
    """Kept: 0.3 * 190 - 1 = 56 a leaver; spent: 11 a stayer. The first three: (56 - 11 + 56) / 4; all four less 11."""
    found = maximum_profit(ranked(*FOUR), PAPER)
    assert found.profit[0] == pytest.approx(101 / 4)
    assert found.share[0] == 0.75


def test_expected_maximum_profit_by_hand() -> None:
    """One group of which half leave: approached where 0.5 (190 a - 1) > 0.5 * 11, that is a > 12 / 190."""
    found = expected_maximum_profit(ranked(np.array([True, False]), np.array([0.5, 0.5])), PAPER)
    above = beta.sf(12 / 190, 6, 14)
    assert found.share[0] == pytest.approx(above)
    mean_above = 0.3 * beta.sf(12 / 190, 7, 14)
    assert found.profit[0] == pytest.approx(95 * mean_above - 6 * above)


@settings(max_examples=60, deadline=None)
@given(samples(), st.sampled_from(CAMPAIGNS))
def test_maximum_profit_is_that_of_the_best_threshold(sample, campaign: Campaign) -> None:
    found = maximum_profit(ranked(*sample), campaign)
    best = tried(*sample, campaign, np.array([campaign.accepted]))
    assert found.profit[0] == pytest.approx(best[0], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(samples(), st.sampled_from(CAMPAIGNS))
def test_expected_maximum_profit_is_the_integral_over_best_thresholds(sample, campaign: Campaign) -> None:
    found = expected_maximum_profit(ranked(*sample), campaign)
    assert found.profit[0] == pytest.approx(integrated(*sample, campaign), rel=2e-3, abs=2e-3)


@settings(max_examples=60, deadline=None)
@given(samples(), st.sampled_from(CAMPAIGNS))
def test_not_knowing_the_acceptance_beforehand_is_never_better_than_choosing_after(sample, campaign: Campaign) -> None:
    """The mean of maxima is at least the maximum of the mean, and no order is worth more than the perfect one."""
    left, chance = sample
    expected = expected_maximum_profit(ranked(left, chance), campaign).profit[0]
    assert expected >= maximum_profit(ranked(left, chance), campaign).profit[0] - 1e-9
    assert expected <= expected_maximum_profit(ranked(left, left * 1.0), campaign).profit[0] + 1e-9
    assert expected == pytest.approx(expected_maximum_profit(ranked(left, chance**2 / 3), campaign).profit[0])


def test_many_samples_are_each_of_them_alone() -> None:
    rng = np.random.default_rng(3)
    left, chance = rng.random(60) < 0.4, np.round(rng.random(60), 1)
    times = rng.integers(0, 3, (5, 60))
    for figure in (expected_maximum_profit, maximum_profit):
        together: Profit = figure(ranked(left, chance, times), PAPER)
        for n, row in enumerate(times):
            alone = figure(ranked(np.repeat(left, row), np.repeat(chance, row)), PAPER)
            assert together.profit[n] == pytest.approx(alone.profit[0])
            assert together.share[n] == pytest.approx(alone.share[0])


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only(outcome: bool) -> None:
    """All stay: nobody is worth approaching. All leave: everybody is."""
    found = maximum_profit(ranked(np.full(4, outcome), FOUR[1]), PAPER)
    assert found.profit[0] == pytest.approx(56 if outcome else 0)
    assert found.share[0] == outcome


def test_hull_merges_what_is_out_of_order() -> None:
    rates, sizes = hull(np.array([1.0, 3.0, 0.0, 1.0, 5.0]), np.array([2.0, 4.0, 4.0, 4.0, 0.0]))
    assert rates.tolist() == [pytest.approx(4 / 6), pytest.approx(1 / 8)]
    assert sizes.tolist() == [6, 8]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"clv": 10.0}, "clv 10 must be above incentive_cost 10: nothing is won"),
        ({"clv": 0.0}, "greater than 0"),
        ({"contact_cost": -1.0}, "greater than or equal to 0"),
        ({"alpha": 0.0}, "greater than 0"),
        ({"delta": 0.1}, "Unexpected keyword argument"),
    ],
)
def test_a_campaign_that_cannot_be(fault: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Campaign(**fault)
