"""Names are names: whatever a column, a table, a file or a customer is called, only it itself is touched."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hostile import NAMES
from postgres import PASSWORD, server
from winback import store
from winback.config import Source, Sources
from winback.facts.intake.contracts import MISSING
from winback.facts.intake.ingest import ingest
from winback.facts.intake.raw_rows import read_rows
from winback.facts.intake.snapshots import fetched
from winback.facts.intake.sources import named_files

RECEIVED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ENGINES = ("csv", "jsonl", "parquet", "sqlite", "postgresql")
Rows = Sequence[Sequence[str]]
KNOWN_BYTES = 63  # PostgreSQL cuts longer names


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@pytest.fixture(scope="module")
def url():
    """The URL of a PostgreSQL server."""
    with server() as folder:
        yield f"postgresql://shop:{quote(PASSWORD, safe='')}@/postgres?host={quote(folder, safe='')}"


@pytest.fixture
def engine(request) -> tuple[str, str]:
    """The name of an engine, and the URL of the one that needs a server."""
    return request.param, request.getfixturevalue("url") if request.param == "postgresql" else ""


def can_name_columns(engine: str) -> list[str]:
    """The names that columns of one table can have in an engine."""
    if engine == "postgresql":
        kept = [name for name in NAMES if "\0" not in name and len(name.encode()) <= KNOWN_BYTES]
        return [name for name in kept if name != "ctid"]  # every table has one of its own
    if engine == "sqlite":  # knows no difference between large and small letters of ASCII
        folded = {
            name.translate({code: code + 32 for code in range(65, 91)}): name for name in NAMES if "\0" not in name
        }
        return list(folded.values())
    return list(NAMES)


def lay_down(folder: Path, engine: tuple[str, str], table: str, names: Sequence[str], rows: Rows) -> dict[str, object]:
    """Rows of text under columns of these names, in a file or a table: how it is configured."""
    kind, url = engine
    path = folder / f"x.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    elif kind == "jsonl":
        objects = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
        path.write_text("\n".join(objects), "utf-8", newline="")
    elif kind == "parquet":
        columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
        pq.write_table(pa.Table.from_arrays(columns, names=list(names)), path)
    else:
        create = f"CREATE TABLE {quoted(table)} ({', '.join(f'{quoted(name)} text' for name in names)})"
        insert = f"INSERT INTO {quoted(table)} VALUES " + ", ".join(f"({', '.join(map(text, row))})" for row in rows)
        execute(folder, engine, [create, insert])
        return {"url_env": "URL", "table": (table,)} if url else {"url": "sqlite:///x.sqlite", "table": (table,)}
    return {"path": path.name}


def sources(settings: dict[str, object], columns: dict[str, str]) -> Sources:
    return Sources(orders=Source(**settings, columns=columns, max_bad_share=1.0))


def execute(folder: Path, engine: tuple[str, str], statements: Sequence[str]) -> None:
    if engine[0] == "sqlite":
        con = sqlite3.connect(folder / "x.sqlite")
        for statement in statements:
            con.execute(statement)
        con.commit()
        con.close()
        return
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    with dbapi.connect(engine[1]) as con, con.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        con.commit()


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_columns(tmp_path, engine):
    """Every name is the column of its own values."""
    names = can_name_columns(engine[0])
    assert len(names) > (250 if engine[0] in ("sqlite", "postgresql") else 299)
    rows = [[f"{letter}{number}" for number in range(len(names))] for letter in "ab"]
    settings = lay_down(tmp_path, engine, "a; wide 'one'", names, rows)
    given = fetched(sources(settings, {}), tmp_path, tmp_path / "state", {"URL": engine[1]})
    with closing(store.connect()) as con:
        (group,) = read_rows(con, "orders", given.orders, tmp_path).groups
        found = con.sql(f"SELECT * FROM {group.relation} ORDER BY line").to_arrow_table()
    assert list(group.names) == names
    assert {name: found[f"c{i}"].to_pylist() for i, name in enumerate(group.names)} == {
        name: [f"a{number}", f"b{number}"] for number, name in enumerate(names)
    }


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_customers(tmp_path, engine):
    """Every name is one customer, told apart from all others; the words that stand for nothing are refused."""
    people = [name for name in NAMES if "\0" not in name and name == name.strip("\ufeff")]  # a mark, no letter
    rows = [[name, "2026-01-01", str(number)] for number, name in enumerate(people)]
    settings = lay_down(tmp_path, engine, "people", ["who", "when", "much"], rows)
    columns = {"customer_id": "who", "ordered_at": "when", "amount": "much"}
    given = fetched(sources(settings, columns), tmp_path, tmp_path / "state", {"URL": engine[1]})
    ingest(given, tmp_path, tmp_path / "out", "UTC", RECEIVED)
    orders = store.read_table(tmp_path / "out" / "orders.parquet").to_pylist()
    assert {row["customer_id"]: row["amount_cents"] for row in orders} == {
        name: number * 100 for number, name in enumerate(people) if name not in MISSING
    }
    refused = store.read_table(tmp_path / "out" / "quarantine.parquet")["reason"].to_pylist()
    assert refused == ["missing_customer_id"] * sum(name in MISSING for name in people)


def mapped(folder: Path, engine: tuple[str, str], five: Sequence[str]) -> None:
    """Names in the places of customer, time, amount, category and channel at once."""
    columns = dict(zip(("customer_id", "ordered_at", "amount", "category", "channel"), five, strict=True))
    settings = lay_down(folder, engine, "", five, [["c1", "2026-01-01", "1.5", "shoes", "shop"]])
    ingest(sources(settings, columns), folder, folder / "out", "UTC", RECEIVED)
    order = store.read_table(folder / "out" / "orders.parquet").to_pylist()[0]
    kinds = store.read_table(folder / "out" / "order_categories.parquet")["category"].to_pylist()
    assert (order["customer_id"], order["amount_cents"], kinds, order["channel"]) == ("c1", 150, ["shoes"], "shop")


@pytest.mark.parametrize("engine", ["csv", "jsonl", "parquet"], indirect=True)
def test_mappings(tmp_path, engine):
    for first in range(0, 300, 60):
        mapped(tmp_path, engine, NAMES[first : first + 5])


@pytest.mark.deep
@pytest.mark.parametrize("engine", ["csv", "jsonl", "parquet"], indirect=True)
def test_all_mappings(tmp_path, engine):
    for first in range(0, 300, 5):
        mapped(tmp_path, engine, NAMES[first : first + 5])


def test_files(tmp_path):
    """Every name that a file can have is found by itself, and told as it is."""
    names = [f"{name}.csv" for name in NAMES if not {"/", "\0"} & set(name) and len(name.encode()) <= 250]
    assert len(names) > 270
    for number, name in enumerate(names):
        (tmp_path / name).write_text(f"who,when,much\nc{number},2026-01-01,{number}\nc{number},never,1\n", "utf-8")
    seen = [name for name in names if not name.startswith((".", "_"))]
    for name in names:
        assert named_files(name, tmp_path) == {name: tmp_path / name}
    columns = {"customer_id": "who", "ordered_at": "when", "amount": "much"}
    given = Sources(orders=Source(path=".", columns=columns, max_bad_share=1.0))
    ingest(given, tmp_path, tmp_path / "out", "UTC", RECEIVED)
    orders = store.read_table(tmp_path / "out" / "orders.parquet").to_pylist()
    assert {row["customer_id"]: row["amount_cents"] for row in orders} == {
        f"c{number}": number * 100 for number, name in enumerate(names) if name in seen
    }
    refused = store.read_table(tmp_path / "out" / "quarantine.parquet")
    assert sorted(refused["file"].to_pylist()) == sorted(seen)


def tables(tmp_path: Path, engine: tuple[str, str], names: Sequence[str]) -> None:
    """Read each of these tables; all others stay as they are."""
    for number, name in enumerate(names):
        settings = lay_down(tmp_path, engine, name, ["who", "x'\"y"], [[f"c{number}", "1"]])
        source = Source(**settings, columns={"customer_id": "who"})
        given = fetched(Sources(orders=source), tmp_path, tmp_path / "state", {"URL": engine[1]})
        (file,) = named_files(given.orders.path, tmp_path).values()
        assert store.read_table(file).to_pylist() == [{"who": f"c{number}", "x'\"y": "1"}]
    if engine[1]:
        execute(tmp_path, engine, [f"DROP TABLE {quoted(name)}" for name in names])


def can_name_tables(engine: str) -> list[str]:
    return [name for name in can_name_columns(engine) if not name.lower().startswith("sqlite_")]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
def test_tables(tmp_path, engine):
    tables(tmp_path, engine, can_name_tables(engine[0])[::20])


@pytest.mark.deep
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
def test_all_tables(tmp_path, engine):
    tables(tmp_path, engine, can_name_tables(engine[0]))
