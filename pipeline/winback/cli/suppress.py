"""winback suppress."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from winback.cli.options import Named, config_option, json_option
from winback.limits import Channel

if TYPE_CHECKING:
    from winback.consent.ledger import Ledger


@click.group("suppress", cls=Named)
def command() -> None:
    """Never contact somebody again: add people to the ledger of suppressions, count and check it.

    Example: winback suppress add --customer C0100 --reason "asked by phone"
    """


@command.command("add")
@config_option
@click.option("--customer", "customers", multiple=True, help="A customer's id; may be given more than once.")
@click.option(
    "--file",
    "listed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A text file with one id a line.",
)
@click.option("--channel", type=click.Choice(get_args(Channel)), help="By this way only. Default: by none at all.")
@click.option("--reason", default="", help="Why, in a few words and without personal data: it is kept for ever.")
@json_option
def add(
    config_path: Path, customers: tuple[str, ...], listed: Path | None, channel: str | None, reason: str, as_json: bool
) -> None:
    """Suppress customers from now on; nothing takes it back, and no restore of old files does.

    Example: winback suppress add --file bounced.txt --channel email --reason bounced
    """
    from winback.consent.kept import suppress  # noqa: PLC0415

    people = named(customers, listed)
    ledger = ledger_at(config_path)
    new = suppress(ledger, people, channel or "", checked_reason(reason, people), dt.datetime.now(dt.UTC))
    if as_json:
        click.echo(json.dumps({"asked": len(people), "added": new}))
        return
    click.echo(f"{new:,} of {len(people):,} are new in {ledger.folder}; the others were there already.")


@command.command("list")
@config_option
@click.option("--customer", help="Only what is held of this customer.")
@json_option
def list_(config_path: Path, customer: str | None, as_json: bool) -> None:
    """Count the entries by kind and channel, or show those of one customer. It holds no names, only keyed hashes.

    Example: winback suppress list --customer C0100
    """
    from winback.consent.keyed import key_of, keyed  # noqa: PLC0415
    from winback.consent.ledger import entries  # noqa: PLC0415

    ledger = ledger_at(config_path)
    rows = entries(ledger)
    if customer is not None and len(rows):
        rows = rows[rows["person"] == keyed(key_of(ledger.keys, make=False), [customer])[0]]
    columns = ["kind", "channel"] if customer is None else ["kind", "channel", "purpose", "recorded_at", "reason"]
    counted = rows.assign(recorded_at=rows["recorded_at"].astype(str)).groupby(columns, dropna=False).size()
    told = counted.reset_index(name="entries").to_dict("records")
    if as_json:
        click.echo(json.dumps(told))
        return
    for each in told or [{}]:
        shown = ", ".join(f"{name} {value or 'all'}" for name, value in each.items() if name != "reason" or value)
        click.echo(shown or "Nothing is held.")


@command.command("verify")
@config_option
@json_option
def verify(config_path: Path, as_json: bool) -> None:
    """Check that the ledger is as it was written and has not shrunk; exit code 1 where it is not.

    Example: winback suppress verify
    """
    from winback.consent.ledger import entries, head  # noqa: PLC0415

    ledger = ledger_at(config_path)
    told = {"folder": str(ledger.folder), "entries": len(entries(ledger)), **head(ledger)}
    click.echo(
        json.dumps(told)
        if as_json
        else f"{told['entries']:,} entries in {told['files']:,} files of {ledger.folder}, all as they were written."
    )


def ledger_at(config_path: Path) -> Ledger:
    """The ledger of the project of a configuration."""
    from winback import config  # noqa: PLC0415
    from winback.consent.ledger import ledger_of  # noqa: PLC0415

    settings, base = config.load(config_path), config_path.parent
    return ledger_of(base, base / settings.project.state, settings.consent)


def named(customers: tuple[str, ...], listed: Path | None) -> list[str]:
    """The ids given one by one and in a file, each once."""
    lines = listed.read_text("utf-8-sig").splitlines() if listed else []
    people = list(dict.fromkeys(each.strip() for each in (*customers, *lines) if each.strip()))
    if not people:
        raise click.UsageError("give --customer ID, or --file with one id a line")
    return people


def checked_reason(reason: str, people: list[str]) -> str:
    """A reason that may be kept for ever: it tells nobody's id, address or number."""
    digits = sum(letter.isdigit() for letter in reason)
    if "@" in reason or digits > 6 or len(reason) > 100 or any(len(each) > 3 and each in reason for each in people):
        raise click.UsageError(
            "--reason is kept for ever, so it must not hold personal data: at most 100 letters, no address, no id and "
            "no number of more than six digits"
        )
    return reason
