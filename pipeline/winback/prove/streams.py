"""What each stream's rows are, said plainly: one row at a time, moments as datetimes, numbers as fractions.

Written from the meanings of the streams, not from the kernel's reading of the files. Slow on purpose.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from winback.prove.history import History, Row, ended_known, known_from, rated_known, resolved_known

Number = Fraction | None
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Fact:
    """A row of a stream: when it happened, from when it is known, what it says, in the calendar of a zone.

    `numbers` are in the units people read, None where not given; `value` is the word whose different
    values are counted. `change`: no row of its own, but what was recorded later of one.
    """

    row: Row
    zone: str
    at: dt.datetime
    known: dt.datetime
    numbers: dict[str, Number] = field(default_factory=dict)
    value: str | None = None
    change: bool = False

    @cached_property
    def day(self) -> dt.date:
        """The day it lies in: the latest that has begun."""
        day = self.at.astimezone(ZoneInfo(self.zone)).date() + 2 * DAY
        while dt.datetime.combine(day, dt.time(), ZoneInfo(self.zone)).astimezone(dt.UTC) > self.at:
            day -= DAY
        return day

    @property
    def hour(self) -> int:
        """The hour on the clocks of the zone."""
        return self.at.astimezone(ZoneInfo(self.zone)).hour

    @property
    def weekend(self) -> bool:
        """Whether its day is a Saturday or a Sunday."""
        return self.day.isoweekday() in (6, 7)


def money(cents: int | None) -> Number:
    """Cents as money."""
    return None if cents is None else Fraction(cents, 100)


def points(number: float | None) -> Number:
    """A number to the thousandth."""
    return None if number is None else Fraction(round(Fraction(number) * 1000), 1000)


def whole(number: int | None) -> Number:
    """A whole number."""
    return None if number is None else Fraction(number)


def order(row: Row, zone: str) -> Fact | None:
    """A purchase, or a later change of any order; a refund of its own is neither."""
    if row["part"] == 0 and row["amount_cents"] < 0:
        return None
    paid, saved = money(row["amount_cents"]), money(row["discount_cents"])
    numbers = {
        "spend": paid,
        "discount": saved,
        "list_price": None if paid is None or saved is None else paid + saved,
        "lines": whole(row["line_count"]),
        "pieces": whole(row["quantity"]),
        "discounted": None if saved is None else Fraction(saved > 0),
    }
    known = known_from("orders", row)
    fact = Fact(row, zone, row["ordered_at"], known, numbers, row["channel"], row["part"] > 0)
    numbers |= {"hour": whole(fact.hour), "weekend": whole(fact.weekend), "evening": whole(fact.hour >= 18)}
    return fact


def returned(row: Row, zone: str) -> Fact | None:
    """A refund of its own."""
    if row["part"] > 0 or row["amount_cents"] >= 0:
        return None
    refund = {"refund": money(-row["amount_cents"])}
    return Fact(row, zone, row["ordered_at"], known_from("orders", row), refund, row["channel"])


def order_category(row: Row, zone: str) -> Fact:
    return Fact(row, zone, row["ordered_at"], known_from("order_categories", row), value=row["category"])


def order_product(row: Row, zone: str) -> Fact:
    return Fact(row, zone, row["ordered_at"], known_from("order_products", row), value=row["product_id"])


def event(row: Row, zone: str) -> Fact:
    known = known_from("events", row)
    return Fact(row, zone, row["occurred_at"], known, {"value": points(row["value"])}, row["kind"])


def ticket(row: Row, zone: str) -> Fact:
    return Fact(row, zone, row["opened_at"], known_from("tickets", row), value=row["topic"])


def ticket_resolved(row: Row, zone: str) -> Fact | None:
    known = resolved_known(row)
    if known is None:
        return None
    seconds = (row["resolved_at"] - row["opened_at"]) // dt.timedelta(seconds=1)
    numbers: dict[str, Number] = {"resolve_hours": Fraction(seconds, 3600), "slow": Fraction(seconds > 72 * 3600)}
    return Fact(row, zone, row["resolved_at"], known, numbers)


def ticket_rating(row: Row, zone: str) -> Fact | None:
    known = rated_known(row)
    at = row["resolved_at"] or row["opened_at"]
    return Fact(row, zone, at, known, {"csat": points(row["csat"])}) if known else None


def survey(row: Row, zone: str) -> Fact:
    return Fact(row, zone, row["answered_at"], known_from("surveys", row), {"score": points(row["score"])})


def subscription(row: Row, zone: str) -> Fact:
    numbers = {"price": money(row["price_cents"]), "auto_renew": whole(row["auto_renew"])}
    return Fact(row, zone, row["started_at"], known_from("subscriptions", row), numbers, row["plan"])


def subscription_ended(row: Row, zone: str) -> Fact | None:
    known = ended_known(row)
    return Fact(row, zone, row["ended_at"], known) if known else None


def payment(row: Row, zone: str) -> Fact:
    known = known_from("payments", row)
    return Fact(row, zone, row["attempted_at"], known, {"amount": money(row["amount_cents"])}, row["decline_code"])


def card_expiry(row: Row, zone: str) -> Fact | None:
    return payment(row, zone) if row["card_expires"] else None


def customer(row: Row, zone: str) -> Fact:
    return Fact(row, zone, row["signed_up_at"], known_from("customers", row))


def contact(row: Row, zone: str) -> Fact:
    return Fact(row, zone, row["contacted_at"], known_from("contacts", row), value=row["campaign"])


# Of each stream: the facts table it is read from, and a row of it as a fact.
STREAMS: dict[str, tuple[str, Callable[[Row, str], Fact | None]]] = {
    "orders": ("orders", order),
    "returns": ("orders", returned),
    "order_categories": ("order_categories", order_category),
    "order_products": ("order_products", order_product),
    "events": ("events", event),
    "tickets": ("tickets", ticket),
    "tickets_resolved": ("tickets", ticket_resolved),
    "ticket_ratings": ("tickets", ticket_rating),
    "surveys": ("surveys", survey),
    "subscriptions": ("subscriptions", subscription),
    "subscriptions_ended": ("subscriptions", subscription_ended),
    "payments": ("payments", payment),
    "card_expiries": ("payments", card_expiry),
    "customers": ("customers", customer),
    "contacts": ("contacts", contact),
}


def facts_of(history: History, stream: str) -> list[Fact]:
    """All rows of a stream, oldest first."""
    table, read = STREAMS[stream]
    facts = (read(row, history.zone) for row in history.tables[table])
    return sorted((fact for fact in facts if fact is not None), key=lambda fact: fact.at)
