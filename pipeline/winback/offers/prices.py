"""What the last unit of each resource is worth: the prices at which nobody could gain more in all.

The bound of `options.bound` is convex in the prices, and how far the use at some prices is from the room is its
slope. Each look at all customers gives one plane below it; the lowest point of the planes so far, in a box around
the best prices so far, is where to look next (the boxstep method: Marsten, Hogan, Blankenship 1975). What the
planes allow at most to be gained there says when to stop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from winback.offers.options import Floats, Options, Prices, Room, best, bound, no_prices, some, used

FIRST = 4_000  # customers of the first sample
FEWER = 8  # each sample has so many times fewer customers than what it is drawn from
LOOKS = 200  # at most, at a sample; the number at all the customers is a quarter of it
PLANES = 120
CLOSE = 1e-4  # of the bound: what is left to be won when the search ends


@dataclass(frozen=True)
class _Look:
    """The bound at some prices (of the resources that end) and its slope there."""

    at: Floats
    height: float
    slope: Floats


def prices_of(options: Options, room: Room, chance: np.random.Generator) -> Prices:
    """The prices at which `bound` is near its lowest: first those of a sample, then mended on all."""
    if len(options) <= FIRST:
        return _lowered(options, room, no_prices(options), (LOOKS, 0.5))
    rows = np.sort(chance.choice(len(options), max(len(options) // FEWER, FIRST), replace=False))
    share = len(rows) / len(options)
    less = Room(room.budget * share, room.actions * share, room.channels * share)
    return _lowered(options, room, prices_of(some(options, rows), less, chance), (LOOKS // 4, 0.05))


def _lowered(options: Options, room: Room, start: Prices, search: tuple[int, float]) -> Prices:
    """The prices of the lowest bound found in so many looks; the box reaches so far around the prices at first."""
    looks, reach = search
    sizes = np.array([room.budget, *room.actions, *room.channels])
    ends = np.isfinite(sizes)
    here = _look(options, room, _flat(start)[ends], ends)
    # Where a price is still unknown, its place would take a part of what the resource may bring at most.
    scale = np.maximum(here.at, 0.05 * here.height / np.maximum(sizes[ends], 1.0))
    seen = [here]
    for _ in range(looks):
        if not here.height > 0:
            break
        goal, depth, cut_off = _lowest(seen, here, reach * scale)
        hoped = here.height - depth
        if hoped <= CLOSE * here.height:
            if not cut_off or reach > 8:
                break
            reach *= 3
            continue
        there = _look(options, room, goal, ends)
        seen = [*seen[-PLANES:], there]
        won = (here.height - there.height) / hoped
        reach *= 1.5 if won >= 0.6 else 1.0 if won >= 0.2 else 0.7
        if won >= 0.2:
            here, scale = there, np.maximum(there.at, 0.5 * scale)
    return _priced(here.at, ends, len(room.actions))


def _look(options: Options, room: Room, at: Floats, ends: np.ndarray) -> _Look:
    """The bound and its slope at these prices."""
    prices = _priced(at, ends, len(room.actions))
    found = best(options, prices)
    use = used(options, found.picks, exactly=False)
    taken, size = (np.array([r.budget, *r.actions, *r.channels])[ends] for r in (use, room))
    return _Look(at, bound(found, prices, room), size - taken)


def _lowest(seen: list[_Look], here: _Look, box: Floats) -> tuple[Floats, float, bool]:
    """Where the planes are lowest within the box around `here`, how low, and whether a side of the box stops them."""
    slopes = np.array([look.slope for look in seen])
    known = np.array([look.slope @ look.at - look.height for look in seen]) / here.height
    least, most = np.maximum(here.at - box, 0.0), here.at + box
    aim = np.append(np.zeros(len(box)), 1.0)
    planes = np.column_stack([slopes / here.height, -np.ones(len(seen))])
    sides = [*zip(least, most, strict=True), (None, None)]
    found = linprog(aim, A_ub=planes, b_ub=known, bounds=sides, method="highs-ds")
    if found.status != 0:  # numerically stuck: stay where we are, which is a valid answer
        return here.at, here.height, False
    goal = np.clip(found.x[:-1], least, most)
    stopped = (goal >= most - 1e-9 * box) | ((goal <= least + 1e-9 * box) & (least > 0))
    return goal, float(found.x[-1]) * here.height, bool(stopped.any())


def _flat(prices: Prices) -> Floats:
    return np.array([prices.money, *prices.actions, *prices.channels])


def _priced(at: Floats, ends: np.ndarray, actions: int) -> Prices:
    """Prices of all resources; those without end cost nothing."""
    every = np.zeros(len(ends))
    every[ends] = at
    return Prices(float(every[0]), every[1 : 1 + actions], every[1 + actions :])
