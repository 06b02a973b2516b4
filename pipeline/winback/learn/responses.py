"""How many leavers each action keeps, by driver and stage: from the catalogue's guesses to what was seen.

A customer of chance p to leave, of whose reasons an action answers the share m, is kept with chance p m s, and s, the
save rate, is what is learned; below zero the action drives customers away. For each row

    p - left = offset(driver, stage) + treated x p m s(action, driver, stage) + luck

    s(a, d, g) = theta(a) + alpha(a, d) + beta(a, g)

`theta` starts at the catalogue's save_rate with the variance s (1 - s) / save_rate_strength, times a factor; `alpha`,
`beta` and the offsets start at 0. The factor and the variances are those under which what was seen is most likely
(empirical Bayes): where the catalogue is far off its guesses count little, and where drivers and stages do not differ
all of them tell of each. All is normal and linear (Lindley and Smith, Journal of the Royal Statistical Society B 34,
1972), so that sums over rows are all that is kept, and an effect below zero is as easily learned as one above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_VARIANCE = 0.02  # of one outcome: a chance of 2 % or 98 % may be off by more than itself
OFFSET = 0.03  # how far the chances of a driver and stage may be off, before anything is seen
FACTORS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
DEVIATIONS = (0.0125, 0.025, 0.05, 0.1, 0.2)
USUAL_FACTOR, USUAL_DEVIATION = 4.0, 0.05  # before anything is seen: guesses are surer of themselves than they should


@dataclass(frozen=True)
class Cells:
    """The combinations that can be done, one a place: numbers of the action, the driver and the stage."""

    action: Ints
    driver: Ints
    stage: Ints

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True)
class Sums:
    """Weighted sums over the rows of each cell: of x^2, x, 1, x r and r, x being p m of the treated and r p - left.

    `treated`: customers, for people. Sums of several weeks add up.
    """

    xx: Floats
    x: Floats
    one: Floats
    xr: Floats
    r: Floats
    treated: Floats

    def __add__(self, other: Sums) -> Sums:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Sums(*(mine + theirs for mine, theirs in pairs))


@dataclass(frozen=True)
class Seen:
    """Rows with a closed window: `cell`, chance to leave, share of reasons answered, treated or not, left or not."""

    cell: Ints
    probability: Floats
    answered: Floats
    treated: NDArray[np.bool_]
    left: NDArray[np.bool_]


@dataclass(frozen=True)
class Priors:
    """What the catalogue says of each action: save rate, and how many observed leavers that is worth."""

    save_rate: Floats
    strength: Floats


@dataclass(frozen=True)
class Learned:
    """The save rates of all cells: `mean`, and a `root` with root @ root.T their covariance.

    `factor`, `deviation`: what was found for the catalogue's variance and for the spread of drivers and stages.
    """

    mean: Floats
    root: Floats
    factor: float
    deviation: float

    @property
    def spread(self) -> Floats:
        """The standard deviation of each cell's rate."""
        return np.asarray(np.sqrt((self.root**2).sum(axis=1)))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Rates as they may truly be, drawn once for all cells."""
        return np.asarray(self.mean + self.root @ rng.standard_normal(self.root.shape[1]))


def nothing_seen(cells: Cells) -> Sums:
    """The sums before the first week."""
    return Sums(*(np.zeros(len(cells)) for _ in range(6)))


def summed(cells: Cells, seen: Seen) -> Sums:
    """The sums of some rows."""
    p = seen.probability
    weight = 1 / np.maximum(p * (1 - p), LEAST_VARIANCE)
    x, r = np.where(seen.treated, p * seen.answered, 0.0), p - seen.left
    parts = (weight * x * x, weight * x, weight, weight * x * r, weight * r, seen.treated.astype(float))
    return Sums(*(np.bincount(seen.cell, part, len(cells)).astype(float) for part in parts))


def learned(cells: Cells, sums: Sums, priors: Priors) -> Learned:
    """What is known of the cells after these sums."""
    design = _design(cells)
    # Before anything was seen all spreads are as likely.
    spreads = _spreads() if np.any(sums.one) else islice(_spreads(), 1)
    best = max((_posterior(design, sums, priors, spread) for spread in spreads), key=lambda found: found[0])
    return best[1]


def _spreads() -> Iterator[tuple[float, float]]:
    return product(FACTORS, DEVIATIONS)


@dataclass(frozen=True)
class _Design:
    """Which parameters each cell's rate and offset is the sum of; `actions`: how many thetas come first."""

    rates: Floats
    offsets: Floats
    actions: int


def _design(cells: Cells) -> _Design:
    action = _indicators(cells.action)
    by_driver = _indicators(cells.action * (cells.driver.max() + 1) + cells.driver)
    by_stage = _indicators(cells.action * (cells.stage.max() + 1) + cells.stage)
    offsets = _indicators(cells.driver * (cells.stage.max() + 1) + cells.stage)
    return _Design(np.hstack([action, by_driver, by_stage]), offsets, action.shape[1])


def _indicators(codes: Ints) -> Floats:
    places = np.unique(codes, return_inverse=True)[1]
    return np.eye(places.max() + 1)[places]


def _posterior(design: _Design, sums: Sums, priors: Priors, spread: tuple[float, float]) -> tuple[float, Learned]:
    """How likely what was seen is under a spread (but for a constant), and the rates that follow from it."""
    factor, deviation = spread
    rates, offsets, actions = design.rates, design.offsets, design.actions
    guess = priors.save_rate * (1 - priors.save_rate) / priors.strength
    variance = np.concatenate(
        [
            factor * np.maximum(guess, 1e-6),
            np.full(rates.shape[1] - actions, deviation**2),
            np.full(offsets.shape[1], OFFSET**2),
        ]
    )
    mean = np.concatenate([priors.save_rate, np.zeros(len(variance) - actions)])
    cross = rates.T @ (sums.x[:, None] * offsets)
    told = np.block(
        [
            [rates.T @ (sums.xx[:, None] * rates), cross],
            [cross.T, offsets.T @ (sums.one[:, None] * offsets)],
        ]
    )
    pull = np.concatenate([rates.T @ sums.xr, offsets.T @ sums.r]) - told @ mean
    root = np.sqrt(variance)
    # Scaled by the prior's own spread the matrix is at least the identity, so that no cell unseen disturbs it.
    lower = np.linalg.cholesky(np.eye(len(mean)) + told * np.outer(root, root))
    moved = np.linalg.solve(lower, root * pull)
    usual = np.log([factor / USUAL_FACTOR, deviation / USUAL_DEVIATION]) / np.log(4.0)
    likely = 0.5 * float(moved @ moved) - float(np.log(np.diag(lower)).sum()) - 0.5 * float(usual @ usual)
    found = mean + root * np.linalg.solve(lower.T, moved)
    spread_root = (np.linalg.solve(lower, np.diag(root)).T)[: rates.shape[1]]
    return likely, Learned(rates @ found[: rates.shape[1]], rates @ spread_root, factor, deviation)
