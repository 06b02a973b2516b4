"""winback show."""

from __future__ import annotations

import json
from pathlib import Path

import click

from winback.cli.options import config_option, json_option


@click.command("show")
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """Show the published run again, after every file of it was checked against its hash.

    Example: winback show --config configs/winback.toml
    """
    from winback import config, runs, store  # noqa: PLC0415
    from winback.cli.screen import print_summary  # noqa: PLC0415
    from winback.errors import RunDamaged  # noqa: PLC0415

    folder = config_path.parent / config.load(config_path).project.runs
    current = runs.current(folder)
    if current is None:
        raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
    runs.verify(current)
    summary = store.read_json(current / "summary.json")
    if as_json:
        click.echo(json.dumps(summary))
    else:
        print_summary(summary, folder)
