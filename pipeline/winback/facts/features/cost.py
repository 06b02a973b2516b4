"""What features cost: CPU time, one at a time, on the facts of a project."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from winback.facts.features.feature import Feature
from winback.facts.features.table import features_table

ROUNDS = 3


def feature_costs(facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature]) -> pd.DataFrame:
    """One row a feature, the dearest first: the CPU milliseconds of asking for it alone.

    What reading the customers takes is left out: it is taken off every feature (the median of three
    rounds each). Features that share columns, windows and gaps are cheaper together than one by one;
    `together` is what all of them take in one go, the same in every row.
    """
    base = _cpu_ms(facts, cutoffs, zone, [])
    together = _cpu_ms(facts, cutoffs, zone, features) - base
    alone = [max(0.0, _cpu_ms(facts, cutoffs, zone, [feature]) - base) for feature in features]
    costs = pd.DataFrame({"feature": [f.name for f in features], "cpu_ms": alone}).assign(together=together)
    return costs.sort_values(["cpu_ms", "feature"], ascending=[False, True], ignore_index=True)


def _cpu_ms(facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature]) -> float:
    """The CPU milliseconds of one question, the median of a few rounds."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        features_table(facts, cutoffs, zone, features)
        taken.append(1000 * (time.process_time() - begun))
    return statistics.median(taken)
