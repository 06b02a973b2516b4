"""TOML files -> frozen values. Every default lives here, in the dataclass, and nowhere else.

Paths in a file are relative to that file. Unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import field, fields
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.dataclasses import dataclass

from winback.destinations import Destinations
from winback.limits import Campaigns, Consent, DataGates, Monitor, Publish, Retention, Stages, Training
from winback.toml_files import STRICT, parse, read_toml

Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0)]
Days = Annotated[int, Field(ge=1, le=3650)]
Count = Annotated[int, Field(ge=0)]
ContactChannel = Literal["email", "sms", "push", "post", "call", "app", "store"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}; write one such as 'Europe/Berlin'") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


def _one_of_four(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """One fault for a column written in none of the ways, where a union would give one a way."""
    try:
        return read(value)
    except ValidationError as error:
        raise ValueError(
            'write a source column, a list of source columns to be added up, { product = ["a", "b"] } '
            'or { value = "..." }'
        ) from error


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# The columns of a file are known without the blanks around their names.
Name = Annotated[str, AfterValidator(str.strip)]
Constant = dict[Literal["value"], Name]
Product = dict[Literal["product"], tuple[Name | float, ...]]
Column = Annotated[Name | tuple[Name, ...] | Constant | Product, WrapValidator(_one_of_four)]
Words = Annotated[tuple[Name, ...], BeforeValidator(_as_list)]


@dataclass(frozen=True, config=STRICT)
class Rule:
    """What becomes of the rows in which `column` is as one of the other keys says.

    `column`: one of the source, as the file calls it. `then`: with leave_out such rows are counted by rule and used
    nowhere; with return they are goods that came back, so their amount counts below zero. `equals`: one of these
    words. `other_than`: none of these words, or nothing. `starts_with`: with one of these. `below`: a number
    below it. `missing`: nothing is in the column.
    """

    column: Name
    then: Literal["leave_out", "return"]
    equals: Words = ()
    other_than: Words = ()
    starts_with: Words = ()
    below: float | None = None
    missing: bool = False

    def __post_init__(self) -> None:
        """Exactly one condition is given."""
        if sum(map(bool, (self.equals, self.other_than, self.starts_with, self.below is not None, self.missing))) != 1:
            raise ValueError("give exactly one of equals, other_than, starts_with, below and missing = true")


@dataclass(frozen=True, config=STRICT)
class Lookup:
    """A second file joined to a source: its columns become columns of the source's rows.

    `path`, `on`: each row of the source takes the first row of that file with the same value in this column; no
    row is dropped. `columns`: what is taken of it (empty: all).
    """

    path: str
    on: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Source:
    """Where one table comes from and how its columns are called there.

    `path`: a file, a folder, a pattern, or a place in an object store; else `url` of a database (in
    `url_env` the name of an environment variable that holds it) with a `table` or a `query` of it.
    `columns` maps a contract's column to a source column, to a list of source columns to be added up, to `{ product
    = [...] }` of columns and numbers, or to `{ value = "..." }` for a constant. `format`: of the files; auto goes
    by their names. `grain`: line where the rows of one order_id are one order. `delimiter`, `encoding`: of
    delimited text. `quoted_newlines`: quoted fields of delimited text may span lines. `max_expansion`: a packed
    file may come to this many times its size. `max_decoded_gb`: the most any file may come to. `date_format`: of
    dates, such as "%d.%m.%Y" (none: ISO 8601). `number_format`: 1234.56 as the file writes it. `time_zone`: of
    times without an offset (none: the project's). `lookups`: files joined to it. `duplicates`: whether a row equal
    in every mapped column to an earlier one is dropped. `max_bad_share`: more rows refused than this stop the run.
    `rules`: what becomes of some rows. `values` translates the source's words: `values = { status = { "declined" =
    "failed" } }`.
    `mended` names files with the quarantine's columns whose edited rows stand for the refused ones.
    """

    path: str = ""
    columns: dict[str, Column]
    format: Literal["auto", "csv", "parquet", "jsonl"] = "auto"
    grain: Literal["row", "line"] = "row"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    quoted_newlines: bool = False
    max_expansion: Annotated[int, Field(ge=1)] = 200
    max_decoded_gb: Annotated[float, Field(gt=0)] = 64.0
    url: str | None = field(default=None, repr=False)
    url_env: str | None = None
    table: Name | tuple[str, ...] | None = None
    query: str | None = None
    date_format: str | None = None
    number_format: str | None = None
    time_zone: Zone | None = None
    lookups: tuple[Lookup, ...] = ()
    duplicates: Literal["drop", "keep"] = "drop"
    max_bad_share: Share = 0.01
    rules: tuple[Rule, ...] = ()
    values: dict[str, dict[Name, str]] = field(default_factory=dict)
    mended: Words = ()

    def __post_init__(self) -> None:
        """The rows come from one place."""
        if (bool(self.path), self.url is not None, self.url_env is not None).count(True) != 1:
            raise ValueError("give exactly one of path, url and url_env")
        asked = (self.table is not None, self.query is not None).count(True)
        if asked != (0 if self.path else 1):
            raise ValueError("a database is read by url or url_env with either table or query, a path with neither")


@dataclass(frozen=True, config=STRICT)
class Sources:
    """The tables at hand; `orders` or `subscriptions` is required."""

    orders: Source | None = None
    events: Source | None = None
    contacts: Source | None = None
    tickets: Source | None = None
    surveys: Source | None = None
    subscriptions: Source | None = None
    payments: Source | None = None
    customers: Source | None = None
    consents: Source | None = None
    suppressions: Source | None = None
    outcomes: Source | None = None

    def __post_init__(self) -> None:
        """A project without a table that tells who stayed has no question to ask."""
        if self.orders is None and self.subscriptions is None:
            raise ValueError(
                "give [sources.orders] or [sources.subscriptions]; the other tables come beside one of them"
            )

    def given(self) -> dict[str, Source]:
        """The sources that are configured, by table name."""
        return {f.name: source for f in fields(self) if (source := getattr(self, f.name)) is not None}


@dataclass(frozen=True, config=STRICT)
class Project:
    """Where winback keeps what it owns, the business's clock and currency, and the language of the reasons.

    `state`, `runs`: the folders. `time_zone`: in which a day begins. `currency`: of all money, as ISO 4217 writes
    it. `language`: of reasons, actions and lists.
    """

    state: str = "state"
    runs: str = "runs"
    time_zone: Zone = "UTC"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    language: Literal["en", "ru", "zh"] = "en"


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
    may be (none: no limit). `min_net_gain`: an action must be expected to gain more than this. `cooldown_days`:
    since a customer's last contact, of any kind. `max_contacts`: most contacts of one customer in `per_days` days; by
    channel in `channel_max_contacts`. `channel_capacity`: most customers of one run by channel. `monetary_edge`: by
    what share an action that gives money must gain more than the best that gives none. `max_monetary_per_year`: most
    actions that give money to one customer in 365 days. `explore_cost`: the share of the expected net gain that
    may be given up to try what is not yet known to be best, once results of campaigns are known. `holdout_share`: of
    all customers, in no campaign ever, to measure by. `holdout_key`: another key holds out other customers.
    """

    catalogue: str = "actions"
    at_risk_probability: Share = 0.5
    margin_rate: Share = 0.3
    value_days: Days = 180
    budget: Money | None = None
    min_net_gain: Money = 0.0
    cooldown_days: Annotated[int, Field(ge=0)] = 14
    max_contacts: Count | None = None
    per_days: Days = 30
    channel_max_contacts: dict[ContactChannel, Count] = field(default_factory=dict)
    channel_capacity: dict[ContactChannel, Count] = field(default_factory=dict)
    monetary_edge: Share = 0.1
    max_monetary_per_year: Count | None = 3
    explore_cost: Share = 0.02
    holdout_share: Share = 0.1
    holdout_key: Annotated[str, Field(min_length=8)] = "winback hold-out 1"


@dataclass(frozen=True, config=STRICT)
class ModelChoice:
    """Which spec is trained, and what of it is changed.

    `spec`: a file, or a bare name for one that comes with winback. `horizon_days`, `active_days`: in place of the
    spec's own: how long a silence is "gone", and who is asked about.
    """

    spec: str = "inactivity"
    horizon_days: Days | None = None
    active_days: Days | None = None


@dataclass(frozen=True, config=STRICT)
class OwnFeatures:
    """Features the project declares itself, beside those that come with winback: `files` of [[feature]]."""

    files: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT)
class Config:
    """A project: sources, the question asked of them, and how its answers are used."""

    sources: Sources
    project: Project = Project()
    model: ModelChoice = ModelChoice()
    cutoffs: Cutoffs = Cutoffs()
    offers: Offers = Offers()
    gates: DataGates = DataGates()
    features: OwnFeatures = OwnFeatures()
    stages: Stages = Stages()
    publish: Publish = Publish()
    monitor: Monitor = Monitor()
    campaigns: Campaigns = Campaigns()
    training: Training = Training()
    consent: Consent = Consent()
    retention: Retention = Retention()
    destinations: Destinations = Destinations()

    def __post_init__(self) -> None:
        """Consent is kept in one place."""
        if self.consent.kept_elsewhere and self.sources.consents is not None:
            raise ValueError("[consent] kept_elsewhere = true contradicts [sources.consents]; leave one of them out")


def load(path: Path) -> Config:
    """The project that `path` describes."""
    return parse(Config, read_toml(path), str(path))
