"""The parts of the customers that an examination looks at one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from winback.risk.examining.ranked import Flags

# Numbers are cut at these bounds, each the first value of the next band; words are taken as they are.
BANDS = {
    "orders_total": ((2, "one"), (5, "2 to 4"), (np.inf, "5 or more")),
    "days_since_first_order": ((91, "up to 90"), (366, "91 to 365"), (np.inf, "more than 365")),
}
WORDS = ("stage", "channel", "country")
UNKNOWN = "unknown"


def slices(rows: pd.DataFrame) -> Iterator[tuple[str, str, Flags]]:
    """Each part that these rows' columns tell: the column, the part's name, and which rows are of it."""
    for column in [name for name in (*WORDS, *BANDS) if name in rows]:
        named = banded(rows[column]) if column in BANDS else rows[column].astype("str").fillna(UNKNOWN)
        for name in sorted(named.unique(), key=lambda part: (_place(column, part), part)):
            yield column, name, (named == name).to_numpy()


def banded(values: pd.Series) -> pd.Series:
    """The band of each number of a column of BANDS."""
    bands = BANDS[str(values.name)]
    places = np.searchsorted([bound for bound, _ in bands[:-1]], values.to_numpy(dtype=np.float64), side="right")
    names = np.array([name for _, name in bands])[places]
    return pd.Series(np.where(values.isna(), UNKNOWN, names), index=values.index)


def _place(column: str, part: str) -> int:
    """Bands in their order, what is unknown last."""
    names = [name for _, name in BANDS.get(column, ())]
    return names.index(part) if part in names else len(names)
