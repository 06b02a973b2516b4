"""Runs and ingests whose files an erasure has changed: their records told again, so that they still verify."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from winback import store

INGEST = "ingest.json"
_STEPS = "steps"


def records_of(folder: Path) -> list[Path]:
    """The files in which a folder of a run or an ingest tells what its files were."""
    return [*sorted((folder / _STEPS).glob("*.json")), *(p for p in (folder / "manifest.json",) if p.is_file())]


def as_told(folder: Path) -> list[str]:
    """What of a folder is as its records have it, and may be told again: files, and steps as the steps before."""
    found = {
        name for path in records_of(folder) for name, stamp in _files(path).items() if _stamp(folder / name) == stamp
    }
    for path in (folder / _STEPS).glob("*.json"):
        read = store.read_json(path)["made_from"]["steps"]
        found |= {_link(path.stem, other) for other, sha256 in read.items() if _sha256(folder, other) == sha256}
    return sorted(found)


def _link(step: str, other: str) -> str:
    return f"{step} after {other}"


def _sha256(folder: Path, step: str) -> str:
    path = folder / _STEPS / f"{step}.json"
    return store.sha256(path) if path.is_file() else ""


def _files(path: Path) -> dict[str, Any]:
    record = store.read_json(path)
    return dict(record.get("files", {})) if isinstance(record, dict) else {}


def _stamp(path: Path) -> dict[str, Any] | None:
    """The size and SHA-256 of a file, as records have them."""
    return {"bytes": path.stat().st_size, "sha256": store.sha256(path)} if path.is_file() else None


def forget_keys(folder: Path) -> int:
    """How many files of row hashes an ingest has no more: the next one reads its sources in full.

    They hold hashes of whole rows and of ids, in which single people cannot be found.
    """
    if not (folder / INGEST).is_file():
        return 0
    paths = sorted((folder / "keys").glob("*.npy"))
    told = store.read_json(folder / INGEST)
    for entry in told["sources"].values():
        names = [name for name in entry["files"] if not name.startswith("keys/")]
        entry["files"] = {name: (folder / name).stat().st_size for name in names if (folder / name).is_file()}
        entry["keyed"] = False
    store.write_json(folder / INGEST, told)
    for path in paths:
        path.unlink()
    return len(paths)


def restamp(folder: Path, whole: Collection[str]) -> None:
    """Tell a folder's records again for those of its files that were whole before; steps after the ones they read."""
    steps = sorted((folder / _STEPS).glob("*.json"))
    told = {path.stem: store.read_json(path) for path in steps}
    for record in told.values():
        record["files"] = _again(folder, record["files"], whole)
    for name in _in_order(told):
        read = told[name]["made_from"]["steps"]
        read.update({other: _sha256(folder, other) for other in read if _link(name, other) in whole})
        store.write_json(folder / _STEPS / f"{name}.json", told[name])
    if (folder / "manifest.json").is_file():
        manifest = store.read_json(folder / "manifest.json")
        store.write_json(folder / "manifest.json", {**manifest, "files": _again(folder, manifest["files"], whole)})


def _again(folder: Path, files: Mapping[str, Any], whole: Collection[str]) -> dict[str, Any]:
    """The stamps of the files that are still there, told anew where they were whole."""
    now = {name: _stamp(folder / name) for name in files}
    return {name: now[name] if name in whole else was for name, was in files.items() if now[name] or name not in whole}


def _in_order(told: Mapping[str, Any]) -> list[str]:
    """The steps, each after those it reads."""
    done: list[str] = []
    while len(done) < len(told):
        ready = [n for n, r in told.items() if n not in done and set(r["made_from"]["steps"]) & set(told) <= set(done)]
        if not ready:
            raise AssertionError(f"steps that read each other: {sorted(set(told) - set(done))}")
        done += ready
    return done
