"""Two models on the same rows: the difference of their figures, with an interval over customers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS, MANY = 400, 100_000
LEAST = 1e-15  # what the logarithm of a chance of nothing is taken of


@dataclass(frozen=True)
class Difference:
    """One minus the other, mean over the cutoffs, with the ends of a 95 % interval."""

    auc: float
    auc_low: float
    auc_high: float
    log_loss: float
    log_loss_low: float
    log_loss_high: float
    rows: int
    customers: int

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)


def difference(rows: pd.DataFrame, one: Floats, other: Floats, draws: int = 0) -> Difference:
    """`one` minus `other` on `rows`, which hold customer_id, cutoff and churned.

    Paired bootstrap over customers: a customer is drawn with all of their rows, for those resemble each
    other (cluster bootstrap, Field and Welsh, JRSS B 2007). Percentile interval, the same draws each time:
    400, or 100 of more than 100,000 rows, whose interval is narrow.
    """
    draws = draws or (DRAWS if len(rows) <= MANY else DRAWS // 4)
    who, names = pd.factorize(rows["customer_id"])
    left = rows["churned"].to_numpy(dtype=bool)
    parts = [np.flatnonzero(rows["cutoff"] == cutoff) for cutoff in rows["cutoff"].unique()]
    pairs = [_Pair(who[at], left[at], _ranks(one[at]), _ranks(other[at]), _loss(one, other, left)[at]) for at in parts]
    found = np.mean([_figures(pair, np.ones(len(names))) for pair in pairs], axis=0)
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(draws):
        weights = random.multinomial(len(names), np.full(len(names), 1 / len(names))).astype(np.float64)
        drawn.append(np.mean([_figures(pair, weights) for pair in pairs], axis=0))
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    (auc, loss), (auc_low, loss_low), (auc_high, loss_high) = (map(float, pair) for pair in (found, low, high))
    return Difference(auc, auc_low, auc_high, loss, loss_low, loss_high, len(rows), len(names))


@dataclass(frozen=True)
class _Pair:
    """The rows of one cutoff: whose, outcome, the places of both scores in their order, difference of losses."""

    who: NDArray[np.int64]
    left: NDArray[np.bool_]
    one: NDArray[np.int64]
    other: NDArray[np.int64]
    loss: Floats


def _figures(pair: _Pair, weight_of: Floats) -> tuple[float, float]:
    """The weighted differences of AUC and of log loss."""
    weights = weight_of[pair.who]
    one, other = (_auc(ranks, pair.left, weights) for ranks in (pair.one, pair.other))
    total = weights.sum()
    return one - other, float(weights @ pair.loss / total) if total else float("nan")


def _auc(ranks: NDArray[np.int64], left: NDArray[np.bool_], weights: Floats) -> float:
    """The share of (left, stayed) pairs in which who left has the higher score; ties count half."""
    leavers = np.bincount(ranks, weights * left, minlength=ranks.max() + 1)
    others = np.bincount(ranks, weights * ~left, minlength=ranks.max() + 1)
    pairs = leavers.sum() * others.sum()
    return float(leavers @ (others.cumsum() - others / 2) / pairs) if pairs else float("nan")


def auc(scores: Floats, left: NDArray[np.bool_]) -> float:
    """The area under the ROC curve; many times quicker than scikit-learn's, which checks what it is given."""
    return _auc(_ranks(scores), left, np.ones(len(left)))


def _ranks(scores: Floats) -> NDArray[np.int64]:
    return np.unique(scores, return_inverse=True)[1].astype(np.int64)


def _loss(one: Floats, other: Floats, left: NDArray[np.bool_]) -> Floats:
    """The log loss of `one` minus that of `other`, one a row."""
    shares = [np.where(left, p, 1 - p).clip(LEAST) for p in (one, other)]
    lost: Floats = np.log(shares[1]) - np.log(shares[0])
    return lost
