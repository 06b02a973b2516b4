"""One random row of each facts table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from winback.prove.history import Row
from winback.prove.making import LATE, PERIODS, Maker

Made = tuple[str, Row]


def order_rows(maker: Maker, name: str, at: dt.datetime, recorded: dt.datetime) -> Iterator[Made]:
    """An order that may be free, a return, huge or discounted, its later changes, its categories and products."""
    chance, channel = maker.chance, maker.word("orders", "channel")
    known = [recorded]
    cents = chance.choice([0, -100, -1, 1, 100, chance.randint(1, 9_999), chance.randint(-5_000, 10**9)])
    for part in range(chance.choice([1, 1, 1, 2, 3])):
        yield (
            "orders",
            {
                "order_id": name,
                "ordered_at": at,
                "recorded_at": known[-1],
                "amount_cents": chance.choice([0, -cents, chance.randint(-500, 500)]) if part else cents,
                "discount_cents": chance.choice([None, 0, 0, 1, chance.randint(1, 5_000)]),
                "quantity": chance.choice([None, 1, chance.randint(1, 9)]),
                "line_count": chance.randint(0, 2) if part else chance.randint(1, 9),
                "channel": channel,
                "part": part,
            },
        )
        known.append(maker.later(max(at, known[-1])))
    for table, column in (("order_categories", "category"), ("order_products", "product_id")):
        for word in chance.sample(maker.edges.words[table, column], k=chance.randint(0, 3)):
            first = chance.choice(known[:-1])
            yield table, {"order_id": name, "ordered_at": at, "recorded_at": first, column: word}


def event(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    value = maker.chance.choice([None, 0.0, 1.5, -2.25, maker.chance.randint(0, 10**6) / 1000])
    return {"occurred_at": at, "recorded_at": recorded, "kind": maker.word("events", "kind", 0), "value": value}


def contact(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    words = {column: maker.word("contacts", column) for column in ("campaign", "channel")}
    return {"contacted_at": at, "recorded_at": recorded, **words}


def ticket(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    """A ticket that may be resolved, and rated, at once or later; when that was recorded may be told apart."""
    chance = maker.chance
    resolved = chance.choice([None, at, maker.later(at), maker.later(at), at + dt.timedelta(hours=72)])
    learned = chance.choice([None, None, maker.later(max(recorded, resolved))]) if resolved else None
    csat = chance.choice([None, 1.0, 3.0, 4.5, 5.0])
    # A rating is not known before the ticket's end is: else its moment would depend on the cutoff.
    rated = learned and maker.later(learned) if resolved else chance.choice([None, maker.later(max(at, recorded))])
    return {
        "opened_at": at,
        "recorded_at": recorded,
        "ticket_id": None,
        "resolved_at": resolved,
        "resolved_recorded_at": learned,
        "topic": maker.word("tickets", "topic"),
        "csat": csat,
        "csat_recorded_at": rated if csat is not None else None,
    }


def survey(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    score = maker.chance.choice([0.0, 5.0, 10.0, 2.5, float(maker.chance.randint(0, 10))])
    return {"answered_at": at, "recorded_at": recorded, "kind": maker.word("surveys", "kind", 0), "score": score}


def subscription(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    """A subscription that may have ended, or be known to end."""
    chance = maker.chance
    ended = chance.choice([None, None, maker.later(at), at + dt.timedelta(days=365)])
    learned = chance.choice([None, maker.later(max(recorded, at))]) if ended else None
    return {
        "started_at": at,
        "recorded_at": recorded,
        "subscription_id": None,
        "ended_at": ended,
        "ended_recorded_at": learned,
        "plan": maker.word("subscriptions", "plan"),
        "price_cents": chance.choice([None, 0, 999, 1999, chance.randint(0, 10**6)]),
        "period": chance.choice(PERIODS),
        "auto_renew": chance.choice([None, 0, 1]),
        "cancel_reason": maker.word("subscriptions", "cancel_reason") if ended else None,
    }


def payment(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    chance = maker.chance
    day = maker.history.midnight(chance.choice(maker.history.cutoffs) + dt.timedelta(days=chance.randint(-60, 400)))
    return {
        "attempted_at": at,
        "recorded_at": recorded,
        "payment_id": None,
        "status": maker.word("payments", "status", 0),
        "amount_cents": chance.choice([None, 0, chance.randint(1, 10**6)]),
        "decline_code": maker.word("payments", "decline_code", 0.5),
        "card_expires": chance.choice([None, day, day - LATE[0], day + dt.timedelta(hours=5)]),
    }


def customer(maker: Maker, at: dt.datetime, recorded: dt.datetime) -> Row:
    words = {column: maker.word("customers", column) for column in ("country", "language")}
    return {"signed_up_at": at, "recorded_at": recorded, **words}


MAKERS: dict[str, Callable[[Maker, dt.datetime, dt.datetime], Row]] = {
    "events": event,
    "contacts": contact,
    "tickets": ticket,
    "surveys": survey,
    "subscriptions": subscription,
    "payments": payment,
    "customers": customer,
}
