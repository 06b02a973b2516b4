"""Answering a question for a date without making a list: scores and reasons of whoever it is asked of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from winback import runs, store
from winback.errors import NotEnoughData
from winback.facts.features import declared
from winback.jobs import Job
from winback.permitting import unasked
from winback.risk.asking.dataset import Ask, rows_at
from winback.risk.keeping.champions import champion_for, features_of, refuse_lost_features
from winback.risk.scoring.reasons import reasons_for
from winback.risk.scoring.score import score
from winback.training import settled, taken_in


def answer(job: Job, out: Path) -> dict[str, Any]:
    """What was written to `out`: scores.parquet and reasons.parquet of everybody the question is asked of today.

    By the champion of the job's spec; NotEnoughData where there is none. Each file is written whole, the
    scores last.
    """
    with runs.project_lock(job.state):
        settled(job)
        taken_in(job)
        found = champion_for(job.state, job.spec, job.today)
        if found is None:
            raise NotEnoughData(f"there is no champion for the spec {job.spec.name} yet; run `winback train` first.")
        version, model = found
        refuse_lost_features(version, model, job.features)
        features = features_of(model, job.features)
        quoted = declared.quoted_by(features) & {f.name for f in job.features}
        wanted = [*features, *(f for f in job.features if f.name in quoted and f not in features)]
        rows = rows_at(job.facts, [job.today], job.zone, Ask(job.spec, wanted, unasked(job)))
        if rows.empty:
            raise NotEnoughData(f"nobody is asked about on {job.today} by the spec {job.spec.name} ({job.spec.kind}).")
        scores = score(model, rows, features, job.config.offers.at_risk_probability)
        told = rows.assign(probability=scores["probability"])
        store.write_table(out / "reasons.parquet", reasons_for(model, told, features, scores["at_risk"].to_numpy()))
        if job.spec.kind == "return":
            scores["return_probability"] = 1 - scores["probability"]
        store.write_table(out / "scores.parquet", scores.assign(model_version=str(version.version)))
    return {
        "spec": job.spec.name,
        "kind": job.spec.kind,
        "date": job.today.isoformat(),
        "version": version.version,
        "customers": len(scores),
        "at_risk": int(scores["at_risk"].sum()),
        "mean_probability": float(scores["probability"].mean()),
        "folder": str(out),
    }
