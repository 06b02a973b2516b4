"""winback run."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.log_lines import in_json, line, log_option
from winback.cli.options import Day, config_option, json_option

if TYPE_CHECKING:
    from winback.attempting import Asked
    from winback.jobs import Job

WORDS = {
    "ingest": "Reading the sources",
    "model": "Learning from the past",
    "features": "Describing today's customers",
    "scores": "Scoring today's customers",
    "reasons": "Finding the reasons",
    "decisions": "Drawing the hold-out, choosing actions",
    "list": "Writing the list",
    "publish": "Publishing",
}


@click.command("run")
@config_option
@click.option(
    "--date", "today", type=Day(), required=True, help="The day the list is for; its own orders are not seen."
)
@click.option(
    "--replace-list", "replace", is_flag=True, help="The list of this date that was published before was never used."
)
@json_option
@log_option
def command(config_path: Path, today: dt.date, replace: bool, as_json: bool) -> None:
    """Do everything for one date, from raw files to a published list.

    Running again for the same date, config and inputs changes nothing. A killed run is finished by
    running again. With other inputs or settings the list of a date that has left already is not changed,
    unless --replace-list says that nothing of it was used. A model is trained when there is no champion
    for the spec yet. Afterwards what is older than [retention] keeps it is removed.

    Example: winback run --config configs/winback.toml --date 2017-12-31
    """
    from winback import config  # noqa: PLC0415
    from winback.attempting import ALREADY, Asked  # noqa: PLC0415

    asked = Asked(config.load(config_path), config_path.parent, today, replace)
    row: dict[str, Any] = {}
    job, summary = attempted(asked, quiet=as_json, row=row)
    did = row["outcome"] != ALREADY
    if did:
        tidied(asked)
    if as_json:
        click.echo(json.dumps({**summary, "published_now": did, "folder": str(job.runs / job.run_id)}))
        return
    from winback.cli.screen import print_summary  # noqa: PLC0415

    if not did:
        click.echo(f"Run {job.run_id} is published already; nothing was changed.")
    print_summary(summary, job.runs)


def attempted(asked: Asked, *, quiet: bool, row: dict[str, Any]) -> tuple[Job, dict[str, Any]]:
    """One attempt at a night, with its stages said on the way and, for machines, how it ended.

    `row`, empty at first, becomes its line of the history, also where something is raised.
    """
    from winback.attempting import attempt  # noqa: PLC0415

    with progress(quiet=quiet, row=row) as say:
        try:
            job, summary, _ = attempt(asked, say, now, row)
        finally:
            if in_json():
                level = "info" if row.get("exit_code") == 0 else "error"
                line(level, "attempt ended", event="ended", **{k: v for k, v in row.items() if k != "steps"})
    return job, summary


def now() -> dt.datetime:
    """The instant."""
    return dt.datetime.now(dt.UTC)


def tidied(asked: Asked) -> None:
    """What is older than it is kept is removed; a list that is published is no failure because that did not succeed."""
    from winback.attempting import tidied_after  # noqa: PLC0415

    removed, fault = tidied_after(asked, now())
    if not removed and not fault:
        return
    if in_json():
        bytes_ = sum(each["bytes"] for each in removed)
        line("warning" if fault else "info", "tidied", event="tidied", removed=len(removed), bytes=bytes_, fault=fault)
    elif fault:
        click.echo(f"What is older than it is kept could not be removed: {fault}", err=True)


@contextmanager
def progress(quiet: bool, row: dict[str, Any] | None = None) -> Iterator[Callable[[str], None]]:
    """A function to call as each stage begins: a bar for people, lines for a log, nothing beside JSON on stdout.

    For machines a line for each stage, quiet or not; `row` says of which run.
    """
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    if in_json():
        yield _machine_line({} if row is None else row)
    elif quiet:
        yield lambda _: None
    elif console.is_terminal:
        with _bar(console) as say:
            yield say
    else:
        yield _line()


def _line() -> Callable[[str], None]:
    """Prints a line as each stage begins, with the seconds since the first."""
    began = time.monotonic()
    stages = list(WORDS)

    def say(stage: str) -> None:
        place = f"{stages.index(stage) + 1}/{len(stages)}"
        click.echo(f"[{place}] {WORDS[stage]} ({time.monotonic() - began:.1f} s)", err=True)

    return say


def _machine_line(row: dict[str, Any]) -> Callable[[str], None]:
    """Writes a line as each stage begins: which attempt and run, and the seconds that the stage before took."""

    def say(stage: str) -> None:
        told = {name: row.get(name) for name in ("attempt", "run_id", "logical_date")}
        took = list(row.get("steps", {}).items())[-1:]
        before = {"ended": took[0][0], "seconds": took[0][1]} if took else {}
        line("info", WORDS.get(stage, stage), event="stage", step=stage, **told, **before)

    return say


@contextmanager
def _bar(console: object) -> Iterator[Callable[[str], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:  # type: ignore[arg-type]
        task = bar.add_task("", total=len(WORDS))
        stages = list(WORDS)
        yield lambda stage: bar.update(task, description=WORDS[stage], completed=stages.index(stage))
