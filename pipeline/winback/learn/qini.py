"""How well a ranking finds those whom an action changes, and what choosing by it earns; from held-out random rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
REACH = 1.959964


@dataclass(frozen=True)
class Figure:
    """A figure with its standard error and 95 % interval."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """The lower end."""
        return self.value - REACH * self.error

    @property
    def high(self) -> float:
        """The upper end."""
        return self.value + REACH * self.error


def gain_curve(score: Floats, outcome: Floats, treated: Flags) -> tuple[Floats, Floats]:
    """Shares of the customers reached, the highest score first, and the outcome gained a customer by reaching them.

    gain(k) = outcomes of the treated among the first k / all treated - those of the untreated / all untreated
    (Radcliffe, Direct Marketing Analytics Journal 1, 2007). Rows of equal score come in together. Both begin at 0.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    flags = treated[order]
    sums = [np.cumsum(outcome[order] * arm)[ends] / max(int(arm.sum()), 1) for arm in (flags, ~flags)]
    return np.append(0.0, (ends + 1) / len(score)), np.append(0.0, sums[0] - sums[1])


def qini(score: Floats, outcome: Floats, treated: Flags) -> float:
    """The area between the gain curve and the straight line to its end, x 100; 0 for a ranking by lot."""
    share, gain = gain_curve(score, outcome, treated)
    return float(100 * (np.trapezoid(gain, share) - gain[-1] / 2))


def qini_with_error(score: Floats, outcome: Floats, treated: Flags, draws: int = 200, seed: int = 0) -> Figure:
    """The Qini with its error by the bootstrap, drawn within each arm."""
    rng = np.random.default_rng(seed)
    arms = [np.flatnonzero(treated), np.flatnonzero(~treated)]
    found = []
    for _ in range(draws):
        rows = np.concatenate([rng.choice(arm, len(arm)) for arm in arms])
        found.append(qini(score[rows], outcome[rows], treated[rows]))
    return Figure(qini(score, outcome, treated), float(np.std(found)))


def mean_of(scores: Floats) -> Figure:
    """The mean of a column of independent rows."""
    return Figure(float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(len(scores))))
