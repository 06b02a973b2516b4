"""How long customers stay silent between purchases, and how many come back from a silence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winback import store
from winback.errors import NotEnoughData
from winback.facts.days import day_number, day_numbers
from winback.facts.labels import within
from winback.facts.labels.within import PURCHASES, Ints

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
LONGEST_FOLLOWED = 365  # days: who comes back after a year is a new customer
FEWEST_FOLLOWED = 30  # silences still watched on the last day that a share is told of


@dataclass(frozen=True)
class BuyingDays:
    """The days on which customers bought, one element a customer and day, sorted by both.

    `known`: the first day whose beginning knew of it; `nth`: which of the customer's buying days it is,
    from 1; `first`: the customer's first one; `channel`: an index into `channels`, -1 where not told;
    `starts`: where each customer begins; `today`: the first day that is not known.
    """

    who: Ints
    day: Ints
    known: Ints
    nth: Ints
    first: Ints
    channel: Ints
    channels: tuple[str, ...]
    starts: Ints
    today: int


def buying_days(facts: Path, zone: str, today: dt.date) -> BuyingDays:
    """The buying days recorded before `today`. A day of several purchases is one, in the channel of its last."""
    with store.connect() as con:
        relation = within.selected(con, facts, PURCHASES, ("channel",))
        end = within.instant(today, zone)
        found = con.sql(
            f"SELECT customer_id, moment, recorded, channel FROM ({relation}) "  # noqa: S608 - a number
            f"WHERE greatest(moment, recorded) < {end} ORDER BY customer_id, moment, channel"
        ).to_arrow_table()
    if not len(found):
        raise NotEnoughData(f"no purchase was recorded before {today}; check --date and the mapping of ordered_at.")
    return _by_day(found, zone, day_number(today))


def _by_day(found: pa.Table, zone: str, today: int) -> BuyingDays:
    """The purchases, sorted by customer and moment, as buying days."""
    who, day = _codes(found["customer_id"])[0], day_numbers(found["moment"].to_numpy(), zone)
    known = np.maximum(day_numbers(found["recorded"].to_numpy(), zone), day) + 1
    channel, channels = _codes(found["channel"])
    new = np.flatnonzero(np.diff(who, prepend=-1) | np.diff(day, prepend=day[0]))
    last = np.append(new[1:], len(who)) - 1
    who, day, known = who[new], day[new], np.minimum.reduceat(known, new)
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    begins = np.repeat(starts, np.diff(np.append(starts, len(who))))
    nth = np.arange(len(who)) - begins + 1
    return BuyingDays(who, day, known, nth, day[begins], channel[last], channels, starts, today)


def _codes(column: pa.ChunkedArray) -> tuple[Ints, tuple[str, ...]]:
    """Each value as an index into the different ones, in order of appearance; -1 for null."""
    encoded = column.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, tuple(encoded.dictionary.to_pylist())


@dataclass(frozen=True)
class Silences:
    """What followed each buying day: so many `days` to the next one, or, where not `ended`, without one up to today.

    A silence lasts `w` days when w whole days after the purchase have passed without another.
    """

    days: Ints
    ended: Bools

    def lasted(self, window: int) -> Bools:
        """Which of them have lasted so many days, whatever came then."""
        return np.where(self.ended, self.days > window, self.days >= window)

    def of(self, chosen: Bools) -> Silences:
        """Some of them."""
        return Silences(self.days[chosen], self.ended[chosen])


def silences(log: BuyingDays) -> Silences:
    """The silence after each buying day."""
    following = np.append(log.day[1:], 0)
    ended = np.append(log.who[1:] == log.who[:-1], False)
    return Silences(np.where(ended, following - log.day, log.today - 1 - log.day), ended)


def going_on(some: Silences) -> Floats:
    """At each number of days from 0 to the longest: the share of silences that last so long (Kaplan and Meier).

    Those that today cuts off count as long as they could be watched: each day's share of returns is that
    among the silences still watched on that day, and the shares of staying away are multiplied.
    """
    longest = int(some.days.max(initial=0))
    ends = np.bincount(some.days[some.ended], minlength=longest + 1)
    return np.cumprod(1 - ends / np.maximum(_watched(some, longest), 1), dtype=np.float64)


def _watched(some: Silences, longest: int) -> Ints:
    """How many silences can be seen to go on or to end on each of their days."""
    return np.bincount(some.days, minlength=longest + 1)[::-1].cumsum()[::-1].astype(np.int64)


def usual_gap(some: Silences) -> int | None:
    """The days within which half of the purchases are followed by another; None where half never are."""
    below = np.flatnonzero(going_on(some) <= 0.5)
    return int(below[0]) if len(below) else None


def came_back(some: Silences, window: int) -> tuple[float, int]:
    """The share of the silences of `window` days that end later, and within how many days, at most a year.

    The days end where fewer than FEWEST_FOLLOWED silences are still watched: (nan, 0) where they never were so many.
    """
    left = some.of(some.lasted(window))
    rest = Silences(left.days - window, left.ended)
    watched = _watched(rest, int(rest.days.max(initial=0)))
    followed = min(LONGEST_FOLLOWED, int((watched >= FEWEST_FOLLOWED).sum()) - 1)
    if followed < 1:
        return float("nan"), 0
    return float(1 - going_on(rest)[followed]), followed
