"""What the tables hold, and how a source's mapping is checked against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from winback.config import Constant, Product, Source
from winback.errors import ConfigError
from winback.facts.intake.contract_column import Column, Kind
from winback.facts.intake.contract_tables import CONTRACTS, HAPPENED
from winback.facts.intake.refusals import REASONS
from winback.facts.intake.written_tables import TABLES
from winback.toml_files import did_you_mean

__all__ = [
    "CONTRACTS",
    "HAPPENED",
    "IDS",
    "MISSING",
    "REASONS",
    "TABLES",
    "Column",
    "Kind",
    "Mapped",
    "Part",
    "is_needed",
    "mapping_of",
]

# A source column, a constant, or a number that a product is multiplied by.
Part = str | Constant | float

# What programs write for "nothing", compared exactly: 'Null', 'Nan' and 'Na' are people's names and stay.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NaT", "NULL", "null", "None", "<NA>")

# The column by which rows of a table belong together, where it is mapped.
IDS: Mapping[str, str] = {
    "orders": "order_id",
    "tickets": "ticket_id",
    "subscriptions": "subscription_id",
    "payments": "payment_id",
    "customers": "customer_id",
}

# The columns whose value may be made of several source columns.
_NUMBERS: frozenset[Kind] = frozenset({"cents", "count", "number"})


@dataclass(frozen=True)
class Mapped:
    """One contract column, the source columns or constants it is made of, and the words of theirs it translates."""

    column: Column
    parts: tuple[Part, ...]
    how: Literal["sum", "product"] = "sum"
    words: tuple[tuple[str, str], ...] = ()


def is_needed(column: Column) -> bool:
    """Whether a mapped column may not be empty: an order's own id and the currency of money never may."""
    return column.required or column.name in ("order_id", "currency")


def mapping_of(table: str, source: Source) -> dict[str, Mapped]:
    """The mapped columns of one source by contract name, in the contract's order."""
    known = {column.name: column for column in CONTRACTS[table]}
    for section, names in (("columns", source.columns), ("values", source.values)):
        for name in names:
            if name not in known:
                hint = did_you_mean(name, list(known))
                raise ConfigError(f"[sources.{table}.{section}] {name}: no such column of {table}.{hint}")
    lacking = [name for name, column in known.items() if column.required and name not in source.columns]
    if table == "orders" and source.grain == "line" and "order_id" not in source.columns:
        lacking.append("order_id")
    if lacking:
        raise ConfigError(
            f"[sources.{table}.columns] maps {_listed(source.columns)} but {table} also needs "
            f'{_listed(lacking)}; write for example {lacking[0]} = "column of {source.path}"'
        )
    if table != "orders" and source.grain == "line":
        raise ConfigError(f'[sources.{table}] grain = "line" is for orders only; leave it out')
    return {name: _mapped(table, known[name], source) for name in known if name in source.columns}


def _mapped(table: str, column: Column, source: Source) -> Mapped:
    """A mapping's value as parts; only numbers may be made of several."""
    value: Any = source.columns[column.name]
    words = _words(table, column, source)
    where = f"[sources.{table}.columns] {column.name}"
    if isinstance(value, dict) and set(value) == {"product"}:
        if column.kind not in _NUMBERS:
            raise ConfigError(f"{where}: only numbers can be multiplied; came {value!r}. Name one column")
        return Mapped(column, _factors(value, where), "product", words)
    if isinstance(value, dict) and set(value) != {"value"}:
        raise ConfigError(
            f'{where}: a constant is written {{ value = "..." }}, a product {{ product = ["...", "..."] }}; '
            f"came {value!r}"
        )
    if isinstance(value, str | dict):
        return Mapped(column, (value,), words=words)
    if column.kind not in _NUMBERS:
        raise ConfigError(f"{where}: only numbers can be added up; came {list(value)!r}. Name one column")
    if not value:
        raise ConfigError(f"{where}: a sum needs at least one column; came []")
    return Mapped(column, tuple(value), words=words)


def _factors(product: Product, where: str) -> tuple[Part, ...]:
    factors = product["product"]
    if not any(isinstance(factor, str) for factor in factors):
        raise ConfigError(f"{where}: a product needs at least one column; came {list(factors)!r}")
    return factors


def _words(table: str, column: Column, source: Source) -> tuple[tuple[str, str], ...]:
    """What a source's own words stand for; the words of a contract are the only ones a word can be."""
    given = source.values.get(column.name, {})
    for word in given.values():
        if column.kind == "word" and word not in column.words:
            hint = did_you_mean(word, list(column.words))
            raise ConfigError(f"[sources.{table}.values] {column.name} is never {word!r}.{hint}")
    return tuple(given.items())


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(names) if names else "nothing"
