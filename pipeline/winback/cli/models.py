"""winback models."""

from __future__ import annotations

import json
from pathlib import Path

import click

from winback.cli.options import config_option, json_option


@click.command("models")
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """List the promotions of the project's model, oldest first: when, which version, and why.

    Example: winback models --config configs/winback.toml
    """
    from winback import config  # noqa: PLC0415
    from winback.risk.promotions import history  # noqa: PLC0415
    from winback.risk.specs import load_spec  # noqa: PLC0415

    project = config.load(config_path)
    name = load_spec(project.model, config_path.parent).name
    rows = history(config_path.parent / project.project.state, name)
    if as_json:
        told = [
            {"at": r.at.isoformat(), "version": r.model.version, "sha256": r.model.sha256, "reason": r.reason}
            for r in rows
        ]
        click.echo(json.dumps(told))
        return
    if not rows:
        click.echo(f"No version of {name} was promoted yet; `winback run` trains one.")
    for row in rows:
        click.echo(
            f"{row.at:%Y-%m-%d %H:%M} UTC  {name} version {row.model.version}  {row.model.sha256[:12]}  {row.reason}"
        )
