"""winback models."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Day, Named, config_option, json_option

if TYPE_CHECKING:
    from winback.config import Config
    from winback.risk.keeping.file_gates import Asked
    from winback.risk.keeping.promotions import Version
    from winback.risk.keeping.succession import Said

_DEFAULT = click.core.ParameterSource.DEFAULT
reason_option = click.option("--reason", required=True, help="Why; it is kept in the history.")
approver_option = click.option("--approver", required=True, help="Who says so; it is kept in the history.")


@dataclass(frozen=True)
class Project:
    """A project as these verbs need it: its settings, its model's name, and the folder of its models."""

    config: Config
    base: Path
    name: str

    @property
    def state(self) -> Path:
        """The folder of the models."""
        return self.base / self.config.project.state


def _project(config_path: Path) -> Project:
    from winback import config  # noqa: PLC0415
    from winback.risk.asking.specs import load_spec  # noqa: PLC0415

    loaded = config.load(config_path)
    return Project(loaded, config_path.parent, load_spec(loaded.model, config_path.parent).name)


@click.group("models", cls=Named, invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, config_path: Path, as_json: bool) -> None:
    """List and compare the trained models; promote one, roll back, and see which was champion when.

    Without a verb: the history.

    Example: winback models --config configs/winback.toml
    """
    given = [name for name in ("config_path", "as_json") if ctx.get_parameter_source(name) is not _DEFAULT]
    if ctx.invoked_subcommand and given:
        raise click.UsageError(f"write the options after the verb: winback models {ctx.invoked_subcommand} ...")
    if ctx.invoked_subcommand is None:
        _history(_project(config_path), None, as_json=as_json)


@command.command("history")
@config_option
@click.option("--at", "day", type=Day(), help="Only the champions of this day.")
@json_option
def history(config_path: Path, day: dt.date | None, as_json: bool) -> None:
    """Say what happened to which version, when, why, and who said so; or which was champion on a day.

    Example: winback models history --at 2026-03-03
    """
    _history(_project(config_path), day, as_json=as_json)


def _history(project: Project, day: dt.date | None, *, as_json: bool) -> None:
    from winback.cli.models_text import event  # noqa: PLC0415
    from winback.risk.keeping import promotions  # noqa: PLC0415
    from winback.risk.keeping.dossier import row_of  # noqa: PLC0415

    rows = promotions.history(project.state, project.name)
    if day is not None:
        rows = promotions.champions_between(rows, *_ends(day, project.config.project.time_zone))
    if as_json:
        click.echo(json.dumps([row_of(row) for row in rows], ensure_ascii=False))
        return
    if not rows:
        when = f" by {day}" if day else " yet"
        click.echo(f"No version of {project.name} was promoted{when}; `winback run` trains one.")
    for row in rows:
        click.echo(event(row))


def _ends(day: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """The beginning of a day and of the next, by the business's clocks."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    at = [dt.datetime.combine(each, dt.time(), ZoneInfo(zone)) for each in (day, day + dt.timedelta(days=1))]
    return at[0].astimezone(dt.UTC), at[1].astimezone(dt.UTC)


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """List the registered versions, newest first: what they showed, and which is champion or challenger.

    Example: winback models list
    """
    from winback.cli.models_text import listed  # noqa: PLC0415
    from winback.risk.keeping.dossier import version_rows  # noqa: PLC0415

    project = _project(config_path)
    rows = version_rows(project.state, project.name)
    click.echo(json.dumps(rows) if as_json else listed(project.name, rows))


@command.command("compare")
@config_option
@click.argument("versions", nargs=-1, type=int)
@json_option
def compare(config_path: Path, versions: tuple[int, ...], as_json: bool) -> None:
    """Compare two versions: what each showed, how they did on the same rows, and the last night's shadow scores.

    Without versions: the champion and the challenger.

    Example: winback models compare 3 4
    """
    from winback.cli.models_text import compared  # noqa: PLC0415
    from winback.risk.keeping.dossier import comparison  # noqa: PLC0415

    if len(versions) not in (0, 2):
        raise click.UsageError("name two versions, or none for the champion and the challenger")
    project = _project(config_path)
    told = comparison(project.state, project.name, versions, project.base / project.config.project.runs)
    click.echo(json.dumps(told) if as_json else compared(told))


@command.command("card")
@config_option
@click.argument("version", type=int, required=False)
@json_option
def card(config_path: Path, version: int | None, as_json: bool) -> None:
    """Show all that was written down about a version, the gates' report among it; by default of the champion.

    Example: winback models card 3
    """
    from winback.cli.models_text import carded  # noqa: PLC0415
    from winback.risk.keeping.dossier import card_of  # noqa: PLC0415

    project = _project(config_path)
    told = card_of(project.state, project.name, version)
    click.echo(json.dumps(told) if as_json else carded(told))


@command.command("promote")
@config_option
@click.argument("version", type=int)
@reason_option
@approver_option
@json_option
def promote(config_path: Path, version: int, reason: str, approver: str, as_json: bool) -> None:
    """Make a version that passed its gates the champion, after it was loaded and asked once more.

    Example: winback models promote 4 --reason "longer history" --approver "Dana, CRM"
    """
    from winback.risk.keeping import succession  # noqa: PLC0415

    _act(config_path, (reason, approver), lambda *to: succession.promote(to[0], version, *to[1:]), "champion", as_json)


@command.command("rollback")
@config_option
@click.option("--to", "version", type=int, help="This earlier champion. Default: the one before the present.")
@reason_option
@click.option("--approver", default="not said", help="Who says so; it is kept in the history.")
@json_option
def rollback(config_path: Path, version: int | None, reason: str, approver: str, as_json: bool) -> None:
    """Make an earlier champion the champion again; the next run scores as it did.

    Example: winback models rollback --reason "list looks odd"
    """
    from winback.risk.keeping import succession  # noqa: PLC0415

    _act(config_path, (reason, approver), lambda *to: succession.rollback(to[0], version, *to[1:]), "champion", as_json)


@command.command("challenge")
@config_option
@click.argument("version", type=int, required=False)
@click.option("--withdraw", is_flag=True, help="No version is challenger any more.")
@click.option("--reason", default="not said", help="Why; it is kept in the history.")
@click.option("--approver", default="not said", help="Who says so; it is kept in the history.")
@json_option
def challenge(
    config_path: Path, version: int | None, withdraw: bool, reason: str, approver: str, as_json: bool
) -> None:
    """Score a version beside the champion every night, without listing anybody for it.

    Example: winback models challenge 4
    """
    from winback.risk.keeping import succession  # noqa: PLC0415

    if (version is None) != withdraw:
        raise click.UsageError("name a version, or --withdraw")
    said = reason, approver
    if version is None:
        _act(config_path, said, lambda *to: succession.withdraw(to[0], to[1].spec.name, to[2]), "withdrawn", as_json)
    else:
        _act(config_path, said, lambda *to: succession.challenge(to[0], version, *to[1:]), "challenger", as_json)


def _act(
    config_path: Path,
    said: tuple[str, str],
    change: Callable[[Path, Asked, Said], Version],
    what: str,
    as_json: bool,
) -> None:
    """Do it under the project's lock, and say what is so now."""
    from winback import runs  # noqa: PLC0415
    from winback.risk.keeping import aliases  # noqa: PLC0415
    from winback.risk.keeping.succession import Said  # noqa: PLC0415

    project = _project(config_path)
    with runs.project_lock(project.state):
        aliases.settle(project.state)
        version = change(project.state, _asked(project), Said(dt.datetime.now(dt.UTC), *said))
    told: dict[str, Any] = {"name": version.name, "version": version.version, "sha256": version.sha256, "now": what}
    rank = "no challenger any more" if what == "withdrawn" else f"the {what}"
    click.echo(json.dumps(told) if as_json else f"Version {version.version} of {version.name} is {rank}.")


def _asked(project: Project) -> Asked:
    """What the project wants a champion for. Which day it may serve is asked again by every run."""
    from winback.facts.check.unmapped import at_hand  # noqa: PLC0415
    from winback.facts.features import declared  # noqa: PLC0415
    from winback.risk.asking.specs import load_spec  # noqa: PLC0415
    from winback.risk.keeping.file_gates import Asked  # noqa: PLC0415

    own = declared.own_features(project.config.features.files, project.base)
    spec = load_spec(project.config.model, project.base, own)
    return Asked(spec, dt.date.max, declared.available(at_hand(project.config.sources.given()), own))
