"""Effects of groups drawn towards each other, as far as they agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

REACH = 1.959964


def pooled(values: Sequence[float], errors: Sequence[float]) -> list[tuple[float, float, float]]:
    """Each group's effect with what the other groups tell of it: value, low, high; NaN where its error is unknown.

    The true effects are taken to scatter normally about a common mean, with a variance estimated by moments
    (DerSimonian and Laird 1986); each effect moves towards the mean by the share of its own variance in the
    sum of both (empirical Bayes; Efron and Morris 1975). The interval holds what is not known of the mean too.
    A group alone stays where it is.
    """
    value, error = np.asarray(values, dtype=float), np.asarray(errors, dtype=float)
    known = np.isfinite(value) & (error > 0)
    nothing = (float("nan"),) * 3
    if not known.any():
        return [nothing for _ in values]
    variance = scatter(value[known], error[known])
    weights = 1 / (error[known] ** 2 + variance)
    mean, of_mean = float(weights @ value[known] / weights.sum()), 1 / float(weights.sum())
    found = []
    for v, e, k in zip(value, error, known, strict=True):
        own = variance / (variance + e**2) if k else 0.0
        spread = np.sqrt(own * e**2 + (1 - own) ** 2 * of_mean) if known.sum() > 1 else e
        middle = own * v + (1 - own) * mean if known.sum() > 1 else v
        found.append((float(middle), float(middle - REACH * spread), float(middle + REACH * spread)) if k else nothing)
    return found


def scatter(values: np.ndarray, errors: np.ndarray) -> float:
    """The variance of the true effects about their mean, by moments; 0 where luck explains all differences."""
    weights = 1 / errors**2
    total = weights.sum()
    mean = weights @ values / total
    left = float(weights @ (values - mean) ** 2) - (len(values) - 1)
    return max(0.0, left / float(total - (weights**2).sum() / total)) if len(values) > 1 else 0.0
