"""Every code a row can be refused with, each shown by a row that is refused and one beside it that is not."""

# Rows of literal tables stay on one line.
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from winback import store
from winback.config import Sources
from winback.facts.intake.contracts import CONTRACTS, REASONS
from winback.facts.intake.ingest import Accounting, ingest
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
# A row of each table in which every column is as it should be.
GOOD = {
    "orders": {"customer_id": "c", "ordered_at": "2026-01-02", "amount": "10", "order_id": "o", "recorded_at": "2026-01-03", "discount": "1", "quantity": "2", "category": "tea", "channel": "web", "product_id": "p", "currency": "eur", "is_return": "no"},
    "events": {"customer_id": "c", "occurred_at": "2026-01-02", "kind": "visit", "value": "1.5", "recorded_at": "2026-01-03"},
    "contacts": {"customer_id": "c", "contacted_at": "2026-01-02", "campaign": "x", "channel": "post", "recorded_at": "2026-01-03"},
    "tickets": {"customer_id": "c", "opened_at": "2026-01-02", "ticket_id": "t", "resolved_at": "2026-01-04", "topic": "late", "csat": "5", "recorded_at": "2026-01-03"},
    "surveys": {"customer_id": "c", "answered_at": "2026-01-02", "kind": "NPS", "score": "10", "recorded_at": "2026-01-03"},
    "subscriptions": {"customer_id": "c", "started_at": "2026-01-02", "subscription_id": "s", "ended_at": "2027-01-02", "plan": "gold", "price": "9.99", "period": "P1M", "auto_renew": "True", "cancel_reason": "", "recorded_at": "2026-01-03"},
    "payments": {"customer_id": "c", "attempted_at": "2026-01-02", "status": "failed", "payment_id": "p", "amount": "9.99", "decline_code": "no funds", "card_expires": "12/27", "recorded_at": "2026-01-03"},
    "customers": {"customer_id": "c", "signed_up_at": "2026-01-02", "country": "DE", "language": "de", "email": "a@example.org", "phone": "+49 1", "first_name": "A", "last_name": "B", "city": "C", "region": "D", "postcode": "1", "acquisition_cost": "5", "recorded_at": "2026-01-03"},
    "consents": {"customer_id": "c", "channel": "email", "purpose": "marketing", "status": "granted", "recorded_at": "2026-01-03", "source": "form"},
    "suppressions": {"customer_id": "c", "recorded_at": "2026-01-03", "channel": "", "reason": "asked"},
    "outcomes": {"campaign": "x", "customer_id": "c", "happened_at": "2026-01-02", "kind": "clicked", "value": "1", "recorded_at": "2026-01-03"},
}  # fmt: skip
# What is wrong with a row, and what it is refused with.
FAULTS = [
    ("orders", {"customer_id": "NULL"}, "missing_customer_id", "customer_id is missing: column 'customer_id' holds 'NULL'"),
    ("orders", {"ordered_at": ""}, "missing_date", "ordered_at is missing: column 'ordered_at' holds ''"),
    ("orders", {"ordered_at": "2026-02-30"}, "bad_date", "ordered_at needs a date: column 'ordered_at' holds '2026-02-30'"),
    ("orders", {"ordered_at": "1900-01-01"}, "ancient_date", "ordered_at is before 1970, as a date put in for none would be: column 'ordered_at' holds '1900-01-01'"),
    ("orders", {"ordered_at": "2026-03-01 12:01"}, "future_date", "ordered_at is later than this ingest: column 'ordered_at' holds '2026-03-01 12:01'"),
    ("orders", {"recorded_at": "soon"}, "bad_recorded_at", "recorded_at needs a date: column 'recorded_at' holds 'soon'"),
    ("orders", {"recorded_at": "2026-03-02"}, "future_date", "recorded_at is later than this ingest: column 'recorded_at' holds '2026-03-02'"),
    ("orders", {"recorded_at": "2026-01-01"}, "recorded_before_it_happened", "recorded_at is earlier than ordered_at: columns 'ordered_at', 'recorded_at' hold '2026-01-02', '2026-01-01'"),
    ("orders", {"amount": ""}, "missing_amount", "amount is missing: column 'amount' holds ''"),
    ("orders", {"amount": "$5"}, "bad_amount", "amount needs a plain number such as 1234.50: column 'amount' holds '$5'"),
    ("orders", {"amount": "1e12"}, "impossible_number", "amount is a number of a million million or more: column 'amount' holds '1e12'"),
    ("orders", {"order_id": "-", "quantity": "9" * 20}, "impossible_number", f"quantity is a number of a million million or more: column 'quantity' holds '{'9' * 20}'"),
    ("orders", {"order_id": ""}, "missing_order_id", "order_id is missing: column 'order_id' holds ''"),
    ("orders", {"discount": "10%"}, "bad_discount", "discount needs a plain number such as 1234.50: column 'discount' holds '10%'"),
    ("orders", {"quantity": "two"}, "bad_quantity", "quantity needs a plain number such as 3: column 'quantity' holds 'two'"),
    ("orders", {"quantity": "-2"}, "negative_quantity", "quantity is below zero, but not the amount: columns 'quantity', 'amount' hold '-2', '10'"),
    ("orders", {"currency": ""}, "missing_currency", "currency is missing: column 'currency' holds ''"),
    ("orders", {"currency": "USD"}, "other_currency", "currency is not the project's: column 'currency' holds 'USD'"),
    ("orders", {"is_return": "perhaps"}, "bad_is_return", "is_return needs yes or no, true or false, 1 or 0: column 'is_return' holds 'perhaps'"),
    ("orders", {"customer_id": "d", "recorded_at": "2026-01-04"}, "conflicting_order", "an earlier row of this order_id says otherwise: columns 'order_id', 'customer_id', 'ordered_at' hold 'o', 'd', '2026-01-02'"),
    ("orders", {"amount": "11"}, "conflicting_order", "an earlier row of this order_id says otherwise: columns 'order_id', 'customer_id', 'ordered_at' hold 'o', 'c', '2026-01-02'"),
    ("events", {"kind": " "}, "missing_kind", "kind is missing: column 'kind' holds ' '"),
    ("events", {"value": "inf"}, "bad_value", "value needs a plain number such as 0.5: column 'value' holds 'inf'"),
    ("contacts", {"contacted_at": "x"}, "bad_date", "contacted_at needs a date: column 'contacted_at' holds 'x'"),
    ("tickets", {"resolved_at": "open"}, "bad_resolved_at", "resolved_at needs a date: column 'resolved_at' holds 'open'"),
    ("tickets", {"resolved_at": "2026-01-01"}, "resolved_before_opened", "resolved_at is earlier than opened_at: columns 'opened_at', 'resolved_at' hold '2026-01-02', '2026-01-01'"),
    ("tickets", {"resolved_at": "2026-03-02"}, "future_date", "resolved_at is later than this ingest: column 'resolved_at' holds '2026-03-02'"),
    ("tickets", {"csat": "good"}, "bad_csat", "csat needs a plain number such as 0.5: column 'csat' holds 'good'"),
    ("tickets", {"csat": "0.9"}, "csat_out_of_range", "csat goes from 1 to 5: column 'csat' holds '0.9'"),
    ("tickets", {"opened_at": "2026-01-03"}, "conflicting_ticket", "an earlier row of this ticket_id says otherwise: columns 'ticket_id', 'customer_id', 'opened_at' hold 't', 'c', '2026-01-03'"),
    ("surveys", {"kind": "stars"}, "unknown_kind", "kind has to be nps, csat or ces: column 'kind' holds 'stars'"),
    ("surveys", {"score": ""}, "missing_score", "score is missing: column 'score' holds ''"),
    ("surveys", {"score": "ten"}, "bad_score", "score needs a plain number such as 0.5: column 'score' holds 'ten'"),
    ("surveys", {"score": "11"}, "score_out_of_range", "score goes from 0 to 10 (nps), 1 to 5 (csat) or 1 to 7 (ces): columns 'kind', 'score' hold 'NPS', '11'"),
    ("surveys", {"kind": "ces", "score": "7.5"}, "score_out_of_range", "score goes from 0 to 10 (nps), 1 to 5 (csat) or 1 to 7 (ces): columns 'kind', 'score' hold 'ces', '7.5'"),
    ("subscriptions", {"ended_at": "never"}, "bad_ended_at", "ended_at needs a date: column 'ended_at' holds 'never'"),
    ("subscriptions", {"ended_at": "2026-01-01"}, "ended_before_started", "ended_at is earlier than started_at: columns 'started_at', 'ended_at' hold '2026-01-02', '2026-01-01'"),
    ("subscriptions", {"price": "free"}, "bad_price", "price needs a plain number such as 1234.50: column 'price' holds 'free'"),
    ("subscriptions", {"price": "-0.01"}, "negative_price", "price is never below 0: column 'price' holds '-0.01'"),
    ("subscriptions", {"period": "monthly"}, "bad_period", "period needs a period such as P1M, P1Y or P7D: column 'period' holds 'monthly'"),
    ("subscriptions", {"auto_renew": "2"}, "bad_auto_renew", "auto_renew needs yes or no, true or false, 1 or 0: column 'auto_renew' holds '2'"),
    ("subscriptions", {"customer_id": "d", "recorded_at": "2026-01-04"}, "conflicting_subscription", "an earlier row of this subscription_id says otherwise: columns 'subscription_id', 'customer_id' hold 's', 'd'"),
    ("payments", {"status": "declined"}, "unknown_status", "status has to be succeeded, failed, refunded or pending: column 'status' holds 'declined'"),
    ("payments", {"status": ""}, "missing_status", "status is missing: column 'status' holds ''"),
    ("payments", {"amount": "-1"}, "negative_amount", "amount is never below 0: column 'amount' holds '-1'"),
    ("payments", {"card_expires": "13/27"}, "bad_card_expires", "card_expires needs a date or a month such as 12/27: column 'card_expires' holds '13/27'"),
    ("payments", {"customer_id": "d", "status": "succeeded", "recorded_at": "2026-01-05"}, "conflicting_payment", "an earlier row of this payment_id says otherwise: columns 'payment_id', 'customer_id' hold 'p', 'd'"),
    ("customers", {"acquisition_cost": "?"}, "bad_acquisition_cost", "acquisition_cost needs a plain number such as 1234.50: column 'acquisition_cost' holds '?'"),
    ("customers", {"acquisition_cost": "-5"}, "negative_acquisition_cost", "acquisition_cost is never below 0: column 'acquisition_cost' holds '-5'"),
    ("customers", {"signed_up_at": "2026-01-03"}, "conflicting_customer", "an earlier row of this customer_id says otherwise: columns 'customer_id', 'signed_up_at' hold 'c', '2026-01-03'"),
    ("consents", {"channel": ""}, "missing_channel", "channel is missing: column 'channel' holds ''"),
    ("consents", {"purpose": "n/a"}, "missing_purpose", "purpose is missing: column 'purpose' holds 'n/a'"),
    ("consents", {"status": "yes"}, "unknown_status", "status has to be granted, withdrawn, objected or unknown: column 'status' holds 'yes'"),
    ("consents", {"recorded_at": ""}, "missing_date", "recorded_at is missing: column 'recorded_at' holds ''"),
    ("suppressions", {"recorded_at": "2026-13-01"}, "bad_date", "recorded_at needs a date: column 'recorded_at' holds '2026-13-01'"),
    ("outcomes", {"campaign": ""}, "missing_campaign", "campaign is missing: column 'campaign' holds ''"),
]  # fmt: skip
OF_LINES = {
    "empty_line", "long_line", "control_character", "bad_encoding", "open_quote", "bad_quote", "ragged_row",
}  # fmt: skip
ORDER = {"path": "order.csv", "columns": {name: name for name in ("customer_id", "ordered_at", "amount")}}


def take(folder: Path, table: str, rows: list[dict[str, str]], **settings) -> Accounting:
    """Ingest rows of one table, beside one order where the table is another."""
    names = list(rows[0])
    lines = [",".join(f'"{row[name]}"' if row[name] else "" for name in names) for row in rows]
    (folder / f"{table}.csv").write_text("\n".join([",".join(names), *lines]) + "\n")
    (folder / "order.csv").write_text("customer_id,ordered_at,amount\nc,2026-01-01,1\n")
    source = {"path": f"{table}.csv", "columns": {name: name for name in names}, "max_bad_share": 1.0, **settings}
    given = parse(Sources, {"orders": ORDER, table: source}, "test")
    done = ingest(given, folder, folder / "out", "UTC", RECEIVED, "EUR")
    return next(each for each in done if each.table == table)


def written(folder: Path, table: str) -> list[dict]:
    return store.read_table(folder / "out" / f"{table}.parquet").to_pylist()


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type]


def test_good_rows_are_rows_of_their_table(tmp_path):
    assert GOOD.keys() == CONTRACTS.keys()
    for table, row in GOOD.items():
        assert row.keys() == {column.name for column in CONTRACTS[table]}, table
        assert take(tmp_path, table, [row]) == Accounting(table, 1, 1, 0, 0, {})


@pytest.mark.parametrize(("table", "wrong", "code", "detail"), FAULTS)
def test_fault(tmp_path, table, wrong, code, detail):
    """The row at fault is refused with its code and sentence; the good one beside it is not."""
    assert take(tmp_path, table, [{**GOOD[table], **wrong}, GOOD[table]]) == Accounting(table, 2, 1, 0, 1, {code: 1})
    (refused,) = written(tmp_path, "quarantine")
    assert (refused["line"], refused["reason"], refused["detail"]) == (2, code, detail)


def test_every_code_has_its_row():
    """Those of lines that are no rows have theirs in test_text_lines and test_json_lines."""
    ours = {code for code, sentence in REASONS.items() if "{source}" in sentence}
    assert ours == {code for _, _, code, _ in FAULTS}
    assert len(ours) >= 30
    assert REASONS.keys() - ours >= OF_LINES


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("tickets", ("c", at(2026, 1, 2), at(2026, 1, 3), "t", at(2026, 1, 4), None, "late", 5.0, None)),
        ("surveys", ("c", at(2026, 1, 2), at(2026, 1, 3), "nps", 10.0)),
        ("subscriptions", ("c", at(2026, 1, 2), at(2026, 1, 3), "s", at(2027, 1, 2), None, "gold", 999, "P1M", 1, None)),
        ("payments", ("c", at(2026, 1, 2), at(2026, 1, 3), "p", "failed", 999, "no funds", at(2027, 12, 31))),
        ("customers", ("c", at(2026, 1, 2), at(2026, 1, 3), "DE", "de", "a@example.org", "+49 1", "A", "B", "C", "D", "1", 500)),
        ("consents", ("c", "email", "marketing", "granted", at(2026, 1, 3), "form")),
        ("suppressions", ("c", None, at(2026, 1, 3), "asked")),
        ("outcomes", ("x", "c", at(2026, 1, 2), at(2026, 1, 3), "clicked", 1.0)),
        ("orders", ("o", "c", at(2026, 1, 2), at(2026, 1, 3), 1000, 100, 2, 1, "web", 0)),
        ("order_categories", ("c", "o", at(2026, 1, 2), at(2026, 1, 3), "tea")),
        ("order_products", ("c", "o", at(2026, 1, 2), at(2026, 1, 3), "p")),
    ],
)  # fmt: skip
def test_what_is_written_of_a_good_row(tmp_path, table, row):
    source = "orders" if table.startswith("order") else table
    take(tmp_path, source, [GOOD[source]])
    assert [tuple(each.values()) for each in written(tmp_path, table)] == [row]


@pytest.mark.parametrize(
    ("words", "flag"),
    [("1 true T YES y", 1), ("0 False f no N", 0)],
)
def test_words_of_a_flag(tmp_path, words, flag):
    rows = [{**GOOD["subscriptions"], "subscription_id": word, "auto_renew": word} for word in words.split()]
    take(tmp_path, "subscriptions", rows)
    assert [row["auto_renew"] for row in written(tmp_path, "subscriptions")] == [flag] * 5


@pytest.mark.parametrize(
    ("period", "kept"),
    [("P1M", "P1M"), ("P12M", "P12M"), ("P1Y", "P1Y"), ("P30D", "P30D"), ("P2W", "P14D"), ("", None), ("P0M", "bad_period"), ("P1M2D", "bad_period"), ("PT1H", "bad_period")],
)  # fmt: skip
def test_periods(tmp_path, period, kept):
    take(tmp_path, "subscriptions", [{**GOOD["subscriptions"], "period": period}])
    rows, refused = written(tmp_path, "subscriptions"), written(tmp_path, "quarantine")
    assert [row["period"] for row in rows] + [row["reason"] for row in refused] == [kept]


@pytest.mark.parametrize(
    ("expires", "day"),
    [("02/28", (2028, 2, 29)), ("2/27", (2027, 2, 28)), ("12/2026", (2026, 12, 31)), ("2027-04", (2027, 4, 30)), ("2027-04-15", (2027, 4, 15))],
)  # fmt: skip
def test_days_a_card_expires(tmp_path, expires, day):
    """The midnight that begins its last day, in the business's zone."""
    take(tmp_path, "payments", [{**GOOD["payments"], "card_expires": expires}], time_zone="America/New_York")
    assert [row["card_expires"].date() for row in written(tmp_path, "payments")] == [dt.date(*day)]
    assert {row["card_expires"].hour for row in written(tmp_path, "payments")} <= {4, 5}


def test_values_in_the_words_of_the_source(tmp_path):
    """Words are compared as the file writes them; those of the contract need no translation."""
    words = ["declined", "OK", "Failed", "Declined"]
    rows = [{**GOOD["payments"], "payment_id": word, "status": word} for word in words]
    take(tmp_path, "payments", rows, values={"status": {"declined": "failed", "OK": "succeeded"}})
    assert [(row["payment_id"], row["status"]) for row in written(tmp_path, "payments")] == [
        ("Failed", "failed"), ("OK", "succeeded"), ("declined", "failed"),
    ]  # fmt: skip
    assert [row["reason"] for row in written(tmp_path, "quarantine")] == ["unknown_status"]


def test_a_ticket_comes_again_when_it_is_resolved_and_rated(tmp_path):
    """Each end is kept with the moment it became known; what was there stays as first recorded."""
    empty = {**GOOD["tickets"], "resolved_at": "", "csat": "", "recorded_at": "2026-01-02"}
    resolved = {**empty, "resolved_at": "2026-01-04", "topic": "other", "recorded_at": "2026-01-10"}
    rated = {**resolved, "resolved_at": "2026-01-05", "csat": "2", "recorded_at": "2026-01-20"}
    assert take(tmp_path, "tickets", [rated, empty, resolved]) == Accounting("tickets", 3, 3, 0, 0, {})
    assert [tuple(row.values()) for row in written(tmp_path, "tickets")] == [
        ("c", at(2026, 1, 2), at(2026, 1, 2), "t", at(2026, 1, 4), at(2026, 1, 10), "late", 2.0, at(2026, 1, 20)),
    ]


def test_a_subscription_comes_again_when_it_ends(tmp_path):
    begun = {**GOOD["subscriptions"], "ended_at": "", "cancel_reason": ""}
    ended = {**begun, "ended_at": "2026-02-02", "cancel_reason": "moved", "price": "1", "recorded_at": "2026-02-01"}
    again = {**begun, "started_at": "2026-02-02", "plan": "silver", "recorded_at": "2026-02-02"}
    take(tmp_path, "subscriptions", [ended, again, begun])
    assert [tuple(row.values())[1:] for row in written(tmp_path, "subscriptions")] == [
        (at(2026, 1, 2), at(2026, 1, 3), "s", at(2026, 2, 2), at(2026, 2, 1), "gold", 999, "P1M", 1, "moved"),
        (at(2026, 2, 2), at(2026, 2, 2), "s", None, None, "silver", 999, "P1M", 1, None),
    ]


def test_a_payment_has_one_row_a_state(tmp_path):
    pending = {**GOOD["payments"], "status": "pending"}
    rows = [
        pending,
        {**pending, "recorded_at": "2026-01-09"},
        {**pending, "status": "refunded", "recorded_at": "2026-02-03"},
    ]
    assert take(tmp_path, "payments", rows).accepted == 3
    assert [(row["status"], row["recorded_at"]) for row in written(tmp_path, "payments")] == [
        ("pending", at(2026, 1, 3)), ("refunded", at(2026, 2, 3)),
    ]  # fmt: skip


def test_a_customer_has_a_row_for_each_thing_known(tmp_path):
    moved = {**GOOD["customers"], "country": "FR", "recorded_at": "2026-02-01"}
    take(tmp_path, "customers", [moved, GOOD["customers"], {**moved, "country": "IT"}])
    assert [(row["country"], row["recorded_at"]) for row in written(tmp_path, "customers")] == [
        ("DE", at(2026, 1, 3)), ("FR", at(2026, 2, 1)),
    ]  # fmt: skip
    assert [row["reason"] for row in written(tmp_path, "quarantine")] == ["conflicting_customer"]


@pytest.mark.parametrize(
    ("wrong", "due"),
    [
        ({"ordered_at": "2026-03-05", "recorded_at": ""}, "2026-03-05T00:00:00+00:00"),
        ({"recorded_at": "2026-03-04"}, "2026-03-04T00:00:00+00:00"),
        ({"ordered_at": "2026-03-02", "recorded_at": "2026-03-04"}, "2026-03-04T00:00:00+00:00"),
        ({"amount": "?", "recorded_at": "2026-03-04"}, None),
        ({}, None),
    ],
)
def test_when_a_row_that_lies_ahead_can_be_taken_in(tmp_path, wrong, due):
    later = {
        **GOOD["orders"],
        "order_id": "later",
        "ordered_at": "2026-03-10",
        "recorded_at": "" if due else "2026-03-01",
    }
    rows = [{**GOOD["orders"], **wrong}, *([later] if due else [])]
    assert take(tmp_path, "orders", rows).next_future == due


def test_one_table_of_two_is_needed(tmp_path):
    """Subscriptions alone are a project too."""
    (tmp_path / "s.csv").write_text("who,since\nc,2026-01-01\n")
    source = {"path": "s.csv", "columns": {"customer_id": "who", "started_at": "since"}}
    given = parse(Sources, {"subscriptions": source}, "test")
    assert ingest(given, tmp_path, tmp_path / "out", "UTC", RECEIVED)[0].accepted == 1
    assert sorted(path.name for path in (tmp_path / "out").glob("*.parquet")) == [
        "quarantine.parquet",
        "subscriptions.parquet",
    ]
