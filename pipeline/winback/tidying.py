"""What is older than a project keeps it, found and removed; docs/retention.md says what is never removed.

Days are counted back from the newest published date, so that nothing goes while nothing new comes. What is removed
is written down first (<state>/history/removed.jsonl). Of a folder the file goes first without which nobody reads it:
killed half-way, it is what an unfinished run or ingest would be, and goes with the next call.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winback import attempts, runs, store
from winback.facts.intake.ledger import LEDGER
from winback.facts.intake.snapshots import FOLDER as SNAPSHOTS
from winback.limits import Retention
from winback.risk.keeping import registry
from winback.risk.keeping.promotions import challenger, history, reigns

RUN = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
JUST_NOW = dt.timedelta(days=2)  # what a process may have fetched that did not come to its run yet


@dataclass(frozen=True)
class Owned:
    """The folders of a project, and the instant at which it is tidied."""

    state: Path
    runs: Path
    now: dt.datetime


@dataclass(frozen=True)
class Removal:
    """One thing to be removed: `kind` (run | unpublished run | report | facts | snapshot | model | message)."""

    kind: str
    path: Path
    why: str

    @property
    def bytes(self) -> int:
        """How much of the disk it takes; what other folders link to is counted here as well."""
        inside = self.path.rglob("*") if self.path.is_dir() else [self.path]
        return sum(path.lstat().st_size for path in inside if path.is_file())


def tidy(owned: Owned, keep: Retention) -> list[dict[str, Any]]:
    """What was removed, one row a thing: at, kind, path (from the state folder's parent), bytes, why.

    Takes the project's lock; safe to be killed and called again.
    """
    with runs.project_lock(owned.state):
        found = removable(owned, keep)
        rows = [told(owned, each) for each in found]
        if rows:
            attempts.write_down(owned.state, "removed", rows)
        for each in found:
            _remove(each.path)
    return rows


def told(owned: Owned, each: Removal) -> dict[str, Any]:
    """A removal as it is shown and written down."""
    root = owned.state.resolve().parent
    path = each.path.resolve()
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    at = owned.now.isoformat()
    return {"at": at, "kind": each.kind, "path": name, "bytes": each.bytes, "why": each.why}


def removable(owned: Owned, keep: Retention) -> list[Removal]:
    """What may go, in an order in which it can: nothing before the first published run."""
    published = {path.parent.name: path.parent for path in owned.runs.glob("*/manifest.json") if _is_run(path.parent)}
    if not published:
        return []
    newest = max(map(_day, published))
    kept, old = _divided(owned, keep, published, newest)
    facts = list(_facts(owned, keep, kept, newest))
    return [
        *old,
        *_unpublished(owned, keep, published, newest),
        *_reports(owned, old),
        *facts,
        *_snapshots(owned, [each.path for each in facts]),
        *_models(owned, keep, newest),
        *_messages(owned, keep),
    ]


def _is_run(folder: Path) -> bool:
    return RUN.fullmatch(folder.name) is not None and not folder.is_symlink()


def _day(run_id: str) -> dt.date:
    """The date that a run's name begins with."""
    return dt.date.fromisoformat(run_id[:10])


def _age(path: Path, newest: dt.date) -> int:
    return (newest - _day(path.name)).days


def _divided(
    owned: Owned, keep: Retention, published: dict[str, Path], newest: dt.date
) -> tuple[list[Path], list[Removal]]:
    """The published runs that stay, and those that go."""
    current, stay, go = runs.current(owned.runs), [], []
    for path in published.values():
        age = _age(path, newest)
        if path == current or age <= max(keep.keep_runs_days, _awaited(path) if age > keep.keep_runs_days else 0):
            stay.append(path)
        else:
            why = f"{age} days before the newest run; keep_runs_days = {keep.keep_runs_days}"
            go.append(Removal("run", path, why))
    return stay, go


def _awaited(folder: Path) -> int:
    """In how many days the outcomes of a run are known; 0 where its model cannot be read."""
    try:
        return int(store.read_json(folder / "model.json")["card"]["spec"]["horizon_days"])
    except (OSError, ValueError, KeyError):
        return 0


def _unpublished(owned: Owned, keep: Retention, published: dict[str, Path], newest: dt.date) -> Iterator[Removal]:
    """What refused and failed nights left."""
    for path in sorted(owned.runs.glob("*-*")):
        if _is_run(path) and path.is_dir() and path.name not in published:
            age = _age(path, newest)
            if age > keep.keep_unpublished_days:
                why = f"never published, {age} days before the newest run; keep_unpublished_days = "
                yield Removal("unpublished run", path, f"{why}{keep.keep_unpublished_days}")


def _reports(owned: Owned, old: Sequence[Removal]) -> Iterator[Removal]:
    """The pages of runs that go."""
    for each in old:
        for path in sorted(owned.runs.glob(f"report-{each.path.name}*.html")):
            yield Removal("report", path, f"of {each.path.name}, which goes")


def _facts(owned: Owned, keep: Retention, kept: Sequence[Path], newest: dt.date) -> Iterator[Removal]:
    """Ingested tables that no recent run was made from and that were received long enough ago.

    Without the second, a project that shares its state folder with another would lose what it goes on from.
    """
    current = runs.current(owned.runs)
    recent = [path for path in kept if path == current or _age(path, newest) <= keep.keep_facts_days]
    needed = {str(store.read_json(path / "manifest.json").get("facts")) for path in recent}
    since = owned.now - dt.timedelta(days=keep.keep_facts_days)
    for path in sorted((owned.state / "facts").glob("*")):
        if path.name not in needed and path.is_dir() and _received(path) < since:
            why = f"no run of the last days was made from them; keep_facts_days = {keep.keep_facts_days}"
            yield Removal("facts", path, why)


def _received(facts: Path) -> dt.datetime:
    """When the tables of a folder were received; of what is not whole, when it was last touched."""
    try:
        return dt.datetime.fromisoformat(store.read_json(facts / LEDGER)["received_at"])
    except (OSError, ValueError, KeyError):
        return _touched(facts)


def _snapshots(owned: Owned, gone: Sequence[Path]) -> Iterator[Removal]:
    """Copies of what lies elsewhere that no tables which stay were made from, and that were not just fetched."""
    folder = owned.state / SNAPSHOTS
    used = _inputs([path for path in (owned.state / "facts").glob("*") if path not in gone])
    fresh = {path.name for path in folder.glob("[!.]*") if _touched(path) > owned.now - JUST_NOW}
    listings = {path: set(store.read_json(path).values()) for path in folder.glob("[!.]*.json")}
    stay = {path for path, files in listings.items() if path.name in fresh or _hashes(files) <= used}
    named = {name for path in stay for name in listings[path]} | fresh | {path.name for path in stay}
    for path in sorted(folder.glob("[!.]*")):
        if path.name not in named:
            yield Removal("snapshot", path, "a copy that no ingested tables which stay were made from")


def _inputs(facts: Sequence[Path]) -> set[str]:
    """The hashes of all that ingested tables were made from."""
    found: set[str] = set()
    for path in facts:
        if (path / LEDGER).is_file():
            entries = store.read_json(path / LEDGER)["sources"].values()
            found |= {sha for entry in entries for sha in entry["inputs"].values()}
    return found


def _hashes(names: set[str]) -> set[str]:
    """The hashes that copies are called by."""
    return {name.partition(".")[0] for name in names}


def _touched(path: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)


def _models(owned: Owned, keep: Retention, newest: dt.date) -> Iterator[Removal]:
    """Files of models that never were champion, and are not challenger: nobody can roll back to one."""
    rows = history(owned.state)
    for name in sorted({row.model.name for row in rows}):
        mine = [row for row in rows if row.model.name == name]
        needed = {row.model.version for row in reigns(mine)} | {getattr(challenger(mine), "version", None)}
        for version in registry.versions(owned.state, name):
            last = max((row.at.date() for row in mine if row.model.version == version.version), default=dt.date.max)
            path = owned.state / version.path
            if version.version not in needed and path.is_file() and (newest - last).days > keep.keep_models_days:
                why = f"version {version.version} of {name} never was champion; keep_models_days = "
                yield Removal("model", path, f"{why}{keep.keep_models_days}")


def _messages(owned: Owned, keep: Retention) -> Iterator[Removal]:
    """What failed nights said."""
    for path in sorted((owned.state / attempts.FOLDER / "messages").glob("*.txt")):
        if owned.now - _touched(path) > dt.timedelta(days=keep.keep_messages_days):
            yield Removal("message", path, f"keep_messages_days = {keep.keep_messages_days}")


def _remove(path: Path) -> None:
    """Remove a file or a folder; of a folder first what makes it one that is read."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for name in ("manifest.json", LEDGER):
        (path / name).unlink(missing_ok=True)
    store.sync_folder(path)
    shutil.rmtree(path)
