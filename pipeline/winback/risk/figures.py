"""The figures of a ranking with chances. Each takes counts (`Ranked`) and gives one number a sample.

Definitions and sources: docs/evaluation.md. A figure that a sample cannot tell is NaN, as the AUC of a
sample in which nobody left.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from winback.risk.ranked import Floats, Ints, Ranked, ratio

BINS = 10
ROUNDS = 30
CLOSE = 1e-4  # Newton's next step after one of this size is its square


def auc(counts: Ranked) -> Floats:
    """The share of pairs of one who left and one who stayed whom the chances order; a tie is half a pair."""
    ahead = np.cumsum(counts.left, axis=1) - counts.left / 2
    pairs = counts.left.sum(axis=1) * counts.stayed.sum(axis=1)
    return ratio((ahead * counts.stayed).sum(axis=1), pairs)


def average_precision(counts: Ranked) -> Floats:
    """The mean precision at the ranks at which leavers are found (as scikit-learn defines it)."""
    found = np.cumsum(counts.left, axis=1)
    asked = found + np.cumsum(counts.stayed, axis=1)
    return ratio((counts.left * ratio(found, asked, 0.0)).sum(axis=1), found[:, -1])


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
    return ratio((counts.left + counts.stayed) @ counts.chance, counts.customers)


def calibration_slope(counts: Ranked) -> Floats:
    """The slope of the outcomes on the predicted log-odds: 1 is right, below 1 is too sure of itself.

    From a logistic regression with a level of its own (Cox 1958). 0 where all chances are equal.
    """
    z = _log_odds(counts.chance)
    total, left = counts.left + counts.stayed, counts.left
    level, slope = np.zeros(len(left)), np.full(len(left), float(np.ptp(z) > 0))
    for _ in range(ROUNDS):
        p = expit(level[:, None] + slope[:, None] * z)
        off, weight = left - total * p, total * p * (1 - p)
        steps = _newton((off.sum(axis=1), off @ z), (weight.sum(axis=1), weight @ z, weight @ z**2))
        level, slope = level + steps[0], slope + steps[1]
        if np.max(np.abs(steps)) < CLOSE:
            break
    return np.where(left.sum(axis=1) * counts.stayed.sum(axis=1) > 0, slope, np.nan)


def calibration_intercept(counts: Ranked) -> Floats:
    """What has to be added to all log-odds to make the mean chance right; 0 is right, above 0 too few were feared.

    Calibration in the large: the level of a logistic regression whose slope is held at 1.
    """
    z = _log_odds(counts.chance)
    total, left = counts.left + counts.stayed, counts.left.sum(axis=1)
    level = np.zeros(len(left))
    for _ in range(ROUNDS):
        p = expit(level[:, None] + z)
        step = ratio(left - (total * p).sum(axis=1), (total * p * (1 - p)).sum(axis=1), 0.0)
        level += np.clip(step, -1, 1)
        if np.max(np.abs(step)) < CLOSE:
            break
    return np.where(left * counts.stayed.sum(axis=1) > 0, level, np.nan)


def calibration_error(counts: Ranked) -> Floats:
    """Expected calibration error: |mean chance - share of leavers|, a mean over ten bins of equally many customers.

    The bins are those of the first sample; customers of equal chance stay together.
    """
    starts = _bin_starts(counts)
    total = counts.left + counts.stayed
    off = np.add.reduceat(counts.left - total * counts.chance, starts, axis=1)
    return ratio(np.abs(off).sum(axis=1), counts.customers)


def lift(counts: Ranked, share: float) -> Floats:
    """How many times more leavers the riskiest `share` holds than chance would give it; ties count in part."""
    wanted = np.maximum(1.0, np.round(share * counts.customers))
    return ratio(caught(counts, wanted) / wanted, counts.share_left)


def caught(counts: Ranked, wanted: Floats) -> Floats:
    """How many leavers the so many riskiest hold; of customers with equal chances an equal part."""
    total = counts.left + counts.stayed
    before = np.cumsum(total, axis=1) - total
    part = np.clip(ratio(wanted[:, None] - before, total, 0.0), 0, 1)
    found: Floats = (counts.left * part).sum(axis=1)
    return found


def lift_quality(counts: Ranked) -> Floats:
    """The mean lift over all audience sizes, between that of chance (0) and that of a perfect order (100)."""
    customers, left = counts.customers, counts.left.sum(axis=1)
    per_rate = ratio(_found_by_size(counts), left)
    perfect = 1 + _harmonic(customers) - _harmonic(left)
    return 100 * ratio(per_rate - 1, perfect - 1)


def _found_by_size(counts: Ranked) -> Floats:
    """The leavers among the k riskiest divided by k, added up over all k."""
    total = counts.left + counts.stayed
    after = np.cumsum(total, axis=1)
    rate = ratio(counts.left, total, 0.0)
    found_before = np.cumsum(counts.left, axis=1) - counts.left
    reached = _harmonic(after)
    grown = np.diff(reached, axis=1, prepend=0.0)
    added: Floats = ((found_before - (after - total) * rate) * grown + rate * total).sum(axis=1)
    return added


def _harmonic(numbers: Floats) -> Floats:
    """1 + 1/2 + ... + 1/n of whole numbers n."""
    most = int(numbers.max(initial=0))
    sums = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, most + 1))])
    found: Floats = sums[numbers.astype(np.int64)]
    return found


def _bin_starts(counts: Ranked) -> Ints:
    """The columns at which the bins of about equally many customers begin."""
    total = counts.left[0] + counts.stayed[0]
    middle = np.cumsum(total) - total / 2
    number = np.minimum(BINS - 1, (BINS * middle / total.sum()).astype(np.int64))
    starts: Ints = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
    return starts


def _log_odds(chance: Floats) -> Floats:
    odds: Floats = logit(np.clip(chance, 1e-9, 1 - 1e-9))
    return odds


def _newton(gradient: tuple[Floats, Floats], hessian: tuple[Floats, Floats, Floats]) -> Floats:
    """The step (level, slope) of each sample, no longer than 1: far from the answer a full one can overshoot."""
    (a, b), (aa, ab, bb) = gradient, hessian
    determinant = aa * bb - ab**2
    flat = determinant <= 1e-12 * aa * bb
    level = np.where(flat, ratio(a, aa, 0.0), ratio(bb * a - ab * b, determinant, 0.0))
    slope = np.where(flat, 0.0, ratio(aa * b - ab * a, determinant, 0.0))
    steps: Floats = np.clip(np.stack([level, slope]), -1, 1)
    return steps
