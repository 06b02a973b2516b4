"""winback policy."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, config_option, json_option

if TYPE_CHECKING:
    import pandas as pd


@click.command("policy")
@config_option
@click.option(
    "--date", "today", type=Day(), required=True, help="The day to look from; what is known before it counts."
)
@click.option("--campaign", help="Only a night's campaign, or a series of them. Default: all.")
@json_option
def command(config_path: Path, today: dt.date, campaign: str | None, as_json: bool) -> None:
    """Show what the decisions earned, what others would have earned, and what other budgets would bring now.

    Earned: against those held out at random. Other decisions: judged by what was logged, with the chance it had; where
    the log cannot tell, that is said. Budgets: of the published run, with every other limit as it is.

    Example: winback policy --date 2018-03-31
    """
    from winback import config, jobs, measuring  # noqa: PLC0415
    from winback.cli import policy_text  # noqa: PLC0415
    from winback.effects.lift import lift  # noqa: PLC0415

    job = jobs.prepare(config.load(config_path), config_path.parent, today, dt.datetime.now(dt.UTC))
    found = measuring.measured(job, campaign)
    gained = lift(found.results, metrics=("net_gain",))
    table = measuring.policies(job, found)
    budgets = _budgets(config_path)
    if as_json:
        click.echo(json.dumps(_plain(found.waiting, gained, table, budgets)))
    else:
        policy_text.print_policies(found.waiting, gained, table, budgets, job.config.project.currency)


def _budgets(config_path: Path) -> pd.DataFrame | None:
    """The budget curve of the published run; None where nothing is published."""
    from winback.cli.decide import curve, published  # noqa: PLC0415
    from winback.errors import RunDamaged  # noqa: PLC0415

    try:
        job, folder = published(config_path)
    except RunDamaged as error:
        click.echo(f"Without other budgets: {error}", err=True)
        return None
    return curve(job, folder, ())


def _plain(waiting: int, gained: pd.DataFrame, table: pd.DataFrame, budgets: pd.DataFrame | None) -> dict[str, Any]:
    """The figures as plain values; what cannot be told is null."""
    return {
        "waiting": waiting,
        "earned": _rows(gained)[0],
        "policies": _rows(table),
        "budgets": None if budgets is None else _rows(budgets),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(str(frame.to_json(orient="records")))
    return rows
