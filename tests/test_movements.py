"""Who enters, stays and leaves, and why; and that a wavering chance does not make a list flap."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback import store
from winback.campaigns import movements as moves
from winback.campaigns.movements import Staying, listed, members, moved, movements, record
from winback.errors import CampaignChanged

FIRST, SECOND, THIRD = (dt.date(2026, 2, day) for day in (15, 16, 17))
STAYING = Staying(enter=0.3, margin=0.05, nights=3)


def on_the_list(*rows: tuple[str, int, str]) -> pd.DataFrame:
    """Last night's members of (customer, nights below, driver)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "nights_below", "driver"]).astype({"customer_id": "str"})
    return frame.assign(logical_date=FIRST, list="s", status="stayed", cause="at_risk", probability=0.3)


def scores(**chances: float) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": pd.Series(list(chances), dtype="str"), "probability": list(chances.values())})


@pytest.mark.parametrize(
    ("chance", "was", "staying", "at_risk", "nights_below"),
    [
        (0.3, None, STAYING, True, 0),
        (0.2999, None, STAYING, False, 0),
        (0.3, 2, STAYING, True, 0),  # at the threshold again: counted anew
        (0.29, 0, STAYING, True, 1),
        (0.25, 0, STAYING, True, 1),  # exactly the margin below
        (0.2499, 0, STAYING, False, 1),
        (0.29, 1, STAYING, True, 2),
        (0.29, 2, STAYING, False, 3),  # the third night in a row
        (0.29, 0, Staying(0.3, 0.05, 1), False, 1),
        (0.29, 0, Staying(0.3, 0.0, 9), False, 1),
        (0.0, 0, Staying(0.3, 1.0, 9), True, 1),
    ],
)
def test_who_is_listed(chance: float, was: int | None, staying: Staying, at_risk: bool, nights_below: int) -> None:
    before = on_the_list() if was is None else on_the_list(("a", was, "recency"))
    (row,) = listed(scores(a=chance), before, staying).to_dict("records")
    assert row == {"customer_id": "a", "at_risk": at_risk, "nights_below": nights_below}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 5), st.floats(0, 0.3))
def test_one_customer_over_many_nights_is_as_a_plain_loop_has_it(chances, nights: int, margin: float) -> None:
    staying = Staying(0.4, margin, nights)
    before, on, below = on_the_list(), False, 0
    for chance in chances:
        if chance >= 0.4:
            on, below = True, 0
        elif on:
            below += 1
            on = below < nights and chance >= 0.4 - margin - 1e-12
        now = listed(scores(a=chance), before, staying)
        assert bool(now["at_risk"][0]) is on
        before = on_the_list(("a", int(now["nights_below"][0]), "recency")) if on else on_the_list()


def test_a_wavering_chance_changes_the_list_far_less_often() -> None:
    """1,000 customers whose chance wavers around the threshold, 30 nights: changes against no hysteresis."""
    rng = np.random.default_rng(1)
    ids = pd.Series([f"c{n}" for n in range(1000)], dtype="str")
    nightly = 0.3 + rng.normal(0, 0.02, (30, 1000))
    changes = {}
    for name, staying in (("plain", Staying(0.3, 0.0, 1)), ("kept", Staying(0.3, 0.05, 5))):
        before, flags = on_the_list(), []
        for chances in nightly:
            now = listed(pd.DataFrame({"customer_id": ids, "probability": chances}), before, staying)
            before = now[now["at_risk"]].reset_index(drop=True)
            flags.append(now["at_risk"].to_numpy())
        changes[name] = int(np.abs(np.diff(np.array(flags, dtype=int), axis=0)).sum())
    assert changes["kept"] < 0.2 * changes["plain"]


def now(*rows: tuple[str, float, int, str, float]) -> pd.DataFrame:
    """Tonight's (customer, chance, nights below, driver, days since the last order)."""
    names = ["customer_id", "probability", "nights_below", "driver", "days_since_last_order"]
    frame = pd.DataFrame(rows, columns=names).astype({"customer_id": "str", "driver": "str"})
    return frame.assign(at_risk=(frame["probability"] >= 0.3) | frame["nights_below"].between(1, 2))


def test_a_movement_names_status_and_cause() -> None:
    before = on_the_list(
        *[(name, 0, "recency") for name in ("fell", "gone", "long", "ordered", "other", "same", "wait")]
    )
    tonight = now(
        ("fell", 0.1, 0, "recency", 40.0),
        ("long", 0.26, 3, "recency", 40.0),
        ("new", 0.5, 0, "trend", 9.0),
        ("never", 0.1, 0, "", 9.0),
        ("ordered", 0.05, 0, "", 0.4),
        ("other", 0.4, 0, "trend", 40.0),
        ("rose", 0.4, 0, "trend", 40.0),
        ("same", 0.4, 0, "recency", 40.0),
        ("wait", 0.26, 2, "trend", 40.0),
    )
    asked = tonight.loc[tonight["customer_id"] != "new", "customer_id"]
    rows = movements("s", SECOND, tonight, before, STAYING, asked)
    assert list(rows.columns) == moves.SCHEMA.names
    told = dict(zip(rows["customer_id"], zip(rows["status"], rows["cause"], strict=True), strict=True))
    assert told == {
        "fell": ("left", "risk_fell"),
        "gone": ("left", "not_asked_any_more"),
        "long": ("left", "below_for_long"),
        "new": ("entered", "not_asked_before"),
        "ordered": ("left", "ordered"),
        "other": ("stayed", "other_reason"),
        "rose": ("entered", "risk_rose"),
        "same": ("stayed", "at_risk"),
        "wait": ("stayed", "not_long_enough_below"),
    }
    assert moved(rows) == {
        "entered": {"not_asked_before": 1, "risk_rose": 1},
        "stayed": {"at_risk": 1, "not_long_enough_below": 1, "other_reason": 1},
        "left": {"below_for_long": 1, "not_asked_any_more": 1, "ordered": 1, "risk_fell": 1},
    }


def test_without_knowing_who_was_asked_whoever_enters_rose(tmp_path: Path) -> None:
    rows = movements("s", FIRST, now(("a", 0.5, 0, "trend", 9.0)), members(tmp_path, "s", FIRST), STAYING, None)
    assert rows.to_dict("records") == [
        {
            "list": "s",
            "logical_date": FIRST,
            "customer_id": "a",
            "status": "entered",
            "cause": "risk_rose",
            "probability": 0.5,
            "driver": "trend",
            "nights_below": 0,
        }
    ]


def test_nights_follow_each_other(tmp_path: Path) -> None:
    """Three nights of one customer: in, kept although below, out; and the members are what the file says."""
    said = []
    for day, chance in ((FIRST, 0.35), (SECOND, 0.28), (THIRD, 0.1)):
        before = members(tmp_path, "s", day)
        flags = listed(scores(a=chance), before, STAYING)
        tonight = now(("a", chance, 0, "trend", 40.0)).assign(**flags)
        assert record(tmp_path, "s", day, movements("s", day, tonight, before, STAYING, tonight["customer_id"]))
        said += moves.read(tmp_path, "s", day)[["status", "cause", "nights_below"]].to_numpy().tolist()
    assert said == [["entered", "risk_rose", 0], ["stayed", "not_long_enough_below", 1], ["left", "risk_fell", 2]]
    assert moves.nights(tmp_path, "s") == [FIRST, SECOND, THIRD]
    assert members(tmp_path, "s", THIRD)["customer_id"].tolist() == ["a"]
    assert members(tmp_path, "s", dt.date(2026, 2, 18)).empty
    assert store.read_table(tmp_path / "lists" / "s" / "2026-02-17.parquet").schema.equals(moves.SCHEMA)


def test_a_night_is_written_once(tmp_path: Path) -> None:
    rows = movements("s", SECOND, now(("a", 0.5, 0, "trend", 9.0)), members(tmp_path, "s", SECOND), STAYING, None)
    assert record(tmp_path, "s", SECOND, rows)
    assert record(tmp_path, "s", SECOND, rows.copy())
    with pytest.raises(CampaignChanged, match=r"differs: probability of 1 \(first: \['a'\]\). Nothing was changed"):
        record(tmp_path, "s", SECOND, rows.assign(probability=0.6))
    assert moves.read(tmp_path, "s", SECOND)["probability"].tolist() == [0.5]


def test_a_night_before_the_newest_is_not_written_afterwards(tmp_path: Path) -> None:
    rows = movements("s", SECOND, now(("a", 0.5, 0, "trend", 9.0)), members(tmp_path, "s", SECOND), STAYING, None)
    record(tmp_path, "s", SECOND, rows)
    assert not record(tmp_path, "s", FIRST, rows)
    assert moves.nights(tmp_path, "s") == [SECOND]
