"""Why customers leave, what each cause shows of itself before the end, and what a season is not."""

from __future__ import annotations

from dataclasses import dataclass

NONE, OWN_DOING = "none", "driven_away"
PAUSE = "seasonal_pause"
GONE = 0.02  # of the old rate of buying is left after the end: some come by once more
PAUSED = 0.02  # of the rate during a seasonal pause


@dataclass(frozen=True)
class Cause:
    """A cause of leaving. Shares and factors are those at the end of the fading, or of all of it.

    `a_year`: how often it strikes an average customer. `fades_days`: from its beginning to the last order,
    times 0.6 or 1.5 by customer. `traced`: share of the struck who show anything beside fewer orders.
    `interest`: what is left of visits and opened e-mails, reached within `cools_days`, before orders have
    faded. `on_offer`: share of the orders at full price that are now made on offer. `basket`: factor of
    the amount. `narrows`: buys from its first category only. `tickets`: topics of the complaints,
    `waits_days` the mean wait for an answer, `csat` what is thought of it. `returns`: share of the last
    orders sent back. `nps`: points lost.
    """

    name: str
    a_year: float
    fades_days: float
    traced: float
    interest: float = 1.0
    cools_days: float = 10.0
    on_offer: float = 0.0
    basket: float = 1.0
    narrows: float = 0.0
    tickets: tuple[str, ...] = ()
    waits_days: float = 1.0
    csat: float = 4.3
    returns: float = 0.0
    nps: float = 0.0
    declined: bool = False
    unsubscribes: float = 0.0


CAUSES: tuple[Cause, ...] = (
    Cause("price_pressure", 0.11, 110, 0.90, on_offer=0.75, basket=0.80, nps=1.5),
    Cause("service_failure", 0.08, 45, 0.95, tickets=("service", "invoice"), waits_days=9, csat=1.7, nps=4.0),
    Cause(
        "product_trouble", 0.09, 55, 0.95, tickets=("delivery", "quality"), waits_days=3, csat=2.4, returns=0.6, nps=3
    ),
    Cause("novelty_gone", 0.09, 100, 0.85, interest=0.35, cools_days=20, narrows=0.85, nps=1.0),
    Cause("payment_failure", 0.03, 15, 1.00, declined=True),
    Cause("competitor", 0.08, 60, 0.60, interest=0.20, cools_days=8, basket=0.70, nps=1.5, unsubscribes=0.35),
    Cause("natural_end", 0.06, 45, 0.25, interest=0.50, cools_days=15),
)
NAMES = tuple(cause.name for cause in CAUSES)
PAYMENT, NATURAL = NAMES.index("payment_failure"), NAMES.index("natural_end")
CARD_YEARS, CARD_FAILS = 3, 0.07  # a card lasts so long; of those whose card ends so many never mend it
SPEEDS = (0.6, 1.5)  # each customer fades at one of these times `fades_days`, both alike often
