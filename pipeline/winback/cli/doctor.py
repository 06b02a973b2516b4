"""winback doctor."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from winback.cli.options import config_option, json_option

if TYPE_CHECKING:
    from winback.doctor.finding import Finding

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@config_option
@click.option("--data", is_flag=True, help="Also read the sources and see whether the gates of a run are passed.")
@json_option
def command(config_path: Path, data: bool, as_json: bool) -> None:
    """Say whether this machine and this project are fit to run, and what to do where they are not.

    Libraries, disk, memory, zone, tracking servers, who may read what winback owns, secrets in the configuration, the
    lock, the published list, the champion. It changes nothing, asks no server, and says what it can even where the
    configuration cannot be read. Exit code 1 when something fails.

    Example: winback doctor --config configs/winback.toml
    """
    found = list(_looked_at(config_path, data=data))
    if as_json:
        from dataclasses import asdict  # noqa: PLC0415

        passed = all(finding.level != "fail" for finding in found)
        click.echo(json.dumps({"passed": passed, "findings": [asdict(finding) for finding in found]}))
    else:
        _show(found)
    if any(finding.level == "fail" for finding in found):
        raise click.exceptions.Exit(1)


def _looked_at(config_path: Path, *, data: bool) -> Iterator[Finding]:
    from winback.doctor.environment import environment  # noqa: PLC0415
    from winback.doctor.finding import Finding  # noqa: PLC0415
    from winback.doctor.tracking import tracking  # noqa: PLC0415

    base = config_path.parent
    yield from environment(base)
    yield from tracking(os.environ)
    if not config_path.exists():
        todo = "Run: winback init --from orders.csv (or name the project with --config)"
        yield Finding("project", "warn", f"no file {config_path}", todo)
        return
    from winback import config  # noqa: PLC0415
    from winback.doctor.belongings import belongings, secrets  # noqa: PLC0415
    from winback.errors import WinbackError  # noqa: PLC0415

    yield from secrets(config_path)
    try:
        project = config.load(config_path)
    except WinbackError as error:
        yield Finding(
            "project", "fail", " ".join(str(error).split()), f"Correct {config_path}; the rest was not looked at."
        )
        return
    yield Finding("project", "ok", f"{config_path}: {', '.join(project.sources.given())}")
    yield from belongings(project, base, dt.datetime.now(dt.UTC))
    if data:
        yield from _data(project, base)


def _data(project: object, base: Path) -> Iterator[Finding]:
    """The gates of `winback check`, as they are today."""
    from winback.cli.check import looked_at  # noqa: PLC0415
    from winback.doctor.finding import graded  # noqa: PLC0415

    now = dt.datetime.now(dt.UTC)
    _, gates, *_ = looked_at(project, base, now.date(), now)  # type: ignore[arg-type]
    for gate in gates:
        todo = " ".join(gate.refusal.split())
        yield graded(f"gate: {gate.name}", f"needed {gate.needed}, found {gate.found}", todo, fail=not gate.passed)


def _show(found: list[Finding]) -> None:
    """A line a finding, with what to do behind it, and how many there are of each kind."""
    width = max(len(finding.about) for finding in found)
    for finding in found:
        level = click.style(f"{finding.level:<4}", fg=STYLES[finding.level])
        click.echo(
            f"{level}  {finding.about:<{width}}  {finding.found}" + (f". {finding.todo}" if finding.todo else "")
        )
    counts = {level: sum(finding.level == level for finding in found) for level in STYLES}
    click.echo("\n" + ", ".join(f"{n} {level}" for level, n in counts.items()))
