"""winback train."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, config_option, json_option, spec_option

if TYPE_CHECKING:
    from winback.jobs import Job


@click.command("train")
@config_option
@click.option("--date", "today", type=Day(), required=True, help="The day to learn on; nothing of it is seen.")
@spec_option
@click.option("--promote/--no-promote", default=True, help="Whether a model that passes its gates becomes champion.")
@json_option
def command(config_path: Path, today: dt.date, spec: str | None, promote: bool, as_json: bool) -> None:
    """Train a model for a question, examine it forward in time, and promote it if it passes its gates.

    The question is the project's own or that of --spec: a file, or the bare name of one that comes with
    winback (inactivity, subscription, payment, return). It is registered whatever comes of it.

    Example: winback train --config configs/winback.toml --date 2017-12-31 --spec return
    """
    from winback import runs, training  # noqa: PLC0415

    job = job_of(config_path, today, spec)
    with runs.project_lock(job.state):
        training.settled(job)
        training.taken_in(job)
        candidate = training.trained(job, lambda text: click.echo(text, err=True))
        version = training.enrolled(job, candidate, promote=promote)
    told = {
        "spec": job.spec.name,
        "kind": job.spec.kind,
        "version": version.version,
        "sha256": version.sha256,
        "promoted": promote,
        "quality": [figures.as_dict() for figures in candidate.figures],
        "search": candidate.model.card_["search"],
        "campaigns": candidate.model.card_.get("campaigns"),
    }
    click.echo(json.dumps(told) if as_json else _text(told))


def job_of(config_path: Path, today: dt.date, spec: str | None) -> Job:
    """The job of a day, for the project's own question or another."""
    from dataclasses import replace  # noqa: PLC0415

    from winback import config, jobs  # noqa: PLC0415

    project = config.load(config_path)
    if spec is not None:
        project = replace(project, model=config.ModelChoice(spec=spec))
    return jobs.prepare(project, config_path.parent, today, dt.datetime.now(dt.UTC))


def _text(told: dict[str, Any]) -> str:
    """The figures of each held-out cutoff, one line each."""
    lines = [
        f"{q['cutoff']}  {q['customers']:,} customers, {q['churned']:.1%} of them so: AUC {q['auc']:.3f} "
        f"({q['rule']} alone {q['rule_auc']:.3f}), log loss {q['log_loss']:.3f}, predicted {q['mean_predicted']:.1%}"
        for q in told["quality"]
    ]
    if told["campaigns"]:
        from winback.risk.examining.card import campaigns_words  # noqa: PLC0415

        lines.append(campaigns_words(told["campaigns"]))
    what = "is now the champion" if told["promoted"] else "waits to be promoted by `winback models`"
    return "\n".join([*lines, f"version {told['version']} of {told['spec']} {what}."])
