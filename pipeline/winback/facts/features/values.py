"""Counting different values in windows: which categories, products, kinds, and how often.

A row counts as a new value of a window when the window has no earlier row with the same value. For a
fixed window the cutoffs of which that is true are one interval, so each row is added where it enters
and taken off where it leaves: O(rows) a window, however many the cutoffs and the values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from winback.facts.features.kernel import Asked, Flags, Ints, Log, first_of


@dataclass(frozen=True)
class Grouped:
    """The rows of a log that have a value, sorted by (customer, value, instant)."""

    customer: Ints
    day: Ints
    value: Ints
    new: Flags


def grouped(log: Log) -> Grouped:
    """The rows with a value (a code of 0 or more), those of a customer's value together."""
    rows = np.flatnonzero(log.measures["code"] >= 0)
    customer, value = log.customer[rows], log.measures["code"][rows]
    order = np.argsort(customer * (int(value.max(initial=0)) + 1) + value, kind="stable")
    customer, value = customer[order], value[order]
    return Grouped(customer, log.day[rows][order], value, first_of(customer, value))


def distinct(rows: Grouped, asked: Asked, window: int | None, lag: int) -> Ints:
    """How many different values each pair's window holds."""
    enters, leaves = _stay(rows, asked, window, lag)
    before = np.concatenate([np.zeros(1, dtype=np.int64), leaves[:-1]])
    return _counted(rows, asked, np.where(rows.new, enters, np.maximum(enters, before)), leaves)


def new_values(rows: Grouped, asked: Asked, window: int, lag: int) -> Ints:
    """How many values each pair's window holds of which the customer had no row before the window."""
    enters, leaves = _stay(rows, asked, window, lag)
    return _counted(rows, asked, np.where(rows.new, enters, leaves), leaves)


def top_count(rows: Grouped, asked: Asked, window: int | None, lag: int) -> tuple[Ints, Ints]:
    """Each pair's rows with the most frequent value of its window, and all with a value."""
    starts = np.flatnonzero(rows.new)
    number = np.cumsum(rows.new) - 1
    each = Grouped(number, rows.day, rows.value, rows.new)
    pairs = Asked(len(starts), asked.days, asked.pair_customer, asked.pair_cutoff)
    enters, leaves = _stay(rows, asked, window, lag)
    counts = _table(each, pairs, enters, leaves)
    owner = rows.customer[starts]
    most = np.zeros((asked.customers, len(asked.days)), dtype=np.int64)
    every = np.zeros_like(most)
    np.maximum.at(most, owner, counts)
    np.add.at(every, owner, counts)
    return asked.of_pairs(most.T), asked.of_pairs(every.T)


def _stay(rows: Grouped, asked: Asked, window: int | None, lag: int) -> tuple[Ints, Ints]:
    """The index of the first cutoff whose window holds each row, and of the first after those."""
    enters = np.searchsorted(asked.days, rows.day + lag, side="right")
    if window is None:
        return enters, np.full(len(enters), len(asked.days))
    return enters, np.searchsorted(asked.days, rows.day + lag + window, side="right")


def _counted(rows: Grouped, asked: Asked, enters: Ints, leaves: Ints) -> Ints:
    return asked.of_pairs(_table(rows, asked, enters, leaves).T)


def _table(rows: Grouped, asked: Asked, enters: Ints, leaves: Ints) -> Ints:
    """How many rows of each customer are in at each cutoff: in from `enters` on, out from `leaves` on."""
    width = len(asked.days) + 1
    size = asked.customers * width
    spread = rows.customer * width
    change = np.bincount(spread + enters, minlength=size) - np.bincount(spread + leaves, minlength=size)
    table: Ints = change.reshape(asked.customers, width).cumsum(axis=1)[:, :-1]
    return table
