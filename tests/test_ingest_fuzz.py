"""Whatever stands in a file, every line of it is accepted, a duplicate, or quarantined with a reason."""

# Chance only makes up test data.

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winback import store
from winback.config import Sources, parse
from winback.facts.contracts import REASONS
from winback.facts.ingest import Accounting, ingest

RECEIVED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
COLUMNS = {
    "customer_id": "who",
    "ordered_at": "when",
    "amount": "much",
    "order_id": "id",
    "discount": ["off", "much"],
}
HEADER = "who,when,much,id,off\n"
FIELDS = (
    ["c1", "c2", "c3", "", "null", "Null", " c1", '"c1"', '"c,1"', 'c"1', "é", "\ufeff", "x" * 500],
    ["2026-01-01", "2026-01-01T10:00Z", "2026-02-31", "2027-01-01", "", "2026-01-01 25:00", "9999-12-31"],
    ["1", "1.005", "-2", "1e3", "1,5", "NaN", "inf", "", "9" * 30, "$1", "1e-9"],
    ["o1", "o2", "o3", "o4", "o5", "", '"o""6"'],
    ["", "0", "1.1", "x", "-"],
)  # fmt: skip
DAMAGE = [b"\xff", b"\0", b'"', b"\r", b"\n", b",", b"\xe2\x82", b"\n\n", b"   "]


def some_lines(chance: random.Random) -> bytes:
    """A text file of good, odd and broken lines, then a few bytes of damage anywhere after its header."""
    rows = [
        ",".join(chance.choice(field[: chance.choice([3, 99])]) for field in FIELDS)
        for _ in range(chance.randrange(40))
    ]
    rows = [row if chance.random() < 0.9 else row[: chance.randrange(len(row) + 1)] for row in rows]
    rows += chance.choices(rows, k=chance.randrange(5)) if rows else []
    body = bytearray(chance.choice(["\n", "\r\n"]).join(rows).encode() + chance.choice([b"", b"\n"]))
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(body) + 1)
        body[place:place] = chance.choice(DAMAGE)
    return HEADER.encode() + bytes(body)


def physical_lines(content: bytes) -> int:
    """Lines after the header, counted as `wc` would with a last line that need not end."""
    body = content.removeprefix(HEADER.encode())
    return body.count(b"\n") + bool(body and not body.endswith(b"\n"))


def check(folder: Path, done: Accounting, rows_in: int, files: set[str]) -> None:
    """The conservation law, and that the tables and the quarantine hold what the accounting says."""
    quarantine = store.read_table(folder / "out" / "quarantine.parquet").to_pylist()
    orders = store.read_table(folder / "out" / "orders.parquet").to_pylist()
    assert done.rows_in == rows_in == done.accepted + done.duplicates + done.quarantined
    assert done.quarantined == len(quarantine) == sum(done.reasons.values())
    assert done.accepted == sum(order["line_count"] for order in orders)
    assert len({order["order_id"] for order in orders}) == len(orders)
    places = {(row["file"], row["line"]) for row in quarantine}
    assert len(places) == len(quarantine)
    assert {file for file, _ in places} <= files
    assert all(1 <= row["line"] <= rows_in + 1 and row["reason"] in REASONS and row["detail"] for row in quarantine)


def take(folder: Path, **settings) -> Accounting:
    source = {"columns": COLUMNS, "max_bad_share": 1.0, **settings}
    given = parse(Sources, {"orders": source}, "fuzz")
    return ingest(given, folder, folder / "out", "Europe/Berlin", RECEIVED)[0]


def fuzz(folder: Path, seed: int) -> None:
    """One random file under random settings; the wanted columns are a random few."""
    chance = random.Random(seed)
    content = some_lines(chance)
    (folder / "x.csv").write_bytes(content)
    grain, duplicates = chance.choice(["row", "line"]), chance.choice(["drop", "keep"])
    columns = {
        name: part for name, part in COLUMNS.items() if name != "order_id" or grain == "line" or chance.random() < 0.5
    }
    done = take(folder, path="x.csv", grain=grain, duplicates=duplicates, columns=columns)
    check(folder, done, physical_lines(content), {"x.csv"})


@pytest.mark.parametrize("batch", range(4))
def test_every_line_is_accounted_for(tmp_path, batch):
    for seed in range(batch * 15, batch * 15 + 15):
        fuzz(tmp_path, seed)


@pytest.mark.deep
def test_every_line_of_five_thousand_files_is_accounted_for(tmp_path):
    for seed in range(1_000, 6_000):
        fuzz(tmp_path, seed)


ANY = [
    None,
    0,
    1.5,
    float("nan"),
    float("inf"),
    "c1",
    "",
    "2026-01-01",
    "1",
    b"\xff",
    True,
    dt.date(2026, 1, 1),
    RECEIVED,
    [1],
    {"a": 1},
]


@pytest.mark.parametrize("seed", range(25))
def test_every_row_of_a_parquet_file_is_accounted_for(tmp_path, seed):
    """Columns of any type, with and without values; a source of several files."""
    chance = random.Random(seed)
    rows = 0
    for part in range(chance.randrange(1, 4)):
        length = chance.randrange(20)
        columns = {
            name: pa.array([chance.choice([value, value, None]) for _ in range(length)], type=pa.scalar(value).type)
            for name, value in ((name, chance.choice(ANY)) for name in ("who", "when", "much", "id", "off"))
        }
        pq.write_table(pa.table(columns), tmp_path / f"{part}.parquet", row_group_size=chance.randrange(1, 9))
        rows += length
    files = {path.name for path in tmp_path.glob("*.parquet")}
    done = take(tmp_path, path="*.parquet", grain=chance.choice(["row", "line"]))
    check(tmp_path, done, rows, files)


def test_mended_rows_give_what_clean_rows_give(tmp_path):
    """Bad lines beside good ones take nothing from them."""
    good = "".join(f"c{i % 7},2026-01-{i % 28 + 1:02d},{i}.5,o{i},0\n" for i in range(60))
    (tmp_path / "x.csv").write_text(HEADER + good)
    take(tmp_path, path="x.csv")
    clean = (tmp_path / "out" / "orders.parquet").read_bytes()
    chance = random.Random(3)
    lines = [
        *good.encode().splitlines(),
        b'"',
        b"\xff,,,,",
        b"\0" * 9,
        b"",
        b'a,"b,c,d,e',
        b"1,2,3",
        b"c1,2026-13-01,1,z,0",
    ]
    chance.shuffle(lines)
    (tmp_path / "x.csv").write_bytes(HEADER.encode() + b"\n".join(lines))
    assert take(tmp_path, path="x.csv").quarantined == 7
    assert (tmp_path / "out" / "orders.parquet").read_bytes() == clean
