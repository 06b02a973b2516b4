"""The screen of `winback monitor`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

SHOWN = 8
WIDTH = 110  # of the widest table; in a narrow window its lines are broken, not its cells
Told = dict[str, Any]


def print_monitor(told: Told) -> None:
    """Print what is observed: drift, matured runs, early estimates, advice."""
    console = Console(highlight=False, width=max(WIDTH, Console().width))
    run = told["run"]
    title = f"\nwinback monitor  {told['date']}  {told['model']} version {run['version']}, newest run {run['date']}\n"
    console.print(Text(title, style="bold"))
    for part in (_drift(told["drift"]), _matured(told["matured"]), _early(told["early"])):
        console.print(part)
    console.print(Text("Advice", style="bold"))
    for each in told["advice"]:
        click.echo(f"  {'ALARM' if each['alarm'] else 'ok   '}  {each['rule']}: {each['said']}")
    click.echo(f"\n{'Train again, or find out why: see ALARM.' if told['alarm'] else 'No reason to train again.'}")


def _table(title: str, columns: Iterable[str], rows: list[list[str]], empty: str) -> Table | Text:
    if not rows:
        return Text(f"{title}: {empty}\n")
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right", header_style="dim", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    table.add_row("")
    return table


def _drift(told: Told) -> Table | Text:
    rows = [
        [
            each["column"],
            f"{each['index']:.3f}",
            f"{each['limit']:.2f}",
            f"{each['p']:.2g}",
            f"{each['missing_before']:.1%}",
            f"{each['missing_now']:.1%}",
            "drifted" if each["drifted"] else "",
        ]
        for each in sorted(told["columns"], key=lambda each: (not each["drifted"], -each["index"]))[:SHOWN]
    ]
    heads = ("column", "index", "limit", "p", "unknown then", "now", "")
    return _table("Largest moves since training", heads, rows, told.get("fault", "nothing"))


def _matured(runs: list[Told]) -> Table | Text:
    rows = [_matured_row(run, group) for run in runs for group in ("all", "left_alone")]
    heads = (
        "run, customers",
        "model days",
        "people",
        "left",
        "mean chance less left",
        "AUC",
        "rule",
        "log loss",
        "slope",
    )
    return _table("Runs whose window is closed", heads, rows, "none yet")


def _matured_row(run: Told, group: str) -> list[str]:
    who = {"all": "all", "left_alone": "left alone"}[group]
    found = run.get(group, {})
    head = [f"{run['date']} {who}", str(run["model_days"]), f"{found.get('customers', run['customers']):,}"]
    if "off" not in found:
        return [*head, run.get("fault") or f"{found['left']:,} left: too few to tell", *[""] * 5]
    off = found["off"]
    return [
        *head,
        f"{found['left'] / found['customers']:.1%}",
        f"{_percent(off['value'])} ({_percent(off['low'])} to {_percent(off['high'])})",
        f"{found['auc']['value']:.3f}",
        f"{found['rule_auc']:.3f}",
        f"{found['log_loss']['value']:.3f}",
        f"{found['calibration_slope']['value']:.2f}",
    ]


def _percent(share: float) -> str:
    return f"{share:+.1%}"


def _early(runs: list[Told]) -> Table | Text:
    rows = []
    for run in runs:
        head = [run["date"], f"{run['days']} of {run['horizon_days']}"]
        if "difference" not in run:
            rows.append([*head, run["fault"], "", ""])
            continue
        d = run["difference"]
        interval = f"{_percent(d['value'])} ({_percent(d['low'])} to {_percent(d['high'])})"
        rows.append([*head, f"{run['came_back']:.1%}", f"{run['expected']:.1%}", interval])
    heads = ("run", "days gone", "came back", "expected by now", "difference")
    return _table("Early estimates, windows still open: not yet figures", heads, rows, "none")
