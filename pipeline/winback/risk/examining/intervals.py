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

from winback.risk.examining.ranked import Flags, Floats, Ints, Ranked, ranked

LEVEL = 0.95
MOST_CUSTOMERS = 10_000
CELLS = 1_000_000  # samples x rows at a time: what fits the caches serves faster than what fits the memory
Figure = Callable[[Ranked], Floats]


@dataclass(frozen=True)
class Draws:
    """Samples of customers: `times[s, c]` says how often sample s holds customer c, `customer` whose each row is.

    Of very many customers some are left out (-1); `narrow` is then by how much the others alone would
    scatter too widely.
    """

    customer: Ints
    times: NDArray[np.int32]
    narrow: float = 1.0

    @property
    def taken(self) -> Flags:
        """Whether each row's customer is among those drawn from."""
        return self.customer >= 0

    def of(self, rows: Flags | Ints) -> Draws:
        """The same samples for some of the rows."""
        return Draws(self.customer[rows], self.times, self.narrow)

    def weights(self) -> Iterator[NDArray[np.int32]]:
        """How often each sample holds each of the taken rows, some samples at a time."""
        customer = self.customer[self.taken]
        step = max(1, CELLS // max(1, len(customer)))
        for first in range(0, len(self.times), step):
            yield self.times[first : first + step, customer]

    def interval(self, value: float, samples: Floats) -> dict[str, float | None]:
        """A figure and the middle 95 % of its samples, as plain values; None for what cannot be told."""
        known = samples[np.isfinite(samples)]
        if self.narrow < 1 and len(known):
            known = value + self.narrow * (known - known.mean())
        low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(known) else (np.nan, np.nan)
        told = {"value": float(value), "low": float(low), "high": float(high)}
        return {name: number if np.isfinite(number) else None for name, number in told.items()}


def draws(customers: pd.Series, samples: int, seed: int = 0, most: int = MOST_CUSTOMERS) -> Draws:
    """As many samples of as many customers as there are; the order of the rows does not matter.

    Of more than `most` customers a random `most` are drawn from, and what they scatter is narrowed by the
    square root of their share: the scatter of a mean falls so (Bickel, Goetze and van Zwet 1997).
    """
    codes, known = pd.factorize(customers, sort=True)
    rng = np.random.default_rng(seed)
    size = min(most, len(known))
    place = np.full(len(known), -1)
    place[rng.permutation(len(known))[:size] if size < len(known) else slice(None)] = np.arange(size)
    chosen = rng.integers(0, size, (samples, size))
    times = np.stack([np.bincount(sample, minlength=size) for sample in chosen]).astype(np.int32)
    return Draws(place[codes].astype(np.int64), times, float(np.sqrt(size / len(known))))


def drawn(churned: Flags, chance: Floats, figures: Mapping[str, Figure], among: Draws) -> dict[str, Floats]:
    """Each figure in each sample."""
    left, ranks = churned[among.taken], chance[among.taken]
    counted = (ranked(left, ranks, weights) for weights in among.weights())
    found = [{name: figure(counts) for name, figure in figures.items()} for counts in counted]
    return {name: np.concatenate([part[name] for part in found]) for name in figures}


def measured(churned: Flags, chance: Floats, figures: Mapping[str, Figure], among: Draws) -> dict[str, dict[str, Any]]:
    """Each figure of these rows with its interval."""
    counts = ranked(churned, chance)
    samples = drawn(churned, chance, figures, among) if among.taken.any() else {}
    nothing = np.array([])
    return {name: among.interval(float(f(counts)[0]), samples.get(name, nothing)) for name, f in figures.items()}
