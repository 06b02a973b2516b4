"""One run: its name, its lock, its steps, and the pointer that publishes it.

    runs/<run_id>/steps/<step>.json     what a finished step wrote, and what it was made from
    runs/<run_id>/manifest.json         written once every step verifies
    runs/current -> <run_id>            the one pointer; moved by one rename

Whatever dies at whatever moment, a reader finds the old list or the new one, and running again
ends with the same bytes. Writers hold `project_lock`; readers need no lock.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from winback import __version__, store
from winback.errors import ConfigError, RunDamaged, RunInProgress

LIBRARIES = ("duckdb", "mlflow-skinny", "numpy", "pandas", "pyarrow", "scikit-learn", "skops")
PRIVATE = 0o077  # files 0600 and directories 0700: every list here is personal data
TEMPORARY = re.compile(r"\..+\.\d+\.tmp")  # as store.whole_file and _point name them


def run_id(logical_date: dt.date, config_sha256: str, inputs: dict[str, str]) -> str:
    """The name of the run that these arguments ask for, such as "2017-12-31-3fa9c2d1e0b4".

    `inputs` are the SHA-256 of the sources by name. The same question to the same version of
    winback has the same name, so a repeated run finds what the first one did.
    """
    asked = [__version__, logical_date.isoformat(), config_sha256, sorted(inputs.items())]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    return f"{logical_date.isoformat()}-{digest[:12]}"


@contextmanager
def project_lock(state: Path) -> Iterator[None]:
    """Hold the project's one lock; RunInProgress at once when another process holds it.

    The kernel drops the lock when its holder ends, however it ends, so the text that a killed
    holder leaves behind blocks nobody. New files are readable by their owner alone meanwhile.
    """
    make_folder(state)
    before = os.umask(PRIVATE)
    try:
        with (state / "lock").open("a+", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunInProgress(_holder(state / "lock")) from error
            handle.truncate(0)
            handle.write(f"{os.getpid()}\n")
            handle.flush()
            yield
    finally:
        os.umask(before)


def make_folder(state: Path) -> None:
    """Make the folder, for its owner alone; ConfigError where a file stands in its way."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(path for path in (state, *state.parents) if os.path.lexists(path))
        raise ConfigError(
            f"the state folder {state} cannot be made: {file} is not a folder. Name another in [project] state."
        ) from error


def _holder(lock: Path) -> str:
    """The sentence that names who holds `lock`; its last change is when they took it."""
    since = dt.datetime.fromtimestamp(lock.stat().st_mtime, dt.UTC)
    pid = lock.read_text("utf-8").strip() or "unknown"
    return (
        f"another run (pid {pid}, since {since:%Y-%m-%d %H:%M:%S} UTC) holds {lock}. "
        "Wait until it has ended, then run again; nothing was changed."
    )


def sweep(folder: Path) -> list[Path]:
    """The temporaries below `folder` that killed runs left behind, now removed.

    Call it at the start of a run and under the lock: then nobody is writing, so each one is
    stale, even one that bears our own pid (in a container every run may have the same).
    """
    stale = []
    for place, folders, names in os.walk(folder):  # a link to a directory is among the directories
        found = [Path(place, name) for name in folders + names if TEMPORARY.fullmatch(name)]
        stale += [path for path in found if path.is_symlink() or not path.is_dir()]
    for path in stale:
        path.unlink(missing_ok=True)
    return sorted(stale)


def step(
    folder: Path,
    name: str,
    make: Callable[[], dict[str, Any]],
    files: Sequence[str],
    after: Sequence[str] = (),
    given: str = "",
) -> dict[str, Any]:
    """What `make` returned, now or in an earlier attempt whose files are all still as it wrote them.

    `make` writes `files` into `folder` through the store. `after` names the steps whose output it
    reads: when one of them was redone with another outcome, this one is redone too. `given` names
    what else it is made from that may change between two attempts, such as a model's SHA-256.
    """
    record = folder / "steps" / f"{name}.json"
    made_from = _made_from(folder, after, given)
    done = _read(record)
    if done and done["made_from"] == made_from and set(done["files"]) == set(files) and not _damage(folder, done):
        return dict(done["result"])
    result = make()
    store.write_json(record, {"made_from": made_from, "files": _stamps(folder, files), "result": result})
    return dict(store.read_json(record)["result"])


def _made_from(folder: Path, steps: Iterable[str], given: str) -> dict[str, Any]:
    """The SHA-256 of the records of `steps`, what is `given`, the versions: a change undoes a step."""
    records = {name: store.sha256(folder / "steps" / f"{name}.json") for name in sorted(steps)}
    return {"given": given, "steps": records, "versions": versions()}


def _stamps(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The size and SHA-256 of each file."""
    paths = {name: folder / name for name in sorted(names)}
    return {n: {"bytes": p.stat().st_size, "sha256": store.sha256(p)} for n, p in paths.items()}


def _read(path: Path) -> dict[str, Any]:
    """The record in `path`; empty when it is missing or is not one, which is to say: not done."""
    try:
        record = store.read_json(path)
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) and "files" in record else {}


def _damage(folder: Path, record: dict[str, Any]) -> str:
    """The first file that is not as `record` has it, in words; empty when all are."""
    for name, wanted in record["files"].items():
        path = folder / name
        if not path.is_file():
            return f"{path} is missing (expected {wanted['bytes']} bytes, SHA-256 {wanted['sha256']})"
        found = _stamps(folder, [name])[name]
        if found != wanted:
            return (
                f"{path} has {found['bytes']} bytes and SHA-256 {found['sha256']} "
                f"(expected {wanted['bytes']} bytes and {wanted['sha256']})"
            )
    return ""


def publish(runs: Path, run_id: str, manifest: dict[str, Any]) -> None:
    """Check the steps of `run_id`, write its manifest, and make it the current run.

    `manifest` brings what only the caller knows (logical date, inputs, config, row accounting);
    file hashes and versions are added here. Publishing the same run again changes nothing, and a
    run for an earlier date than the current one's is completed without taking its place. So is one whose manifest
    says `back_fill`, always: its list was never sent.
    """
    folder = runs / run_id
    records = {path.stem: _read(path) for path in sorted((folder / "steps").glob("*.json"))}
    if not records:
        raise RunDamaged(f"{folder} holds no finished step, so there is nothing to publish. {_again(run_id)}")
    for name, record in records.items():
        if fault := _fault(folder, name, record):
            raise RunDamaged(f"{fault}. {_again(run_id)}")
    files = {name: stamp for record in records.values() for name, stamp in record["files"].items()}
    whole = {**manifest, "run_id": run_id, "versions": versions(), "files": files}
    if not _is_written(folder / "manifest.json", whole):
        store.write_json(folder / "manifest.json", whole)
    if not manifest.get("back_fill") and not _is_superseded(runs, run_id):
        _point(runs, run_id)


def _fault(folder: Path, name: str, record: dict[str, Any]) -> str:
    """Why the step `name` cannot be published, in words; empty when it can."""
    if not record:
        return f"{folder / 'steps' / name}.json is unreadable"
    made_from = record["made_from"]
    if made_from != _made_from(folder, made_from["steps"], made_from["given"]):
        return f"step {name!r} of {folder} was made before a step it reads was redone, or by other versions"
    return _damage(folder, record)


def _is_written(path: Path, value: dict[str, Any]) -> bool:
    return bool(_read(path) == json.loads(json.dumps(value)))


def _is_superseded(runs: Path, run_id: str) -> bool:
    """Whether the current run is there and for a later date; a run's name starts with its date."""
    found = _pointed_at(runs)
    return found is not None and found[:10] > run_id[:10] and (runs / found).is_dir()


def _pointed_at(runs: Path) -> str | None:
    pointer = runs / "current"
    return str(pointer.readlink()) if pointer.is_symlink() else None


def _point(runs: Path, run_id: str) -> None:
    """Move `runs/current` to `run_id` by one rename."""
    store.sync_folder(runs)  # the directory's own name must be on disk before the pointer to it
    if _pointed_at(runs) == run_id:
        return
    temporary = runs / f".current.{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run_id)
    temporary.replace(runs / "current")
    store.sync_folder(runs)


@cache
def versions() -> dict[str, str]:
    """The versions of winback, Python and the libraries that make the numbers."""
    return {
        "winback": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }


def current(runs: Path) -> Path | None:
    """The directory of the published run, None before the first.

    Resolve it once and read every file below the answer: the pointer may move in between.
    """
    name = _pointed_at(runs)
    if name is None:
        return None
    if not (runs / name).is_dir():
        raise RunDamaged(f"{runs / 'current'} points at {runs / name}, which is gone. {_again(name)}")
    return runs / name


def verify(run_dir: Path) -> dict[str, Any]:
    """The manifest of a published run, after every file it lists was compared with its hash."""
    manifest = _read(run_dir / "manifest.json")
    if not manifest:
        raise RunDamaged(f"{run_dir / 'manifest.json'} is missing or unreadable. {_again(run_dir.name)}")
    if damage := _damage(run_dir, manifest):
        raise RunDamaged(f"{damage}. {_again(run_dir.name)}")
    return manifest


def _again(run_id: str) -> str:
    return f"Run again for {run_id[:10]}: what is damaged is made anew, the rest is kept."


def is_published(runs: Path, run_id: str) -> bool:
    """Whether there is nothing left to do for `run_id`: whole, and current, superseded or a back-fill."""
    try:
        manifest = verify(runs / run_id)
    except RunDamaged:
        return False
    return bool(manifest.get("back_fill")) or _pointed_at(runs) == run_id or _is_superseded(runs, run_id)
