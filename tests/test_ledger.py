"""What was assigned is written once, found again, and never changed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from winback import store
from winback.campaigns import ledger
from winback.errors import CampaignChanged, NotEnoughData

CUTOFF = pd.Timestamp("2026-02-15", tz="UTC")
NIGHT = "inactivity-28d-2026-02-15"


def arms(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Arms of (customer, arm, held_by, stratum)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "arm", "held_by", "stratum"], dtype="str")
    return frame.assign(cutoff=CUTOFF, propensity=0.9)


ARMS = arms(
    ("b", "treated", "", "c1v1"),
    ("a", "held_out", "campaign", "c1v2"),
    ("c", "held_out", "global", "c3v1"),
    ("not listed", "treated", "", ""),
)
DECISIONS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "not listed"],
        "cutoff": CUTOFF,
        "action": ["leave_alone", "call", "leave_alone", "leave_alone"],
        "channel": ["", "call", "", ""],
        "would_have_done": ["mail", "call", "leave_alone", "leave_alone"],
        "would_have_channel": ["email", "call", "", ""],
        "driver": ["recency", "trend", "", ""],
        "answered": [0.5, 0.75, 0.0, 0.0],
        "contact_cost": [0.0, 2.5, 0.0, 0.0],
        "incentive_cost": [0.0, 1.0, 0.0, 0.0],
        "margin_at_stake": [10.0, 20.0, 30.0, 40.0],
        "expected_net_gain": [0.0, 4.5, 0.0, 0.0],
    }
)
FACTS = pd.DataFrame(
    {
        "customer_id": ["c", "b", "a", "not listed"],
        "stage": ["cooling", "active", "new", "active"],
        "probability": [0.7, 0.6, 0.5, 0.1],
        "spend_90d": [3.0, 2.0, 1.0, 0.0],
        "orders_90d": [3, 2, 1, 0],
    }
)
ROWS = ledger.assigned(NIGHT, ARMS, DECISIONS, FACTS)


def test_a_row_is_a_customer_listed_with_what_was_or_would_have_been_done() -> None:
    assert list(ROWS.columns) == [
        *("campaign", "customer_id", "cutoff", "arm", "held_by", "stratum", "action", "channel", "driver", "stage"),
        *("probability", "margin_at_stake", "expected_net_gain", "contact_cost", "incentive_cost", "propensity"),
        *("choice_propensity", "answered", "spend_90d", "orders_90d"),
    ]
    assert ROWS.set_index("customer_id").loc["a"].to_dict() == {
        "campaign": NIGHT,
        "cutoff": CUTOFF,
        "arm": "held_out",
        "held_by": "campaign",
        "stratum": "c1v2",
        "action": "mail",
        "channel": "email",
        "driver": "recency",
        "stage": "new",
        "probability": 0.5,
        "margin_at_stake": 10.0,
        "expected_net_gain": 0.0,
        "contact_cost": 0.0,
        "incentive_cost": 0.0,
        "propensity": 0.9,
        "choice_propensity": 1.0,
        "answered": 0.5,
        "spend_90d": 1.0,
        "orders_90d": 1,
    }
    assert ROWS["customer_id"].tolist() == ["a", "b", "c"]


def test_the_chance_of_an_action_is_kept_where_some_were_tries() -> None:
    tried = DECISIONS.assign(choice_propensity=0.25)
    assert ledger.assigned(NIGHT, ARMS, tried, FACTS)["choice_propensity"].tolist() == [0.25] * 3


def test_what_decisions_do_not_tell_stands_open() -> None:
    rows = ledger.assigned(NIGHT, ARMS, DECISIONS.drop(columns="answered"), FACTS)
    assert rows["answered"].isna().all()


@pytest.mark.parametrize("table", ["decisions", "facts"])
def test_somebody_listed_whom_a_table_lacks_is_refused(table: str) -> None:
    given = {"decisions": DECISIONS, "facts": FACTS}
    given[table] = given[table][given[table]["customer_id"] != "b"]
    with pytest.raises(ValueError, match=rf"^1 customers listed are not in {table}: \['b'\]$"):
        ledger.assigned(NIGHT, ARMS, **given)


def test_what_is_recorded_is_found_again_in_the_columns_agreed(tmp_path: Path) -> None:
    path = ledger.record(tmp_path, NIGHT, ROWS)
    assert path == tmp_path / "campaigns" / NIGHT / "assignments.parquet"
    assert store.read_table(path).schema.equals(ledger.SCHEMA)
    found = ledger.read(tmp_path, NIGHT)
    assert found["arm"].tolist() == ["held_out", "treated", "held_out"]
    assert found["cutoff"].tolist() == [CUTOFF] * 3


def test_recording_the_same_again_writes_nothing(tmp_path: Path) -> None:
    path = ledger.record(tmp_path, NIGHT, ROWS)
    before = path.stat()
    ledger.record(tmp_path, NIGHT, ROWS.copy())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (ROWS.iloc[:2], "1 customers missing (first: ['c'])"),
        (
            ROWS.assign(customer_id=["a", "b", "d"]),
            "1 customers more (first: ['d']); 1 customers missing (first: ['c'])",
        ),
        (ROWS.assign(arm="treated"), "arm of 2 (first: ['a', 'c'])"),
        (ROWS.assign(probability=0.5, action="x"), "action of 3 (first: ['a', 'b', 'c']); probability of 2 (first: "),
        (ROWS.assign(spend_90d=[1.0, 2.0, None]), "spend_90d of 1 (first: ['c'])"),
        (ROWS.iloc[::-1], "the order of the rows"),
    ],
)
def test_recording_something_else_is_an_error_that_says_what_differs(
    tmp_path: Path, changed: pd.DataFrame, said: str
) -> None:
    path = ledger.record(tmp_path, NIGHT, ROWS)
    before = path.read_bytes()
    with pytest.raises(CampaignChanged) as refused:
        ledger.record(tmp_path, NIGHT, changed)
    assert str(refused.value).startswith(
        f"campaign {NIGHT} is assigned already in {path}, and the list may have left the house; what would be written "
        f"now differs: {said}"
    )
    assert "Nothing was changed. Give the new list a campaign of its own with [campaigns] name" in str(refused.value)
    assert path.read_bytes() == before


def test_a_customer_in_two_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^one row a customer expected; 1 repeat: \['a'\]$"):
        ledger.record(tmp_path, NIGHT, pd.concat([ROWS, ROWS.head(1)]))
    assert not (tmp_path / "campaigns").exists()


def test_an_empty_list_is_a_campaign_too(tmp_path: Path) -> None:
    ledger.record(tmp_path, NIGHT, ROWS.head(0))
    assert ledger.read(tmp_path, NIGHT).empty
    assert ledger.campaigns(tmp_path) == [NIGHT]


@pytest.mark.parametrize("series", ["", "../up", "a/b", "A", "-a", "\0", "a" * 101, "кампания"])
def test_a_name_that_is_no_file_name_is_refused(series: str) -> None:
    with pytest.raises(ValueError, match="a campaign's name has small letters"):
        ledger.campaign_name(series, dt.date(2026, 2, 15))


def test_campaigns_are_told_by_series_and_date(tmp_path: Path) -> None:
    names = ["b-2026-02-01", "a-2026-02-08", "a-2026-02-01", "a-b-2026-02-02"]
    for name in names:
        ledger.record(tmp_path, name, ROWS.assign(campaign=name))
    (tmp_path / "campaigns" / "litter").mkdir()
    assert ledger.campaigns(tmp_path) == ["a-2026-02-01", "b-2026-02-01", "a-b-2026-02-02", "a-2026-02-08"]
    assert ledger.campaigns(tmp_path, "a") == ["a-2026-02-01", "a-2026-02-08"]
    with pytest.raises(NotEnoughData) as refused:
        ledger.read(tmp_path, "a-2026-02-09")
    assert str(refused.value) == (
        "no campaign is called 'a-2026-02-09'; assigned are b-2026-02-01, a-b-2026-02-02, a-2026-02-08. `winback "
        "campaigns list` shows all."
    )


def test_an_earlier_arm_is_that_of_the_campaigns_own_first_draw(tmp_path: Path) -> None:
    """Not of the other series, and not of a night on which the customer was held out everywhere."""
    nights = {
        "s-2026-02-01": arms(("a", "treated", "", "c1v1"), ("b", "held_out", "global", "c1v1")),
        "s-2026-02-02": arms(("b", "held_out", "campaign", "c1v1"), ("c", "held_out", "global", "c1v1")),
        "s-2026-02-03": arms(("b", "held_out", "global", "c1v1")),
        "other-2026-02-01": arms(("d", "treated", "", "c1v1")),
    }
    for name, drawn in reversed(nights.items()):
        facts, decided = (table.assign(customer_id=["a", "b", "c", "d"]) for table in (FACTS, DECISIONS))
        ledger.record(tmp_path, name, ledger.assigned(name, drawn, decided, facts))
    found = ledger.earlier_arms(tmp_path, "s").set_index("customer_id")
    assert found["arm"].to_dict() == {"a": "treated", "b": "held_out", "c": "held_out"}
    assert found["held_by"].to_dict() == {"a": "", "b": "campaign", "c": "global"}
    assert ledger.earlier_arms(tmp_path, "none").columns.tolist() == ["customer_id", "arm", "held_by", "propensity"]
