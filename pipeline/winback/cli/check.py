"""winback check."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from winback.cli.options import Day, config_option, json_option

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from winback.config import Config
    from winback.facts.check.gates import Gate
    from winback.facts.intake.ingest import Accounting

WIDTH = 100
STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan", "ok": "green"}


@click.command("check")
@config_option
@click.option(
    "--date",
    "today",
    type=Day(),
    help="The day to look from; its own rows are not seen. Default: today in the project's zone.",
)
@json_option
def command(config_path: Path, today: dt.date | None, as_json: bool) -> None:
    """Report what is odd about the data, and whether they are enough to learn from.

    Reads all sources; trains nothing. Each finding has a severity, what was found, and what to do.
    Exit code 1 when a gate refuses: then `winback run` would stop, too.

    Example: winback check --config configs/winback.toml --date 2017-12-31
    """
    from winback import config  # noqa: PLC0415

    project = config.load(config_path)
    now = dt.datetime.now(dt.UTC)
    day = today or now.astimezone(ZoneInfo(project.project.time_zone)).date()
    found, gates, accounting, refused_rows = looked_at(project, config_path.parent, day, now)
    if as_json:
        click.echo(json.dumps(_as_json(day, found, gates, accounting), ensure_ascii=False))
    else:
        _show(day, found, gates, accounting)
        if refused_rows:
            click.echo(f"The refused rows, with file, line and reason: {refused_rows}")
    if any(not gate.passed for gate in gates):
        raise click.exceptions.Exit(1)


def looked_at(
    project: Config, base: Path, day: dt.date, now: dt.datetime
) -> tuple[pd.DataFrame, list[Gate], list[Accounting], Path | None]:
    """The findings, the gates, the accounting, and where refused rows were written."""
    from winback import runs  # noqa: PLC0415
    from winback.facts.check.gates import freshness_gate, source_gates  # noqa: PLC0415
    from winback.facts.check.usability import tolerant, usability  # noqa: PLC0415
    from winback.facts.intake.ingest import ingest  # noqa: PLC0415
    from winback.facts.intake.snapshots import fetched  # noqa: PLC0415
    from winback.risk.asking.readiness import training_gates  # noqa: PLC0415
    from winback.risk.asking.specs import load_spec  # noqa: PLC0415

    spec = load_spec(project.model, base)
    place, when = base / project.project.state / "check", (project.project.time_zone, day)
    with runs.project_lock(place):
        facts = place / "facts"
        shutil.rmtree(facts, ignore_errors=True)
        sources = fetched(tolerant(project.sources), base, base / project.project.state)
        accounting = ingest(sources, base, facts, when[0], now, project.project.currency)
        found = usability(facts, when, accounting, project.sources)
        fresh = freshness_gate(facts, *when, project.gates)
        gates = [*source_gates(accounting, project.sources.given(), project.gates), fresh]
        if fresh.passed:
            gates += training_gates(facts, when, spec, project.cutoffs, project.gates)
        (facts / "quarantine.parquet").replace(place / "quarantine.parquet")
        shutil.rmtree(facts)
    refused = any(count.quarantined for count in accounting)
    return found, gates, accounting, place / "quarantine.parquet" if refused else None


def _as_json(
    day: dt.date, found: pd.DataFrame, gates: Sequence[Gate], accounting: Sequence[Accounting]
) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    findings = found.astype(object).where(found.notna(), None).to_dict("records")
    return {
        "date": day.isoformat(),
        "passed": all(gate.passed for gate in gates),
        "accounting": [asdict(count) for count in accounting],
        "findings": findings,
        "gates": [asdict(gate) | {"passed": gate.passed} for gate in gates],
    }


def _show(day: dt.date, found: pd.DataFrame, gates: Sequence[Gate], accounting: Sequence[Accounting]) -> None:
    """The report for people, or, where nobody looks at a terminal, a line a finding."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    wrapped = console.is_terminal
    _say(console, f"winback check  {day}", "bold")
    for count in accounting:
        _say(console, "\n" + _heading(count), "bold")
        _say_all(console, _lines(found[found["table"] == count.table], wrapped=wrapped))
    others = found[~found["table"].isin([count.table for count in accounting])]
    if len(others):
        _say(console, "\nnot configured", "bold")
        _say_all(console, _lines(others.assign(column=others["table"]), wrapped=wrapped))
    _say(console, "\ngates", "bold")
    _say_all(console, _of_gates(gates, wrapped=wrapped))
    _say(console, "\n" + _verdict(found, gates), "bold")


def _verdict(found: pd.DataFrame, gates: Sequence[Gate]) -> str:
    """How many findings there are of each severity, and whether the gates are passed."""
    counts = {name: int((found["severity"] == name).sum()) for name in ("error", "warning", "note")}
    told = ", ".join(f"{n:,} {name}{'' if n == 1 else 's'}" for name, n in counts.items())
    refused = [gate.name for gate in gates if not gate.passed]
    return f"{told}. " + (f"Refused: {', '.join(refused)}." if refused else f"All {len(gates)} gates are passed.")


def _of_gates(gates: Sequence[Gate], *, wrapped: bool) -> Iterator[tuple[str, str]]:
    for gate in gates:
        answer, style = ("passed", "") if gate.passed else ("REFUSED", "bold red")
        yield style, f"  {answer:<8} {gate.name:<32} needed {gate.needed:<16} found {gate.found}"
        if not gate.passed:
            yield from (("", line) for line in _wrapped(gate.refusal, 11, wrapped=wrapped))


def _say_all(console: Console, lines: Iterator[tuple[str, str]]) -> None:
    for style, line in lines:
        _say(console, line, style)


def _say(console: Console, text: str, style: str) -> None:
    from rich.text import Text  # noqa: PLC0415

    console.print(Text(text, style=style))


def _heading(count: Accounting) -> str:
    left = sum(count.left_out.values())
    return (
        f"{count.table}: {count.rows_in:,} rows read, {count.accepted:,} used, {count.duplicates:,} duplicates, "
        f"{count.quarantined:,} refused" + (f", {left:,} left out" if left else "")
    )


def _lines(found: pd.DataFrame, *, wrapped: bool) -> Iterator[tuple[str, str]]:
    """The findings of a table; columns without any in one line."""
    for row in found[found["severity"] != "ok"].itertuples():
        head = f"  {row.severity:<8} {row.column:<14} "
        told = f"{str(row.finding)[:1].upper()}{str(row.finding)[1:]}. {row.advice}"
        first, *rest = _wrapped(told, len(head), wrapped=wrapped)
        yield STYLES[str(row.severity)], head + first.lstrip()
        yield from (("", line) for line in rest)
    odd = set(found.loc[found["severity"] != "ok", "column"])
    fine = [c for c in dict.fromkeys(found.loc[found["severity"] == "ok", "column"]) if c not in odd]
    if fine:
        first, *rest = _wrapped(", ".join(fine), 11, wrapped=wrapped)
        yield STYLES["ok"], f"  ok       {first.lstrip()}"
        yield from (("", line) for line in rest)


def _wrapped(text: str, indent: int, *, wrapped: bool) -> list[str]:
    """The text in lines of at most 100 columns, or in one."""
    blanks = " " * indent
    if not wrapped:
        return [blanks + text]
    return textwrap.wrap(text, WIDTH, initial_indent=blanks, subsequent_indent=blanks, break_long_words=False)
