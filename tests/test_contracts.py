"""The contracts: what may be mapped, and that the data dictionary says what they say."""

# Rows of literal tables stay on one line.

from __future__ import annotations

from pathlib import Path

import pytest

from winback.config import Source, Sources
from winback.errors import ConfigError
from winback.facts.intake.contracts import CONTRACTS, REASONS, TABLES, mapping_of
from winback.facts.intake.dictionary import BEGIN, END, dictionary
from winback.facts.intake.tables import schema_of
from winback.toml_files import parse

THREE = {"customer_id": "c", "ordered_at": "d", "amount": "a"}


def source(columns: dict, **settings) -> Source:
    return parse(Sources, {"orders": {"path": "o.csv", "columns": columns, **settings}}, "x").orders


def test_dictionary_is_what_the_contracts_say(tree: Path):
    page = (tree / "data" / "README.md").read_text("utf-8")
    assert page.split(BEGIN)[1].split(END)[0].strip() == dictionary().strip()


def test_every_column_and_reason_is_a_sentence_in_the_dictionary():
    page = dictionary()
    for columns in (*CONTRACTS.values(), *TABLES.values()):
        for column in columns:
            assert f"| {column.name}{' *' * column.required} | {column.kind} |" in page
            assert column.meaning.endswith((".", "...")), column
    assert all(f"| {code} |" in page for code in REASONS)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "orders",
            (
                "order_id:string customer_id:string ordered_at:timestamp[us, tz=UTC] recorded_at:timestamp[us, tz=UTC] "
                "amount_cents:int64 discount_cents:int64 quantity:int64 line_count:int64 channel:string part:int64"
            ),
        ),
        (
            "order_categories",
            (
                "customer_id:string order_id:string ordered_at:timestamp[us, tz=UTC] "
                "recorded_at:timestamp[us, tz=UTC] category:string"
            ),
        ),
        (
            "events",
            (
                "customer_id:string occurred_at:timestamp[us, tz=UTC] recorded_at:timestamp[us, tz=UTC] "
                "kind:string value:double"
            ),
        ),
        (
            "contacts",
            (
                "customer_id:string contacted_at:timestamp[us, tz=UTC] recorded_at:timestamp[us, tz=UTC] "
                "campaign:string channel:string"
            ),
        ),
        ("quarantine", "table:string file:string line:int64 reason:string detail:string raw:string"),
    ],
)
def test_written_columns(table, columns):
    assert " ".join(f"{field.name}:{field.type}" for field in schema_of(table)) == columns


def test_mapping_is_in_the_contracts_order():
    columns = {"category": {"value": "all"}, "discount": ["x", "y"], **THREE}
    mapping = mapping_of("orders", source(columns))
    assert {name: mapped.parts for name, mapped in mapping.items()} == {
        "customer_id": ("c",),
        "ordered_at": ("d",),
        "amount": ("a",),
        "discount": ("x", "y"),
        "category": ({"value": "all"},),
    }


@pytest.mark.parametrize(
    ("table", "columns", "settings", "message"),
    [
        (
            "orders",
            {**THREE, "custmer_id": "c"},
            {},
            "[sources.orders.columns] custmer_id: no such column of orders. Did you mean 'customer_id'?",
        ),
        (
            "contacts",
            {"customer_id": "c", "contacted_at": "d", "zzz": "z"},
            {},
            (
                "[sources.contacts.columns] zzz: no such column of contacts. "
                "Known: campaign, channel, contacted_at, customer_id, recorded_at."
            ),
        ),
        (
            "orders",
            {"customer_id": "c"},
            {},
            (
                "[sources.orders.columns] maps customer_id but orders also needs ordered_at, amount; "
                'write for example ordered_at = "column of o.csv"'
            ),
        ),
        (
            "orders",
            THREE,
            {"grain": "line"},
            (
                "[sources.orders.columns] maps customer_id, ordered_at, amount but orders also needs order_id; "
                'write for example order_id = "column of o.csv"'
            ),
        ),
        (
            "events",
            {"customer_id": "c", "occurred_at": "d", "kind": "k"},
            {"grain": "line"},
            '[sources.events] grain = "line" is for orders only; leave it out',
        ),
        (
            "orders",
            {**THREE, "customer_id": ["c", "e"]},
            {},
            "[sources.orders.columns] customer_id: only numbers can be added up; came ['c', 'e']. Name one column",
        ),
        (
            "orders",
            {**THREE, "amount": []},
            {},
            "[sources.orders.columns] amount: a sum needs at least one column; came []",
        ),
        (
            "orders",
            {**THREE, "channel": {}},
            {},
            (
                '[sources.orders.columns] channel: a constant is written { value = "..." }, '
                'a product { product = ["...", "..."] }; came {}'
            ),
        ),
    ],
)
def test_mapping_that_cannot_be_used(table, columns, settings, message):
    with pytest.raises(ConfigError) as error:
        mapping_of(table, source(columns, **settings))
    assert str(error.value) == message
