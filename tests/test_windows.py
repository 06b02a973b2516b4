"""The evidence for a churn window: by hand, against a loop over random logs, and what is made of it."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from history import orders
from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.windows.evidence import COLUMNS, windows
from winback.facts.windows.silences import Silences, buying_days, came_back, going_on, silences, usual_gap

TODAY = dt.date(2026, 4, 1)
ZONE = "America/New_York"


def log(folder: Path, rows: pd.DataFrame | str) -> Path:
    store.write_table(folder / "orders.parquet", orders(rows) if isinstance(rows, str) else rows)
    return folder


def silent(*lengths: str) -> Silences:
    """`5` ended after five days, `5+` had lasted five days when the log ended."""
    days = [int(length.rstrip("+")) for length in lengths]
    return Silences(np.array(days, np.int64), np.array([not length.endswith("+") for length in lengths], bool))


def test_a_days_purchases_are_one_in_the_channel_of_the_last(tmp_path):
    """In New York; returns are none, nor are changes of an order, nor what was recorded today."""
    rows = orders(
        "a: 2026-03-01T12:00 1 channel=web, 2026-03-02T04:59 1 channel=shop, 2026-03-02T05:00 1 channel=web, "
        "2026-03-20 -1, 2026-03-21 1 channel=shop @2026-04-01T04:00; "
        "b: 2026-03-10T12:00 1 @2026-03-13T12:00, 2026-03-10T13:00 1 @2026-03-12T03:59"
    )
    found = buying_days(log(tmp_path, rows), ZONE, TODAY)
    day = np.array([(dt.date(2026, 3, d) - dt.date(1970, 1, 1)).days for d in (1, 2, 10)])
    assert found.day.tolist() == day.tolist()
    assert found.known.tolist() == [day[0] + 1, day[1] + 1, day[2] + 2]
    assert (found.who.tolist(), found.nth.tolist()) == ([0, 0, 1], [1, 2, 1])
    assert (found.first - day[0]).tolist() == [0, 0, 9]
    assert [found.channels[code] if code >= 0 else None for code in found.channel] == ["shop", "web", None]
    assert found.starts.tolist() == [0, 2]
    gaps = silences(found)
    assert (gaps.days.tolist(), gaps.ended.tolist()) == ([1, 29, 21], [True, False, False])


def test_without_purchases(tmp_path):
    with pytest.raises(NotEnoughData) as caught:
        buying_days(log(tmp_path, "a: 2026-03-01 -1"), "UTC", TODAY)
    assert str(caught.value) == (
        "no purchase was recorded before 2026-04-01; check --date and the mapping of ordered_at."
    )


@pytest.mark.parametrize(
    ("lengths", "shares"),
    [
        (["2", "4"], [1, 1, 0.5, 0.5, 0]),
        (["2", "4+"], [1, 1, 0.5, 0.5, 0.5]),
        # cut off on day 2, one of three is still watched then: a third of them end on that day, half of the rest later
        (["2", "2+", "4", "4+"], [1, 1, 0.75, 0.75, 0.375]),
        (["1+", "3"], [1, 1, 1, 0]),
        ([], [1]),
    ],
)
def test_silences_that_today_cuts_off_count_as_long_as_they_were_watched(lengths, shares):
    assert going_on(silent(*lengths)).tolist() == pytest.approx(shares, abs=1e-15)


def test_a_silence_lasts_when_whole_days_have_passed():
    some = silent("3", "4", "3+", "2+")
    assert some.lasted(3).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("lengths", "gap"), [(["2", "3", "9+"], 3), (["2", "9+"], 2), (["2", "9+", "9+"], None), (["9+"], None)]
)
def test_the_usual_gap_is_where_half_have_bought_again(lengths, gap):
    assert usual_gap(silent(*lengths)) == gap


def test_who_came_back():
    """Of 80 silences of 10 days, 20 end on day 15 and 30 on day 40; today cuts the others off on day 60."""
    some = silent(*["5"] * 100, *["15"] * 20, *["40"] * 30, *["60+"] * 30)
    assert came_back(some, 10) == (pytest.approx(50 / 80), 50)
    assert came_back(some, 15) == (pytest.approx(30 / 60), 45)
    # with one less that lasts, the end is where 30 were still watched
    assert came_back(silent(*["15"] * 20, *["40"] * 30, *["60+"] * 29), 10) == (pytest.approx(50 / 79), 30)
    assert came_back(silent(*["15"] * 29), 10) == (pytest.approx(math.nan, nan_ok=True), 0)
    assert came_back(silent(*["500"] * 30, *["600+"] * 30), 10) == (0.0, 365)


def shop(seed: int, customers: int = 60) -> pd.DataFrame:
    """Orders of half a year: regulars, one-time buyers, and some who stop; some recorded days later."""
    chance, rows = random.Random(seed), []
    begin = dt.datetime(2025, 10, 1, tzinfo=ZoneInfo(ZONE))
    for number in range(customers):
        at, pace = begin + dt.timedelta(days=chance.randint(0, 90)), chance.choice([3, 8, 25])
        for n in range(chance.choice([1, 1, 3, 40, 40])):
            if at.date() < TODAY:
                late = chance.choice([0, 0, 0, 2, 30])
                rows.append((f"c{number}", f"{number}-{n}", at, late, chance.choice(["web", "shop", None]), 0))
            at += dt.timedelta(days=chance.expovariate(1 / pace), hours=chance.choice([0, 1]))
    rows.append(("feed", "feed", dt.datetime(2026, 3, 31, 23, 59, tzinfo=ZoneInfo(ZONE)), 0, None, 0))
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "ordered_at", "late", "channel", "part"])
    happened = pd.to_datetime(frame["ordered_at"], utc=True).dt.as_unit("us")
    recorded = happened + pd.to_timedelta(frame.pop("late"), unit="D").dt.as_unit("us")
    frame = frame.assign(
        ordered_at=happened, recorded_at=recorded, amount_cents=100, channel=frame["channel"].astype("str")
    )
    return frame.astype({"customer_id": "str", "order_id": "str"}).sample(frac=1, random_state=seed)


@dataclass(frozen=True, eq=False)
class Shop:
    """For each customer the days: bought on, known from, channel."""

    days: dict[str, list[tuple[dt.date, dt.date, str | None]]]


RULES = ("days since last order", "overdue by own cadence", "few orders in the window")


def told(rows: pd.DataFrame, candidates: list[int]) -> list[dict[str, Any]]:
    """The frame of `windows` by loops."""
    one = dt.timedelta(days=1)
    days: dict[str, list[Any]] = {}
    for row in rows.sort_values(["ordered_at", "channel"]).itertuples():
        day, known = (t.tz_convert(ZONE).date() for t in (row.ordered_at, row.recorded_at))
        if known >= TODAY:
            continue
        mine = days.setdefault(row.customer_id, [])
        channel = None if pd.isna(row.channel) else row.channel
        if mine and mine[-1][0] == day:
            mine[-1] = (day, min(mine[-1][1], known + one), channel)
        else:
            mine.append((day, known + one, channel))
    return [row for window in candidates for row in of_window(Shop(days), window)]


def of_window(shop: Shop, window: int) -> Iterator[dict[str, Any]]:
    one, first_day = dt.timedelta(days=1), min(mine[0][0] for mine in shop.days.values())
    every, lasted = [], []  # (shop, ended), and those that lasted with their warning and parts
    for mine in shop.days.values():
        for n, (day, _, _) in enumerate(mine):
            ended = n + 1 < len(mine)
            every.append(((mine[n + 1][0] if ended else TODAY - one) - day, ended))
    every = [(length.days, ended) for length, ended in every]
    prior = next((d for d in range(1000) if stays(every, d) <= 0.5), (TODAY - first_day).days)
    for mine in shop.days.values():
        for n, (day, _, channel) in enumerate(mine):
            until = mine[n + 1][0] if n + 1 < len(mine) else TODAY
            if (until - day).days > window:
                called = day + dt.timedelta(days=window + 1)
                usual = ((day - mine[0][0]).days + prior) / (n + 1)
                parts = parts_of(shop, called, mine[0][0], n + 1, channel)
                rest = ((until - day).days - window - (0 if n + 1 < len(mine) else 1), n + 1 < len(mine))
                lasted.append((rest, max(window - usual, 0), parts))
    answers = [answer for cutoff in cutoffs_of(first_day, window) for answer in asked(shop, cutoff, window, prior)]
    for by, segment in [("all", "all"), *(("orders", s) for s in ("one-time", "repeat", "heavy")), ("age", "new"),
                        *(("channel", c) for c in common(shop))]:  # fmt: skip
        mine_lasted = [(rest, warning) for rest, warning, parts in lasted if (by, segment) in parts]
        mine_asked = [a for a in answers if (by, segment) in a["parts"]]
        if by == "all" or mine_lasted or mine_asked:
            share = stays(every, window) if by == "all" and window <= max(d for d, _ in every) else math.nan
            row = {
                "window_days": window,
                "by": by,
                "segment": segment,
                "silences": len(mine_lasted),
                "silent_share": share,
            }
            yield row | returned(mine_lasted) | question(mine_asked, len(cutoffs_of(first_day, window)))


def stays(some: list[tuple[int, bool]], day: int) -> float:
    share = 1.0
    for d in range(day + 1):
        watched = sum(length >= d for length, _ in some)
        share *= 1 - sum(length == d and ended for length, ended in some) / max(watched, 1)
    return share


def returned(lasted: list[tuple[tuple[int, bool], float]]) -> dict[str, Any]:
    rest = [r for r, _ in lasted]
    followed = max((d for d in range(366) if sum(length >= d for length, _ in rest) >= 30), default=0)
    share = 1 - stays(rest, followed) if followed else math.nan
    warnings = [w for _, w in lasted]
    return {
        "came_back": share,
        "followed_days": followed,
        "warning_days": float(np.median(warnings)) if warnings else math.nan,
    }


def cutoffs_of(first: dt.date, window: int) -> list[dt.date]:
    begin, end = first + dt.timedelta(days=window), TODAY - dt.timedelta(days=window)
    span = (end - begin).days
    if span < 0:
        return []
    number = min(12, span // 7 + 1)
    return [end - dt.timedelta(days=round(span * n / (number - 1)) if n else 0) for n in range(number)]


def parts_of(shop: Shop, at: dt.date, first: dt.date, count: int, channel: str | None) -> set[tuple[str, str]]:
    group = "one-time" if count == 1 else "heavy" if count > many(shop, at) else "repeat"
    parts = {("all", "all"), ("orders", group)}
    parts |= {("age", "new")} if (at - first).days <= 30 else set()
    return parts | ({("channel", channel)} if channel in common(shop) else set())


@cache
def many(shop: Shop, at: dt.date) -> int:
    """What three quarters of those with several buying days do not exceed, on the last of 24 days up to this one."""
    begin = min(mine[0][0] for mine in shop.days.values()) + dt.timedelta(days=1)
    grid = [begin + dt.timedelta(days=int((TODAY - begin).days * n / 23)) for n in range(24)]
    day = max([d for d in grid if d <= at], default=grid[0])
    counts = sorted(c for mine in shop.days.values() if (c := sum(d < day for d, _, _ in mine)) > 1)
    if not counts:
        return 1
    place = 0.75 * (len(counts) - 1)
    low, high = counts[math.floor(place)], counts[math.ceil(place)]
    return int(low + (high - low) * (place - math.floor(place)))


@cache
def common(shop: Shop) -> list[str]:
    used = [c for mine in shop.days.values() for _, _, c in mine if c]
    return sorted(set(used), key=lambda c: -used.count(c))


def asked(shop: Shop, cutoff: dt.date, window: int, prior: int) -> Iterator[dict[str, Any]]:
    width = dt.timedelta(days=window)
    for customer, mine in shop.days.items():
        known = [(day, channel) for day, since, channel in mine if day < cutoff and since <= cutoff]
        if not known or known[-1][0] < cutoff - width:
            continue
        (first, _), (last, channel) = known[0], known[-1]
        since = (cutoff - last).days
        ranks = (since, since * len(known) / ((last - first).days + prior), -sum(d >= cutoff - width for d, _ in known))
        gone = not any(cutoff <= day < cutoff + width for day, _, _ in mine)
        parts = parts_of(shop, cutoff, first, len(known), channel)
        yield {"who": customer, "cutoff": cutoff, "gone": gone, "ranks": ranks, "parts": parts}


def question(answers: list[dict[str, Any]], cutoffs: int) -> dict[str, Any]:
    gone, stayed = ([a for a in answers if a["gone"] is left] for left in (True, False))
    pairs = [(a["ranks"], b["ranks"]) for a in gone for b in stayed if a["cutoff"] == b["cutoff"]]
    aucs = [
        sum(1.0 if a[n] > b[n] else 0.5 if a[n] == b[n] else 0.0 for a, b in pairs) / len(pairs) if pairs else math.nan
        for n in range(3)
    ]
    return {
        "cutoffs": cutoffs,
        "customers": len({a["who"] for a in answers}),
        "positives": len({a["who"] for a in gone}),
        "negatives": len({a["who"] for a in stayed}),
        "base_rate": len(gone) / len(answers) if answers else math.nan,
        "rule": RULES[aucs.index(max(aucs))] if pairs else "",
        "auc": max(aucs) if pairs else math.nan,
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_evidence_is_that_of_a_loop(seed, tmp_path):
    rows = shop(seed)
    found = windows(log(tmp_path, rows), ZONE, TODAY, [90, 7, 30, 365, 7])
    expected = pd.DataFrame(told(rows, [7, 30, 90]))[list(COLUMNS)].astype(COLUMNS)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-12)
    assert {"one-time", "repeat", "heavy", "new", "web", "shop"} <= set(found["segment"])


def test_names_and_order_of_rows_change_nothing(tmp_path):
    rows = shop(9)
    before = windows(log(tmp_path / "a", rows), ZONE, TODAY)
    names = {old: f"'{n}\";--" for n, old in enumerate(sorted(rows["customer_id"].unique(), reverse=True))}
    renamed = rows.assign(customer_id=rows["customer_id"].map(names)).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(windows(log(tmp_path / "b", renamed), ZONE, TODAY), before, rtol=1e-12)


def test_what_comes_later_changes_nothing(tmp_path):
    rows = shop(9)
    before = windows(log(tmp_path / "a", rows), ZONE, dt.date(2026, 2, 1))
    cut = dt.datetime(2026, 2, 1, tzinfo=ZoneInfo(ZONE))
    kept = rows[(rows["ordered_at"] < cut) & (rows["recorded_at"] < cut)]
    pd.testing.assert_frame_equal(windows(log(tmp_path / "b", kept), ZONE, dt.date(2026, 2, 1)), before)
    assert len(kept) < len(rows)


def test_the_day_after_the_newest_order_is_the_default(tmp_path):
    facts = log(tmp_path, shop(1))
    pd.testing.assert_frame_equal(windows(facts, ZONE), windows(facts, ZONE, TODAY))


def test_a_short_log_has_few_windows(tmp_path):
    found = windows(log(tmp_path, "a: 2026-03-01 1; b: 2026-03-12 1, 2026-03-14 1"), "UTC")
    assert {name: str(kind) for name, kind in found.dtypes.items()} == COLUMNS
    assert found["window_days"].unique().tolist() == [7]
    assert found.loc[0, ["silences", "cutoffs", "customers", "positives"]].tolist() == [1, 1, 1, 1]
    assert found.loc[0, ["came_back", "auc"]].isna().all()


@pytest.mark.parametrize("line", ["", "a: 2026-03-01 -1"])
def test_without_orders(tmp_path, line):
    with pytest.raises(NotEnoughData):
        windows(log(tmp_path, line), "UTC")


def test_a_log_that_fell_silent_is_refused(tmp_path):
    with pytest.raises(WindowNotRecorded, match="the newest order before 2026-04-01 is from 2026-03-01"):
        windows(log(tmp_path, "a: 2026-03-01 1"), "UTC", TODAY)
