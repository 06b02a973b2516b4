"""What a ranking is worth in a retention campaign: maximum profit, and its mean over what is not known.

Verbraken, Verbeke and Baesens, "A novel profit maximizing metric for measuring classification performance of
customer churn prediction models", IEEE Transactions on Knowledge and Data Engineering 25 (5), 2013. Worked
out again from its definitions; docs/evaluation.md has the steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from winback.risk.examining.ranked import Floats, Ranked

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Campaign:
    """What a customer is worth, what an approach costs, and what is believed of the share it keeps.

    `clv`, `incentive_cost` and `contact_cost` are money a customer; the share of approached leavers who
    stay is Beta(alpha, beta). The defaults are the paper's: 30 % on average, between 12 % and 51 % in
    95 of 100 cases.
    """

    clv: Positive = 200.0
    incentive_cost: NotNegative = 10.0
    contact_cost: NotNegative = 1.0
    alpha: Positive = 6.0
    beta: Positive = 14.0

    @model_validator(mode="after")
    def _worth_an_incentive(self) -> Self:
        if self.clv <= self.incentive_cost:
            raise ValueError(f"clv {self.clv:g} must be above incentive_cost {self.incentive_cost:g}: nothing is won")
        return self

    @property
    def accepted(self) -> float:
        """The mean share of approached leavers who stay."""
        return self.alpha / (self.alpha + self.beta)


PAPER = Campaign()


@dataclasses.dataclass(frozen=True)
class Profit:
    """Profit a customer of the cohort, and the share of the cohort to approach for it; one of each a sample."""

    profit: Floats
    share: Floats


def expected_maximum_profit(counts: Ranked, campaign: Campaign) -> Profit:
    """EMPC: for each acceptance the profit at its best cut of the ranking, a mean over acceptances."""
    return _over_stretches(counts, lambda rate: _expected(rate, campaign))


def maximum_profit(counts: Ranked, campaign: Campaign) -> Profit:
    """MPC: the profit at the best cut of the ranking when the mean acceptance is taken for certain."""

    def at_the_mean(rate: Floats) -> tuple[Floats, Floats]:
        worth = _worth(rate, campaign, campaign.accepted)
        return np.maximum(worth, 0), (worth > 0).astype(np.float64)

    return _over_stretches(counts, at_the_mean)


def hull(left: Floats, total: Floats) -> tuple[Floats, Floats]:
    """The stretches of the ROC curve's convex hull, best first: the share of leavers in each, and its customers.

    Cutting within such a stretch is never best. Merging neighbours whose rates are out of order, which
    isotonic regression does, gives these stretches (Fawcett and Niculescu-Mizil 2007).
    """
    there = total > 0
    fitted = isotonic_regression(left[there] / total[there], weights=total[there], increasing=False)
    return fitted.x[fitted.blocks[:-1]], fitted.weights


def _over_stretches(counts: Ranked, valued: Callable[[Floats], tuple[Floats, Floats]]) -> Profit:
    """A value and a share a customer, by the rate of the customer's stretch, averaged over each sample."""
    stretches = [hull(left, total) for left, total in zip(counts.left, counts.total, strict=True)]
    starts = np.cumsum([0] + [len(rates) for rates, _ in stretches[:-1]])
    profit, share = valued(np.concatenate([rates for rates, _ in stretches]))
    sizes = np.concatenate([sizes for _, sizes in stretches])
    means = (np.add.reduceat(each * sizes, starts) / counts.customers for each in (profit, share))
    return Profit(*means)


def _worth(rate: Floats, campaign: Campaign, accepted: float | Floats) -> Floats:
    """What approaching a customer brings, of a group in which `rate` leave and `accepted` of these are kept.

    Who would have stayed takes the incentive as well: that is its price.
    """
    kept = accepted * (campaign.clv - campaign.incentive_cost) - campaign.contact_cost
    worth: Floats = rate * kept - (1 - rate) * (campaign.incentive_cost + campaign.contact_cost)
    return worth


def _expected(rate: Floats, campaign: Campaign) -> tuple[Floats, Floats]:
    """The mean of the worth where it is above 0, and how probable that is.

    The worth rises along the acceptance from a point on; the two integrals above it are incomplete betas.
    """
    a, b = campaign.alpha, campaign.beta
    margin = campaign.clv - campaign.incentive_cost
    cost = campaign.contact_cost + (1 - rate) * campaign.incentive_cost
    needed = np.divide(cost, rate * margin, out=np.ones_like(rate), where=rate > 0)
    point = np.clip(needed, 0, 1)
    above, mean_above = 1 - betainc(a, b, point), a / (a + b) * (1 - betainc(a + 1, b, point))
    return rate * margin * mean_above - cost * above, above
