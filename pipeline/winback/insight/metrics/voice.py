"""What customers say when asked, and how often they come with a question."""

from __future__ import annotations

import math

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure, Pairs, Z, fraction, mean, share, spread

ANSWERS = "answers"


@metric(
    "(promoters 9-10 - detractors 0-6) / answers * 100",
    "points",
    "feedbackjar; contactlists",
    "From -100 to 100. Those who answer 7 or 8 count in the base. Article 4's '60 large, 40 small' has no source.",
)
def nps(promoters: float, detractors: float, answers: float) -> Figure:
    """Net promoter score: promoters less detractors in a hundred answers.

    The interval is Wald's with three answers added (3/4, 3/2 and 3/4): it holds for few answers and for extreme
    scores (Rocks, "Interval estimation for the Net Promoter Score", The American Statistician 70 (4), 2016). Where
    very few answers agree, it is stretched to the score itself.

    >>> nps(60, 20, 100).value
    40.0
    """
    plain = fraction(promoters - detractors, answers, ANSWERS)
    if plain.undefined:
        return plain
    n = answers + 3
    p, d = (promoters + 0.75) / n, (detractors + 0.75) / n
    half = Z * math.sqrt((p + d - (p - d) ** 2) / n)
    low, high = max(-1.0, min(plain.value, p - d - half)), min(1.0, max(plain.value, p - d + half))
    return Figure(100 * plain.value, plain.numerator, answers, 100 * low, 100 * high, "adjusted Wald", people=answers)


@metric("answers 4-5 / answers", "share", "feedbackjar; article 4", "Other firms report the mean: csat_mean.")
def csat_top2(satisfied: float, answers: float) -> Figure:
    """Share of the answers on satisfaction that are 4 or 5 of 5.

    >>> csat_top2(80, 100).value
    0.8
    """
    return share(satisfied, answers, ANSWERS)


@metric("mean answer, 1-5", "score", "other firms' csat", "Not csat_top2; the two need not move together.")
def csat_mean(total: float, squares: float, answers: float) -> Figure:
    """Mean answer on satisfaction, from 1 to 5.

    >>> csat_mean(400, 1700, 100).value
    4.0
    """
    return mean(total, squares, answers, ANSWERS)


@metric("tickets answered 4-5 / tickets answered", "share", "feedbackjar; article 4", "Asked after a ticket only.")
def csat_tickets(satisfied: float, answers: float) -> Figure:
    """Share of the tickets with an answer on satisfaction where it is 4 or 5 of 5.

    >>> csat_tickets(30, 40).value
    0.75
    """
    return share(satisfied, answers, "tickets with an answer")


@metric("mean answer, 1-7", "score", "feedbackjar", "Some ask so that a low answer is the good one: know which.")
def ces(total: float, squares: float, answers: float) -> Figure:
    """Customer effort score: mean answer, from 1 to 7, on how easy it was.

    >>> ces(500, 2600, 100).value
    5.0
    """
    return mean(total, squares, answers, ANSWERS)


@metric("tickets / active customers", "ratio", "article 4", "Active: an order or an event in the period.")
def contact_rate_customers(tickets: float, active: float, pairs: Pairs | None = None) -> Figure:
    """Tickets opened in the period per active customer.

    >>> contact_rate_customers(12, 240).value
    0.05
    """
    return spread(fraction(tickets, active, "active customers"), pairs)


@metric("tickets / orders", "ratio", "article 4", "Not contact_rate_customers: say which.")
def contact_rate_orders(tickets: float, orders: float, pairs: Pairs | None = None) -> Figure:
    """Tickets opened in the period per order of the period.

    >>> contact_rate_orders(12, 480).value
    0.025
    """
    return spread(fraction(tickets, orders, "orders"), pairs)
