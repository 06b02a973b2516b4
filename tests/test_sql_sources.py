"""Databases: what is read from PostgreSQL and SQLite is what a file of the same rows would have given."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest

from postgres import PASSWORD, server
from winback import store
from winback.config import Sources
from winback.errors import ConfigError, MissingExtra, RunInProgress, SourceError
from winback.facts.intake import snapshots
from winback.facts.intake.database import secrets_of
from winback.facts.intake.ingest import ingest
from winback.facts.intake.snapshots import fetched
from winback.facts.intake.sources import files_of, fingerprint
from winback.runs import project_lock
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
COLUMNS = {"customer_id": "who", "ordered_at": "at", "amount": "much"}
ROWS = [("c1", "2026-01-02 10:00:00", "1.10"), ("c2", "2026-01-01 09:30:00", "20.05"), ("c1", "2026-01-03", "3")]


def digest(query: str) -> str:
    """What a query is called."""
    return hashlib.sha256(query.encode()).hexdigest()[:8]


def sources(columns=COLUMNS, **settings) -> Sources:
    return parse(Sources, {"orders": {"columns": columns, "max_bad_share": 1.0, **settings}}, "x")


def taken(given: Sources, base: Path, environment: dict[str, str]) -> list[tuple[str, str, int]]:
    """The orders that a source gives: customer, time, cents."""
    copied = fetched(given, base, base / "state", environment)
    ingest(copied, base, base / "out", "UTC", RECEIVED)
    rows = store.read_table(base / "out" / "orders.parquet").to_pylist()
    return sorted((row["customer_id"], row["ordered_at"].isoformat(), row["amount_cents"]) for row in rows)


def snapshot(given: Sources, base: Path, environment: dict[str, str]) -> pa.Table:
    """The rows as they were copied."""
    return store.read_table(files_of(fetched(given, base, base / "state", environment).orders, base)[0])


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL server's socket folder."""
    with server() as folder:
        yield folder


@pytest.fixture
def shop(postgres) -> dict[str, str]:
    """The environment with the server's URL."""
    return {"SHOP_DB": f"postgresql://shop:{quote(PASSWORD, safe='')}@/postgres?host={quote(postgres, safe='')}"}


def run(shop: dict[str, str], *statements: str) -> None:
    """Run statements as a program of the shop would."""
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    with dbapi.connect(shop["SHOP_DB"]) as con, con.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        con.commit()


def values(rows) -> str:
    return ", ".join("(" + ", ".join(f"'{value}'" for value in row) + ")" for row in rows)


@pytest.fixture
def files(tmp_path) -> list[tuple[str, str, int]]:
    """What a file with ROWS gives."""
    (tmp_path / "x.csv").write_text("who,at,much\n" + "".join(",".join(row) + "\n" for row in ROWS))
    return taken(sources(path="x.csv"), tmp_path, {})


@pytest.mark.parametrize("typed", ["text, at text, much text", "text, at timestamp, much numeric(10, 2)"])
def test_postgres_gives_what_a_file_gives(tmp_path, shop, files, typed):
    run(
        shop,
        "DROP TABLE IF EXISTS orders",
        f"CREATE TABLE orders (who {typed})",
        f"INSERT INTO orders VALUES {values(ROWS)}",
    )
    assert taken(sources(url_env="SHOP_DB", table="orders"), tmp_path, shop) == files
    assert taken(sources(url_env="SHOP_DB", table="public.orders"), tmp_path, shop) == files
    assert taken(sources(url_env="SHOP_DB", query="select * from orders where true --"), tmp_path, shop) == files
    assert taken(sources(url_env="SHOP_DB", query=" select * from orders ;\n"), tmp_path, shop) == files


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "sqlite:///{base}/shop.db"])
@pytest.mark.parametrize("asked", [{"table": "orders"}, {"table": "main.orders"}, {"query": "SELECT * FROM orders"}])
def test_sqlite_gives_what_a_file_gives(tmp_path, files, url, asked):
    sqlite(tmp_path, "CREATE TABLE orders (who, at, much)", f"INSERT INTO orders VALUES {values(ROWS)}")
    assert taken(sources(url=url.format(base=tmp_path), **asked), tmp_path, {}) == files


def sqlite(base: Path, *statements: str) -> None:
    con = sqlite3.connect(base / "shop.db")
    for statement in statements:
        con.execute(statement)
    con.commit()
    con.close()


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("12345678901234567890.12345678900::numeric", pa.string(), "12345678901234567890.12345678900"),
        ("1.10::numeric(10, 2)", pa.string(), "1.10"),
        ("9223372036854775807::bigint", pa.int64(), 9223372036854775807),
        ("(-7)::smallint", pa.int16(), -7),
        ("0.1::float8", pa.float64(), 0.1),
        ("true", pa.bool_(), True),
        ("'é''\"'::varchar(9)", pa.string(), "é'\""),
        ("'x'::char(3)", pa.string(), "x  "),
        ("'2026-02-28'::date", pa.date32(), dt.date(2026, 2, 28)),
        (
            "'2026-01-01 10:00:00.123456'::timestamp",
            pa.timestamp("us"),
            dt.datetime.fromisoformat("2026-01-01T10:00:00.123456"),
        ),
        (
            "'2026-01-01 10:00:00.123456+05:30'::timestamptz",
            pa.timestamp("us", "UTC"),
            dt.datetime(2026, 1, 1, 4, 30, 0, 123456, tzinfo=dt.UTC),
        ),
        ("'0F0E0D0C-0b0a-0908-0706-050403020100'::uuid", pa.string(), "0f0e0d0c-0b0a-0908-0706-050403020100"),
        ("'{\"a\": 1.10}'::json", pa.string(), '{"a": 1.10}'),
        ("'{\"a\": 1.10}'::jsonb", pa.string(), '{"a": 1.10}'),
        ("'lost'::fate", pa.string(), "lost"),
        ("NULL", pa.string(), None),
        ("NULL::numeric", pa.string(), None),
        ("NULL::uuid", pa.string(), None),
    ],
)
def test_values_of_postgres_are_exact(tmp_path, shop, expression, kind, value):
    run(shop, "DROP TYPE IF EXISTS fate", "CREATE TYPE fate AS ENUM ('kept', 'lost')")
    copy = snapshot(sources(url_env="SHOP_DB", query=f"SELECT {expression} AS x"), tmp_path, shop)
    assert (copy.schema, copy["x"].to_pylist()) == (pa.schema([("x", kind)]), [value])


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("'\\x00'::bytea", "bytea"),
        ("12.34::money", "money"),
        ("array[1]", "_int4"),
        ("'1 day'::interval", "interval"),
        ("'10:00'::time", "time"),
        ("'1.2.3.4'::inet", "inet"),
        ("point(1, 2)", "point"),
    ],
)
def test_types_that_no_table_can_hold_are_refused(tmp_path, shop, expression, kind):
    query = f"SELECT 1::int AS a, {expression} AS x"
    with pytest.raises(SourceError) as error:
        snapshot(sources(url_env="SHOP_DB", query=query), tmp_path, shop)
    assert str(error.value) == (
        f"SHOP_DB#query-{digest(query)}: column 'x' is of the type {kind}, which no table can hold; read it "
        "with a query that leaves it out or turns it into text, such as CAST(x AS text)"
    )


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 BC", "294000-01-01"])
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_moments_that_no_clock_can_show_are_quarantined(tmp_path, shop, moment, kind):
    query = f"SELECT 'c1' AS who, '{moment}'::{kind} AS at, 1 AS much UNION ALL SELECT 'c2', '2026-01-01'::{kind}, 2"
    assert taken(sources(url_env="SHOP_DB", query=query), tmp_path, shop) == [("c2", "2026-01-01T00:00:00+00:00", 200)]
    quarantine = store.read_table(tmp_path / "out" / "quarantine.parquet").to_pylist()
    assert [row["reason"] for row in quarantine] in (["bad_date"], ["future_date"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9223372036854775807, "9223372036854775807"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (1 / 3, repr(1 / 3)),
        ("  é\n", "  é\n"),
        (None, None),
    ],
)
def test_values_of_sqlite_are_exact_whatever_the_column_says(tmp_path, value, text):
    con = sqlite3.connect(tmp_path / "shop.db")
    con.execute("CREATE TABLE t (x)")
    con.executemany("INSERT INTO t VALUES (?)", [(value,), ("word",)])
    con.commit()
    con.close()
    copy = snapshot(sources(url="sqlite:///shop.db", table="t"), tmp_path, {})
    assert sorted(copy["x"].to_pylist(), key=str) == sorted([text, "word"], key=str)


def test_bytes_in_sqlite_are_refused(tmp_path):
    sqlite(tmp_path, "CREATE TABLE t (a, x)", "INSERT INTO t VALUES (1, x'00')")
    with pytest.raises(SourceError) as error:
        snapshot(sources(url="sqlite:///shop.db", table="t"), tmp_path, {})
    assert str(error.value) == (
        "sqlite:///shop.db#t: column 'x' holds bytes, which no table can hold; read it with a query that leaves it out "
        "or turns it into text"
    )


def test_equal_rows_have_an_equal_fingerprint_in_whatever_order(tmp_path, shop):
    """And other rows have another; what was read before stays readable as it was."""
    chance, rows = random.Random(1), [(f"c{i % 7}", f"2026-01-{i % 28 + 1:02}", i / 4) for i in range(5_000)]
    prints = []
    for _ in range(2):
        chance.shuffle(rows)
        run(
            shop,
            "DROP TABLE IF EXISTS orders",
            "CREATE TABLE orders (who text, at date, much numeric)",
            f"INSERT INTO orders VALUES {values(rows)}",
        )
        given = fetched(sources(url_env="SHOP_DB", table="orders"), tmp_path, tmp_path / "state", shop)
        prints.append(fingerprint(given, tmp_path))
    assert prints[0] == prints[1]
    assert list(prints[0]) == ["SHOP_DB#orders"]
    run(shop, "UPDATE orders SET much = 0 WHERE much = 7")
    after = fetched(sources(url_env="SHOP_DB", table="orders"), tmp_path, tmp_path / "state", shop)
    assert fingerprint(after, tmp_path) != prints[0] == fingerprint(given, tmp_path)


def test_many_rows_come_in_batches(tmp_path, shop, monkeypatch):
    """The copy of a table is whole, however many batches it came in."""
    monkeypatch.setattr(snapshots, "ROWS_PER_GROUP", 1_000)
    query = "SELECT i::text AS i, (i * 0.01)::numeric AS much FROM generate_series(1, 200000) AS t(i)"
    copy = snapshot(sources(url_env="SHOP_DB", query=query), tmp_path, shop)
    assert sorted(map(int, copy["i"].to_pylist())) == list(range(1, 200_001))
    assert sum(map(Decimal, copy["much"].to_pylist())) == Decimal("200001000.00")


def test_nothing_can_be_written(tmp_path, shop):
    run(shop, "DROP TABLE IF EXISTS orders", "CREATE TABLE orders (who text)", "INSERT INTO orders VALUES ('c1')")
    query = "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone"
    with pytest.raises(SourceError, match="read-only transaction"):
        snapshot(sources(url_env="SHOP_DB", query=query), tmp_path, shop)
    assert snapshot(sources(url_env="SHOP_DB", table="orders"), tmp_path, shop).num_rows == 1
    sqlite(tmp_path, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
    with pytest.raises(SourceError, match="readonly database"):
        snapshot(sources(url="sqlite:///shop.db", query="DELETE FROM t RETURNING x"), tmp_path, {})
    assert snapshot(sources(url="sqlite:///shop.db", table="t"), tmp_path, {}).num_rows == 1


ADVICE = "Look whether the database is up, and whether user, table or query are as it knows them"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"url_env": "SHOP_DB", "table": "nope"},
            'SHOP_DB#nope cannot be read: NOT_FOUND: Failed to prepare query: ERROR:  relation "nope" does not exist',
        ),
        (
            {"url_env": "SHOP_DB", "query": "selec 1"},
            f"SHOP_DB#query-{digest('selec 1')} cannot be read: INVALID_ARGUMENT: Failed to prepare query: "
            'ERROR:  syntax error at or near "selec"',
        ),
    ],
)
def test_what_postgres_refuses(tmp_path, shop, settings, message):
    with pytest.raises(SourceError) as error:
        snapshot(sources(**settings), tmp_path, shop)
    assert str(error.value).startswith(message)
    assert str(error.value).endswith(ADVICE)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (
            {"url": "sqlite:///none.db", "table": "t"},
            SourceError,
            "sqlite:///none.db#t: there is no file {base}/none.db. A path is relative to the configuration file, "
            "sqlite:///shop.db; an absolute one has four slashes, sqlite:////data/shop.db",
        ),
        (
            {"url": "sqlite:///shop.db", "table": "nope"},
            SourceError,
            "sqlite:///shop.db#nope cannot be read: (sqlite3.OperationalError) no such table: nope "
            f'[SQL: SELECT * FROM "nope"]. {ADVICE}',
        ),
        (
            {"url": "sqlite:///shop.db", "query": "SELECT 1 AS a, 2 AS b, 3 AS a"},
            SourceError,
            f"sqlite:///shop.db#query-{digest('SELECT 1 AS a, 2 AS b, 3 AS a')} names a column twice: 'a'; "
            "give each a name of its own with AS",
        ),
        (
            {"url": "sqlite:///shop.db", "query": "CREATE TEMP TABLE x (a)"},
            SourceError,
            f"sqlite:///shop.db#query-{digest('CREATE TEMP TABLE x (a)')}: the query answers with no rows; "
            "write one that begins with SELECT",
        ),
        (
            {"url": "sqlite:///shop.db", "table": "a..b"},
            ConfigError,
            'table = \'a..b\' is no name; write "orders", "shop.orders" or ["shop", "orders"]',
        ),
        (
            {"url": "shop.db", "table": "t"},
            ConfigError,
            "[sources.orders] needs a URL such as postgresql://host/database or sqlite:///shop.db",
        ),
        (
            {"url_env": "SHOP_DB", "table": "t"},
            ConfigError,
            "[sources.orders] url_env = 'SHOP_DB': the environment has no such variable. Set it, "
            "for example: export SHOP_DB=postgresql://user:password@host/database",
        ),
        (
            {"url": "postgresql://shop:hunter22@db/shop", "table": "t"},
            ConfigError,
            '[sources.orders] url holds a password. Write url_env = "SHOP_DB" instead and set SHOP_DB to the URL',
        ),
        (
            {"url": "sqlite:///shop.db", "table": "t", "format": "csv"},
            ConfigError,
            '[sources.orders] format = "csv" is of files; leave it out beside url',
        ),
    ],
)
def test_what_cannot_be_asked(tmp_path, asked, error, message):
    sqlite(tmp_path, "CREATE TABLE t (x)")
    with pytest.raises(error) as raised:
        snapshot(sources(**asked), tmp_path, {})
    assert str(raised.value) == message.format(base=tmp_path)


SECRETS = ["hunter22", "hunter 22", "p@ss:w/rd", "pass%word", "a]b[c", "x" * 40, "ünïcode", "#?&=", "%zz"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "url",
    ["postgresql://shop:{}@127.0.0.1:1/shop", "postgres://shop:{}@[bad/shop", "postgresql://h:notaport/x?password={}"],
)
def test_a_password_is_in_no_message(tmp_path, postgres, url, secret):
    """Also where the URL is badly written and the driver repeats a part of it."""
    with pytest.raises(SourceError) as error:
        snapshot(sources(url_env="SHOP_DB", table="t"), tmp_path, {"SHOP_DB": url.format(secret)})
    assert str(error.value).startswith("SHOP_DB#t cannot be read: ")
    assert error.value.__cause__ is None
    assert not [part for part in [secret, *secrets_of(url.format(secret))] if part in str(error.value)]


def test_a_wrong_password_is_in_no_message_and_none_is_written(tmp_path, shop):
    """Neither into the copy nor its listing nor the names of the inputs."""
    wrong = shop["SHOP_DB"].replace("s3cret", "s4cret")
    with pytest.raises(SourceError, match="password authentication failed") as error:
        snapshot(sources(url_env="SHOP_DB", query="SELECT 1 AS x"), tmp_path, {"SHOP_DB": wrong})
    assert "s4cret" not in str(error.value)
    given = fetched(sources(url_env="SHOP_DB", query="SELECT 1 AS x"), tmp_path, tmp_path / "state", shop)
    written = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    said = [repr(given).encode(), repr(fingerprint(given, tmp_path)).encode()]
    assert not [text for text in written + said if b"s3cret" in text]


def test_a_password_in_a_configuration_is_not_repeated():
    with pytest.raises(ConfigError) as error:
        parse(Sources, {"orders": "postgresql://shop:hunter22@db/shop"}, "x")
    assert "***@db/shop" in str(error.value)
    assert "hunter22" not in str(error.value)
    with pytest.raises(ConfigError) as error:
        sources(url="postgresql://shop:hunter22@db/shop")
    assert "hunter22" not in str(error.value)
    assert "hunter22" not in repr(sources(url="postgresql://shop:hunter22@db/shop", table="t"))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "give exactly one of path, url and url_env"),
        ({"path": "x", "url": "y"}, "give exactly one of path, url and url_env"),
        ({"url": "y"}, "a database is read by url or url_env with either table or query, a path with neither"),
        (
            {"path": "x", "table": "t"},
            "a database is read by url or url_env with either table or query, a path with neither",
        ),
    ],
)
def test_where_the_rows_come_from_is_said_once(settings, fault):
    with pytest.raises(ConfigError) as error:
        sources(**settings)
    assert str(error.value) == f"x cannot be used:\n  orders: {fault}"


def test_without_the_driver_of_postgres(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(MissingExtra) as error:
        snapshot(sources(url="postgresql://db/shop", table="t"), tmp_path, {})
    assert str(error.value) == 'reading from PostgreSQL needs its driver; run: pip install "winback[sql]"'


def test_copying_waits_for_no_run(tmp_path):
    sqlite(tmp_path, "CREATE TABLE t (x)")
    given = sources(url="sqlite:///shop.db", table="t")
    with project_lock(tmp_path / "state"), pytest.raises(RunInProgress):
        fetched(given, tmp_path, tmp_path / "state", {})
    local = sources(path="x.csv")
    with project_lock(tmp_path / "state"):
        assert fetched(local, tmp_path, tmp_path / "state", {}) is local
