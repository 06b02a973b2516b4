"""winback consent."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from winback.cli.options import config_option, json_option


@click.command("consent")
@config_option
@click.option("--customer", help="Only this customer. Default: counts over all customers of the last ingest.")
@json_option
def command(config_path: Path, customer: str | None, as_json: bool) -> None:
    """Show whom winback may score and contact, by which way, as the sources of consent are at this moment.

    Reads the sources of consent anew. Without --customer: how many may what, and of how many a row was refused.

    Example: winback consent --customer C0100
    """
    from winback import config, runs  # noqa: PLC0415
    from winback.consent.gate import reread  # noqa: PLC0415

    settings, base = config.load(config_path), config_path.parent
    state = base / settings.project.state
    ids = [customer] if customer is not None else _customers(base / settings.project.runs)
    with runs.project_lock(state):
        frame = reread(settings, base, dt.datetime.now(dt.UTC), ids)
    flags = frame.drop(columns="customer_id")
    told = {
        name: bool(flags[name].iloc[0]) if customer is not None else int(flags[name].sum())
        for name in map(str, flags.columns)
    }
    if as_json:
        click.echo(json.dumps({"customers": len(frame), **told}))
        return
    for name, value in told.items():
        shown = ("yes" if value else "no") if customer is not None else f"{value:,} of {len(frame):,}"
        click.echo(f"{name.replace('_', ' '):<12} {shown}")


def _customers(folder: Path) -> list[str]:
    """The customers of the published run."""
    from winback import runs, store  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415

    found = runs.current(folder)
    if found is None:
        raise NotEnoughData("nothing is published yet, so there are no customers to count; name one with --customer")
    ids: list[str] = store.read_table(found / "features.parquet")["customer_id"].to_pylist()
    return ids
