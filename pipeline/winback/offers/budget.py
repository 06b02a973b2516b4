"""The best use of a limited budget: at most one option a row, for the largest total gain.

The problem is the multiple-choice knapsack. Its relaxation, in which a row may take part of an option,
is solved exactly: each row's efficient options become steps of falling gain per cost, all steps are
sorted together, and as many are taken as the budget allows. At most one row is left with part of a
step. Either it gives that step back, or it takes it whole and the least efficient rows make room; what
is left of the budget is filled with what still fits, and the better of the two is kept. So the total
lies within one step's gain of the optimum, which the relaxation's total bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True)
class Choice:
    """The option of each row (NONE: no option), and what the budget did to the whole.

    `price`: gain that one more unit of budget would bring (0 when the budget does not bind).
    `bound`: no choice within the budget can reach a larger total gain.
    """

    option: Ints
    price: float
    bound: float


@dataclass(frozen=True)
class _Steps:
    """One row of these arrays is one step of a row to a better, dearer option; best steps first."""

    row: Ints
    option: Ints
    cost: Floats
    gain: Floats
    slope: Floats


def choose(gain: Floats, cost: Floats, budget: float | None) -> Choice:
    """The option of each row that brings the largest total gain at a total cost of at most `budget`.

    `gain` and `cost` have a row each and a column an option; `cost >= 0`; an option is considered only
    where its gain is above 0 (write -inf where it is not on offer). Equal gains go to the first option.
    """
    option = best(gain)
    if budget is None or _total(cost, option) <= budget:
        total = _total(gain, option)
        return Choice(option, 0.0, total)
    steps = _steps(gain, cost)
    spent = np.cumsum(steps.cost)
    count = int(np.searchsorted(spent, budget, side="right"))
    # All steps may fit although `best` does not: among equal gains it takes the first, not the cheapest.
    price = float(steps.slope[count]) if count < len(spent) else 0.0
    left = budget - (float(spent[count - 1]) if count else 0.0)
    bound = float(steps.gain[:count].sum()) + left * price
    option = np.full(len(gain), NONE)
    option[steps.row[:count]] = steps.option[:count]
    starts = [option]
    if count < len(spent):  # the step that did not fit may be worth more than what it would push out
        pushed = option.copy()
        pushed[steps.row[count]] = steps.option[count]
        starts.append(_within(gain, cost, pushed, budget, keep=int(steps.row[count])))
    options = [_within(gain, cost, _filled(gain, cost, start, budget), budget) for start in starts]
    option = max(options, key=lambda option: _total(gain, option))
    return Choice(option, price, max(bound, _total(gain, option)))


def best(gain: Floats) -> Ints:
    """The option of the largest gain above 0 of each row, the first among equals, or NONE."""
    if not gain.size:
        return np.full(len(gain), NONE)
    option = gain.argmax(axis=1)
    return np.where(np.take_along_axis(gain, option[:, None], axis=1)[:, 0] > 0, option, NONE)


def _steps(gain: Floats, cost: Floats) -> _Steps:
    """All rows' steps along their efficient options, from the largest gain per cost to the smallest."""
    rows = np.arange(len(gain))
    at_gain, at_cost, limit = np.zeros(len(gain)), np.zeros(len(gain)), np.full(len(gain), np.inf)
    found: list[tuple[Ints, Ints, Floats, Floats, Floats]] = []
    while len(rows):
        more_gain, more_cost = gain[rows] - at_gain[:, None], cost[rows] - at_cost[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(more_cost > 0, more_gain / more_cost, np.inf)
        slope[~(more_gain > 0)] = -np.inf
        option = slope.argmax(axis=1)
        here = np.arange(len(rows)), option
        live = slope[here] > -np.inf
        # Rounding must not let a row's second step overtake its first.
        limit = np.minimum(limit, slope[here])[live]
        rows, option = rows[live], option[live]
        found.append((rows, option, more_cost[here][live], more_gain[here][live], limit))
        at_gain, at_cost = gain[rows, option], cost[rows, option]
    row, option, extra_cost, extra_gain, slopes = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(-slopes, kind="stable")
    return _Steps(row[order], option[order], extra_cost[order], extra_gain[order], slopes[order])


def _filled(gain: Floats, cost: Floats, option: Ints, budget: float) -> Ints:
    """`option`, improved row by row with what is left of the budget, best gain per cost first."""
    option = option.copy()
    row, column = np.nonzero(gain > 0)
    left = budget - _total(cost, option)
    while True:
        more_gain = gain[row, column] - _taken(gain, option)[row]
        more_cost = cost[row, column] - _taken(cost, option)[row]
        # What does not fit now never will: a dearer choice of its row uses up as much as it saves.
        fits = (more_gain > 0) & (more_cost <= left)
        row, column, more_gain, more_cost = row[fits], column[fits], more_gain[fits], more_cost[fits]
        if not len(row):
            return option
        with np.errstate(divide="ignore"):
            slope = np.where(more_cost > 0, more_gain / more_cost, np.inf)
        order = np.argsort(-slope, kind="stable")
        order = order[np.sort(np.unique(row[order], return_index=True)[1])]
        order = order[: max(1, int(np.searchsorted(np.cumsum(more_cost[order]), left, side="right")))]
        option[row[order]] = column[order]
        left = budget - _total(cost, option)


def _within(gain: Floats, cost: Floats, option: Ints, budget: float, keep: int = NONE) -> Ints:
    """`option` without its least efficient rows, `keep` the last to go, so that it costs at most `budget`."""
    option = option.copy()
    while _total(cost, option) > budget:
        paid = np.flatnonzero(_taken(cost, option) > 0)
        slope = _taken(gain, option)[paid] / _taken(cost, option)[paid]
        option[paid[np.where(paid == keep, np.inf, slope).argmin()]] = NONE
    return option


def _taken(values: Floats, option: Ints) -> Floats:
    """The value of each row's option; 0 for NONE."""
    picked = np.take_along_axis(values, np.maximum(option, 0)[:, None], axis=1)[:, 0]
    return np.where(option == NONE, 0.0, picked)


def _total(values: Floats, option: Ints) -> float:
    """The exact sum of the values of all rows' options, rounded once."""
    return fsum(_taken(values, option)) if values.size else 0.0
