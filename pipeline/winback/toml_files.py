"""TOML files -> checked values; what is wrong is said with the nearest known word.

Paths in a file are relative to that file. Unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import difflib
import importlib.resources
import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs

from winback.errors import ConfigError

T = TypeVar("T")
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of one TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"no file {path}. `winback init DIR` lays down a project with one to start from.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def shipped(folder: str, name: str, base: Path) -> Path:
    """The file `name` beside the config, or, for a bare name, the one of `folder` that comes with winback."""
    if name.endswith(".toml"):
        return base / name
    ours = Path(str(importlib.resources.files("winback"))) / "template" / folder
    known = [path.stem for path in ours.glob("*.toml")]
    if name not in known:
        raise ConfigError(
            f"no file of {folder} that comes with winback is called {name!r}.{did_you_mean(name, known)} "
            "A file of your own is named with its ending, '.toml'."
        )
    return ours / f"{name}.toml"


def parse(cls: type[T], values: dict[str, Any], where: str) -> T:
    """`values` as a `cls`; every fault is named in one ConfigError, with the nearest known key."""
    try:
        return TypeAdapter(cls).validate_python(values)
    except ValidationError as error:
        faults = "\n".join(f"  {_fault(cls, e)}" for e in error.errors(include_url=False))
        raise ConfigError(f"{where} cannot be used:\n{faults}") from error


def _fault(cls: type, error: Any) -> str:
    """One line for one of pydantic's errors."""
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{place}: unknown key.{did_you_mean(str(error['loc'][-1]), _keys_at(cls, error['loc'][:-1]))}"
    if error["type"] in ("missing", "missing_argument"):
        return f"{place}: is required"
    message = str(error["msg"]).removeprefix("Value error, ")
    if not place:  # about the file as a whole: what came is all of it
        return message
    came = without_password(repr(error["input"]))
    if isinstance(error["input"], dict | ArgsKwargs) and len(came) > 60:
        return f"{place}: {message}"
    return f"{place}: {message} (came: {came})"


def without_password(text: str) -> str:
    """A text with the secret part of every URL in it left out."""
    return re.sub(r"(?<=://)[^/@\s]*:.*@", "***@", text)


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint to the nearest of `known`, or the whole list when none is near."""
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(known))}."


def _keys_at(cls: type, place: tuple[int | str, ...]) -> list[str]:
    """The keys a dataclass knows at `place` below `cls`."""
    for part in place:
        if isinstance(part, str) and is_dataclass(cls):
            cls = _dataclass_in(get_type_hints(cls).get(part, cls))
    return [f.name for f in fields(cls)] if is_dataclass(cls) else []


def _dataclass_in(annotation: Any) -> type:
    """The dataclass that an annotation is or holds, as `Source | None` and `tuple[Lookup, ...]` do."""
    inside = (annotation, *get_args(annotation))
    return next((part for part in inside if isinstance(part, type) and is_dataclass(part)), object)
