"""Outcomes counted along a ranking: all that the figures of an examination need, for one sample or for many at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def total(self) -> Floats:
        """How many customers of each chance each sample holds."""
        both: Floats = self.left + self.stayed
        return both

    @cached_property
    def left_down_to(self) -> Floats:
        """How many left of each chance and of all higher ones."""
        found: Floats = np.cumsum(self.left, axis=1)
        return found

    @cached_property
    def total_down_to(self) -> Floats:
        """How many customers there are of each chance and of all higher ones."""
        reached: Floats = np.cumsum(self.total, axis=1)
        return reached

    @property
    def leavers(self) -> Floats:
        """How many of each sample left."""
        return self.left_down_to[:, -1]

    @property
    def customers(self) -> Floats:
        """How many customers each sample holds."""
        return self.total_down_to[:, -1]

    @property
    def share_left(self) -> Floats:
        """The share of leavers of each sample."""
        return self.leavers / self.customers


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
