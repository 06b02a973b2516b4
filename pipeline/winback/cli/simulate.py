"""winback simulate."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from winback.cli.options import Day, json_option


@click.command("simulate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--customers", default=20_000, show_default=True, help="How many arrive by the last day.")
@click.option("--days", type=int, show_default="730; 28 with --go-on", help="Days of log, or days more.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same shop.")
@click.option("--start", type=Day(), default="2024-01-01", show_default=True, help="The first day.")
@click.option("--time-zone", default="UTC", show_default=True, help="Whose midnights begin a day.")
@click.option("--without", multiple=True, help="A table this shop does not keep; may be repeated.")
@click.option("--late-share", default=0.02, show_default=True, help="Share of the rows recorded late.")
@click.option("--duplicates-share", default=0.002, show_default=True, help="Share of the rows written twice.")
@click.option("--subscribers", default=0.0, show_default=True, help="Share of the customers with a monthly box.")
@click.option("--cutoff", "cutoffs", type=Day(), multiple=True, help="A day to tell the truth of; may be repeated.")
@click.option(
    "--format",
    "ending",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="What the tables are written as.",
)
@click.option("--go-on", is_flag=True, help="Let the shop that lies in FOLDER go on by --days.")
@click.option("--decisions", type=click.Path(path_type=Path), help="What is done on the first day of going on.")
@json_option
def command(folder: Path, as_json: bool, **asked: Any) -> None:
    """Make up a shop in FOLDER whose causes of leaving and effects of actions are known.

    The tables and a winback.toml to run on them; in FOLDER/truth why each customer leaves, the true
    chance of it, and what each action would do. With --go-on the shop lives on after what was decided.

    Example: winback simulate made-up --customers 5000 --days 540
    """
    from winback.simulate import files  # noqa: PLC0415

    if asked.pop("go_on"):
        decisions = files.read_decisions(asked["decisions"]) if asked["decisions"] else []
        days = 28 if asked["days"] is None else asked["days"]
        told: dict[str, Any] = {"rows": files.go_on(folder, days, decisions)}
    else:
        told = _new(folder, asked)
    if as_json:
        click.echo(json.dumps({"folder": str(folder), **told}))
        return
    for table, rows in told["rows"].items():
        click.echo(f"{rows:>12,} rows of {table}")
    if "date" in told:
        click.echo(f"Try:\n  winback run --config {folder / 'winback.toml'} --date {told['date']}")


def _new(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """A new shop: how many rows of each table, and the day after its log."""
    from winback.simulate import files, shop  # noqa: PLC0415

    if asked.pop("decisions"):
        raise click.UsageError("--decisions is for a shop that goes on: add --go-on.")
    cutoffs, ending = asked.pop("cutoffs"), asked.pop("ending")
    if asked["days"] is None:
        del asked["days"]
    made = shop.Shop(**{**asked, "without": tuple(asked["without"])})
    rows = files.write(made, folder, cutoffs, ending)
    return {"rows": rows, "date": (made.start + dt.timedelta(days=made.days)).isoformat()}
