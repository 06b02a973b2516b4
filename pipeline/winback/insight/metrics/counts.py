"""The plain counts that the other metrics are made of, as metrics of their own."""

from __future__ import annotations

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure


@metric("S", "count", "all")
def customers_start(people: float) -> Figure:
    """Customers at the start of the period."""
    return Figure(people, people=people)


@metric("E", "count", "all")
def customers_end(people: float) -> Figure:
    """Customers at the end of the period."""
    return Figure(people, people=people)


@metric("N", "count", "all", "In the first months of a log old customers look new.")
def customers_new(people: float) -> Figure:
    """Customers whose first order or subscription ever, as far as the log reaches, was in the period."""
    return Figure(people, people=people)


@metric("R", "count", "all")
def customers_returned(people: float) -> Figure:
    """Customers at the end who were none at the start and had been ones before."""
    return Figure(people, people=people)


@metric("L", "count", "all")
def customers_lost(people: float) -> Figure:
    """Customers at the start who are none at the end."""
    return Figure(people, people=people)


@metric("Σ amounts", "money", "all", "Net: returns and corrections count on the day they were made.")
def revenue(amount: float) -> Figure:
    """Revenue of the period's orders."""
    return Figure(amount)


@metric("recurring revenue a month", "money", "all", "Of all subscriptions running at the end, new ones too.")
def mrr_end(amount: float) -> Figure:
    """Recurring revenue a month at the end of the period."""
    return Figure(amount)
