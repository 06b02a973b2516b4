"""The screen of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from winback.campaigns.words import CAUSES

SHOWN = 6


def print_summary(summary: dict[str, Any], runs: Path) -> None:
    """Print a run: data, model against the rule, people at risk, drivers, actions, money, files."""
    console = Console(highlight=False)
    money = summary["currency"]
    console.print(Text(f"\nwinback  {summary['today']}  run {summary['run_id']}\n", style="bold"))
    console.print(_data(summary["accounting"]))
    console.print(_quality(summary))
    console.print(f"rule: AUC of the best single rule, {', '.join(sorted({q['rule'] for q in summary['quality']}))}\n")
    console.print(
        f"[bold]{summary['at_risk']:,} of {summary['customers']:,} customers are at risk[/] of leaving within "
        f"{summary['horizon_days']} days.\nMean chance of all: {summary['mean_probability']:.1%}. "
        f"Margin at stake: {summary['margin_at_stake']:,.0f} {money}.\n"
    )
    console.print(_drivers(summary))
    console.print(_actions(summary))
    for sentence in _measuring(summary):
        click.echo(sentence)
    for title, path in (
        ("The list ", runs / "current" / "at_risk.csv"),
        ("All of it", runs / summary["run_id"]),
    ):
        click.echo(f"{title}  {os.path.relpath(path)}")


def _measuring(summary: dict[str, Any]) -> Iterator[str]:
    """What consent and the hold-out allow, where it is not as one would wish."""
    consent, shows = summary["consent"], summary["campaign"]["shows"]
    if not consent["table"] and not consent["kept_elsewhere"]:
        yield (
            "Nobody may be contacted: consent is not known. Give [sources.consents], or say [consent] kept_elsewhere = "
            "true where the tool that sends asks its own.\n"
        )
    elif consent["kept_elsewhere"]:
        yield "Consent is kept elsewhere: the tool that sends has to ask its own.\n"
    fall = shows["smallest_fall"]
    seen = "no fall of leaving, however large" if fall is None else f"a fall of leaving by {100 * fall:.1f} points"
    arms = f"{shows['treated']:,} treated, {shows['held_out']:,} held out"
    yield f"Campaign {summary['campaign']['name']}: {arms}.\nAlone it can show {seen}; winback lift pools weeks.\n"
    for row in summary.get("personal", []):
        yield f"{_personal(row)}\n"


def _personal(row: dict[str, Any]) -> str:
    """Whether an action's effect is taken customer by customer, and why."""
    gain = f"{row['better']:+.2f} a customer ({row['low']:+.2f} to {row['high']:+.2f})"
    if row["used"]:
        return f"{row['action']}: its effect is taken customer by customer, which brings {gain} on customers not seen."
    return f"{row['action']}: taking its effect customer by customer is not surely better, {gain}; pooled rates stay."


def plain_table(title: str, *columns: str) -> Table:
    """An empty table as every screen shows one: the first column to the left, the others to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right", header_style="dim", no_wrap=n > 0)
    return table


def _data(accounting: list[dict[str, Any]]) -> Table:
    table = plain_table("Data accounted for", "source", "rows", "accepted", "duplicates", "quarantined")
    for row in accounting:
        figures = (row[k] for k in ("rows_in", "accepted", "duplicates", "quarantined"))
        table.add_row(row["table"], *(f"{n:,}" for n in figures))
    table.add_row("")
    return table


def _quality(summary: dict[str, Any]) -> Table:
    model = summary["model"]
    title = f"Model {model['name']} version {model['version']}, examined on dates it had not seen"
    table = plain_table(title, "cutoff", "people", "left", "predicted", "AUC", "rule", "log loss", "slope")
    for q in summary["quality"]:
        table.add_row(
            q["cutoff"],
            f"{q['customers']:,}",
            f"{q['churned']:.1%}",
            f"{q['mean_predicted']:.1%}",
            f"{q['auc']:.3f}",
            f"{q['rule_auc']:.3f}",
            f"{q['log_loss']:.3f}",
            f"{q['calibration_slope']:.2f}",
        )
    if "campaigns" in model:
        from winback.risk.examining.card import campaigns_words  # noqa: PLC0415

        table.caption, table.caption_justify = campaigns_words(model["campaigns"]), "left"
    return table


def _drivers(summary: dict[str, Any]) -> Table:
    table = plain_table("Why", "driver", "first reason for", "mean points")
    for row in summary["drivers"][:SHOWN]:
        if row["first_for"]:
            table.add_row(row["driver"], f"{row['first_for']:,}", f"{100 * row['mean_points']:+.1f}")
    table.add_row("")
    return table


def _actions(summary: dict[str, Any]) -> Table:
    money = summary["currency"]
    table = plain_table("What to do", "action", "customers", f"cost {money}", f"net gain {money}")
    for row in summary["actions"]:
        table.add_row(
            Text(row["name"]),  # a name may hold brackets, which are no markup
            f"{row['customers']:,}",
            f"{row['expected_cost']:,.2f}",
            f"{row['expected_net_gain']:,.2f}",
        )
    for cause, customers in summary["left_alone"].items():
        table.add_row(f"leave alone: {CAUSES['en'][cause]}", f"{customers:,}", "", "")
    total = f"{summary['at_risk']:,}"
    costs = f"{summary['expected_cost']:,.2f}"
    table.add_row("all, expected", total, costs, f"{summary['expected_net_gain']:,.2f}", style="bold")
    table.add_row("")
    return table
