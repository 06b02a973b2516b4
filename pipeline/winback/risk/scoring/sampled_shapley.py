"""Shapley values by sampled orders (Strumbelj and Kononenko 2014), of models that no exact way is known for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ORDERS = 4  # and each of them backwards, which takes off most of the noise


def sampled_shapley(log_odds: Callable[[Floats], Floats], X: Floats, background: Floats, seed: int = 0) -> Floats:
    """One row a row of X, one column a column of X: what each value adds to the log-odds of background rows.

    The columns of a background row are replaced by the customer's own one after another; each is charged the
    change. Every row adds up to its log-odds less those of the background rows it was compared with, whose mean
    is spread over the columns by the size of their shares; the result adds up to the log-odds less the mean
    log-odds of the background.
    """
    rng = np.random.default_rng(seed)
    shares = np.zeros(X.shape)
    for _ in range(ORDERS):
        order = rng.permutation(X.shape[1])
        for columns in (order, order[::-1]):
            mixed = background[rng.integers(len(background), size=len(X))]
            before = log_odds(mixed)
            for column in columns:
                mixed[:, column] = X[:, column]
                after = log_odds(mixed)
                shares[:, column] += after - before
                before = after
    shares /= 2 * ORDERS
    gap = log_odds(X) - float(log_odds(background).mean()) - shares.sum(axis=1)
    size = np.abs(shares).sum(axis=1, keepdims=True)
    filled: Floats = shares + np.divide(np.abs(shares), size, out=np.zeros_like(shares), where=size > 0) * gap[:, None]
    return filled
