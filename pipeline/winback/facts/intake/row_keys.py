"""What accepted rows and their ids were, as hashes in sorted files that are looked into without being read.

A later ingest of added files asks them whether a new row was there before: the cost is that of the new
rows, however many the old ones are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from winback import store
from winback.facts.intake.contracts import CONTRACTS, Kind
from winback.facts.intake.raw_rows import Group
from winback.store import literal

Hashes = NDArray[np.uint64]
ROWS, IDS = "rows", "ids"


def of_values(table: str) -> str:
    """The key of a row by the contract's columns, as SQL."""
    return _hashed([(column.name, _text(column.name, column.kind)) for column in CONTRACTS[table]])


def of_columns(group: Group) -> str:
    """The key of a row by its file's own columns, as SQL; the order of the columns changes nothing."""
    own = sorted((name, f"CAST(c{i} AS VARCHAR)") for i, name in enumerate(group.names[: group.own]))
    return _hashed(own)


def _text(name: str, kind: Kind) -> str:
    return f"CAST({f'epoch_us({name})' if kind in ('moment', 'expiry') else name} AS VARCHAR)"


def _hashed(named: list[tuple[str, str]]) -> str:
    """128 bits of what the columns hold; each value with its name and length, so that no two rows run together."""
    parts = [f"{literal(name)} || length({text}) || ':' || {text}" for name, text in named]
    return f"md5_number(concat_ws('|', {', '.join(parts)}))"


def read(con: store.Connection, relation: str, key: str) -> Hashes:
    """Two rows of 64 bits: the lower and the upper half of each key of a relation, in the relation's order."""
    halves = f"CAST({key} & 18446744073709551615::UHUGEINT AS UBIGINT) AS low, CAST({key} >> 64 AS UBIGINT) AS high"
    found = con.sql(f"SELECT {halves} FROM {relation}").to_arrow_table()  # noqa: S608 - our own names
    return np.stack([found[half].to_numpy() for half in ("low", "high")])


def path_of(facts: Path, table: str, what: str, number: int) -> Path:
    """Where the hashes of one load of a source lie."""
    return facts / "keys" / f"{table}.{what}.{number}.npy"


def write(path: Path, keys: Hashes) -> None:
    """Write keys sorted by their lower halves, whole or not at all."""
    ordered = keys[:, np.argsort(keys[0], kind="stable")]
    with store.whole_file(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, ordered, allow_pickle=False)


def found_in(facts: Path, table: str, what: str, keys: Hashes) -> NDArray[np.bool_]:
    """Whether each key is in one of the files of a source."""
    there = np.zeros(keys.shape[1], dtype=bool)
    for path in files_of(facts, table, what):
        old = np.load(path, mmap_mode="r", allow_pickle=False)
        if old.shape[1]:
            at = np.minimum(np.searchsorted(old[0], keys[0]), old.shape[1] - 1)
            there |= (old[0][at] == keys[0]) & (old[1][at] == keys[1])
    return there


def files_of(facts: Path, table: str, what: str) -> list[Path]:
    """The files with hashes of a source, oldest first."""
    return sorted((facts / "keys").glob(f"{table}.{what}.*.npy"), key=lambda path: int(path.name.split(".")[-2]))


def merged(paths: list[Path]) -> Hashes:
    """The keys of several files."""
    return np.concatenate([np.load(path, allow_pickle=False) for path in paths], axis=1)
