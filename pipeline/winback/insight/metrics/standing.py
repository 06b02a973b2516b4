"""Who was a customer at the start and at the end of each period, and what he did in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from winback.insight.metrics.coded import FOREVER, Coded, Flags, Floats, Ints, Log
from winback.insight.metrics.periods import Period

People = dict[str, Floats]
Customership = Literal["orders", "subscriptions"]


@dataclass(frozen=True)
class Stand:
    """Who is a customer at the start, at the end, who became one in between, and the first day of each.

    `away`: who was one before the start and is none at it.

    By orders: at the beginning of a day, whoever bought in the `active_days` before it. By subscriptions: whoever has
    one that began before the day and has not ended before it.
    """

    at_start: Flags
    at_end: Flags
    became: Flags
    first: Ints
    away: Flags


def stands(data: Coded, asked: Sequence[Period], by: Customership, active_days: int) -> Iterator[Stand]:
    """One Stand a period, which must be in order of time."""
    yield from _by_spans(data, asked) if by == "subscriptions" else _by_orders(data, asked, active_days)


def _by_orders(data: Coded, asked: Sequence[Period], active_days: int) -> Iterator[Stand]:
    log, n = data.purchases, data.customers
    first, last, seen = np.full(n, FOREVER), np.full(n, -FOREVER), -FOREVER
    np.minimum.at(first, log.who, log.day)
    for period in asked:
        start, end = period.days
        _note(last, log.between(seen, start))
        at_start, inside = last >= start - active_days, log.between(start, end)
        _note(last, inside)
        seen = end
        yield Stand(at_start, last >= end - active_days, inside.summed(n) > 0, first, (first < start) & ~at_start)


def _note(last: Ints, rows: Log) -> None:
    """Enter each customer's newest day; later rows come later, so the last one stays."""
    last[rows.who] = rows.day


def _by_spans(data: Coded, asked: Sequence[Period]) -> Iterator[Stand]:
    spans, first = data.spans, np.full(data.customers, FOREVER)
    np.minimum.at(first, spans.who, spans.since)
    for period in asked:
        start, end = period.days
        began = np.zeros(data.customers, dtype=bool)
        began[spans.who[(spans.since >= start) & (spans.since < end)]] = True
        at_start = _subscribed(data, start)
        yield Stand(at_start, _subscribed(data, end), began, first, (first < start) & ~at_start)


def _subscribed(data: Coded, day: int) -> Flags:
    """Who has a subscription at the beginning of a day."""
    there = np.zeros(data.customers, dtype=bool)
    there[data.spans.who[data.spans.running(day)]] = True
    return there


def moves(stand: Stand, period: Period) -> People:
    """One number (0 or 1) a customer for each of the sets that retention and churn are made of."""
    start, end = period.days
    there, later, away = stand.at_start, stand.at_end, stand.away
    new = (stand.first >= start) & (stand.first < end)
    found = {
        "at_start": there,
        "at_end": later,
        "kept": there & later,
        "lost": there & ~later,
        "new": new,
        "new_lost": new & ~later,
        "returned": later & away,
        "away": away,
        "base": there | stand.became,
    }
    people = {name: flags.astype(float) for name, flags in found.items()}
    end_less_new = people["at_end"] - people["new"]
    return people | {"end_less_new": end_less_new, "there_mean": (people["at_start"] + people["at_end"]) / 2}


def recurring(data: Coded, period: Period) -> People:
    """Recurring revenue a month of each customer at the start, at the end, and what became of the first.

    A price that is not known counts as nothing.
    """
    start, end = (_monthly(data, day) for day in period.days)
    there = start > 0
    later = np.where(there, end, 0.0)
    stays = there & _subscribed(data, period.days[1])
    kept = np.minimum(later, start)
    churned = np.where(there & ~stays, start, 0.0)
    lost = start - kept
    names = ("mrr_start", "mrr_end", "mrr_later", "mrr_kept", "mrr_churned", "mrr_lost")
    return dict(zip(names, (start, end, later, kept, churned, lost), strict=True))


def _monthly(data: Coded, day: int) -> Floats:
    """Recurring revenue a month of each customer at the beginning of a day."""
    spans, runs = data.spans, data.spans.running(day)
    monthly = np.nan_to_num(spans.monthly[runs])
    return np.bincount(spans.who[runs], weights=monthly, minlength=data.customers).astype(float)
