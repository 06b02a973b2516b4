"""What `winback policy` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from winback.cli.lift_text import number, records, words

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "in use": "as decided",
    "leave_alone": "everybody left alone",
    "riskiest_half": "only the half likeliest to leave",
    "most_valuable_half": "only the half with most at stake",
    "no_money_off": "as decided, but never money",
    "best_known": "best by what was learned",
    "cheapest": "always the cheapest action",
}


def print_policies(
    waiting: int, gained: pd.DataFrame, table: pd.DataFrame, budgets: pd.DataFrame | None, currency: str
) -> None:
    """Print what was earned, then what other decisions would have, then other budgets."""
    console = Console(highlight=False)
    console.print(Text(earned(waiting, records(gained)[0], currency)))
    console.print(_policies(table, currency))
    if budgets is not None:
        console.print(_curve(budgets, currency))


def earned(waiting: int, row: dict[str, Any], currency: str) -> str:
    """What the decisions brought against the held-out, in a sentence."""
    told = (
        f"\n{row['treated']:,} customers treated, {row['held_out']:,} held out at random: net gain "
        f"{number(row['total'])} {currency} (95 %, any look: {number(row['total_ever_low'])} to "
        f"{number(row['total_ever_high'])}): {words(row)}."
    )
    return told + (f" {waiting:,} more wait for their window to close." if waiting else "") + "\n"


def _policies(table: pd.DataFrame, currency: str) -> Table:
    columns = ("decisions", f"net gain {currency}", "95 %", "than as decided", "99 %", "told by log", "")
    shown = Table(title="What the same customers would have brought", title_justify="left", title_style="bold")
    shown.box, shown.pad_edge, shown.padding = None, False, (0, 2, 0, 0)
    for n, column in enumerate(columns):
        shown.add_column(column, justify="right" if 0 < n < len(columns) - 1 else "left", header_style="dim")
    for row in records(table):
        shown.add_row(*_cells(row))
    shown.add_row("")
    return shown


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """The cells of one policy, in money for all customers."""
    times = row["customers"]
    span, beside = (
        "-" if math.isnan(low * times) else f"{number(low * times)} to {number(high * times)}"
        for low, high in ((row["low"], row["high"]), (row["better_low"], row["better_high"]))
    )
    better = "" if row["policy"] == "in use" else number(row["better"] * times)
    between = "" if row["policy"] == "in use" else beside
    return NAMES[row["policy"]], number(row["total"]), span, better, between, f"{row['told']:.0%}", verdict(row)


def verdict(row: dict[str, Any]) -> str:
    """What the figures say, in words."""
    if math.isnan(row["per_customer"]):
        return "not enough data: the log holds too few such decisions"
    if row["policy"] == "in use":
        return ""
    if row["better_low"] > 0:
        return "would have brought more"
    return "would have brought less" if row["better_high"] < 0 else "not told apart from what was decided"


def _curve(budgets: pd.DataFrame, currency: str) -> Table:
    shown = Table(title="What other budgets would bring now", title_justify="left", title_style="bold")
    shown.box, shown.pad_edge, shown.padding = None, False, (0, 2, 0, 0)
    for column in (f"budget {currency}", "spent", "contacted", "expected net gain", "of one unit more"):
        shown.add_column(column, justify="right", header_style="dim")
    for row in records(budgets):
        figures = (number(row[name]) for name in ("budget", "spent", "contacted", "expected_net_gain"))
        shown.add_row(*figures, f"{row['marginal_gain']:,.2f}")
    return shown
