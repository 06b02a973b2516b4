"""Rules over what customers did: how they are written, both ends of the window, and the refusals."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from history import events, orders
from label_logs import payments, subscriptions
from winback import store
from winback.errors import ConfigError, NotEnoughData, WindowNotRecorded
from winback.facts.labels.labels import cohort_at
from winback.facts.labels.rule_labels import STREAMS, Rule, leaves, rule_labels_at
from winback.toml_files import parse

TODAY, CUTOFF = dt.date(2026, 4, 1), dt.date(2026, 2, 1)
BOUGHT = "; ".join(f"{c}: 2026-01-15 1" for c in "abcd")
# Somebody who is seen in every table from early on and to the end.
FEED = "feed: 2026-01-20 {0}, 2026-02-25 {0}, 2026-03-30 {0}"


def rule(text: str) -> Rule:
    """The rule that a line of TOML writes down."""
    return parse(Rule, tomllib.loads(f"churned = {text}")["churned"], "churned")


def holds(facts: Path, text: str, horizon_days: int = 28, zone: str = "UTC") -> set[str]:
    """The customers a rule holds for."""
    asked = cohort_at(facts, [CUTOFF], zone, None)
    return set(asked["customer_id"][rule_labels_at(facts, asked, rule(text), horizon_days, zone, TODAY)]) - {"feed"}


def log(folder: Path, bought: str = "", happened: str = "", ended: str = "") -> Path:
    """Four customers who bought in January, and what is added of them."""
    store.write_table(folder / "orders.parquet", orders(f"{BOUGHT}; {bought}; {FEED.format('1')}"))
    store.write_table(folder / "events.parquet", events(f"{happened}; {FEED.format('visit')}"))
    end = "feed: 2026-01-01 until=2026-01-25, 2026-02-01 until=2026-02-26, 2026-03-01 until=2026-03-30"
    store.write_table(folder / "subscriptions.parquet", subscriptions(f"{ended}; {end}"))
    return folder


DID = '{ did = "events", kind = "cancel_request" }'
DID_NOT = '{ did_not = "orders" }'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DID, {"a", "b"}),
        (DID_NOT, {"a", "d"}),
        (f"{{ all = [{DID_NOT}, {DID}] }}", {"a"}),
        (f"{{ any = [{DID_NOT}, {DID}] }}", {"a", "b", "d"}),
        (f"{{ any = [{{ all = [{DID_NOT}, {DID}] }}, {{ did = 'returns' }}] }}", {"a", "c"}),
        ('{ did = "events", kind = "cancel_request", at_least = 2 }', {"b"}),
        ('{ did_not = "events", kind = "cancel_request", at_least = 2 }', {"a", "c", "d"}),
        ('{ did = "events", kind = ["other", "visit"] }', {"c"}),
        ('{ did = "events" }', {"a", "b", "c"}),
        ('{ did = "orders", channel = "shop" }', {"c"}),
        ('{ did = "subscriptions_ended", cancel_reason = "dear" }', {"d"}),
        ('{ did = "subscriptions" }', {"d"}),
    ],
)
def test_a_rule_holds_for(tmp_path, text, expected):
    facts = log(
        tmp_path,
        "b: 2026-02-10 1 id=b2; c: 2026-02-10 1 channel=shop id=c2, 2026-02-11 -1 id=c3",
        "a: 2026-02-20 cancel_request; b: 2026-02-03 cancel_request, 2026-02-04 cancel_request; c: 2026-02-05 visit",
        "d: 2026-02-02 until=2026-02-20 why=dear",
    )
    assert holds(facts, text) == expected


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        # the window is [2026-02-01, 2026-03-01): its two ends
        ("a: 2026-02-01T00:00 x; b: 2026-01-31T23:59:59.999999 x", {"a"}),
        ("a: 2026-02-28T23:59:59.999999 x; b: 2026-03-01T00:00 x", {"a"}),
        # recorded late, but before today; then today
        ("a: 2026-02-10 x @2026-03-31T23:59; b: 2026-02-10 x @2026-04-01", {"a"}),
    ],
)
def test_a_rule_looks_at_the_half_open_window(tmp_path, happened, expected):
    facts = log(tmp_path, happened=happened)
    assert holds(facts, '{ did = "events", kind = "x" }') == expected
    assert holds(facts, '{ did_not = "events", kind = "x" }') == set("abcd") - expected


def test_a_rule_ends_with_the_shops_day(tmp_path):
    """In New York 2026-03-08 has 23 hours; 36 days from February the first end with it."""
    facts = log(tmp_path, happened="a: 2026-03-09T03:59:59 x; b: 2026-03-09T04:00 x")
    assert holds(facts, '{ did = "events", kind = "x" }', 36, "America/New_York") == {"a"}


def test_labels_follow_the_rows_of_the_cohort(tmp_path):
    facts = log(tmp_path, happened="a: 2026-02-20 x, 2026-03-20 x")
    asked = cohort_at(facts, [CUTOFF, dt.date(2026, 3, 1)], "UTC", None)
    asked = asked[asked["customer_id"].isin(["a", "b"])].iloc[[3, 1, 0]]
    labels = rule_labels_at(facts, asked, rule('{ did = "events", kind = "x" }'), 28, "UTC", TODAY)
    assert labels.name == "churned"
    assert labels.to_dict() == dict(zip(asked.index, [False, True, True], strict=True))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{ did = "event" }', "there is nothing called 'event' to do. Did you mean 'events'?"),
        (
            '{ did = "xyz" }',
            "there is nothing called 'xyz' to do. Known: consents, events, order_categories, order_products, "
            "orders, payments, returns, subscriptions, subscriptions_ended, surveys, tickets.",
        ),
        ('{ did = "contacts" }', "contacts are what we did ourselves; they do not tell who left"),
        ('{ did = "orders", kind = "x" }', "orders have no kind. Known: channel."),
        ('{ did = "payments", plan = "x" }', "payments have no plan. Known: decline_code, status."),
        ("{ }", "write exactly one of all, any, did and did_not (came: none)"),
        (
            '{ did = "orders", did_not = "events" }',
            "write exactly one of all, any, did and did_not (came: did and did_not)",
        ),
        ('{ all = [ { did = "orders" } ], at_least = 2 }', "all holds rules; words and at_least belong into them"),
        ('{ any = [ { did = "orders" } ], kind = "x" }', "any holds rules; words and at_least belong into them"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read(text, fault):
    with pytest.raises(ConfigError) as caught:
        rule(text)
    assert str(caught.value) == f"churned cannot be used:\n  {fault}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{ did = "orders", at_least = 0 }', "at_least: Input should be greater than or equal to 1 (came: 0)"),
        ('{ dit = "orders" }', "dit: unknown key. Did you mean 'did'?"),
        ('{ all = [ { did = "orders", knd = "x" } ] }', "all.0.knd: unknown key."),
    ],
)
def test_a_key_that_is_not_known(text, fault):
    with pytest.raises(ConfigError) as caught:
        rule(text)
    assert fault in str(caught.value)


def test_every_stream_names_columns_that_a_rule_has():
    named = {column for rows in STREAMS.values() for column in rows.columns}
    assert named == {
        name for name in Rule.__dataclass_fields__ if name not in ("all", "any", "did", "did_not", "at_least")
    }


def test_leaves_are_the_parts_that_look_at_rows():
    nested = rule(f"{{ any = [{{ all = [{DID_NOT}, {DID}] }}, {DID}] }}")
    assert [leaf.stream for leaf in leaves(nested)] == ["orders", "events", "events"]


def test_an_open_window_is_refused(tmp_path):
    with pytest.raises(WindowNotRecorded, match="the 60 days from 2026-02-01 end on 2026-04-02, after 2026-04-01"):
        holds(log(tmp_path), DID, 60)
    assert holds(log(tmp_path), DID, 59) == set()


def test_a_table_that_begins_too_late_is_refused(tmp_path):
    facts = log(tmp_path)
    store.write_table(facts / "events.parquet", events("a: 2026-02-02T00:00 visit, 2026-03-30 visit"))
    with pytest.raises(WindowNotRecorded) as caught:
        holds(facts, DID)
    assert str(caught.value) == (
        "the events begin on 2026-02-02, after the cutoff 2026-02-01: who did what in the window from it is not known. "
        "Choose cutoffs from 2026-02-02."
    )
    store.write_table(facts / "events.parquet", events("a: 2026-02-01T23:00 visit, 2026-03-30 visit"))
    assert holds(facts, DID) == set()


@pytest.mark.parametrize(
    ("happened", "longest"),
    [
        ("a: 2026-01-30 x, 2026-02-20T23:00 x", 21),  # was silent for 21 days before, and is now for 8
        ("a: 2026-01-31 x, 2026-02-03 x, 2026-02-21 x @2026-04-01", 7),
    ],
)
def test_a_table_silent_for_longer_than_ever_is_refused(tmp_path, happened, longest):
    facts = log(tmp_path)
    store.write_table(facts / "events.parquet", events(happened))
    last = dt.date(2026, 2, 20) if longest == 21 else dt.date(2026, 2, 3)
    most = (last - CUTOFF).days + longest
    assert holds(facts, DID, most) == set()
    with pytest.raises(WindowNotRecorded) as caught:
        holds(facts, DID, most + 1)
    assert str(caught.value) == (
        f"the newest of the events is from {last}, more than {longest} days before the last window ends on "
        f"{CUTOFF + dt.timedelta(days=most + 1)}, which is longer than they were ever silent. Is the feed complete?"
    )


def test_silent_orders_are_refused_as_for_inactivity(tmp_path):
    store.write_table(tmp_path / "orders.parquet", orders(BOUGHT))
    with pytest.raises(WindowNotRecorded, match="the newest order is from 2026-01-15, more than 7 days before"):
        holds(tmp_path, DID_NOT)


def test_a_table_that_is_missing_or_empty_is_refused(tmp_path):
    facts = log(tmp_path)
    with pytest.raises(NotEnoughData) as caught:
        holds(facts, '{ did = "payments", status = "failed" }')
    assert str(caught.value) == (
        "the facts have no table payments, which this question is asked of; map it in [sources.payments]."
    )
    store.write_table(facts / "payments.parquet", payments(""))
    with pytest.raises(NotEnoughData) as caught:
        holds(facts, '{ did = "payments", status = "failed" }')
    assert str(caught.value) == ("no row of payments was recorded before 2026-04-01; check --date and the mapping.")


def test_a_column_that_is_not_mapped_is_refused(tmp_path):
    facts = log(tmp_path)
    store.write_table(facts / "orders.parquet", orders(f"{BOUGHT}; {FEED.format('1')}").drop(columns="channel"))
    with pytest.raises(NotEnoughData) as caught:
        holds(facts, '{ did = "orders", channel = "shop" }')
    assert str(caught.value) == "the orders table has no column channel; map it in [sources.orders.columns]."
