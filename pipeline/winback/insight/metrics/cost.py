"""What keeping and regaining customers costs and brings."""

from __future__ import annotations

from collections.abc import Mapping

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import NAN, Figure, fraction, mean, nothing, share

COMPONENTS = ("programmes", "service", "retention", "surveys", "lost_income", "other")  # of the cost of retention
NO_COSTS = "no retention cost is given"


@metric(
    "Σ components / K",
    "money",
    "operately; DiGGrowth; PayPro; Gainsight",
    "K is counted by ids, so customers added this period are not in it. Calculator Academy's (MC - NC)/AC takes a "
    "head-count from money.",
)
def crc_kept(components: Mapping[str, float], kept: float) -> Figure:
    """Cost of retention per customer of the start who is still one at the end.

    `components`: money of the period by name, such as programmes, service, retention, surveys, lost_income.

    >>> crc_kept({"programmes": 900.0, "service": 600.0}, 300).value
    5.0
    """
    return fraction(_sum(components), kept, "customers kept") if components else nothing(NO_COSTS)


@metric("Σ components / E", "money", "operately; PayPro", "Newcomers make it look cheap; crc_kept leaves them out.")
def crc_all(components: Mapping[str, float], at_end: float) -> Figure:
    """Cost of retention per customer at the end, new ones too.

    >>> crc_all({"programmes": 900.0, "service": 600.0}, 500).value
    3.0
    """
    return fraction(_sum(components), at_end, "customers at the end") if components else nothing(NO_COSTS)


def _sum(components: Mapping[str, float]) -> float:
    """All components together; ValueError for one below zero."""
    if wrong := {name: amount for name, amount in components.items() if not amount >= 0}:
        raise ValueError(f"a component of cost is money of 0 or more; came {wrong}")
    return float(sum(components.values()))


@metric(
    "lapsed customers contacted in the period who ordered again in time / lapsed customers contacted",
    "share",
    "Stauss and Friege 1999; *Statistical Methods in CRM* §7.2",
    "Some come back by themselves: compare with a hold-out. Windows that are not over yet do not count.",
)
def winback_rate(regained: float, contacted: float) -> Figure:
    """Share of the lapsed customers contacted in the period who ordered within the window after the contact.

    >>> winback_rate(12, 80).value
    0.15
    """
    return share(regained, contacted, "lapsed customers contacted whose window is over")


@metric(
    "lapsed customers not contacted in the period who ordered in time / lapsed customers not contacted",
    "share",
    "the comparison that winback_rate needs",
    "Not drawn by lot, so no proof either: who is contacted was chosen. A hold-out measures.",
)
def winback_rate_uncontacted(regained: float, lapsed: float) -> Figure:
    """Share of those lapsed at the start and not contacted who ordered within the window from the start on.

    >>> winback_rate_uncontacted(20, 400).value
    0.05
    """
    return share(regained, lapsed, "lapsed customers without a contact whose window is over")


@metric(
    "margin rate * Σ spend in the days from the return on / returns",
    "money",
    "Stauss and Friege 1999 (second lifetime value)",
    "Observed over a set number of days, not for life; returns whose days are not over do not count.",
)
def second_life_value(spend: float, squares: float, returns: float, margin_rate: float) -> Figure:
    """Margin of a customer who came back in the period, over a set number of days from the return on.

    >>> second_life_value(2000.0, 90000.0, 50, 0.25).value
    10.0
    """
    return mean(margin_rate * spend, margin_rate**2 * squares, returns, "returns whose days are over")


@metric(
    "contacted * regain ratio * second-life value - cost",
    "money",
    "Stauss and Friege 1999",
    "With the plain ratio everybody who would have come anyway is counted as earned: give the ratio above controls.",
)
def regain_profit(contacted: float, regain_ratio: Figure, second_life: Figure, cost: float) -> Figure:
    """Margin expected from the regained, less the cost of regaining.

    >>> regain_profit(80, winback_rate(12, 80), Figure(50.0), 200.0).value
    400.0
    """
    if regain_ratio.undefined or second_life.undefined:
        return nothing(regain_ratio.undefined or second_life.undefined)
    value = contacted * regain_ratio.value * second_life.value - cost
    return Figure(value, NAN, contacted)
