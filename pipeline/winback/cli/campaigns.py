"""winback campaigns."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from winback.cli.options import Named, config_option, json_option

_DEFAULT = click.core.ParameterSource.DEFAULT
by_option = click.option("--by", required=True, help="Who says so; it is kept in the history.")
reason_option = click.option("--reason", required=True, help="Why; it is kept in the history.")


@dataclass(frozen=True)
class Project:
    """A project as these verbs need it: the folders of what is kept and of the runs, and its currency."""

    state: Path
    runs: Path
    currency: str


def _project(config_path: Path) -> Project:
    from winback import config  # noqa: PLC0415

    project = config.load(config_path).project
    return Project(config_path.parent / project.state, config_path.parent / project.runs, project.currency)


@click.group("campaigns", cls=Named, invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, as_json: bool) -> None:
    """List the campaigns that were launched; show one, what it can prove, and approve its actions.

    Without a verb: the list.

    Example: winback campaigns --config configs/winback.toml
    """
    given = [name for name in ("config_path", "as_json") if ctx.get_parameter_source(name) is not _DEFAULT]
    if ctx.invoked_subcommand and given:
        raise click.UsageError(f"write the options after the verb: winback campaigns {ctx.invoked_subcommand} ...")
    if ctx.invoked_subcommand is None:
        _list(_project(config_path), as_json=as_json)


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """List the campaigns, newest last: who was listed, treated and held out, and what waits for approval.

    Example: winback campaigns list
    """
    _list(_project(config_path), as_json=as_json)


def _list(project: Project, *, as_json: bool) -> None:
    from winback.campaigns import account, ledger  # noqa: PLC0415
    from winback.cli.campaigns_text import print_campaigns  # noqa: PLC0415

    rows = [account.in_short(project.state, project.runs, name) for name in ledger.campaigns(project.state)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif rows:
        print_campaigns(rows)
    else:
        click.echo("No campaign was launched yet; `winback run --date YYYY-MM-DD` launches one.")


@command.command("show")
@config_option
@click.argument("campaign", required=False)
@json_option
def show(config_path: Path, campaign: str | None, as_json: bool) -> None:
    """Show what a campaign assigned: arms, actions, what it can prove, and how its list moved; by default the newest.

    Example: winback campaigns show inactivity-28d-2026-03-01
    """
    from winback.campaigns import account  # noqa: PLC0415
    from winback.cli.campaigns_text import print_campaign  # noqa: PLC0415

    project = _project(config_path)
    told = account.in_full(project.state, project.runs, campaign or account.newest(project.state))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        print_campaign(told, project.currency)


@command.command("power")
@config_option
@click.argument("campaign", required=False)
@click.option("--customers", type=click.IntRange(1), help="Instead of a campaign: so many on the list.")
@click.option("--held-out", "share", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Their share.")
@click.option("--base-rate", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Who would leave.")
@click.option("--fall", type=click.FloatRange(0, 1), help="How many weeks until a fall of so much is seen?")
@click.option("--new-a-week", type=click.IntRange(0), default=0, help="Customers who enter the list each week.")
@json_option
def power_(config_path: Path, campaign: str | None, as_json: bool, **asked: Any) -> None:
    """Say how small an effect a campaign can show, and for how many weeks to pool to see a smaller one.

    Of a campaign, or with --customers of a list that is only planned; rates as numbers from 0 to 1.

    Example: winback campaigns power --customers 620 --held-out 0.1 --base-rate 0.4 --fall 0.05 --new-a-week 150
    """
    from winback.cli.campaigns_text import print_power  # noqa: PLC0415

    if asked["customers"] is None:
        asked |= _size(_project(config_path), campaign)
    elif campaign is not None:
        raise click.UsageError("name a campaign or --customers, not both")
    if not 0 < asked["base_rate"] < 1:
        raise click.UsageError("--base-rate must lie between 0 and 1: where nobody or everybody leaves, nothing shows")
    told = _power(**asked)
    if as_json:
        click.echo(json.dumps(told))
    else:
        print_power(told)


def _size(project: Project, campaign: str | None) -> dict[str, Any]:
    """Of a campaign that was launched: customers, share held out, and the rate of leaving it expects."""
    from winback.campaigns import account, ledger, night  # noqa: PLC0415
    from winback.errors import NotEnoughData  # noqa: PLC0415

    name = campaign or account.newest(project.state)
    rows = ledger.read(project.state, name)
    if rows.empty:
        raise NotEnoughData(f"campaign {name} listed nobody, so it can show nothing.")
    shown = night.shows(rows, rows["arm"])
    return {"customers": len(rows), "share": shown["held_out"] / len(rows), "base_rate": shown["base_rate"]}


def _power(customers: int, share: float, base_rate: float, fall: float | None, new_a_week: int) -> dict[str, Any]:
    """What a list of this size shows with this share held out, and with others."""
    from winback.campaigns import power  # noqa: PLC0415

    shares = sorted({0.05, 0.1, 0.2, 0.5, round(share, 4)})
    falls = {each: power.smallest_effect(power.arms(customers, each), base_rate) for each in shares}
    told = {"customers": customers, "held_out_share": share, "base_rate": base_rate, "smallest_fall": falls}
    told["trusted"] = power.is_trusted(power.arms(customers, share), base_rate)
    if fall is not None:
        told |= {"fall": fall, "customers_needed": _finite(power.customers_needed(share, base_rate, fall))}
        told["weeks"] = power.weeks_to_pool(customers, new_a_week, share, base_rate, fall)
    return told


def _finite(value: float) -> int | None:
    return None if value == float("inf") else int(value) + 1


@command.command("approve")
@config_option
@click.argument("what", metavar="CAMPAIGN/ACTION")
@by_option
@reason_option
@json_option
def approve(config_path: Path, what: str, by: str, reason: str, as_json: bool) -> None:
    """Approve an action of one night's campaign, or with the series' name of every night's.

    Example: winback campaigns approve inactivity-28d-2026-03-01/call --by "Dana, CRM" --reason "fits the budget"
    """
    told = _say(config_path, what, "approved", (by, reason))
    click.echo(json.dumps(told) if as_json else f"{told['action']} of {told['campaign']} is approved.")


@command.command("reject")
@config_option
@click.argument("what", metavar="CAMPAIGN/ACTION")
@by_option
@reason_option
@json_option
def reject(config_path: Path, what: str, by: str, reason: str, as_json: bool) -> None:
    """Reject an action of one night's campaign, or with the series' name of every night's; also after a yes.

    Example: winback campaigns reject inactivity-28d/call --by "Dana, CRM" --reason "no callers in August"
    """
    told = _say(config_path, what, "rejected", (by, reason))
    click.echo(json.dumps(told) if as_json else f"{told['action']} of {told['campaign']} is rejected.")


def _say(config_path: Path, what: str, said: str, who: tuple[str, str]) -> dict[str, str]:
    """What was said of which action of which campaign."""
    from winback import runs  # noqa: PLC0415
    from winback.campaigns import account, approvals, ledger  # noqa: PLC0415

    campaign, _, action = what.rpartition("/")
    if not campaign or not action:
        raise click.UsageError("write the campaign and the action, such as inactivity-28d-2026-03-01/call")
    project = _project(config_path)
    with runs.project_lock(project.state):
        of_series = ledger.campaigns(project.state, campaign)
        night = of_series[-1] if of_series else campaign
        needing = set(account.needing_approval(project.state, project.runs, night)["action"])
        word = approvals.Word(dt.datetime.now(dt.UTC), campaign, action, said, *who)
        approvals.say(project.state, word, needing)
    return {"campaign": campaign, "action": action, "said": said}
