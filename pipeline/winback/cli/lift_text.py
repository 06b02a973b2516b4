"""What `winback lift` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

    from winback.measuring import Measured

NAMES = {
    "stayed": "customers kept",
    "orders": "orders",
    "revenue": "revenue",
    "margin": "margin in the window",
    "net_gain": "net gain (kept x margin at stake - cost)",
    "earned": "earned in the window (margin - cost)",
}
MONEY = ("revenue", "margin", "net_gain", "earned")


def print_lift(found: Measured, every: pd.DataFrame, parts: pd.DataFrame, by: str, currency: str) -> None:
    """Print the effects of all campaigns, then of each part, then what was not as it should be."""
    console = Console(highlight=False)
    console.print(_whom(found, every))
    console.print(_all(every, currency))
    console.print(_parts(parts, by, currency))
    for line in sentences(parts, currency):
        console.print(Text(line))
    for line in notes(found):
        console.print(Text(line), style="yellow")


def _whom(found: Measured, every: pd.DataFrame) -> Text:
    row = every.iloc[0]
    told = (
        f"\n{row['treated'] + row['held_out']:,} customers, each from the first list on: {row['treated']:,} treated, "
        f"{row['held_out']:,} held out."
    )
    if found.waiting:
        told += f" {found.waiting:,} more wait; the last of them are known on {found.known_on}."
    return Text(told + "\n")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for n, column in enumerate(columns):
        table.add_column(column, justify="right" if 0 < n < len(columns) - 1 else "left", header_style="dim")
    return table


def _all(every: pd.DataFrame, currency: str) -> Table:
    table = _table("What the campaigns changed", "", "in all", "95 %, one look", "95 %, any look", "")
    for row in records(every):
        unit = f", {currency}" if row["metric"] in MONEY else ""
        table.add_row(f"{NAMES[row['metric']]}{unit}", *_totals(row), words(row))
    table.add_row("")
    return table


def _parts(parts: pd.DataFrame, by: str, currency: str) -> Table:
    columns = ("treated", "held out", "kept", "95 %, any look", f"net gain {currency}", "95 %, any look", "")
    table = _table(f"By {by}", by, *columns)
    for name, rows in parts.groupby("group", sort=True):
        stayed, gain = (records(rows[rows["metric"] == metric])[0] for metric in ("stayed", "net_gain"))
        sizes = (f"{stayed['treated']:,}", f"{stayed['held_out']:,}")
        (kept, _, kept_ever), (money, _, money_ever) = _totals(stayed), _totals(gain)
        table.add_row(Text(str(name)), *sizes, kept, kept_ever, money, money_ever, words(gain))
    table.add_row("")
    return table


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _totals(row: dict[str, Any]) -> tuple[str, str, str]:
    """The total, and its two intervals."""
    return (
        number(row["total"]),
        f"{number(row['total_low'])} to {number(row['total_high'])}",
        f"{number(row['total_ever_low'])} to {number(row['total_ever_high'])}",
    )


def number(value: float) -> str:
    """A count or an amount, rounded to what its size allows; a dash where nothing can be told."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:,.1f}"


def words(row: dict[str, Any]) -> str:
    """A verdict in words."""
    money = row["metric"] in MONEY
    if row["verdict"] == "works":
        return "brings more than it costs" if row["metric"] in ("net_gain", "earned") else "works"
    if row["verdict"] == "harms":
        return "costs more than it brings" if money else "harms"
    if row["verdict"] == "less_than_promised":
        return "less than was promised"
    if row["verdict"] == "too_few":
        return "too few to tell: an arm has less than 10"
    return _not_yet(row["needs"])


def _not_yet(needs: float | None) -> str:
    if needs is None or math.isnan(needs):
        return "not enough data yet"
    if math.isinf(needs) or needs > 1e6:
        return "not enough data yet, nor soon: the promise is too small to be seen"
    return f"not enough data yet: needs about {_rounded(needs):,} more"


def _rounded(count: float) -> int:
    """Two figures: nobody knows more."""
    digits = max(0, math.floor(math.log10(max(count, 1))) - 1)
    return int(math.ceil(count / 10**digits) * 10**digits)


def sentences(parts: pd.DataFrame, currency: str) -> list[str]:
    """One line a part in the words of a manager: only of those of which something can be told."""
    lines = []
    for name, rows in parts.groupby("group", sort=True):
        stayed, gain = (records(rows[rows["metric"] == metric])[0] for metric in ("stayed", "net_gain"))
        if not math.isfinite(stayed["low"]):
            continue
        kept = "kept" if stayed["total"] >= 0 else "lost"
        low, high = sorted((abs(stayed["total_low"]), abs(stayed["total_high"])))
        crosses = stayed["total_low"] < 0 < stayed["total_high"]
        span = (
            f"{number(stayed['total_low'])} to {number(stayed['total_high'])} kept"
            if crosses
            else (f"{number(low)} to {number(high)}")
        )
        lines.append(
            f"{name!s} {kept} {number(abs(stayed['total']))} of {stayed['treated']:,} (95 % interval {span}), "
            f"net gain {number(gain['total'])} {currency}: {words(gain)}."
        )
    return lines


def notes(found: Measured) -> list[str]:
    """What a reader has to know before believing the figures."""
    lines = [f"{row['campaign']}: {row['fault']}." for row in records(found.checks) if row["fault"]]
    assumed = int((found.results["incentives"] == "assumed").sum())
    if assumed:
        lines.append(
            f"Of {assumed:,} customers nobody told what was redeemed: every treated one who bought is taken to have "
            "redeemed. Hand in results with `winback outcomes add FILE`."
        )
    if found.listed_again:
        lines.append(f"{found.listed_again:,} later listings of the same customers are part of their first one.")
    return lines
