"""What the campaigns' verbs print."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.text import Text

from winback.cli.screen import plain_table


def print_campaigns(rows: list[dict[str, Any]]) -> None:
    """Print a line a campaign."""
    shown = plain_table("Campaigns", "campaign", "listed", "treated", "held out", "acted on", "waits for approval")
    for row in rows:
        counts = (row["listed"], row["treated"], sum(row["held_out"].values()), row["acted_on"])
        shown.add_row(Text(row["campaign"]), *(f"{count:,}" for count in counts), Text(", ".join(row["waiting"])))
    Console(highlight=False).print(shown)


def print_campaign(told: dict[str, Any], currency: str) -> None:
    """Print all of one campaign."""
    console, held = Console(highlight=False), told["held_out"]
    console.print(Text(f"\nCampaign {told['campaign']}\n", style="bold"))
    console.print(
        f"{told['listed']:,} listed: {told['treated']:,} treated, {sum(held.values()):,} held out ({held['global']:,} "
        f"everywhere, {held['campaign']:,} of this campaign).\n{shows(told['shows'], currency)}\n"
    )
    shown = plain_table(
        "Actions", "action", "treated", "held out", f"cost of contact {currency}", f"net gain {currency}"
    )
    for row in told["actions"]:
        money = (f"{row[name]:,.2f}" for name in ("contact_cost", "expected_net_gain"))
        shown.add_row(Text(row["action"].replace("_", " ")), f"{row['treated']:,}", f"{row['held_out']:,}", *money)
    console.print(shown)
    for status, causes in told["moved"].items():
        said = ", ".join(f"{count:,} {cause.replace('_', ' ')}" for cause, count in causes.items())
        console.print(f"{status}: {sum(causes.values()):,}{f' ({said})' if said else ''}")
    for row in told["approvals"]:
        by = f" by {row['name']}: {row['reason']}" if row["name"] else ""
        click.echo(f"approval of {row['action']} for {row['customers']:,} customers: {row['said']}{by}")


def shows(told: dict[str, Any], currency: str) -> str:
    """What a campaign of this size can show, as a sentence."""
    if told["smallest_fall"] is None:
        return "So few cannot show any effect; pool weeks, or hold out more (`winback campaigns power`)."
    money = "" if told["smallest_money"] is None else f", or {told['smallest_money']:,.2f} {currency} a customer"
    said = (
        f"It can show a fall of {100 * told['smallest_fall']:.1f} points in the chance to leave (from "
        f"{told['base_rate']:.1%}){money}, four times in five."
    )
    return said if told["trusted"] else f"{said} The held-out are so few that this is a rough guess."


def print_power(told: dict[str, Any]) -> None:
    """Print what a list of this size shows with several shares held out, and the weeks to pool."""
    title = f"{told['customers']:,} customers of whom {told['base_rate']:.1%} would leave"
    shown = plain_table(title, "held out", "customers held out", "smallest fall to be seen, points")
    for share, fall in told["smallest_fall"].items():
        mark = " (yours)" if abs(share - told["held_out_share"]) < 1e-4 else ""
        seen = "none" if fall is None else f"{100 * fall:.1f}"
        shown.add_row(f"{share:.1%}{mark}", f"{round(share * told['customers']):,}", seen)
    Console(highlight=False).print(shown)
    if not told["trusted"]:
        click.echo("The held-out are so few that these are rough guesses.")
    if "fall" in told:
        click.echo(_weeks(told))


def _weeks(told: dict[str, Any]) -> str:
    fall = f"a fall of {100 * told['fall']:.1f} points"
    if told["customers_needed"] is None:
        return f"With {told['held_out_share']:.1%} held out {fall} from {told['base_rate']:.1%} can never be seen."
    weeks = f"pool {told['weeks']:,} weeks of lists" if told["weeks"] else "at this pace ten years would not do"
    weeks = "one list shows it" if told["weeks"] == 1 else weeks
    return f"To see {fall}, {told['customers_needed']:,} customers must be listed: {weeks}."
