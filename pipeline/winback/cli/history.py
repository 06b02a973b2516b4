"""winback history."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from winback.cli.options import Day, config_option, json_option


@click.command("history")
@config_option
@click.option("--since", type=Day(), help="Only nights of this date and later.")
@click.option("--failed", "only_failed", is_flag=True, help="Only attempts that published nothing.")
@click.option("--attempt", help="Show the message of one attempt in full; it may name customers.")
@json_option
def command(config_path: Path, since: dt.date | None, only_failed: bool, attempt: str | None, as_json: bool) -> None:
    """Show every attempt to run a night: when, what became of it, how many people, how long it took.

    Outcomes: published, already_published, refused (by which gates), failed, busy (another run was at work),
    stopped, killed, at_work. Names no customer, but for the message of one attempt.

    Example: winback history --since 2026-02-01 --failed
    """
    from winback import attempts, config  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415

    state = config_path.parent / config.load(config_path).project.state
    rows = attempts.history(state)
    if attempt is not None:
        rows = [row for row in rows if row["attempt"] == attempt]
        if not rows:
            raise NotEnoughData(f"no attempt is called {attempt!r}; `winback history` lists them.")
        rows = [{**row, "message": attempts.message_of(state, attempt)} for row in rows]
    rows = [row for row in rows if _is_asked(row, since, only_failed=only_failed)]
    if as_json:
        click.echo(json.dumps({"attempts": rows}))
        return
    from winback.cli.history_text import print_history  # noqa: PLC0415

    print_history(rows)


def _is_asked(row: dict[str, Any], since: dt.date | None, *, only_failed: bool) -> bool:
    """Whether an attempt is among those asked for."""
    from winback.attempting import ALREADY, PUBLISHED  # noqa: PLC0415

    late = since is None or str(row.get("logical_date", "")) >= since.isoformat()
    return late and not (only_failed and row.get("outcome") in (PUBLISHED, ALREADY))
