"""winback init."""

from __future__ import annotations

import importlib.resources
import shutil
from pathlib import Path

import click

from winback.errors import ConfigError


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Lay down a project in FOLDER: configs, models, and a small made-up shop to try them on.

    Nothing is overwritten.

    Example: winback init my-shop
    """
    template = Path(str(importlib.resources.files("winback"))) / "template"
    files = [path.relative_to(template) for path in sorted(template.rglob("*")) if path.is_file()]
    if there := [str(file) for file in files if (folder / file).exists()]:
        raise ConfigError(
            f"{folder} holds {len(there)} of the project's files already (first: {there[0]}); nothing was written."
        )
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template / file, folder / file)
    click.echo(f"{len(files)} files in {folder}. Try:")
    click.echo(f"  winback run --config {folder / 'configs' / 'sample.toml'} --date 2026-03-01")
