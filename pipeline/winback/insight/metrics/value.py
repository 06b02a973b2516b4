"""What customers bring: revenue a head, lifetime value, and what winning one costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import NAN, Figure, Pairs, fraction, mean, nothing, spread

HEAD = "article 4; common"


@metric("revenue / active customers", "money", HEAD, "Active: an order or an event in the period. Not arppu.")
def arpu_active(revenue: float, squares: float, active: float) -> Figure:
    """Revenue per customer who did anything in the period: an order or an event.

    >>> arpu_active(1000.0, 40000.0, 50).value
    20.0
    """
    return mean(revenue, squares, active, "active customers")


@metric("revenue / (S + N + R)", "money", HEAD, "The base of churn_start and more: use it beside churn.")
def arpu_base(revenue: float, squares: float, base: float) -> Figure:
    """Revenue per customer at the start, new or returned in the period, whether he bought or not.

    >>> arpu_base(1000.0, 40000.0, 100).value
    10.0
    """
    return mean(revenue, squares, base, "customers at the start, new or returned")


@metric("revenue / paying customers", "money", HEAD, "Article 4 mixes it with ARPU in one sentence.")
def arppu(revenue: float, squares: float, paying: float) -> Figure:
    """Revenue per customer who paid something in the period.

    >>> arppu(1000.0, 40000.0, 40).value
    25.0
    """
    return mean(revenue, squares, paying, "paying customers")


@metric("revenue / orders", "money", "common", "Returns lower it; they are no orders.")
def average_order_value(revenue: float, orders: float, pairs: Pairs | None = None) -> Figure:
    """Revenue per order of the period.

    >>> average_order_value(1000.0, 80).value
    12.5
    """
    return spread(fraction(revenue, orders, "orders"), pairs)


@metric("orders / buyers", "count", "common")
def orders_per_buyer(orders: float, squares: float, buyers: float) -> Figure:
    """Orders per customer who bought in the period.

    >>> orders_per_buyer(80, 240, 40).value
    2.0
    """
    return mean(orders, squares, buyers, "buyers")


@metric(
    "Σ known acquisition cost / new customers it is known of", "money", "feedbackjar", "Of those with a known cost."
)
def cac_recorded(cost: float, squares: float, known: float) -> Figure:
    """Recorded cost of winning one of the period's new customers.

    >>> cac_recorded(300.0, 3200.0, 30).value
    10.0
    """
    return mean(cost, squares, known, "new customers with a known acquisition cost")


@metric("sales and marketing spend / N", "money", "feedbackjar; Notion template", "Spend comes before customers do.")
def cac_spend(spend: float, new: float) -> Figure:
    """Sales and marketing spend of the period per new customer of the period.

    >>> cac_spend(5000.0, 250).value
    20.0
    """
    return fraction(spend, new, "new customers")


@metric(
    "arpu_base * margin rate / churn_start",
    "money",
    "Notion template; feedbackjar",
    "Infinite, so undefined, where nobody left. clvkit shows it 61 % too high on CDNOW, a fitted model 16 % too low.",
)
def ltv_churn(arpu: Figure, margin_rate: float, churn: Figure) -> Figure:
    """Margin of one customer over a life of 1 / churn periods, each like this one.

    >>> from winback.insight.metrics.churn import churn_start
    >>> ltv_churn(arpu_base(1000.0, 40000.0, 100), 0.5, churn_start(10, 100)).value
    50.0
    """
    return _lived(arpu, margin_rate, churn)


@metric(
    "average_order_value * orders_per_buyer * (1 / churn_start) * margin rate",
    "money",
    "feedbackjar",
    "A life is 1 / churn_start periods, and every one of them is taken to have a purchase: higher than ltv_churn.",
)
def ltv_orders(order_value: Figure, orders: Figure, margin_rate: float, churn: Figure) -> Figure:
    """Margin of one buyer who buys like this period's buyers in each of 1 / churn periods.

    >>> from winback.insight.metrics.churn import churn_start
    >>> ltv_orders(average_order_value(1000.0, 80), orders_per_buyer(80, 240, 40), 0.5, churn_start(25, 100)).value
    50.0
    """
    if order_value.undefined or orders.undefined:
        return order_value if order_value.undefined else orders
    return _lived(Figure(order_value.value * orders.value), margin_rate, churn)


def _lived(income: Figure, margin_rate: float, churn: Figure) -> Figure:
    """Income of a period over 1 / churn periods."""
    if income.undefined or churn.undefined:
        return nothing(income.undefined or churn.undefined)
    if churn.value == 0:
        return nothing("nobody left, so a life has no end")
    return Figure(income.value * margin_rate / churn.value, NAN, churn.value)


@metric(
    "margin rate * Σ expected purchases * expected spend a purchase, discounted / customers",
    "money",
    "Fader, Hardie and Lee 2005; brucehardie.com notes 21 and 25",
    "Of all who ever bought; over the days ahead that are asked for, not for life. `winback metrics` fits MBG/NBD and "
    "gamma-gamma: BG/NBD holds everybody who bought once to be alive. Spend must be positive.",
    "cohort",
)
def ltv_fitted(purchases: ArrayLike, spend: ArrayLike, margin_rate: float, discounts: ArrayLike = 1.0) -> Figure:
    """Mean margin a customer is still expected to bring, by a fitted model of purchases and of spend.

    `purchases`: one row a customer, one column a stretch of time (or one number a customer); `spend`: of a purchase,
    one a customer; `discounts`: what money of each stretch is worth today.

    >>> ltv_fitted([[2.0, 1.0], [0.0, 1.0]], [10.0, 20.0], 0.5, [1.0, 0.5]).value
    8.75
    """
    bought = np.asarray(purchases, dtype=float)
    bought = bought.reshape(len(bought), -1)
    each = margin_rate * (bought * np.asarray(discounts)).sum(axis=1) * np.asarray(spend, dtype=float)
    return mean(float(each.sum()), float((each**2).sum()), len(each), "customers with a fitted value")


UPSIDE_DOWN = "LTV above, CAC below: one page prints it upside down."


@metric("ltv_churn / cac_recorded", "ratio", "common", UPSIDE_DOWN)
def ltv_to_cac(ltv: Figure, cac: Figure) -> Figure:
    """Lifetime value per recorded cost of winning a customer.

    >>> ltv_to_cac(Figure(60.0), Figure(20.0)).value
    3.0
    """
    if ltv.undefined or cac.undefined:
        return nothing(ltv.undefined or cac.undefined)
    return fraction(ltv.value, cac.value, "cost of winning a customer")


@metric("ltv_churn / cac_spend", "ratio", "common", UPSIDE_DOWN)
def ltv_to_cac_spend(ltv: Figure, cac: Figure) -> Figure:
    """Lifetime value per sales and marketing spend on a new customer.

    >>> ltv_to_cac_spend(Figure(60.0), Figure(20.0)).value
    3.0
    """
    return ltv_to_cac(ltv, cac)


@metric("revenue of the top fifth / revenue", "share", "article 1 (Pareto)", "Computed, not taken for 80 %.")
def top_fifth_share(spends: ArrayLike) -> Figure:
    """Share of the revenue that comes from the fifth of the paying customers who spend most.

    Where a fifth is no whole number of customers, the last one counts in part.

    >>> top_fifth_share([80.0, 5.0, 5.0, 5.0, 5.0]).value
    0.8
    """
    paid = np.sort(np.asarray(spends, dtype=float))[::-1]
    paid = paid[paid > 0]
    whole, part = divmod(len(paid) / 5, 1)
    rest = part * paid[int(whole)] if part else 0.0
    told = fraction(float(paid[: int(whole)].sum() + rest), float(paid.sum()), "revenue")
    return replace(told, people=float(len(paid)))
