"""One run for one date: the stages in order, from raw files to a published list.

Each stage is a step of the run: it is skipped when its files are there and as they were written, so a
killed run is finished by running again. Nothing here reads a clock: `today`, `received_at` and `clock`
come from the caller.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from winback import making, runs, store
from winback.campaigns import night
from winback.consent.changes import digest
from winback.errors import ConfigError, ConsentMoved
from winback.jobs import Job
from winback.making import Say
from winback.permitting import permissions_now, refuse_restored
from winback.risk.keeping.promotions import Version
from winback.risk.scoring.own_estimator import Classifier
from winback.training import settled, taken_in
from winback.weighing import plan_of

STAGES = ("ingest", "model", "features", "scores", "reasons", "decisions", "list", "publish")
MOST_READS = 3  # of consent, while it changes under the run
Clock = Callable[[], dt.datetime]


def run(job: Job, say: Say, clock: Clock | None = None, *, replace: bool = False) -> tuple[dict[str, Any], bool]:
    """The summary of the run, and whether this call did anything: a published run is left as it is.

    `clock` tells the instant at which consent is read, before anything is made of it and again before the list is
    published; without it, the one at which the job was called. `replace`: a list of the same night that was
    published before was never used, and this one takes its place.
    """
    refuse_unlistable(job)
    with runs.project_lock(job.state):
        folder = job.runs / job.run_id
        if runs.is_published(job.runs, job.run_id):
            refuse_restored(job, folder)
            return store.read_json(folder / "summary.json"), False
        settled(job)
        say("ingest")
        accounting = [asdict(each) for each in taken_in(job)]
        version, model = making.model_of(job, folder, say)
        allowed = permissions_now(job, _now(job, clock))
        for _ in range(MOST_READS):
            summary = _made(job, folder, (version, model, allowed), accounting, say)
            before, allowed = allowed, permissions_now(job, _now(job, clock))
            if digest(before) == digest(allowed):
                _publish(job, folder, version, accounting, replace=replace)
                return summary, True
        raise ConsentMoved(
            f"the list for {job.today} is not published: consent changed while each of {MOST_READS} lists was made. "
            "The list before stays. Run again when the sources of consent are at rest."
        )


def _now(job: Job, clock: Clock | None) -> dt.datetime:
    return clock() if clock else job.received_at


def _made(
    job: Job,
    folder: Path,
    given: tuple[Version, Classifier, pd.DataFrame],
    accounting: list[dict[str, Any]],
    say: Say,
) -> dict[str, Any]:
    """The summary of a list that is made and passes the gate; what is there already is left."""
    version, model, allowed = given
    making.permissions(folder, allowed)
    making.features(job, folder, model, say)
    making.values(job, folder)
    making.scores(job, folder, version, model, say)
    making.decisions(job, folder, say)
    summary = making.people_list(job, folder, accounting, say)
    say("publish")
    making.gate(job, folder, version, model)
    return summary


def _publish(job: Job, folder: Path, version: Version, accounting: list[dict[str, Any]], *, replace: bool) -> None:
    """Write the campaign down, then move the pointer; a night made up for was never sent, so it is no campaign."""
    plan = plan_of(job)
    if replace and not job.back_fill:
        night.withdraw(job.state, plan)
    if not job.back_fill:
        night.launch(job.state, plan, folder, making.asked_before(job))
    runs.publish(job.runs, job.run_id, _manifest(job, version, accounting))


def refuse_unlistable(job: Job) -> None:
    """ConfigError where a list cannot be made of the project's question."""
    if job.spec.kind != "inactivity" or job.config.sources.orders is None:
        raise ConfigError(
            "a list is made of who stops ordering: it needs [sources.orders] and a spec of kind 'inactivity' (came: "
            f"{job.spec.kind!r}). Other questions are learned by `winback train` and answered by `winback score`."
        )


def _manifest(job: Job, version: Version, accounting: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "logical_date": job.today.isoformat(),
        "inputs": job.inputs,
        "settings_sha256": job.settings,
        "facts": job.facts.name,
        "model": {"name": version.name, "version": version.version, "sha256": version.sha256},
        "accounting": accounting,
        **({"back_fill": True} if job.back_fill else {}),
    }
