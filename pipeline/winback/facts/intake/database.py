"""Rows of a database as batches of Arrow, read in one read-only transaction.

PostgreSQL is read by its ADBC driver, every other database by SQLAlchemy and the driver it names.
What a database says when it fails is passed on without the password; where it repeats a part of it,
not at all.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote

import pyarrow as pa

from winback import store
from winback.errors import ConfigError, MissingExtra, SourceError, SourceNotThere

ROWS_PER_BATCH = 50_000
# PostgreSQL's types whose values the driver hands over as they are. Money, for one, it makes whole cents.
_AS_THEY_ARE = {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "name", "date", "timestamp"}
_AS_TEXT = {"numeric", "bpchar", "uuid", "json", "jsonb"}
Change = Callable[[pa.Array], pa.Array]
_KNOWN = _AS_THEY_ARE | _AS_TEXT | {"timestamptz"}


@dataclass(frozen=True)
class Ask:
    """What is read: the `statement` of the database at `url`; `name` says which without a secret in it."""

    url: str
    statement: Callable[[Callable[[str], str]], str]
    name: str


@contextmanager
def batches(ask: Ask, base: Path) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    """The columns of the answer and its rows in batches; relative paths of SQLite begin at `base`."""
    scheme = ask.url.partition("://")[0].partition("+")[0].lower()
    reader = _postgres if scheme in ("postgresql", "postgres") else _any_other
    with reader(ask, base) as found:
        yield found


@contextmanager
def _postgres(ask: Ask, base: Path) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    """By ADBC. Values keep their types; numeric becomes its digits, so that none is lost."""
    del base
    try:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra('reading from PostgreSQL needs its driver; run: pip install "winback[sql]"') from error
    url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", ask.url, flags=re.IGNORECASE)
    with _said_safely(ask, dbapi.Error), dbapi.connect(url) as con, con.cursor() as cursor:
        # The same rows in the same order however the server would like to share out its work.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(ask.statement(store.identifier))
        reader = cursor.fetch_record_batch()
        schema, changes = _plain(reader.schema, ask.name)
        yield schema, (_as_plain(batch, schema, changes) for batch in reader)


def _plain(schema: pa.Schema, name: str) -> tuple[pa.Schema, list[Change]]:
    """The schema with only types that a contract can read, and how each column gets there."""
    fields: list[pa.Field] = []
    changes: list[Change] = []
    for column in schema:
        kind = (column.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
        plain = pa.string() if kind in _AS_TEXT else column.type
        if kind not in _KNOWN and not pa.types.is_string(column.type):
            raise SourceError(
                f"{name}: column {column.name!r} is of the type {kind or column.type}, which no table can hold; "
                f"read it with a query that leaves it out or turns it into text, such as CAST({column.name} AS text)"
            )
        fields.append(pa.field(column.name, plain))
        changes.append(_to_uuid_text if kind == "uuid" else _storage)
    return pa.schema(fields), changes


def _storage(values: pa.Array) -> pa.Array:
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def _to_uuid_text(values: pa.Array) -> pa.Array:
    raw = _storage(values).to_pylist()
    return pa.array([None if value is None else str(uuid.UUID(bytes=value)) for value in raw], pa.string())


def _as_plain(batch: pa.RecordBatch, schema: pa.Schema, changes: Sequence[Change]) -> Any:
    columns = [change(column) for change, column in zip(changes, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def _any_other(ask: Ask, base: Path) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    """By SQLAlchemy. Every value becomes text as a file would hold it, since a column may mix types."""
    import sqlalchemy as sa  # noqa: PLC0415

    with _said_safely(ask, (sa.exc.SQLAlchemyError, ImportError)):
        engine = _engine(ask, base)
        try:
            with engine.connect() as con:
                options = {"stream_results": True, "no_parameters": True}
                quoted = engine.dialect.identifier_preparer.quote_identifier
                answer = con.execution_options(**options).exec_driver_sql(ask.statement(quoted))
                if not answer.returns_rows:
                    raise SourceError(f"{ask.name}: the query answers with no rows; write one that begins with SELECT")
                names = list(answer.keys())
                schema = pa.schema([pa.field(name, pa.string()) for name in names])
                yield schema, _as_text(answer, schema, ask.name)
        finally:
            engine.dispose()


def _engine(ask: Ask, base: Path) -> Any:
    """An engine for the database; a file of SQLite must be there and is opened for reading only."""
    import sqlalchemy as sa  # noqa: PLC0415

    url = sa.make_url(ask.url)
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url)
    path = base / (url.database or "")
    if not path.is_file():
        raise SourceNotThere(
            f"{ask.name}: there is no file {path}. A path is relative to the configuration file, "
            "sqlite:///shop.db; an absolute one has four slashes, sqlite:////data/shop.db"
        )
    place = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(place, uri=True))


def _as_text(answer: Any, schema: pa.Schema, name: str) -> Iterator[pa.RecordBatch]:
    while rows := answer.fetchmany(ROWS_PER_BATCH):
        columns = [
            _text_column(values, name, field.name)
            for field, values in zip(schema, zip(*rows, strict=True), strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _text_column(values: Sequence[Any], name: str, column: str) -> pa.Array:
    """Values as text; those of one plain type all at once."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pa.array(values, pa.string())
    return pa.array([_text(value, name, column) for value in values], pa.string())


def _text(value: Any, name: str, column: str) -> str | None:
    """A value as a file of text would hold it, with every digit it has."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, int | float | decimal.Decimal | uuid.UUID):
        return repr(value) if isinstance(value, float) else str(value)
    raise SourceError(
        f"{name}: column {column!r} holds {type(value).__name__}, which no table can hold; read it with a query that "
        f"leaves it out or turns it into text"
    )


@contextmanager
def _said_safely(ask: Ask, faults: Any) -> Iterator[None]:
    """A fault of the database as a SourceError; the original is not kept, as it may hold the password."""
    try:
        yield
    except faults as error:
        _raise(ask, str(error))


def _raise(ask: Ask, said: str) -> NoReturn:
    words = " ".join(line.strip() for line in re.split(r"Query was:|\(Background", said, maxsplit=1)[0].splitlines())
    if any(secret in words for secret in secrets_of(ask.url)):
        words = "what it says is left out, as it repeats a part of the URL that is secret"
    raise SourceNotThere(
        f"{ask.name} cannot be read: {words.strip()[:500]}. "
        "Look whether the database is up, and whether user, table or query are as it knows them"
    ) from None


def secrets_of(url: str) -> list[str]:
    """The parts of a URL that must not be shown: all that may belong to a password, also of one badly written."""
    rest = url.partition("://")[2]
    account, at, _ = rest.rpartition("@")
    parts = [account.partition(":")[2]] if at else []
    parts += re.findall(r"(?i)(?:password|passwd|pwd|secret|token|sig|key|sas)[^=&]*=([^&]*)", url)
    whole = [text for part in parts for text in (part, unquote(part))]
    pieces = [piece for text in whole for piece in re.split(r"[^\w]+", text) if len(piece) > 2]
    return [text for text in [*whole, *pieces] if text]


def table_statement(table: str | tuple[str, ...]) -> Callable[[Callable[[str], str]], str]:
    """SELECT of all columns of a table; dots part a schema from it unless the parts are given one by one."""
    parts = table.split(".") if isinstance(table, str) else table
    if not parts or not all(parts):
        raise ConfigError(f'table = {table!r} is no name; write "orders", "shop.orders" or ["shop", "orders"]')
    return lambda quoted: f"SELECT * FROM {'.'.join(map(quoted, parts))}"  # noqa: S608
