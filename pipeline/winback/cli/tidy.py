"""winback tidy."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import config_option, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("tidy")
@config_option
@click.option("--remove", is_flag=True, help="Remove it; without this, only say what would go.")
@json_option
def command(config_path: Path, remove: bool, as_json: bool) -> None:
    """Show what is older than [retention] keeps it, and with --remove remove it.

    Every night does the same after publishing, unless [retention] nightly = false. Never removed: the current run, runs
    whose outcomes are still awaited, ledgers, keys, champions of any time. What goes is written down in
    state/history/removed.jsonl.

    Example: winback tidy --config configs/winback.toml
    """
    from winback import config, runs  # noqa: PLC0415
    from winback.tidying import Owned, removable, tidy, told  # noqa: PLC0415

    settings = config.load(config_path)
    project, base = settings.project, config_path.parent
    owned = Owned(base / project.state, base / project.runs, dt.datetime.now(dt.UTC))
    if remove:
        rows = tidy(owned, settings.retention)
    else:
        with runs.project_lock(owned.state):
            rows = [told(owned, each) for each in removable(owned, settings.retention)]
    if as_json:
        click.echo(json.dumps({"removed": remove, "things": rows, "bytes": sum(row["bytes"] for row in rows)}))
        return
    _print(rows, removed=remove)


def _print(rows: Sequence[dict[str, Any]], *, removed: bool) -> None:
    for row in rows:
        click.echo(f"{row['kind']:<16}{row['bytes'] / 1e6:>10,.1f} MB  {row['path']}: {row['why']}")
    total = sum(row["bytes"] for row in rows) / 1e6
    if not rows:
        click.echo("Nothing is older than the project keeps it.")
    elif removed:
        click.echo(f"{len(rows):,} things removed, {total:,.1f} MB.")
    else:
        click.echo(f"{len(rows):,} things, {total:,.1f} MB. `winback tidy --remove` removes them.")
