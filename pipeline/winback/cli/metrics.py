"""winback metrics."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, config_option, json_option

if TYPE_CHECKING:
    import pandas as pd

    from winback.config import Config
    from winback.insight.metrics.table import Terms
    from winback.jobs import Job


@click.command("metrics")
@config_option
@click.option(
    "--period",
    "length",
    type=click.Choice(["week", "month", "quarter"]),
    default="month",
    show_default=True,
    help="How long a period is.",
)
@click.option("--by", default="", help="Part the customers: country, language, channel, category, plan, cohort.")
@click.option("--from", "first", type=Day(), help="The first day. Default: that of the first order.")
@click.option("--to", "until", type=Day(), help="The first day not looked at. Default: after the newest order.")
@click.option("--metric", "names", multiple=True, help="Only this metric; may be repeated.")
@click.option("--costs", type=click.Path(path_type=Path), help="A CSV file of costs: day, component, amount.")
@click.option("--active-days", type=click.IntRange(1), help="A customer ordered in so many days. Default: the spec's.")
@click.option("--age", "ages", multiple=True, help="N of day-N, rolling and return retention, or M-N of a bracket.")
@click.option(
    "--second-life-days", type=click.IntRange(1), default=90, show_default=True, help="How long a return counts."
)
@click.option(
    "--ltv-days", type=click.IntRange(1), default=365, show_default=True, help="How far ltv_fitted looks ahead."
)
@click.option("--discount", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Of later money, a year.")
@json_option
def command(config_path: Path, length: Any, as_json: bool, **asked: Any) -> None:
    """Show every retention metric of the business, by period, cohort and part of the customers.

    Each variant has a name of its own; rates come with 95 % intervals, and what cannot be told says why.
    docs/metrics.md defines them all. Reads the sources; trains nothing.

    Example: winback metrics --config configs/winback.toml --period quarter --metric crr_ids
    """
    from winback import config  # noqa: PLC0415
    from winback.cli import metrics_text  # noqa: PLC0415
    from winback.insight.metrics.defined import known_metrics  # noqa: PLC0415

    names = asked.pop("names")
    chosen = known_metrics(names)
    ahead = asked["ltv_days"] if "ltv_fitted" in chosen else 0
    told, terms = figures(config.load(config_path), config_path.parent, length, asked | {"ltv_days": ahead})
    told = told[told["metric"].isin(chosen)]
    if as_json:
        click.echo(json.dumps(metrics_text.as_json(told, terms), ensure_ascii=False, allow_nan=False))
    else:
        metrics_text.show(told, terms, one=len(chosen) == 1)


def figures(project: Config, base: Path, length: Any, asked: dict[str, Any]) -> tuple[pd.DataFrame, Terms]:
    """Every metric of a project's facts, taken in as they are now, and the terms they were asked with."""
    import pandas as pd  # noqa: PLC0415

    from winback import jobs  # noqa: PLC0415
    from winback.cli.metrics_asked import ages, fitted  # noqa: PLC0415
    from winback.facts.known_frames import Known, costs, known_frames  # noqa: PLC0415
    from winback.insight.metrics.ages import by_age  # noqa: PLC0415
    from winback.insight.metrics.coded import Tables  # noqa: PLC0415
    from winback.insight.metrics.cost import COMPONENTS  # noqa: PLC0415
    from winback.insight.metrics.named import NOT_RETENTION  # noqa: PLC0415
    from winback.insight.metrics.periods import periods  # noqa: PLC0415
    from winback.insight.metrics.table import Terms, by_period  # noqa: PLC0415

    job = jobs.prepare(project, base, asked["until"] or dt.date(9000, 1, 1), dt.datetime.now(dt.UTC))
    first, until = _span(job, asked["first"], asked["until"])
    known = Known(job.facts, job.zone, until)
    customers_by: Any = "orders" if known.has("orders") else "subscriptions"
    days = asked["active_days"] or job.spec.active_days or job.spec.horizon_days
    terms = Terms(days, project.offers.margin_rate, until, length, customers_by, asked.get("second_life_days", 90))
    spent = {"costs": costs(asked["costs"], (*NOT_RETENTION, *COMPONENTS))} if asked["costs"] else {}
    given = Tables(**known_frames(known, asked["by"]), **spent)
    of_periods = by_period(given, periods(first, until, length), terms, asked["by"])
    aged = ages(asked.get("ages", ()), known.instant)
    of_ages = by_age(given, terms, aged, "" if asked["by"] == "cohort" else asked["by"])
    parts = [of_periods, of_ages]
    if asked.get("ltv_days"):
        parts.append(fitted(given, terms, asked))
    return pd.concat([frame for frame in parts if len(frame)], ignore_index=True), terms


def _span(job: Job, first: dt.date | None, until: dt.date | None) -> tuple[dt.date, dt.date]:
    """The days that are looked at, once the sources as they are now were taken in."""
    from winback import runs  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415
    from winback.facts.labels.labels import newest, oldest  # noqa: PLC0415
    from winback.facts.labels.within import Rows  # noqa: PLC0415
    from winback.permitting import ingested  # noqa: PLC0415

    with runs.project_lock(job.state):
        ingested(job)
    rows = Rows("orders", "ordered_at") if job.config.sources.orders else Rows("subscriptions", "started_at")
    begins, ends = oldest(job.facts, rows, job.zone), newest(job.facts, rows, job.zone, None)
    if begins is None or ends is None:
        raise NotEnoughData(f"the table {rows.table} is empty; check the quarantine for the reasons.")
    return first or begins, until or ends + dt.timedelta(days=1)
