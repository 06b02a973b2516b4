"""How many rows come a day: days that lack, jumps, spikes, an end that thins out or is long past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from winback.facts.check.findings import Finding, day_range, number, of_all
from winback.facts.check.look import Look
from winback.facts.check.rhythm import Rhythm
from winback.facts.days import Ints

SURE = 12.0  # rows expected: by chance none come once in 160,000 times
STALE_DAYS = 7
JUMP, BUSY = 2.0, 50  # times, and rows a week
WEEKS = 4  # on either side of a jump
SPIKE, SPIKE_ROWS = 10, 100


def check_volume(look: Look, rhythm: Rhythm | None) -> Iterator[Finding]:
    """What is odd about how many rows of a table there are a day."""
    if look.later:
        yield Finding(
            look.table, look.moment, "note", "not_yet_known",
            f"{of_all(look.later, look.rows + look.later, 'rows')} happened or became known on {look.today} or after",
            "They are not looked at here: a run for this date does not see them.",
            look.later, look.later / (look.rows + look.later),
        )  # fmt: skip
    if rhythm is None or look.table in ("consents", "suppressions", "customers"):
        return
    daily = rhythm.daily
    if stale := list(_stale(look, rhythm)):
        yield from stale
        daily = daily[: np.flatnonzero(daily)[-1] + 1]
    else:
        yield from _thin_end(look, daily)
    yield from _gaps(look, rhythm, daily)
    if look.table != "contacts":  # a mailing is a spike, and meant to be
        yield from _jump(look, rhythm, daily)
        yield from _spike(look, rhythm, daily)


def _stale(look: Look, rhythm: Rhythm) -> Iterator[Finding]:
    """No row for longer than a week and than is usual."""
    days = np.flatnonzero(rhythm.daily)
    silent = len(rhythm.daily) - 1 - int(days[-1])
    usual = int(np.quantile(np.diff(days), 0.99)) if len(days) > 1 else 0
    if silent > max(STALE_DAYS, 2 * usual):
        newest = rhythm.day(days[-1])
        grave = "error" if look.table in ("orders", "subscriptions") else "warning"
        yield Finding(
            look.table, look.moment, grave, "stale",  # type: ignore[arg-type]
            f"the newest row is of {newest}: none in the {silent:,} days since, before {look.today}",
            f"Is the feed complete? For a log that has ended, ask with --date {newest + dt.timedelta(days=1)}.",
            silent,
        )  # fmt: skip


def _thin_end(look: Look, daily: Ints) -> Iterator[Finding]:
    """The last week has far fewer rows than the weeks before it."""
    if len(daily) < 7 * 9:
        return
    weeks = daily[-63:].reshape(9, 7).sum(axis=1)
    usual = float(np.median(weeks[:-1]))
    if usual >= BUSY and weeks[-1] < 0.5 * usual:
        yield Finding(
            look.table, look.moment, "warning", "thin_end",
            f"the last 7 days before {look.today} have {weeks[-1]:,} rows; usual are {number(round(usual))}",
            "If the newest rows arrive late, map recorded_at; else ask why they lack: customers would seem to "
            "be going silent.",
            int(weeks[-1]), float(weeks[-1] / usual),
        )  # fmt: skip


def expected(daily: Ints) -> NDArray[np.float64]:
    """The rows a day should have: the median of the same weekday in the four weeks before or after, the smaller.

    Where there are fewer than two such days on a side nothing is expected.
    """
    padded = np.pad(daily.astype(np.float64), 28, constant_values=np.nan)
    beside = {w: padded[28 + 7 * w : 28 + 7 * w + len(daily)] for w in (*range(-4, 0), *range(1, 5))}
    sides = [np.stack([beside[w] for w in weeks]) for weeks in (range(-4, 0), range(1, 5))]
    usual = np.zeros((2, len(daily)))
    for row, side in zip(usual, sides, strict=True):
        sure = np.isfinite(side).sum(axis=0) >= 2
        row[sure] = np.nanmedian(side[:, sure], axis=0)
    least: NDArray[np.float64] = usual.min(axis=0)
    return least


def _gaps(look: Look, rhythm: Rhythm, daily: Ints) -> Iterator[Finding]:
    """Days without a row where the same weekdays around them have many."""
    usual = expected(daily)
    gaps = [(a, b) for a, b in _runs(daily == 0) if usual[a:b].sum() >= SURE]
    if not gaps:
        return
    days = sum(b - a for a, b in gaps)
    a, b = max(gaps, key=lambda gap: gap[1] - gap[0])
    longest = day_range(rhythm.day(a), rhythm.day(b - 1))
    is_long = b - a >= 3
    yield Finding(
        look.table, look.moment, "warning" if is_long else "note", "days_missing",
        f"{days:,} days without a row, where {number(round(float(usual[a:b].mean())))} a day are usual; "
        f"{'the longest gap is' if len(gaps) > 1 else 'namely'} {longest}",
        "Look for files that were not delivered; customers seem to have paused then." if is_long
        else "Days on which the business was closed, or files that were not delivered?",
        days, days / len(daily),
    )  # fmt: skip


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where flags are up, as (first, one after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _jump(look: Look, rhythm: Rhythm, daily: Ints) -> Iterator[Finding]:
    """The week at which the weekly number changes most, for good and all at once."""
    skipped = len(daily) % 7
    weeks = daily[skipped:].reshape(-1, 7).sum(axis=1)
    best, factor = 0, 1.0
    for week in range(WEEKS, len(weeks) - WEEKS + 1):
        before, after = weeks[week - WEEKS : week], weeks[week : week + WEEKS]
        # Every week on one side is above every week on the other: a step, not a slope or a holiday.
        low, high = sorted((before, after), key=np.median)
        if np.median(high) < BUSY or high.min() < 1.5 * max(1, low.max()):
            continue
        times = float(np.median(high) / max(1.0, np.median(low)))
        if times >= JUMP and times > factor:
            best, factor = week, times
    if best:
        before, after = np.median(weeks[best - WEEKS : best]), np.median(weeks[best : best + WEEKS])
        yield Finding(
            look.table, look.moment, "warning", "volume_jump",
            f"from {rhythm.day(skipped + 7 * best)} on {number(round(after))} rows a week instead of "
            f"{number(round(before))}",
            "Did the business change, or what is recorded (a shop joined, an export was cut)? If the latter, "
            "set [cutoffs] first after it.",
            share=float(after / max(1.0, before)),
        )  # fmt: skip


def _spike(look: Look, rhythm: Rhythm, daily: Ints) -> Iterator[Finding]:
    usual = float(np.median(daily[daily > 0]))
    top = int(daily.argmax())
    if daily[top] >= max(SPIKE_ROWS, SPIKE * usual):
        yield Finding(
            look.table, look.moment, "warning", "spike",
            f"{daily[top]:,} rows on {rhythm.day(top)}; usual are {number(round(usual))} a day",
            "If that is the day of an import and not of the deeds, map the column that tells when they were done.",
            int(daily[top]), float(daily[top] / daily.sum()),
        )  # fmt: skip
