"""How far a figure may be off by luck: the bootstrap over customers.

Customers are drawn with all their rows, at whichever cutoffs: rows of one customer resemble each other, and drawing
rows one by one would call the figures surer than they are (Efron and Tibshirani 1993, chapter 8; Field and Welsh,
Journal of the Royal Statistical Society B 69 (3), 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.risk.ranked import Flags, Floats, Ints, Ranked, ranked

LEVEL = 0.95
CELLS = 1_000_000  # samples x rows at a time: what fits the caches serves faster than what fits the memory
Figure = Callable[[Ranked], Floats]


@dataclass(frozen=True)
class Draws:
    """Samples of customers: `times[s, c]` says how often sample s holds customer c, `customer` whose each row is."""

    customer: Ints
    times: NDArray[np.int32]

    def of(self, rows: Flags | Ints) -> Draws:
        """The same samples for some of the rows."""
        return Draws(self.customer[rows], self.times)

    def weights(self) -> Iterator[NDArray[np.int32]]:
        """How often each sample holds each row, some samples at a time."""
        step = max(1, CELLS // max(1, len(self.customer)))
        for first in range(0, len(self.times), step):
            yield self.times[first : first + step, self.customer]


def draws(customers: pd.Series, samples: int, seed: int = 0) -> Draws:
    """As many samples of as many customers as there are; the order of the rows does not matter."""
    codes, known = pd.factorize(customers, sort=True)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(known), (samples, len(known)))
    times = np.stack([np.bincount(sample, minlength=len(known)) for sample in chosen]).astype(np.int32)
    return Draws(codes.astype(np.int64), times)


def drawn(churned: Flags, chance: Floats, figures: Mapping[str, Figure], among: Draws) -> dict[str, Floats]:
    """Each figure in each sample."""
    counted = (ranked(churned, chance, weights) for weights in among.weights())
    found = [{name: figure(counts) for name, figure in figures.items()} for counts in counted]
    return {name: np.concatenate([part[name] for part in found]) for name in figures}


def measured(churned: Flags, chance: Floats, figures: Mapping[str, Figure], among: Draws) -> dict[str, dict[str, Any]]:
    """Each figure of these rows with its interval."""
    counts = ranked(churned, chance)
    samples = drawn(churned, chance, figures, among)
    return {name: interval(float(figure(counts)[0]), samples[name]) for name, figure in figures.items()}


def interval(value: float, samples: Floats) -> dict[str, float | None]:
    """A figure and the middle 95 % of its samples, as plain values; None for what cannot be told."""
    known = samples[np.isfinite(samples)]
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(known) else (np.nan, np.nan)
    told = {"value": float(value), "low": float(low), "high": float(high)}
    return {name: number if np.isfinite(number) else None for name, number in told.items()}
