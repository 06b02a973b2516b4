"""One customer over the published runs: his score in each, and what moved it since the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store
from winback.errors import NotEnoughData


def score_history(folder: Path, customer_id: str) -> list[dict[str, Any]]:
    """One dict a published run that scored the customer, oldest first: date, run_id, probability, change, drivers.

    `change` is that of the probability since the run before (None for the first), `drivers` that of each driver's
    points, largest first, where both runs tell them: of those at risk all are told, of others the first three.
    RunDamaged where a file of a run is not as it was written; NotEnoughData for somebody nobody ever scored.
    """
    found: list[dict[str, Any]] = []
    before = pd.Series(dtype="float64")
    for run in sorted(path.parent for path in folder.glob("*/manifest.json") if not path.parent.is_symlink()):
        manifest = runs.verify(run)
        mine = _of(run / "scores.parquet", customer_id)
        if mine.empty:
            continue
        reasons = _of(run / "reasons.parquet", customer_id)
        points = reasons.set_index("driver")["points"].drop("rest", errors="ignore")
        moved = (points - before).dropna().sort_values(key=abs, ascending=False)
        row = mine.iloc[0]
        found.append(
            {
                "date": manifest["logical_date"],
                "run_id": run.name,
                "probability": float(row["probability"]),
                "at_risk": bool(row["at_risk"]),
                "stage": str(row["stage"]),
                "model_version": str(row["model_version"]),
                "change": float(row["probability"]) - found[-1]["probability"] if found else None,
                "drivers": {str(driver): float(change) for driver, change in moved.items()},
            }
        )
        before = points
    if not found:
        raise NotEnoughData(f"no published run in {folder} scored a customer {customer_id!r}.")
    return found


def _of(path: Path, customer_id: str) -> pd.DataFrame:
    """The rows of one customer."""
    frame: pd.DataFrame = store.read_table(path).to_pandas()
    return frame[frame["customer_id"] == customer_id]
