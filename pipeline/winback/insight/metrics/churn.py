"""Customer churn of a period, each base under a name of its own.

S, E: customers at start and end; N: new in the period; L: of S gone at the end; G: of N gone at the end.
"""

from __future__ import annotations

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import NAN, Figure, Pairs, fraction, share, spread
from winback.insight.metrics.retention import AT_START


@metric("L / S", "share", "common", "1 - crr_ids, and 1 - crr_totals only where nobody returned.")
def churn_start(lost: float, at_start: float) -> Figure:
    """Share of the customers at the start who are none at the end.

    >>> churn_start(150, 500).value
    0.3
    """
    return share(lost, at_start, AT_START)


@metric("L / ((S + E) / 2)", "share", "common", "Not a share of counted people: may exceed 100 %.")
def churn_average(lost: float, at_start: float, at_end: float, pairs: Pairs | None = None) -> Figure:
    """Customers lost per customer there on average, of start and end.

    `pairs`: of each customer a = lost and b = the mean of there at the start and at the end, for the interval.

    >>> churn_average(20, 200, 120).value
    0.125
    """
    return spread(fraction(lost, (at_start + at_end) / 2, "customers at start or end"), pairs)


@metric(
    "(L + G) / (S + N)",
    "share",
    "Stripe's definition, as built in gumroad PR #1762",
    "Newcomers who left at once count; growth lowers it. Stripe takes periods of 30 days.",
)
def churn_stripe(lost: float, new_lost: float, at_start: float, new: float) -> Figure:
    """Share of all who were customers at the start or became ones in the period who are none at the end.

    >>> churn_stripe(15, 5, 180, 20).value
    0.1
    """
    return share(lost + new_lost, at_start + new, "customers at the start or new")


@metric(
    "1 - (1 - m)^n",
    "share",
    "arithmetic; n periods make a year",
    "Not n * m, which passes 100 % for m = 10 % a month. It takes for granted that every period is like this one.",
)
def churn_annualised(churn: Figure, periods_per_year: float) -> Figure:
    """Share that would be gone after a year of periods like this one, of churn m (churn_start).

    >>> round(churn_annualised(churn_start(5, 100), 12).value, 4)
    0.4596
    """
    if churn.undefined:
        return churn
    value, low, high = (1 - (1 - m) ** periods_per_year for m in (churn.value, churn.low, churn.high))
    return Figure(value, NAN, churn.denominator, low, high, churn.interval)
