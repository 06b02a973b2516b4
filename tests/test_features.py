"""Features against a naive oracle on random logs, and against numbers worked out by hand."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pandas as pd
import pytest

from history import events, orders
from oracle import Value, expected
from random_logs import ORDER_CATEGORIES, one_database, random_shop, write
from winback import store
from winback.errors import NotEnoughData
from winback.facts import logs
from winback.facts.declared import Feature, builtin, named
from winback.facts.features import features_at

SHOPS_IN_A_TEST = 10


def plain(name: str, **what: object) -> Feature:
    """A feature that is declared nowhere, to try a kind on another table or window."""
    return Feature(name=name, driver="habits", unit="", label="", sentence="", **what)  # type: ignore[arg-type]


BESIDE = [
    plain("categories_ever", kind="distinct", table="order_categories"),
    plain("categories_1d", kind="distinct", table="order_categories", window=1),
    plain("orders_1d", kind="total", measure="orders", window=1),
    plain("order_days", kind="total", measure="order_days"),
    plain("trend_discount_14d", kind="trend", measure="discount", window=14),
    plain("basket_mean", kind="mean", measure="spend"),
    plain("evenness", kind="evenness"),
    plain("lines_share", kind="share", measure="lines", of="orders"),
    plain("gap_q25_days", kind="gap_quantile", q=0.25),
    plain("overdue_max_ratio", kind="overdue", q=1.0),
    plain("second_ratio", kind="overdue", n=2),
    plain("events_per_week", kind="rate", table="events", measure="events"),
    plain("events_per_week_28d", kind="rate", table="events", measure="events", window=28),
    plain("event_days_28d", kind="total", table="events", measure="order_days", window=28),
    plain("trend_events_14d", kind="trend", table="events", measure="events", window=14),
    plain("first_event_days", kind="since_first", table="events"),
    plain("third_event_days", kind="since_nth", table="events", n=3),
    plain("event_gap_mean", kind="gap_mean", table="events"),
    plain("event_gap_spread", kind="gap_spread", table="events"),
    plain("event_overdue", kind="overdue", table="events", q=0.9),
]


def is_value(got: float, wanted: Value, kind: str) -> bool:
    """Whether a feature is what the oracle says: counts and money to the bit, quotients to 1e-12."""
    if wanted is None:
        return math.isnan(got)
    if kind in ("total", "distinct"):
        return got == float(wanted)
    return math.isclose(got, float(wanted), rel_tol=1e-12, abs_tol=0.0)


def disagreements(seed: int, folder: Path) -> list[str]:
    """What the features of a shop with one, two or three random logs get wrong."""
    history, features = random_shop(seed, 1 + seed % 3), [*builtin(), *BESIDE]
    answers = expected(history, features)
    try:
        table = features_at(write(history, folder), history.cutoffs, history.zone, features)
    except NotEnoughData:
        return [f"shop {seed}: nothing was found"] if answers else []
    days = {pd.Timestamp(history.midnight(cutoff)): cutoff for cutoff in history.cutoffs}
    keys = list(zip(table["customer_id"], table["cutoff"].map(days), strict=True))
    if keys != sorted(answers):
        return [f"shop {seed}: rows for {keys}, not {sorted(answers)}"]
    wrong = [
        f"shop {seed}, {key}: {f.name} is {got!r}, not {wanted}"
        for n, f in enumerate(features)
        for key, got in zip(keys, table[f.name].tolist(), strict=True)
        if not is_value(got, wanted := answers[key][n], f.kind)
    ]
    return wrong[:5]


@pytest.mark.parametrize("first", range(0, 110, SHOPS_IN_A_TEST))
def test_features_are_what_the_oracle_says(first, tmp_path, monkeypatch):
    """219 random logs."""
    one_database(monkeypatch)
    for seed in range(first, first + SHOPS_IN_A_TEST):
        assert disagreements(seed, tmp_path / str(seed)) == []


@pytest.mark.deep
@pytest.mark.parametrize("first", range(10_000, 10_500, SHOPS_IN_A_TEST))
def test_features_are_what_the_oracle_says_deep(first, tmp_path, monkeypatch):
    """1,000 random logs more."""
    one_database(monkeypatch)
    for seed in range(first, first + SHOPS_IN_A_TEST):
        assert disagreements(seed, tmp_path / str(seed)) == []


def shop(folder: Path, placed: str, happened: str = "", kinds: str = "") -> Path:
    """A facts folder from readable lines; `kinds` are `order category` pairs, parted by commas."""
    placed_orders = orders(placed)
    store.write_table(folder / "orders.parquet", placed_orders)
    store.write_table(folder / "events.parquet", events(happened))
    pairs = pd.DataFrame([k.split() for k in kinds.split(",") if k.strip()], columns=["order_id", "category"])
    rows = placed_orders.merge(pairs, on="order_id")[list(ORDER_CATEGORIES)].astype(ORDER_CATEGORIES)
    store.write_table(folder / "order_categories.parquet", rows)
    return folder


def values(facts: Path, names: str, *cutoffs: str, zone: str = "UTC") -> list[list[float]]:
    """The named features, in the named order, one row a (customer, cutoff)."""
    known = {f.name: f for f in (*builtin(), *BESIDE)}
    features = [known[name] for name in names.split()]
    days = [dt.date.fromisoformat(c) for c in cutoffs]
    return features_at(facts, days, zone, features)[names.split()].to_numpy().tolist()


OLD = "old: 2020-01-01 1"  # somebody else's order: the log began long before


@pytest.mark.parametrize(
    ("history", "names", "expected"),
    [
        # Five orders on four days, one of them a return; 2026-03-02 is the cutoff, a Monday.
        (
            "c: 2026-02-02T10:00 20, 2026-02-12 10, 2026-02-12 5, 2026-02-22 -5, 2026-02-27T12:00 30.50",
            "orders_28d spend_28d order_days_28d orders_7d spend_7d days_since_last_order days_since_order_2",
            [5, 60.5, 4, 1, 30.5, 2.5, 8],
        ),
        (
            "c: 2026-02-02T10:00 20, 2026-02-12 10, 2026-02-12 5, 2026-02-22 -5, 2026-02-27T12:00 30.50",
            "gap_mean_days gap_median_days gap_max_days overdue_median_ratio basket_mean_28d",
            [25 / 3, 10, 10, 0.25, 12.1],
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
        ("c: 2026-01-20 -0.99, 2026-02-20 0.01", "trend_spend_28d", [101]),
        ("c: 2026-01-20 -1, 2026-02-20 4145674.77", "trend_spend_28d", [math.nan]),
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
        ("c: 2026-02-02 5, 2026-02-03 -5", "discount_share_28d spend_28d basket_mean_28d", [math.nan, 0, 0]),
        # Nothing in the window.
        ("c: 2025-06-01 5", "orders_28d basket_mean_28d weekend_share_90d trend_orders_28d", [0, *[math.nan] * 2, 1]),
    ],
)
def test_a_value_worked_out_by_hand(tmp_path, history, names, expected):
    facts = shop(tmp_path, f"{history}; {OLD}")
    assert values(facts, names, "2026-03-02")[0] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_categories_are_counted_once_each(tmp_path):
    facts = shop(
        tmp_path,
        f"c: 2026-01-01 1, 2026-02-20 1, 2026-02-21 1; {OLD}",
        kinds="c-1 tea, c-2 tea, c-2 milk, c-3 tea, old-1 tea",
    )
    names = "categories_28d categories_56d categories_90d categories_per_order_28d"
    assert values(facts, names, "2026-02-21", "2026-03-02")[:2] == [[2, 2, 2, 2], [2, 2, 2, 1.5]]
    assert values(facts, names, "2026-01-02", "2026-04-20")[:2] == [
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
    facts = shop(tmp_path, f"{history}; {OLD}")
    assert values(facts, names, cutoff, zone=zone)[0] == pytest.approx(expected, rel=1e-12)


def test_a_window_that_was_not_fully_seen_is_unknown(tmp_path):
    """The log of orders begins on January 1st; that of events on February 1st, by somebody who never bought."""
    facts = shop(tmp_path, "a: 2026-01-01T15:00 7, 2026-02-20 1", "x: 2026-02-01 visit; a: 2026-02-20 visit")
    names = "orders_28d trend_orders_14d engagements_28d engagements_total orders_per_week_180d"
    unknown = math.nan
    assert values(facts, names, "2026-01-28", "2026-01-29", "2026-02-28", "2026-03-01") == [
        pytest.approx([unknown, unknown, unknown, 0, 7 / 27], nan_ok=True),
        pytest.approx([1, 1 / 2, unknown, 0, 7 / 28], nan_ok=True),
        pytest.approx([1, 2, unknown, 1, 2 * 7 / 58], nan_ok=True),
        pytest.approx([1, 2, 1, 1, 2 * 7 / 59], nan_ok=True),
    ]


def test_a_log_begins_where_it_was_known_to_begin(tmp_path):
    """b's old order was recorded on March 1st: until then nobody could know of a longer log."""
    facts = shop(tmp_path, "a: 2026-02-10 1; b: 2026-01-01 1 @2026-03-01T00:00")
    table = features_at(facts, [dt.date(2026, 3, 1), dt.date(2026, 3, 2)], "UTC", named(["orders_28d"]))
    assert table["customer_id"].tolist() == ["a", "a", "b"]
    assert table["orders_28d"].tolist() == pytest.approx([math.nan, 1, 0], nan_ok=True)


def test_less_than_a_week_is_not_blown_up_to_one(tmp_path):
    facts = shop(tmp_path, "a: 2026-03-01 70")
    names = "orders_per_week orders_per_week_180d spend_per_week"
    assert values(facts, names, "2026-03-02", "2026-03-08", "2026-03-15") == [
        [1, 1, 70],
        [1, 1, 70],
        [1 / 2, 1 / 2, 35],
    ]


def test_rows_and_columns(tmp_path):
    """Sorted; only who had ordered; each cutoff once, as the instant its day begins; the asked columns."""
    facts = shop(tmp_path, "b: 2026-01-02 1; a: 2026-01-01 1, 2026-01-05 1; c: 2026-02-01 1", "z: 2026-01-01 visit")
    days = [dt.date(2026, 1, 3), dt.date(2026, 1, 2), dt.date(2026, 1, 3)]
    table = features_at(facts, days, "Asia/Kolkata", named(["engagements_total", "orders_total"])[::-1])
    assert table.columns.tolist() == ["customer_id", "cutoff", "engagements_total", "orders_total"]
    assert [*map(str, table.dtypes)] == ["str", "datetime64[us, UTC]", "float64", "float64"]
    assert table.astype(str).to_numpy().tolist() == [
        ["a", "2026-01-01 18:30:00+00:00", "0.0", "1.0"],
        ["a", "2026-01-02 18:30:00+00:00", "0.0", "1.0"],
        ["b", "2026-01-02 18:30:00+00:00", "0.0", "1.0"],
    ]


def test_a_feature_does_not_depend_on_the_others_asked_for(tmp_path):
    history = random_shop(3, 2)
    facts = write(history, tmp_path)
    together = features_at(facts, history.cutoffs, history.zone, builtin())
    for some in (builtin()[::5], builtin()[1::7], named(["categories_28d"]), named(["engagements_total"])):
        alone = features_at(facts, history.cutoffs, history.zone, some)
        pd.testing.assert_frame_equal(alone, together[alone.columns], check_exact=True)


def test_without_features_the_keys_are_left(tmp_path):
    facts = shop(tmp_path, "b: 2026-01-02 1; a: 2026-01-01 1")
    table = features_at(facts, [dt.date(2026, 2, 1)], "UTC", [])
    assert table["customer_id"].tolist() == ["a", "b"]


@pytest.mark.parametrize("placed", ["", "a: 2026-02-01 1", "a: 2026-01-31 1 @2026-02-01"])
def test_nobody_to_speak_of(tmp_path, placed):
    """No order; one on the cutoff; one recorded on it."""
    facts = shop(tmp_path, placed, "a: 2026-01-01 visit")
    with pytest.raises(NotEnoughData) as caught:
        features_at(facts, [dt.date(2026, 2, 1), dt.date(2026, 1, 1)], "UTC", builtin())
    assert str(caught.value) == ("no customer has an order before 2026-02-01; check the mapping of ordered_at.")


def test_partitions_without_customers_do_no_harm(tmp_path, monkeypatch):
    facts = shop(tmp_path, "a: 2026-01-01 1, 2026-01-02 1, 2026-01-03 1, 2026-01-04 1", kinds="a-1 tea, a-2 tea")
    whole = features_at(facts, [dt.date(2026, 2, 1)], "UTC", builtin())
    monkeypatch.setattr(logs, "ROWS_PER_PARTITION", 1)
    assert len(logs.partitions(facts, "UTC", dt.date(2026, 2, 1))) == 4
    pd.testing.assert_frame_equal(features_at(facts, [dt.date(2026, 2, 1)], "UTC", builtin()), whole)
