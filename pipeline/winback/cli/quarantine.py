"""winback quarantine."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import Named, config_option, json_option

if TYPE_CHECKING:
    from winback.config import Config, Sources
    from winback.facts.intake.accounting import Accounting

Row = dict[str, Any]


@click.group("quarantine", cls=Named)
def command() -> None:
    """Show the rows that were refused and why; take them in again once they are mended.

    Example: winback quarantine list
    """


@command.command("list")
@config_option
@click.option("--table", help="Only rows of this table.")
@click.option("--reason", help="Only rows refused with this code.")
@click.option("--show", is_flag=True, help="Print the rows themselves, with the values at fault: personal data.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the rows to this CSV file, to mend them there.")
@json_option
def list_(
    config_path: Path, table: str | None, reason: str | None, show: bool, out: Path | None, as_json: bool
) -> None:
    """Count the refused rows by table and reason, with where the first ones are.

    Reads what the last ingest of the files as they are now wrote.

    Example: winback quarantine list --table orders --out mended.csv
    """
    from winback import config  # noqa: PLC0415

    facts = _facts(config.load(config_path), config_path.parent)[0]
    rows = _refused(facts / "quarantine.parquet", {"table": table, "reason": reason})
    if out is not None:
        _write(out, rows)
    if as_json:
        click.echo(json.dumps({"refused": rows if show else _counted(rows)}, ensure_ascii=False))
        return
    _print(rows, show)
    if out is not None:
        click.echo(f"Written to {out}. Edit its `raw`, then: winback quarantine replay --mended {out}")


@command.command("replay")
@config_option
@click.option(
    "--mended",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file with the quarantine's columns in which `raw` was edited.",
)
@json_option
def replay(config_path: Path, mended: Path | None, as_json: bool) -> None:
    """Take the sources in again, after the files, the mapping or the refused rows were mended.

    Gives what clean input would have given. Rows in a `--mended` file stand for those at the same
    line of the same file; name it in the configuration to keep them.

    Example: winback quarantine replay --mended mended.csv
    """
    from winback import config, runs  # noqa: PLC0415
    from winback.consent.kept import refuser  # noqa: PLC0415
    from winback.consent.ledger import ledger_of  # noqa: PLC0415
    from winback.facts.intake.ledger import Since  # noqa: PLC0415
    from winback.facts.intake.load import load_since  # noqa: PLC0415

    settings = config.load(config_path)
    sources = _with_mended(settings.sources, mended)
    facts, inputs, sources = _facts(settings, config_path.parent, sources)
    project = settings.project
    state = config_path.parent / project.state
    with runs.project_lock(state):
        refuses = refuser(ledger_of(config_path.parent, state, settings.consent))
        since = Since(project.time_zone, dt.datetime.now(dt.UTC), project.currency, inputs, facts.parent, refuses)
        done = load_since(facts, sources, config_path.parent, since)
    if as_json:
        click.echo(json.dumps({"accounting": [asdict(each) for each in done], "folder": str(facts)}))
        return
    for each in done:
        click.echo(_told(each))
    if mended is not None:
        keep = f"mended = [{json.dumps(str(mended.resolve()))}]"
        click.echo(f"To keep the mended rows, write {keep} into the sources they are of; runs use them then.")


def _facts(settings: Config, base: Path, sources: Sources | None = None) -> tuple[Path, dict[str, str], Sources]:
    """The facts folder of the files as they are now, their hashes, and the sources they are read by."""
    from winback.facts.intake.load import folder_of  # noqa: PLC0415
    from winback.facts.intake.snapshots import fetched  # noqa: PLC0415
    from winback.facts.intake.sources import fingerprint  # noqa: PLC0415

    state, project = base / settings.project.state, settings.project
    found = fetched(sources or settings.sources, base, state)
    inputs = fingerprint(found, base)
    return folder_of(state, found, project.time_zone, project.currency, inputs), inputs, found


def _with_mended(sources: Sources, path: Path | None) -> Sources:
    """The sources with a mended file for each of the tables it has rows of."""
    from dataclasses import replace  # noqa: PLC0415

    if path is None:
        return sources
    mended = str(path.resolve())
    given = {table: replace(source, mended=(*source.mended, mended)) for table, source in sources.given().items()}
    return replace(sources, **given)


def _refused(path: Path, wanted: Mapping[str, str | None]) -> list[Row]:
    from winback import store  # noqa: PLC0415
    from winback.errors import SourceError  # noqa: PLC0415

    if not path.is_file():
        raise SourceError(
            "the files as they are now were not taken in yet, so there is no list of what was refused of them. "
            "`winback quarantine replay` takes them in"
        )
    rows: list[Row] = store.read_table(path).to_pylist()
    return [row for row in rows if all(value in (None, row[name]) for name, value in wanted.items())]


def _counted(rows: Sequence[Row]) -> list[Row]:
    """One row a table and reason, the most frequent first: how many, and where the first one is."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        entry = first.setdefault(
            (row["table"], row["reason"]),
            {"table": row["table"], "reason": row["reason"], "rows": 0, "file": row["file"], "line": row["line"]},
        )
        entry["rows"] += 1
    return sorted(first.values(), key=lambda entry: (entry["table"], -entry["rows"], entry["reason"]))


def _print(rows: Sequence[Row], show: bool) -> None:
    if not rows:
        click.echo("No row was refused.")
    for entry in _counted(rows):
        place = f"first: {entry['file']}, line {entry['line']:,}"
        click.echo(f"{entry['table']:<14} {entry['reason']:<30} {entry['rows']:>9,}  {place}")
    for row in rows if show else []:
        click.echo(f"\n{row['file']}, line {row['line']:,}: {row['detail']}\n  {row['raw']}")


def _write(path: Path, rows: Sequence[Row]) -> None:
    """The rows with the quarantine's columns, readable by their owner alone."""
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, ["table", "file", "line", "reason", "detail", "raw"])
        writer.writeheader()
        writer.writerows(rows)


def _told(done: Accounting) -> str:
    left = sum(done.left_out.values())
    why = ", ".join(f"{code} {rows:,}" for code, rows in done.reasons.items())
    return (
        f"{done.table:<14} {done.rows_in:,} rows: {done.accepted:,} accepted, {done.duplicates:,} duplicates, "
        f"{left:,} left out by rule, {done.quarantined:,} refused{f' ({why})' if why else ''}"
    )
