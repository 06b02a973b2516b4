"""The meaning of each kind of feature, on the rows of one customer known at one cutoff."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from winback.facts.features.feature import Feature
from winback.prove.history import ended_known
from winback.prove.past import Past
from winback.prove.streams import DAY, Fact

Value = Fraction | float | None
WEEK = 7


def quotient(above: Fraction, below: Fraction) -> Fraction | None:
    """Unknown over nothing."""
    return above / below if below else None


def total(past: Past, f: Feature) -> Value:
    return past.measured(f.measure, f.window, f.lag)


def share(past: Past, f: Feature) -> Value:
    return quotient(past.measured(f.measure, f.window, f.lag), past.measured(f.of, f.window, f.lag))


def mean(past: Past, f: Feature) -> Value:
    return quotient(past.measured(f.measure, f.window, f.lag), past.measured("rows", f.window, f.lag))


def window_of(f: Feature) -> int:
    """The window of a kind that has one."""
    if f.window is None:
        raise ValueError(f"{f.name}: {f.kind} needs a window")
    return f.window


def in_turn(past: Past, f: Feature, count: int) -> list[Fraction]:
    """The totals of the last `count` windows, the newest first."""
    window = window_of(f)
    return [past.measured(f.measure, window, f.lag + turn * window) for turn in range(count)]


def trend(past: Past, f: Feature) -> Value:
    now, then = in_turn(past, f, 2)
    return quotient(now + 1, then + 1)


def acceleration(past: Past, f: Feature) -> Value:
    now, then, earlier = in_turn(past, f, 3)
    return (now - then) - (then - earlier)


def spans(past: Past, f: Feature) -> Value:
    window = window_of(f)
    return Fraction(sum(bool(past.rows(window, f.lag + turn * window)) for turn in range(f.n)), f.n)


def rate(past: Past, f: Feature) -> Value:
    """Per week; what was seen for less than a week is not blown up to one."""
    days = since_first(past, f) if f.window is None else Fraction(seen_days(past, f.window))
    if days is None:
        return None
    return past.measured(f.measure, f.window) / (max(days, Fraction(WEEK)) / WEEK)


def seen_days(past: Past, window: int) -> int:
    """How much of a window that ends at the cutoff was seen."""
    return min(window, (past.cutoff - past.log_began).days) if past.log_began else 0


def since_nth(past: Past, f: Feature) -> Fraction | None:
    rows = past.rows(None)
    return elapsed(past, rows[-f.n]) if len(rows) >= f.n else None


def since_first(past: Past, f: Feature) -> Fraction | None:
    rows = past.rows(None)
    return elapsed(past, rows[0]) if rows else None


def elapsed(past: Past, fact: Fact) -> Fraction:
    """Days of 24 hours from a row to the cutoff."""
    return Fraction((past.midnight - fact.at) // dt.timedelta(microseconds=1), 86_400_000_000)


def gaps(past: Past) -> list[int]:
    """Days from each active day to the next, oldest first."""
    days = sorted({fact.day for fact in past.rows(None)})
    return [(later - day).days for day, later in pairwise(days)]


def gap_mean(past: Past, f: Feature) -> Value:
    between = gaps(past)
    return quotient(Fraction(sum(between)), Fraction(len(between)))


def gap_spread(past: Past, f: Feature) -> Value:
    between = gaps(past)
    if not between:
        return None
    middle = Fraction(sum(between), len(between))
    return math.sqrt(sum((gap - middle) ** 2 for gap in between) / len(between))


def gap_quantile(past: Past, f: Feature) -> Fraction | None:
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
    return None if usual is None or since is None else quotient(since, usual)


def overdue_prior(past: Past, f: Feature) -> Value:
    since, between = since_nth(past, f), gaps(past)
    usual = (sum(between) + Fraction(str(f.prior))) / (len(between) + 1)
    return None if since is None else quotient(since, usual)


def evenness(past: Past, f: Feature) -> Value:
    """Entropy of the weekdays of the active days, 1 when all seven are alike."""
    days = {fact.day for fact in past.rows(f.window, f.lag)}
    counts = Counter(day.isoweekday() for day in days).values()
    shares = [n / sum(counts) for n in counts]
    return sum(s * math.log(1 / s) for s in shares) / math.log(WEEK) if shares else None


def distinct(past: Past, f: Feature) -> Value:
    return Fraction(len({fact.value for fact in past.named(f.window, f.lag)}))


def new_values(past: Past, f: Feature) -> Value:
    inside = {fact.value for fact in past.named(f.window, f.lag)}
    return Fraction(len(inside - {fact.value for fact in past.named(None, f.lag + window_of(f))}))


def top_share(past: Past, f: Feature) -> Value:
    counts = Counter(fact.value for fact in past.named(f.window, f.lag)).values()
    return Fraction(max(counts), sum(counts)) if counts else None


def switches(past: Past, f: Feature) -> Value:
    """Rows in the window that differ from the one before, wherever that one lies."""
    inside = {id(fact) for fact in past.rows(f.window, f.lag)}
    steps = pairwise(past.named(None))
    return Fraction(sum(now.value != then.value for then, now in steps if id(now) in inside))


def rises(past: Past, f: Feature) -> Value:
    inside = {id(fact) for fact in past.rows(f.window, f.lag)}
    steps = pairwise(past.readings(f.measure))
    return Fraction(sum(now > then for (_, then), (fact, now) in steps if id(fact) in inside))


def last(past: Past, f: Feature) -> Value:
    readings = past.readings(f.measure)
    return readings[-f.n][1] if len(readings) >= f.n else None


def change(past: Past, f: Feature) -> Value:
    readings = past.readings(f.measure)
    return readings[-1][1] - readings[-2][1] if len(readings) > 1 else None


def days_until(past: Past, f: Feature) -> Value:
    """To the day of the shop on which the card of the last payment expires; of one instant the latest."""
    days = [(fact.at, Fact(fact.row, fact.zone, fact.row["card_expires"], fact.known).day) for fact in past.rows(None)]
    return Fraction((max(days)[1] - past.cutoff).days) if days else None


def until_renewal(past: Past, f: Feature) -> Value:
    """Of the newest subscription that has not ended as known; of several of one instant the soonest."""
    open_ = [fact for fact in past.rows(None) if not _ended(fact, past)]
    newest = [fact for fact in open_ if fact.at == open_[-1].at]
    days = [day for fact in newest if (day := next_renewal(fact, past.cutoff)) is not None]
    return Fraction(min((day - past.cutoff).days for day in days)) if days else None


def _ended(fact: Fact, past: Past) -> bool:
    known = ended_known(fact.row)
    return known is not None and known < past.midnight


def next_renewal(fact: Fact, cutoff: dt.date) -> dt.date | None:
    """The first day on or after the cutoff that is a whole number of periods after the start."""
    if fact.row["period"] is None:
        return None
    found = re.fullmatch(r"P(\d+)([DWMY])", fact.row["period"])
    if found is None:
        return None
    periods = 1
    while (day := after(fact.day, periods * int(found[1]), found[2])) < cutoff:
        periods += 1
    return day


def after(day: dt.date, count: int, unit: str) -> dt.date:
    """So many days, weeks, months or years after a day; the month's last day where it has no such day."""
    if unit in "DW":
        return day + count * (WEEK if unit == "W" else 1) * DAY
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "Y" else 1)
    year, month = months // 12, months % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


MEANINGS: dict[str, Callable[[Past, Feature], Value]] = {
    meaning.__name__: meaning
    for meaning in (
        total, share, mean, trend, acceleration, spans, rate, since_nth, since_first, gap_mean, gap_spread,
        gap_quantile, overdue, overdue_prior, evenness, distinct, new_values, top_share, switches, rises,
        last, change, days_until, until_renewal,
    )
}  # fmt: skip
