"""Counts of different values, against sets and counters."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_kernel import CUTOFFS, ROWS, every_pair, ints, is_in, log
from winback.facts.features import values
from winback.facts.features.kernel import Asked, Log
from winback.facts.features.values import Grouped

WINDOW = st.one_of(st.none(), st.integers(1, 50))


def rows_of(rows: list[tuple[int, int, int, int]]) -> Grouped:
    """The rows by value; a value of 0 stands for none."""
    plain = log(rows)
    return values.grouped(Log(plain.customer, plain.day, plain.us, plain.day, {"code": plain.measures["value"] - 1}))


def kept(rows: list[tuple[int, int, int, int]], customer: int, cutoff: int, window: int | None) -> list[int]:
    """The values of a customer's rows in a window."""
    return [v for c, day, _, v in rows if c == customer and v and is_in(day, cutoff, window)]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (None, [0, 1, 2, 2, 2]),
        # value 1 on days 3 and 9, value 2 on day 5, a row without a value on day 8
        (1, [0, 1, 1, 1, 0]),
        (4, [0, 1, 2, 1, 1]),
        (6, [0, 1, 2, 2, 1]),
        (100, [0, 1, 2, 2, 2]),
    ],
)
def test_distinct_counts_each_value_once(window, expected):
    rows = [(0, 3, 0, 1), (0, 3, 0, 1), (0, 5, 0, 2), (0, 8, 0, 0), (0, 9, 0, 1)]
    asked = Asked(1, ints(3, 4, 6, 10, 13), ints(0, 0, 0, 0, 0), ints(0, 1, 2, 3, 4))
    assert values.distinct(rows_of(rows), asked, window, 0).tolist() == expected


@pytest.mark.parametrize("window", [None, 3])
def test_of_nothing_there_is_nothing(window):
    asked = every_pair([3, 4])
    assert values.distinct(rows_of([]), asked, window, 0).tolist() == [0] * 8
    assert [t.tolist() for t in values.top_count(rows_of([]), asked, window, 0)] == [[0] * 8] * 2
    assert values.new_values(rows_of([]), asked, 3, 0).tolist() == [0] * 8


@given(ROWS, CUTOFFS, WINDOW, st.integers(0, 9))
def test_distinct_is_the_size_of_a_set(rows, cutoffs, window, lag):
    found = values.distinct(rows_of(rows), every_pair(cutoffs), window, lag)
    wanted = [len(set(kept(rows, c, cutoff - lag, window))) for c in range(4) for cutoff in cutoffs]
    assert found.tolist() == wanted


@given(ROWS, CUTOFFS, st.integers(1, 50), st.integers(0, 9))
def test_new_values_were_never_seen_before_the_window(rows, cutoffs, window, lag):
    found = values.new_values(rows_of(rows), every_pair(cutoffs), window, lag)
    assert found.tolist() == [
        len(set(kept(rows, c, cutoff - lag, window)) - set(kept(rows, c, cutoff - lag - window, None)))
        for c in range(4)
        for cutoff in cutoffs
    ]


@given(ROWS, CUTOFFS, WINDOW, st.integers(0, 9))
def test_the_top_count_is_that_of_the_most_frequent_value(rows, cutoffs, window, lag):
    most, every = values.top_count(rows_of(rows), every_pair(cutoffs), window, lag)
    counts = [Counter(kept(rows, c, cutoff - lag, window)) for c in range(4) for cutoff in cutoffs]
    assert most.tolist() == [max(count.values(), default=0) for count in counts]
    assert every.tolist() == [count.total() for count in counts]
    assert most.dtype == every.dtype == np.int64
