"""When things happen: instants of renewal processes whose pace changes from day to day.

In operational time, in which the pace is always 1, gaps are drawn once and for all; a day's pace only
says how much of that time passes in it (time rescaling: Brown et al. 2002). A decision that changes the
pace therefore changes when later things happen, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from winback.simulate.chance import Floats, Ints, uniform

_FEWEST = 8


@dataclass(frozen=True)
class Happenings:
    """One value a happening: the row of its customer, its number there, its day, and its operational time."""

    row: Ints
    number: Ints
    day: Ints
    at: Floats


def passed(pace: Floats) -> Floats:
    """Operational time by the beginning of each day (columns), and by the end of the last."""
    total = np.zeros((pace.shape[0], pace.shape[1] + 1))
    np.cumsum(pace, axis=1, out=total[:, 1:])
    return total


def happenings(seed: int, purpose: tuple[str, Ints], stages: Ints, first: Floats, time: Floats) -> Happenings:
    """All that happens to each customer (row of `time`): at operational `first`, then after each gap.

    `purpose` names what happens, and the customers' numbers. Gaps are Erlang with mean 1.
    """
    longest = time[:, -1]
    most = longest + 6 * np.sqrt(longest) + _FEWEST
    size = np.ceil(np.log2(most)).astype(np.int64)
    found = []
    for power in np.unique(size):
        rows = np.flatnonzero(size == power)
        at = _instants(seed, (purpose[0], purpose[1][rows]), stages[rows], first[rows], 2 ** int(power))
        row, number = np.nonzero(at < longest[rows, None])
        found.append((rows[row], number, at[row, number]))
    row, number, at = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((number, row))
    row, number, at = row[order], number[order], at[order]
    return Happenings(row, number, _days(time, row, at), at)


def _instants(seed: int, purpose: tuple[str, Ints], stages: Ints, first: Floats, count: int) -> Floats:
    """Operational times of the first `count` happenings of each customer."""
    name, who = purpose
    numbers = np.arange(count - 1)
    product = np.ones((len(who), count - 1))
    for stage in range(int(stages.max(initial=1))):
        drawn = uniform(seed, name, who[:, None], numbers[None, :], stage)
        product *= np.where(stages[:, None] > stage, drawn, 1.0)
    gaps = -np.log(product) / stages[:, None]
    return np.cumsum(np.column_stack([first, gaps]), axis=1)


def _days(time: Floats, row: Ints, at: Floats) -> Ints:
    """The day in which each operational time lies, found by halving."""
    low, high = np.zeros(len(row), dtype=np.int64), np.full(len(row), time.shape[1] - 2)
    while (low < high).any():
        middle = (low + high) // 2
        later = time[row, middle + 1] <= at
        low, high = np.where(later, middle + 1, low), np.where(later, high, middle)
    return low


def stays_away(stages: Ints, time: Floats) -> Floats:
    """The chance that a gap of Erlang's distribution with mean 1 is longer than an operational time."""
    x = stages * time
    more = np.where(stages > 1, x, 0.0) + np.where(stages > 2, x * x / 2, 0.0)
    return np.asarray(np.exp(-x) * (1 + more), dtype=np.float64)
