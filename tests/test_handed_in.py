"""Outcomes of campaigns that are handed in as files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from winback import store
from winback.errors import SourceError, TooManyBadRows
from winback.facts.intake.handed_in import hand_in, known_outcomes, listed
from winback.facts.intake.ledger import Since

SINCE = Since("UTC", dt.datetime(2026, 2, 1, tzinfo=dt.UTC), "EUR")
LATER = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HEAD = "campaign,customer_id,happened_at,kind,value\n"
ROWS = "c-1,a,2026-01-05,delivered,\nc-1,a,2026-01-07 10:00,redeemed,4.5\nc-1,b,2026-01-05,delivered,\n"


def file(folder: Path, text: str, name: str = "report.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def counts(told: dict) -> tuple[int, ...]:
    return tuple(told[name] for name in ("rows_in", "accepted", "duplicates", "quarantined", "new"))


def known(folder: Path, before: dt.datetime = LATER) -> list[tuple]:
    frame = known_outcomes(folder / "facts", folder / "state", before)
    told = frame.assign(happened_at=frame["happened_at"].dt.strftime("%m-%d"))
    return sorted(zip(told["customer_id"], told["happened_at"], told["kind"], strict=True))


def test_every_row_is_accounted_for_and_a_second_time_changes_nothing(tmp_path):
    report = file(tmp_path, HEAD + ROWS + "c-1,b,2026-01-05,delivered,\n")
    told = hand_in(report, {}, tmp_path / "state", SINCE)
    assert counts(told) == (4, 3, 1, 0, 3)
    assert not told["added_before"]
    again = hand_in(report, {}, tmp_path / "state", SINCE)
    assert again == {**told, "added_before": True}
    assert known(tmp_path) == [("a", "01-05", "delivered"), ("a", "01-07", "redeemed"), ("b", "01-05", "delivered")]
    assert [each["file"] for each in listed(tmp_path / "state")] == ["report.csv"]


def test_rows_of_an_earlier_file_are_not_new_and_count_once(tmp_path):
    hand_in(file(tmp_path, HEAD + ROWS), {}, tmp_path / "state", SINCE)
    more = file(tmp_path, HEAD + ROWS + "c-1,c,2026-01-05,delivered,\n", "more.csv")
    assert counts(hand_in(more, {}, tmp_path / "state", SINCE)) == (4, 4, 0, 0, 1)
    assert len(known(tmp_path)) == 4


def test_rows_of_the_configured_source_are_there_too(tmp_path):
    hand_in(file(tmp_path, HEAD + ROWS), {}, tmp_path / "state", SINCE)
    mine = known_outcomes(tmp_path / "facts", tmp_path / "state", LATER)
    other = mine.head(1).assign(customer_id="z")
    store.write_table(tmp_path / "facts" / "outcomes.parquet", pd.concat([mine.head(2), other]))
    assert [who for who, _, _ in known(tmp_path)] == ["a", "a", "b", "z"]


def test_columns_may_have_other_names_and_constants_stand_for_missing_ones(tmp_path):
    report = file(tmp_path, "Who,Sent\na,2026-01-05\n")
    mapping = {"customer_id": "Who", "happened_at": "Sent", "campaign": {"value": "c-9"}, "kind": {"value": "opened"}}
    assert counts(hand_in(report, mapping, tmp_path / "state", SINCE)) == (1, 1, 0, 0, 1)
    assert known(tmp_path) == [("a", "01-05", "opened")]


def test_parquet_and_json_lines_do_as_well(tmp_path):
    frame = pd.DataFrame({"campaign": ["c"], "customer_id": ["a"], "happened_at": ["2026-01-05"], "kind": ["opened"]})
    store.write_table(tmp_path / "a.parquet", frame)
    line = '{"campaign": "c", "customer_id": "b", "happened_at": "2026-01-05", "kind": "opened"}\n'
    for path in (tmp_path / "a.parquet", file(tmp_path, line, "b.jsonl")):
        hand_in(path, {}, tmp_path / "state", SINCE)
    assert [who for who, _, _ in known(tmp_path)] == ["a", "b"]


def test_what_is_recorded_later_is_not_known_yet(tmp_path):
    hand_in(file(tmp_path, HEAD + ROWS), {}, tmp_path / "state", SINCE)
    assert len(known(tmp_path, dt.datetime(2026, 1, 6, tzinfo=dt.UTC))) == 2


def test_files_that_do_not_do_are_refused_and_count_for_nothing(tmp_path):
    with pytest.raises(SourceError, match=r"no file .*gone.csv; give a CSV, JSON or Parquet file of outcomes"):
        hand_in(tmp_path / "gone.csv", {}, tmp_path / "state", SINCE)
    with pytest.raises(TooManyBadRows, match=r"outcomes: 1 of 2 rows \(50.00%\) cannot be used"):
        hand_in(file(tmp_path, HEAD + "c,a,soon,opened,\nc,a,2026-01-05,opened,\n"), {}, tmp_path / "state", SINCE)
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(SourceError, match=r"bad\.parquet cannot be read"):
        hand_in(tmp_path / "bad.parquet", {}, tmp_path / "state", SINCE)
    assert known(tmp_path) == []
    assert listed(tmp_path / "state") == []
