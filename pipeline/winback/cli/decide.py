"""winback decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import config_option, json_option

if TYPE_CHECKING:
    import pandas as pd

    from winback.jobs import Job


class Budgets(click.ParamType):  # type: ignore[type-arg]
    """Sums of money with commas between them, or the word `auto`."""

    name = "budgets"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The sums, none for `auto`; or a usage error."""
        if isinstance(value, tuple):
            return value
        try:
            found = () if value == "auto" else tuple(float(part) for part in value.split(","))
        except ValueError:
            found = (-1.0,)
        if not all(0 <= budget < float("inf") for budget in found):
            self.fail(f"{value!r} is no list of budgets; write one such as 0,500,1000, or auto", param, ctx)
        return found


@click.command("decide")
@config_option
@click.option("--what-if", "budgets", type=Budgets(), help="Budgets to look at, such as 0,500,1000; or auto.")
@json_option
def command(config_path: Path, budgets: tuple[float, ...] | None, as_json: bool) -> None:
    """Decide again for the published run with the settings as they are now, and write nothing.

    With --what-if: what other budgets would bring, from the same customers and with every other limit as it is.

    Example: winback decide --what-if 0,500,1000,2000
    """
    job, folder = published(config_path)
    rows = _decided(job, folder) if budgets is None else curve(job, folder, budgets)
    if as_json:
        click.echo(json.dumps(rows.to_dict("records")))
        return
    click.echo(rows.to_string(index=False, float_format=lambda value: f"{value:,.2f}"))


def published(config_path: Path) -> tuple[Job, Path]:
    """The published run's folder, and the project as it is now on that run's date."""
    import datetime as dt  # noqa: PLC0415

    from winback import config, runs, store  # noqa: PLC0415
    from winback.cli.train import job_of  # noqa: PLC0415
    from winback.errors import RunDamaged  # noqa: PLC0415

    folder = config_path.parent / config.load(config_path).project.runs
    current = runs.current(folder)
    if current is None:
        raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
    runs.verify(current)
    date = dt.date.fromisoformat(store.read_json(current / "manifest.json")["logical_date"])
    return job_of(config_path, date, None), current


def _decided(job: Job, folder: Path) -> pd.DataFrame:
    """One row an action or a cause: customers, expected cost, net gain and deadweight."""
    from winback.offers.decide import decide  # noqa: PLC0415
    from winback.weighing import weighed  # noqa: PLC0415

    now = weighed(job, folder)
    rows = decide(now.customers, now.reasons, now.actions, now.limits, now.known)
    what = rows["action"].where(rows["cause"] == "", "leave alone: " + rows["cause"])
    sums = {name: (name, "sum") for name in ("expected_cost", "expected_net_gain", "expected_deadweight")}
    told = rows.assign(decision=what).groupby("decision").agg(customers=("customer_id", "size"), **sums)
    return told.sort_values(["expected_net_gain", "customers"], ascending=False).reset_index()


def curve(job: Job, folder: Path, budgets: tuple[float, ...]) -> pd.DataFrame:
    """One row a budget."""
    from winback.offers.what_if import what_if  # noqa: PLC0415
    from winback.weighing import weighed  # noqa: PLC0415

    now = weighed(job, folder)
    return what_if(now.customers, now.reasons, now.actions, now.limits, now.known, budgets)
