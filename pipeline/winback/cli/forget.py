"""winback forget."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.export import PLACES
from winback.cli.options import config_option, json_option
from winback.cli.suppress import checked_reason, ledger_at, named

if TYPE_CHECKING:
    from winback.config import Config, Source


@click.command("forget")
@config_option
@click.option("--customer", "customers", multiple=True, help="A customer's id; may be given more than once.")
@click.option(
    "--file",
    "listed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A text file with one id a line.",
)
@click.option("--known-as", multiple=True, help="An address or a number of theirs that winback may not know.")
@click.option(
    "--also", multiple=True, type=click.Path(path_type=Path), help="Another folder of ours, as of exports with --out."
)
@click.option("--reason", default="", help="Why, in a few words and without personal data: it is kept for ever.")
@click.option("--restored", is_flag=True, help="Erase again all who were erased before and came back with a restore.")
@json_option
def command(config_path: Path, as_json: bool, **given: Any) -> None:
    """Erase people from all that winback owns: tables, runs, lists, exports, copies of sources, logs.

    What stays is a keyed hash, by which they are refused when a source brings them again. Prints the
    receipt: where they were, and the places that winback cannot reach.

    Example: winback forget --customer C0100 --reason "asked by mail"
    """
    from winback import config  # noqa: PLC0415
    from winback.consent.forget import Owned, forget, restored  # noqa: PLC0415

    settings, base = config.load(config_path), config_path.parent
    project, others = settings.project, (*exports(settings, base), *given["also"])
    owned = Owned(base / project.state, base / project.runs, ledger_at(config_path), others)
    people = restored(owned) if given["restored"] else named(given["customers"], given["listed"])
    if not people:
        click.echo(json.dumps({"people": [], "files": []}) if as_json else "Nobody who was erased is back.")
        return
    reason = checked_reason(given["reason"], people)
    now = dt.datetime.now(dt.UTC)
    receipt = forget(owned, people, now, reason, given["known_as"], outside(settings))
    if as_json:
        click.echo(json.dumps(receipt, ensure_ascii=False))
        return
    _print(receipt)


def exports(settings: Config, base: Path) -> list[Path]:
    """The folders that exports write to: below that of [destinations], which may hold files of others, too."""
    return [folder for place in PLACES if (folder := base / settings.destinations.folder / place).is_dir()]


def outside(settings: Config) -> list[str]:
    """The places that a receipt has to name: we do not write there, so the person may still be there."""
    places = [f"[sources.{table}] {_place(source)}" for table, source in settings.sources.given().items()]
    lookups = [each.path for source in settings.sources.given().values() for each in source.lookups]
    mended = [each for source in settings.sources.given().values() for each in source.mended]
    files = [f"file {each}" for each in dict.fromkeys((*lookups, *mended))]
    return [
        *places,
        *files,
        "lists and audiences that were uploaded or handed over: remove the person there, or send a removal list",
        "backups of the project's folder, and copies that people made of lists",
    ]


def _place(source: Source) -> str:
    """Where a source lies, without a password."""
    if source.path:
        return f"path {source.path}"
    return f"database in the variable {source.url_env}" if source.url_env else "database of its url"


def _print(receipt: dict[str, Any]) -> None:
    count = len(receipt["people"])
    click.echo(f"Erased {count:,} {'person' if count == 1 else 'people'} from {len(receipt['files']):,} files:")
    for each in receipt["files"]:
        rows = "" if each["rows"] is None else f"{each['rows']:,} "
        click.echo(f"  {each['file']}: {rows}{each['how']}")
    click.echo("Out of reach, to be done by hand:")
    for place in receipt["outside"]:
        click.echo(f"  {place}")
