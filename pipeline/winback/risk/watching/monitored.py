"""What the published runs of a project show of its model: drift, figures that matured, early estimates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from winback import runs, store
from winback.errors import NotEnoughData
from winback.risk.watching.drift import SCORE, drift
from winback.risk.watching.matured import Known, described, early, matured
from winback.risk.watching.publish_gate import published, scored
from winback.risk.watching.publish_scores import Scored


def observed(folder: Path, name: str, known: Known, least_index: float) -> dict[str, Any]:
    """drift, matured and early of the runs that a model of this name gave lists to by a day, the newest run last."""
    days = list(_published(folder, name, known.today))
    if not days:
        raise NotEnoughData(
            f"no run of {name} was published in {folder} for {known.today} or before; `winback run --date YYYY-MM-DD` "
            "does it."
        )
    told: dict[str, Any] = {"date": known.today.isoformat(), "model": name, "matured": [], "early": []}
    for day, path in days:
        run = scored(path, day)
        closed = day + dt.timedelta(days=described(run)["horizon_days"]) <= known.today
        if closed:
            told["matured"].append(matured(run, store.read_rows(path, "decisions"), known))
        else:
            told["early"].append(early(run, known))
    newest = described(run)
    aged = (known.today - dt.date.fromisoformat(run.model["card"]["today"])).days
    return {**told, "run": {**newest, "model_days": aged}, "drift": _drift(run, least_index)}


def _published(folder: Path, name: str, today: dt.date) -> Iterator[tuple[dt.date, Path]]:
    """The day and folder of each run of a model that was published for a day up to this one, the earliest first."""
    for path in published(folder):
        manifest = runs.verify(path)
        day = dt.date.fromisoformat(manifest["logical_date"])
        if day <= today and manifest["model"]["name"] == name:
            yield day, path


def _drift(run: Scored, least_index: float) -> dict[str, Any]:
    """Of each column its move since training; nothing of a model that kept no reference."""
    if run.reference is None:
        return {"fault": "the model kept no drift_reference: an older winback trained it. Train again.", "columns": []}
    rows = run.features.merge(run.scores[["customer_id", SCORE]], on="customer_id", validate="one_to_one")
    found = drift(run.reference, rows, least_index)
    return {"rows": run.reference["rows"], "columns": found.to_dict("records")}
