"""winback features."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from winback.config import Config
    from winback.facts.features.feature import Feature
    from winback.jobs import Job
    from winback.prove.proof import Fault

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("features")
@click.option("--config", "config_path", type=FILE, help="A project: its own features too, in its language.")
@click.option("--prove", "proved", type=FILE, help="Prove the features that a TOML file declares.")
@click.option("--logs", default=200, show_default=True, type=click.IntRange(1), help="Random histories of a proof.")
@click.option("--cost", is_flag=True, help="The CPU time of each feature on the project's facts; needs --date.")
@click.option("--ablation", is_flag=True, help="What the model loses without each driver; needs --date.")
@click.option("--date", "today", type=Day(), help="The day of the run whose facts --cost and --ablation look at.")
@json_option
def command(config_path: Path | None, proved: Path | None, as_json: bool, **asked: Any) -> None:
    """List what a model may see of a customer: name, driver, unit and meaning, by the source it needs.

    With --prove: is each feature of a file what it says, on random histories? It is compared with a plain
    loop over one customer's rows, with its range, and with itself after changes of the history that must
    not be seen. Exit code 1 when one fails.

    Example: winback features --prove my_features.toml --logs 200
    """
    if proved is not None:
        _prove(proved, asked["logs"], as_json=as_json)
    elif asked["cost"] or asked["ablation"]:
        _measure(config_path, asked, as_json=as_json)
    else:
        _list(config_path, as_json=as_json)


def _list(config_path: Path | None, *, as_json: bool) -> None:
    """Every declared feature."""
    from winback import config  # noqa: PLC0415
    from winback.facts.features import declared  # noqa: PLC0415

    project = config.load(config_path) if config_path else None
    own = declared.own_features(project.features.files, config_path.parent) if project and config_path else ()
    language = project.project.language if project else "en"
    features = declared.in_language((*declared.builtin(), *own), language)
    if as_json:
        click.echo(json.dumps([_told(f) for f in features], ensure_ascii=False))
        return
    for feature in features:
        words = f"{feature.driver:<12} {feature.label} ({feature.unit})"
        click.echo(f"{feature.name:<31} {feature.source:<25} {words}")


def _told(feature: Feature) -> dict[str, Any]:
    """A feature as plain values, those it is made of by name, its range written out."""
    from winback.facts.features.ranges import limits  # noqa: PLC0415

    low, high = (None if abs(limit) == float("inf") else limit for limit in limits(feature))
    told = {key: value for key, value in asdict(feature).items() if key != "inputs"}
    return told | {"low": low, "high": high, "sources": sorted(feature.sources)}


def _prove(path: Path, logs: int, *, as_json: bool) -> None:
    """One line a feature of the file: it holds, or what is wrong with it first."""
    from winback.facts.features.declared import own_features  # noqa: PLC0415
    from winback.prove.proof import CHECKS, prove  # noqa: PLC0415

    features = own_features([path.name], path.parent)
    with tempfile.TemporaryDirectory() as folder:
        faults = prove(features, logs, Path(folder))
    if as_json:
        click.echo(json.dumps([asdict(fault) for fault in faults]))
    else:
        holds = f"holds on {logs} random histories: oracle, range, {len(CHECKS) - 2} relations"
        for feature in features:
            mine = [fault for fault in faults if fault.feature == feature.name]
            click.echo(f"{feature.name:<31} {_failed(mine) if mine else holds}")
    if faults:
        raise click.exceptions.Exit(1)


def _failed(faults: Sequence[Fault]) -> str:
    """What is wrong with a feature: each check that it failed, and the first place."""
    checks = ", ".join(dict.fromkeys(fault.check for fault in faults))
    return f"FAILS: {checks}; first (seed {faults[0].seed}): {faults[0].check} {faults[0].where}"


def _measure(config_path: Path | None, asked: dict[str, Any], *, as_json: bool) -> None:
    """The table of --cost or --ablation."""
    if config_path is None or asked["today"] is None:
        raise click.UsageError("--cost and --ablation look at a project's facts: give --config and --date.")
    job = _job(config_path, asked["today"])
    table = _costs(job) if asked["cost"] else _ablation(job)
    click.echo(table.to_json(orient="records") if as_json else table.to_string(index=False, float_format="%.3f"))


def _job(config_path: Path, today: dt.date) -> Job:
    """The job of a day whose facts are there already."""
    from winback import config, jobs  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415

    project: Config = config.load(config_path)
    job = jobs.prepare(project, config_path.parent, today, dt.datetime.now(dt.UTC))
    if not (job.facts / "orders.parquet").exists():
        raise NotEnoughData(
            f"no facts of these sources at {job.facts}: run `winback run --config {config_path} --date {today}` first."
        )
    return job


def _costs(job: Job) -> pd.DataFrame:
    from winback.facts.features.cost import feature_costs  # noqa: PLC0415

    return feature_costs(job.facts, [job.today], job.zone, job.features)


def _ablation(job: Job) -> pd.DataFrame:
    from winback.risk.learning.ablation import ablation  # noqa: PLC0415
    from winback.training import asked, plan_of  # noqa: PLC0415

    return ablation(job.facts, plan_of(job), job.zone, job.today, asked(job))
