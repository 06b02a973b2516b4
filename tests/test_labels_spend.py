"""Orders and spend of the window after a cutoff: both ends, returns and changes, what was recorded, the refusals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history import orders
from winback import store
from winback.errors import WindowNotRecorded
from winback.facts.labels.spend import spend_at

TODAY = dt.date(2026, 4, 1)
LATE = "; z: 2026-03-31 1"  # so that the log does not fall silent


def spent(folder: Path, line: str, customers: str, days: int = 10, cutoff: str = "2026-03-01") -> list[list[float]]:
    """[orders, spend] of each of these customers."""
    store.write_table(folder / "orders.parquet", orders(line))
    cohort = pd.DataFrame({"customer_id": list(customers), "cutoff": pd.Timestamp(cutoff, tz="UTC")})
    found = spend_at(folder, cohort, days, "UTC", TODAY)
    assert list(found.columns) == ["orders", "spend"]
    return [[float(number) for number in row] for row in found.to_numpy()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # the first instant of the window and the last; the ones beside them are none of it
        ("a: 2026-03-01T00:00 5, 2026-03-10T23:59:59.999999 7.50", [2, 12.5]),
        ("a: 2026-02-28T23:59:59.999999 5, 2026-03-11T00:00 7.50", [0, 0]),
        # a gift is an order
        ("a: 2026-03-02 0", [1, 0]),
        # goods that came back are no order, and take the money back, even more than was paid in the window
        ("a: 2026-03-02 30, 2026-03-05 -12", [1, 18]),
        ("a: 2026-02-02 30, 2026-03-05 -12", [0, -12]),
        ("a: 2026-03-02 30, 2026-03-12 -12", [1, 30]),
        # a later line of an order belongs to its window, wherever it was recorded
        ("a: 2026-03-09 30 id=o, 2026-03-09 5 id=o part=1 @2026-03-20", [1, 35]),
        ("a: 2026-03-09 30 id=o, 2026-03-09 -30 id=o part=1 @2026-03-20", [1, 0]),
        # known by today
        ("a: 2026-03-02 9 @2026-03-31T23:59:59, 2026-03-03 5 @2026-04-01T00:00", [1, 9]),
        # of somebody else
        ("b: 2026-03-02 9", [0, 0]),
    ],
)
def test_what_counts(tmp_path: Path, line: str, expected: list[float]) -> None:
    assert spent(tmp_path, line + LATE, "a") == [expected]


def test_rows_keep_their_order_and_index_and_each_has_its_own_cutoff(tmp_path: Path) -> None:
    store.write_table(tmp_path / "orders.parquet", orders("a: 2026-02-02 1, 2026-03-02 2; b: 2026-03-03 4" + LATE))
    stamps = pd.to_datetime(["2026-03-01", "2026-02-01", "2026-03-01", "2026-03-01"], utc=True)
    cohort = pd.DataFrame({"customer_id": list("baab"), "cutoff": stamps}, index=[7, 3, 5, 1])
    found = spend_at(tmp_path, cohort, 10, "UTC", TODAY)
    assert found.index.tolist() == [7, 3, 5, 1]
    assert found["spend"].tolist() == [4.0, 1.0, 2.0, 4.0]
    assert found["orders"].tolist() == [1, 1, 1, 1]


def test_nobody_is_asked(tmp_path: Path) -> None:
    store.write_table(tmp_path / "orders.parquet", orders("a: 2026-03-02 1"))
    nobody = pd.DataFrame({"customer_id": [], "cutoff": pd.to_datetime([], utc=True)})
    assert spend_at(tmp_path, nobody, 10, "UTC", TODAY).shape == (0, 2)


@pytest.mark.parametrize(
    ("days", "message"),
    [(32, "end on 2026-04-02, after 2026-04-01"), (31, "more than 7 days before the window")],
)
def test_an_open_or_silent_window_is_refused(tmp_path: Path, days: int, message: str) -> None:
    with pytest.raises(WindowNotRecorded, match=message):
        spent(tmp_path, "a: 2026-03-02 1", "a", days)


AMOUNTS = st.lists(st.tuples(st.integers(1, 27), st.integers(-500, 5000)), min_size=1, max_size=12)


@settings(max_examples=10, deadline=None)
@given(AMOUNTS, st.integers(1, 28))
def test_the_sum_is_that_of_a_naive_loop(tmp_path_factory: pytest.TempPathFactory, rows: list, days: int) -> None:
    listed = ", ".join(f"2026-03-{day:02d}T12:00 {cents / 100:.2f}" for day, cents in rows)
    (found,) = spent(tmp_path_factory.mktemp("log"), f"a: {listed}{LATE}", "a", days)
    inside = [cents for day, cents in rows if day <= days]
    assert found == [sum(cents >= 0 for cents in inside), pytest.approx(sum(inside) / 100)]
