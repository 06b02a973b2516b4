"""Nights of a simulated shop, cheap: one small model, fitted and not examined, and the features of all days at once.

Scores, reasons, decisions, list, gate and publishing are the product's own steps, night by night.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

import shop as runs_of
from winback import jobs, making, nightly, runs, store
from winback.consent.permissions import COLUMNS
from winback.facts.features import declared
from winback.facts.intake.load import load
from winback.risk.asking.dataset import Ask, labelled_rows, rows_at, seen_throughout
from winback.risk.keeping.champions import features_of
from winback.risk.keeping.promotions import Version
from winback.risk.learning.train import fit
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.reasons import reference
from winback.risk.watching.drift import drift_reference
from winback.simulate import files
from winback.simulate.shop import Shop

Found = tuple[Version, ChurnClassifier]


def lay_down(folder: Path, shop: Shop) -> Path:
    """The configuration of a simulated shop that asks a small model."""
    files.write(shop, folder)
    path = folder / "winback.toml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith(("first", "horizon_days"))]
    text = "\n".join(lines) + "\n"
    text = text.replace("[model]\n", '[model]\nspec = "small.toml"\n')
    path.write_text(text, "utf-8")
    (folder / "small.toml").write_text(runs_of.SPEC, "utf-8")
    return path


def ingested(path: Path, today: dt.date) -> jobs.Job:
    """The job of a day, its tables taken in."""
    job = runs_of.job(path, today)
    load(job.facts, job.sources, job.base, job.inputs, (job.zone, job.received_at), job.config.project.currency)
    return job


def features_of_days(job: jobs.Job, model: ChurnClassifier, days: Sequence[dt.date]) -> dict[dt.date, pd.DataFrame]:
    """What a run's features.parquet holds, by day."""
    names = {*making.FACTS_OF_PEOPLE, *(f.name for f in features_of(model, job.features))}
    quoted = declared.quoted_by(features_of(model, job.features)) & {f.name for f in job.features}
    wanted = declared.named(names | quoted, job.own)
    rows = rows_at(job.facts, list(days), job.zone, Ask(job.spec, wanted))
    days_of = rows["cutoff"].dt.tz_convert(job.zone).dt.date
    return {day: rows[days_of == day].reset_index(drop=True) for day in days}


def fitted(job: jobs.Job, cutoffs: Sequence[dt.date]) -> Found:
    """A model of the job's spec with what a card must hold for a list, as version 1."""
    rows = labelled_rows(job.facts, cutoffs, job.zone, job.today, Ask(job.spec, job.features))
    used = seen_throughout(rows, job.features)
    names = [f.name for f in used]
    model = fit(job.spec, rows, used)
    model.card_ = {
        "spec": job.spec.as_dict(),
        "today": job.today.isoformat(),
        "rows": len(rows),
        "quality": [],
        "reference": asdict(reference(model, rows[names], used)),
        "drift_reference": drift_reference(rows, model.predict_proba(rows[names])[:, 1], used),
    }
    return Version(job.spec.name, 1, "0" * 64, "", ""), model


def night(job: jobs.Job, day: dt.date, rows: pd.DataFrame, found: Found) -> Path:
    """The folder of a published run of a day with these features; PublishRefused where the gate does."""
    tonight = replace(job, today=day)
    version, model = found
    folder = tonight.runs / tonight.run_id
    card = {"name": version.name, "version": version.version, "sha256": version.sha256, "card": model.card_}

    def features() -> dict[str, int]:
        store.write_json(folder / "model.json", card)
        store.write_table(folder / "features.parquet", rows)
        return {}

    def beside() -> dict[str, int]:
        allowed = dict.fromkeys(COLUMNS, True)
        store.write_table(folder / "permissions.parquet", rows[["customer_id"]].assign(**allowed))
        store.write_table(folder / "values.parquet", rows[["customer_id", "cutoff"]].assign(margin_at_stake=50.0))
        return {}

    runs.step(folder, "model", features, ["model.json"])
    runs.step(folder, "features", features, ["features.parquet"], after=["model"])
    runs.step(folder, "permissions", beside, ["permissions.parquet"])
    runs.step(folder, "values", beside, ["values.parquet"])
    making.scores(tonight, folder, version, model, str)
    making.decisions(tonight, folder, str)
    making.people_list(tonight, folder, [], str)
    making.gate(tonight, folder, version, model)
    runs.publish(tonight.runs, tonight.run_id, nightly._manifest(tonight, version, []))
    return folder
