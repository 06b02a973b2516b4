"""The range a feature's value must lie in, from its declaration."""

from __future__ import annotations

import math

from winback.facts.features.feature import Feature
from winback.facts.features.streams import ACTIVE_DAYS, ROWS

ANY = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)
SHARE = (0.0, 1.0)
OF_KIND = {
    "since_nth": POSITIVE,
    "since_first": POSITIVE,
    "gap_mean": (1.0, math.inf),  # gaps are between different days
    "gap_spread": POSITIVE,
    "gap_quantile": (1.0, math.inf),
    "overdue": POSITIVE,
    "overdue_prior": POSITIVE,
    "evenness": SHARE,
    "spans": SHARE,
    "distinct": POSITIVE,
    "new_values": POSITIVE,
    "top_share": SHARE,
    "switches": POSITIVE,
    "rises": POSITIVE,
    "until_renewal": POSITIVE,
}


def limits(feature: Feature) -> tuple[float, float]:
    """The smallest and the largest value a feature can have; infinite where there is no limit.

    What its kind and measure say, narrowed or widened by `low` and `high` of the declaration.
    """
    low, high = OF_KIND.get(feature.kind) or _of_measure(feature)
    return low if feature.low is None else feature.low, high if feature.high is None else feature.high


def _of_measure(f: Feature) -> tuple[float, float]:
    """The range of the kinds that add up or read a measure."""
    sizes = {f.stream.measure(name).size for name in (f.measure, f.of) if name}
    if f.kind in ("acceleration", "change", "ratio", "difference", "days_until") or "any" in sizes:
        return ANY
    if f.kind == "share":
        within = f.of == ROWS and (f.stream.measure(f.measure).size == "0 or 1" or f.measure == ACTIVE_DAYS)
        return SHARE if within else POSITIVE
    if f.measure == "hour" and f.kind in ("mean", "last"):
        return (0.0, 23.0)
    one = f.kind in ("mean", "last") and sizes == {"0 or 1"}
    return SHARE if one else POSITIVE
