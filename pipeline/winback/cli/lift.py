"""winback lift."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, config_option, json_option

if TYPE_CHECKING:
    import pandas as pd

    from winback.measuring import Measured

PARTS = ("action", "driver", "stage", "campaign", "channel", "stratum")


@click.command("lift")
@config_option
@click.option(
    "--date", "today", type=Day(), required=True, help="The day to look from; what is known before it counts."
)
@click.option("--campaign", help="Only a night's campaign, or a series of them. Default: all.")
@click.option("--by", type=click.Choice(PARTS), default="action", show_default=True, help="The parts to tell apart.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the effects into a PNG file.")
@json_option
def command(
    config_path: Path,
    today: dt.date,
    campaign: str | None,
    by: str,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show what campaigns changed: customers kept, orders, money, against those held out at random.

    Everybody counts from the first list he was on, whether he was reached or not. Intervals are given for one look on
    a day fixed beforehand and for as many looks as one likes; the words go by the latter.

    Example: winback lift --date 2018-03-31 --by action --plot lift.png
    """
    from winback import config, jobs, measuring  # noqa: PLC0415
    from winback.cli import lift_plot, lift_text, windows_plot  # noqa: PLC0415
    from winback.effects.lift import lift  # noqa: PLC0415

    if plot:
        windows_plot.refuse_missing()
    job = jobs.prepare(config.load(config_path), config_path.parent, today, dt.datetime.now(dt.UTC))
    found = measuring.measured(job, campaign)
    every, parts = lift(found.results), lift(found.results, by)
    currency = job.config.project.currency
    if plot:
        lift_plot.draw(every, parts, by, currency, plot)
    if as_json:
        click.echo(json.dumps(_plain(found, every, parts, by)))
    else:
        lift_text.print_lift(found, every, parts, by, currency)


def _plain(found: Measured, every: pd.DataFrame, parts: pd.DataFrame, by: str) -> dict[str, Any]:
    """The figures as plain values; what cannot be told is null."""
    return {
        "customers": len(found.results),
        "waiting": found.waiting,
        "known_on": found.known_on.isoformat() if found.known_on else None,
        "listed_again": found.listed_again,
        "incentives_assumed": int((found.results["incentives"] == "assumed").sum()),
        "checks": _rows(found.checks),
        "all": _rows(every),
        "by": by,
        "parts": _rows(parts),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(str(frame.to_json(orient="records")))
    return rows
