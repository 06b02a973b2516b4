"""What a source may be mapped onto: the columns of every table, each with its meaning."""

from __future__ import annotations

from collections.abc import Mapping

from winback.facts.intake.contract_column import Column, column

_RECORDED = "When it became known; the same moment as it happened where this is not mapped or empty."
_KNOWN = column("recorded_at", "moment", "time", _RECORDED)

# A star marks a column that must be mapped and may not be empty.
CONTRACTS: Mapping[str, tuple[Column, ...]] = {
    "orders": (
        column("customer_id*", "text", "id", "Who bought."),
        column("ordered_at*", "moment", "time", "When the order was placed."),
        column("amount*", "cents", "money", "What was paid; below zero for a return; rounded to cents."),
        column("order_id", "text", "id", 'The order; with grain = "line" the rows of one order share it.'),
        column("recorded_at", "moment", "time", _RECORDED),
        column("discount", "cents", "money", "What the price was lowered by; rounded to cents."),
        column("quantity", "count", "pieces", "How many pieces; thousandths count until the order is summed."),
        column("category", "text", "name", "What kind of thing was bought."),
        column("channel", "text", "name", "Where it was bought: web, app, shop, ..."),
        column("product_id", "text", "id", "What was bought."),
        column("currency", "text", "code", "Of the amount; a row in another than the project's is refused."),
        column("is_return", "flag", "0 or 1", "Whether goods came back: the amount then counts below zero."),
    ),
    "events": (
        column("customer_id*", "text", "id", "Who did something."),
        column("occurred_at*", "moment", "time", "When it was done."),
        column("kind*", "text", "name", "What was done: visit, email_open, add_to_cart, ..."),
        column("value", "number", "any", "How much of it, in whatever unit the kind is counted."),
        _KNOWN,
    ),
    "contacts": (
        column("customer_id*", "text", "id", "Whom we wrote to, called or showed something."),
        column("contacted_at*", "moment", "time", "When we did."),
        column("campaign", "text", "name", "The campaign it belonged to."),
        column("channel", "text", "name", "How: email, post, phone, ..."),
        _KNOWN,
    ),
    "tickets": (
        column("customer_id*", "text", "id", "Who asked or complained."),
        column("opened_at*", "moment", "time", "When the ticket was opened."),
        column("ticket_id", "text", "id", "The ticket; a later row of it fills in what was still empty."),
        column("resolved_at", "moment", "time", "When it was resolved; empty while it is open."),
        column("topic", "text", "name", "What it was about: delivery, invoice, ..."),
        column("csat", "number", "1 to 5", "How satisfied the customer was with the answer.", low=1, high=5),
        _KNOWN,
    ),
    "surveys": (
        column("customer_id*", "text", "id", "Who answered."),
        column("answered_at*", "moment", "time", "When."),
        column("kind*", "word", "name", "Which question was asked.", words=("nps", "csat", "ces")),
        column("score*", "number", "points", "The answer: nps from 0 to 10, csat from 1 to 5, ces from 1 to 7."),
        _KNOWN,
    ),
    "subscriptions": (
        column("customer_id*", "text", "id", "Who subscribed."),
        column("started_at*", "moment", "time", "When the subscription, or this stretch of it, began."),
        column("subscription_id", "text", "id", "The subscription; a later row of it fills in its end."),
        column("ended_at", "moment", "time", "When it ended or will end; empty while no end is known."),
        column("plan", "text", "name", "What is subscribed to."),
        column("price", "cents", "money", "What one period costs; rounded to cents.", low=0),
        column("period", "period", "ISO 8601", "How long one period is: P1M, P1Y, P7D."),
        column("auto_renew", "flag", "0 or 1", "Whether it goes on by itself."),
        column("cancel_reason", "text", "name", "Why it was ended."),
        _KNOWN,
    ),
    "payments": (
        column("customer_id*", "text", "id", "Who was to pay."),
        column("attempted_at*", "moment", "time", "When the payment was tried."),
        column("status*", "word", "name", "How it ended.", words=("succeeded", "failed", "refunded", "pending")),
        column("payment_id", "text", "id", "The payment; each of its states is a row, a repeated one counts once."),
        column("amount", "cents", "money", "How much was to be paid; rounded to cents.", low=0),
        column("decline_code", "text", "code", "Why it was declined."),
        column("card_expires", "expiry", "time", "The card's last day, also written 12/27, 12/2027 or 2027-12."),
        _KNOWN,
    ),
    "customers": (
        column("customer_id*", "text", "id", "Who it is."),
        column("signed_up_at*", "moment", "time", "When they became known to us."),
        column("country", "text", "code", "Where they live."),
        column("language", "text", "code", "What to write to them in."),
        column("email", "text", "address", "As given."),
        column("phone", "text", "number", "As given."),
        column("first_name", "text", "name", "As given."),
        column("last_name", "text", "name", "As given."),
        column("city", "text", "name", "Where they live, as given."),
        column("region", "text", "name", "The state or province, as given; of the United States best its two letters."),
        column("postcode", "text", "code", "As given."),
        column("acquisition_cost", "cents", "money", "What winning them cost; rounded to cents.", low=0),
        _KNOWN,
    ),
    "consents": (
        column("customer_id*", "text", "id", "Who said whether we may write, call or profile."),
        column("channel*", "text", "name", "By which way: email, phone, ads, ..."),
        column("purpose*", "text", "name", "What for: marketing, ad_user_data, ..."),
        column("status*", "word", "name", "What was said.", words=("granted", "withdrawn", "objected", "unknown")),
        column("recorded_at*", "moment", "time", "When it was said."),
        column("source", "text", "name", "Where it was said."),
    ),
    "suppressions": (
        column("customer_id*", "text", "id", "Who must not be contacted."),
        column("recorded_at*", "moment", "time", "From when on."),
        column("channel", "text", "name", "By which way; by none at all where this is empty."),
        column("reason", "text", "name", "Why."),
    ),
    "outcomes": (
        column("campaign*", "text", "name", "The campaign."),
        column("customer_id*", "text", "id", "Who did something after it."),
        column("happened_at*", "moment", "time", "When."),
        column("kind*", "text", "name", "What: delivered, clicked, redeemed, unsubscribed, ..."),
        column("value", "number", "any", "How much of it."),
        _KNOWN,
    ),
}

# The moment each table's rows happened at.
HAPPENED: Mapping[str, str] = {
    "orders": "ordered_at",
    "events": "occurred_at",
    "contacts": "contacted_at",
    "tickets": "opened_at",
    "surveys": "answered_at",
    "subscriptions": "started_at",
    "payments": "attempted_at",
    "customers": "signed_up_at",
    "consents": "recorded_at",
    "suppressions": "recorded_at",
    "outcomes": "happened_at",
}
