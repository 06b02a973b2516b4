"""Revenue kept and lost over the same customers.

Of subscribers: recurring revenue a month at start and end, of those who had any at the start; growth is expansion, a
fall contraction, an end churn. Of buyers: what those who bought in the period before spent then and now.
"""

from __future__ import annotations

from winback.insight.metrics.definitions import metric
from winback.insight.metrics.figure import Figure, Pairs, ratio

STANDARD = "Notion template; Gold, *Fighting Churn with Data*, chapter 2"
BASE = "recurring revenue at the start"


@metric(
    "(start + expansion - contraction - churn) / start",
    "share",
    STANDARD,
    "New and returned subscribers do not count. Above 100 % where expansion outweighs what is lost.",
)
def nrr(pairs: Pairs) -> Figure:
    """Recurring revenue at the end from those who had any at the start, per recurring revenue at the start.

    >>> nrr(Pairs(3, 95.0, 100.0, 4025.0, 3900.0, 3800.0)).value
    0.95
    """
    return ratio(pairs, BASE)


@metric("(start - contraction - churn) / start", "share", STANDARD, "Expansion does not count: never above 100 %.")
def grr(pairs: Pairs) -> Figure:
    """Recurring revenue kept, without expansion, per recurring revenue at the start; a of the pairs is min(end, start).

    >>> grr(Pairs(2, 80.0, 100.0, 3400.0, 3900.0, 5000.0)).value
    0.8
    """
    return ratio(pairs, BASE)


@metric("churn / start", "share", STANDARD, "Contraction does not count; see revenue_churn_gross.")
def revenue_churn(pairs: Pairs) -> Figure:
    """Recurring revenue of those who ended their subscription, per recurring revenue at the start.

    >>> revenue_churn(Pairs(2, 10.0, 100.0, 100.0, 100.0, 8200.0)).value
    0.1
    """
    return ratio(pairs, BASE)


@metric("(contraction + churn) / start", "share", STANDARD, "1 - grr.")
def revenue_churn_gross(pairs: Pairs) -> Figure:
    """Recurring revenue lost by ends and by smaller plans, per recurring revenue at the start.

    >>> revenue_churn_gross(Pairs(2, 20.0, 100.0, 200.0, 1000.0, 5200.0)).value
    0.2
    """
    return ratio(pairs, BASE)


@metric(
    "spent now / spent in the period before, of those who bought then",
    "share",
    "nrr for shops without subscriptions",
    "Seasons move it: compare with the same period of another year. Whoever pauses a period counts as lost in it.",
)
def revenue_retention_orders(pairs: Pairs) -> Figure:
    """What the buyers of the period before spent in this one, per what they spent then.

    >>> revenue_retention_orders(Pairs(2, 60.0, 80.0, 3600.0, 3000.0, 3400.0)).value
    0.75
    """
    return ratio(pairs, "revenue in the period before")
