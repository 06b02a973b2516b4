"""winback init."""

from __future__ import annotations

import importlib.resources
import shutil
from pathlib import Path
from typing import Any

import click

from winback.cli.kept_out import keep_out
from winback.cli.options import Pair
from winback.errors import ConfigError


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from", "orders", metavar="FILE", help="Your own orders: a file, a folder or a pattern; guess the rest."
)
@click.option("--yes", is_flag=True, help="Write what was guessed without asking.")
@click.option(
    "--column", "columns", type=Pair(), multiple=True, help="A column that was guessed wrongly: amount=Total."
)
@click.option("--date-format", help="How dates are written, such as %d/%m/%Y.")
@click.option("--number-format", help="How 1234.56 is written, such as 1.234,56.")
@click.option("--zone", help="The business's time zone, such as Europe/Berlin.")
@click.option("--currency", help="Of the amounts, such as EUR.")
@click.option("--kept-elsewhere", is_flag=True, help="The tool that sends asks for consent itself.")
def command(folder: Path | None, orders: str | None, yes: bool, kept_elsewhere: bool, **told: Any) -> None:
    """Lay down a project in FOLDER: configs, models, and a small made-up shop to try them on.

    With --from it looks at a file of your orders instead (CSV with any delimiter and encoding, JSON lines,
    Parquet, packed or not), says what it takes each column for and why, reads the whole file so, recommends
    a horizon, and writes winback.toml into FOLDER (default: here) once you say yes. Without a terminal it
    prints the configuration and writes nothing, unless --yes is given. Nothing is ever overwritten.

    Example: winback init my-shop --from orders.csv --yes
    """
    if orders:
        from winback.cli.init_from import lay_down  # noqa: PLC0415

        lay_down(orders, folder or Path(), (yes, kept_elsewhere), told)
    elif folder is None:
        raise click.UsageError("Missing argument 'FOLDER'.")
    else:
        _template(folder)


def _template(folder: Path) -> None:
    template = Path(str(importlib.resources.files("winback"))) / "template"
    files = [path.relative_to(template) for path in sorted(template.rglob("*")) if path.is_file()]
    if there := [str(file) for file in files if (folder / file).exists()]:
        raise ConfigError(
            f"{folder} holds {len(there)} of the project's files already (first: {there[0]}); nothing was written."
        )
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template / file, folder / file)
    keep_out(folder)
    click.echo(f"{len(files)} files in {folder}. Try:")
    click.echo(f"  winback run --config {folder / 'configs' / 'sample.toml'} --date 2026-03-01")
