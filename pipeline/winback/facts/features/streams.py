"""The streams that features are made of: rows of the facts tables, each at one moment, and what they can count.

One stream is one row here. What a measure or a column needs to be mapped is written beside it, so that a
feature whose source lacks the column is simply not offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ROWS, ACTIVE_DAYS = "rows", "active_days"
# Numbers that are never below zero; 0 or 1; any number.
Size = Literal["at least 0", "0 or 1", "any"]


@dataclass(frozen=True)
class Measure:
    """A number of one row that can be added up: its size, and the source column it needs ("" for none)."""

    size: Size = "at least 0"
    needs: str = ""


@dataclass(frozen=True)
class Stream:
    """One stream: its facts table, the column of its moment, and what can be asked of its rows.

    `measures` beside rows and active_days; `columns`: what `where` may ask for, with the source column
    each needs; `value`: the column whose different values can be counted; `needs`: what every row needs.
    """

    table: str
    moment: str
    measures: Mapping[str, Measure] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    needs: str = ""

    def measure(self, name: str) -> Measure:
        """The measure of this name; every stream has `rows` and `active_days`."""
        return Measure() if name in (ROWS, ACTIVE_DAYS) else self.measures[name]

    def known_measures(self) -> tuple[str, ...]:
        """The names of all measures."""
        return (ROWS, ACTIVE_DAYS, *self.measures)


_DISCOUNT = "orders.discount"
STREAMS: Mapping[str, Stream] = {
    "orders": Stream(
        "orders",
        "ordered_at",
        {
            # A later correction can take away more than what is left: no sum of all parts is sure to be positive.
            "spend": Measure("any"),
            "discount": Measure("any", _DISCOUNT),
            "list_price": Measure("any", _DISCOUNT),
            "lines": Measure("any", "orders.lines"),
            "pieces": Measure("any", "orders.quantity"),
            "hour": Measure(),
            "weekend": Measure("0 or 1"),
            "evening": Measure("0 or 1"),
            "discounted": Measure("0 or 1", _DISCOUNT),
        },
        {"channel": "orders.channel", "discounted": _DISCOUNT},
        "channel",
    ),
    "returns": Stream("orders", "ordered_at", {"refund": Measure()}, {"channel": "orders.channel"}),
    "order_categories": Stream("order_categories", "ordered_at", {}, {"category": ""}, "category"),
    "order_products": Stream("order_products", "ordered_at", {}, {}, "product_id"),
    "events": Stream("events", "occurred_at", {"value": Measure("any", "events.value")}, {"kind": ""}, "kind"),
    "tickets": Stream("tickets", "opened_at", {}, {"topic": "tickets.topic"}, "topic"),
    "tickets_resolved": Stream(
        "tickets",
        "resolved_at",
        {"resolve_hours": Measure(), "slow": Measure("0 or 1")},
        {"topic": "tickets.topic"},
        needs="tickets.resolved_at",
    ),
    "ticket_ratings": Stream(
        "tickets", "resolved_at", {"csat": Measure()}, {"topic": "tickets.topic"}, needs="tickets.csat"
    ),
    "surveys": Stream("surveys", "answered_at", {"score": Measure()}, {"kind": ""}),
    "subscriptions": Stream(
        "subscriptions",
        "started_at",
        {"price": Measure(needs="subscriptions.price"), "auto_renew": Measure("0 or 1", "subscriptions.auto_renew")},
        {"plan": "subscriptions.plan", "auto_renew": "subscriptions.auto_renew"},
        "plan",
    ),
    "subscriptions_ended": Stream(
        "subscriptions",
        "ended_at",
        {},
        {"plan": "subscriptions.plan", "cancel_reason": "subscriptions.cancel_reason"},
        needs="subscriptions.ended_at",
    ),
    "payments": Stream(
        "payments",
        "attempted_at",
        {"amount": Measure("any", "payments.amount")},
        {"status": "", "decline_code": "payments.decline_code"},
        "decline_code",
    ),
    "card_expiries": Stream("payments", "attempted_at", {"expires_day": Measure("any")}, needs="payments.card_expires"),
    "customers": Stream(
        "customers", "signed_up_at", {}, {"country": "customers.country", "language": "customers.language"}
    ),
    "contacts": Stream(
        "contacts",
        "contacted_at",
        {},
        {"channel": "contacts.channel", "campaign": "contacts.campaign"},
        "campaign",
    ),
}
# What a stream whose value column must be mapped needs for its different values to be counted.
VALUE_NEEDS = {
    "orders": "orders.channel",
    "tickets": "tickets.topic",
    "subscriptions": "subscriptions.plan",
    "payments": "payments.decline_code",
    "contacts": "contacts.campaign",
}
