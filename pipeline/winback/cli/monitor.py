"""winback monitor."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, config_option, json_option

if TYPE_CHECKING:
    from winback.config import Config


@click.command("monitor")
@config_option
@click.option("--date", "today", type=Day(), required=True, help="The day to look from; outcomes before it are known.")
@json_option
@click.option("--fail-on-alarm", is_flag=True, help="End with exit code 1 where a rule raises an alarm.")
def command(config_path: Path, today: dt.date, as_json: bool, fail_on_alarm: bool) -> None:
    """Show whether customers, chances and outcomes are still as the model learned them, and when to train again.

    Looks at every published run: drift of features and chances since training, figures of the runs whose window
    is closed, early estimates of the others, and the rules that advise to train again. Changes no run and no model.

    Example: winback monitor --config configs/winback.toml --date 2018-03-31
    """
    from winback import config  # noqa: PLC0415
    from winback.insight.monitor import advice  # noqa: PLC0415

    settings = config.load(config_path)
    told = _observed(settings, config_path.parent, today)
    told["advice"] = advice(told, settings.monitor)
    told["alarm"] = any(each["alarm"] for each in told["advice"])
    if as_json:
        click.echo(json.dumps(told))
    else:
        from winback.cli.monitor_text import print_monitor  # noqa: PLC0415

        print_monitor(told)
    if told["alarm"] and fail_on_alarm:
        sys.exit(1)


def _observed(settings: Config, base: Path, today: dt.date) -> dict[str, Any]:
    """What the runs show, once the sources as they are now were taken in."""
    from winback import jobs, runs  # noqa: PLC0415
    from winback.permitting import ingested  # noqa: PLC0415
    from winback.risk.watching.matured import Known  # noqa: PLC0415
    from winback.risk.watching.monitored import observed  # noqa: PLC0415

    job = jobs.prepare(settings, base, today, dt.datetime.now(dt.UTC))
    with runs.project_lock(job.state):
        ingested(job)
    known = Known(job.facts, job.zone, today)
    return observed(job.runs, job.spec.name, known, settings.monitor.least_index)
