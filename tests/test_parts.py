"""Tables read part by part: every row once, whatever the order and number of the files."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from history import orders
from winback import store
from winback.facts.days import day_number, microseconds
from winback.facts.features import parts
from winback.facts.features.parts import Span

NAMES = ["a", "b", "b b", "c", "\u00e9", "\U0001f600", "~", "zz"]


def write(folder: Path, customers: list[str], rows_in_a_group: int | None = None, name: str = "orders") -> None:
    """One row a customer named, in this order."""
    line = "; ".join(f"c{n}: 2026-01-{n % 28 + 1:02} {n}" for n in range(len(customers)))
    frame = orders(line).assign(customer_id=customers)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, folder / f"{name}.parquet", row_group_size=rows_in_a_group)


@pytest.mark.parametrize("seed", range(8))
def test_the_parts_together_are_the_table(seed, tmp_path, monkeypatch):
    """In one sorted file, in shuffled ones with small groups, in a first and later files."""
    chance = random.Random(seed)
    monkeypatch.setattr(store, "ROWS_PER_GROUP", chance.choice([1, 3, 10]))
    names = [chance.choice(NAMES) for _ in range(40)]
    write(tmp_path, sorted(names[:25]) if seed % 2 else names[:25], chance.choice([None, 1, 4]))
    write(tmp_path, names[25:], 2, "orders.2")
    read = [parts.read(tmp_path, "orders", {"customer_id"}, span) for span in parts.spans(tmp_path, "orders")]
    by_part = [table["customer_id"].cast(pa.string()).to_pylist() for table in read]
    assert sorted(name for part in by_part for name in part) == sorted(names)
    owners = [name for part in by_part for name in set(part)]
    assert len(owners) == len(set(owners))


def test_a_sorted_file_is_read_group_by_group(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 3)
    frame = pd.DataFrame({"customer_id": list("aaabbbbbccddeefff"), "n": range(17)})
    store.write_table(tmp_path / "orders.parquet", frame, together="customer_id")
    groups = pq.read_metadata(tmp_path / "orders.parquet")
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [3, 5, 2, 2, 5]
    spans = parts.spans(tmp_path, "orders")
    assert spans == [Span(None, "b"), Span("b", "c"), Span("c", "e"), Span("e", None)]


def test_one_customer_is_never_parted(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 2)
    store.write_table(tmp_path / "orders.parquet", pd.DataFrame({"customer_id": ["a"] * 9}), together="customer_id")
    assert parts.spans(tmp_path, "orders") == [Span()]


def test_a_table_without_rows_is_one_empty_part(tmp_path):
    write(tmp_path, [])
    (span,) = parts.spans(tmp_path, "orders")
    assert parts.read(tmp_path, "orders", {"customer_id", "ordered_at"}, span).num_rows == 0


def test_later_files_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("orders", "orders.10", "orders.2", "orders_by_day"):
        write(tmp_path, ["a"], name=name)
    assert [path.name for path in store.table_files(tmp_path, "orders")] == [
        "orders.parquet",
        "orders.2.parquet",
        "orders.10.parquet",
    ]
    assert store.table_files(tmp_path, "events") == []


def numbers(*days: str) -> np.ndarray:
    return np.array([day_number(dt.date.fromisoformat(day)) for day in days])


@pytest.mark.parametrize(
    ("log", "starts"),
    [
        # known from the file's statistics: the first row was recorded in time
        ("c1: 2026-01-03 1, 2026-01-09 1", ["2026-01-02", "2026-01-03", "2026-01-03"]),
        # the first row came late: not known on the 4th, known on the 20th
        ("c1: 2026-01-03 1 @2026-01-09, 2026-01-03T12:00 1", ["2026-01-02", "2026-01-03", "2026-01-03"]),
        ("c1: 2026-01-01 1 @2026-01-09, 2026-01-03 1", ["2026-01-02", "2026-01-03", "2026-01-01"]),
        ("c1: 2026-01-01 1 @2026-01-09", ["2026-01-02", "2026-01-04", "2026-01-01"]),
        ("c1: 2027-01-01 1", ["2026-01-02", "2026-01-04", "2026-01-20"]),
        ("", ["2026-01-02", "2026-01-04", "2026-01-20"]),
    ],
)
def test_a_log_starts_with_the_first_row_known_by_then(log, starts, tmp_path):
    store.write_table(tmp_path / "orders.parquet", orders(log))
    cutoffs = numbers("2026-01-02", "2026-01-04", "2026-01-20")
    assert parts.log_starts(tmp_path, "orders", "UTC", cutoffs).tolist() == numbers(*starts).tolist()


@pytest.mark.parametrize("seed", range(30))
def test_starts_are_those_of_a_search(seed):
    chance = random.Random(seed)
    noon = microseconds(dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC))
    day = 86_400_000_000
    us = np.array([noon + chance.randint(0, 30) * day for _ in range(chance.randint(0, 8))], dtype=np.int64)
    recorded = us + np.array([chance.choice([-3, 0, 0, 2, 9]) * day for _ in us], dtype=np.int64)
    cutoffs = numbers("2026-01-05", "2026-01-15", "2026-02-20")
    found = parts.earliest_known(us, recorded, "UTC", cutoffs).tolist()
    known = [(at // day, max(at, later) // day) for at, later in zip(us.tolist(), recorded.tolist(), strict=True)]
    assert found == [min([d for d, seen in known if seen < c], default=c) for c in cutoffs.tolist()]
