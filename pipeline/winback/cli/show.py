"""winback show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from winback.cli.options import config_option, json_option

if TYPE_CHECKING:
    from winback.config import Project


@click.command("show")
@config_option
@click.option("--customer", help="Show one customer's score over all published runs instead, and what moved it.")
@json_option
def command(config_path: Path, customer: str | None, as_json: bool) -> None:
    """Show the published run again, after every file of it was checked against its hash.

    Example: winback show --config configs/winback.toml
    """
    from winback import config, runs, store  # noqa: PLC0415
    from winback.cli.screen import print_summary  # noqa: PLC0415
    from winback.errors import RunDamaged  # noqa: PLC0415

    project = config.load(config_path).project
    folder = config_path.parent / project.runs
    if customer is not None:
        _show_customer(folder, customer, None if as_json else project)
        return
    current = runs.current(folder)
    if current is None:
        raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
    runs.verify(current)
    summary = store.read_json(current / "summary.json")
    if as_json:
        click.echo(json.dumps(summary))
    else:
        print_summary(summary, folder)


def _show_customer(folder: Path, customer: str, project: Project | None) -> None:
    """The last part of what `winback explain` shows, without any of one run; as JSON where no project is given."""
    from winback.cli.explain_text import Shown, print_history  # noqa: PLC0415
    from winback.insight.score_history import score_history  # noqa: PLC0415

    rows = score_history(folder, customer)
    if project is None:
        click.echo(json.dumps(rows))
    else:
        print_history(rows, Shown(project.language, project.time_zone, project.currency, {}, {}))
