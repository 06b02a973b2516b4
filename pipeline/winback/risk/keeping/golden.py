"""Golden rows: what a model answered on the day it was trained, kept in the model to be asked again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

MOST_ROWS = 200


def golden_rows(model: Any, rows: pd.DataFrame) -> dict[str, Any]:
    """The names of a model's features, some rows of them, and the chance to leave that it gives each row.

    `rows` hold the features by name. At most 200 are kept, evenly over the order of their chances, so
    that the riskiest and the safest are among them; whose they are is not.
    """
    names = [str(name) for name in model.feature_names_in_]
    chances = model.predict_proba(rows[names])[:, 1]
    kept = np.argsort(chances, kind="stable")[_evenly(len(rows))]
    sample = rows[names].iloc[kept]
    # Asked once more, as they will be: of so few rows at a time.
    return {
        "features": names,
        "rows": sample.to_numpy(dtype=np.float64, copy=True),
        "probability": model.predict_proba(sample)[:, 1].copy(),
    }


def _evenly(count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """At most MOST_ROWS places out of `count`, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).round().astype(np.int64))


def golden_fault(model: Any) -> str:
    """Where a loaded model does not answer its golden rows as it did, in words; empty where it does."""
    kept = getattr(model, "golden_", None)
    if kept is None:
        return "it brings no golden rows; an older winback trained it, or another program did"
    names = [str(name) for name in model.feature_names_in_]
    if names != kept["features"]:
        moved = [name for name, was in zip(names, kept["features"], strict=False) if name != was]
        count = len(kept["features"])
        return f"it reads {len(names)} features, {count} were recorded, others or in another order (first: {moved[:5]})"
    asked = pd.DataFrame(kept["rows"], columns=names)
    found = model.predict_proba(asked)[:, 1]
    off = np.flatnonzero(found.view(np.int64) != kept["probability"].view(np.int64))
    if not len(off):
        return ""
    first = off[0]
    return (
        f"{len(off)} of its {len(found)} golden rows get another chance than at training (first: row {first}, "
        f"{found[first]!r} now, {kept['probability'][first]!r} then)"
    )
