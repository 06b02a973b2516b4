"""A person erased from all that we own; what stays is a keyed hash, by which the same person is refused for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from winback import runs, store
from winback.consent import erased_tables, erased_texts, restamp
from winback.consent.kept import erased_among, suppress
from winback.consent.keyed import key_of, keyed
from winback.consent.ledger import ERASED, Ledger
from winback.consent.marks import Marks, marks_of
from winback.errors import ErasureIncomplete
from winback.facts.intake.snapshots import FOLDER as SNAPSHOTS

JOURNAL = "erasing.json"
RECEIPTS = "receipts"
_IMAGES = (".png", ".npy", ".skops", ".pdf")  # pictures, numbers and trees: no id is ever written into one
_DATABASES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class Owned:
    """The folders that are ours: of the state, of the runs, and others such as that of exports."""

    state: Path
    runs: Path
    ledger: Ledger
    others: tuple[Path, ...] = ()


def forget(
    owned: Owned,
    customer_ids: Sequence[str],
    when: datetime,
    reason: str = "",
    known_as: Collection[str] = (),
    outside: Sequence[str] = (),
) -> dict[str, Any]:
    """The receipt of an erasure: people (keyed hashes), files (what was done where), left, outside.

    `known_as`: addresses of theirs beside those that are found. `outside`: places that we cannot reach, in words.
    Takes the project's lock. Killed half-way, it is finished by being called again. ErasureIncomplete where something
    of them is left; the receipt is written all the same.
    """
    with runs.project_lock(owned.state):
        for place in (owned.state, owned.runs):
            runs.sweep(place)
        ids = sorted(set(customer_ids))
        suppress(owned.ledger, ids, "", reason, when, ERASED)
        marks = _known(owned, _begun(owned, marks_of(ids).with_more(known_as)))
        done = _erased(owned, marks)
        left = sorted(_shown(owned, path) for path in _files(owned) if _holds(path, marks))
        people = keyed(key_of(owned.ledger.keys, make=False), ids)
        receipt = {"people": people, "erased_at": when.isoformat(), "reason": reason, "files": done, "left": left}
        receipt["outside"] = [*outside, *_delivered(owned, done)]
        _keep(owned, receipt)
    if left:
        raise ErasureIncomplete(
            f"{len(left)} files still hold something of the people erased: {', '.join(left[:5])}. They are of a kind "
            "that winback does not write; look into them, remove them, and run again."
        )
    return receipt


def _files(owned: Owned) -> Iterator[Path]:
    """Every file that is ours, by name, but the ledger with its key: they hold keyed hashes alone."""
    kept = {owned.ledger.folder.resolve(), owned.ledger.keys.resolve()}
    seen: set[Path] = set()
    for root in (owned.state, owned.runs, *owned.others):
        for path in sorted(root.rglob("*")):
            real = path.resolve()
            if (
                path.name != JOURNAL
                and path.is_file()
                and not path.is_symlink()
                and real not in seen
                and kept.isdisjoint(real.parents)
            ):
                seen.add(real)
                yield path


def _begun(owned: Owned, marks: Marks) -> Marks:
    """These people, and those of an erasure that was killed: what told of them may be erased in part."""
    journal = owned.state / JOURNAL
    told = store.read_json(journal) if journal.is_file() else {"ids": [], "telling": []}
    return Marks(marks.ids | set(told["ids"]), marks.telling | set(told["telling"]))


def _known(owned: Owned, marks: Marks) -> Marks:
    """The people with what their own rows tell: addresses, and hashes that were sent."""
    found: set[str] = set()
    for path in _files(owned):
        if path.suffix == ".parquet":
            found |= erased_tables.seen(path, marks)
        elif path.suffix == ".csv":
            found |= erased_texts.seen(path.name, path.read_text("utf-8", errors="replace"), marks)
    return marks.with_more(found)


def _erased(owned: Owned, marks: Marks) -> list[dict[str, Any]]:
    """One row a file: file, rows, how. Before anything is changed, what may be told again is written down."""
    held = [path for path in _files(owned) if _holds(path, marks)]
    journal = owned.state / JOURNAL
    folders: dict[str, list[str]] = store.read_json(journal)["folders"] if journal.is_file() else {}
    for folder in {_home(owned, path) for path in held} - {None}:
        folders.setdefault(str(folder), restamp.as_told(folder or owned.state))
    if held or folders:
        told = {"ids": sorted(marks.ids), "telling": sorted(marks.telling), "folders": folders}
        store.write_json(journal, told)
    done = [{"file": _shown(owned, path), **_erase(owned, path, marks)} for path in held]
    for name, whole in folders.items():
        if count := restamp.forget_keys(Path(name)):
            done.append({"file": _shown(owned, Path(name) / "keys"), "rows": count, "how": "hashes of rows removed"})
        restamp.restamp(Path(name), whole)
    journal.unlink(missing_ok=True)
    return done


def _home(owned: Owned, path: Path) -> Path | None:
    """The folder of the run or the ingest that a file is of."""
    for root in (owned.runs, owned.state / "facts"):
        if root in path.parents:
            folder = root / path.relative_to(root).parts[0]
            return folder if restamp.records_of(folder) else None
    return None


def _holds(path: Path, marks: Marks) -> bool:
    """Whether a file holds anything of these people."""
    if path.suffix == ".parquet":
        return erased_tables.rows_of(path, marks) > 0
    if path.suffix in _DATABASES:
        return erased_texts.texts_of(path, marks) > 0
    return path.suffix not in _IMAGES and erased_texts.places(path, marks) > 0


def _erase(owned: Owned, path: Path, marks: Marks) -> dict[str, Any]:
    """What was done to a file; a copy of what lies elsewhere is given up whole, as it is fetched again."""
    if owned.state / SNAPSHOTS in path.parents:
        path.unlink()
        return {"rows": None, "how": "copy of a source removed"}
    if path.suffix == ".parquet":
        return {"rows": erased_tables.erase(path, marks), "how": "rows removed"}
    if path.suffix in _DATABASES:
        return {"rows": erased_texts.edit_database(path, marks), "how": "texts overwritten"}
    return {"rows": erased_texts.edit(path, marks), "how": "lines or values removed"}


def _delivered(owned: Owned, done: list[dict[str, Any]]) -> list[str]:
    """Where the person was delivered to, as is kept of deliveries: <state>/exports/<destination>/<campaign>/..."""
    kept = f"{_shown(owned, owned.state)}/exports/"
    places = {tuple(row["file"].removeprefix(kept).split("/")[:-1]) for row in done if row["file"].startswith(kept)}
    return [f"delivered to {', campaign '.join(place)}: remove the person there" for place in sorted(places) if place]


def _shown(owned: Owned, path: Path) -> str:
    """A file's name as a receipt may tell it: from the folder that the state lies in."""
    root = owned.state.resolve().parent
    return path.resolve().relative_to(root).as_posix() if root in path.resolve().parents else path.as_posix()


def _keep(owned: Owned, receipt: dict[str, Any]) -> None:
    folder = owned.ledger.folder / RECEIPTS
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    number = 1 + len(list(folder.glob("*.json")))
    store.write_json(folder / f"{number:06}.json", receipt)


def restored(owned: Owned) -> list[str]:
    """The ids of people who were erased once and are in a table of ours again, as after a restore; sorted."""
    ids: set[str] = set()
    for path in _files(owned):
        if path.suffix == ".parquet":
            ids |= erased_tables.ids_in(path)
    return sorted(erased_among(owned.ledger, sorted(ids)))
