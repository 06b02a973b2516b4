"""What each customer of a cohort bought in the window after its cutoff."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from history import orders
from winback import store
from winback.errors import WindowNotRecorded
from winback.facts.labels.takings import takings_at

TODAY, CUTOFF = dt.date(2026, 3, 5), pd.Timestamp("2026-02-01", tz="UTC")


def taken(folder, line: str, customers: str = "abc", zone: str = "UTC", today: dt.date = TODAY) -> list[list[float]]:
    """[orders, revenue] of each customer in the 28 days from February the first; z keeps the log going."""
    store.write_table(folder / "orders.parquet", orders(f"{line}; z: 2026-03-01 1"))
    begins = pd.Timestamp("2026-02-01", tz=zone).tz_convert("UTC")
    cohort = pd.DataFrame({"customer_id": list(customers), "cutoff": begins}, index=range(7, 7 + len(customers)))
    found = takings_at(folder, cohort, 28, zone, today)
    assert found.index.tolist() == cohort.index.tolist()
    return found[["orders", "revenue"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # [2026-02-01, 2026-03-01): the first instant counts, the end does not
        ("a: 2026-02-01 10; b: 2026-02-28T23:59:59 5.50; c: 2026-03-01 7", [[1, 10.0], [1, 5.5], [0, 0.0]]),
        ("a: 2026-01-31T23:59:59 10; b: 2026-02-02 5, 2026-02-03 6", [[0, 0.0], [2, 11.0], [0, 0.0]]),
        # what comes back is taken off, and is no order; a correction changes the money alone
        ("a: 2026-02-02 10, 2026-02-09 -4; b: 2026-02-02 10, 2026-02-02 3 part=1", [[1, 6.0], [1, 13.0], [0, 0.0]]),
        # known before today, or not
        ("a: 2026-02-02 10 @2026-03-04T23:00; b: 2026-02-02 10 @2026-03-05", [[1, 10.0], [0, 0.0], [0, 0.0]]),
    ],
)
def test_orders_and_money_of_the_window(tmp_path, line, expected):
    assert taken(tmp_path, line) == expected


def test_the_window_is_of_the_shops_days(tmp_path):
    line = "a: 2026-02-01T04:59 10; b: 2026-02-01T05:00 10; c: 2026-03-01T04:59 10"
    assert taken(tmp_path, line, zone="America/New_York") == [[0, 0.0], [1, 10.0], [1, 10.0]]


def test_an_open_window_is_refused(tmp_path):
    with pytest.raises(WindowNotRecorded, match="the 28 days from 2026-02-01 end on 2026-03-01, after 2026-02-28"):
        taken(tmp_path, "a: 2026-02-02 10", today=dt.date(2026, 2, 28))


def test_nobody_is_asked_about(tmp_path):
    assert taken(tmp_path, "a: 2026-02-02 10", customers="") == []
