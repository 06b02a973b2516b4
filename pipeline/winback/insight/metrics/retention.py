"""Customer retention of a period: who was a customer at its start and still is one at its end.

S, E: customers at start and end; N: new in the period; K: of S still there at the end (by ids); R: at the end, not
at the start, and not new, so returned.
"""

from __future__ import annotations

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure, Pairs, fraction, share, spread

AT_START = "customers at the start"
PUBLISHED = "articles 1 and 2; Paddle; MoEngage"


@metric("K / S", "share", PUBLISHED, "A customer who left before the period and came back in it is in neither K nor S.")
def crr_ids(kept: float, at_start: float) -> Figure:
    """Share of the customers at the start who are customers at the end, counted one by one.

    >>> crr_ids(350, 500).value
    0.7
    """
    return share(kept, at_start, AT_START)


@metric(
    "(E - N) / S",
    "share",
    PUBLISHED,
    "Whoever returned in the period counts as kept, so it may exceed 100 %. Three totals alone have no interval; over "
    "the facts it is that of a ratio. MoEngage prints the formula without its brackets.",
)
def crr_totals(at_end: float, new: float, at_start: float, pairs: Pairs | None = None) -> Figure:
    """Customers at the end less the new ones, per customer at the start: the published formula, from three totals.

    `pairs`: of each customer a = at the end less new (-1, 0 or 1) and b = at the start, for the interval.

    >>> crr_totals(450, 100, 500).value, crr_totals(210, 30, 200).value
    (0.7, 0.9)
    """
    return spread(fraction(at_end - new, at_start, AT_START), pairs)


@metric("R / (customers once, not at the start)", "share", "common", "The base is everybody ever lost: it grows.")
def return_rate(returned: float, away: float) -> Figure:
    """Share of those who once were customers and were none at the start who are customers at the end.

    >>> return_rate(12, 240).value
    0.05
    """
    return share(returned, away, "former customers at the start")
