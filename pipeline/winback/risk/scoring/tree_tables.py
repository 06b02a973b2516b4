"""Small trees as tables: their predictions and exact Shapley values, looked up instead of walked.

What a tree says of a row depends on the outcomes of its splits alone. A tree of m splits has 2^m patterns of
outcomes, and a tree of five splits only 32; so what it says, and the Shapley values, are reckoned once for every
pattern, and a row's are then looked up. The game is the path-dependent one of TreeSHAP (Lundberg et al. 2020):
a split on a feature that is not in the coalition is answered by the share of training rows that went each way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_SPLITS = 8
CHUNK_ROWS = 16_384  # the columns and flags of a chunk stay in a processor's cache
Condition = tuple[int, float, bool]  # column, threshold, whether an unknown value goes left


@dataclass(frozen=True)
class TreeTable:
    """What a tree says, and its features' Shapley values, for every pattern of its conditions.

    Bit k of a pattern says whether condition k holds (the row goes left). `shapley` has one line a feature,
    whose column is in `columns`.
    """

    conditions: tuple[Condition, ...]
    says: Floats
    columns: tuple[int, ...]
    shapley: Floats


def small_enough(nodes: Sequence[NDArray[Any]]) -> bool:
    """Whether all trees, given as scikit-learn's tables of nodes, have few splits, and none on categories."""
    return all(int((n["is_leaf"] == 0).sum()) <= MOST_SPLITS and not n["is_categorical"].any() for n in nodes)


def predictions(trees: Sequence[TreeTable], start: float, X: Floats) -> Floats:
    """`start` and what each tree says of each row, added up in the trees' order; bit for bit scikit-learn's sum."""
    total = np.full(len(X), start)
    for rows, columns in _chunks(X):
        for tree in trees:
            total[rows] += tree.says[_patterns(tree, columns)]
    return total


def shapley_values(trees: Sequence[TreeTable], X: Floats) -> Floats:
    """One row a row of X, one column a column of X: the sum over the trees of the exact Shapley values."""
    shares = np.zeros((X.shape[1], len(X)))
    for rows, columns in _chunks(X):
        found = np.empty(columns.shape[1])
        for tree in trees:
            pattern = _patterns(tree, columns)
            for column, values in zip(tree.columns, tree.shapley, strict=True):
                values.take(pattern, out=found, mode="clip")  # any other mode makes a copy first
                shares[column, rows] += found
    return shares.T


def _chunks(X: Floats) -> Iterator[tuple[slice, Floats]]:
    """Some rows, and their values column by column."""
    for first in range(0, len(X), CHUNK_ROWS):
        rows = slice(first, first + CHUNK_ROWS)
        yield rows, np.ascontiguousarray(X[rows].T)


def _patterns(tree: TreeTable, columns: Floats) -> NDArray[np.intp]:
    pattern = np.zeros(columns.shape[1], dtype=np.uint8)
    for bit, condition in enumerate(tree.conditions):
        pattern |= _holds(columns, condition).view(np.uint8) << np.uint8(bit)
    return pattern.astype(np.intp)


def _holds(columns: Floats, condition: Condition) -> Flags:
    """Whether each row goes left; a comparison with an unknown value is false either way round."""
    column, threshold, unknown_left = condition
    held: Flags = ~(columns[column] > threshold) if unknown_left else columns[column] <= threshold
    return held


def tree_table(nodes: NDArray[Any]) -> TreeTable:
    """The table of one tree, from scikit-learn's table of its nodes."""
    splits = np.flatnonzero(nodes["is_leaf"] == 0)
    conditions = tuple(
        (int(n["feature_idx"]), float(n["num_threshold"]), bool(n["missing_go_to_left"])) for n in nodes[splits]
    )
    columns = tuple(sorted({column for column, _, _ in conditions}))
    worth = _worth(nodes, {int(s): bit for bit, s in enumerate(splits)}, columns)
    return TreeTable(conditions, worth[-1].copy(), columns, _shapley(worth, len(columns)))


def _worth(nodes: NDArray[Any], bit_of: dict[int, int], columns: tuple[int, ...]) -> Floats:
    """What the tree is expected to say, one line a coalition of features, one column a pattern."""
    coalition = np.arange(1 << len(columns))[:, None]
    pattern = np.arange(1 << len(bit_of))[None, :]

    def said(node: int) -> Floats:
        here = nodes[node]
        if here["is_leaf"]:
            return np.full((1, 1), float(here["value"]))
        left, right = said(int(here["left"])), said(int(here["right"]))
        share = float(nodes[int(here["left"])]["count"]) / float(here["count"])
        known = (coalition >> columns.index(int(here["feature_idx"]))) & 1 == 1
        goes_left = (pattern >> bit_of[node]) & 1 == 1
        return np.where(known, np.where(goes_left, left, right), share * left + (1 - share) * right)

    return np.broadcast_to(said(0), (len(coalition), pattern.shape[1]))


def _shapley(worth: Floats, n: int) -> Floats:
    """Shapley (1953): each feature's gain, averaged over the orders in which features may join."""
    coalitions = np.arange(len(worth))
    sizes = np.array([c.bit_count() for c in range(len(worth))])
    weight = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    values = np.zeros((n, worth.shape[1]))
    for feature in range(n):
        without = coalitions[(coalitions >> feature) & 1 == 0]
        gain = worth[without | (1 << feature)] - worth[without]
        values[feature] = weight[sizes[without]] @ gain
    return values
