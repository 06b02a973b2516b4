"""The whole guess of a file of orders: what the configuration would say of it, why, and what is left open."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from winback.errors import ConfigError
from winback.guess.glance import Glance
from winback.guess.header_words import meanings
from winback.guess.order_rows import Grain, grain_of, rules_of
from winback.guess.roles import NEEDED, ROLES, Look, Role, looks_of, roles_of
from winback.toml_files import did_you_mean

# What an order cannot do without comes first.
SHOWN = (*NEEDED, *(role for role in ROLES if role not in NEEDED))


@dataclass(frozen=True)
class Told:
    """What a person said, which is not guessed: columns by role, how dates and numbers are written, the currency."""

    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str | None = None
    number_format: str | None = None
    currency: str | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Question:
    """Something the file does not decide: what is asked, the possible answers, and the option that gives one."""

    about: str
    asked: str
    answers: tuple[tuple[str, str], ...]
    option: str


@dataclass(frozen=True)
class Guess:
    """What a file of orders seems to hold.

    `settings`: of [sources.orders], as they are written there; `currency`, "" where nothing tells it; `roles` in
    order; `told`: what follows from the rows, sentences; `open`: what has to be asked; `unread`: the columns that
    are not used, with why.
    """

    glance: Glance
    settings: Mapping[str, Any]
    currency: str
    roles: tuple[Role, ...]
    told: tuple[str, ...]
    open: tuple[Question, ...]
    unread: tuple[tuple[str, str], ...]
    timed: bool
    offset: bool


def guess(glance: Glance, today: dt.date, told: Told | None = None) -> Guess:
    """The guess from a first look; ConfigError where a column that is needed cannot be found at all."""
    told = told or Told()
    _refuse_unknown(glance, told)
    looks = {look.column.name: look for look in looks_of(glance.columns, glance.rows, today)}
    roles = roles_of(list(looks.values()), told.columns)
    roles, amount, says = _amount(looks, roles, told)
    _refuse_lacking(glance, roles, amount)
    grain = grain_of(looks, roles)
    roles = {role: each for role, each in roles.items() if role not in grain.without}
    rules, why = rules_of(looks, roles)
    when = looks[roles["ordered_at"].column].dates
    questions = [*_open_dates(roles, when, told), *_open_numbers(looks, amount, told), *_open_roles(roles, glance)]
    settings = _settings(glance, roles, (amount, grain, [*rules, *_new(grain.rules, rules)]), (looks, told))
    currency, of_currency = _currency((looks, amount), roles, told)
    sentences = (f"a row is {'an order' if grain.grain == 'row' else 'a line of an order'}: {grain.why}", *says, *why)
    shown = tuple(roles[role] for role in SHOWN if role in roles)
    unread = tuple(_unread(glance, looks, settings))
    return Guess(
        glance, settings, currency, shown, (*sentences, *of_currency), tuple(questions), unread, when.timed, when.offset
    )


def _new(rules: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [rule for rule in rules if rule not in known]


def _refuse_unknown(glance: Glance, told: Told) -> None:
    """ConfigError for a column that was named and is not there."""
    names = [column.name for column in glance.columns]
    for role, name in told.columns.items():
        if role not in ROLES:
            raise ConfigError(f"--column {role}={name}: no such column of orders.{did_you_mean(role, list(ROLES))}")
        if name not in names:
            raise ConfigError(f"--column {role}={name}: the file has no such column.{did_you_mean(name, names)}")


def _refuse_lacking(glance: Glance, roles: Mapping[str, Role], amount: object) -> None:
    """ConfigError where an order's customer, moment or amount is in no column."""
    lacking = [role for role in NEEDED if role not in roles and not (role == "amount" and amount)]
    if lacking:
        names = ", ".join(repr(column.name) for column in glance.columns)
        raise ConfigError(
            f"no column of {glance.source.path} looks like {' or '.join(lacking)}. It has {names}. "
            f"Name it: --column {lacking[0]}='{glance.columns[0].name}'"
        )


def _open_numbers(looks: Mapping[str, Look], amount: Any, told: Told) -> list[Question]:
    """Asked where a sign between digits may part decimals or thousands."""
    column = looks[_money(amount)]
    if told.number_format is not None or not column.numbers.open:
        return []
    sample = next((v for v in column.column.values if "," in v or "." in v), "")
    answers = tuple((form or "1234.56", f"{sample!r} is {_read(sample, form)}") for form in column.numbers.formats)
    return [Question("numbers", f"{column.column.name}: {column.numbers.why}", answers, "--number-format")]


def _money(amount: Any) -> str:
    """The column that tells the money of an amount."""
    return str(amount["product"][1] if isinstance(amount, dict) else amount)


def _read(sample: str, form: str) -> str:
    """What a text of digits and one sign is worth in one of two writings."""
    grouped = form in ("1,234.56", "1.234,56")
    return sample.replace(",", "").replace(".", "") if grouped else sample.replace(",", ".")


def _amount(looks: Mapping[str, Look], roles: Mapping[str, Role], told: Told) -> tuple[dict[str, Role], Any, list[str]]:
    """What is mapped as the amount: a column, or price times pieces where no column adds them up."""
    roles = dict(roles)
    price, pieces, amount = roles.get("price"), roles.get("quantity"), roles.get("amount")
    weak = amount is None or (amount.sure == "unsure" and "amount" not in told.columns)
    if price and weak:
        roles.pop("amount", None)
        if pieces:
            why = f"the amount of a row is {pieces.column} x {price.column}"
            return roles, {"product": [pieces.column, price.column]}, [why]
        roles["amount"] = price
        return roles, price.column, [f"no column tells pieces, so {price.column} is taken as what a row cost"]
    if amount and price and pieces:
        return roles, amount.column, _compared(looks, (amount, price, pieces))
    return roles, amount.column if amount else None, []


def _compared(looks: Mapping[str, Look], three: tuple[Role, Role, Role]) -> list[str]:
    """Whether a total is price times pieces, where all three are plain."""
    columns = [looks[role.column].column.spread for role in three]
    rows = [row for row in zip(*columns, strict=True) if None not in row]
    try:
        equal = sum(abs(float(a or 0) - float(p or 0) * float(q or 0)) < 0.015 for a, p, q in rows)
    except ValueError:
        return []
    total, price, pieces = (role.column for role in three)
    return [f"{total} equals {pieces} x {price} in {equal / max(len(rows), 1):.0%} of the rows; {total} is used"]


def _open_dates(roles: Mapping[str, Role], when: Any, told: Told) -> list[Question]:
    """Asked where day and month cannot be told apart."""
    if told.date_format is not None or not when.open:
        return []
    role = roles["ordered_at"]
    orders = {"d": "day first", "m": "month first"}
    answers = tuple((form, f"{role.samples[0]} has the {orders[form[1]]}") for form in when.formats)
    return [Question("dates", f"{role.column}: {when.why}", answers, "--date-format")]


def _open_roles(roles: Mapping[str, Role], glance: Glance) -> list[Question]:
    """Asked where a needed column was found by its values alone, and others have such values."""
    found, needed = [], [roles[name] for name in NEEDED if name in roles]
    settled = {role.column for role in needed if not role.others}
    for role in needed:
        name, others = role.role, [other for other in role.others if other not in settled | {role.column}]
        if role.sure == "unsure" and others:
            near = [role.column, *others]
            samples = {c.name: ", ".join(c.values[:3]) for c in glance.columns}
            answers = tuple((column, samples[column]) for column in near)
            found.append(Question(name, f"which column is {name}?", answers, f"--column {name}"))
    return found


def _settings(
    glance: Glance,
    roles: Mapping[str, Role],
    rows: tuple[Any, Grain, list[Any]],
    about: tuple[Mapping[str, Look], Told],
) -> dict[str, Any]:
    """The keys of [sources.orders] that differ from their defaults."""
    (amount, grain, rules), (looks, told) = rows, about
    source = glance.source
    settings: dict[str, Any] = {"path": source.path}
    plain = type(source)(path=source.path, columns={})
    for key in ("delimiter", "encoding", "quoted_newlines"):
        if getattr(source, key) != getattr(plain, key):
            settings[key] = getattr(source, key)
    if grain.grain == "line":
        settings["grain"] = "line"
    dates = looks[roles["ordered_at"].column].dates
    if form := told.date_format if told.date_format is not None else next(iter(dates.formats), ""):
        settings["date_format"] = form
    if form := _number_format(looks, amount, told):
        settings["number_format"] = form
    unmapped = ("price", "status", "amount")
    columns = {role: each.column for role, each in roles.items() if role not in unmapped}
    order = ("customer_id", "ordered_at", "amount", "order_id")
    columns["amount"] = amount
    named = {role: columns[role] for role in (*order, *columns) if role in columns}
    settings["columns"] = named
    if rules:
        settings["rules"] = rules
    return settings


def _number_format(looks: Mapping[str, Look], amount: Any, told: Told) -> str:
    """The one writing of the numbers: that of the column with the amounts."""
    if told.number_format is not None:
        return "" if told.number_format == "1234.56" else told.number_format
    return next(iter(looks[_money(amount)].numbers.formats), "")


def _currency(about: tuple[Mapping[str, Look], Any], roles: Mapping[str, Role], told: Told) -> tuple[str, list[str]]:
    """The project's currency: as told, as its column says, or as the sign beside the amounts stands for."""
    looks, amount = about
    if told.currency:
        return told.currency, []
    if "currency" in roles:
        counts = Counter(value.upper() for value in looks[roles["currency"].column].column.values)
        code, most = counts.most_common(1)[0]
        if len(counts) == 1:
            return code, []
        others = ", ".join(other for other in counts if other != code)
        rest = 1 - most / sum(counts.values())
        return code, [f"{rest:.1%} of the rows are in {others}, not in {code}: they would be refused; convert them"]
    return looks[_money(amount)].numbers.currency, []


def _unread(glance: Glance, looks: Mapping[str, Look], settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The columns that nothing uses, with why."""
    used: set[str] = {str(rule["column"]) for rule in settings.get("rules", ())}
    for value in settings["columns"].values():
        used |= set(value["product"]) if isinstance(value, dict) else {value}
    return [(c.name, _why_unread(c.name, looks)) for c in glance.columns if c.name not in used]


def _why_unread(name: str, looks: Mapping[str, Look]) -> str:
    if name not in looks:
        return "has no values" if name else "has no name"
    fits = {role: score for role, score in meanings(name).items() if score > 0.5}
    if "personal" in fits:
        return "about a person; not read"
    if looks[name].dates.epoch:
        return "counts seconds since 1970, which a run does not read"
    if fits.keys() & set(ROLES):
        best = max(fits.keys() & set(ROLES), key=lambda role: fits[role])
        return f"could be {best}, but another column or its values speak against it"
    return "not needed" if "other" in fits else "not understood"
