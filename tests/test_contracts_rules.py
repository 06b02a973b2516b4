"""Wide exports by mapping and declared rules alone: what is left out, what is a return, amounts as products."""

# Rows of literal tables stay on one line.
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winback import store
from winback.config import Sources
from winback.errors import ConfigError, SourceError
from winback.facts.intake.ingest import Accounting, ingest
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
INVOICES = (
    HEADER
    + """536365,85123A,HEART HOLDER,6,01/12/2025 08:26,2.55,17850,United Kingdom
536365,71053,METAL LANTERN,6,01/12/2025 08:26,3.39,17850,United Kingdom
536365,POST,POSTAGE,1,01/12/2025 08:26,18.00,17850,United Kingdom
536366,22633,HAND WARMER,6,01/12/2025 08:28,1.85,,France
536367,84879,BIRD,32,01/12/2025 08:34,1.69,13047,United Kingdom
C536368,22633,HAND WARMER,-1,02/12/2025 09:41,1.85,17850,United Kingdom
C536369,D,Discount,-1,02/12/2025 09:41,27.50,14527,United Kingdom
A506401,B,Adjust bad debt,1,02/12/2025 13:39,-53594.36,,United Kingdom
536370,21035,SET,0.5,02/12/2025 10:00,0.015,13047,United Kingdom
536371,21035,SET,3,02/12/2025 10:01,x,13047,United Kingdom
536372,21035,,-3,02/12/2025 10:02,0,13047,United Kingdom
536367,84879,BIRD,32,01/12/2025 08:34,1.69,13047,United Kingdom
C536373,84879,BIRD,32,03/12/2025 08:34,1.69,13047,United Kingdom
"""
)
SHOP = {
    "path": "invoices.csv",
    "grain": "line",
    "date_format": "%d/%m/%Y %H:%M",
    "max_bad_share": 1.0,
    "columns": {
        "order_id": "Invoice",
        "customer_id": "Customer ID",
        "ordered_at": "InvoiceDate",
        "amount": {"product": ["Quantity", "Price"]},
        "quantity": "Quantity",
        "product_id": "StockCode",
    },
    "rules": [
        {"column": "Customer ID", "missing": True, "then": "leave_out"},
        {"column": "StockCode", "equals": ["POST", "D", "M", "BANK CHARGES"], "then": "leave_out"},
        {"column": "Invoice", "starts_with": "C", "then": "return"},
    ],
}


def take(folder: Path, content: str, source: dict, **others: dict) -> list[Accounting]:
    (folder / "invoices.csv").write_text(content)
    given = parse(Sources, {"orders": source, **others}, "test")
    return ingest(given, folder, folder / "out", "UTC", RECEIVED)


def out(folder: Path, table: str, *columns: str) -> list[tuple]:
    return [
        tuple(row.values()) for row in store.read_table(folder / "out" / f"{table}.parquet").select(columns).to_pylist()
    ]


def test_a_shop_s_invoices(tmp_path):
    accounting = take(tmp_path, INVOICES, SHOP)
    assert out(tmp_path, "orders", "customer_id", "order_id", "amount_cents", "quantity", "line_count", "part") == [
        ("13047", "536367", 5408, 32, 1, 0),
        ("13047", "536370", 1, 1, 1, 0),
        ("13047", "C536373", -5408, 32, 1, 0),
        ("17850", "536365", 3564, 12, 2, 0),
        ("17850", "C536368", -185, -1, 1, 0),
    ]
    assert out(tmp_path, "order_products", "order_id", "product_id") == [
        ("536367", "84879"), ("536370", "21035"), ("C536373", "84879"),
        ("536365", "71053"), ("536365", "85123A"), ("C536368", "22633"),
    ]  # fmt: skip
    assert out(tmp_path, "quarantine", "line", "reason", "detail") == [
        (11, "bad_amount", "amount needs a plain number such as 1234.50: columns 'Quantity', 'Price' holds '3', 'x'"),
        (
            12,
            "negative_quantity",
            "quantity is below zero, but not the amount: columns 'Quantity', 'Quantity', 'Price' hold '-3', '-3', '0'",
        ),
    ]
    left_out = {"Customer ID is missing": 2, "StockCode equals POST, D, M, BANK CHARGES": 2}
    assert accounting == [Accounting("orders", 13, 6, 1, 2, {"bad_amount": 1, "negative_quantity": 1}, left_out)]


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ({"equals": "C"}, ["C"]),
        ({"equals": ["C", "-1"]}, ["C", "-1"]),
        ({"other_than": ["AB", "-1", "2.5"]}, ["C", "", "NULL"]),
        ({"starts_with": ["A", "-"]}, ["AB", "-1"]),
        ({"below": 2.5}, ["-1"]),
        ({"missing": True}, ["", "NULL"]),
    ],
)
def test_rules(tmp_path, rule, left):
    """Compared with the value as a text without the blanks around it; a number where it is one."""
    values = ["AB", "C", "-1", "2.5", "", "NULL"]
    rows = "".join(f"{value} ,c{number},2026-01-0{number + 1},1\n" for number, value in enumerate(values))
    source = {
        "path": "invoices.csv",
        "columns": {"customer_id": "who", "ordered_at": "when", "amount": "much"},
        "rules": [{"column": "what", "then": "leave_out", **rule}],
    }
    (accounting,) = take(tmp_path, "what,who,when,much\n" + rows, source)
    kept = {customer for (customer,) in out(tmp_path, "orders", "customer_id")}
    assert [value for number, value in enumerate(values) if f"c{number}" not in kept] == left
    assert list(accounting.left_out.values()) == [len(left)]
    assert (accounting.accepted, accounting.quarantined) == (6 - len(left), 0)


def test_the_first_rule_that_holds_counts_and_comes_before_any_fault(tmp_path):
    rules = [
        {"column": "state", "other_than": ["paid"], "then": "leave_out"},
        {"column": "who", "missing": True, "then": "leave_out"},
    ]
    rows = "state,who,when,much\nvoid,,x,y\npaid,,x,y\npaid,c,2026-01-01,1\npaid,c,x,1\n"
    source = {
        "path": "invoices.csv", "max_bad_share": 1.0, "rules": rules,
        "columns": {"customer_id": "who", "ordered_at": "when", "amount": "much"},
    }  # fmt: skip
    assert take(tmp_path, rows, source) == [
        Accounting("orders", 4, 1, 0, 1, {"bad_date": 1}, {"state is other than paid": 1, "who is missing": 1})
    ]


@pytest.mark.parametrize(
    ("columns", "amounts", "cents"),
    [
        ({"product": ["q", "p"]}, [("3", "0.335"), ("-1", "2.5"), ("1e3", "0.001")], [101, -250, 100]),
        ({"product": ["p", 0.01]}, [("", "1250"), ("", "-50")], [1250, -50]),
        ({"product": ["p", -1]}, [("", "12.50"), ("", "-1")], [-1250, 100]),
        ({"product": ["q", "p", 100]}, [("0.333333", "3")], [10000]),
        ({"product": ["q", "p"]}, [("999999999", "999"), ("0.000001", "999999999999")], [99899999900100, 100000000]),
    ],
)
def test_products_are_exact(tmp_path, columns, amounts, cents):
    """Cents come from the exact product, halves away from zero; a number in it is a unit or a sign."""
    rows = "".join(f"c{number},2026-01-01,{q},{p}\n" for number, (q, p) in enumerate(amounts))
    source = {"path": "invoices.csv", "columns": {"customer_id": "who", "ordered_at": "when", "amount": columns}}
    take(tmp_path, "who,when,q,p\n" + rows, source)
    assert [amount for (amount,) in out(tmp_path, "orders", "amount_cents")] == cents


def test_products_of_typed_columns_and_too_large_ones(tmp_path):
    data = {"who": ["a", "b", "c"], "when": ["2026-01-01"] * 3, "q": [3, 10**9, 1], "p": [0.335, 1e9, float("nan")]}
    pq.write_table(pa.table(data), tmp_path / "o.parquet")
    columns = {"customer_id": "who", "ordered_at": "when", "amount": {"product": ["q", "p"]}}
    source = {"path": "o.parquet", "columns": columns, "max_bad_share": 1.0}
    take(tmp_path, "", source)
    assert out(tmp_path, "orders", "customer_id", "amount_cents") == [("a", 101)]
    assert out(tmp_path, "quarantine", "line", "reason") == [(2, "impossible_number"), (3, "missing_amount")]


def test_a_return_by_flag_or_rule_is_below_zero_once(tmp_path):
    rows = "who,when,much,back\na,2026-01-01,5,yes\nb,2026-01-01,-5,1\nc,2026-01-01,5,no\nd,2026-01-01,5,\ne,2026-01-01,-5,0\n"
    columns = {"customer_id": "who", "ordered_at": "when", "amount": "much", "is_return": "back"}
    source = {
        "path": "invoices.csv",
        "columns": columns,
        "rules": [{"column": "back", "equals": "1", "then": "return"}],
    }
    take(tmp_path, rows, source)
    assert out(tmp_path, "orders", "customer_id", "amount_cents") == [
        ("a", -500), ("b", -500), ("c", 500), ("d", 500), ("e", -500),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ({"rules": [{"column": "x", "missing": True, "then": "leave_out"}]}, SourceError, "invoices.csv has no column 'x', which the mapping names; it has 'who', 'when', 'much'. Correct the name in the configuration, or the header of the file"),
        ({"values": {"amount": {}, "colour": {}}}, ConfigError, "[sources.orders.values] colour: no such column of orders. Known: amount, category, channel, currency, customer_id, discount, is_return, order_id, ordered_at, product_id, quantity, recorded_at."),
        ({"columns": {"channel": {"product": ["a", "b"]}}}, ConfigError, "[sources.orders.columns] channel: only numbers can be multiplied; came {'product': ('a', 'b')}. Name one column"),
        ({"columns": {"discount": {"product": [1, 2]}}}, ConfigError, "[sources.orders.columns] discount: a product needs at least one column; came [1.0, 2.0]"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed(tmp_path, source, error, message):
    columns = {"customer_id": "who", "ordered_at": "when", "amount": "much", **source.pop("columns", {})}
    with pytest.raises(error) as raised:
        take(tmp_path, "who,when,much\n", {"path": "invoices.csv", "columns": columns, **source})
    assert str(raised.value) == message


def test_only_orders_come_back(tmp_path):
    events = {
        "path": "invoices.csv",
        "columns": {"customer_id": "who", "occurred_at": "when", "kind": {"value": "x"}},
        "rules": [{"column": "who", "equals": "a", "then": "return"}],
    }
    orders = {"path": "invoices.csv", "columns": {"customer_id": "who", "ordered_at": "when", "amount": "much"}}
    with pytest.raises(ConfigError) as raised:
        take(tmp_path, "who,when,much\n", orders, events=events)
    assert str(raised.value) == "[sources.events] rules: then = \"return\" is for orders only; came 'who equals a'"


def test_a_word_that_the_contract_does_not_know(tmp_path):
    payments = {
        "path": "invoices.csv",
        "columns": {"customer_id": "who", "attempted_at": "when", "status": "much"},
        "values": {"status": {"declined": "fail"}},
    }
    orders = {"path": "invoices.csv", "columns": {"customer_id": "who", "ordered_at": "when", "amount": "much"}}
    with pytest.raises(ConfigError) as raised:
        take(tmp_path, "who,when,much\n", orders, payments=payments)
    assert str(raised.value) == "[sources.payments.values] status is never 'fail'. Did you mean 'failed'?"
