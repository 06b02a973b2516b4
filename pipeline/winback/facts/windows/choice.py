"""Which churn window the evidence speaks for, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from winback.facts.windows.silences import LONGEST_FOLLOWED


@dataclass(frozen=True)
class Limits:
    """What a window has to keep to be recommended.

    `came_back`: most of those called gone that may come back later. `silent_share`: where no window keeps
    that, most purchases that may be followed by such a silence. The rest are floors: the people asked about
    and of either answer, the AUC of the best single rule, and the days between a customer's usual gap and
    the end of the window.
    """

    came_back: float = 0.25
    silent_share: float = 0.05
    customers: int = 500
    positives: int = 100
    negatives: int = 100
    auc: float = 0.6
    warning_days: int = 7


@dataclass(frozen=True)
class Choice:
    """The recommended window, what it stands for, the reason, and what speaks against each other window.

    "gone": few who are called gone come back. "lapse": people do come back, but such a silence is unusual.
    "least bad": neither; the fewest come back. "none": no window keeps the floors; `window_days` is None.
    """

    window_days: int | None
    kind: Literal["gone", "lapse", "least bad", "none"]
    reason: str
    against: dict[int, str]


def choose(evidence: pd.DataFrame, limits: Limits) -> Choice:
    """The window that the frame of `windows` speaks for, by this rule.

    Of the windows that keep the floors, and whose silences could be followed for as long again (at
    most a year): the shortest of whose silences at most `came_back` ended later. Where there is none:
    the shortest that at most `silent_share` of the purchases are followed by. Where there is none
    either: the one after which the fewest came back.
    """
    every = evidence[evidence["by"] == "all"].sort_values("window_days").to_dict("records")
    against = {int(row["window_days"]): _floor_missed(row, limits) for row in every}
    able = [row for row in every if not against[int(row["window_days"])]]
    if not able:
        return Choice(None, "none", "The log cannot tell of any window yet: each of them lacks something.", against)
    gone = [row for row in able if row["came_back"] <= limits.came_back]
    unusual = [row for row in able if row["silent_share"] <= limits.silent_share]
    fewest = min(able, key=lambda row: float(row["came_back"]))
    if gone:
        return _chosen(gone[0], "gone", _as_gone(gone[0], limits), against | _compared(able, gone[0], "came_back"))
    if unusual:
        reason = _as_lapse(unusual[0], fewest, limits)
        return _chosen(unusual[0], "lapse", reason, against | _compared(able, unusual[0], "silent_share"))
    return _chosen(fewest, "least bad", _as_least_bad(fewest, limits), against | _compared(able, fewest, "came_back"))


def _chosen(
    row: dict[Any, Any], kind: Literal["gone", "lapse", "least bad"], reason: str, against: dict[int, str]
) -> Choice:
    window = int(row["window_days"])
    others = {other: fault for other, fault in against.items() if other != window}
    return Choice(window, kind, f"{reason} {_what_it_gives(row)}", others)


def _compared(able: list[dict[Any, Any]], chosen: dict[Any, Any], share: str) -> dict[int, str]:
    """What speaks against the windows that keep the floors: a larger share than the chosen one's, or their length."""
    told = {"came_back": "{:.0%} came back", "silent_share": "follows {:.1%} of purchases"}[share]
    return {
        int(row["window_days"]): told.format(row[share]) if row[share] > chosen[share] else "a shorter one does"
        for row in able
    }


def _floor_missed(row: dict[Any, Any], limits: Limits) -> str:
    """The first floor that a window does not keep, with its numbers; empty where it keeps them all."""
    followed = min(int(row["window_days"]), LONGEST_FOLLOWED)
    floors = [
        (row["cutoffs"] > 0, "shorter log than two windows"),
        (row["customers"] >= limits.customers, f"{row['customers']:,} of {limits.customers:,} customers"),
        (row["positives"] >= limits.positives, f"{row['positives']:,} of {limits.positives:,} who left"),
        (row["negatives"] >= limits.negatives, f"{row['negatives']:,} of {limits.negatives:,} who stayed"),
        (row["followed_days"] >= followed, f"followed {row['followed_days']} of {followed} days"),
        (
            row["warning_days"] >= limits.warning_days,
            f"warning {row['warning_days']:.0f} of {limits.warning_days} days",
        ),
        (row["auc"] >= limits.auc, f"AUC {row['auc']:.2f} of {limits.auc:.2f}"),
    ]
    return next((fault for kept, fault in floors if not kept), "")


def _as_gone(row: dict[Any, Any], limits: Limits) -> str:
    return (
        f"{row['window_days']} days is the shortest window after which a silent customer is gone: of those silent so "
        f"long, {row['came_back']:.0%} came back within {row['followed_days']} days (at most {limits.came_back:.0%} "
        "may)."
    )


def _as_lapse(row: dict[Any, Any], fewest: dict[Any, Any], limits: Limits) -> str:
    return (
        f"No window shows who is gone for good: even of those silent for {fewest['window_days']} days "
        f"{fewest['came_back']:.0%} came back (at most {limits.came_back:.0%} may). So read it as a lapse, not a loss: "
        f"{row['window_days']} days is the shortest silence that is unusual here, following {row['silent_share']:.1%} "
        f"of the purchases (at most {limits.silent_share:.0%} may); of those, {row['came_back']:.0%} came back within "
        f"{row['followed_days']} days."
    )


def _as_least_bad(row: dict[Any, Any], limits: Limits) -> str:
    return (
        f"No window shows who is gone for good, and no silence is unusual here. After {row['window_days']} days the "
        f"fewest came back: {row['came_back']:.0%} within {row['followed_days']} days (at most {limits.came_back:.0%} "
        "should)."
    )


def _what_it_gives(row: dict[Any, Any]) -> str:
    return (
        f"Half of them were overdue by their own habit {row['warning_days']:.0f} days or more before it closed. Asked "
        f"of {row['customers']:,} customers at {row['cutoffs']} cutoffs, {row['base_rate']:.1%} of the answers were "
        f'"left", and the best single rule, {row["rule"]}, tells them apart with AUC {row["auc"]:.2f}.'
    )
