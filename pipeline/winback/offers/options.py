"""What may be done for each customer, what there is room for, and each customer's best option at given prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NONE = -1
CHUNK_ROWS = 4_096  # so that a chunk's numbers stay near the processor


@dataclass(frozen=True)
class Options:
    """A row a customer, a column an action; an option is an action by one of its channels.

    `gain`: net gain before the contact is paid, -inf where the action is not on offer. `cost` >= 0: expected
    cost of the incentive. `contact` >= 0: cost of a contact, a row an action and a column a channel, inf where
    the action has no such channel. `reach`: whether a customer may be reached by a channel. `least`: an option
    is taken only for a net gain above this (>= 0).
    """

    gain: Floats
    cost: Floats
    contact: Floats
    reach: Bools
    least: float = 0.0

    def __len__(self) -> int:
        """The number of customers."""
        return len(self.gain)


@dataclass(frozen=True)
class Room:
    """What may be used up in all: expected cost, customers an action, customers a channel; inf is without end."""

    budget: float
    actions: Floats
    channels: Floats


@dataclass(frozen=True)
class Prices:
    """What one more unit would bring in net gain: of money, of the places of an action, of those of a channel."""

    money: float
    actions: Floats
    channels: Floats


@dataclass(frozen=True)
class Picks:
    """One option a customer: the numbers of its action and of its channel; NONE for both where nothing is done."""

    action: Ints
    channel: Ints


@dataclass(frozen=True)
class Best:
    """The best option of each customer at some prices.

    `worth`: its net gain less the price of all that it uses; 0 where nothing is worth more than 0, and nothing
    is done then. `edge` >= 0: how much worth is lost with what comes next: another channel or action, or nothing;
    where nothing is best, how much any option falls short of it.
    """

    picks: Picks
    worth: Floats
    edge: Floats


def no_prices(options: Options) -> Prices:
    """Everything for nothing."""
    return Prices(0.0, *(np.zeros(size) for size in options.contact.shape))


def some(options: Options, rows: Ints) -> Options:
    """The options of these customers."""
    return Options(options.gain[rows], options.cost[rows], options.contact, options.reach[rows], options.least)


def best(options: Options, prices: Prices, edges: bool = False) -> Best:
    """Each customer's best option; among equals that of the first action, and of its channels the first.

    The edges are left at 0 unless they are asked for.
    """
    pattern, patterns = patterns_of(options.reach)
    channel, toll, more = _tolls(options.contact, prices, patterns)
    action = np.full(len(options), NONE)
    worth, following = np.zeros(len(options)), np.zeros(len(options))
    for rows in chunks(len(options)):
        value = options.gain[rows] - toll[pattern[rows]]
        if prices.money:
            value -= prices.money * options.cost[rows]
        here = np.arange(len(value)), value.argmax(axis=1)
        worth[rows], action[rows] = value[here], here[1]
        if edges:
            value[here] = -np.inf
            following[rows] = value.max(axis=1)
    taken = worth > 0
    edge = np.zeros(len(options))
    if edges:
        edge = np.where(taken, np.minimum(worth - np.maximum(following, 0.0), more[pattern, action]), -worth)
    picks = Picks(np.where(taken, action, NONE), np.where(taken, channel[pattern, action], NONE))
    return _above_least(options, prices, Best(picks, np.where(taken, worth, 0.0), edge))


def _tolls(contact: Floats, prices: Prices, patterns: Bools) -> tuple[Ints, Floats, Floats]:
    """For each pattern of reach (row) and action (column) the cheapest channel at these prices.

    And what it costs, the action's own price with it, and how much more the next channel does.
    """
    each = contact * (1 + prices.money) + prices.channels
    there = np.where(patterns[:, None, :], each[None, :, :], np.inf)
    channel = there.argmin(axis=2)
    least, following = np.sort(np.dstack([there, np.full(there.shape[:2], np.inf)]), axis=2)[:, :, :2].transpose(
        2, 0, 1
    )
    more = np.where(np.isfinite(following), following, np.inf) - np.where(np.isfinite(least), least, 0.0)
    return channel, least + prices.actions, more


def _above_least(options: Options, prices: Prices, found: Best) -> Best:
    """The same, where a dearer channel with more room has brought somebody's net gain down to the least or below it."""
    low = np.flatnonzero((found.picks.action != NONE) & ~(gains(options, found.picks) > options.least))
    if not len(low):
        return found
    mine = some(options, low)
    net = np.where(mine.reach[:, None, :], mine.gain[:, :, None] - mine.contact, -np.inf)
    paid = prices.money * (mine.cost[:, :, None] + np.where(np.isfinite(mine.contact), mine.contact, 0.0))
    value = np.where(net > options.least, net - paid - prices.actions[:, None] - prices.channels, -np.inf)
    flat = value.reshape(len(low), -1)
    place = flat.argmax(axis=1)
    worth = np.maximum(flat[np.arange(len(low)), place], 0.0)
    picks = Picks(found.picks.action.copy(), found.picks.channel.copy())
    picks.action[low] = np.where(worth > 0, place // options.contact.shape[1], NONE)
    picks.channel[low] = np.where(worth > 0, place % options.contact.shape[1], NONE)
    found.worth[low] = worth
    return Best(picks, found.worth, found.edge)


def patterns_of(reach: Bools) -> tuple[Ints, Bools]:
    """The number of each customer's pattern of channels, and all patterns that there can be."""
    count = reach.shape[1]
    code = np.zeros(len(reach), dtype=np.int64)
    for channel in range(count):
        code += reach[:, channel].astype(np.int64) << channel
    return code, (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(bool)


def chunks(count: int) -> Iterator[slice]:
    """The rows, some at a time."""
    return (slice(first, min(first + CHUNK_ROWS, count)) for first in range(0, count, CHUNK_ROWS))


def gains(options: Options, picks: Picks) -> Floats:
    """The net gain of each customer's option; 0 where nothing is done."""
    return _of(options, picks, options.gain, -1.0)


def costs(options: Options, picks: Picks) -> Floats:
    """The expected cost of each customer's option; 0 where nothing is done."""
    return _of(options, picks, options.cost, 1.0)


def _of(options: Options, picks: Picks, values: Floats, sign: float) -> Floats:
    told = np.zeros(len(options))
    rows = np.flatnonzero(picks.action != NONE)
    action = picks.action[rows]
    told[rows] = values[rows, action] + sign * options.contact[action, picks.channel[rows]]
    return told


def used(options: Options, picks: Picks, exactly: bool = True) -> Room:
    """What these options use up in all; money, where it is asked for `exactly`, as an exact sum, rounded once."""
    actions, channels = options.contact.shape
    taken = picks.action != NONE
    by_action = np.bincount(picks.action[taken], minlength=actions).astype(np.float64)
    by_channel = np.bincount(picks.channel[taken], minlength=channels).astype(np.float64)
    cost = costs(options, picks)
    return Room(fsum(cost) if exactly else float(cost.sum()), by_action, by_channel)


def fits(use: Room, room: Room) -> bool:
    """Whether there is room for all of it."""
    counts = (use.actions <= room.actions).all() and (use.channels <= room.channels).all()
    return bool(use.budget <= room.budget and counts)


def bound(found: Best, prices: Prices, room: Room) -> float:
    """No choice within the room can gain more than this, whatever the prices (weak duality)."""
    parts = zip(
        (prices.money, *prices.actions, *prices.channels), (room.budget, *room.actions, *room.channels), strict=True
    )
    return float(found.worth.sum()) + fsum(price * size for price, size in parts if price)
