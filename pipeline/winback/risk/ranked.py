"""Outcomes counted along a ranking: all that the figures of an examination need, for one sample or for many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranked:
    """One column a distinct chance, the highest first; one row a sample.

    `left` and `stayed` hold how many customers of that chance left and stayed: whole numbers, as floats.
    Customers of equal chance share a column, so no figure can depend on the order of their rows.
    """

    chance: Floats
    left: Floats
    stayed: Floats

    @property
    def customers(self) -> Floats:
        """How many customers each sample holds."""
        total: Floats = self.left.sum(axis=1) + self.stayed.sum(axis=1)
        return total

    @property
    def share_left(self) -> Floats:
        """The share of leavers of each sample."""
        share: Floats = self.left.sum(axis=1) / self.customers
        return share


def ranked(churned: Flags, chance: Floats, weights: NDArray[np.integer] | None = None) -> Ranked:
    """The counts of these rows; `weights` says how often each sample (a row of it) holds each of them."""
    order = np.argsort(-chance, kind="stable")
    sorted_chance = np.asarray(chance, dtype=np.float64)[order]
    starts = np.flatnonzero(np.r_[True, sorted_chance[1:] != sorted_chance[:-1]])
    drawn = np.ones((1, len(order))) if weights is None else weights[:, order].astype(np.float64)
    left = np.add.reduceat(drawn * churned[order], starts, axis=1)
    return Ranked(sorted_chance[starts], left, np.add.reduceat(drawn, starts, axis=1) - left)


def ratio(above: Floats, below: Floats, otherwise: float = np.nan) -> Floats:
    """above / below, and `otherwise` where that is a division by zero."""
    shape = np.broadcast_shapes(np.shape(above), np.shape(below))
    found: Floats = np.divide(above, below, out=np.full(shape, otherwise), where=below > 0)
    return found
