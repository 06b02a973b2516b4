"""Whom we contacted about a label's window."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from history import contacts, orders
from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.labels.labels import cohort_at
from winback.facts.labels.treated import Reach, contacts_at, treated_at

TODAY, CUTOFF = dt.date(2026, 4, 1), dt.date(2026, 2, 1)


def log(folder: Path, line: str) -> tuple[Path, pd.DataFrame]:
    """A facts folder with these contacts, and the cohort of three customers."""
    store.write_table(folder / "orders.parquet", orders("a: 2026-01-15 1; b: 2026-01-15 1; c: 2026-01-15 1"))
    store.write_table(folder / "contacts.parquet", contacts(line))
    return folder, cohort_at(folder, [CUTOFF], "UTC", None)


def treated(facts: Path, asked: pd.DataFrame, reach: Reach, zone: str = "UTC") -> str:
    return "".join(asked["customer_id"][treated_at(facts, asked, reach, zone, TODAY)])


@pytest.mark.parametrize(
    ("line", "reach", "expected"),
    [
        # from the cutoff on: [2026-02-01, 2026-03-01)
        ("a: 2026-02-01T00:00; b: 2026-01-31T23:59:59.999999", Reach(28), "a"),
        ("a: 2026-02-28T23:59:59.999999; b: 2026-03-01T00:00", Reach(28), "a"),
        # and five days before it: [2026-01-27, 2026-03-01)
        ("a: 2026-01-27T00:00; b: 2026-01-26T23:59:59.999999; c: 2026-02-10", Reach(28, 5), "ac"),
        # before it only
        ("a: 2026-01-31; b: 2026-02-01", Reach(after_days=0, before_days=5), "a"),
        # recorded late, but before today; then today
        ("a: 2026-02-10 spring @2026-03-31; b: 2026-02-10 spring @2026-04-01", Reach(28), "a"),
        # contacted twice is treated; of strangers nobody asks
        ("a: 2026-02-10, 2026-02-11; x: 2026-02-10", Reach(28), "a"),
    ],
)
def test_treated_were_contacted_within_reach(tmp_path, line, reach, expected):
    assert treated(*log(tmp_path, line), reach) == expected


def test_reach_ends_with_the_shops_day(tmp_path):
    """In New York 2026-03-08 has 23 hours; 36 days from February the first end with it."""
    facts, _ = log(tmp_path, "a: 2026-03-09T03:59:59; b: 2026-03-09T04:00")
    asked = cohort_at(facts, [CUTOFF], "America/New_York", None)
    assert treated(facts, asked, Reach(36), "America/New_York") == "a"


def test_contacts_name_their_campaigns(tmp_path):
    line = "a: 2026-02-03 spring post, 2026-02-02 sale mail, 2026-02-05 spring post, 2026-02-02; b: 2026-01-01 old"
    facts, asked = log(tmp_path, line)
    found = contacts_at(facts, asked, Reach(28), "UTC", TODAY)
    assert found.columns.tolist() == [
        "customer_id", "cutoff", "campaign", "channel", "contacts", "first_contacted_at"
    ]  # fmt: skip
    assert [*map(str, found.dtypes[["cutoff", "first_contacted_at"]])] == ["datetime64[us, UTC]"] * 2
    assert found.fillna({"campaign": "-", "channel": "-"}).astype(str).to_numpy().tolist() == [
        ["a", "2026-02-01 00:00:00+00:00", "sale", "mail", "1", "2026-02-02 00:00:00+00:00"],
        ["a", "2026-02-01 00:00:00+00:00", "-", "-", "1", "2026-02-02 00:00:00+00:00"],
        ["a", "2026-02-01 00:00:00+00:00", "spring", "post", "2", "2026-02-03 00:00:00+00:00"],
    ]


def test_a_contact_counts_at_every_cutoff_it_is_near(tmp_path):
    """The mark follows the rows of the cohort, in its order and under its index."""
    facts, _ = log(tmp_path, "a: 2026-02-10; b: 2026-03-10")
    asked = cohort_at(facts, [CUTOFF, dt.date(2026, 2, 9), dt.date(2026, 3, 3)], "UTC", None).iloc[[5, 1, 0, 2]]
    marks = treated_at(facts, asked, Reach(28), "UTC", TODAY)
    assert marks.name == "treated"
    assert marks.to_dict() == {5: True, 1: True, 0: True, 2: False}


def test_an_open_window_is_refused(tmp_path):
    facts, asked = log(tmp_path, "a: 2026-02-10")
    with pytest.raises(WindowNotRecorded, match="the 60 days from 2026-02-01 end on 2026-04-02, after 2026-04-01"):
        treated_at(facts, asked, Reach(60), "UTC", TODAY)
    assert treated(facts, asked, Reach(59)) == "a"
    assert treated(facts, asked.head(0), Reach(60)) == ""


def test_without_a_table_of_contacts_nobody_knows(tmp_path):
    facts, asked = log(tmp_path, "")
    (facts / "contacts.parquet").unlink()
    with pytest.raises(NotEnoughData) as caught:
        treated_at(facts, asked, Reach(28), "UTC", TODAY)
    assert str(caught.value) == (
        "the facts have no table contacts, which this question is asked of; map it in [sources.contacts]."
    )


def test_without_campaigns_contacts_are_counted_all_the_same(tmp_path):
    facts, asked = log(tmp_path, "a: 2026-02-10")
    store.write_table(facts / "contacts.parquet", contacts("a: 2026-02-10").drop(columns=["campaign", "channel"]))
    assert contacts_at(facts, asked, Reach(28), "UTC", TODAY)["contacts"].tolist() == [1]
