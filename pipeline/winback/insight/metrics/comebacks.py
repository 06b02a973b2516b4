"""Coming back: who was gone and ordered again, after a contact or without one, and what that brought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from winback.insight.metrics.coded import FOREVER, Coded, Flags, Floats, Ints, Log
from winback.insight.metrics.periods import Period
from winback.insight.metrics.standing import People


@dataclass(frozen=True)
class Sorted:
    """Rows in order of customer and day; `key` rises with both, `total` is the sum of the amounts before a row."""

    who: Ints
    day: Ints
    key: Ints
    total: Floats
    low: int
    width: int

    def keys(self, who: Ints, day: Ints) -> Ints:
        """Where a customer's day stands among the keys; one before or after all rows stands there."""
        return who * self.width + np.clip(day - self.low, 0, self.width - 1)


def in_order(log: Log, amount: str = "") -> Sorted:
    """The rows of a log, customer by customer. A key has room for the day before the first and after the last."""
    low = int(log.day.min(initial=FOREVER)) - 1
    width = int(log.day.max(initial=low)) - low + 2
    key = log.who * width + log.day - low
    order = np.argsort(key, kind="stable")
    amounts = log.columns[amount][order] if amount else np.zeros(len(order))
    return Sorted(log.who[order], log.day[order], key[order], np.append(0.0, np.cumsum(amounts)), low, width)


def regained(
    data: Coded, asked: Sequence[Period], active_days: int, until: int, away: Sequence[Flags]
) -> Iterator[People]:
    """One People a period: lapsed customers contacted in it, or not, and who of them ordered within `active_days`.

    The window begins with the day of the first contact while lapsed (of others: with the period) and is over before
    `until`, the first day that is not known, else the customer does not count. `away`: who is lapsed at each start.
    """
    purchases, contacts = in_order(data.logs["purchases"]), data.logs["contacts"]
    before, after = _around(purchases, contacts.who, contacts.day)
    while_lapsed = (before > -FOREVER) & (before < contacts.day - active_days)
    back = after < contacts.day + active_days
    for period, gone in zip(asked, away, strict=True):
        start, end = period.days
        inside = slice(*np.searchsorted(contacts.day, [start, end]))
        rows = np.flatnonzero(while_lapsed[inside]) + inside.start
        who, first = np.unique(contacts.who[rows], return_index=True)
        rows = rows[first]
        over = contacts.day[rows] + active_days <= until
        flags = {name: np.zeros(data.customers) for name in ("contacted", "contacted_back", "alone", "alone_back")}
        flags["contacted"][who[over]] = 1.0
        flags["contacted_back"][who[over & back[rows]]] = 1.0
        if start + active_days <= until:
            alone = gone.copy()
            alone[contacts.who[inside]] = False
            left = np.flatnonzero(alone)
            _, following = _around(purchases, left, np.full(len(left), start))
            flags["alone"][left] = 1.0
            flags["alone_back"][left[following < start + active_days]] = 1.0
        yield flags


def _around(rows: Sorted, who: Ints, day: Ints) -> tuple[Ints, Ints]:
    """Each customer's last day in the rows before a day, and the first on it or after; ±FOREVER where there is none."""
    place = np.searchsorted(rows.key, rows.keys(who, day))
    padded_who, padded_day = np.append(rows.who, -1), np.append(rows.day, 0)
    before = np.where(padded_who[place - 1] == who, padded_day[place - 1], -FOREVER)
    after = np.where(padded_who[place] == who, padded_day[place], FOREVER)
    return before, after


def second_lives(data: Coded, asked: Sequence[Period], active_days: int, days: int, until: int) -> Iterator[People]:
    """One People a period: returns after more than `active_days` without an order, and the spend of `days` from then.

    Only returns whose days are over before `until` count.
    """
    orders, money = in_order(data.logs["purchases"]), in_order(data.logs["orders"], "amount")
    gap = np.diff(orders.day, prepend=0)
    back = np.append(False, orders.who[1:] == orders.who[:-1]) & (gap > active_days)
    back &= orders.day + days <= until
    who, day = orders.who[back], orders.day[back]
    first = np.searchsorted(money.key, money.keys(who, day))
    last = np.searchsorted(money.key, money.keys(who, day + days))
    spend = money.total[last] - money.total[first]
    for period in asked:
        start, end = period.days
        rows = (day >= start) & (day < end)
        sums = {"returns": np.ones(int(rows.sum())), "second": spend[rows], "second_squares": spend[rows] ** 2}
        n = data.customers
        yield {name: np.bincount(who[rows], each, n).astype(float) for name, each in sums.items()}
