"""A list as a table of a database: once for each run, whole or not at all, in PostgreSQL and in SQLite."""

from __future__ import annotations

import sqlite3
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest

from export_shop import DECIDED, RUN, exported, none_may, people, publish, run_tables
from postgres import PASSWORD, server
from winback.destinations import Destinations, Sql
from winback.errors import ConfigError, ExportFailed, MissingExtra
from winback.export import database
from winback.export.people import Wanted

LATER = "2026-02-22-000000000002"
COLUMNS = ("action", "channel", "probability", "reason_1")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as folder:
        yield f"postgresql://shop:{quote(PASSWORD, safe='')}@/postgres?host={quote(folder, safe='')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Destinations]:
    """The database is named by a variable of the environment; the table is another for each test."""
    url = "sqlite:///shop.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    monkeypatch.setenv("SHOP_DB", url)
    sql = Sql(url_env="SHOP_DB", table=f"list_{zlib.crc32(request.node.name.encode())}", columns=COLUMNS)
    yield Destinations(sql=sql)
    if request.param == "postgresql":
        asked(Path(), sql, f"DROP TABLE IF EXISTS {sql.table}, {database.RUNS}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(tmp_path, run_tables(DECIDED))
    return tmp_path


def asked(root: Path, sql: Sql, statement: str) -> list[tuple[Any, ...]]:
    """The rows that a statement answers with."""
    with database._connected(database._target(sql, root)) as con:
        cursor = con.cursor()
        cursor.execute(statement)
        rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        cursor.close()
        con.commit()
    return rows


def table(root: Path, settings: Destinations) -> list[tuple[Any, ...]]:
    return asked(root, settings.sql, f"SELECT * FROM {settings.sql.table} ORDER BY campaign, customer_id")


def published(root: Path, settings: Destinations) -> list[tuple[Any, ...]]:
    return asked(root, settings.sql, f"SELECT number, run_id, campaign FROM {database.RUNS} ORDER BY number")


def test_a_run_is_a_row_a_customer_and_a_line_in_the_runs(root: Path, settings: Destinations):
    (receipt,) = exported(root, "sql", settings)
    assert table(root, settings)[:2] == [
        (RUN, "all", "c01", "voucher", "email", 0.625, "service of c01"),
        (RUN, "all", "c02", "voucher", "sms", 0.625, "service of c02"),
    ]
    assert published(root, settings) == [(1, RUN, "all")]
    assert (receipt["sent"], receipt["table"], receipt["files"]) == (5, settings.sql.table, {})


def test_the_same_run_again_writes_nothing(root: Path, settings: Destinations, monkeypatch: pytest.MonkeyPatch):
    first = exported(root, "sql", settings)
    before = table(root, settings)
    inserted: list[int] = []
    monkeypatch.setattr(database, "_insert", lambda *_: inserted.append(1))
    for _ in range(3):
        assert exported(root, "sql", settings) == first
    assert (inserted, table(root, settings), published(root, settings)) == ([], before, [(1, RUN, "all")])


def test_a_connection_lost_after_the_commit_is_found_by_the_second_try(
    root: Path, settings: Destinations, monkeypatch: pytest.MonkeyPatch
):
    """The classical double effect: all was written, and nobody was told."""
    real, lost = database._replaced, []

    def replaced(con: Any, target: Any, listing: Any) -> bool:
        done = real(con, target, listing)
        if not lost:
            lost.append(done)
            raise database._faults(target)[0]("the connection is gone") if not target.is_postgres else _gone()
        return done

    monkeypatch.setattr(database, "_replaced", replaced)
    exported(root, "sql", settings)
    assert lost == [True]
    assert published(root, settings) == [(1, RUN, "all")]
    assert len(table(root, settings)) == 5


def _gone() -> Exception:
    from adbc_driver_manager import AdbcStatusCode  # noqa: PLC0415
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    return dbapi.OperationalError("the connection is gone", status_code=AdbcStatusCode.IO)


@pytest.mark.parametrize("step", ["_made_tables", "_insert"])
def test_a_fault_half_way_leaves_the_table_as_it_was(
    root: Path, settings: Destinations, monkeypatch: pytest.MonkeyPatch, step: str
):
    exported(root, "sql", settings)
    before = table(root, settings)
    publish(root, run_tables({"c01": ("voucher", "email")}), LATER)
    real, tries = getattr(database, step), []

    def failing(cursor: Any, target: Any, *given: Any) -> None:
        real(cursor, target, *given)
        tries.append(step)
        cursor.execute("SELECT secret_of_a_customer FROM nowhere")

    with monkeypatch.context() as patched:
        patched.setattr(database, step, failing)
        with pytest.raises(ExportFailed) as error:
            exported(root, "sql", settings)
    assert len(tries) == database.TRIES
    assert str(error.value).startswith(f"table {settings.sql.table!r} did not take the list in 3 tries (")
    assert "it is as it was. Look whether the database is up" in str(error.value)
    assert not [word for word in ("secret", PASSWORD, "nowhere") if word in str(error.value)]
    assert (table(root, settings), published(root, settings)) == (before, [(1, RUN, "all")])
    exported(root, "sql", settings)
    assert [row[:3] for row in table(root, settings)] == [(LATER, "all", "c01")]


def test_a_new_run_takes_the_place_of_the_old_one(root: Path, settings: Destinations):
    exported(root, "sql", settings)
    exported(root, "sql", settings, wanted=Wanted(action="voucher"))
    publish(root, run_tables({"c03": ("voucher", "email")}), LATER)
    exported(root, "sql", settings)
    assert [row[:3] for row in table(root, settings)] == [
        (LATER, "all", "c03"),
        *((RUN, "voucher", each) for each in ("c01", "c02", "c04", "c05")),
    ]


def test_whoever_may_not_any_more_is_in_no_row(root: Path, settings: Destinations):
    """Neither in the campaign asked for, nor in another of this run, nor in one of an earlier run."""
    exported(root, "sql", settings, wanted=Wanted(action="voucher"))
    publish(root, run_tables(DECIDED), LATER)
    exported(root, "sql", settings)
    exported(root, "sql", settings, wanted=Wanted(channel="email"), permissions=none_may("c01"))
    assert "c01" not in {row[2] for row in table(root, settings)}
    assert {row[1] for row in table(root, settings)} == {"all", "email", "voucher"}


def test_nobody_is_a_list_too(root: Path, settings: Destinations):
    exported(root, "sql", settings)
    exported(root, "sql", settings, permissions=lambda _: pd.DataFrame({"customer_id": []}))
    assert table(root, settings) == []


def test_many_at_once_write_it_once(root: Path, settings: Destinations):
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in range(500)]}, dtype="str")
    listing = database.Listing(RUN, "all", "same", rows)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: database.publish(settings.sql, root, listing), range(4)))
    assert sorted(done) == [False, False, False, True]
    assert (len(table(root, settings)), published(root, settings)) == (500, [(1, RUN, "all")])


HOSTILE = "x'); DROP TABLE shop; --\"\\ $1 ? %s {0}"


def test_values_are_never_part_of_the_statement(tmp_path: Path, settings: Destinations):
    """Ids and names are parameters, whatever is in them."""
    publish(tmp_path, run_tables({HOSTILE: ("voucher", "email")}))
    exported(tmp_path, "sql", settings, customers=people(HOSTILE))
    assert [row[2] for row in table(tmp_path, settings)] == [HOSTILE]


@pytest.mark.parametrize(
    "name", ["a b", "a;b", 'a"b', "a.b.c", "", "1a", "a--", "таблица", "a" * 64, "a\0", "..", "a."]
)
def test_a_table_has_a_plain_name(name: str):
    with pytest.raises(ValueError, match=r'write a table as "name" or "schema\.name"'):
        Sql(table=name)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        (Sql(), "[destinations.sql] needs exactly one of url and url_env; set it to export to a database"),
        (Sql(url="sqlite:///a", url_env="B"), "[destinations.sql] needs exactly one of url and url_env"),
        (Sql(url_env="NOT_SET"), "url_env: the environment variable 'NOT_SET' is not set"),
        (Sql(url="mysql://u:secret@h/d"), "[destinations.sql] url must begin with postgresql:// or sqlite:///"),
    ],
)
def test_a_database_is_named_in_one_way(root: Path, sql: Sql, fault: str):
    with pytest.raises(ConfigError) as error:
        exported(root, "sql", Destinations(sql=sql))
    assert fault in str(error.value)
    assert "secret" not in str(error.value)


def test_a_database_file_is_for_its_owner_alone(root: Path):
    exported(root, "sql", Destinations(sql=Sql(url="sqlite:///new.db")))
    assert (root / "new.db").stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(root / "new.db") as con:
        assert con.execute("SELECT count(*) FROM winback_decisions").fetchone() == (5,)
    con.close()


def test_without_its_driver_postgresql_is_told_how_to_be_reached(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(MissingExtra, match=r'run: pip install "winback\[sql\]"'):
        exported(root, "sql", Destinations(sql=Sql(url="postgresql://nobody@localhost/x")))
