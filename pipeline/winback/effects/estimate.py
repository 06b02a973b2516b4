"""The effect of being listed on one outcome, from the customers treated and those held out at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

PER_COVARIATE = 20  # customers of the smaller arm that each covariate asks for
LEAST_SPREAD = 1e-9  # of a covariate's variance: below this it repeats the others
MOST_LEVERAGE = 0.9  # a row that nearly sets its own prediction; beyond this its residual would be blown up


@dataclass(frozen=True)
class Arms:
    """The rows of a measurement, one a customer and cutoff.

    `treated`: in the treated arm, else held out. `propensity`: chance (0..1, without the ends) of the arm it
    is in. `customer`: numbers from 0, equal for rows of one customer. `covariates`: known before the lists
    left, most telling column first; a matrix without columns for a plain difference.
    """

    treated: Flags
    propensity: Floats
    customer: Ints
    covariates: Floats

    def of(self, rows: Flags | Ints) -> Arms:
        """The same for some of the rows."""
        return Arms(self.treated[rows], self.propensity[rows], self.customer[rows], self.covariates[rows])


@dataclass(frozen=True)
class Effect:
    """A mean effect a row: treated less held out, as if all rows had been in the one arm and in the other.

    `value` is what was measured, `centre` what its interval is laid around (for shares of small arms a little
    nearer to none). `error`: standard error; NaN where an arm is too small to tell. `df`: degrees of freedom.
    `skew`: third cumulant of the estimate in units of its error. `treated`, `held_out`: customers in each arm.
    """

    value: float
    centre: float
    error: float
    df: float
    skew: float
    treated: int
    held_out: int

    @property
    def effective(self) -> float:
        """Customers of two equal arms of this harmonic mean, halved: n1 n0 / (n1 + n0)."""
        total = self.treated + self.held_out
        return self.treated * self.held_out / total if total else 0.0


def effect(outcome: Floats, arms: Arms) -> Effect:
    """The effect on `outcome`, intent to treat: whoever was to be contacted counts as treated.

    In each arm the outcome is fitted on the centred covariates, rows weighted by 1 / propensity, and both fits
    are averaged over all rows: regression with all interactions (Lin, Annals of Applied Statistics 7 (1),
    2013), which no covariate can bias and none makes worse in the long run. Errors are robust, by customer,
    with residuals / (1 - leverage) (HC3; MacKinnon and White 1985) and Welch-Satterthwaite degrees of freedom.
    An outcome of only 0 and 1 gets two more customers in each arm, one of each answer, as Agresti and Caffo
    (American Statistician 54 (4), 2000) give to a difference of shares: an arm in which all stay is not sure.
    """
    sizes = (_customers(arms, arms.treated), _customers(arms, ~arms.treated))
    if min(sizes) < 2:
        plain = _means(outcome, arms)
        return Effect(plain, plain, float("nan"), float("nan"), 0.0, *sizes)
    chosen = _independent(arms.covariates, min(sizes) // PER_COVARIATE)
    value, parts, df = _adjusted(outcome, arms, chosen)
    centre = value
    if _shares(outcome):
        centre, parts, df = _adjusted(*_with_two_more(outcome, arms, chosen))
    squares = float((parts**2).sum())
    skew = float((parts**3).sum() / squares**1.5) if squares > 0 else 0.0
    return Effect(value, centre, squares**0.5, df, skew, *sizes)


def _customers(arms: Arms, rows: Flags) -> int:
    return len(np.unique(arms.customer[rows]))


def _means(outcome: Floats, arms: Arms) -> float:
    """The difference of the arms' means; NaN where one is empty."""
    if not arms.treated.any() or arms.treated.all():
        return float("nan")
    weights = 1 / arms.propensity
    means = [np.average(outcome[rows], weights=weights[rows]) for rows in (arms.treated, ~arms.treated)]
    return float(means[0] - means[1])


def _shares(outcome: Floats) -> bool:
    return bool(np.isin(outcome, (0.0, 1.0)).all())


def _independent(covariates: Floats, most: int) -> Floats:
    """The first of the covariates, centred and scaled, that none before them repeats; at most so many."""
    kept: list[Floats] = []
    for column in covariates.T:
        if len(kept) >= most:
            break
        centred = column - column.mean()
        rest = centred - sum((k * (k @ centred) for k in kept), np.zeros(len(centred)))
        if (size := float(rest @ rest)) > LEAST_SPREAD * max(float(centred @ centred), 1e-300):
            kept.append(rest / size**0.5)
    return np.column_stack([np.zeros((len(covariates), 0)), *kept])


def _with_two_more(outcome: Floats, arms: Arms, chosen: Floats) -> tuple[Floats, Arms, Floats]:
    """The rows and two customers more in each arm, one of each answer, who are like the mean of all."""
    treated = np.concatenate([arms.treated, [True, True, False, False]])
    mean = [1 / (1 / arms.propensity[arms.treated == arm]).mean() for arm in (True, True, False, False)]
    new = arms.customer.max() + 1 + np.arange(4)
    covariates = np.vstack([chosen, np.zeros((4, chosen.shape[1]))])
    more = Arms(treated, np.concatenate([arms.propensity, mean]), np.concatenate([arms.customer, new]), covariates)
    return np.concatenate([outcome, [0.0, 1.0, 0.0, 1.0]]), more, covariates


def _adjusted(outcome: Floats, arms: Arms, chosen: Floats) -> tuple[float, Floats, float]:
    """The effect, each customer's part of its error (the error is the root of their squares), degrees of freedom."""
    design = np.column_stack([np.ones(len(outcome)), chosen])
    both = (arms.treated, ~arms.treated)
    treated, left = (_fit(outcome[rows], design[rows], arms.propensity[rows]) for rows in both)
    differences = design @ (treated[0] - left[0])
    value = float(differences.mean())
    residuals = np.zeros(len(outcome))
    residuals[arms.treated], residuals[~arms.treated] = treated[1], -left[1]
    parts: Floats = np.bincount(arms.customer, (differences - value) / len(outcome) + residuals).astype(float)
    of_arms = [np.bincount(arms.customer[rows], residuals[rows]) for rows in both]
    variances = [float((total**2).sum()) for total in of_arms]
    spare = [max(1, _customers(arms, rows) - design.shape[1]) for rows in both]
    df = sum(variances) ** 2 / max(sum(v**2 / n for v, n in zip(variances, spare, strict=True)), 1e-300)
    return value, parts, max(df, 1.0)


def _fit(outcome: Floats, design: Floats, propensity: Floats) -> tuple[Floats, Floats]:
    """The coefficients of an arm's weighted fit, and each row's part in the error of its value at the mean of all."""
    rooted = design / np.sqrt(propensity)[:, None]
    q, r = np.linalg.qr(rooted)
    coefficients = np.linalg.solve(r, q.T @ (outcome / np.sqrt(propensity)))
    leverage = np.minimum((q**2).sum(axis=1), MOST_LEVERAGE)
    at_the_mean = q @ np.linalg.solve(r.T, np.eye(design.shape[1])[0]) / np.sqrt(propensity)
    return coefficients, at_the_mean * (outcome - design @ coefficients) / (1 - leverage)
