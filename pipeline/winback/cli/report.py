"""winback report."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import config_option, json_option

if TYPE_CHECKING:
    import pandas as pd

    from winback.config import Config
    from winback.insight.report.held import Beside, Held


@click.command("report")
@config_option
@click.option("--run", "run_id", help="Another run than the published one, by its name.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file. Default: report.html of the run."
)
@click.option("--language", type=click.Choice(["en", "ru", "zh"]), help="Default: the project's.")
@click.option("--without-customers", is_flag=True, help="Name no customer, so that the page may be passed on.")
@json_option
def command(config_path: Path, run_id: str | None, out: Path | None, as_json: bool, **asked: Any) -> None:
    """Write one run as one HTML page that opens offline: retention, list, model and operations.

    Names customers by their ids and nobody by anything else; figures of fewer than ten people are hidden.

    Example: winback report --config configs/winback.toml --out report.html
    """
    from winback import config, store  # noqa: PLC0415
    from winback.insight.report.held import held  # noqa: PLC0415
    from winback.insight.report.page import page  # noqa: PLC0415
    from winback.insight.report.words import words  # noqa: PLC0415

    project, base = config.load(config_path), config_path.parent
    folder = _run(base / project.project.runs, run_id)
    run = held(folder)
    said = words(asked["language"] or project.project.language, project.project.currency)
    run = _in_language(project, base, folder, (run, said.language))
    beside = replace(_beside(project, base, folder, (run, said.language)), **_money(config_path, folder, run))
    text = page(run, beside, said, not asked["without_customers"])
    target = out or base / project.project.runs / f"report-{run.run_id}.html"
    with store.whole_file(target) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text, "utf-8")
    size = len(text.encode())
    told = {"file": str(target), "bytes": size, "run_id": run.run_id}
    click.echo(json.dumps(told) if as_json else f"Written: {target} ({size / 1e6:.1f} MB)")


def _run(folder: Path, run_id: str | None) -> Path:
    """The folder of the run asked for."""
    from winback import runs  # noqa: PLC0415
    from winback.errors import ConfigError, RunDamaged  # noqa: PLC0415
    from winback.toml_files import did_you_mean  # noqa: PLC0415

    if run_id is None:
        if (found := runs.current(folder)) is None:
            raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
        return found
    known = sorted(path.parent.name for path in folder.glob("*/manifest.json") if not path.parent.is_symlink())
    if run_id not in known:
        raise ConfigError(f"there is no published run {run_id!r}.{did_you_mean(run_id, known)}")
    return folder / run_id


def _beside(project: Config, base: Path, folder: Path, told: tuple[Held, str]) -> Beside:
    """What the run does not hold itself, as far as it is at hand."""
    from winback.insight.report.held import Beside, moved_since  # noqa: PLC0415

    run, language = told
    features, actions = _labels(project, base, language)
    return Beside(
        metrics=_metrics(project, base, run.date),
        drift=_drift(project, folder, run),
        history=_history(project, base, run),
        names={entry["action"]: str(entry["name"]) for entry in run.summary["actions"]} | actions,
        movements=moved_since(folder, folder.parent),
        labels=features,
        threshold=project.offers.at_risk_probability,
    )


def _money(config_path: Path, folder: Path, run: Held) -> dict[str, Any]:
    """What campaigns earned by the run's day, and what other budgets would bring; nothing where it cannot be told."""
    from winback.cli.report_money import budgets, earned  # noqa: PLC0415
    from winback.cli.train import job_of  # noqa: PLC0415
    from winback.errors import WinbackError  # noqa: PLC0415

    try:
        job = job_of(config_path, run.date, None)
        return {"lift": earned(job), "budgets": budgets(job, folder, len(run.at_risk))}
    except WinbackError as error:
        click.echo(f"Without what campaigns earned, and other budgets: {error}", err=True)
        return {}


def _labels(project: Config, base: Path, language: str) -> tuple[dict[str, str], dict[str, str]]:
    """Features and actions in words; none where the project's files of today are not sound."""
    from winback.cli.labels import labels  # noqa: PLC0415
    from winback.errors import WinbackError  # noqa: PLC0415

    try:
        return labels(project, base, language)
    except WinbackError as error:
        click.echo(f"Without names of features and actions: {error}", err=True)
        return {}, {}


def _in_language(project: Config, base: Path, folder: Path, told: tuple[Held, str]) -> Held:
    """The run with its reasons in the page's language; as they were written where that is the project's."""
    from winback.cli.labels import retold  # noqa: PLC0415

    run, language = told
    if language == project.project.language:
        return run
    return replace(run, frames={**run.frames, "reasons": retold(project, base, folder, (dict(run.frames), language))})


def _metrics(project: Config, base: Path, today: dt.date) -> pd.DataFrame | None:
    """The metrics up to the run's day; None where the sources cannot be read any more."""
    from winback.cli.metrics import figures  # noqa: PLC0415
    from winback.errors import WinbackError  # noqa: PLC0415

    asked = {"by": "", "first": None, "until": today, "costs": None, "active_days": None}
    try:
        return figures(project, base, "month", asked)[0]
    except WinbackError as error:
        click.echo(f"Without retention figures: {error}", err=True)
        return None


def _drift(project: Config, folder: Path, run: Held) -> list[dict[str, Any]] | None:
    """The move of each column since training, the largest first; None where the model kept no reference."""
    from winback import store  # noqa: PLC0415
    from winback.risk.watching.drift import drift  # noqa: PLC0415

    if "drift_reference" not in run.card:
        return None
    chances = run.frames["scores"][["customer_id", "probability"]]
    rows = store.read_rows(folder, "features")
    rows = rows.merge(chances, on="customer_id", validate="one_to_one")
    found = drift(run.card["drift_reference"], rows, project.monitor.least_index)
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def _history(project: Config, base: Path, run: Held) -> list[dict[str, Any]]:
    """What happened to the versions of the run's model."""
    from winback.risk.keeping.promotions import history  # noqa: PLC0415

    return [
        {
            "version": row.model.version,
            "at": f"{row.at:%Y-%m-%d %H:%M}",
            "kind": row.kind,
            "reason": row.reason,
            "approver": row.approver,
        }
        for row in history(base / project.project.state, run.summary["model"]["name"])
    ]
