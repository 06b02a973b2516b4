"""What each driver is worth to a model: the model is trained again without its features."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from winback.facts.features.declared import Feature
from winback.risk.asking.dataset import Ask, Plan, labelled_rows, seen_throughout
from winback.risk.asking.specs import Spec
from winback.risk.learning.train import fit, taught
from winback.risk.learning.treated import untreated


def ablation(facts: Path, plan: Plan, zone: str, today: dt.date, ask: Ask) -> pd.DataFrame:
    """One row a driver, the one missed most first: the mean held-out AUC without its features.

    `change` is that AUC less the one with all features: below zero, the driver is missed. Changes of a
    few thousandths are within what another seed of the same model gives. The first row, without a
    driver's name, is the model with all features.
    """
    spec, features = ask.spec, [f for f in ask.features if f.name not in ask.spec.leave_out]
    rows = labelled_rows(facts, [*plan.train, *plan.holdout], zone, today, replace(ask, features=features))
    held_out = rows["cutoff"].dt.tz_convert(zone).dt.date.isin(plan.holdout)
    used = seen_throughout(rows, features)
    learning = taught(rows[~held_out].reset_index(drop=True), ask, used)
    examined = untreated(rows[held_out].reset_index(drop=True), ask.campaigns)
    whole = _auc(spec, learning, examined, used)
    found = [_without(driver, used, spec, (learning, examined)) for driver in dict.fromkeys(f.driver for f in used)]
    table = pd.DataFrame([{"driver": "", "features": len(used), "auc": whole}, *found])
    table["change"] = table["auc"] - whole
    return table.sort_values(["driver", "change"], key=_none_first, kind="stable", ignore_index=True)


def _none_first(column: pd.Series) -> pd.Series:
    """The row of the whole model first, then by change."""
    return column != "" if column.name == "driver" else column


def _without(
    driver: str, used: Sequence[Feature], spec: Spec, rows: tuple[pd.DataFrame, pd.DataFrame]
) -> dict[str, str | int | float]:
    """The row of one driver; without any other feature nothing can be told apart."""
    left = [f for f in used if f.driver != driver]
    auc = _auc(spec, *rows, left) if left else 0.5
    return {"driver": driver, "features": len(used) - len(left), "auc": auc}


def _auc(spec: Spec, learning: pd.DataFrame, examined: pd.DataFrame, features: Sequence[Feature]) -> float:
    """The mean AUC over the held-out cutoffs of a model that learned from the others."""
    model = fit(spec, learning, features)
    names = [f.name for f in features]
    return float(
        np.mean(
            [
                roc_auc_score(rows["churned"], model.predict_proba(rows[names])[:, 1])
                for _, rows in examined.groupby("cutoff")
            ]
        )
    )
