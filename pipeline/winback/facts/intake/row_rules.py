"""Declared rules as SQL: which rows are left out, and which are goods that came back."""

from __future__ import annotations

from collections.abc import Sequence

from winback.config import Rule, Source
from winback.errors import ConfigError
from winback.store import literal

LEFT_OUT = "left_out"


def checked_rules(table: str, source: Source) -> tuple[Rule, ...]:
    """The rules of a source, if its table can follow them."""
    for rule in source.rules:
        if rule.then == "return" and table != "orders":
            raise ConfigError(f'[sources.{table}] rules: then = "return" is for orders only; came {label(rule)!r}')
    return source.rules


def label(rule: Rule) -> str:
    """What a rule is called in the row accounting, such as 'StockCode equals POST, M'."""
    if rule.missing:
        return f"{rule.column} is missing"
    if rule.below is not None:
        return f"{rule.column} is below {rule.below:g}"
    for verb, words in (
        ("equals", rule.equals),
        ("is other than", rule.other_than),
        ("starts with", rule.starts_with),
    ):
        if words:
            return f"{rule.column} {verb} {', '.join(words)}"
    raise AssertionError(f"a rule without a condition was let through: {rule}")


def holds(rule: Rule, column: str) -> str:
    """Whether a rule is true of a tidied text column, which is NULL where it is missing."""
    if rule.missing:
        return f"{column} IS NULL"
    if rule.below is not None:
        return f"coalesce(TRY_CAST({column} AS DOUBLE) < {rule.below!r}, false)"
    if rule.starts_with:
        return " OR ".join(f"coalesce(starts_with({column}, {literal(word)}), false)" for word in rule.starts_with)
    words = ", ".join(map(literal, rule.equals or rule.other_than))
    return f"coalesce({column} {'IN' if rule.equals else 'NOT IN'} ({words}), {'false' if rule.equals else 'true'})"


def left_out(rules: Sequence[Rule]) -> list[tuple[str, str]]:
    """When a row is left out, with its mark: the number of the first such rule that holds."""
    return [
        (holds(rule, f"p_rule_{number}"), f"{LEFT_OUT} {number}")
        for number, rule in enumerate(rules)
        if rule.then == "leave_out"
    ]


def returned(rules: Sequence[Rule]) -> str:
    """Whether a row is goods that came back, by its rules alone."""
    found = [f"({holds(rule, f'p_rule_{n}')})" for n, rule in enumerate(rules) if rule.then == "return"]
    return " OR ".join(found) or "false"
