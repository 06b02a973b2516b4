"""The builder that the other tests write their logs with."""

import doctest

import pandas as pd
import pyarrow as pa
import pytest

import history
from history import contacts, events, instant, orders


def rows(frame: pd.DataFrame) -> list[tuple]:
    """The rows with every null as None."""
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(instant(text))


def test_its_examples_hold():
    """The doctests of the module say what it does."""
    outcome = doctest.testmod(history)
    assert outcome.attempted >= 3
    assert outcome.failed == 0


def test_an_order_has_every_column_of_the_ingested_table():
    """Later rows of the line may come first in time; the table is sorted all the same."""
    log = orders(
        "b: 2026-01-09T13:00+02:00 12.5 discount=0.29 quantity=3 lines=2 channel=web id=x @2026-01-11,"
        "2026-01-03 4; a: 2026-02-01 0.1"
    )
    assert rows(log) == [
        ("a-1", "a", at("2026-02-01"), at("2026-02-01"), 10, None, None, 1, None, 0),
        ("b-2", "b", at("2026-01-03"), at("2026-01-03"), 400, None, None, 1, None, 0),
        ("x", "b", at("2026-01-09T11:00"), at("2026-01-11"), 1250, 29, 3, 2, "web", 0),
    ]


def test_events_and_contacts():
    """What is left out is null."""
    assert rows(events("c: 2026-01-02 visit, 2026-01-01T08:30 score 2.5 @2026-01-04")) == [
        ("c", at("2026-01-01T08:30"), at("2026-01-04"), "score", 2.5),
        ("c", at("2026-01-02"), at("2026-01-02"), "visit", None),
    ]
    assert rows(contacts("c: 2026-01-01, 2026-01-02 spring, 2026-01-03 spring email")) == [
        ("c", at("2026-01-01"), at("2026-01-01"), None, None),
        ("c", at("2026-01-02"), at("2026-01-02"), "spring", None),
        ("c", at("2026-01-03"), at("2026-01-03"), "spring", "email"),
    ]


@pytest.mark.parametrize("line", ["", "c: 2026-01-01 5", " ; c:2026-01-01 5 ; "])
def test_types_are_those_of_the_files(line: str):
    """An empty log has the same types as a full one, and nulls stay whole numbers."""
    schema = pa.Schema.from_pandas(orders(line), preserve_index=False)
    assert schema.field("ordered_at").type == schema.field("recorded_at").type == pa.timestamp("us", tz="UTC")
    assert [schema.field(name).type for name in ("amount_cents", "discount_cents", "quantity")] == [pa.int64()] * 3
    assert pa.types.is_large_string(schema.field("channel").type)


def test_a_misspelt_word_is_not_ignored():
    with pytest.raises(AssertionError, match=r"an order knows no \['chanel'\]"):
        orders("c: 2026-01-01 5 chanel=web")
