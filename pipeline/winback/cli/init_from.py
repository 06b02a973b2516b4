"""winback init --from: look at a file of orders, guess, ask, try it, write the configuration."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import os
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli import init_text
from winback.cli.kept_out import keep_out
from winback.errors import ConfigError

if TYPE_CHECKING:
    from winback.guess.config_text import Choices
    from winback.guess.guess import Guess, Question, Told
    from winback.guess.trial import Trial

FILE = "winback.toml"


def lay_down(orders: str, folder: Path, flags: tuple[bool, bool], told: Mapping[str, Any]) -> None:
    """Write a project for a file of orders; `flags`: no questions, and consent is kept elsewhere."""
    from winback.guess.config_text import config_text  # noqa: PLC0415
    from winback.guess.guess import Told  # noqa: PLC0415

    yes, kept_elsewhere = flags
    if (folder / FILE).exists():
        raise ConfigError(f"{folder / FILE} exists already; nothing was written. Name another folder, or move it away.")
    asks = on_terminal() and not yes
    now = dt.datetime.now(dt.UTC)
    said = Told(**{**told, "columns": dict(told["columns"])})
    found, said = _answered((orders, _seen_from(folder, orders)), now.date(), said, asks)
    choices, trial = _tried(found, orders, (said, kept_elsewhere), now)
    init_text.show_trial(trial, choices)
    text = config_text(found, choices, now.date())
    if not (yes or (asks and click.confirm(f"\nWrite {folder / FILE}?", default=True))):
        _only_shown(text, folder, asks)
        return
    _write(text, folder)
    init_text.show_next(folder, trial, kept_elsewhere)


def on_terminal() -> bool:
    """Whether somebody is there to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answered(paths: tuple[str, str], today: dt.date, said: Told, asks: bool) -> tuple[Guess, Told]:
    """The guess, shown, with every open question answered; ConfigError where nobody is there to answer.

    `paths`: of the orders as they are seen from here, and as the configuration will write it.
    """
    from winback.guess.glance import look  # noqa: PLC0415
    from winback.guess.guess import guess  # noqa: PLC0415

    here, written = paths
    glance = look(here, Path())
    glance = replace(glance, source=replace(glance.source, path=written))
    found = guess(glance, today, said)
    init_text.show(found)
    if found.open and not asks:
        raise ConfigError(init_text.open_questions(found.open))
    while found.open:
        said = _with(said, found.open[0], init_text.ask(found.open[0]))
        found = guess(glance, today, said)
    if asks and found.timed and not found.offset and said.zone is None:
        zone = click.prompt("Which time zone are the stamps written in?", default=init_text.own_zone())
        said = replace(said, zone=zone)
    return found, said


def _with(said: Told, question: Question, answer: str) -> Told:
    """What was said, with one more answer."""
    if question.option == "--date-format":
        return replace(said, date_format=answer)
    if question.option == "--number-format":
        return replace(said, number_format=answer)
    return replace(said, columns={**said.columns, question.about: answer})


def _tried(found: Guess, orders: str, about: tuple[Told, bool], now: dt.datetime) -> tuple[Choices, Trial]:
    """The guess read in full, and what the project should ask by it."""
    from winback import config  # noqa: PLC0415
    from winback.guess.config_text import Choices, config_text  # noqa: PLC0415
    from winback.guess.trial import FALLBACK, tried  # noqa: PLC0415
    from winback.toml_files import parse  # noqa: PLC0415

    said, kept_elsewhere = about
    choices = Choices(said.zone or "UTC", found.currency or "USD", FALLBACK, "", kept_elsewhere=kept_elsewhere)
    written = tomllib.loads(config_text(found, choices, now.date()))
    trial = tried(parse(config.Config, written, FILE), orders, now)
    why = (
        "winback windows shows the evidence"
        if trial.choice and trial.choice.window_days
        else "a start: too little told"
    )
    return replace(choices, horizon_days=trial.horizon_days, active_days=trial.active_days, why_horizon=why), trial


def _only_shown(text: str, folder: Path, asks: bool) -> None:
    click.echo(f"\n--- {folder / FILE} would be:\n\n{text}")
    click.echo("Nothing was written." + ("" if asks else " There is no terminal to ask on; --yes writes it."))


def _write(text: str, folder: Path) -> None:
    """The configuration, the actions to choose from, and what git must not see."""
    folder.mkdir(parents=True, exist_ok=True)
    actions = Path(str(importlib.resources.files("winback"))) / "template" / "configs" / "actions.toml"
    if not (folder / "actions.toml").exists():
        shutil.copyfile(actions, folder / "actions.toml")
    keep_out(folder)
    (folder / FILE).write_text(text, "utf-8")


def _seen_from(folder: Path, orders: str) -> str:
    """The path as the configuration in the folder writes it: relative where both are of one place."""
    place, home, root = (os.path.abspath(each) for each in (orders, folder, os.sep))  # noqa: PTH100 - may be a pattern
    near = os.path.commonpath([place, home]) != root
    return Path(os.path.relpath(place, home)).as_posix() if near else Path(place).as_posix()
