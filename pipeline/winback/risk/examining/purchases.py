"""Buy-till-you-die models of recency and frequency: peers that a churn model has to beat.

A customer buys at random at a rate of his own, Gamma(r, alpha), and after a purchase drops out for good with a
chance of his own, Beta(a, b). BG/NBD: Fader, Hardie and Lee, "Counting your customers the easy way", Marketing
Science 24 (2), 2005; nobody drops out at the first purchase, so who bought once is alive for certain. MBG/NBD:
Batislam, Denizel and Filiztekin, International Journal of Research in Marketing 24 (3), 2007; the first purchase
is as good an occasion as any. Worked out again from these assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, gammaln

from winback.errors import NotEnoughData

Floats = NDArray[np.float64]
STARTS = ((0.3, 5.0, 0.8, 2.5), (1.0, 10.0, 0.1, 5.0))
WIDEST = 12.0  # |log of a parameter|; beyond, the likelihood is flat
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True)
class Past:
    """What customers did: purchases after the first, the time of the last and the time now, since the first."""

    repeats: Floats
    last: Floats
    age: Floats


@dataclass(frozen=True)
class Habits:
    """A fitted shop. `dropout_at_first` tells MBG/NBD (true) from BG/NBD."""

    r: float
    alpha: float
    a: float
    b: float
    dropout_at_first: bool
    log_likelihood: float


def fit(past: Past, dropout_at_first: bool = True) -> Habits:
    """The most likely parameters; NotEnoughData where nobody has bought again."""
    if not (past.repeats > 0).any():
        raise NotEnoughData(f"none of {len(past.repeats)} customers has bought twice; a rate of buying needs some.")
    unit = float(past.age.max())  # time in shares of the longest one: starts and limits are then for any shop

    def loss(logs: Floats) -> float:
        r, alpha, a, b = np.exp(logs)
        return -float(np.mean(_log_likelihoods(past, Habits(r, alpha * unit / 40, a, b, dropout_at_first, 0.0))))

    tried = [
        minimize(loss, np.log(start), method="L-BFGS-B", bounds=[(-WIDEST, WIDEST)] * 4, options={"ftol": 1e-10})
        for start in STARTS
    ]
    best = min(tried, key=lambda found: found.fun)
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    return Habits(r, alpha * unit / 40, a, b, dropout_at_first, -float(best.fun) * len(past.repeats))


def log_likelihood(past: Past, habits: Habits) -> float:
    """Of all customers together, with these parameters."""
    return float(_log_likelihoods(past, habits).sum())


def alive(past: Past, habits: Habits) -> Floats:
    """The chance that each customer has not dropped out yet."""
    there, gone = _log_parts(past, habits)
    chance: Floats = 1 / (1 + np.exp(gone - there))
    return chance


def expected_purchases(past: Past, habits: Habits, time: float) -> Floats:
    """How many purchases each customer is expected to make in the next `time`.

    A customer alive with rate l and chance p makes (1 - exp(-l p t)) / p of them. Over the Gamma of the rate
    this is known; over the Beta of the chance it is summed at 48 quantiles that Gauss and Legendre chose.
    """
    seen, which = np.unique(past.repeats, return_inverse=True)
    total = np.zeros(len(past.repeats))
    for quantile, weight in zip((NODES + 1) / 2, WEIGHTS / 2, strict=True):
        stays = habits.b + seen + habits.dropout_at_first
        chance = np.maximum(betaincinv(habits.a, stays, quantile), 1e-12)[which]
        log_silent = -np.log1p(chance * time / (habits.alpha + past.age)) * (habits.r + past.repeats)
        total += weight * -np.expm1(log_silent) / chance
    return total * alive(past, habits)


def _log_likelihoods(past: Past, habits: Habits) -> Floats:
    """One a customer: alive and silent since the last purchase, or dropped out at it."""
    r, x = habits.r, past.repeats
    there, gone = _log_parts(past, habits)
    known = gammaln(r + x) - gammaln(r) + r * np.log(habits.alpha) - betaln(habits.a, habits.b)
    found: Floats = known + np.logaddexp(there, gone)
    return found


def _log_parts(past: Past, habits: Habits) -> tuple[Floats, Floats]:
    """log of what differs between alive now and dropped out at the last purchase."""
    a, b, x = habits.a, habits.b, past.repeats
    occasions = x + habits.dropout_at_first
    there = betaln(a, b + occasions) - (habits.r + x) * np.log(habits.alpha + past.age)
    with np.errstate(divide="ignore"):
        could = np.log(occasions > 0)
    gone = could + betaln(a + 1, b + np.maximum(occasions, 1) - 1) - (habits.r + x) * np.log(habits.alpha + past.last)
    return there, gone
