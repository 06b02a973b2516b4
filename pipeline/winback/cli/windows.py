"""winback windows."""

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
    from winback.facts.windows.choice import Choice


class WholeDays(click.ParamType):  # type: ignore[type-arg]
    """Numbers of days written 14,28,90."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers, or a usage error."""
        if isinstance(value, tuple):
            return value
        numbers = [word.strip() for word in value.split(",")]
        if not all(word.isdecimal() and 0 < int(word) <= 3650 for word in numbers):
            self.fail(f"{value!r} is not a list of days; write one such as 14,28,90", param, ctx)
        return tuple(int(word) for word in numbers)


@click.command("windows")
@config_option
@click.option("--date", "today", type=Day(), help="The day to look from. Default: the day after the newest order.")
@click.option("--windows", "candidates", type=WholeDays(), help="The windows to try. Default: 7 to 365 days.")
@click.option(
    "--max-came-back",
    type=click.FloatRange(0, 1),
    help="Most of those called gone that may come back later. Default: 0.25.",
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the evidence into a PNG file.")
@json_option
def command(
    config_path: Path,
    today: dt.date | None,
    candidates: tuple[int, ...] | None,
    max_came_back: float | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show after how many days without an order a customer should count as gone, with evidence.

    For each window: how many of those called gone came back later, how long the warning is, how many customers
    there are to learn from, and how well one simple rule does. Reads the orders; trains nothing.

    Example: winback windows --config configs/winback.toml --plot windows.png
    """
    from dataclasses import replace  # noqa: PLC0415

    from winback import config  # noqa: PLC0415
    from winback.cli import windows_plot  # noqa: PLC0415
    from winback.facts.windows.choice import Limits, choose  # noqa: PLC0415
    from winback.facts.windows.evidence import CANDIDATES  # noqa: PLC0415

    if plot:
        windows_plot.refuse_missing()
    project = config.load(config_path)
    gates = project.gates
    limits = Limits(customers=gates.min_customers, positives=gates.min_positives, negatives=gates.min_negatives)
    if max_came_back is not None:
        limits = replace(limits, came_back=max_came_back)
    evidence = _evidence(project, config_path.parent, today, candidates or CANDIDATES)
    choice = choose(evidence, limits)
    if plot:
        windows_plot.draw(evidence, choice, limits, plot)
    if as_json:
        click.echo(json.dumps(_as_json(evidence, choice), ensure_ascii=False))
        return
    _show(evidence, choice)
    if plot:
        click.echo(f"\nDrawn: {plot}")


def _evidence(project: Config, base: Path, today: dt.date | None, candidates: tuple[int, ...]) -> pd.DataFrame:
    """The evidence from the project's orders, which are read into a folder of their own."""
    import shutil  # noqa: PLC0415

    from winback import runs  # noqa: PLC0415
    from winback.config import Sources  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415
    from winback.facts.intake.ingest import ingest  # noqa: PLC0415
    from winback.facts.intake.snapshots import fetched  # noqa: PLC0415
    from winback.facts.windows.evidence import windows  # noqa: PLC0415

    if project.sources.orders is None:
        raise NotEnoughData("a churn window is chosen from orders, and [sources.orders] is not configured.")
    place, zone = base / project.project.state / "windows", project.project.time_zone
    currency = project.project.currency
    with runs.project_lock(place):
        facts = place / "facts"
        shutil.rmtree(facts, ignore_errors=True)
        try:
            sources = fetched(Sources(orders=project.sources.orders), base, base / project.project.state)
            ingest(sources, base, facts, zone, dt.datetime.now(dt.UTC), currency)
            return windows(facts, zone, today, candidates)
        finally:
            shutil.rmtree(facts, ignore_errors=True)


def _as_json(evidence: pd.DataFrame, choice: Choice) -> dict[str, Any]:
    rows = evidence.astype(object).where(evidence.notna(), None).to_dict("records")
    return {
        "recommended_days": choice.window_days,
        "kind": choice.kind,
        "reason": choice.reason,
        "against": choice.against,
        "windows": rows,
    }


HEADS = ("days", "came back", "within", "follows", "warning", "base rate", "people", "left", "AUC", "")


def _show(evidence: pd.DataFrame, choice: Choice) -> None:
    """The table of the windows, the parts at the recommended one, and the reason."""
    import textwrap  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    every = evidence[evidence["by"] == "all"]
    _print(console, "Windows: who is called gone after so many days without an order", "window", every, choice)
    parts = evidence[(evidence["window_days"] == choice.window_days) & (evidence["by"] != "all")]
    if len(parts):
        _print(console, f"Parts of the customers, at {choice.window_days} days", "part", parts, choice)
    told = f"Recommended: {choice.window_days} days ({choice.kind})" if choice.window_days else "No recommendation"
    console.print(f"[bold]{told}[/]")
    click.echo("\n".join(textwrap.wrap(choice.reason, 100)))
    click.echo("\n" + "\n".join(textwrap.wrap(LEGEND, 100)))


LEGEND = (
    "came back: share of those silences that ended later, within so many days, as far as the log reaches. follows: "
    "share of purchases followed by such a silence. warning: days between the end of the customer's usual gap and the "
    "end of the window, median. base rate: of customers who bought in the last so many days, the share that bought "
    "nothing in the next. people, left: asked about, and who did so, each person once. AUC: of the best single rule."
)


def _print(console: Any, title: str, first: str, rows: pd.DataFrame, choice: Choice) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    last = "" if first == "part" else "not, because"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for n, head in enumerate((first, *HEADS[1:-1], last)):
        left = n in (0, len(HEADS) - 1)
        table.add_column(head, justify="left" if left else "right", header_style="dim", no_wrap=n < len(HEADS) - 1)
    for row in rows.to_dict("records"):
        window, figures = int(row["window_days"]), _figures(row)
        name = f"{row['by']}: {row['segment']}" if first == "part" else f"{window} days"
        chosen = first == "window" and window == choice.window_days
        remark = "" if first == "part" else "recommended" if chosen else choice.against.get(window, "")
        table.add_row(Text(name), *figures, Text(remark), style="bold" if chosen else "")
    console.print(table)
    console.print()


def _figures(row: dict[Any, Any]) -> list[str]:
    """The figures of a row; what is not known is a dash."""
    return [
        _told(row["came_back"], ".1%"),
        f"{row['followed_days']} d" if row["followed_days"] else "-",
        _told(row["silent_share"], ".1%"),
        _told(row["warning_days"], ".0f") + (" d" if row["silences"] else ""),
        _told(row["base_rate"], ".1%"),
        f"{row['customers']:,}",
        f"{row['positives']:,}",
        _told(row["auc"], ".3f"),
    ]


def _told(figure: float, form: str) -> str:
    return "-" if figure != figure else format(figure, form)  # noqa: PLR0124 - nan
