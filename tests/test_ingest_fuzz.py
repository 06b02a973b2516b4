"""Whatever stands in a file, every line of it is accepted, a duplicate, or quarantined with a reason."""

# Chance only makes up test data.

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winback import store
from winback.config import Source, Sources
from winback.errors import SourceError
from winback.facts.intake.contracts import REASONS
from winback.facts.intake.ingest import Accounting, ingest
from winback.facts.intake.text_lines import read_lines
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
COLUMNS = {
    "customer_id": "who",
    "ordered_at": "when",
    "amount": "much",
    "order_id": "id",
    "discount": ["off", "much"],
}
NAMES = ("who", "when", "much", "id", "off")
HEADER = ",".join(NAMES) + "\n"
FIELDS = (
    ["c1", "c2", "c3", "", "null", "Null", " c1", '"c1"', '"c,1"', 'c"1', "é", "\ufeff", "x" * 500],
    ["2026-01-01", "2026-01-01T10:00Z", "2026-02-31", "2027-01-01", "", "2026-01-01 25:00", "9999-12-31"],
    ["1", "1.005", "-2", "1e3", "1,5", "NaN", "inf", "", "9" * 30, "$1", "1e-9"],
    ["o1", "o2", "o3", "o4", "o5", "", '"o""6"'],
    ["", "0", "1.1", "x", "-"],
)  # fmt: skip
DAMAGE = [b"\xff", b"\0", b'"', b"\r", b"\n", b",", b"\xe2\x82", b"\n\n", b"   "]


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


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """The engine starts faster without threads that small files have no work for."""
    monkeypatch.setattr(store, "connect", partial(store.connect, threads=1))


def some_lines(chance: random.Random) -> bytes:
    """A text file of good, odd and broken lines, then a few bytes of damage anywhere after its header."""
    rows = [
        ",".join(chance.choice(field[: chance.choice([3, 99])]) for field in FIELDS)
        for _ in range(chance.randrange(40))
    ]
    rows = [row if chance.random() < 0.9 else row[: chance.randrange(len(row) + 1)] for row in rows]
    rows += chance.choices(rows, k=chance.randrange(5)) if rows else []
    body = bytearray(chance.choice(["\n", "\r\n"]).join(rows).encode() + chance.choice([b"", b"\n"]))
    return HEADER.encode() + damaged(chance, body, DAMAGE)


def damaged(chance: random.Random, body: bytearray, kinds: list[bytes]) -> bytes:
    """Up to three pieces of damage anywhere."""
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(body) + 1)
        body[place:place] = chance.choice(kinds)
    return bytes(body)


def some_objects(chance: random.Random) -> bytes:
    """The same for JSON lines."""
    lines = []
    for _ in range(chance.randrange(40)):
        row = {
            name: chance.choice([*field, None, 7, 1.25, [1], {"id": 1}])
            for name, field in zip(NAMES, FIELDS, strict=True)
        }
        kept = chance.sample(sorted(row), chance.choice([1, 4, 5, 5, 5]))
        lines.append(json.dumps({name: row[name] for name in kept}, ensure_ascii=chance.random() < 0.5))
    lines += chance.choices(lines, k=chance.randrange(5)) if lines else []
    return damaged(chance, bytearray("\n".join(lines).encode()), [*DAMAGE, b"{", b"}", b"[" * 99, b"\\ud800", b"NaN"])


def some_table(chance: random.Random, path: Path) -> None:
    """A Parquet file with columns of any type, with and without values."""
    length = chance.randrange(20)
    columns = {
        name: pa.array([chance.choice([value, value, None]) for _ in range(length)], type=pa.scalar(value).type)
        for name, value in ((name, chance.choice(ANY)) for name in NAMES)
    }
    pq.write_table(pa.table(columns), path, row_group_size=chance.randrange(1, 9))


def physical_lines(content: bytes) -> int:
    """Lines after the header, counted as `wc` would with a last line that need not end."""
    body = content.removeprefix(HEADER.encode())
    return body.count(b"\n") + bool(body and not body.endswith(b"\n"))


def check(folder: Path, done: Accounting, rows_in: int, files: set[str], last_line: int | None = None) -> None:
    """The conservation law, and that the tables and the quarantine hold what the accounting says."""
    last_line = last_line or rows_in + 1
    quarantine = store.read_table(folder / "out" / "quarantine.parquet").to_pylist()
    orders = store.read_table(folder / "out" / "orders.parquet").to_pylist()
    assert done.rows_in == rows_in == done.accepted + done.duplicates + done.quarantined
    assert done.quarantined == len(quarantine) == sum(done.reasons.values())
    assert done.accepted == sum(order["line_count"] for order in orders)
    assert len({order["order_id"] for order in orders}) == len(orders)
    places = {(row["file"], row["line"]) for row in quarantine}
    assert len(places) == len(quarantine)
    assert {file for file, _ in places} <= files
    assert all(1 <= row["line"] <= last_line and row["reason"] in REASONS and row["detail"] for row in quarantine)


def take(folder: Path, **settings) -> Accounting:
    source = {"columns": COLUMNS, "max_bad_share": 1.0, **settings}
    given = parse(Sources, {"orders": source}, "fuzz")
    return ingest(given, folder, folder / "out", "Europe/Berlin", RECEIVED)[0]


def text_file(folder: Path, chance: random.Random) -> tuple[dict[str, object], int, int]:
    """A file of delimited text or JSON lines, packed or not: how it is read, its rows, its lines."""
    kind, packing = chance.choice(["csv", "csv", "jsonl"]), chance.choice(["", "", "", ".gz"])
    content = some_lines(chance) if kind == "csv" else some_objects(chance)
    name = f"x.{kind}{packing}"
    (folder / name).write_bytes(gzip.compress(content) if packing else content)
    if kind == "jsonl":
        lines = content.count(b"\n") + bool(content and not content.endswith(b"\n"))
        return {"path": name}, lines, lines
    if chance.random() < 0.7:
        return {"path": name}, physical_lines(content), physical_lines(content) + 1
    found = read_lines(folder / name, ",", "utf-8", quoted_newlines=True)
    assert found.count + found.continued == physical_lines(content)
    return {"path": name, "quoted_newlines": True}, found.count, physical_lines(content) + 1


def taken_or_refused(given: Sources, folder: Path) -> Accounting | str:
    """The accounting, or what is said of a file that cannot be read at all."""
    try:
        return ingest(given, folder, folder / "out", "Europe/Berlin", RECEIVED)[0]
    except SourceError as refused:
        return str(refused)


def fuzz(folder: Path, seed: int) -> None:
    """One random file under random settings; the wanted columns are a random few."""
    chance = random.Random(seed)
    read, rows, last_line = text_file(folder, chance)
    grain, duplicates = chance.choice(["row", "line"]), chance.choice(["drop", "keep"])
    columns = {
        name: part for name, part in COLUMNS.items() if name != "order_id" or grain == "line" or chance.random() < 0.5
    }
    given = Sources(orders=Source(**read, grain=grain, duplicates=duplicates, columns=columns, max_bad_share=1.0))
    done = taken_or_refused(given, folder)
    # A key that no line has cannot be told from one that the mapping misspells.
    if isinstance(done, str):
        assert "has no column" in done
        assert read["path"].startswith("x.jsonl")
        return
    check(folder, done, rows, {read["path"]}, last_line)


def fuzz_table(folder: Path, seed: int) -> bool:
    """One random Parquet file, half of them with bytes changed; whether it could be read at all."""
    chance = random.Random(seed)
    path = folder / "x.parquet"
    some_table(chance, path)
    broken = chance.random() < 0.5
    if broken:
        content = bytearray(path.read_bytes())
        for _ in range(chance.randrange(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
    source = Source(path="x.parquet", grain=chance.choice(["row", "line"]), columns=COLUMNS, max_bad_share=1.0)
    done = taken_or_refused(Sources(orders=source), folder)
    if isinstance(done, str):
        assert broken
        assert done.startswith("x.parquet ")
        return False
    check(folder, done, pq.read_metadata(path).num_rows, {"x.parquet"})
    return True


@pytest.mark.parametrize("batch", range(4))
def test_every_line_is_accounted_for(tmp_path, batch):
    for seed in range(batch * 25, batch * 25 + 25):
        fuzz(tmp_path, seed)


@pytest.mark.parametrize("batch", range(2))
def test_every_row_of_a_parquet_file_is_accounted_for(tmp_path, batch):
    """Or the file is refused as a whole, if it is no longer what its writer wrote."""
    assert sum(fuzz_table(tmp_path, seed) for seed in range(batch * 25, batch * 25 + 25)) > 10


@pytest.mark.deep
@pytest.mark.parametrize("batch", range(10))
def test_every_line_of_five_thousand_files_is_accounted_for(tmp_path, batch):
    for seed in range(1_000 + batch * 350, 1_350 + batch * 350):
        fuzz(tmp_path, seed)
    for seed in range(1_000 + batch * 150, 1_150 + batch * 150):
        fuzz_table(tmp_path, seed)


def test_files_of_all_kinds_in_one_folder_are_one_source(tmp_path):
    """Each row of each is accounted for, and told by the name of its file."""
    chance, rows = random.Random(5), 0
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for number in range(9):
        content = some_lines(chance)
        (tmp_path / "in" / f"{number}.csv").write_bytes(content)
        rows += physical_lines(content)
        objects = some_objects(chance)
        (tmp_path / "in" / "deep" / f"{number}.jsonl").write_bytes(objects)
        rows += objects.count(b"\n") + bool(objects and not objects.endswith(b"\n"))
        path = tmp_path / "in" / f"{number}.parquet"
        some_table(chance, path)
        rows += pq.read_metadata(path).num_rows
    files = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "in").rglob("*.*")}
    check(tmp_path, take(tmp_path, path="in", grain="row"), rows, files)


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
