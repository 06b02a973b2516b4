"""What lies elsewhere, in a database or an object store, copied to a folder of ours and read from there.

A copy is named by the hash of what is in it, so equal content is one file and a later run cannot
change what an earlier one read. The rows of a database are put in order first: an equal answer has
an equal hash, whatever order the database gave it in.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from winback import runs, store
from winback.config import Source, Sources
from winback.errors import ConfigError, SourceError
from winback.facts.intake.database import Ask, batches, secrets_of, table_statement
from winback.facts.intake.object_store import chunks, is_uri, stored_files
from winback.facts.intake.sources import SNAPSHOT
from winback.facts.intake.text_lines import MAX_COLUMNS, repeated

FOLDER = "snapshots"
ROWS_PER_GROUP = 100_000


def fetched(sources: Sources, base: Path, state: Path, environment: Mapping[str, str] = os.environ) -> Sources:
    """The sources with all that lies elsewhere copied below `state` as it is now; local files stay as they are.

    Copying needs the project's lock, as nothing else may write there meanwhile.
    """
    given = sources.given()
    if not any(map(lies_elsewhere, given.values())):
        return sources
    with runs.project_lock(state):
        runs.sweep(state / FOLDER)
        return replace(sources, **copied(given, base, state, environment))


def copied(
    given: Mapping[str, Source], base: Path, state: Path, environment: Mapping[str, str] = os.environ
) -> dict[str, Source]:
    """As `fetched`, of some tables, for whoever holds the project's lock already."""
    where = (state / FOLDER, environment)
    return {table: _fetched(table, source, base, where) for table, source in given.items()}


def lies_elsewhere(source: Source) -> bool:
    """Whether a source, or a lookup of it, is in a database or an object store."""
    return not source.path or any(map(is_uri, (source.path, *(lookup.path for lookup in source.lookups))))


def _fetched(table: str, source: Source, base: Path, where: tuple[Path, Mapping[str, str]]) -> Source:
    folder, environment = where
    lookups = tuple(
        replace(lookup, path=_copied(lookup.path, folder)) if is_uri(lookup.path) else lookup
        for lookup in source.lookups
    )
    if is_uri(source.path):
        return replace(source, path=_copied(source.path, folder), lookups=lookups)
    if source.path:
        return replace(source, lookups=lookups) if lookups != source.lookups else source
    if source.format not in ("auto", "parquet"):
        raise ConfigError(f'[sources.{table}] format = "{source.format}" is of files; leave it out beside url')
    ask = _ask(table, source, environment)
    path = _listing(folder, {ask.name: _answer(ask, base, folder)})
    return replace(source, path=path, format="parquet", url=None, url_env=None, table=None, query=None, lookups=lookups)


def _ask(table: str, source: Source, environment: Mapping[str, str]) -> Ask:
    """What is asked of which database; its name holds neither user nor password."""
    url = source.url or ""
    if source.url_env is not None:
        if not (url := environment.get(source.url_env, "")):
            raise ConfigError(
                f"[sources.{table}] url_env = {source.url_env!r}: the environment has no such variable. Set it, "
                f"for example: export {source.url_env}=postgresql://user:password@host/database"
            )
    elif secrets_of(url):
        raise ConfigError(
            f'[sources.{table}] url holds a password. Write url_env = "SHOP_DB" instead and set SHOP_DB to the URL'
        )
    if "://" not in url:
        raise ConfigError(f"[sources.{table}] needs a URL such as postgresql://host/database or sqlite:///shop.db")
    place = source.url_env or url.rpartition("@")[2].partition("?")[0]
    if source.url_env is None and "://" not in place:
        place = f"{url.partition('://')[0]}://{place}"
    if source.query is not None:
        digest = hashlib.sha256(source.query.encode()).hexdigest()[:8]
        # A database may put the query between brackets, so it ends before its semicolon and with its comment.
        query = source.query.rstrip().rstrip(";") + "\n"
        return Ask(url, lambda _: query, f"{place}#query-{digest}")
    named = source.table or ""
    return Ask(url, table_statement(named), f"{place}#{named if isinstance(named, str) else '.'.join(named)}")


def _copied(uri: str, folder: Path) -> str:
    """The files of a URI copied to `folder`: the path of their listing."""
    held = {}
    for name, (files, path) in stored_files(uri).items():
        with _temporary(folder, "copy") as copy:
            digest = hashlib.sha256()
            with copy.open("wb") as handle:
                for chunk in chunks(files, path, name):
                    digest.update(chunk)
                    handle.write(chunk)
            held[name] = _keep(copy, folder, digest.hexdigest() + "".join(PurePosixPath(path).suffixes[-2:]))
    return _listing(folder, held)


def _answer(ask: Ask, base: Path, folder: Path) -> str:
    """The rows of a database, in order, as a Parquet file in `folder`: its name."""
    with _temporary(folder, "raw") as raw, _temporary(folder, "ordered") as ordered:
        with batches(ask, base) as (schema, parts):
            _refuse_columns(schema.names, ask.name)
            plain = _numbered(schema)
            with pq.ParquetWriter(raw, plain, compression="lz4") as writer:
                for part in parts:
                    writer.write_batch(pa.RecordBatch.from_arrays(part.columns, schema=plain))
        _order(raw, ordered, schema)
        return _keep(ordered, folder, f"{store.sha256(ordered)}.parquet")


def _refuse_columns(names: list[str], name: str) -> None:
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"{name} has {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    if twice := repeated([each.strip() for each in names]):
        raise SourceError(
            f"{name} names a column twice: {', '.join(map(repr, twice[:5]))}; give each a name of its own with AS"
        )


def _order(raw: Path, ordered: Path, schema: pa.Schema) -> None:
    """Write the rows sorted by all their columns, which takes disk where memory does not do."""
    con = store.connect()
    try:
        con.execute(f"SET temp_directory = {store.literal(str(raw.with_suffix('.spill')))}")
        rows = con.sql(f"SELECT * FROM read_parquet({store.literal(str(raw))}) ORDER BY ALL")  # noqa: S608
        with pq.ParquetWriter(ordered, schema, compression="zstd") as writer:
            for batch in rows.to_arrow_reader(ROWS_PER_GROUP):
                table = pa.Table.from_batches([batch]).cast(_numbered(schema))
                writer.write_table(table.rename_columns(schema.names))
    finally:
        con.close()


def _numbered(schema: pa.Schema) -> pa.Schema:
    """The schema with columns called c0, c1, ..., which no database can choose."""
    return pa.schema([pa.field(f"c{i}", field.type) for i, field in enumerate(schema)])


@contextmanager
def _temporary(folder: Path, name: str) -> Iterator[Path]:
    """A path for what is not whole yet, named as all that is swept up after a kill."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.{os.getpid()}.tmp"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _keep(file: Path, folder: Path, name: str) -> str:
    """Put a file among the copies under its name, whole or not at all."""
    if not (folder / name).exists():
        with store.whole_file(folder / name) as temporary:
            file.replace(temporary)
    return name


def _listing(folder: Path, names: Mapping[str, str]) -> str:
    """Write which copies stand for which names, and give the path to configure for them."""
    digest = hashlib.sha256(repr(sorted(names.items())).encode()).hexdigest()
    listing = folder / f"{digest[:16]}.json"
    store.write_json(listing, dict(names))
    return f"{SNAPSHOT}{listing.absolute()}"
