"""A model that asks to become champion, with what it was examined on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from winback.risk.examining.evaluate import Quality
from winback.risk.scoring.own_estimator import Classifier


@dataclass(frozen=True)
class Candidate:
    """A trained model and its examination.

    `examined` are the held-out rows: customer_id, cutoff, churned, the features, and `probability` as given
    by a model of the same recipe that had seen the rows of `learning` alone. `model` has learned from both.
    """

    model: Classifier
    figures: list[Quality]
    examined: pd.DataFrame
    learning: pd.DataFrame
    facts: Path
    zone: str
