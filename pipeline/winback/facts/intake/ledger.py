"""What an ingest was made from, so that a later one can go on from it, and its tables written beside the old ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from winback import runs, store
from winback.config import Source
from winback.facts.intake import row_keys, tables
from winback.facts.intake.accounting import Accounting
from winback.facts.intake.contracts import IDS
from winback.facts.intake.erased import Refuses
from winback.facts.intake.sources import named_files

LEDGER = "ingest.json"
MOST_FILES = 30  # of one table; more are put together into one


@dataclass(frozen=True)
class Since:
    """When and where an ingest is made, and the folder of earlier ones it may go on from (None: none).

    `zone`, `received_at`, `currency`: as `ingest` takes them. `inputs`: the SHA-256 of every input
    file by name. `refuses`: tells whose rows are not taken in, as they were erased (None: nobody's).
    """

    zone: str
    received_at: datetime
    currency: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None
    refuses: Refuses | None = None

    def keeps_keys(self, source: Source) -> bool:
        """Whether files can be added to a source later, so that hashes of its rows are worth keeping."""
        return self.home is not None and source.path not in self.inputs


@dataclass(frozen=True)
class Earlier:
    """A source as an earlier ingest has it, and the names of the files that were added since."""

    folder: Path
    accounting: Accounting
    refused: pa.Table
    added: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """A source taken in: `con` holds the relations of new rows (None: there are none), `earlier` the old ones."""

    table: str
    accounting: Accounting
    refused: pa.Table
    con: store.Connection | None
    earlier: Earlier | None


def usable(table: str, source: Source, base: Path, since: Since) -> Earlier | None:
    """The newest earlier ingest whose files of this source are all there as they were, under the same settings."""
    if since.home is None:
        return None
    inputs = _inputs(source, base, since)
    found = []
    for path in sorted(since.home.glob(f"*/{LEDGER}")):
        done = store.read_json(path)
        entry = done["sources"].get(table)
        if entry and _fits(entry, done, path.parent, (_settings(table, source, since), inputs, since)):
            found.append((done["received_at"], len(entry["inputs"]), path.parent, entry))
    if not found:
        return None
    _, _, folder, entry = max(found, key=lambda each: each[:3])
    names = named_files(source.path, base)
    return Earlier(
        folder,
        Accounting(**entry["accounting"]),
        _refused(folder, table),
        tuple(name for name in names if name not in entry["inputs"]),
    )


def _fits(
    entry: Mapping[str, Any],
    done: Mapping[str, Any],
    folder: Path,
    asked: tuple[str, Mapping[str, str], Since],
) -> bool:
    """Whether one can go on from an entry: settings and files as they were, no row of it due, nothing damaged."""
    settings, inputs, since = asked
    due = entry["accounting"]["next_future"]
    return (
        entry["settings"] == settings
        and entry["inputs"].items() <= inputs.items()
        and (entry["keyed"] or entry["inputs"] == inputs)
        and datetime.fromisoformat(done["received_at"]) <= since.received_at
        and (due is None or datetime.fromisoformat(due) > since.received_at)
        and all(_size(folder / name) == size for name, size in entry["files"].items())
    )


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _inputs(source: Source, base: Path, since: Since) -> dict[str, str]:
    """The hashes of the files that one source is read from."""
    return {name: since.inputs[name] for name in named_files(source.path, base)}


def _settings(table: str, source: Source, since: Since) -> str:
    """All but the files themselves that decides about what a source becomes: its lookups' content too."""
    told = {name: value for name, value in asdict(source).items() if name not in ("path", "url", "max_bad_share")}
    made_by = [table, told, since.zone, since.currency, _beside(source, since.inputs), runs.versions()]
    return hashlib.sha256(json.dumps(made_by, default=str).encode()).hexdigest()


def _beside(source: Source, inputs: Mapping[str, str]) -> list[str]:
    """The hashes of a source's lookups and mended rows; for a pattern those of all that it could mean."""
    named = [*(lookup.path for lookup in source.lookups), *source.mended]
    return [inputs.get(name) or json.dumps(sorted(inputs.items())) for name in named]


def _refused(folder: Path, table: str) -> pa.Table:
    """A source's rows in the quarantine of an earlier ingest."""
    rows = store.read_table(folder / "quarantine.parquet")
    return rows.filter(pc.is_in(rows["table"], pa.array([table, f"{table} lookup"])))


def void(out: Path) -> None:
    """Nothing goes on from `out` until it is written anew."""
    (out / LEDGER).unlink(missing_ok=True)


def write(out: Path, base: Path, given: Mapping[str, Source], taken: Sequence[Taken], since: Since) -> None:
    """Write the tables of all sources; what an earlier ingest left in `out` and is not given any more goes."""
    entries = {each.table: _written(out, base, given[each.table], each, since) for each in taken}
    wanted = {"quarantine.parquet", *(name for entry in entries.values() for name in entry["files"])}
    for path in (*out.glob("*.parquet"), *(out / "keys").glob("*.npy")):
        if path.relative_to(out).as_posix() not in wanted:
            path.unlink()
    if since.home is not None:
        store.write_json(out / LEDGER, {"received_at": since.received_at.isoformat(), "sources": entries})


def _written(out: Path, base: Path, source: Source, taken: Taken, since: Since) -> dict[str, Any]:
    """Write one source's tables, and what its next ingest has to know."""
    paths = [*_write_tables(out, source, taken), *(_write_keys(out, taken) if since.keeps_keys(source) else [])]
    if since.home is None:
        return {"files": [path.relative_to(out).as_posix() for path in paths]}
    return {
        "settings": _settings(taken.table, source, since),
        "inputs": _inputs(source, base, since),
        "accounting": asdict(taken.accounting),
        "keyed": since.keeps_keys(source),
        "files": {path.relative_to(out).as_posix(): path.stat().st_size for path in paths},
    }


def _write_tables(out: Path, source: Source, taken: Taken) -> list[Path]:
    paths: list[Path] = []
    for table, relation in tables.written_of(taken.table, source.columns).items():
        old = _linked(out, store.table_files(taken.earlier.folder, table)) if taken.earlier else []
        rows = tables.final(taken.con, table, relation) if taken.con else None
        if rows is not None and (rows.num_rows or not old):
            old.append(out / (f"{table}.{_number(old[-1]) + 1}.parquet" if old else f"{table}.parquet"))
            store.write_table(old[-1], rows, together="customer_id")
        paths += _one_table(out, table, old) if len(old) > MOST_FILES else old
    return paths


def _one_table(out: Path, table: str, files: Sequence[Path]) -> list[Path]:
    """Many files of a table as one: its first file is replaced last, and the others are given up."""
    rows = pa.concat_tables([store.read_table(path) for path in files])
    rows = rows.sort_by([(name, "ascending") for name in tables.sorting(table)])
    store.write_table(out / f"{table}.parquet", rows.combine_chunks(), together="customer_id")
    return [out / f"{table}.parquet"]


def _write_keys(out: Path, taken: Taken) -> list[Path]:
    """The hashes of the new rows and ids beside those of the old ones."""
    paths = []
    for what, relation, key in _keyed(taken.table):
        old = _linked(out, row_keys.files_of(taken.earlier.folder, taken.table, what)) if taken.earlier else []
        if taken.con is not None and _has(taken.con, relation, key):
            keys = row_keys.read(taken.con, relation, key)
            old.append(row_keys.path_of(out, taken.table, what, _number(old[-1]) + 1 if old else 0))
            row_keys.write(old[-1], keys)
        if len(old) > MOST_FILES:
            row_keys.write(old[0], row_keys.merged(old))
            old = old[:1]
        paths += old
    return paths


def _number(path: Path) -> int:
    """Which load a file is of: 0 for the first, which bears no number where it is a table's."""
    number = path.name.split(".")[-2]
    return int(number) if number.isdigit() else 0


def _keyed(table: str) -> list[tuple[str, str, str]]:
    """Which hashes a source keeps, of which relation and column."""
    keyed = [(row_keys.ROWS, f"{table}_accepted", "row_key")]
    if table == "orders":
        return [*keyed, (row_keys.IDS, "orders_parts", "md5_number(order_id)")]
    if table in IDS:
        relation = f"(FROM {table}_accepted WHERE {IDS[table]} IS NOT NULL)"
        return [*keyed, (row_keys.IDS, relation, f"md5_number({IDS[table]})")]
    return keyed


def _has(con: store.Connection, relation: str, key: str) -> bool:
    """Whether a relation has the column; rows of which each one counts have no key."""
    return key != "row_key" or key in con.sql(f"FROM {relation} LIMIT 0").columns


def _linked(out: Path, files: Sequence[Path]) -> list[Path]:
    """The same files in `out`, without copying them where the file system can."""
    found = []
    for path in files:
        target = out / path.relative_to(path.parents[1 if path.parent.name == "keys" else 0])
        if target != path:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)
        found.append(target)
    return found
