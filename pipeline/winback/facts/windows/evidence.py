"""Evidence for choosing the churn window: after how many silent days a customer should count as gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from winback.facts.labels.labels import newest as newest_day
from winback.facts.labels.labels import refuse_silence
from winback.facts.labels.within import Ints, Rows
from winback.facts.windows.silences import (
    Bools,
    BuyingDays,
    Floats,
    Silences,
    buying_days,
    came_back,
    going_on,
    silences,
    usual_gap,
)

CANDIDATES = (7, 14, 28, 30, 45, 60, 90, 120, 180, 365)
MOST_CUTOFFS, LEAST_APART = 12, 7
NEW_DAYS = 30  # a customer is new for so many days from the first purchase on
HEAVY_SHARE = 0.25  # of those who have bought on several days by then
GRID = 24  # at so many days of the log it is looked up how many purchases the heavy ones have
MOST_CHANNELS = 5
RULES = ("days since last order", "overdue by own cadence", "few orders in the window")


COLUMNS = {
    "window_days": "int64",
    "by": "str",
    "segment": "str",
    "silences": "int64",
    "silent_share": "float64",
    "came_back": "float64",
    "followed_days": "int64",
    "warning_days": "float64",
    "cutoffs": "int64",
    "customers": "int64",
    "positives": "int64",
    "negatives": "int64",
    "base_rate": "float64",
    "rule": "str",
    "auc": "float64",
}
Part = tuple[str, str]


@dataclass(frozen=True)
class Shop:
    """A log, its silences, the days to the next purchase that are usual, and what parts its customers.

    `many`: the buying days that three quarters of those with several do not exceed, on each day of `grid`;
    `common`: the channels most used, as indices.
    """

    log: BuyingDays
    every: Silences
    usual: int
    grid: Ints
    many: Ints
    common: Ints


@dataclass(frozen=True)
class Called:
    """The silences that lasted a window: how they went on, how long the warning was, and of what parts each is."""

    silences: Silences
    warning: Floats
    parts: dict[Part, Bools]


@dataclass(frozen=True)
class Asked:
    """The customers asked about at one cutoff, who of them was gone, how each rule ranks them, and their parts."""

    who: Ints
    gone: Bools
    rules: dict[str, Floats]
    parts: dict[Part, Bools]


def windows(
    facts: Path, zone: str, today: dt.date | None = None, candidates: Sequence[int] = CANDIDATES
) -> pd.DataFrame:
    """One row a candidate window and part of the customers: what speaks for the window and against it.

    `window_days`; `by` and `segment`: whom the row is about, as known at the time: "all"; by "orders": "one-time",
    "repeat", "heavy" (more buying days than three quarters of those with several); by "age": "new" (first purchase
    in the last 30 days); by "channel" (of the last purchase, the five most used).

    Of the silences of so many days: `silences`, their number; `silent_share`, the share of purchases that
    one follows (of all customers only); `came_back`, the share that ended within the `followed_days` after,
    at most a year, counting those that `today` cuts off as long as they were watched; `warning_days`, the
    median of the days from the end of the customer's usual gap to the end of the window.

    Of the question "who bought in the last so many days and buys nothing in the next so many", asked at
    so many `cutoffs`: `customers` asked about, `positives` who did and `negatives` who did not at some cutoff,
    each person once; `base_rate` of all answers; and the best single `rule` with its `auc`, of pairs of
    customers of one cutoff.

    What the log is too short for is NaN or 0. `today` None: the day after the newest order.
    """
    if today is None:
        newest = newest_day(facts, Rows("orders", "ordered_at"), zone, None)
        today = newest + dt.timedelta(days=1) if newest else dt.date(1970, 1, 1)
    refuse_silence(facts, zone, today)
    shop = _shop(buying_days(facts, zone, today))
    length = shop.log.today - int(shop.log.day.min())
    rows = [row for window in sorted(set(candidates)) if window < length for row in _of_window(shop, window)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _shop(log: BuyingDays) -> Shop:
    every = silences(log)
    grid = np.unique(np.linspace(int(log.day.min()) + 1, log.today, GRID).astype(np.int64))
    so_far = [np.add.reduceat((log.day < day).astype(np.int64), log.starts) for day in grid]
    several = [counts[counts > 1] for counts in so_far]
    many = np.array([np.quantile(c, 1 - HEAVY_SHARE) if len(c) else 1 for c in several]).astype(np.int64)
    used = np.bincount(log.channel[log.channel >= 0], minlength=len(log.channels))
    common = np.argsort(-used, kind="stable")[: MOST_CHANNELS if len(used) > 1 else 0]
    return Shop(log, every, usual_gap(every) or log.today - int(log.day.min()), grid, many, common)


def _of_window(shop: Shop, window: int) -> Iterator[dict[str, object]]:
    """The rows of one window: all customers first."""
    called = _called(shop, window)
    asked = [_asked(shop, window, int(cutoff)) for cutoff in _cutoffs(shop.log, window)]
    for part in called.parts:
        by, segment = part
        told = by == "all" and window <= shop.every.days.max()
        share = float(going_on(shop.every)[window]) if told else np.nan
        row = {"window_days": window, "by": by, "segment": segment, "silent_share": share}
        row |= _of_silences(called, part, window) | _of_question(asked, part)
        if by == "all" or row["silences"] or row["customers"]:
            yield row


def _called(shop: Shop, window: int) -> Called:
    """The silences that lasted the window, as they were when it ended."""
    log, lasted = shop.log, shop.every.lasted(window)
    own = (log.day - log.first + shop.usual) / log.nth
    parts = _parts(shop, log.day + window + 1, (log.first, log.nth, log.channel))
    chosen = {part: mask[lasted] for part, mask in parts.items()}
    return Called(shop.every.of(lasted), np.maximum(window - own[lasted], 0), chosen)


def _asked(shop: Shop, window: int, cutoff: int) -> Asked:
    """The customers who bought in the window before a cutoff, as known at it, and who bought nothing in the one after.

    The usual gap of the rule "overdue" is the mean of the customer's own gaps and the shop's usual one.
    """
    log = shop.log
    seen = (log.day < cutoff) & (log.known <= cutoff)
    last = np.maximum.reduceat(np.where(seen, np.arange(len(seen)), -1), log.starts)
    who = np.flatnonzero((last >= 0) & (log.day[last] >= cutoff - window))
    last, first = last[who], np.minimum.reduceat(np.where(seen, log.day, cutoff), log.starts)[who]
    orders, recent, later = (
        np.add.reduceat(rows.astype(np.int64), log.starts)[who]
        for rows in (
            seen,
            seen & (log.day >= cutoff - window),
            (log.day >= cutoff) & (log.day < cutoff + window),
        )
    )
    since = (cutoff - log.day[last]).astype(np.float64)
    rules = {
        "days since last order": since,
        "overdue by own cadence": since * orders / (log.day[last] - first + shop.usual),
        "few orders in the window": -recent.astype(np.float64),
    }
    return Asked(who, later == 0, rules, _parts(shop, np.full(len(who), cutoff), (first, orders, log.channel[last])))


def _cutoffs(log: BuyingDays, window: int) -> Ints:
    """Up to MOST_CUTOFFS days, evenly spaced, with a window before each and a window after it in the log."""
    first, last = int(log.day.min()) + window, log.today - window
    if last < first:
        return np.zeros(0, np.int64)
    number = min(MOST_CUTOFFS, (last - first) // LEAST_APART + 1)
    return np.linspace(last, first, number).round().astype(np.int64)


def _parts(shop: Shop, at: Ints, known: tuple[Ints, Ints, Ints]) -> dict[Part, Bools]:
    """Everybody, and the customers by number and age of their buying days and the last one's channel, on a day each."""
    first, orders, channel = known
    heavy = orders > shop.many[np.searchsorted(shop.grid, at, side="right").clip(1) - 1]
    parts: dict[Part, Bools] = {
        ("all", "all"): np.ones(len(at), dtype=bool),
        ("orders", "one-time"): orders == 1,
        ("orders", "repeat"): (orders > 1) & ~heavy,
        ("orders", "heavy"): heavy,
        ("age", "new"): at - first <= NEW_DAYS,
    }
    return parts | {("channel", shop.log.channels[code]): channel == code for code in shop.common}


def _of_silences(called: Called, part: Part, window: int) -> dict[str, object]:
    chosen = called.parts[part]
    share, followed = came_back(called.silences.of(chosen), window)
    warning = float(np.median(called.warning[chosen])) if chosen.any() else np.nan
    return {"silences": int(chosen.sum()), "came_back": share, "followed_days": followed, "warning_days": warning}


def _of_question(asked: Sequence[Asked], part: Part) -> dict[str, object]:
    masks = [(some, some.parts[part]) for some in asked]
    told = {name: _auc([(some.rules[name][mask], some.gone[mask]) for some, mask in masks]) for name in RULES}
    rule = max(told, key=lambda name: np.nan_to_num(told[name]))
    who = np.concatenate([some.who[mask] for some, mask in masks]) if asked else np.zeros(0, np.int64)
    gone = np.concatenate([some.gone[mask] for some, mask in masks]) if asked else np.zeros(0, bool)
    return {
        "cutoffs": len(asked),
        "customers": _people(who),
        "positives": _people(who[gone]),
        "negatives": _people(who[~gone]),
        "base_rate": float(gone.mean()) if len(gone) else np.nan,
        "rule": rule if np.isfinite(told[rule]) else "",
        "auc": told[rule],
    }


def _people(who: Ints) -> int:
    """How many different customers there are among these."""
    return int(np.count_nonzero(np.bincount(who)))


def _auc(ranked: Sequence[tuple[Floats, Bools]]) -> float:
    """The share of pairs, one gone and one not at one cutoff, in which the gone one ranks higher; ties count half."""
    higher = pairs = 0.0
    for scores, gone in ranked:
        stayed = np.sort(scores[~gone])
        below, up_to = (np.searchsorted(stayed, scores[gone], side=side).sum() for side in ("left", "right"))
        higher += (int(below) + int(up_to)) / 2
        pairs += int(gone.sum()) * len(stayed)
    return higher / pairs if pairs else float("nan")
