"""Which window is recommended, and the sentences that say why."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from winback.facts.windows.choice import Limits, choose
from winback.facts.windows.evidence import COLUMNS

GOOD = {
    "by": "all",
    "segment": "all",
    "silences": 900,
    "silent_share": 0.04,
    "came_back": 0.2,
    "followed_days": 365,
    "warning_days": 20.0,
    "cutoffs": 12,
    "customers": 2400,
    "positives": 1200,
    "negatives": 2300,
    "base_rate": 0.1,
    "rule": "days since last order",
    "auc": 0.8,
}


def evidence(*rows: dict[str, Any]) -> pd.DataFrame:
    """A frame of good windows, each changed as said."""
    return pd.DataFrame([GOOD | row for row in rows], columns=list(COLUMNS)).astype(COLUMNS)


GIVES = (
    "Half of them were overdue by their own habit 20 days or more before it closed. Asked of 2,400 customers at 12 "
    'cutoffs, 10.0% of the answers were "left", and the best single rule, days since last order, tells them apart with '
    "AUC 0.80."
)


def test_the_shortest_after_which_few_come_back():
    """Parts of the customers have no say; the limits may be met exactly."""
    frame = evidence(
        {"window_days": 90, "came_back": 0.1},
        {"window_days": 30, "came_back": 0.251},
        {"window_days": 60, "came_back": 0.25},
        {"window_days": 7, "by": "orders", "segment": "heavy", "came_back": 0.0},
    )
    choice = choose(frame, Limits())
    assert (choice.window_days, choice.kind) == (60, "gone")
    assert choice.reason == (
        "60 days is the shortest window after which a silent customer is gone: of those silent so long, 25% came back "
        f"within 365 days (at most 25% may). {GIVES}"
    )
    assert choice.against == {30: "25% came back", 90: "a shorter one does"}


def test_the_shortest_unusual_silence_where_all_come_back():
    frame = evidence(
        {"window_days": 14, "came_back": 0.99, "silent_share": 0.094},
        {"window_days": 28, "came_back": 0.977, "silent_share": 0.035, "followed_days": 215},
        {"window_days": 120, "came_back": 0.757, "silent_share": 0.003},
        {"window_days": 180, "came_back": 0.1, "positives": 57},
    )
    choice = choose(frame, Limits())
    assert (choice.window_days, choice.kind) == (28, "lapse")
    assert choice.reason == (
        "No window shows who is gone for good: even of those silent for 120 days 76% came back (at most 25% may). So "
        "read it as a lapse, not a loss: 28 days is the shortest silence that is unusual here, following 3.5% of the "
        f"purchases (at most 5% may); of those, 98% came back within 215 days. {GIVES}"
    )
    assert choice.against == {
        14: "follows 9.4% of purchases",
        120: "a shorter one does",
        180: "57 of 100 who left",
    }


def test_the_least_bad_where_silence_is_usual_too():
    frame = evidence(
        {"window_days": 30, "came_back": 0.6, "silent_share": 0.5},
        {"window_days": 60, "came_back": 0.4, "silent_share": 0.4},
    )
    choice = choose(frame, Limits())
    assert (choice.window_days, choice.kind) == (60, "least bad")
    assert choice.reason == (
        "No window shows who is gone for good, and no silence is unusual here. After 60 days the fewest came back: 40% "
        f"within 365 days (at most 25% should). {GIVES}"
    )
    assert choice.against == {30: "60% came back"}


@pytest.mark.parametrize(
    ("missed", "fault"),
    [
        ({"cutoffs": 0}, "shorter log than two windows"),
        ({"customers": 499}, "499 of 500 customers"),
        ({"positives": 99}, "99 of 100 who left"),
        ({"negatives": 99}, "99 of 100 who stayed"),
        ({"followed_days": 59}, "followed 59 of 60 days"),
        ({"window_days": 400, "followed_days": 364}, "followed 364 of 365 days"),
        ({"warning_days": 6.0}, "warning 6 of 7 days"),
        ({"warning_days": math.nan}, "warning nan of 7 days"),
        ({"auc": 0.59}, "AUC 0.59 of 0.60"),
    ],
)
def test_a_floor_that_is_not_kept(missed, fault):
    choice = choose(evidence({"window_days": 60} | missed), Limits())
    assert (choice.window_days, choice.kind) == (None, "none")
    assert choice.reason == "The log cannot tell of any window yet: each of them lacks something."
    assert [*choice.against.values()] == [fault]


@pytest.mark.parametrize(
    "met",
    [
        {"customers": 500},
        {"positives": 100},
        {"negatives": 100},
        {"followed_days": 60},
        {"window_days": 400, "followed_days": 365},
        {"warning_days": 7.0},
        {"auc": 0.6},
    ],
)
def test_a_floor_that_is_just_kept(met):
    assert choose(evidence({"window_days": 60} | met), Limits()).kind == "gone"


def test_limits_are_the_callers():
    frame = evidence({"window_days": 30, "came_back": 0.3}, {"window_days": 60})
    assert choose(frame, Limits()).window_days == 60
    assert choose(frame, replace(Limits(), came_back=0.3)).window_days == 30
    assert choose(frame, replace(Limits(), customers=3000)).window_days is None
