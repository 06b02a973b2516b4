"""What a campaign can show before it is launched: the smallest effect that its size lets anybody see.

Two-sided tests at 5 % with 80 % power unless said otherwise. Proportions: the normal approximation with the
pooled variance under "no effect" and the arms' own under the effect (J. L. Fleiss, B. Levin, M. C. Paik,
Statistical Methods for Rates and Proportions, 3rd ed. 2003, section 4.3, without continuity correction; for
arms of one size it is R's power.prop.test). Means: the normal approximation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt

from scipy.optimize import brentq
from scipy.stats import norm

ALPHA, POWER = 0.05, 0.8
LEAST_EXPECTED = 5.0  # leavers and stayers each arm must expect for the approximation to be trusted
MOST_WEEKS = 520


@dataclass(frozen=True)
class Arms:
    """How many customers are treated and how many held out."""

    treated: float
    held_out: float


def arms(customers: float, held_out_share: float) -> Arms:
    """The arms that a list of so many customers falls into, in whole customers."""
    held = round(customers * held_out_share)
    return Arms(customers - held, held)


def power(sizes: Arms, held_out_rate: float, treated_rate: float, alpha: float = ALPHA) -> float:
    """The chance (0..1) to see a difference between two true rates of leaving; 0 where an arm is empty.

    >>> round(power(Arms(50, 50), 0.5, 0.75), 3)
    0.74
    """
    if min(sizes.treated, sizes.held_out) <= 0:
        return 0.0
    pooled = (sizes.treated * treated_rate + sizes.held_out * held_out_rate) / (sizes.treated + sizes.held_out)
    without = sqrt(pooled * (1 - pooled) * (1 / sizes.treated + 1 / sizes.held_out))
    own = sqrt(treated_rate * (1 - treated_rate) / sizes.treated + held_out_rate * (1 - held_out_rate) / sizes.held_out)
    beyond = abs(treated_rate - held_out_rate) - norm.ppf(1 - alpha / 2) * without
    if own == 0:
        return 1.0 if beyond > 0 else 0.0
    return float(norm.cdf(beyond / own))


def smallest_effect(sizes: Arms, base_rate: float, aim: float = POWER, alpha: float = ALPHA) -> float | None:
    """By how much the chance to leave (0..1) must fall below `base_rate` to be seen; None where no fall would be.

    That is, where not even a campaign that kept everybody would be seen with the power `aim`.
    """
    if not 0 < base_rate < 1:
        raise ValueError(f"the rate of leaving without the campaign must lie between 0 and 1, and is {base_rate!r}")
    if power(sizes, base_rate, 0.0, alpha) < aim:
        return None
    treated = brentq(lambda rate: power(sizes, base_rate, rate, alpha) - aim, 0.0, base_rate, xtol=1e-9)
    return float(base_rate - treated)


def smallest_money(sizes: Arms, deviation: float, aim: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest difference of mean money a customer to be seen; None where an arm is empty.

    `deviation`: standard deviation of one customer's money over the horizon.
    """
    if min(sizes.treated, sizes.held_out) <= 0:
        return None
    each = norm.ppf(1 - alpha / 2) + norm.ppf(aim)
    return float(each * deviation * sqrt(1 / sizes.treated + 1 / sizes.held_out))


def customers_needed(held_out_share: float, base_rate: float, effect: float, aim: float = POWER) -> float:
    """How many customers must be listed for a fall of `effect` to be seen; inf where it is none or all are in one arm.

    >>> ceil(customers_needed(0.5, 0.75, 0.25, aim=0.9))
    154
    """
    if not 0 < held_out_share < 1 or not 0 < effect <= base_rate:
        return inf
    one = Arms(1 - held_out_share, held_out_share)
    treated = base_rate - effect
    pooled = one.treated * treated + one.held_out * base_rate
    without = pooled * (1 - pooled) / (one.treated * one.held_out)
    own = treated * (1 - treated) / one.treated + base_rate * (1 - base_rate) / one.held_out
    return float(((norm.ppf(0.975) * sqrt(without) + norm.ppf(aim) * sqrt(own)) / effect) ** 2)


def weeks_to_pool(customers: float, new_a_week: float, share: float, base_rate: float, effect: float) -> int | None:
    """For how many weeks lists must be pooled for a fall of `effect` to be seen, the first being one of `customers`.

    `new_a_week`: customers who enter each week; whoever was listed before tells nothing new. None: more than ten
    years, or never.
    """
    missing = customers_needed(share, base_rate, effect) - customers
    if missing <= 0:
        return 1
    weeks = 1 + missing / new_a_week if new_a_week > 0 else inf
    return ceil(weeks) if weeks <= MOST_WEEKS else None


def is_trusted(sizes: Arms, base_rate: float) -> bool:
    """Whether each arm expects enough leavers and stayers for these formulas."""
    return min(sizes.treated, sizes.held_out) * min(base_rate, 1 - base_rate) >= LEAST_EXPECTED
