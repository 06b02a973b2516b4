"""Everybody who ever said no, kept where no restore of runs, models or tables brings them back.

    <suppressions>/000001.parquet, 000002.parquet, ...   what was added, each file naming the SHA-256 of the one before
    <suppressions>/head.json and <keys>/head.json        how far it has grown, told twice

Rows are only ever added. They name people by keyed hashes, so that the ledger can outlive an erasure.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from winback import runs, store
from winback.consent.keyed import key_of, keyed
from winback.errors import LedgerDamaged
from winback.limits import Consent

SUPPRESSED, ERASED = "suppressed", "erased"
_MOMENT = pa.timestamp("us", "UTC")
_MOMENTS, _TEXTS = ("recorded_at", "added_at"), ("person", "kind", "channel", "purpose", "reason")
_SCHEMA = pa.schema([*((name, pa.string()) for name in _TEXTS), *((name, _MOMENT) for name in _MOMENTS)])
ONE_OF_A_KIND = ["person", "kind", "channel", "purpose", "recorded_at"]


@dataclass(frozen=True)
class Ledger:
    """Where a project's ledger and the key of its hashes lie."""

    folder: Path
    keys: Path


def ledger_of(base: Path, state: Path, settings: Consent) -> Ledger:
    """The project's ledger: paths of the configuration are relative to `base`; without one it lies in the state."""
    folder = base / settings.suppressions if settings.suppressions else state / "suppressions"
    return Ledger(folder, base / settings.keys if settings.keys else state / "keys")


def entries(ledger: Ledger) -> pd.DataFrame:
    """One row an entry, oldest first: person, kind, channel, purpose, reason, recorded_at, added_at.

    `kind`: suppressed, withdrawn (or objected), unknown or erased. LedgerDamaged where a file was changed, is missing,
    or fewer are there than there were.
    """
    tables = [store.read_table(path) for path in _checked(ledger)]
    rows: pd.DataFrame = pa.concat_tables([_SCHEMA.empty_table(), *tables]).replace_schema_metadata(None).to_pandas()
    return rows


def head(ledger: Ledger) -> dict[str, Any]:
    """How far the ledger has grown: files, and the SHA-256 of the last; for the manifests of runs."""
    files = _checked(ledger)
    return {"files": len(files), "sha256": store.sha256(files[-1]) if files else ""}


def add(ledger: Ledger, rows: pd.DataFrame, added_at: datetime) -> int:
    """How many of `rows` (customer_id, kind, channel, purpose, recorded_at, reason) were new, and are added now.

    A row is known where person, kind, channel, purpose and recorded_at are those of an entry.
    """
    if rows.empty:
        return 0
    with _held(ledger):
        there = entries(ledger)
        codes, people = pd.factorize(rows["customer_id"])
        persons = np.array(keyed(key_of(ledger.keys, make=there.empty), people), dtype=object)[codes]
        wanted = _typed(rows.assign(person=persons, added_at=added_at)).drop_duplicates(ONE_OF_A_KIND)
        known = wanted.merge(there[ONE_OF_A_KIND].drop_duplicates(), how="left", indicator="held")["held"] == "both"
        new = wanted[~known.to_numpy()]
        if len(new):
            _write(ledger, new)
        return len(new)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they are written and read again."""
    moments = {name: pd.to_datetime(rows[name], utc=True).dt.as_unit("us") for name in _MOMENTS}
    texts = {name: rows[name].astype("str") for name in _TEXTS}
    return pd.DataFrame({**texts, **moments}).reset_index(drop=True)


@contextmanager
def _held(ledger: Ledger) -> Iterator[None]:
    """Nobody else adds meanwhile; new files are for their owner alone. The kernel lets go when its holder ends."""
    ledger.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = os.umask(runs.PRIVATE)
    try:
        with (ledger.folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    finally:
        os.umask(before)


def _write(ledger: Ledger, rows: pd.DataFrame) -> None:
    files = _files(ledger)
    path = ledger.folder / f"{len(files) + 1:06}.parquet"
    previous = store.sha256(files[-1]) if files else ""
    proof = keyed(key_of(ledger.keys, make=False), [""])[0]
    ordered = rows.sort_values(ONE_OF_A_KIND, kind="stable")
    table = pa.Table.from_pandas(ordered, _SCHEMA, preserve_index=False)
    store.write_table(path, table.replace_schema_metadata({"previous": previous, "key": proof}))
    grown = {"files": len(files) + 1, "sha256": store.sha256(path)}
    for folder in (ledger.folder, ledger.keys):  # a file beyond what a head tells is one whose writer was killed here
        store.write_json(folder / "head.json", grown)


def _files(ledger: Ledger) -> list[Path]:
    return sorted(ledger.folder.glob("[0-9]*.parquet"))


def _checked(ledger: Ledger) -> list[Path]:
    """The files of the ledger, oldest first, after each was compared with what the next one and the heads tell."""
    files, previous = _files(ledger), ""
    if gaps := {f"{number:06}.parquet" for number in range(1, len(files) + 1)} - {path.name for path in files}:
        raise _damaged(ledger, f"{min(gaps)} is missing")
    hashes = [store.sha256(path) for path in files]
    for folder in (ledger.folder, ledger.keys):
        if (folder / "head.json").is_file():
            _compare(ledger, hashes, store.read_json(folder / "head.json"))
    proof = keyed(key_of(ledger.keys, make=False), [""])[0] if files else ""
    for path, sha256 in zip(files, hashes, strict=True):
        told = _told(path, ledger)
        if told.get(b"previous", b"?").decode() != previous:
            raise _damaged(ledger, f"{path.name} does not follow the file before it")
        if told.get(b"key", b"?").decode() != proof:
            raise _damaged(ledger, f"{path.name} was written with another key than that in {ledger.keys}")
        previous = sha256
    return files


def _told(path: Path, ledger: Ledger) -> dict[bytes, bytes]:
    """What a file says of itself."""
    try:
        return dict(store.read_table(path).schema.metadata or {})
    except (pa.ArrowException, OSError) as error:
        raise _damaged(ledger, f"{path.name} cannot be read") from error


def _compare(ledger: Ledger, hashes: list[str], grown: dict[str, Any]) -> None:
    files = grown["files"]
    if len(hashes) < files:
        raise _damaged(ledger, f"it had {files} files and has {len(hashes)}")
    if hashes[files - 1] != grown["sha256"]:
        raise _damaged(ledger, f"{files:06}.parquet was changed")


def _damaged(ledger: Ledger, fault: str) -> LedgerDamaged:
    return LedgerDamaged(
        f"the ledger of suppressions {ledger.folder} is not as it was written: {fault}. Whoever said no may be "
        "missing, so nobody is listed. Bring the folder back from its newest backup."
    )
