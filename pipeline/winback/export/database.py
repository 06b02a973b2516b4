"""A campaign's list as a table of a database: replaced in one transaction, and once for each run.

    <table>                   run_id, campaign and a column a field: the list as it is now
    winback_published_runs    run_id, campaign, list: which delivery the table holds, and all before it

Whoever loses the connection after the commit finds by the second table that all is done.
"""

# Names in these statements are checked by the settings and quoted by store.identifier; values are parameters.
# ruff: noqa: S608

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from winback.destinations import Sql
from winback.errors import ConfigError, ExportFailed, MissingExtra
from winback.store import identifier

RUNS = "winback_published_runs"
TRIES = 3
_KEYS = ("run_id", "campaign")
_LOCK = 7_710_551_102  # any number, as long as nobody else takes it for a lock of theirs


@dataclass(frozen=True)
class Listing:
    """What a table is to hold: `rows` of a campaign by a run; `delivery` names exactly these rows."""

    run_id: str
    campaign: str
    delivery: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class _Target:
    """A database and the table in it."""

    url: str = field(repr=False)  # may hold a password
    base: Path
    table: tuple[str, ...]

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; SQLite else."""
        return self.url.startswith("postgresql://")

    def mark(self, number: int) -> str:
        """How the database writes the place of a parameter."""
        return f"${number}" if self.is_postgres else "?"

    def name(self, table: str = "") -> str:
        """The table as SQL, or another one beside it."""
        parts = (*self.table[:-1], table) if table else self.table
        return ".".join(map(identifier, parts))


def publish(settings: Sql, base: Path, listing: Listing) -> bool:
    """Make the table hold the listing, and whether it had to be changed; ExportFailed where it cannot be.

    All that the table had of the campaign is replaced. After a fault it is tried again: what was committed is found.
    """
    target = _target(settings, base)
    return _tried(settings, target, lambda con: _replaced(con, target, listing))


def take_off(settings: Sql, base: Path, campaign: str, customer_ids: Iterable[str]) -> bool:
    """Take customers out of what the table has of a campaign."""
    target = _target(settings, base)
    asked = [(campaign, each) for each in sorted(set(customer_ids))]

    def deleted(con: Any) -> bool:
        with closing(con.cursor()) as cursor:
            _alone(cursor, target)
            where = f"campaign = {target.mark(1)} AND customer_id = {target.mark(2)}"
            cursor.executemany(f"DELETE FROM {target.name()} WHERE {where}", asked)
        con.commit()
        return True

    return _tried(settings, target, deleted)


def _tried(settings: Sql, target: _Target, work: Callable[[Any], bool]) -> bool:
    """What `work` returns on a connection; a few new ones are tried when it fails."""
    for attempt in range(1, TRIES + 1):
        try:
            with _connected(target) as con:
                return work(con)
        except _faults(target) as error:
            if attempt == TRIES:
                raise ExportFailed(_told(settings, error)) from None
    raise AssertionError("TRIES is at least 1")


def _told(settings: Sql, error: Exception) -> str:
    """A fault without what the database said, which may repeat a password or a customer."""
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or "no code"
    return (
        f"table {settings.table!r} did not take the list in {TRIES} tries ({type(error).__name__}, {code}); it is as "
        "it was. Look whether the database is up and the account may create and write tables; if [destinations.sql] "
        "columns were changed, name another table."
    )


def _target(settings: Sql, base: Path) -> _Target:
    if (settings.url is None) == (settings.url_env is None):
        raise ConfigError("[destinations.sql] needs exactly one of url and url_env; set it to export to a database")
    url = settings.url if settings.url is not None else os.environ.get(str(settings.url_env), "")
    if not url:
        raise ConfigError(f"[destinations.sql] url_env: the environment variable {settings.url_env!r} is not set")
    url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url, flags=re.IGNORECASE)
    if not url.startswith(("postgresql://", "sqlite:///")):
        raise ConfigError("[destinations.sql] url must begin with postgresql:// or sqlite:///")
    return _Target(url, base, tuple(settings.table.split(".")))


def _faults(target: _Target) -> tuple[type[Exception], ...]:
    if not target.is_postgres:
        return (sqlite3.Error,)
    try:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra('writing to PostgreSQL needs its driver; run: pip install "winback[sql]"') from error
    return (dbapi.Error,)


@contextmanager
def _connected(target: _Target) -> Iterator[Any]:
    """A connection in a transaction of its own, undone unless it is committed."""
    if target.is_postgres:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415

        with dbapi.connect(target.url) as con:
            yield con
        return
    before = os.umask(0o077)
    try:
        path = target.base / target.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as con:
            yield con
    finally:
        os.umask(before)


def _replaced(con: Any, target: _Target, listing: Listing) -> bool:
    """The whole in one transaction."""
    with closing(con.cursor()) as cursor:
        _alone(cursor, target)
        _made_tables(cursor, target, listing.rows)
        keys = f"run_id = {target.mark(1)} AND campaign = {target.mark(2)} AND list = {target.mark(3)}"
        asked = (listing.run_id, listing.campaign, listing.delivery)
        newest = f"SELECT max(number) FROM {target.name(RUNS)} WHERE campaign = {target.mark(4)}"
        cursor.execute(
            f"SELECT count(*) FROM {target.name(RUNS)} WHERE {keys} AND number = ({newest})", (*asked, listing.campaign)
        )
        if cursor.fetchone()[0]:
            con.rollback()
            return False
        cursor.execute(f"DELETE FROM {target.name()} WHERE campaign = {target.mark(1)}", (listing.campaign,))
        _insert(cursor, target, listing)
        number = f"(SELECT coalesce(max(number), 0) + 1 FROM {target.name(RUNS)})"
        marks = ", ".join(target.mark(place) for place in (1, 2, 3))
        cursor.execute(f"INSERT INTO {target.name(RUNS)} VALUES ({number}, {marks})", asked)
    con.commit()
    return True


def _alone(cursor: Any, target: _Target) -> None:
    """Wait until no other export writes here; the lock goes with the transaction."""
    if target.is_postgres:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        cursor.fetchall()
    else:
        cursor.execute("BEGIN IMMEDIATE")


def _made_tables(cursor: Any, target: _Target, rows: pd.DataFrame) -> None:
    """Make both tables where they are missing."""
    runs = "number BIGINT PRIMARY KEY, run_id TEXT NOT NULL, campaign TEXT NOT NULL, list TEXT NOT NULL"
    cursor.execute(f"CREATE TABLE IF NOT EXISTS {target.name(RUNS)} ({runs})")
    columns = [f"{identifier(str(name))} {_type(rows[name])}" for name in rows]
    keys = [f"{identifier(key)} TEXT NOT NULL" for key in _KEYS]
    unique = "PRIMARY KEY (campaign, customer_id)"
    cursor.execute(f"CREATE TABLE IF NOT EXISTS {target.name()} ({', '.join([*keys, *columns, unique])})")


def _type(column: pd.Series[Any]) -> str:
    return "DOUBLE PRECISION" if pd.api.types.is_numeric_dtype(column) else "TEXT"


def _insert(cursor: Any, target: _Target, listing: Listing) -> None:
    """Add the rows: PostgreSQL takes them in one COPY."""
    rows = listing.rows.reset_index(drop=True)
    rows.insert(0, "campaign", listing.campaign)
    rows.insert(0, "run_id", listing.run_id)
    if target.is_postgres:
        table = pa.Table.from_pandas(rows, schema=_schema(rows), preserve_index=False)
        schema = target.table[0] if len(target.table) > 1 else None
        cursor.adbc_ingest(target.table[-1], table, mode="append", db_schema_name=schema)
        return
    names = ", ".join(map(identifier, rows.columns))
    marks = ", ".join("?" for _ in rows.columns)
    cursor.executemany(f"INSERT INTO {target.name()} ({names}) VALUES ({marks})", _plain(rows))


def _schema(rows: pd.DataFrame) -> pa.Schema:
    return pa.schema([(name, pa.string() if _type(rows[name]) == "TEXT" else pa.float64()) for name in rows])


def _plain(rows: pd.DataFrame) -> Sequence[tuple[Any, ...]]:
    """Rows as Python's own values, None for what is missing."""
    columns = [[None if pd.isna(value) else value for value in rows[name].tolist()] for name in rows.columns]
    return list(zip(*columns, strict=True))
