"""Write the pages of docs/reference/, which are made of the code and of nothing else: python docs/generate.py

`tests/test_reference.py` refuses pages that are not what this program writes.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click
from pydantic.fields import FieldInfo

from winback import errors
from winback.cli import cli
from winback.config import Config
from winback.facts.features.declared import builtin
from winback.facts.intake.contracts import REASONS
from winback.offers.action import Action
from winback.risk.asking.specs import Spec
from winback.toml_files import _dataclass_in

DOCS = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py from the code; do not edit. -->"
ENDINGS = {
    "_days": "days",
    "_nights": "nights",
    "_per_year": "times a year",
    "_repeats": "times a year",
    "_gb": "GB",
    "_cost": "money",
    "_gain": "money",
    "_index": "index",
    "_factor": "times",
    "_ratio": "times",
    "_expansion": "times",
    "_rate": "share",
    "_rate_strength": "customers",
    "_capacity": "customers",
    "capacity": "customers",
    "_customers": "customers",
    "_churned": "customers",
    "budget": "money",
    "_positives": "customers",
    "_negatives": "customers",
    "rows_per_file": "rows",
    "holdouts": "dates",
    "_contacts": "contacts",
    "_gaps": "gaps",
    "_features": "features",
    "_auc_gain": "AUC",
    "trials": "trials",
    "n_models": "models",
    "learning_rate": "factor",
    "max_iter": "trees",
    "_leaf_nodes": "leaves",
    "_samples_leaf": "rows",
    "l2_regularization": "penalty",
    "max_features": "share",
    "random_state": "seed",
    "at_least": "as it counts",
    "below": "as it counts",
    "equals": "as it counts",
}


def pages() -> dict[str, str]:
    """The text of each page of docs/reference/, by file name."""
    return {
        "cli.md": cli_page(),
        "config.md": config_page(),
        "features.md": features_page(),
        "tables.md": tables_page(),
        "errors.md": errors_page(),
    }


def page(title: str, intro: str, *parts: str) -> str:
    """A page with a title, what it is, and its parts."""
    return "\n\n".join([f"# {title}", MADE, intro, *parts]) + "\n"


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    """A table whose columns are named in `head`, apart by bars."""
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([f"| {head} |", "|" + "---|" * (head.count("|") + 1), *lines])


# Commands ------------------------------------------------------------------------------------------------


def cli_page() -> str:
    """Every verb with its arguments and options."""
    told = [verb_part(name, command) for name, command in commands(cli, ("winback",))]
    intro = (
        "Each verb and verb of a verb takes `-h` and `--help`. What ends with 0 did what was asked; "
        "[errors.md](errors.md) tells the other exit codes. Days are written 2026-03-01."
    )
    return page("Commands", intro, *told)


def commands(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with its whole name, in the order of `--help`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield " ".join((*above, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


def verb_part(name: str, command: click.Command) -> str:
    """One command: how it is called, what it does, its options."""
    usage = " ".join([name, *command.collect_usage_pieces(click.Context(command))])
    text = inspect.cleandoc(command.help or "").replace("\b\n", "").split("\f")[0]
    parts = [f"## {name}", f"`{usage}`", _with_examples(text)]
    if options := [row for each in command.params if (row := option_row(each))]:
        parts.append(table("option | value | default | what it does", options))
    return "\n\n".join(parts)


def _with_examples(text: str) -> str:
    """A command's own text; what follows `Example:` as code."""
    return re.sub(r"(?m)^(Examples?):\s*(winback .+)$", r"\1: `\2`", text)


def option_row(given: click.Parameter) -> tuple[str, ...] | None:
    """An option's names, kind of value, default and sentence; None for an argument."""
    if not isinstance(given, click.Option) or given.hidden:
        return None
    names = ", ".join(f"`{name}`" for name in (*given.opts, *given.secondary_opts))
    value = "" if given.is_flag else f"{given.make_metavar(click.Context(click.Command('x')))}"
    several = ", may be repeated" if given.multiple else ""
    return names, value + several, _default_of(given), given.help or ""


def _default_of(given: click.Option) -> str:
    if given.required:
        return "required"
    if isinstance(given.show_default, str):
        return given.show_default
    plain = isinstance(given.default, str | int | float | Path) and not isinstance(given.default, bool)
    return f"`{given.default}`" if plain else ""


# Configuration -------------------------------------------------------------------------------------------


def config_page() -> str:
    """Every key of a project's configuration, of a model's spec and of a catalogue of actions."""
    intro = (
        "Keys of `winback.toml`, then those of a model's spec (`models/*.toml`) and of an action "
        "(`configs/actions.toml`). "
        "Unknown keys are errors that name the nearest known one. Paths are relative to the file. Money is in the "
        "project's currency, shares go from 0 to 1."
    )
    parts = [*sections(Config, ""), "# A model's spec", *sections(Spec, "", "the top of the file")]
    return page("Configuration", intro, *parts, "# An action", *sections(Action, "actions", "[[actions]]"))


def sections(cls: type, place: str, title: str = "") -> Iterator[str]:
    """A part for a dataclass of settings, then one for each of those that it holds."""
    keys = [f for f in dataclasses.fields(cls) if not _held(cls, f.name)]
    if keys:
        said = inspect.getdoc(cls) or ""
        rows = [key_row(cls, key) for key in keys]
        head = "key | type | unit | default | bounds | what it is"
        yield f"## {title or f'[{place}]'}\n\n{first_sentence(said)}\n\n{table(head, rows)}"
    seen: set[type] = set()
    for f in dataclasses.fields(cls):
        inner = _held(cls, f.name)
        if inner is None or inner in seen:
            continue
        seen.add(inner)
        name = "TABLE" if cls.__name__ == "Sources" else f.name
        yield from sections(inner, f"{place}.{name}".strip("."), f"[{place}.{name}]".replace("[.", "["))


def _held(cls: type, name: str) -> type | None:
    """The dataclass that a key holds, if it is a section of its own."""
    found = _dataclass_in(get_type_hints(cls)[name])
    return found if dataclasses.is_dataclass(found) and found is not cls else None


def key_row(cls: type, key: dataclasses.Field[Any]) -> tuple[str, ...]:
    """A key's name, type, unit, default, bounds and sentence."""
    hint = get_type_hints(cls, include_extras=True)[key.name]
    return f"`{key.name}`", told_type(hint), unit(key.name, hint), default(key), bounds(hint), sentence(cls, key.name)


def told_type(hint: Any) -> str:
    """A type as people say it."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return told_type(inside[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(told_type(part) for part in inside if part is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inside)
    if origin is tuple:
        return f"list of {told_type(inside[0])}"
    if origin is dict:
        return f"table of {told_type(inside[1])}"
    names = {int: "whole number", float: "number", str: "text", bool: "true or false", Any: "any"}
    return names.get(hint, getattr(hint, "__name__", str(hint)).lower())


def unit(name: str, hint: Any) -> str:
    """What a number counts: by its bounds, where they are those of a share, else by its name's ending."""
    if not re.search(r"\b(number|whole number)\b", told_type(hint)):
        return ""
    if bounds(hint) == "0 to 1":
        return "share"
    fitting = [ending for ending in ENDINGS if name.endswith(ending)]
    return ENDINGS[max(fitting, key=len)] if fitting else ""


def default(key: dataclasses.Field[Any]) -> str:
    """A key's default as TOML has it."""
    value = key.default
    if isinstance(value, FieldInfo):
        value = value.default_factory() if value.default_factory else value.default
    if value is dataclasses.MISSING:
        value = key.default_factory() if key.default_factory is not dataclasses.MISSING else value
    if value is dataclasses.MISSING or repr(value) == "PydanticUndefined":
        return "required"
    return "none" if value is None else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(each) for each in value)}]"
    if isinstance(value, dict):
        return "{ }" if not value else str(value)
    return f'"{value}"' if isinstance(value, str) else str(value)


def bounds(hint: Any) -> str:
    """The least and the greatest value, or the pattern, that a key takes."""
    limits: dict[str, Any] = {}
    for part in _marks(hint):
        limits |= {slot: getattr(part, slot) for slot in ("ge", "gt", "le", "lt", "pattern") if hasattr(part, slot)}
    low, high = limits.get("ge"), limits.get("le")
    if limits.get("pattern"):
        return f"`{limits['pattern']}`"
    if low is not None and high is not None:
        return f"{low:,g} to {high:,g}"
    words = {"gt": "above", "ge": "from", "le": "to", "lt": "below"}
    return " ".join(f"{words[slot]} {limits[slot]:,g}" for slot in words if limits.get(slot) is not None)


def _marks(hint: Any) -> Iterator[Any]:
    """Every constraint of an annotation, inside unions too."""
    for part in getattr(hint, "__metadata__", ()):
        yield from getattr(part, "metadata", (part,))
    if get_origin(hint) in (Annotated, Union, types.UnionType):
        for part in get_args(hint):
            yield from _marks(part)


def first_sentence(text: str) -> str:
    """The first sentence of a docstring."""
    return re.split(r"(?<=[.?])\s", text.split("\n\n", maxsplit=1)[0].replace("\n", " "))[0]


def sentence(cls: type, name: str) -> str:
    """What a class's docstring says of one of its keys; empty where it says nothing."""
    text = " ".join((inspect.getdoc(cls) or "").split())
    for said in re.split(r"(?<=[.?!])\s+(?=[A-Z`])", text):
        named = re.findall(r"`([a-z][a-z0-9_.]*)`", said)
        if any(re.fullmatch(word.replace("_..._", "_[a-z_]*").replace("...", "[a-z_]*"), name) for word in named):
            plain = re.sub(r"^(`[a-z0-9_.]+`,? ?)+(\([^)]*\) ?)?: ", "", said)
            return plain[0].upper() + plain[1:]
    return ""


# Features ------------------------------------------------------------------------------------------------


def features_page() -> str:
    """Every feature that comes with winback, by driver."""
    features = builtin()
    drivers = list(dict.fromkeys(f.driver for f in features))
    intro = (
        f"The {len(features)} features that come with winback, in {len(drivers)} drivers: families that a person would "
        "name as a cause. A feature exists where the tables and columns that it needs are mapped. Windows are whole "
        "days before the cutoff; a window that was not seen whole is unknown. What each kind computes is said at the "
        "head of `pipeline/winback/facts/features/features.toml`; [how to add one](../howto/add-a-feature.md). "
        "† is for choosing what to do and never seen by a model of risk."
    )
    head = "feature | meaning | unit | kind | days | needs"
    parts = [
        f"## {driver}\n\n{table(head, [feature_row(f) for f in features if f.driver == driver])}" for driver in drivers
    ]
    return page("Features", intro, *parts)


def feature_row(f: Any) -> tuple[str, ...]:
    """A feature's name, label, unit, kind, window and sources."""
    mark = "" if f.use == "risk" else " †"
    window = "" if f.window is None else f"{f.window}" + (f", {f.lag} days earlier" if f.lag else "")
    return f"`{f.name}`{mark}", f.label, f.unit, f.kind, window, ", ".join(f"`{s}`" for s in sorted(f.sources))


# Tables --------------------------------------------------------------------------------------------------


def tables_page() -> str:
    """Every column of the files that a run and the ledgers are made of; the words are those of columns.toml."""
    intro = (
        "What winback writes: the tables of a run and the ledgers of the state folder. Moments are UTC, money is in "
        "the project's currency, chances and shares go from 0 to 1, an empty text means none. What a source is mapped "
        "onto, what ingest writes and why a row is refused stands in [data/README.md](../../data/README.md); the "
        "columns of features.parquet are those of [features.md](features.md)."
    )
    told = written()
    parts = []
    for name, entry in told["table"].items():
        rows = [(f"`{column}`", *entry["columns"][column].split(": ", 1)) for column in entry["columns"]]
        parts.append(f"## {name}\n\n`{entry['file']}`: {entry['row']}\n\n{table('column | type | meaning', rows)}")
    return page("Tables", intro, *parts)


def written() -> dict[str, Any]:
    """The tables that winback writes, as columns.toml tells them; a test compares them with those of a run."""
    return tomllib.loads((DOCS / "reference" / "columns.toml").read_text("utf-8"))


# Errors --------------------------------------------------------------------------------------------------


def errors_page() -> str:
    """Every failure that winback names, the exit codes, and the codes of refused rows."""
    named = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    rows = [
        (
            f"`{kind.__name__}`",
            str(kind.exit_code),
            (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " "),
        )
        for kind in named
    ]
    intro = (
        "Each failure is one message that says what was expected, what came, where, and what to do next. "
        "In Python they are classes of `winback.errors`, all of them a `WinbackError`."
    )
    exits = table(
        "exit code | means",
        [
            (str(errors.DONE), "done, or done already"),
            (str(errors.FAILED), "a failure, said in one message; also a check or a monitor that found something"),
            (str(errors.WRONG_OPTION), "a wrong command line"),
            (str(errors.TRY_AGAIN), "not yet: nothing has to be mended, and the same command may go through later"),
            (str(errors.BUG), "a bug, with its traceback"),
        ],
    )
    refused = (
        f"A row that cannot be read costs only itself. It goes to the quarantine with one of {len(REASONS)} codes, "
        "which [data/README.md](../../data/README.md#why-a-row-is-refused) lists with what each says."
    )
    failures = table("error | exit code | raised when", rows)
    return page(
        "Errors and exit codes",
        intro,
        f"## Exit codes\n\n{exits}",
        f"## Failures\n\n{failures}",
        f"## Refused rows\n\n{refused}",
    )


if __name__ == "__main__":
    for file, text in pages().items():
        (DOCS / "reference" / file).write_text(text, "utf-8")
