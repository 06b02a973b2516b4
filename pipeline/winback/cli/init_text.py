"""What `winback init --from` says of a guess."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from winback.guess.config_text import Choices
    from winback.guess.guess import Guess, Question
    from winback.guess.trial import Trial

MOST = 44  # characters of three values that are shown
PLACES = {"\t": "tab"}


def show(found: Guess) -> None:
    """The columns with what each is taken for, what follows from the rows, and what is not read."""
    glance, source = found.glance, found.glance.source
    files = f"{glance.files:,} files" if glance.files > 1 else "1 file"
    form = f"delimiter {PLACES.get(source.delimiter, source.delimiter)!r}, {source.encoding}" if _is_text(found) else ""
    click.echo(
        f"{source.path}: {files}, {glance.rows:,} rows, {len(glance.columns)} columns" + (f"; {form}" if form else "")
    )
    for odd in glance.odd:
        click.echo(f"  {odd}")
    click.echo("\nTaken for")
    _table([(role.role, role.column, role.sure, _samples(role.samples), role.why) for role in found.roles])
    others = [f"{role.role}: {', '.join(role.others)}" for role in found.roles if role.others]
    _list("It could also be", others)
    _list("What follows", found.told)
    _list("Not read", [f"{name or '(no name)'}: {why}" for name, why in found.unread])


def _is_text(found: Guess) -> bool:
    return all(column.kind == "VARCHAR" for column in found.glance.columns)


def _samples(samples: Sequence[str]) -> str:
    return textwrap.shorten(", ".join(samples), MOST, placeholder=" ...")


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as they need to be; the last one is free."""
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        parts = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  " + "  ".join([*parts, row[4]]))


def _list(title: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
    for line in lines:
        click.echo(f"  {line}")


def open_questions(questions: Sequence[Question]) -> str:
    """The sentence for somebody who cannot be asked: what is open, and the options that decide it."""
    told = ["the file does not decide this, and nothing was written:"]
    for question in questions:
        told.append(f"  {question.asked}")
        told += [f"    {_option(question, answer):<40} {meaning}" for answer, meaning in question.answers]
    return "\n".join([*told, "Run again with one of these options."])


def _option(question: Question, answer: str) -> str:
    """How an answer is given on the command line."""
    if question.option.startswith("--column"):
        return f"--column {shlex.quote(f'{question.about}={answer}')}"
    return f"{question.option} {shlex.quote(answer)}"


def ask(question: Question) -> str:
    """The answer that somebody chose."""
    click.echo(f"\n{question.asked}")
    for number, (answer, meaning) in enumerate(question.answers, start=1):
        click.echo(f"  {number}  {answer}: {meaning}")
    chosen = click.prompt("Which", type=click.IntRange(1, len(question.answers)))
    return question.answers[chosen - 1][0]


def own_zone() -> str:
    """The zone of this machine, as a first answer; UTC where it does not tell."""
    place = os.path.realpath("/etc/localtime")
    return os.environ.get("TZ") or (place.partition("zoneinfo/")[2] if "zoneinfo/" in place else "") or "UTC"


def show_trial(trial: Trial, choices: Choices) -> None:
    """What reading the whole file so came to, and the horizon it speaks for."""
    count = trial.accounting
    left = sum(count.left_out.values())
    click.echo(
        f"\nRead so: {count.rows_in:,} rows, {count.accepted:,} used, {count.duplicates:,} duplicates, "
        f"{left:,} left out, {count.quarantined:,} refused"
    )
    for reason, rows, first in trial.refused[:5]:
        click.echo(f"  {rows:,} {reason}, first in {first}")
    if trial.newest:
        span = f"{trial.first} to {trial.newest} ({choices.zone})"
        click.echo(f"Orders of {trial.customers:,} customers, {span}, in {choices.currency}")
    click.echo(
        f"\nGone = no order for {choices.horizon_days} days, asked about those who ordered in {choices.active_days}"
    )
    why = trial.choice.reason if trial.choice else "The log is too short to tell of any; this is a start."
    click.echo(textwrap.fill(why, 100, initial_indent="  ", subsequent_indent="  "))
    if refused := [gate.refusal for gate in trial.gates if not gate.passed]:
        _list("A run would be refused today", refused)


def show_next(folder: Path, trial: Trial, kept_elsewhere: bool) -> None:
    """What was written, and the commands to go on with."""
    config = "" if folder == Path() else f" --config {shlex.quote(str(folder / 'winback.toml'))}"
    day = (trial.newest or dt.date(1970, 1, 1)) + dt.timedelta(days=1)
    click.echo(f"\nWritten: {folder / 'winback.toml'}, {folder / 'actions.toml'}")
    if not kept_elsewhere:
        click.echo("Nobody will be contacted yet: see [consent] in it.")
    click.echo(f"\nNext:\n  winback check{config} --date {day}\n  winback run{config} --date {day}")
