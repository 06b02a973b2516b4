"""Buying again: repeat buyers, one-time buyers and what they were worth against what they cost."""

from __future__ import annotations

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure, fraction, nothing, share

BUYERS = "buyers"


@metric(
    "customers with ≥ 2 orders so far / customers with ≥ 1", "share", "common", "Old customers had longer to do so."
)
def repeat_rate_ever(repeat: float, ever: float) -> Figure:
    """Share of all who ever bought, up to the period's end, who bought at least twice.

    >>> repeat_rate_ever(40, 160).value
    0.25
    """
    return share(repeat, ever, "customers who ever bought")


@metric("buyers with ≥ 2 orders in the period / buyers", "share", "common", "Grows with the length of the period.")
def repeat_rate_period(repeat: float, buyers: float) -> Figure:
    """Share of the period's buyers who bought at least twice in it.

    >>> repeat_rate_period(30, 120).value
    0.25
    """
    return share(repeat, buyers, BUYERS)


@metric("buyers who had bought before / buyers", "share", "common", "Falls when many new customers come.")
def repeat_rate_returning(returning: float, buyers: float) -> Figure:
    """Share of the period's buyers who had bought before the period.

    >>> repeat_rate_returning(90, 120).value
    0.75
    """
    return share(returning, buyers, BUYERS)


@metric("customers with exactly 1 order so far / customers with ≥ 1", "share", "article 1", "1 - repeat_rate_ever.")
def one_time_share(one_time: float, ever: float) -> Figure:
    """Share of all who ever bought, up to the period's end, who bought once.

    >>> one_time_share(120, 160).value
    0.75
    """
    return share(one_time, ever, "customers who ever bought")


@metric(
    "margin rate * Σ spend of one-time buyers / one-time buyers - Σ known acquisition cost / those it is known of",
    "money",
    "article 1",
    "Those who bought yesterday are one-time buyers too.",
)
def one_time_income(spend: float, buyers: float, margin_rate: float, cost: float, cost_known: float) -> Figure:
    """Margin a one-time buyer has brought, less what winning one has cost.

    >>> one_time_income(spend=4000.0, buyers=100, margin_rate=0.25, cost=600.0, cost_known=50).value
    -2.0
    """
    if buyers and not cost_known:
        return nothing("no acquisition cost of a one-time buyer is known", denominator=buyers)
    margin = fraction(margin_rate * spend, buyers, "one-time buyers")
    if margin.undefined:
        return margin
    return Figure(margin.value - cost / cost_known, denominator=buyers)


@metric(
    "margin rate * Σ spend of one-time buyers / one-time buyers - cac_spend",
    "money",
    "article 1",
    "Sets those who bought once, ever, against the period's cost of a new customer: costs change.",
)
def one_time_income_spend(spend: float, buyers: float, margin_rate: float, cac: Figure) -> Figure:
    """Margin a one-time buyer has brought, less what the period's sales and marketing spend was a new customer.

    >>> one_time_income_spend(spend=4000.0, buyers=100, margin_rate=0.25, cac=Figure(12.0)).value
    -2.0
    """
    margin = fraction(margin_rate * spend, buyers, "one-time buyers")
    if margin.undefined or cac.undefined:
        return margin if margin.undefined else nothing(cac.undefined, denominator=buyers)
    return Figure(margin.value - cac.value, denominator=buyers)
