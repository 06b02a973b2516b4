"""Why a customer is left alone: the first cause that holds, in one order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from winback.offers.options import NONE, Bools, Options, Picks, Prices, best, no_prices

# What concerns the customer comes before what concerns our actions, and these before what concerns our means.
CAUSES = (
    "would_stay_anyway",  # he is not at risk
    "held_out",  # left alone to measure what the others' actions bring
    "no_consent",  # he may not be profiled, or reached by any channel of the actions that answer his reasons
    "contacted_recently",  # all of these must wait: a cooldown, or a cap on contacts in so many days
    "cannot_be_moved",  # no action answers any of his reasons
    "sleeping_dog",  # every action that does is expected to drive him away
    "not_eligible",  # the others are not for him: his stage, a condition, what he had too often, payment repair only
    "not_worth_the_cost",  # the best net gain is not above the least that is worth the effort
    "over_budget",  # it was worth it, but others brought more for the money
    "over_capacity",  # it was worth it and the money, but others brought more for the places
    "awaiting_approval",  # it is kept for him, but a person must release the action first
)


@dataclass(frozen=True)
class Sieve:
    """Which actions (columns) pass each test for each customer at risk (rows)."""

    answers: Bools
    permitted: Bools
    rested: Bools
    harmless: Bools
    eligible: Bools
    worth: Bools

    @property
    def on_offer(self) -> Bools:
        """Whether an action may be done for a customer."""
        passed: Bools = self.answers & self.permitted & self.rested & self.harmless & self.eligible & self.worth
        return passed


def causes(sieve: Sieve, held_out: Bools, picks: Picks, dear: Bools) -> list[str]:
    """The cause of each customer at risk; "" where something is done. `dear`: whether money alone stood in the way.

    The tests are made one after the other; the first that leaves no action is the cause. Where no action answers
    the reasons, all actions are tested, so that whoever may not be reached is told as such.
    """
    answered: Bools = np.asarray(sieve.answers.any(axis=1))
    left: Bools = sieve.answers | ~answered[:, None]
    conditions = [picks.action != NONE, held_out]
    for test in (sieve.permitted, sieve.rested):
        left = left & test
        conditions.append(~left.any(axis=1))
    conditions.append(~answered)
    for test in (sieve.harmless, sieve.eligible, sieve.worth):
        left = left & test
        conditions.append(~left.any(axis=1))
    return [str(c) for c in np.select([*conditions, dear], ["", *CAUSES[1:9]], default=CAUSES[9])]


def too_dear(options: Options, prices: Prices, unlimited: bool) -> Bools:
    """Whether no option of a customer is worth the price of its money, places aside; of nobody if it is `unlimited`."""
    if unlimited:
        return np.zeros(len(options), dtype=bool)
    money = replace(no_prices(options), money=prices.money)
    return np.asarray(best(options, money).picks.action == NONE, dtype=bool)
