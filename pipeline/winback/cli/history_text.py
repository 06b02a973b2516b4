"""The attempts at nights, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from winback.cli.screen import plain_table


def print_history(rows: Sequence[dict[str, Any]]) -> None:
    """Print a line an attempt, and the message of one that has it."""
    if not rows:
        click.echo("No attempt yet; `winback run --date YYYY-MM-DD` makes one.")
        return
    columns = ("date", "began (UTC)", "outcome", "model", "customers", "listed", "acted on", "seconds", "attempt")
    table = plain_table("", *columns)
    table.title = None
    for row in rows:
        table.add_row(*map(Text, _cells(row)))
    Console(highlight=False, width=max(120, Console().width)).print(table)
    for row in rows:
        if row.get("message"):
            click.echo(f"\n{row['message']}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    model = row.get("model", {})
    numbers = (f"{row[name]:,}" if name in row else "" for name in ("customers", "listed", "acted_on"))
    return (
        str(row.get("logical_date", "")),
        str(row.get("started_at", ""))[:19].replace("T", " "),
        _outcome(row),
        f"{model['name']} {model['version']}" if model else "",
        *numbers,
        f"{row['seconds']:.1f}" if "seconds" in row else "",
        str(row["attempt"]),
    )


def _outcome(row: dict[str, Any]) -> str:
    """What became of it, with its gates or its error."""
    why = ", ".join(row.get("gates", ())) or row.get("error", "")
    made_up = "made up for, " if row.get("back_fill") else ""
    return f"{made_up}{str(row['outcome']).replace('_', ' ')}" + (f": {why}" if why else "")
