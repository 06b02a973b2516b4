"""What is said on the way, to stderr: words for people, or one JSON object a line for machines.

A machine's line names no customer: of a failure it has the kind, the gates and where its message lies.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from winback.errors import WinbackError

VARIABLE = "WINBACK_LOG"
FORMATS = ("text", "json")


def in_json() -> bool:
    """Whether lines are for machines."""
    return os.environ.get(VARIABLE, "text") == "json"


def _choose(ctx: click.Context, param: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    """Keep what was asked for where every part of this process, and the processes it starts, find it."""
    if value:
        os.environ[VARIABLE] = value
    if in_json():
        warnings.showwarning = _warned  # type: ignore[assignment]


log_option = click.option(
    "--log-format",
    type=click.Choice(FORMATS),
    callback=_choose,
    expose_value=False,
    is_eager=True,
    help=f"How to write to stderr; json is one object a line. Default: {VARIABLE} of the environment, else text.",
)


def _warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    """The line of a library's warning: its kind and where, as what it says may quote values."""
    del message
    line("warning", "a library warned", kind=category.__name__, where=f"{Path(filename).name}:{lineno}")


def line(level: str, message: str, **told: Any) -> None:
    """One JSON object: time, level, message, and what is told besides; what is None is left out."""
    row = {"time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), "level": level, "message": message}
    row |= {key: value for key, value in told.items() if value is not None}
    sys.stderr.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stderr.flush()


def failed(error: Exception, code: int) -> None:
    """The line of a failure, with its message only where that can name nobody."""
    named = isinstance(error, WinbackError) and error.names_nobody
    doc = (type(error).__doc__ or type(error).__name__).splitlines()[0]
    message = str(error) if named else doc if isinstance(error, WinbackError) else "a bug of winback"
    gates = list(getattr(error, "gates", ())) or None
    line("error", message, error=type(error).__name__, gates=gates, exit_code=code)
