"""A project's configuration with comments, from a guess."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from winback.guess.guess import Guess


@dataclass(frozen=True)
class Choices:
    """What a project says beside its source: the clock, the currency, the question, and who asks for consent."""

    zone: str
    currency: str
    horizon_days: int
    why_horizon: str
    active_days: int | None = None
    kept_elsewhere: bool = False


def config_text(found: Guess, choices: Choices, made_on: dt.date) -> str:
    """The text of winback.toml."""
    parts = [
        _head(found, made_on),
        _project(found, choices),
        _source(found),
        _model(choices),
        _offers(),
        _consent(choices),
    ]
    return "\n".join(parts)


def _head(found: Guess, made_on: dt.date) -> str:
    return (
        f"# Made by `winback init --from` on {made_on} "
        f"from {found.glance.rows:,} rows. Paths are relative to this file.\n"
        "# Every key is explained in docs/ of winback; a key that is not known is refused with the nearest one.\n"
    )


def _project(found: Guess, choices: Choices) -> str:
    zone = (
        "stamps tell their offset; this is the zone a day begins in"
        if found.offset
        else ("stamps without an offset are read in this zone" if found.timed else "there are days only, no times")
    )
    known = "as the file tells" if found.currency == choices.currency else "not told by the file: correct it"
    return (
        "[project]\n"
        f"time_zone = {_value(choices.zone):<20} # whose midnights begin a day; {zone}\n"
        f"currency = {_value(choices.currency):<21} # {known}\n"
    )


def _source(found: Guess) -> str:
    """[sources.orders], a key a line, the guessed columns with what the file calls them and why."""
    lines = ["[sources.orders]"]
    settings = dict(found.settings)
    columns, rules = settings.pop("columns"), settings.pop("rules", ())
    lines += [f"{key} = {_value(value)}" for key, value in settings.items()]
    if rules:
        lines.append("# What a rule leaves out is counted by rule and used nowhere.")
        lines += ["rules = [", *(f"    {_value(rule)}," for rule in rules), "]"]
    if found.unread:
        lines.append("# Not read: " + ", ".join(name or "(no name)" for name, _ in found.unread))
    lines += ["", "[sources.orders.columns]        # winback's name = the file's name"]
    why = {role.role: role.why for role in found.roles}
    lines += [_commented(f"{name} = {_value(column)}", why.get(name, "")) for name, column in columns.items()]
    return "\n".join(lines) + "\n"


def _commented(line: str, why: str) -> str:
    return f"{line:<32}# {' '.join(why.split())}" if why else line


def _model(choices: Choices) -> str:
    active = f"active_days = {choices.active_days}" if choices.active_days else "# active_days = 180"
    return (
        "[model]\n"
        f"horizon_days = {choices.horizon_days:<15} # gone = no order for so many days; {choices.why_horizon}\n"
        f"{active:<30} # ask only about those who ordered in so many days; absent: about everybody\n"
    )


def _offers() -> str:
    return (
        "[offers]\n"
        'catalogue = "actions.toml"     # what can be done and what it costs: put in your own numbers\n'
        "at_risk_probability = 0.5      # who is on the list\n"
        "margin_rate = 0.3              # share of sales that is margin: your books know it\n"
        "# budget = 500.0               # most that one run's actions may be expected to cost\n"
        "holdout_share = 0.1            # never contacted, so that the effect can be measured\n"
    )


def _consent(choices: Choices) -> str:
    line = "kept_elsewhere = true" if choices.kept_elsewhere else "# kept_elsewhere = true"
    return (
        "[consent]                      # unknown is no: without consents nobody is contacted (docs/consent.md)\n"
        f"{line:<30} # the tool that sends asks for consent itself\n"
    )


def _value(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inside = ", ".join(
            f"{key if key.isidentifier() and key.isascii() else _text(key)} = {_value(each)}"
            for key, each in value.items()
        )
        return f"{{ {inside} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the sign that JSON may leave as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
