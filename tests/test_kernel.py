"""The kernel's functions on tables small enough to count by hand, and against loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.facts.days import US_PER_DAY
from winback.facts.features import kernel
from winback.facts.features.kernel import Asked, Ints, Log, View

NONE: list[int] = []
PAD = np.iinfo(np.int32).max
# Up to 40 rows of up to 4 customers, of whom some have none: (customer, day, days late, value).
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 30), st.integers(-2, 9), st.integers(0, 4)), max_size=40)
CUTOFFS = st.sets(st.integers(-8, 40), min_size=1, max_size=6).map(sorted)
WINDOWS = st.sets(st.integers(1, 50), max_size=4)


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def log(rows: list[tuple[int, int, int, int]]) -> Log:
    """Rows of (customer, day, days late, value), sorted as SQL sorts them, the measure `value` beside."""
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
    customer, day, late, value = table.T
    return Log(customer, day, day * US_PER_DAY, day + late, {"value": value})


def seen(rows: list[tuple[int, int, int, int]], cutoffs: list[int], windows: set[int], lag: int = 0) -> View:
    """The view of every pair of 4 customers and the cutoffs, customer by customer."""
    return View(log(rows), every_pair(cutoffs), (0, lag, *(lag + w for w in windows)))


def every_pair(cutoffs: list[int]) -> Asked:
    customer, cutoff = np.indices((4, len(cutoffs))).reshape(2, -1)
    return Asked(4, ints(*cutoffs), customer.astype(np.int64), cutoff.astype(np.int64))


# Customer 0 has rows on days 3, 3 and 9, customer 1 none, customer 2 one on day 5, customer 3 one on day 3.
FEW = [(0, 3, 0, 10), (0, 3, 0, 20), (0, 9, 0, 40), (2, 5, 0, 7), (3, 3, 0, 1)]


def test_positions_are_the_first_rows_at_or_after_each_boundary():
    first, at = kernel.positions(log(FEW), 4, ints(3, 4, 9, 10))
    assert first.tolist() == [0, 3, 3, 4]
    assert at[:-1].T.tolist() == [[0, 2, 2, 3], [3, 3, 3, 3], [3, 3, 4, 4], [4, 5, 5, 5]]
    assert at[-1].tolist() == [3, 3, 4, 5]


@pytest.mark.parametrize("customers", [0, 1, 3])
def test_positions_of_nothing(customers):
    first, at = kernel.positions(log([]), customers, ints(3, 4))
    assert first.tolist() == [0] * customers
    assert at.T.tolist() == [[0, 0, 0]] * customers


@pytest.mark.parametrize(
    ("cutoffs", "window", "expected"),
    [
        # by customer 0, 1, 2, 3; within each by cutoff
        ([9, 10], None, [[30, 70], [0, 0], [7, 7], [1, 1]]),
        ([9, 10], 6, [[30, 40], [0, 0], [7, 7], [1, 0]]),  # [3, 9) holds day 3, [4, 10) does not
        ([3, 4], 1, [[0, 30], [0, 0], [0, 0], [0, 1]]),
        ([100], 90, [[0], [0], [0], [0]]),
        ([-5], 3, [[0], [0], [0], [0]]),
    ],
)
def test_a_total_is_of_a_half_open_window(cutoffs, window, expected):
    totals = seen(FEW, cutoffs, {window} if window else set()).total("value", window)
    assert totals.reshape(4, -1).tolist() == expected


@given(ROWS, CUTOFFS, WINDOWS, st.integers(0, 9))
def test_totals_are_those_of_a_loop(rows, cutoffs, windows, lag):
    view = seen(rows, cutoffs, windows, lag)
    for window in (None, *windows):
        for measure, size in (("value", lambda v: v), ("rows", lambda _: 1)):
            assert view.total(measure, window, lag).tolist() == [
                sum(size(v) for c, day, _, v in rows if c == customer and is_in(day, cutoff - lag, window))
                for customer in range(4)
                for cutoff in cutoffs
            ]


@pytest.mark.parametrize("big", [2**53 - 1, 2**53, 2**62, -(2**62)])
def test_totals_too_big_for_a_double_stay_whole_numbers(big):
    """Even where the sum of all rows does not fit into 64 bits, that of a window is exact if it fits itself."""
    rows = [(0, day, 0, big) for day in range(1, 6)] + [(0, 9, 0, 1)]
    assert seen(rows, [4, 10], {1, 2}).total("value", 1).tolist()[:2] == [big, 1]


def is_in(day: int, cutoff: int, window: int | None) -> bool:
    return day < cutoff and (window is None or cutoff - window <= day)


@pytest.mark.parametrize(
    ("n", "values", "known"),
    [(1, [20, 40], [True, True]), (2, [10, 20], [True, True]), (3, [None, 10], [False, True])],
)
def test_the_nth_last_row_is_the_customers_own(n, values, known):
    view = View(log(FEW), Asked(4, ints(4, 10), ints(0, 0), ints(0, 1)), (0,))
    got, there = view.nth_last(view.log.measures["value"], n)
    assert there.tolist() == known
    assert [v if k else None for v, k in zip(got.tolist(), known, strict=True)] == values


def test_the_last_row_of_somebody_without_rows_is_not_that_of_a_neighbour():
    view = seen(FEW, [4], set())
    assert view.nth_last(view.log.us, 1)[1].tolist() == [True, False, False, True]
    empty = seen([], [4], set())
    assert empty.nth_last(empty.log.us, 1)[1].tolist() == [False] * 4


@pytest.mark.parametrize(
    ("customer", "day", "expected"),
    [
        (NONE, NONE, []),
        ([0], [5], [True]),
        ([0, 0, 0, 1, 1], [5, 5, 6, 6, 6], [True, False, True, True, False]),
    ],
)
def test_first_of_a_customers_day(customer, day, expected):
    assert kernel.first_of(ints(*customer), ints(*day)).tolist() == expected


@pytest.mark.parametrize(
    ("customer", "day", "later", "gaps"),
    [
        (NONE, NONE, [], []),
        ([0], [5], [False], [0]),
        # two rows a day are one active day; another customer's day is not a pause
        ([0, 0, 0, 0, 1, 1], [1, 1, 4, 14, 20, 21], [0, 0, 1, 1, 0, 1], [0, 0, 3, 10, 0, 1]),
        ([0, 0, 0], [-3, 2, 2], [0, 1, 0], [0, 5, 0]),
    ],
)
def test_a_gap_belongs_to_the_row_that_ends_it(customer, day, later, gaps):
    ends, between = kernel.day_gaps(ints(*customer), ints(*day))
    assert ends.tolist() == [bool(end) for end in later]
    assert between.tolist() == gaps


def test_last_values_are_sorted_and_padded():
    rows = [(0, day, 0, value) for day, value in [(1, 50), (2, 30), (3, 40), (4, 10)]] + [(1, 3, 0, 99)]
    view = seen(rows, [1, 2, 5], set())
    flags = np.array([True, False, True, True, True])
    table, count = kernel.last_values(view, flags, view.log.measures["value"], 2)
    kept = [row[:n] for row, n in zip(table.tolist(), count.tolist(), strict=True)]
    assert kept == [[], [50], [10, 40], [], [], [99], [], [], [], [], [], []]
    assert (table[count < 2][:, 1] == PAD).all()


def test_last_values_of_no_flag():
    view = seen(FEW, [10], set())
    table, count = kernel.last_values(view, np.zeros(5, dtype=bool), view.log.measures["value"], 3)
    assert (table.shape, count.tolist()) == ((4, 3), [0] * 4)
    assert np.isnan(kernel.quantile(table, count, 0.5)).all()


@given(ROWS, CUTOFFS, st.integers(1, 5))
def test_last_values_are_those_of_a_loop(rows, cutoffs, most):
    view = seen(rows, cutoffs, set())
    flags = view.log.measures["value"] > 1
    table, count = kernel.last_values(view, flags, view.log.measures["value"], most)
    assert [row[:n] for row, n in zip(table.tolist(), count.tolist(), strict=True)] == [
        sorted([v for c, day, _, v in sorted(rows) if c == customer and day < cutoff and v > 1][-most:])
        for customer in range(4)
        for cutoff in cutoffs
    ]


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([7], 0.5, 7),
        ([1, 2], 0.5, 1.5),
        ([1, 2, 4], 0.5, 2),
        ([1, 2, 4], 0.9, 3.6),
        ([1, 2, 4], 1.0, 4),
        ([1, 2, 4], 0.0, 1),
        ([3, 3, 3, 3], 0.9, 3),
    ],
)
def test_a_quantile_lies_on_the_line_between_two_values(values, q, expected):
    padded = np.array([values + [PAD] * 2], dtype=np.int32)
    assert kernel.quantile(padded, ints(len(values)), q).tolist() == pytest.approx([expected], rel=1e-15)


@given(st.lists(st.lists(st.integers(0, 4000), max_size=20).map(sorted), max_size=5), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(rows, q):
    padded = np.array([row + [PAD] * (21 - len(row)) for row in rows], dtype=np.int32)
    got = kernel.quantile(padded.reshape(-1, 21), ints(*map(len, rows)), q)
    wanted = [np.quantile(row, q) if row else np.nan for row in rows]
    assert got.tolist() == pytest.approx(wanted, rel=1e-12, abs=1e-9, nan_ok=True)


def test_a_pair_is_late_between_the_day_and_its_record():
    """Customer 0's row of day 3 is recorded on day 6; customer 2's of day 4 on day 2, by a wrong clock."""
    some = log([(0, 3, 3, 0), (2, 4, -2, 0), (3, 5, 0, 0)])
    late = kernel.late_pairs(some, 4, ints(3, 4, 6, 7))
    assert late.tolist() == [[False, True, True, False], *[[False] * 4] * 3]


@given(ROWS, CUTOFFS)
def test_late_pairs_are_those_of_a_loop(rows, cutoffs):
    assert kernel.late_pairs(log(rows), 4, ints(*cutoffs)).tolist() == [
        [any(c == customer and day < cutoff <= day + late for c, day, late, _ in rows) for cutoff in cutoffs]
        for customer in range(4)
    ]


def test_known_rows_had_happened_and_were_recorded():
    some = log([(0, 3, 0, 1), (0, 4, 2, 2), (0, 6, -3, 3), (1, 3, 0, 4)])
    for cutoff, values in [(3, []), (4, [1]), (5, [1]), (6, [1]), (7, [1, 2, 3])]:
        known = kernel.known_at(some, cutoff, np.array([True, False]))
        assert known.measures["value"].tolist() == values
        assert len(known.us) == len(known.day) == len(known.recorded_day) == len(values)


@given(ROWS, CUTOFFS)
def test_gaps_add_up_to_the_days_between_the_first_and_the_last(rows, cutoffs):
    some = log(rows)
    ends, gaps = kernel.day_gaps(some.customer, some.day)
    for customer in range(4):
        days = sorted({day for c, day, *_ in rows if c == customer})
        mine = gaps[(some.customer == customer) & ends].tolist()
        assert mine == [later - day for day, later in pairwise(days)]


@given(ROWS, st.integers(0, 4), st.integers(0, 4))
def test_a_block_is_some_of_the_customers(rows, first, last):
    block = log(rows).block(first, max(first, last))
    assert block.customer.tolist() == [c - first for c, *_ in sorted(rows) if first <= c < last]
    assert block.measures["value"].tolist() == [v for c, _, _, v in sorted(rows) if first <= c < last]
