"""winback run."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from winback.cli.options import Day, config_option, json_option

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
def command(config_path: Path, today: dt.date, replace: bool, as_json: bool) -> None:
    """Do everything for one date, from raw files to a published list.

    Running again for the same date, config and inputs changes nothing. A killed run is finished by
    running again. With other inputs or settings the list of a date that has left already is not changed,
    unless --replace-list says that nothing of it was used. A model is trained when there is no champion
    for the spec yet.

    Example: winback run --config configs/winback.toml --date 2017-12-31
    """
    from winback import config, jobs, nightly  # noqa: PLC0415

    job = jobs.prepare(config.load(config_path), config_path.parent, today, dt.datetime.now(dt.UTC))
    with progress(quiet=as_json) as say:
        summary, did = nightly.run(job, say, lambda: dt.datetime.now(dt.UTC), replace=replace)
    if as_json:
        click.echo(json.dumps({**summary, "published_now": did, "folder": str(job.runs / job.run_id)}))
        return
    from winback.cli.screen import print_summary  # noqa: PLC0415

    if not did:
        click.echo(f"Run {job.run_id} is published already; nothing was changed.")
    print_summary(summary, job.runs)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function to call as each stage begins: a bar for people, plain lines for a log, nothing for JSON."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    if quiet:
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


@contextmanager
def _bar(console: object) -> Iterator[Callable[[str], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:  # type: ignore[arg-type]
        task = bar.add_task("", total=len(WORDS))
        stages = list(WORDS)
        yield lambda stage: bar.update(task, description=WORDS[stage], completed=stages.index(stage))
