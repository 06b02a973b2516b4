"""Ids that are one person's: what one of them may not, none of them may."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def strictest(flags: NDArray[np.bool_], ids: pd.Index, aliases: Mapping[str, str]) -> NDArray[np.bool_]:
    """The rows of `flags`, one an id, each with what all ids of its person have in common.

    `aliases`: id -> another id of the same person; chains and rings of them are one person. All are in `ids`.
    """
    one, other = ids.get_indexer(pd.Index(list(aliases))), ids.get_indexer(pd.Index(list(aliases.values())))
    edges = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(len(ids), len(ids)))
    groups, person = connected_components(edges)
    common = np.ones((groups, flags.shape[1]), dtype=bool)
    np.logical_and.at(common, person, flags)
    return np.asarray(common[person], dtype=bool)
