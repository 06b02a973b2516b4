"""winback outcomes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from winback.cli.options import Named, Pair, config_option, json_option


@click.group("outcomes", cls=Named)
def command() -> None:
    """Hand in what came of campaigns: who was reached, who answered, what it cost.

    Example: winback outcomes add report.csv
    """


@command.command("add")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--column", "columns", type=Pair(), multiple=True, help="A column under another name, kind=Event.")
@click.option("--campaign", help="The campaign of all rows, where the file has no such column.")
@click.option("--kind", help="What all rows tell: delivered, opened, clicked, accepted, redeemed, cost, unsubscribed.")
@json_option
def add(
    config_path: Path,
    file: Path,
    columns: tuple[tuple[str, str], ...],
    campaign: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Take in a file of outcomes (CSV, JSON or Parquet): campaign, customer_id, happened_at, kind, value.

    `value` of redeemed and cost rows is money. Every row is accepted, a duplicate, or put aside with its line and
    reason. Handing in a file again changes nothing; nothing is ever taken back.

    Example: winback outcomes add report.csv --campaign inactivity-2026-03-01 --column happened_at=Sent
    """
    from winback import config, runs  # noqa: PLC0415
    from winback.facts.intake.handed_in import hand_in  # noqa: PLC0415
    from winback.facts.intake.ledger import Since  # noqa: PLC0415

    project = config.load(config_path).project
    constants = {name: {"value": value} for name, value in (("campaign", campaign), ("kind", kind)) if value}
    state = config_path.parent / project.state
    with runs.project_lock(state):
        since = Since(project.time_zone, dt.datetime.now(dt.UTC), project.currency)
        told = hand_in(file, {**dict(columns), **constants}, state, since)
    click.echo(json.dumps(told) if as_json else _in_words(told))


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """Show the files handed in so far.

    Example: winback outcomes list
    """
    from winback import config  # noqa: PLC0415
    from winback.facts.intake.handed_in import listed  # noqa: PLC0415

    told = listed(config_path.parent / config.load(config_path).project.state)
    if as_json:
        click.echo(json.dumps({"files": told}))
        return
    for each in told:
        click.echo(f"{each['received_at'][:10]}  {each['file']}: {_rows(each)}")
    if not told:
        click.echo("No file of outcomes was handed in yet: winback outcomes add FILE")


def _in_words(told: dict[str, Any]) -> str:
    if told["added_before"]:
        return f"{told['file']} was handed in before, on {told['received_at'][:10]}; nothing was changed."
    reasons = ", ".join(f"{code} {rows:,}" for code, rows in told["reasons"].items())
    return f"{told['file']}: {_rows(told)}." + (f" Put aside: {reasons}." if reasons else "")


def _rows(told: dict[str, Any]) -> str:
    return (
        f"{told['rows_in']:,} rows in = {told['accepted']:,} accepted ({told['new']:,} of them new) + "
        f"{told['duplicates']:,} duplicates + {told['quarantined']:,} put aside"
    )
