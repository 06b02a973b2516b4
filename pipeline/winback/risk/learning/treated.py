"""What our own campaigns do to a model: how their customers entered it, and what the naive way would have told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from winback.facts.labels.retraining import Campaigns, treatment_of
from winback.risk.examining.ranked import Floats

TENTH = 0.1


def treatment(rows: pd.DataFrame, campaigns: Campaigns) -> pd.DataFrame:
    """`treatment_of` these rows by the project's campaigns."""
    return treatment_of(campaigns.assignments, rows, campaigns.days, campaigns.days)


def untreated(rows: pd.DataFrame, campaigns: Campaigns | None) -> pd.DataFrame:
    """The rows that a model may be examined on: nobody treated; all of them in the mode `ignore`."""
    if campaigns is None or campaigns.mode == "ignore":
        return rows
    return rows[~treatment(rows, campaigns)["treated"]].reset_index(drop=True)


def entered(rows: pd.DataFrame, learned: pd.DataFrame, campaigns: Campaigns) -> dict[str, Any]:
    """How the rows of treated customers entered what was learned, as counts of rows.

    `treated`; `left_out`: of them; `drawn_anew`: of those kept the ones whose label is another than what was seen;
    `learned`: rows learned from, of `rows`.
    """
    keys = ["customer_id", "cutoff"]
    got = treatment(rows, campaigns)["treated"]
    kept = rows.loc[got, [*keys, "churned"]].merge(learned[[*keys, "churned"]], on=keys, suffixes=("", "_now"))
    return {
        "mode": campaigns.mode,
        "rows": len(rows),
        "learned": len(learned),
        "treated": int(got.sum()),
        "left_out": int(got.sum()) - len(kept),
        "drawn_anew": int((kept["churned"] != kept["churned_now"]).sum()),
    }


def compared(examined: pd.DataFrame, naive: Floats) -> dict[str, Any]:
    """What the model's chances and those of a naive one are worth on customers whom nobody treated.

    `examined`: rows with `churned` and the model's `probability`; `naive`: chances of the same recipe that took the
    treated as they were. `seen`: the share that left, of all and of the tenth that the model calls riskiest; `this`,
    `naive`: mean chances of the same, AUC and log loss. AUC is None where one outcome is missing.
    """
    left, chance = examined["churned"].to_numpy(dtype=bool), examined["probability"].to_numpy(dtype=np.float64)
    top = np.argsort(-chance, kind="stable")[: max(1, round(TENTH * len(chance)))]
    seen = {"rows": len(left), "all": float(left.mean()), "riskiest": float(left[top].mean())}
    return {"seen": seen, "this": _of(left, chance, top), "naive": _of(left, naive, top)}


def _of(left: np.ndarray, chance: Floats, top: np.ndarray) -> dict[str, Any]:
    return {
        "all": float(chance.mean()),
        "riskiest": float(chance[top].mean()),
        "auc": float(roc_auc_score(left, chance)) if 0 < left.mean() < 1 else None,
        "log_loss": float(log_loss(left, chance, labels=[False, True])),
    }
