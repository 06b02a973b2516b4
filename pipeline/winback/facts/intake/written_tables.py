"""What ingest writes: the columns of every table of the facts folder."""

from __future__ import annotations

from collections.abc import Mapping

from winback.facts.intake.contract_column import Column, column

_WHO = column("customer_id*", "text", "id", "Who it is about.")
_KNOWN = column("recorded_at*", "moment", "time", "When it became known.")
_ORDER = column("order_id*", "text", "id", "The order.")
_ORDERED = column("ordered_at*", "moment", "time", "As in orders.")
_FIRST_KNOWN = column("recorded_at*", "moment", "time", "When the first row of the order with it became known.")

TABLES: Mapping[str, tuple[Column, ...]] = {
    "orders": (
        column("order_id*", "text", "id", "The order; made from customer, time and amount if not mapped."),
        column("customer_id*", "text", "id", "Who bought."),
        column("ordered_at*", "moment", "time", "When the order was placed: the first of the rows known first."),
        column("recorded_at*", "moment", "time", "When the order, or this change of it, became known."),
        column("amount_cents*", "integer", "cents", "What was paid; in a change, what is to be added."),
        column("discount_cents", "integer", "cents", "What the price was lowered by; in a change, the difference."),
        column("quantity", "integer", "pieces", "How many pieces, in whole ones; in a change, the difference."),
        column("line_count*", "integer", "rows", "How many rows of the source it is made of; 0 for a corrected row."),
        column("channel", "text", "name", "Where it was bought; the first by name if its rows differ."),
        column("part*", "integer", "number", "0: the order as first known; 1, 2, ...: its later changes."),
    ),
    "order_categories": (
        _WHO,
        _ORDER,
        _ORDERED,
        _FIRST_KNOWN,
        column("category*", "text", "name", "A kind of thing that is in the order; each once."),
    ),
    "order_products": (
        _WHO,
        _ORDER,
        _ORDERED,
        _FIRST_KNOWN,
        column("product_id*", "text", "id", "A thing that is in the order; each once."),
    ),
    "events": (
        column("customer_id*", "text", "id", "Who did something."),
        column("occurred_at*", "moment", "time", "When it was done."),
        _KNOWN,
        column("kind*", "text", "name", "What was done."),
        column("value", "number", "any", "How much of it."),
    ),
    "contacts": (
        column("customer_id*", "text", "id", "Whom we contacted."),
        column("contacted_at*", "moment", "time", "When we did."),
        _KNOWN,
        column("campaign", "text", "name", "The campaign it belonged to."),
        column("channel", "text", "name", "How."),
    ),
    "tickets": (
        _WHO,
        column("opened_at*", "moment", "time", "When the ticket was opened."),
        _KNOWN,
        column("ticket_id", "text", "id", "The ticket."),
        column("resolved_at", "moment", "time", "When it was resolved."),
        column("resolved_recorded_at", "moment", "time", "When that became known, if not with the ticket itself."),
        column("topic", "text", "name", "What it was about."),
        column("csat", "number", "1 to 5", "How satisfied the customer was with the answer."),
        column("csat_recorded_at", "moment", "time", "When that became known, if not with the ticket itself."),
    ),
    "surveys": (
        _WHO,
        column("answered_at*", "moment", "time", "When the question was answered."),
        _KNOWN,
        column("kind*", "text", "name", "nps, csat or ces."),
        column("score*", "number", "points", "The answer."),
    ),
    "subscriptions": (
        _WHO,
        column("started_at*", "moment", "time", "When the subscription, or this stretch of it, began."),
        _KNOWN,
        column("subscription_id", "text", "id", "The subscription."),
        column("ended_at", "moment", "time", "When it ended or will end."),
        column("ended_recorded_at", "moment", "time", "When that became known, if not with the subscription itself."),
        column("plan", "text", "name", "What is subscribed to."),
        column("price_cents", "integer", "cents", "What one period costs."),
        column("period", "text", "ISO 8601", "How long one period is."),
        column("auto_renew", "integer", "0 or 1", "Whether it goes on by itself."),
        column("cancel_reason", "text", "name", "Why it was ended; known as its end is."),
    ),
    "payments": (
        _WHO,
        column("attempted_at*", "moment", "time", "When the payment was tried."),
        _KNOWN,
        column("payment_id", "text", "id", "The payment."),
        column("status*", "text", "name", "succeeded, failed, refunded or pending."),
        column("amount_cents", "integer", "cents", "How much was to be paid."),
        column("decline_code", "text", "code", "Why it was declined."),
        column("card_expires", "moment", "time", "The card's last day (its midnight)."),
    ),
    "customers": (
        _WHO,
        column("signed_up_at*", "moment", "time", "When they became known to us."),
        column("recorded_at*", "moment", "time", "When this row became known: the newest one counts."),
        column("country", "text", "code", "Where they live."),
        column("language", "text", "code", "What to write to them in."),
        column("email", "text", "address", "As given."),
        column("phone", "text", "number", "As given."),
        column("first_name", "text", "name", "As given."),
        column("last_name", "text", "name", "As given."),
        column("city", "text", "name", "Where they live, as given."),
        column("region", "text", "name", "The state or province, as given; of the United States best its two letters."),
        column("postcode", "text", "code", "As given."),
        column("acquisition_cost_cents", "integer", "cents", "What winning them cost."),
    ),
    "consents": (
        _WHO,
        column("channel*", "text", "name", "By which way we may contact or not."),
        column("purpose*", "text", "name", "What for."),
        column(
            "status*", "text", "name", "granted, withdrawn, objected or unknown; at one moment the strictest holds."
        ),
        column("recorded_at*", "moment", "time", "When it was said."),
        column("source", "text", "name", "Where it was said."),
    ),
    "suppressions": (
        _WHO,
        column("channel", "text", "name", "By which way not to be contacted; by none where this is empty."),
        column("recorded_at*", "moment", "time", "From when on."),
        column("reason", "text", "name", "Why."),
    ),
    "outcomes": (
        column("campaign*", "text", "name", "The campaign."),
        _WHO,
        column("happened_at*", "moment", "time", "When the customer did something after it."),
        _KNOWN,
        column("kind*", "text", "name", "What it was."),
        column("value", "number", "any", "How much of it."),
    ),
    "quarantine": (
        column("table*", "text", "name", "The table the row was meant for; `orders lookup` for a lookup's."),
        column("file*", "text", "name", "The file as the configuration calls it."),
        column("line*", "integer", "lines", "Line of a text file (its header is 1); row of a Parquet file."),
        column("reason*", "text", "code", "Why, one of the codes below."),
        column("detail*", "text", "sentence", "Why, with the value that was found."),
        column("raw*", "text", "text", "The row, at most 4,000 characters of it."),
    ),
}
