"""Rows of source files of few ids, customers and days, so that all that can meet does meet."""

# Chance only makes up rows; rows of literal tables stay on one line.
# ruff: noqa: E501

from __future__ import annotations

import random

NAMES = {
    "orders": ("order_id", "customer_id", "ordered_at", "recorded_at", "amount", "discount", "quantity", "category", "channel", "product_id"),
    "tickets": ("ticket_id", "customer_id", "opened_at", "recorded_at", "resolved_at", "topic", "csat"),
    "subscriptions": ("subscription_id", "customer_id", "started_at", "recorded_at", "ended_at", "plan", "price", "cancel_reason"),
    "payments": ("payment_id", "customer_id", "attempted_at", "recorded_at", "status", "amount"),
    "customers": ("customer_id", "signed_up_at", "recorded_at", "country"),
    "events": ("customer_id", "occurred_at", "recorded_at", "kind", "value"),
}  # fmt: skip
Row = tuple[str, ...]


def day(chance: random.Random, first: int, last: int) -> str:
    return f"2026-01-{chance.randrange(first, last):02d}"


def some_row(chance: random.Random, table: str, days: tuple[int, int] = (4, 12)) -> Row:
    """A row of a table in the order of its NAMES, recorded on one of `days` of January."""
    who, begun, known = f"c{chance.randrange(4)}", day(chance, 1, 4), day(chance, *days)
    number = str(chance.randrange(25))
    some = {
        "orders": (f"o{number}", who, begun, known, chance.choice(["1", "2", "-3.50"]), chance.choice(["", "1"]), chance.choice(["", "1", "2.5"]), chance.choice(["", "tea", "cups"]), chance.choice(["web", "app"]), chance.choice(["p", "q", ""])),
        "tickets": (f"t{number}", who, begun, known, chance.choice(["", day(chance, 4, 12)]), chance.choice("ab"), chance.choice(["", "1", "5"])),
        "subscriptions": (f"s{number}", who, begun, known, chance.choice(["", day(chance, 4, 12)]), chance.choice("ab"), "9", chance.choice(["", "x"])),
        "payments": (f"p{number}", who, begun, known, chance.choice(["failed", "pending"]), chance.choice("12")),
        "customers": (f"c{number}", begun, known, chance.choice(["DE", "FR"])),
        "events": (who, begun, known, chance.choice(["visit", "click"]), chance.choice("12")),
    }  # fmt: skip
    return some[table]
