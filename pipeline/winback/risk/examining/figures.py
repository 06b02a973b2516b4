"""The figures of a ranking with chances. Each takes counts (`Ranked`) and gives one number a sample.

Definitions and sources: docs/evaluation.md. A figure that a sample cannot tell is NaN, as the AUC of a
sample in which nobody left.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from winback.risk.examining.ranked import Flags, Floats, Ints, Ranked, ratio

BINS = 10
ROUNDS = 30
CELLS = 500
CLOSE = 1e-4  # Newton's next step after one of this size is its square


def auc(counts: Ranked) -> Floats:
    """The share of pairs of one who left and one who stayed whom the chances order; a tie is half a pair."""
    ahead = counts.left_down_to - counts.left / 2
    pairs = counts.leavers * (counts.customers - counts.leavers)
    return ratio((ahead * counts.stayed).sum(axis=1), pairs)


def average_precision(counts: Ranked) -> Floats:
    """The mean precision at the ranks at which leavers are found (as scikit-learn defines it)."""
    precision = ratio(counts.left_down_to, counts.total_down_to, 0.0)
    return ratio((counts.left * precision).sum(axis=1), counts.leavers)


def log_loss(counts: Ranked) -> Floats:
    """-log of the chance given to what happened, a mean over customers."""
    tiny = np.finfo(np.float64).eps
    chance = np.clip(counts.chance, tiny, 1 - tiny)
    total = counts.left @ -np.log(chance) + counts.stayed @ -np.log1p(-chance)
    return ratio(total, counts.customers)


def brier(counts: Ranked) -> Floats:
    """The mean squared difference of chance and outcome."""
    total = counts.left @ (1 - counts.chance) ** 2 + counts.stayed @ counts.chance**2
    return ratio(total, counts.customers)


def mean_predicted(counts: Ranked) -> Floats:
    """The mean chance."""
    return ratio(counts.total @ counts.chance, counts.customers)


def calibration_slope(counts: Ranked) -> Floats:
    """The slope of the outcomes on the predicted log-odds: 1 is right, below 1 is too sure of itself.

    From a logistic regression with a level of its own (Cox 1958). 0 where all chances are equal.
    """
    z, left, total = _by_log_odds(counts)
    level, slope = np.zeros(len(left)), np.full(len(left), float(np.ptp(z) > 0))
    for _ in range(ROUNDS):
        p = expit(level[:, None] + slope[:, None] * z)
        off, weight = left - total * p, total * p * (1 - p)
        steps = _newton((off.sum(axis=1), off @ z), (weight.sum(axis=1), weight @ z, weight @ z**2))
        level, slope = level + steps[0], slope + steps[1]
        if np.max(np.abs(steps)) < CLOSE:
            break
    return np.where(_both_outcomes(counts), slope, np.nan)


def calibration_intercept(counts: Ranked) -> Floats:
    """What has to be added to all log-odds to make the mean chance right; 0 is right, above 0 too few were feared.

    Calibration in the large: the level of a logistic regression whose slope is held at 1.
    """
    z, left, total = _by_log_odds(counts)
    level = np.zeros(len(left))
    for _ in range(ROUNDS):
        p = expit(level[:, None] + z)
        step = ratio(counts.leavers - (total * p).sum(axis=1), (total * p * (1 - p)).sum(axis=1), 0.0)
        level += np.clip(step, -1, 1)
        if np.max(np.abs(step)) < CLOSE:
            break
    return np.where(_both_outcomes(counts), level, np.nan)


def calibration_error(counts: Ranked) -> Floats:
    """Expected calibration error: |mean chance - share of leavers|, a mean over ten bins of equally many customers.

    The bins are those of the first sample; customers of equal chance stay together.
    """
    off = np.add.reduceat(counts.left - counts.total * counts.chance, _bin_starts(counts), axis=1)
    return ratio(np.abs(off).sum(axis=1), counts.customers)


def lift(counts: Ranked, share: float) -> Floats:
    """How many times more leavers the riskiest `share` holds than chance would give it; ties count in part."""
    wanted = np.maximum(1.0, np.round(share * counts.customers))
    return ratio(caught(counts, wanted) / wanted, counts.share_left)


def caught(counts: Ranked, wanted: Floats) -> Floats:
    """How many leavers the so many riskiest hold; of customers with equal chances an equal part."""
    before = counts.total_down_to - counts.total
    part = np.clip(ratio(wanted[:, None] - before, counts.total, 0.0), 0, 1)
    found: Floats = (counts.left * part).sum(axis=1)
    return found


def lift_quality(counts: Ranked) -> Floats:
    """The mean lift over all audience sizes, between that of chance (0) and that of a perfect order (100)."""
    mean = ratio(_found_by_size(counts), counts.leavers)
    perfect = 1 + _harmonic(counts.customers) - _harmonic(counts.leavers)
    return 100 * ratio(mean - 1, perfect - 1)


def _found_by_size(counts: Ranked) -> Floats:
    """The leavers among the k riskiest divided by k, added up over all k.

    Within a column the share of leavers is everywhere the same, so its sum over k is one over 1/k.
    """
    rate = ratio(counts.left, counts.total, 0.0)
    grown = np.diff(_harmonic(counts.total_down_to), axis=1, prepend=0.0)
    ahead = counts.left_down_to - counts.left - (counts.total_down_to - counts.total) * rate
    added: Floats = (ahead * grown + counts.left).sum(axis=1)
    return added


def _harmonic(numbers: Floats) -> Floats:
    """1 + 1/2 + ... + 1/n of whole numbers n."""
    most = int(numbers.max(initial=0))
    sums = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, most + 1))])
    found: Floats = sums[numbers.astype(np.int64)]
    return found


def _bin_starts(counts: Ranked) -> Ints:
    """The columns at which the bins of about equally many customers begin."""
    middle = counts.total_down_to[0] - counts.total[0] / 2
    number = np.minimum(BINS - 1, (BINS * middle / counts.customers[0]).astype(np.int64))
    starts: Ints = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
    return starts


def _both_outcomes(counts: Ranked) -> Flags:
    return (counts.leavers > 0) & (counts.leavers < counts.customers)


def _by_log_odds(counts: Ranked) -> tuple[Floats, Floats, Floats]:
    """The log-odds of each column, the leavers there and all.

    One sample is taken as it is. Many share cells of equal width, each at its mean: hardly a thousandth of
    a slope off, and ten times as quick.
    """
    z = logit(np.clip(counts.chance, 1e-9, 1 - 1e-9))
    if len(counts.left) == 1 or len(z) <= CELLS:
        return z, counts.left, counts.total
    cell = np.minimum(CELLS - 1, ((z[0] - z) / (z[0] - z[-1]) * CELLS).astype(np.int64))
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    weight = counts.total.sum(axis=0)
    middle = ratio(np.add.reduceat(weight * z, starts), np.add.reduceat(weight, starts), 0.0)
    return middle, np.add.reduceat(counts.left, starts, axis=1), np.add.reduceat(counts.total, starts, axis=1)


def _newton(gradient: tuple[Floats, Floats], hessian: tuple[Floats, Floats, Floats]) -> Floats:
    """The step (level, slope) of each sample, no longer than 1: far from the answer a full one can overshoot."""
    (a, b), (aa, ab, bb) = gradient, hessian
    determinant = aa * bb - ab**2
    flat = determinant <= 1e-12 * aa * bb
    level = np.where(flat, ratio(a, aa, 0.0), ratio(bb * a - ab * b, determinant, 0.0))
    slope = np.where(flat, 0.0, ratio(aa * b - ab * a, determinant, 0.0))
    steps: Floats = np.clip(np.stack([level, slope]), -1, 1)
    return steps
