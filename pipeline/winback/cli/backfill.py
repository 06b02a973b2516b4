"""winback backfill."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from winback.cli.log_lines import log_option
from winback.cli.options import Day, config_option, json_option


@click.command("backfill")
@config_option
@click.option("--from", "first", type=Day(), required=True, help="The first date.")
@click.option("--to", "last", type=Day(), required=True, help="The last date, itself included.")
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Days from date to date.")
@click.option("--keep-going", is_flag=True, help="Go on with the next date after one that failed.")
@json_option
@log_option
def command(config_path: Path, as_json: bool, **asked: Any) -> None:
    """Make up for nights of the past, the earliest first, each from what was recorded before it.

    Dates that have a published run are left as they are. Stops at the first that fails. A list of the past is nobody's
    to send: no campaign is launched, no list changes and runs/current stays. A list to use: winback run --date DAY.

    Example: winback backfill --from 2026-01-01 --to 2026-01-31 --every 7
    """
    from winback import back_filling, config  # noqa: PLC0415
    from winback.attempting import Asked  # noqa: PLC0415
    from winback.cli.run import attempted  # noqa: PLC0415
    from winback.errors import WinbackError  # noqa: PLC0415

    if asked["last"] < asked["first"]:
        raise click.UsageError(f"--to {asked['last']} is before --from {asked['first']}")
    days = back_filling.dates(asked["first"], asked["last"], asked["every"])
    whole = Asked(config.load(config_path), config_path.parent, days[0], back_fill=True)

    def tried(each: Asked) -> dict[str, Any]:
        row: dict[str, Any] = {}
        try:
            attempted(each, quiet=as_json, row=row)
        except WinbackError as error:
            row["message"] = str(error)
        return row

    rows = []
    for row in back_filling.back_filled(whole, days, tried, keep_going=asked["keep_going"]):
        rows.append(row)
        if not as_json:
            click.echo(_line(row))
    _end(rows, len(days), as_json=as_json)


def _line(row: dict[str, Any]) -> str:
    """A date in one line, with the message of one that failed."""
    words = str(row["outcome"]).replace("_", " ")
    people = f", {row['at_risk']:,} of {row['customers']:,} at risk" if "customers" in row else ""
    said = f"\n{row['message']}" if row.get("message") else ""
    return f"{row['logical_date']}  {words}{people}  {row.get('run_id', '')}".rstrip() + said


def _end(rows: Sequence[dict[str, Any]], asked: int, *, as_json: bool) -> None:
    """The summary, and the exit code of the first date that failed."""
    counts, left = Counter(str(row["outcome"]) for row in rows), asked - len(rows)
    codes = [row["exit_code"] for row in rows if row.get("exit_code")]
    if as_json:
        click.echo(json.dumps({"dates": list(rows), "outcomes": dict(counts), "not_tried": left}))
    else:
        told = [f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items())]
        click.echo(", ".join([*told, *([f"{left} not tried"] if left else [])]) + ".")
    if codes:
        sys.exit(codes[0])
