"""Files added to a source: only they are read, and the tables are those that reading all files gives."""

# Chance only makes up rows; rows of literal tables stay on one line.

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from random_rows import NAMES, Row, some_row
from winback import store
from winback.config import Source, Sources
from winback.facts.intake import ingest as ingest_module
from winback.facts.intake.accounting import Accounting
from winback.facts.intake.ingest import ingest
from winback.facts.intake.load import load
from winback.facts.intake.sources import fingerprint
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
TABLES = [*NAMES, "order_categories", "order_products", "quarantine"]


def sources(**orders) -> Sources:
    """Every table of NAMES from a folder of its own."""
    given = {
        table: {"path": f"{table}/*.csv", "columns": {name: name for name in NAMES[table]}, "max_bad_share": 1.0}
        for table in NAMES
    }
    given["orders"] |= orders
    return parse(Sources, given, "test")


def put(base: Path, number: int, rows: dict[str, list[Row]]) -> None:
    """One more file of each table."""
    for table, given in rows.items():
        (base / table).mkdir(exist_ok=True, parents=True)
        lines = [",".join(NAMES[table]), *map(",".join, given)]
        (base / table / f"{number:03d}.csv").write_text("\n".join(lines) + "\n")


def take(base: Path, given: Sources, number: int, received: dt.datetime = RECEIVED) -> list[Accounting]:
    """Load what is there into the facts folder of this number."""
    return load(base / "facts" / str(number), given, base, fingerprint(given, base), ("UTC", received), "EUR")


def rows_of(facts: Path, table: str) -> list[str]:
    return sorted(str(row) for path in store.table_files(facts, table) for row in store.read_table(path).to_pylist())


@pytest.fixture
def read(monkeypatch) -> Iterator[list[tuple[str, int]]]:
    """Which sources were read, and how many of their rows."""
    seen = []
    original = ingest_module.read_rows

    def watched(con, table, *more):
        rows = original(con, table, *more)
        seen.append((table, rows.count))
        return rows

    monkeypatch.setattr(ingest_module, "read_rows", watched)
    return seen


def some_rows(chance: random.Random, number: int, before: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """A file of each table: rows recorded in the days of that file, a few of any time, a few again."""
    days = (4 + 2 * number, 6 + 2 * number)
    rows = {}
    for table in NAMES:
        new = [some_row(chance, table, days) for _ in range(6)]
        new = [(f"{row[0]}-{number}", *row[1:]) if chance.random() < 0.7 else row for row in new]
        if chance.random() < 0.15:
            new.append(some_row(chance, table))
        if before[table] and chance.random() < 0.5:
            new += chance.choices(before[table], k=2)
        if chance.random() < 0.3:
            new.append((*new[0][:1], "", *new[0][2:]))
        rows[table] = new
    return rows


SETTINGS = [
    {},
    {"grain": "line"},
    {"grain": "line", "duplicates": "keep"},
    {"duplicates": "keep"},
    {"columns": {name: name for name in NAMES["orders"] if name != "order_id"}},
    {"columns": {name: name for name in NAMES["orders"] if name != "recorded_at"}, "grain": "line"},
    {"columns": {name: name for name in NAMES["orders"] if name != "recorded_at"}},
]


def grow(base: Path, given: Sources, seed: int) -> None:
    """Load after each of four files; at the end every table, the quarantine and the accounting are as of all files."""
    chance = random.Random(seed)
    before: dict[str, list[Row]] = {table: [] for table in NAMES}
    for number in range(4):
        rows = some_rows(chance, number, before)
        put(base, number, rows)
        before = {table: before[table] + rows[table] for table in NAMES}
        done = take(base, given, number)
    assert done == ingest(given, base, base / "whole", "UTC", RECEIVED, "EUR")
    for table in TABLES:
        assert rows_of(base / "facts" / "3", table) == rows_of(base / "whole", table), table


def orders_alone(settings: dict) -> Sources:
    columns = {name: name for name in NAMES["orders"]}
    return parse(
        Sources, {"orders": {"path": "orders/*.csv", "columns": columns, "max_bad_share": 1.0, **settings}}, "x"
    )


@pytest.mark.parametrize("settings", SETTINGS)
def test_added_orders_give_what_all_files_give(tmp_path, settings):
    grow(tmp_path, orders_alone(settings), 1)


def test_added_files_of_all_tables_give_what_all_files_give(tmp_path):
    grow(tmp_path, sources(), 2)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10, 22))
def test_added_files_give_what_all_files_give(tmp_path, seed):
    grow(tmp_path / "all", sources(), seed)
    for number, settings in enumerate(SETTINGS):
        grow(tmp_path / str(number), orders_alone(settings), seed)


DAYS = [
    {"orders": [("o1", "c1", "2026-01-01", "2026-01-01", "10", "", "1", "tea", "web", "p")],
     "events": [("c1", "2026-01-01", "2026-01-01", "visit", "1")],
     "tickets": [("t1", "c1", "2026-01-01", "2026-01-01", "", "late", "")]},
    {"orders": [("o2", "c2", "2026-01-02", "2026-01-02", "20", "", "1", "cups", "web", "q"),
                ("o1", "c1", "2026-01-01", "2026-01-02", "12", "", "1", "cups", "web", "p"),
                ("o1", "c2", "2026-01-01", "2026-01-02", "12", "", "1", "cups", "web", "p"),
                ("o1", "c1", "2026-01-01", "2026-01-01", "10", "", "1", "tea", "web", "p")],
     "events": [("c1", "2026-01-02", "2026-01-02", "visit", "1")],
     "tickets": [("t1", "c1", "2026-01-01", "2026-01-02", "2026-01-02", "late", "5")]},
]  # fmt: skip


def some_days(base: Path) -> None:
    for number, rows in enumerate(DAYS):
        put(base, number, {**{table: [] for table in NAMES}, **rows})
        if number == 0:
            take(base, sources(), 0)


def test_only_added_files_are_read(tmp_path, read):
    """A correction of an old order is a part of it; a ticket that comes again needs all of its source."""
    some_days(tmp_path)
    read.clear()
    done = take(tmp_path, sources(), 1)
    assert [entry for entry in read if entry[1]] == [("orders", 4), ("events", 1), ("tickets", 1), ("tickets", 2)]
    assert done[0] == Accounting("orders", 5, 3, 1, 1, {"conflicting_order": 1})
    facts = tmp_path / "facts"
    assert [path.name for path in store.table_files(facts / "1", "orders")] == ["orders.parquet", "orders.1.parquet"]
    assert (facts / "1" / "orders.parquet").samefile(facts / "0" / "orders.parquet")
    new = store.read_table(facts / "1" / "orders.1.parquet").to_pylist()
    assert [(row["order_id"], row["part"], row["amount_cents"]) for row in new] == [("o1", 1, 200), ("o2", 0, 2000)]
    (category,) = (
        r for r in store.read_table(facts / "1" / "order_categories.1.parquet").to_pylist() if r["order_id"] == "o1"
    )
    assert (category["category"], category["recorded_at"].day, category["ordered_at"].day) == ("cups", 2, 1)


def test_a_source_without_new_files_is_not_read(tmp_path, read):
    some_days(tmp_path)
    take(tmp_path, sources(), 1)
    read.clear()
    (tmp_path / "events" / "002.csv").write_text(",".join(NAMES["events"]) + "\nc9,2026-02-01,2026-02-01,visit,1\n")
    take(tmp_path, sources(), 2)
    assert read == [("events", 1)]


@pytest.mark.parametrize(
    "change",
    ["file changed", "file gone", "settings", "earlier facts damaged", "earlier clock"],
)
def test_what_makes_a_source_be_read_anew(tmp_path, read, change):
    some_days(tmp_path)
    given, received = sources(), RECEIVED
    first, facts = tmp_path / "events" / "000.csv", tmp_path / "facts" / "0"
    if change == "file changed":
        first.write_text(first.read_text().replace("visit", "click"))
    if change == "file gone":
        first.unlink()
    if change == "settings":
        asked = asdict(given)["events"] | {"columns": {name: name for name in NAMES["events"] if name != "value"}}
        given = replace(given, events=parse(Source, asked, "x"))
    if change == "earlier facts damaged":
        (facts / "events.parquet").write_bytes(b"x")
    if change == "earlier clock":
        received = RECEIVED - dt.timedelta(hours=1)
    read.clear()
    take(tmp_path, given, 1, received)
    assert ("events", 1 if change == "file gone" else 2) in read


def test_a_date_that_lay_ahead_is_taken_in_when_it_has_come(tmp_path, read):
    """The files are the same and so is the folder; the day after, the row is no longer refused."""
    rows = [("o1", "c1", "2026-01-01", "", "10", *[""] * 5), ("o2", "c1", "2026-03-02", "", "10", *[""] * 5)]
    put(tmp_path, 0, {**{table: [] for table in NAMES}, "orders": rows})
    assert take(tmp_path, sources(), 0)[0].reasons == {"future_date": 1}
    read.clear()
    assert take(tmp_path, sources(), 0, RECEIVED + dt.timedelta(hours=11))[0].reasons == {"future_date": 1}
    assert read == []
    assert take(tmp_path, sources(), 0, RECEIVED + dt.timedelta(hours=12))[0].reasons == {}
    assert read == [("orders", 2)]
    assert len(rows_of(tmp_path / "facts" / "0", "orders")) == 2
    take(tmp_path, sources(), 0, RECEIVED + dt.timedelta(days=9))
    assert read == [("orders", 2)]


def test_many_files_become_one(tmp_path, monkeypatch):
    monkeypatch.setattr("winback.facts.intake.ledger.MOST_FILES", 2)
    given = parse(
        Sources, {"orders": {"path": "orders/*.csv", "columns": {name: name for name in NAMES["orders"]}}}, "x"
    )
    for number in range(4):
        row = (f"o{number}", f"c{9 - number}", f"2026-01-0{number + 1}", "", "1", *[""] * 5)
        put(tmp_path, number, {"orders": [row]})
        take(tmp_path, given, number)
    names = [[path.name for path in store.table_files(tmp_path / "facts" / str(n), "orders")] for n in range(4)]
    assert names[1:] == [
        ["orders.parquet", "orders.1.parquet"],
        ["orders.parquet"],
        ["orders.parquet", "orders.1.parquet"],
    ]
    assert [
        row["customer_id"] for row in store.read_table(tmp_path / "facts" / "2" / "orders.parquet").to_pylist()
    ] == ["c7", "c8", "c9"]
    keys = sorted(path.name for path in (tmp_path / "facts" / "2" / "keys").iterdir())
    assert keys == ["orders.ids.0.npy", "orders.rows.0.npy"]
    assert len(rows_of(tmp_path / "facts" / "3", "orders")) == 4
