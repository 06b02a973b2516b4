"""winback score."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from winback.cli.options import Day, config_option, json_option, spec_option
from winback.cli.train import job_of


@click.command("score")
@config_option
@click.option("--date", "today", type=Day(), required=True, help="The day to score for; nothing of it is seen.")
@spec_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write to.")
@json_option
def command(config_path: Path, today: dt.date, spec: str | None, out: Path, as_json: bool) -> None:
    """Score everybody a question is asked of, with reasons, without making a list.

    By the champion of the question; train one first with `winback train`.

    Example: winback score --date 2017-12-31 --spec return --out lapsed
    """
    from winback import answering  # noqa: PLC0415

    told = answering.answer(job_of(config_path, today, spec), out)
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{told['customers']:,} customers, mean chance {told['mean_probability']:.1%}, {told['at_risk']:,} at or above "
        f"the threshold; by version {told['version']} of {told['spec']}. Written to {told['folder']}."
    )
