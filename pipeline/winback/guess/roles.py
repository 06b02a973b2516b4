"""Which column plays which part in an order, by its name and values, how sure that is, and what else it could be."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from winback.guess.dates import Dates, dates_of
from winback.guess.glance import Column
from winback.guess.header_words import meanings
from winback.guess.numbers import Numbers, numbers_of

NEEDED = ("customer_id", "ordered_at", "amount")
# Money and pieces before ids: what a number is called decides more than what it looks like.
ROLES = (
    *("ordered_at", "amount", "price", "quantity", "customer_id", "order_id", "product_id", "discount", "category"),
    *("channel", "currency", "is_return", "recorded_at", "status"),
)
LEAST = 0.5  # of a score, for a column to be given a part that no order needs


@dataclass(frozen=True)
class Look:
    """A column with what its values look like."""

    column: Column
    rows: int
    dates: Dates
    numbers: Numbers

    @property
    def repeated(self) -> float:
        """Rows a different value."""
        return self.column.filled / max(self.column.distinct, 1)


@dataclass(frozen=True)
class Role:
    """One guess: the column that plays a part of an order, how sure, why, what else could, and three of its values.

    "sure": a known name and fitting values; "likely": one of both is weak; "unsure": by its values alone.
    """

    role: str
    column: str
    sure: Literal["sure", "likely", "unsure", "told"]
    why: str
    others: tuple[str, ...]
    samples: tuple[str, ...]


def looks_of(columns: Sequence[Column], rows: int, today: dt.date) -> list[Look]:
    """Each column that has values, looked at."""
    return [
        Look(column, rows, dates_of(column.values, today), numbers_of(column.values))
        for column in columns
        if column.filled and column.name
    ]


def roles_of(looks: Sequence[Look], told: Mapping[str, str]) -> dict[str, Role]:
    """The guessed roles by name; `told` are columns that were named by hand."""
    scores = {(role, look.column.name): score for look in looks for role in ROLES if (score := _score(role, look)) > 0}
    by_name = {look.column.name: look for look in looks}
    found: dict[str, Role] = {}
    taken = set(told.values())
    for role, name in told.items():
        found[role] = _role(role, by_name[name], "told", scores)
    ranked = sorted(scores, key=lambda pair: (-scores[pair], ROLES.index(pair[0])))
    for role, name in ranked:
        enough = LEAST if role not in NEEDED else 0.0
        if role not in found and name not in taken and scores[role, name] >= enough:
            found[role] = _role(role, by_name[name], _sure(scores[role, name]), scores)
            taken.add(name)
    return found


def _sure(score: float) -> Literal["sure", "likely", "unsure"]:
    return "sure" if score >= 0.9 else "likely" if score >= LEAST else "unsure"


def _role(role: str, look: Look, sure: Literal["sure", "likely", "unsure", "told"], scores: Mapping) -> Role:  # type: ignore[type-arg]
    column = look.column
    rivals = sorted(((s, name) for (r, name), s in scores.items() if r == role and name != column.name), reverse=True)
    own = scores.get((role, column.name), 0.0)
    near = [name for s, name in rivals if s >= max(0.15, own - 0.3, 0.6 * own)]
    samples = tuple(dict.fromkeys(column.values))[:3]
    return Role(role, column.name, sure, "; ".join(_why(role, look)), tuple(near[:3]), samples)


def _why(role: str, look: Look) -> list[str]:
    """What speaks for it, in words."""
    column, told = look.column, []
    if role in ("ordered_at", "recorded_at"):
        told.append(_as_dates(look.dates))
    elif role in ("amount", "price", "quantity", "discount"):
        told.append(_as_numbers(look.numbers))
    else:
        told.append(f"{column.distinct:,} different in {column.filled:,} rows")
    if column.filled < look.rows:
        told.append(f"empty in {look.rows - column.filled:,} rows")
    return told


def _as_dates(found: Dates) -> str:
    if not found.formats:
        return "no dates that can be read"
    written = f"as {found.formats[0]}" if found.formats[0] else "ISO dates"
    return f"{written}: {found.why}" + ("" if found.share > 0.999 else f"; {found.share:.1%} of the values")


def _as_numbers(found: Numbers) -> str:
    if not found.formats:
        return "no numbers"
    written = f"as {found.formats[0]}: {found.why}" if found.formats[0] else "plain numbers"
    return written + (f"; {found.below:.1%} below zero" if found.below else "")


def _score(role: str, look: Look) -> float:
    """From 0 to 1: name and values together; by values alone only what an order cannot do without."""
    fits = FITS[role](look)
    if not fits:
        return 0.0
    name = meanings(look.column.name).get(role, 0.0)
    if name <= 0:
        other = max((s for r, s in meanings(look.column.name).items() if r != role), default=0.0)
        return 0.35 * fits * (1 - other) if role in NEEDED else 0.0
    return 0.65 * name + 0.35 * fits


def _of_dates(look: Look) -> float:
    if not look.dates.formats or look.dates.share < 0.9:
        return 0.0
    return 1.0 if look.dates.timed or look.column.distinct > 1 else 0.5


def _of_numbers(look: Look) -> float:
    if not look.numbers.formats or look.numbers.share < 0.9 or _of_dates(look):
        return 0.0
    return 1.0 if look.numbers.whole < 1 or look.column.distinct > 1 else 0.7


def _of_money(look: Look) -> float:
    """Amounts mostly have cents; a column of a few whole numbers is rather pieces or a rank."""
    fits = _of_numbers(look)
    return fits * (0.5 if look.numbers.whole > 0.999 and look.numbers.below == 0 else 1.0)


def _of_ids(look: Look) -> float:
    """Ids are no dates and no fractions; a single one tells nothing apart."""
    if _of_dates(look) or look.column.distinct < 2 or (look.numbers.formats and look.numbers.whole < 0.99):
        return 0.0
    return 1.0


def _of_customers(look: Look) -> float:
    """Customers come back: with a row each they would be orders, or addresses nobody shares."""
    return _of_ids(look) * (1.0 if look.repeated > 1.02 else 0.6)


def _of_orders(look: Look) -> float:
    """Numbers of orders have digits; names of people have none."""
    digits = sum(any(char.isdigit() for char in value) for value in look.column.values)
    return _of_ids(look) if digits >= 0.9 * max(len(look.column.values), 1) else 0.0


def _of_kinds(look: Look) -> float:
    """A few words that come again and again."""
    few = look.column.distinct <= 2000 and look.repeated >= 3
    return float(few and not _of_dates(look) and not (look.numbers.formats and look.numbers.whole < 1))


def _of_words(pattern: str) -> Callable[[Look], float]:
    return lambda look: float(all(re.fullmatch(pattern, value) for value in look.column.values[:500]))


FITS: Mapping[str, Callable[[Look], float]] = {
    "ordered_at": _of_dates,
    "recorded_at": _of_dates,
    "amount": _of_money,
    "price": _of_numbers,
    "quantity": _of_numbers,
    "discount": _of_numbers,
    "customer_id": _of_customers,
    "order_id": _of_orders,
    "product_id": _of_ids,
    "category": _of_kinds,
    "channel": _of_kinds,
    "currency": _of_words("[A-Za-z]{3}"),
    "is_return": _of_words("(?i)[01tfyn]|true|false|yes|no"),
    "status": lambda look: float(look.column.distinct <= 30 and not look.numbers.formats and not look.dates.formats),
}
