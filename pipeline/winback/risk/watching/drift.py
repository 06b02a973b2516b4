"""How far the customers of a day have moved away from those a model learned from.

Every column (a feature, or the chance itself) is cut into bins that held about equally many of the known
training rows; what is unknown is a bin of its own. The size of a move is the population stability index
of the bins, its luck is judged by a chi-square test, corrected for the number of columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, false_discovery_control

from winback.facts.features.feature import Feature

Floats = NDArray[np.float64]
Reference = Mapping[str, Any]
BINS = 10
SCORE = "probability"
FALSE_ALARMS = 0.01  # share of the alarms that may be luck, however the columns depend on each other
ADDED = 0.5  # to each count, so that an empty bin is a small share and not an infinite distance


def drift_reference(rows: pd.DataFrame, chance: Floats, features: Sequence[Feature]) -> dict[str, Any]:
    """What is kept of the training rows to be compared with: counts by bin of each feature and of the chance.

    `rows` and `customers` of all training cutoffs; of the `newest` of them its rows; `last` and `days`, when it
    was and how long after the first. Of each column: `edges`, the upper ends of its bins; `all` and `newest`,
    counts by bin, unknown last; `usual`, the largest index between one cutoff and all; `moved`, the index
    between the first and the newest beyond what luck gives; `sizes` of the newest cutoff (see `sizes`);
    `least`, the largest of the cutoffs' smallest values.
    """
    code = np.unique(rows["cutoff"].to_numpy(), return_inverse=True)[1]
    found = {f.name: _column(rows[f.name].to_numpy(dtype=np.float64), code) for f in features}
    found[SCORE] = _column(chance, code)
    told = {"rows": len(rows), "customers": int(rows["customer_id"].nunique())}
    newest = rows["cutoff"].max()
    told["newest"] = int((rows["cutoff"] == newest).sum())
    span = {"last": newest.isoformat(), "days": int((newest - rows["cutoff"].min()).days)}
    return {**told, **span, "columns": found}


def _column(values: Floats, cutoff: NDArray[np.int64]) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    tenths = np.arange(1, BINS) / BINS
    edges = np.unique(np.quantile(known, tenths, method="inverted_cdf")) if len(known) else np.empty(0)
    width, last = len(edges) + 2, cutoff.max()
    each = np.bincount(cutoff * width + places(values, edges), minlength=(last + 1) * width).reshape(-1, width)
    least = [float(np.nanmin(part)) for k in range(last + 1) if not np.isnan(part := values[cutoff == k]).all()]
    return {
        "edges": edges.tolist(),
        "all": each.sum(axis=0).tolist(),
        "newest": each[-1].tolist(),
        "usual": max(stability_index(one, each.sum(axis=0)) for one in each),
        "moved": max(0.0, stability_index(each[0], each[-1]) - by_luck(each[0], each[-1])) if last else 0.0,
        "sizes": sizes(values[cutoff == last]),
        "least": max(least, default=None),
    }


def places(values: Floats, edges: Floats) -> NDArray[np.int64]:
    """The bin of each value; its upper end belongs to it. What is unknown lies in the last."""
    found = np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, found).astype(np.int64)


def sizes(values: Floats) -> list[float]:
    """The quartiles of the values that are neither 0 nor unknown, without their signs: what another unit moves."""
    told = np.abs(values[(values != 0) & ~np.isnan(values)])
    return [float(each) for each in np.quantile(told, [0.25, 0.5, 0.75])] if len(told) else []


def counts(column: Mapping[str, Any], values: Floats) -> Floats:
    """How many of the values lie in each bin of a column of the reference."""
    edges = np.array(column["edges"], dtype=np.float64)
    return np.bincount(places(values, edges), minlength=len(edges) + 2).astype(np.float64)


def stability_index(found: Any, expected: Any) -> float:
    """The population stability index of counts by bin: the symmetric Kullback-Leibler distance of their shares."""
    p, q = (np.asarray(each, dtype=np.float64) + ADDED for each in (found, expected))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


def by_luck(found: Any, expected: Any) -> float:
    """The index to be expected of two samples of one distribution: about (bins - 1) (1/n + 1/m)."""
    both = np.asarray(found) + np.asarray(expected)
    return float(((both > 0).sum() - 1) * (1 / max(np.sum(found), 1) + 1 / max(np.sum(expected), 1)))


def luck(found: Floats, expected: Floats) -> float:
    """The chance of counts at least so far apart where both come from one distribution (two-sample chi-square)."""
    both = found + expected
    used = both > 0
    n, m = found.sum(), expected.sum()
    if used.sum() < 2 or not n or not m:
        return 1.0
    apart = (np.sqrt(m / n) * found - np.sqrt(n / m) * expected)[used] ** 2 / both[used]
    return float(chi2.sf(apart.sum(), used.sum() - 1))


def drift(reference: Reference, rows: pd.DataFrame, least_index: float) -> pd.DataFrame:
    """One row a column of the reference, the largest move first: index, limit, p, missing before and now, drifted.

    `index` is the smaller of two: against all training rows, and against their newest cutoff alone; a column that
    grows with the calendar moves away from the first and not from the second. It has drifted where the index
    reaches `limit` and the corrected `p` is below FALSE_ALARMS (Benjamini and Yekutieli 2001). `limit` is
    `least_index`, twice what the training cutoffs differed by, or twice the move to be expected where the pace of
    the training cutoffs goes on (an index grows with the square of a shift), whichever is largest.
    """
    weight = reference["customers"] / max(reference["rows"], 1)  # rows of one customer tell one thing
    told = [_moved(name, kept, rows, weight) for name, kept in reference["columns"].items()]
    frame = pd.DataFrame(told, columns=["column", "index", "usual", "moved", "p", "missing_before", "missing_now"])
    frame["p"] = false_discovery_control(frame["p"], method="by") if len(frame) else frame["p"]
    expected = np.maximum(frame["usual"], frame["moved"] * _ages(reference, rows) ** 2)
    frame["limit"] = np.maximum(least_index, 2 * expected)
    frame["drifted"] = (frame["index"] >= frame["limit"]) & (frame["p"] < FALSE_ALARMS)
    return frame.sort_values(["index", "column"], ascending=[False, True], ignore_index=True)


def _ages(reference: Reference, rows: pd.DataFrame) -> float:
    """How many times the span of the training cutoffs has gone by since their newest."""
    if rows.empty or not reference["days"]:
        return 0.0
    since = (rows["cutoff"].max() - pd.Timestamp(reference["last"])).total_seconds() / 86_400
    return float(since / reference["days"])


def _moved(name: str, kept: Mapping[str, Any], rows: pd.DataFrame, weight: float) -> dict[str, Any]:
    now = counts(kept, rows[name].to_numpy(dtype=np.float64))
    whole, newest = (np.array(kept[part], dtype=np.float64) for part in ("all", "newest"))
    return {
        "column": name,
        "index": unlike(kept, now),
        "usual": kept["usual"],
        "moved": kept["moved"],
        "p": max(luck(now, whole * weight), luck(now, newest)),
        "missing_before": whole[-1] / max(whole.sum(), 1),
        "missing_now": now[-1] / max(now.sum(), 1),
    }


def unlike(kept: Mapping[str, Any], now: Floats) -> float:
    """The index of counts against all training rows or their newest cutoff, whichever they are more like."""
    return min(stability_index(now, kept["all"]), stability_index(now, kept["newest"]))
