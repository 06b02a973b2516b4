"""winback show."""

from __future__ import annotations

import json
from pathlib import Path

import click

from winback.cli.options import config_option, json_option


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

    folder = config_path.parent / config.load(config_path).project.runs
    if customer is not None:
        _show_customer(folder, customer, as_json=as_json)
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


def _show_customer(folder: Path, customer: str, *, as_json: bool) -> None:
    from winback.insight.score_history import score_history  # noqa: PLC0415

    rows = score_history(folder, customer)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        moved = ", ".join(f"{driver} {100 * change:+.1f}" for driver, change in list(row["drivers"].items())[:3])
        since = (
            ""
            if row["change"] is None
            else f"  {100 * row['change']:+.1f} points since" + (f": {moved}" if moved else "")
        )
        click.echo(f"{row['date']}  {row['probability']:6.1%}  {row['stage']:<8}{since}")
