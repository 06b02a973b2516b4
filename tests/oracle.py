"""What each declared feature is, said plainly: one customer, one cutoff, one feature at a time.

Written from the meanings at the top of features.toml, not from the kernel: the rows known at the cutoff
are picked by their instants, days and weeks are counted by putting them in a set, money stays in
fractions. None is unknown. Slow on purpose.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from random_logs import Event, History, Order
from winback.facts.declared import Feature

Value = Fraction | float | None
DAY = dt.timedelta(days=1)
MONEY = ("spend", "discount", "list_price")


@dataclass(frozen=True)
class Row:
    """A row of any table: its instant, its instant on the clock of the shop, and what it is a row of."""

    at: dt.datetime
    local: dt.datetime
    of: Order | Event
    category: str = ""


@dataclass(frozen=True)
class Past:
    """The rows of one customer in one table that are known at a cutoff, and when the table's log began."""

    rows: list[Row]
    cutoff: dt.date
    midnight: dt.datetime
    log_began: dt.date | None

    def last(self, days: int | None, before: int = 0) -> list[Row]:
        """The rows of the `days` days that end `before` days before the cutoff; None is all the past."""
        if days is None:
            return self.rows
        until = self.cutoff - before * DAY
        return [r for r in self.rows if until - days * DAY <= r.local.date() < until]


def expected(history: History, features: list[Feature]) -> dict[tuple[str, dt.date], list[Value]]:
    """By (customer, cutoff) with an order known at that cutoff: the value of each feature."""
    tables = rows_of(history)
    customers = sorted({o.customer for o in history.orders})
    answers: dict[tuple[str, dt.date], list[Value]] = {}
    for cutoff in history.cutoffs:
        midnight = history.midnight(cutoff)
        known = {name: [r for r in rows if is_known(r, midnight)] for name, rows in tables.items()}
        began = {name: min((r.local.date() for r in rows), default=None) for name, rows in known.items()}
        for customer in customers:
            pasts = {
                name: Past([r for r in rows if r.of.customer == customer], cutoff, midnight, began[name])
                for name, rows in known.items()
            }
            if pasts["orders"].rows:
                answers[customer, cutoff] = [value(pasts[f.table], f) for f in features]
    return answers


def rows_of(history: History) -> dict[str, list[Row]]:
    """All rows of each table, oldest first."""
    zone = ZoneInfo(history.zone)
    orders = [Row(o.at, o.at.astimezone(zone), o) for o in history.orders]
    kinds = [Row(r.at, r.local, r.of, c) for r in orders for c in r.of.categories]  # type: ignore[union-attr]
    events = [Row(e.at, e.at.astimezone(zone), e) for e in history.events]
    tables = {"orders": orders, "order_categories": kinds, "events": events}
    return {name: sorted(rows, key=lambda r: r.at) for name, rows in tables.items()}


def is_known(row: Row, midnight: dt.datetime) -> bool:
    """Whether a row had happened and was recorded before the cutoff."""
    return row.at < midnight and row.of.recorded < midnight


def value(past: Past, f: Feature) -> Value:
    """A feature of one customer's past; None where its windows reach back before the log began."""
    reach = 0 if f.window is None or f.kind == "rate" else f.window * (2 if f.kind == "trend" else 1)
    if reach and (past.log_began is None or past.cutoff - reach * DAY < past.log_began):
        return None
    return MEANINGS[f.kind](past, f)


def measured(rows: list[Row], measure: str) -> Fraction:
    """The sum of a measure over rows, money in whole units."""
    if measure == "order_days":
        return Fraction(len({r.local.date() for r in rows}))
    total = Fraction(sum(of_row(r, measure) for r in rows))
    return total / 100 if measure in MONEY else total


def of_row(row: Row, measure: str) -> int:
    """What one row adds to a measure."""
    if measure in ("orders", "events"):
        return 1
    order = row.of
    assert isinstance(order, Order)
    off = order.discount or 0
    return {
        "spend": order.cents,
        "discount": off,
        "list_price": order.cents + off,
        "lines": order.lines,
        "categories": len(order.categories),
        "hour": row.local.hour,
        "discounted_orders": int(off > 0),
        "weekend_orders": int(row.local.isoweekday() in (6, 7)),
        "evening_orders": int(row.local.hour >= 18),
    }[measure]


def over(above: Fraction, below: Fraction) -> Value:
    """A quotient; unknown over nothing."""
    return above / below if below else None


def total(past: Past, f: Feature) -> Value:
    return measured(past.last(f.window), f.measure)


def share(past: Past, f: Feature) -> Value:
    rows = past.last(f.window)
    return over(measured(rows, f.measure), measured(rows, f.of))


def trend(past: Past, f: Feature) -> Value:
    assert f.window is not None
    now, then = past.last(f.window), past.last(f.window, before=f.window)
    return over(measured(now, f.measure) + 1, measured(then, f.measure) + 1)


def rate(past: Past, f: Feature) -> Value:
    """Per week; what was seen for less than a week is not blown up to one."""
    days = since_first(past, f) if f.window is None else Fraction(seen_days(past, f.window))
    if days is None:
        return None
    assert isinstance(days, Fraction)
    return measured(past.last(f.window), f.measure) / (max(days, Fraction(7)) / 7)


def seen_days(past: Past, window: int) -> int:
    return min(window, (past.cutoff - past.log_began).days) if past.log_began else 0


def mean(past: Past, f: Feature) -> Value:
    rows = past.last(f.window)
    return over(measured(rows, f.measure), Fraction(len(rows)))


def since_nth(past: Past, f: Feature) -> Value:
    return elapsed(past, past.rows[-f.n]) if len(past.rows) >= f.n else None


def since_first(past: Past, f: Feature) -> Value:
    return elapsed(past, past.rows[0]) if past.rows else None


def elapsed(past: Past, row: Row) -> Fraction:
    """Days of 24 hours from a row to the cutoff."""
    return Fraction((past.midnight - row.at) // dt.timedelta(microseconds=1), 86_400_000_000)


def gaps(past: Past) -> list[int]:
    """Days from each active day to the next, oldest first."""
    days = sorted({r.local.date() for r in past.rows})
    return [(later - day).days for day, later in pairwise(days)]


def gap_mean(past: Past, f: Feature) -> Value:
    between = gaps(past)
    return over(Fraction(sum(between)), Fraction(len(between)))


def gap_spread(past: Past, f: Feature) -> Value:
    between = gaps(past)
    if not between:
        return None
    middle = Fraction(sum(between), len(between))
    return math.sqrt(sum((gap - middle) ** 2 for gap in between) / len(between))


def gap_quantile(past: Past, f: Feature) -> Value:
    """Of the last 20 gaps; on the straight line between two of them."""
    between = sorted(gaps(past)[-20:])
    if not between:
        return None
    place = Fraction(str(f.q)) * (len(between) - 1)
    low = math.floor(place)
    high = min(low + 1, len(between) - 1)
    return between[low] + (place - low) * (between[high] - between[low])


def overdue(past: Past, f: Feature) -> Value:
    usual, since = gap_quantile(past, f), since_nth(past, f)
    return None if usual is None or since is None else over(Fraction(since), Fraction(usual))


def evenness(past: Past, f: Feature) -> Value:
    """Entropy of the weekdays, 1 when all seven are alike."""
    counts = Counter(r.local.isoweekday() for r in past.last(f.window)).values()
    shares = [n / sum(counts) for n in counts]
    return sum(s * math.log(1 / s) for s in shares) / math.log(7) if shares else None


def distinct(past: Past, f: Feature) -> Value:
    return Fraction(len({r.category for r in past.last(f.window)}))


MEANINGS = {
    "total": total,
    "share": share,
    "trend": trend,
    "rate": rate,
    "mean": mean,
    "since_nth": since_nth,
    "since_first": since_first,
    "gap_mean": gap_mean,
    "gap_spread": gap_spread,
    "gap_quantile": gap_quantile,
    "overdue": overdue,
    "evenness": evenness,
    "distinct": distinct,
}
