"""TOML files -> frozen values. Every default lives here, in the dataclass, and nowhere else.

Paths in a file are relative to that file. Unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import datetime as dt
import difflib
import importlib.resources
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.dataclasses import dataclass

from winback.errors import ConfigError

T = TypeVar("T")
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0)]
Days = Annotated[int, Field(ge=1, le=3650)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}; write one such as 'Europe/Berlin'") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


def _one_of_three(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """One fault for a column written in none of the ways, where a union would give one a way."""
    try:
        return read(value)
    except ValidationError as error:
        raise ValueError(
            'write a source column, a list of source columns to be added up, or { value = "..." }'
        ) from error


# The columns of a file are known without the blanks around their names.
Name = Annotated[str, StringConstraints(strip_whitespace=True)]
Column = Annotated[Name | tuple[Name, ...] | dict[Literal["value"], Name], WrapValidator(_one_of_three)]


@dataclass(frozen=True, config=STRICT)
class Lookup:
    """A second file joined to a source: its columns become columns of the source's rows.

    Each row of the source takes the first row of `path` with the same `on`; no row is dropped.
    """

    path: str
    on: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT)
class Source:
    """Where one table comes from and how its columns are called there.

    `columns` maps a contract's column to a source column, to a list of source columns to be
    added up, or to `{ value = "..." }` for a constant.
    """

    path: str
    columns: dict[str, Column]
    format: Literal["auto", "csv", "parquet"] = "auto"
    grain: Literal["row", "line"] = "row"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    date_format: str | None = None
    time_zone: Zone | None = None
    lookups: tuple[Lookup, ...] = ()
    duplicates: Literal["drop", "keep"] = "drop"
    max_bad_share: Share = 0.01


@dataclass(frozen=True, config=STRICT)
class Sources:
    """The tables at hand; only `orders` is required."""

    orders: Source
    events: Source | None = None
    contacts: Source | None = None

    def given(self) -> dict[str, Source]:
        """The sources that are configured, by table name."""
        return {f.name: source for f in fields(self) if (source := getattr(self, f.name)) is not None}


@dataclass(frozen=True, config=STRICT)
class Project:
    """Where winback keeps what it owns, and the business's clock and currency."""

    state: str = "state"
    runs: str = "runs"
    time_zone: Zone = "UTC"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"


@dataclass(frozen=True, config=STRICT)
class Cutoffs:
    """The dates the past is looked at from, to learn and to be examined.

    `every` steps through the training cutoffs from `first` (else from as early as the history
    allows); `holdout` are the dates kept for the examination (else the last `holdouts` dates whose
    label window is closed). Training stops one horizon before the first of them.
    """

    first: dt.date | None = None
    every: Literal["month", "week"] = "month"
    holdout: tuple[dt.date, ...] = ()
    holdouts: Annotated[int, Field(ge=1, le=12)] = 1


@dataclass(frozen=True, config=STRICT)
class Offers:
    """How actions are chosen. Money is in the project's currency.

    `catalogue`: a file, or a bare name for one that comes with winback.
    `at_risk_probability`: who is on the list. `margin_rate`: share of sales that is margin.
    `value_days`: how long a kept customer is counted. `budget`: most the expected cost of one run
    may be (none: no limit).
    """

    catalogue: str = "actions"
    at_risk_probability: Share = 0.5
    margin_rate: Share = 0.3
    value_days: Days = 180
    budget: Money | None = None
    min_net_gain: Money = 0.0
    cooldown_days: Annotated[int, Field(ge=0)] = 14
    holdout_share: Share = 0.1
    holdout_key: Annotated[str, Field(min_length=8)] = "winback hold-out 1"


@dataclass(frozen=True, config=STRICT)
class ModelChoice:
    """Which spec is trained (a file, or a bare name for one that comes with winback), and what of it is changed."""

    spec: str = "inactivity"
    horizon_days: Days | None = None
    active_days: Days | None = None


@dataclass(frozen=True, config=STRICT)
class Config:
    """A project: sources, the question asked of them, and how its answers are used."""

    sources: Sources
    project: Project = Project()
    model: ModelChoice = ModelChoice()
    cutoffs: Cutoffs = Cutoffs()
    offers: Offers = Offers()


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


def load(path: Path) -> Config:
    """The project that `path` describes."""
    return parse(Config, read_toml(path), str(path))


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
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (came: {error['input']!r})"


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
