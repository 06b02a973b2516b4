"""One option a customer, for the largest total net gain within a budget and the room of actions and channels.

Small problems are solved as whole-number programs. Beyond, every resource gets a price (Lagrange's multipliers):
each customer takes what is worth most at the prices, whoever does not fit gives way where that costs least, and
the few who are nearly undecided are settled by a linear program. Any prices bound what can be gained (weak
duality), so that how much may have been missed is known and told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum

import numpy as np

from winback.offers import programs
from winback.offers.options import (
    NONE,
    Best,
    Floats,
    Ints,
    Options,
    Picks,
    Prices,
    Room,
    best,
    bound,
    costs,
    fits,
    gains,
    no_prices,
    some,
    used,
)  # fmt: skip
from winback.offers.prices import prices_of
from winback.offers.programs import Listed, among, listed, only

WHOLE = 4_000  # listed options up to which the whole problem is one whole-number program
NEAR = 3_000  # customers at most who are nearly undecided and settled by a linear program
TRIES = 4  # to have the solver keep to a budget to the last digit, before something is dropped
NEAR_SHARE = 0.2  # of all, at most
NEAREST = 60  # of these, those settled by a whole-number program


@dataclass(frozen=True)
class Allocation:
    """The option of each customer, the prices they were chosen at, and `bound`: no choice could gain more.

    `gap`: (bound - gained) / bound, 0..1. `method`: "free" (there is room for everything), "whole" or "prices".
    """

    picks: Picks
    prices: Prices
    bound: float
    gap: float
    method: str


def allocate(options: Options, room: Room) -> Allocation:
    """The option of each customer that together gain most within the room.

    Counts are whole numbers and money is summed exactly (`math.fsum`), so no limit is passed by rounding.
    """
    free = no_prices(options)
    found = best(options, free)
    if fits(used(options, found.picks), room):
        return _told(options, found.picks, free, fsum(found.worth), "free")
    wanting = np.flatnonzero(found.picks.action != NONE)
    mine = some(options, wanting) if len(wanting) < len(options) else options
    if (options.gain[wanting] > -np.inf).sum() <= WHOLE:
        picks, prices, ceiling, method = *_as_whole(mine, room), "whole"
    else:
        picks, prices, ceiling, method = *_by_prices(mine, room), "prices"
    return _told(options, spread(picks, wanting, len(options)), prices, ceiling, method)


def _told(options: Options, picks: Picks, prices: Prices, ceiling: float, method: str) -> Allocation:
    gained = fsum(gains(options, picks))
    ceiling = max(ceiling, gained)
    return Allocation(picks, prices, ceiling, (ceiling - gained) / ceiling if ceiling else 0.0, method)


def spread(picks: Picks, rows: Ints, count: int) -> Picks:
    """The picks of some of `count` customers as picks of all."""
    action, channel = np.full(count, NONE), np.full(count, NONE)
    action[rows], channel[rows] = picks.action, picks.channel
    return Picks(action, channel)


def _as_whole(options: Options, room: Room) -> tuple[Picks, Prices, float]:
    """The best of all choices, the prices of the relaxed problem, and the bound."""
    those = listed(options, np.arange(len(options)), room)
    _, prices = programs.relaxed(those, room)
    picks, ceiling = _settled(_nothing(len(options)), those, room)
    return picks, prices, min(ceiling, bound(best(options, prices), prices, room))


def _nothing(count: int) -> Picks:
    return Picks(np.full(count, NONE), np.full(count, NONE))


def _settled(picks: Picks, those: Listed, room: Room) -> tuple[Picks, float]:
    """`picks` with the best whole choice among `those` for their customers, and the solver's bound for these.

    The solver allows itself a hair beyond each size; where the exact sum shows it, it is asked again with less.
    """
    those = only(those, those.cost <= room.budget)
    taken, ceiling = programs.whole(those, room)
    less = room.budget
    for _ in range(TRIES):
        over = fsum(those.cost[taken]) - room.budget
        if not over > 0:
            break
        less = max(less - max(2 * over, less * 1e-12), 0.0)
        taken, _ = programs.whole(those, replace(room, budget=less))
    return _with(picks, those, _affordable(those, taken, room.budget)), ceiling


def _affordable(those: Listed, taken: Ints, budget: float) -> Ints:
    """What is taken, without that of the smallest gain for its cost as long as it costs more than the budget."""
    while fsum(those.cost[taken]) > budget:
        paid = np.flatnonzero(those.cost[taken] > 0)
        worst = paid[(those.gain[taken[paid]] / those.cost[taken[paid]]).argmin()]
        taken = np.delete(taken, worst)
    return taken


def _with(picks: Picks, those: Listed, taken: Ints) -> Picks:
    """`picks`, but the customers of `those` get what is taken, or nothing."""
    action, channel = picks.action.copy(), picks.channel.copy()
    action[those.row], channel[those.row] = NONE, NONE
    action[those.row[taken]], channel[those.row[taken]] = those.action[taken], those.channel[taken]
    return Picks(action, channel)


def _by_prices(options: Options, room: Room) -> tuple[Picks, Prices, float]:
    """A choice near the best, its prices, and the bound."""
    prices = prices_of(options, room, np.random.default_rng(0))
    found = best(options, prices, edges=True)
    ceiling = bound(found, prices, room)
    picks = _made_room(options, room, prices, found)
    return _polished(options, room, picks, found, prices), prices, ceiling


def _worth(those: Listed, prices: Prices) -> Floats:
    """The net gain of each listed option less the price of all that it uses."""
    places = prices.actions[those.action] + prices.channels[those.channel]
    worth: Floats = those.gain - prices.money * those.cost - places
    return worth


def _made_room(options: Options, room: Room, prices: Prices, found: Best) -> Picks:
    """The best options at these prices; of those who do not fit the ones who lose least take what comes next."""
    picks = Picks(found.picks.action.copy(), found.picks.channel.copy())
    actions, channels = prices.actions.copy(), prices.channels.copy()
    for _ in range(len(actions) + len(channels)):
        use = used(options, picks)
        over = np.concatenate([use.actions - room.actions, use.channels - room.channels])
        if not (over > 0).any():
            break
        worst = int(over.argmax())
        of, number, closed = (
            (picks.action, worst, actions) if worst < len(actions) else (picks.channel, worst - len(actions), channels)
        )
        users = np.flatnonzero(of == number)
        mine = some(options, users)
        now = _worth(
            among(mine, np.arange(len(users)), Picks(picks.action[users], picks.channel[users])),
            Prices(prices.money, actions, channels),
        )
        closed[number] = np.inf
        other = best(mine, Prices(prices.money, actions, channels))
        leaving = np.argsort(now - other.worth, kind="stable")[: int(np.ceil(over[worst]))]
        picks.action[users[leaving]] = other.picks.action[leaving]
        picks.channel[users[leaving]] = other.picks.channel[leaving]
    return _within_budget(options, picks, room.budget)


def _within_budget(options: Options, picks: Picks, budget: float) -> Picks:
    """The same without those whose net gain is smallest for their cost, so that all cost at most the budget."""
    cost = costs(options, picks)
    while (over := fsum(cost) - budget) > 0:
        paid = np.flatnonzero(cost > 0)
        order = paid[np.argsort(gains(options, picks)[paid] / cost[paid], kind="stable")]
        count = int(np.searchsorted(np.cumsum(cost[order]), over)) + 1
        picks.action[order[:count]], picks.channel[order[:count]], cost[order[:count]] = NONE, NONE, 0.0
    return picks


def _polished(options: Options, room: Room, picks: Picks, found: Best, prices: Prices) -> Picks:
    """`picks`, with those who are nearly undecided settled anew where that gains more."""
    moved = (picks.action != found.picks.action) | (picks.channel != found.picks.channel)
    edge = np.where(moved, 0.0, found.edge)
    count = min(NEAR, max(500, int(NEAR_SHARE * len(options))))
    near = np.sort(np.argsort(edge, kind="stable")[:count])
    those = _close_by(listed(options, near, room), (picks, found, prices), 2 * float(edge[near].max()))
    parts, _ = programs.relaxed(those, _left(options, room, picks, near))
    rounded = _with(picks, those, np.flatnonzero(parts > 1 - 1e-6))
    open_still = np.unique(those.row[(parts > 1e-6) & (parts < 1 - 1e-6)])
    nearest = near[np.argsort(edge[near], kind="stable")[: max(NEAREST - len(open_still), 0)]]
    last = np.unique(np.concatenate([open_still, nearest]))
    mine = only(those, np.isin(those.row, last))
    settled, _ = _settled(rounded, mine, _left(options, room, rounded, last))
    return max(picks, _within_budget(options, settled, room.budget), key=lambda p: fsum(gains(options, p)))


def _close_by(those: Listed, now: tuple[Picks, Best, Prices], band: float) -> Listed:
    """Of the listed options those that are taken now, and those worth little less than their customer's best."""
    picks, found, prices = now
    taken = (picks.action[those.row] == those.action) & (picks.channel[those.row] == those.channel)
    return only(those, taken | (_worth(those, prices) >= found.worth[those.row] - band - 1e-9))


def _left(options: Options, room: Room, picks: Picks, rows: Ints) -> Room:
    """The room that everybody but the customers of these rows leaves."""
    action, channel = picks.action.copy(), picks.channel.copy()
    action[rows], channel[rows] = NONE, NONE
    use = used(options, Picks(action, channel))
    return Room(
        *(np.maximum(size - taken, 0.0) for size, taken in zip(vars(room).values(), vars(use).values(), strict=True))
    )
