"""Features against numbers worked out by hand; the oracle and the relations are in test_prove.py."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from history import events, facts, orders
from random_features import WORDLESS
from winback import store
from winback.errors import NotEnoughData
from winback.facts.features.declared import Feature, available, builtin, expand, named
from winback.facts.features.table import features_at
from winback.prove.history import schema, write
from winback.prove.making import edges_of
from winback.prove.random_history import random_shop


def shop(folder: Path, placed: str, happened: str = "", kinds: str = "", **further: str) -> Path:
    """A facts folder from readable lines; `kinds` are `order category` pairs, parted by commas."""
    placed_orders = orders(placed)
    store.write_table(folder / "orders.parquet", placed_orders)
    store.write_table(folder / "events.parquet", events(happened))
    pairs = [kind.split() for kind in kinds.split(",") if kind.strip()]
    rows = placed_orders.merge(pd.DataFrame(pairs, columns=["order_id", "category"]), on="order_id")
    names = schema("order_categories").names
    table = pa.Table.from_pandas(rows[names], schema("order_categories"), preserve_index=False)
    store.write_table(folder / "order_categories.parquet", table)
    for name, line in further.items():
        store.write_table(folder / f"{name}.parquet", facts(name, line))
    return folder


def plain(**what: object) -> Feature:
    """A feature that is declared nowhere, to try a kind on another table or window."""
    (feature,) = expand(WORDLESS | {"name": "x"} | what)
    return feature


def values(folder: Path, names: str, *cutoffs: str, zone: str = "UTC") -> list[list[float]]:
    """The named features, in the named order, one row a (customer, cutoff)."""
    known = {f.name: f for f in builtin()}
    days = [dt.date.fromisoformat(c) for c in cutoffs]
    table = features_at(folder, days, zone, [known[name] for name in names.split()])
    return table[names.split()].to_numpy().tolist()


OLD = "old: 2020-01-01 1"  # somebody else's order: the log began long before


@pytest.mark.parametrize(
    ("history", "names", "expected"),
    [
        # Four orders on three days, and a return; 2026-03-02 is the cutoff, a Monday.
        (
            "c: 2026-02-02T10:00 20, 2026-02-12 10, 2026-02-12 5, 2026-02-22 -5, 2026-02-27T12:00 30.50",
            "orders_28d spend_28d order_days_28d orders_7d spend_7d days_since_last_order days_since_order_2",
            [4, 65.5, 3, 1, 30.5, 2.5, 18],
        ),
        (
            "c: 2026-02-02T10:00 20, 2026-02-12 10, 2026-02-12 5, 2026-02-22 -5, 2026-02-27T12:00 30.50",
            "gap_mean_days gap_median_days gap_max_days overdue_median_ratio basket_mean_28d",
            [12.5, 12.5, 15, 0.2, 16.375],
        ),
        # A window is half-open: its first midnight is in it, the cutoff's is not.
        ("c: 2026-02-23 1, 2026-03-02 2", "orders_7d spend_7d orders_total", [1, 1, 1]),
        ("c: 2026-02-22T23:59:59.999999 1, 2026-03-01T23:59:59.999999 2", "orders_7d spend_7d", [1, 2]),
        # 2026-01-05 is the Monday 56 days back; the week of 2025-12-01 is cut by the 90 days' first day.
        # Gaps 1 and 3: spread 1 about a mean of 2; one gap has no spread; none is unknown.
        ("c: 2026-02-01 1, 2026-02-02 1, 2026-02-05 1", "gap_mean_days gap_spread_days", [2, 1]),
        ("c: 2026-02-01 1, 2026-02-05 1", "gap_spread_days gap_p90_days", [0, 4]),
        ("c: 2026-02-01 1, 2026-02-01T05:00 1", "gap_mean_days gap_spread_days", [math.nan, math.nan]),
        # 0.01 more than -1 in the days before: 1.01 over 0.01; exactly -1: over nothing.
        ("c: 2026-01-20 0 id=a, 2026-01-20 -0.99 id=a part=1, 2026-02-20 0.01", "trend_spend_28d", [101]),
        ("c: 2026-01-20 0 id=a, 2026-01-20 -1 id=a part=1, 2026-02-20 4145674.77", "trend_spend_28d", [math.nan]),
        # All on one weekday; on all seven.
        ("c: 2026-02-02 1, 2026-02-09 1", "weekday_evenness_90d weekend_share_90d", [0, 0]),
        (
            "c: " + ", ".join(f"2026-02-{day:02} 1" for day in range(16, 23)),
            "weekday_evenness_90d weekend_share_90d",
            [1, 2 / 7],
        ),
        # 18 o'clock is evening; hours are whole.
        ("c: 2026-02-02T18:00 1, 2026-02-03T17:59:59 1", "evening_share_90d order_hour_mean_90d", [0.5, 17.5]),
        # 2 off 10 and nothing off 8.
        (
            "c: 2026-02-02 8 discount=2 lines=3, 2026-02-03 8",
            "discount_share_28d discounted_orders_share_28d lines_28d lines_mean_28d",
            [2 / 18, 0.5, 4, 2],
        ),
        # Given away and taken back: a list price of nothing has no share of discount.
        (
            "c: 2026-02-02 5 id=a, 2026-02-02 -5 id=a part=1",
            "discount_share_28d spend_28d basket_mean_28d",
            [math.nan, 0, 0],
        ),
        # Nothing in the window.
        ("c: 2025-06-01 5", "orders_28d basket_mean_28d weekend_share_90d trend_orders_28d", [0, *[math.nan] * 2, 1]),
    ],
)
def test_a_value_worked_out_by_hand(tmp_path, history, names, expected):
    folder = shop(tmp_path, f"{history}; {OLD}")
    assert values(folder, names, "2026-03-02")[0] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_categories_are_counted_once_each(tmp_path):
    folder = shop(
        tmp_path,
        f"c: 2026-01-01 1, 2026-02-20 1, 2026-02-21 1; {OLD}",
        kinds="c-1 tea, c-2 tea, c-2 milk, c-3 tea, old-1 tea",
    )
    names = "categories_28d categories_56d categories_90d categories_per_order_28d"
    assert values(folder, names, "2026-02-21", "2026-03-02")[:2] == [[2, 2, 2, 2], [2, 2, 2, 1.5]]
    assert values(folder, names, "2026-01-02", "2026-04-20")[:2] == [
        [1, 1, 1, 1],
        pytest.approx([0, 0, 2, math.nan], nan_ok=True),
    ]


@pytest.mark.parametrize(
    ("zone", "history", "cutoff", "names", "expected"),
    [
        # 23:30 in New York is the next day in UTC: an order of March 7th, and a Saturday.
        ("America/New_York", "c: 2026-03-08T04:30Z 1", "2026-03-08", "weekend_share_90d orders_7d", [1, 1]),
        # The day on which the clocks go forward there has 23 hours, and the one on which they go back 25.
        ("America/New_York", "c: 2026-03-08T05:00Z 1", "2026-03-09", "days_since_last_order", [23 / 24]),
        ("America/New_York", "c: 2025-11-02T04:00Z 1", "2025-11-03", "days_since_last_order", [25 / 24]),
        # Both passes through the repeated hour are one o'clock.
        (
            "America/New_York",
            "c: 2025-11-02T05:30Z 1, 2025-11-02T06:30Z 1",
            "2025-11-03",
            "order_hour_mean_90d order_days_28d",
            [1, 1],
        ),
        # Half an hour of clock change, and half an hour of offset.
        ("Australia/Lord_Howe", "c: 2026-04-04T13:00Z 1", "2026-04-06", "days_since_last_order", [24.5 / 24]),
        ("Asia/Kolkata", "c: 2026-01-01T12:30Z 1", "2026-01-02", "evening_share_90d", [1]),
        ("Asia/Kolkata", "c: 2026-01-01T12:29:59Z 1", "2026-01-02", "evening_share_90d", [0]),
    ],
)
def test_days_and_hours_are_those_of_the_shop(tmp_path, zone, history, cutoff, names, expected):
    folder = shop(tmp_path, f"{history}; {OLD}")
    assert values(folder, names, cutoff, zone=zone)[0] == pytest.approx(expected, rel=1e-12)


def test_a_window_that_was_not_fully_seen_is_unknown(tmp_path):
    """The log of orders begins on January 1st; that of events on February 1st, by somebody who never bought."""
    folder = shop(tmp_path, "a: 2026-01-01T15:00 7, 2026-02-20 1", "x: 2026-02-01 visit; a: 2026-02-20 visit")
    names = "orders_28d trend_orders_14d engagements_28d engagements_total orders_per_week_180d"
    unknown = math.nan
    assert values(folder, names, "2026-01-28", "2026-01-29", "2026-02-28", "2026-03-01") == [
        pytest.approx([unknown, unknown, unknown, 0, 7 / 27], nan_ok=True),
        pytest.approx([1, 1 / 2, unknown, 0, 7 / 28], nan_ok=True),
        pytest.approx([1, 2, unknown, 1, 2 * 7 / 58], nan_ok=True),
        pytest.approx([1, 2, 1, 1, 2 * 7 / 59], nan_ok=True),
    ]


def test_a_log_begins_where_it_was_known_to_begin(tmp_path):
    """b's old order was recorded on March 1st: until then nobody could know of a longer log."""
    folder = shop(tmp_path, "a: 2026-02-10 1; b: 2026-01-01 1 @2026-03-01T00:00")
    table = features_at(folder, [dt.date(2026, 3, 1), dt.date(2026, 3, 2)], "UTC", named(["orders_28d"]))
    assert table["customer_id"].tolist() == ["a", "a", "b"]
    assert table["orders_28d"].tolist() == pytest.approx([math.nan, 1, 0], nan_ok=True)


def test_less_than_a_week_is_not_blown_up_to_one(tmp_path):
    folder = shop(tmp_path, "a: 2026-03-01 70")
    names = "orders_per_week orders_per_week_180d spend_per_week"
    assert values(folder, names, "2026-03-02", "2026-03-08", "2026-03-15") == [
        [1, 1, 70],
        [1, 1, 70],
        [1 / 2, 1 / 2, 35],
    ]


def test_rows_and_columns(tmp_path):
    """Sorted; only who had ordered; each cutoff once, as the instant its day begins; the asked columns."""
    folder = shop(tmp_path, "b: 2026-01-02 1; a: 2026-01-01 1, 2026-01-05 1; c: 2026-02-01 1", "z: 2026-01-01 visit")
    days = [dt.date(2026, 1, 3), dt.date(2026, 1, 2), dt.date(2026, 1, 3)]
    table = features_at(folder, days, "Asia/Kolkata", named(["engagements_total", "orders_total"])[::-1])
    assert table.columns.tolist() == ["customer_id", "cutoff", "engagements_total", "orders_total"]
    assert [*map(str, table.dtypes)] == ["str", "datetime64[us, UTC]", "float64", "float64"]
    assert table.astype(str).to_numpy().tolist() == [
        ["a", "2026-01-01 18:30:00+00:00", "0.0", "1.0"],
        ["a", "2026-01-02 18:30:00+00:00", "0.0", "1.0"],
        ["b", "2026-01-02 18:30:00+00:00", "0.0", "1.0"],
    ]


def test_a_feature_does_not_depend_on_the_others_asked_for(tmp_path):
    history = random_shop(3, edges_of(builtin()), 2)
    folder = write(history, tmp_path)
    together = features_at(folder, history.cutoffs, history.zone, builtin())
    for some in (builtin()[::5], builtin()[1::7], named(["categories_28d"]), named(["engagements_total"])):
        alone = features_at(folder, history.cutoffs, history.zone, some)
        pd.testing.assert_frame_equal(alone, together[alone.columns], check_exact=True)


def test_without_features_the_keys_are_left(tmp_path):
    folder = shop(tmp_path, "b: 2026-01-02 1; a: 2026-01-01 1")
    table = features_at(folder, [dt.date(2026, 2, 1)], "UTC", [])
    assert table["customer_id"].tolist() == ["a", "b"]


@pytest.mark.parametrize("placed", ["", "a: 2026-02-01 1", "a: 2026-01-31 1 @2026-02-01"])
def test_nobody_to_speak_of(tmp_path, placed):
    """No order; one on the cutoff; one recorded on it."""
    folder = shop(tmp_path, placed, "a: 2026-01-01 visit")
    with pytest.raises(NotEnoughData) as caught:
        features_at(
            folder,
            [dt.date(2026, 2, 1), dt.date(2026, 1, 1)],
            "UTC",
            available({"orders", "events", "order_categories"}),
        )
    assert str(caught.value) == ("no customer has an order before 2026-02-01; check the mapping of ordered_at.")


def test_spans_customers_and_files_do_no_harm(tmp_path, monkeypatch):
    """Customers in several parts, and a part without anybody who ordered."""
    placed = "a: 2026-01-01 1, 2026-01-02 1; b: 2026-01-01 1; c: 2026-03-01 1; d: 2026-01-03 1"
    folder = shop(tmp_path, placed, "c: 2026-01-01 visit", kinds="a-1 tea, a-2 tea")
    some = named(["orders_total", "categories_28d", "engagements_total", "days_since_last_order"])
    whole = features_at(folder, [dt.date(2026, 2, 1)], "UTC", some)
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 1)
    store.write_table(folder / "orders.parquet", orders(placed), together="customer_id")
    split = features_at(folder, [dt.date(2026, 2, 1)], "UTC", some)
    pd.testing.assert_frame_equal(split, whole)


# An order each on the days 2026-03-02 minus 3, 10, 17, 40, 45 and 380.
RATINGS, RISES = "ticket_ratings", {"kind": "rises", "measure": "price"}
TWICE = "2026-02-20 topic=b, 2026-02-21 topic=b"
ORDERED = "c: 2025-02-15 1, 2026-01-16 5, 2026-01-21 5, 2026-02-13 10, 2026-02-20 20, 2026-02-27 40"


@pytest.mark.parametrize(
    ("further", "told", "expected"),
    [
        ({}, {"kind": "acceleration", "window": 14}, 2 - 2 * 1 + 1),
        ({}, {"kind": "acceleration", "window": 14, "measure": "spend"}, 60 - 2 * 10 + 5),
        ({}, {"kind": "spans", "window": 7, "n": 4}, 3 / 4),
        ({}, {"kind": "spans", "window": 7, "n": 4, "lag": 21}, 2 / 4),
        ({}, {"kind": "total", "window": 28, "lag": 364}, 1),
        ({}, {"kind": "total", "window": 28, "lag": 20}, 2),
        ({}, {"kind": "mean", "window": 28, "lag": 20, "measure": "spend"}, 5),
        # Gaps 335, 5, 23, 7, 7; with one more of 30 days.
        ({}, {"kind": "overdue_prior", "prior": 30.0}, 3 / ((377 + 30) / 6)),
        ({}, {"kind": "last", "measure": "spend", "n": 2}, 20),
        ({}, {"kind": "change", "measure": "spend"}, 20),
        ({}, {"kind": "rises", "measure": "spend", "window": 40}, 3),
        ({}, {"kind": "evenness", "window": 28}, 0),
    ]
    + [
        (
            {"tickets": f"old: 2020-01-01; c: {line}"},
            {"table": table, **told},
            expected,
        )
        for line, table, told, expected in [
            (f"2026-01-01 topic=a, {TWICE}", "tickets", {"kind": "new_values", "window": 28}, 1),
            (f"2026-01-01 topic=b, {TWICE}", "tickets", {"kind": "new_values", "window": 28}, 0),
            (f"2026-01-01 topic=a, {TWICE}", "tickets", {"kind": "top_share", "window": 90}, 2 / 3),
            ("2026-01-01 topic=a, 2026-02-20, 2026-02-21 topic=b", "tickets", {"kind": "switches", "window": 28}, 1),
            ("2026-01-01 topic=a, 2026-02-20, 2026-02-21 topic=a", "tickets", {"kind": "switches", "window": 28}, 0),
            ("2026-02-01 resolved_at=2026-02-04", "tickets_resolved", {"kind": "last", "measure": "resolve_hours"}, 72),
            ("2026-02-01 resolved_at=2026-02-04", "tickets_resolved", {"kind": "total", "measure": "slow"}, 0),
            ("2026-02-01 resolved_at=2026-02-04T00:00:01", "tickets_resolved", {"kind": "total", "measure": "slow"}, 1),
            ("2026-02-01 resolved_at=2026-03-02", "tickets_resolved", {"kind": "total"}, 0),
            ("2026-02-01 resolved_at=2026-02-04 @2026-03-02", "tickets_resolved", {"kind": "total"}, 0),
            (
                "2026-02-01 resolved_at=2026-02-04 resolved_recorded_at=2026-03-02",
                "tickets_resolved",
                {"kind": "total"},
                0,
            ),
            (
                "2026-02-01 resolved_at=2026-02-04 resolved_recorded_at=2026-03-01",
                "tickets_resolved",
                {"kind": "total"},
                1,
            ),
            ("2026-02-01 csat=4.5, 2026-02-10, 2026-01-01 csat=2", RATINGS, {"kind": "change", "measure": "csat"}, 2.5),
            ("2026-02-01 csat=4.5 csat_recorded_at=2026-03-02", RATINGS, {"kind": "last", "measure": "csat"}, math.nan),
        ]
    ]
    + [
        (
            {"subscriptions": f"old: 2020-01-01; c: {line}"},
            {"table": "subscriptions", **told},
            expected,
        )
        for line, told, expected in [
            ("2026-01-15 period=P1M", {"kind": "until_renewal"}, 13),
            ("2026-01-02 period=P1M", {"kind": "until_renewal"}, 0),
            ("2025-08-31 period=P1M", {"kind": "until_renewal"}, 29),  # the 31st of March
            ("2024-02-29 period=P1Y", {"kind": "until_renewal"}, 363),  # the 28th of February 2027
            ("2026-03-01 period=P7D", {"kind": "until_renewal"}, 6),
            ("2026-01-15", {"kind": "until_renewal"}, math.nan),
            ("2026-01-15 period=P1M ended_at=2026-03-01", {"kind": "until_renewal"}, math.nan),
            ("2026-01-15 period=P1M ended_at=2026-03-02", {"kind": "until_renewal"}, 13),
            (
                "2026-01-15 period=P1M ended_at=2026-02-01 ended_recorded_at=2026-03-02",
                {"kind": "until_renewal"},
                13,
            ),
            ("2026-01-15 price_cents=9, 2026-02-15 price_cents=19", RISES | {"window": 28}, 1),
            ("2026-01-15 price_cents=999, 2026-02-15", {"kind": "last", "measure": "price"}, 9.99),
            ("2026-01-15 auto_renew=1, 2026-02-15", {"kind": "total", "where": {"auto_renew": 0}}, 0),
        ]
    ]
    + [
        (
            {"payments": "c: 2026-02-01 status=failed card_expires=2026-03-31, 2026-02-09 status=succeeded"},
            {"kind": "days_until", "table": "card_expiries", "measure": "expires_day"},
            29,
        ),
        (
            {"payments": "c: 2026-02-01 status=failed decline_code=x, 2026-02-09 status=succeeded"},
            {"kind": "total", "table": "payments", "where": {"decline_code": ["x", "y"]}},
            1,
        ),
    ],
)  # fmt: skip
def test_a_kind_worked_out_by_hand(tmp_path, further, told, expected):
    folder = shop(tmp_path, f"{ORDERED}; {OLD}", **further)
    table = features_at(folder, [dt.date(2026, 3, 2)], "UTC", [plain(**told)])
    assert table["x"].tolist()[0] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_a_later_change_of_an_order_counts_from_when_it_was_recorded(tmp_path):
    """5 more on the 20th of February: a line that came late; and an order of 20 that turned out to be one of 12."""
    placed = (
        "c: 2026-02-01 10 id=a, 2026-02-01 5 id=a part=1 lines=2 @2026-02-20, "
        "2026-02-02 20 id=b, 2026-02-02 -8 id=b part=1 lines=0 @2026-02-25"
    )
    folder = shop(tmp_path, f"{placed}; {OLD}")
    names = "spend_28d orders_28d lines_28d basket_mean_28d days_since_last_order returns_28d"
    found = values(folder, names, "2026-02-20", "2026-02-21", "2026-02-26")
    assert found[:3] == [[30, 2, 2, 15, 18, 0], [35, 2, 4, 17.5, 19, 0], [27, 2, 4, 13.5, 24, 0]]


def test_a_return_is_no_order(tmp_path):
    folder = shop(tmp_path, f"c: 2026-02-01 10, 2026-02-20 -4; {OLD}")
    names = (
        "orders_28d spend_28d returns_28d refunds_180d returns_per_order_180d refund_share_180d days_since_last_return"
    )
    assert values(folder, names, "2026-02-21")[0] == [1, 10, 1, 4, 1, 0.4, 1]


def test_who_only_returned_is_no_customer(tmp_path):
    folder = shop(tmp_path, f"c: 2026-02-01 -10; {OLD}")
    assert features_at(folder, [dt.date(2026, 3, 1)], "UTC", named(["orders_total"]))["customer_id"].tolist() == ["old"]


def test_a_ratio_does_not_need_its_parts_to_be_asked_for(tmp_path):
    folder = shop(tmp_path, f"{ORDERED}; {OLD}")
    both = "basket_change_ratio basket_mean_28d basket_mean_180d"
    (alone, together) = (values(folder, names, "2026-03-02")[0] for names in ("basket_change_ratio", both))
    assert alone == together[:1] == [together[1] / together[2]]


def test_a_shop_without_orders_has_subscribers(tmp_path):
    """Where there is no table of orders, a known subscription makes somebody a customer."""
    store.write_table(tmp_path / "subscriptions.parquet", facts("subscriptions", "a: 2026-01-01; b: 2026-02-01"))
    table = features_at(tmp_path, [dt.date(2026, 2, 1), dt.date(2026, 2, 2)], "UTC", named(["subscriptions_total"]))
    assert table[["customer_id", "subscriptions_total"]].to_numpy().tolist() == [["a", 1], ["a", 1], ["b", 1]]
