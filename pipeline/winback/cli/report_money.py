"""winback report: what campaigns earned, and what other budgets would bring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from winback.jobs import Job

MOST_AT_RISK = 100_000  # above it other budgets take minutes to weigh; `winback decide` does it


def earned(job: Job) -> pd.DataFrame | None:
    """metric, value, low, high, verdict, treated, held_out of all campaigns whose windows are closed; None without any.

    The intervals are those that hold however often one looks.
    """
    from winback import measuring  # noqa: PLC0415
    from winback.effects.lift import lift  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415

    try:
        rows = lift(measuring.measured(job).results)
    except NotEnoughData as error:
        click.echo(f"Without what campaigns earned: {error}", err=True)
        return None
    names = {"total": "value", "total_ever_low": "low", "total_ever_high": "high"}
    return rows[["metric", *names, "verdict", "treated", "held_out"]].rename(columns=names)


def budgets(job: Job, folder: Path, at_risk: int) -> pd.DataFrame | None:
    """budget and net_gain: what the run's customers would bring under other budgets."""
    from winback.offers.what_if import what_if  # noqa: PLC0415
    from winback.weighing import weighed  # noqa: PLC0415

    if at_risk > MOST_AT_RISK:
        return None
    now = weighed(job, folder)
    found = what_if(now.customers, now.reasons, now.actions, now.limits, now.known)
    return found.rename(columns={"expected_net_gain": "net_gain"})[["budget", "net_gain"]]
