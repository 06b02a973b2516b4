"""What a project owns: its configuration, its folders and who may read them, its lock, its runs and its champion."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from winback import runs
from winback.config import Config, Source
from winback.doctor.finding import Finding, graded
from winback.errors import WinbackError
from winback.facts.intake.sources import named_files
from winback.risk.asking.specs import load_spec
from winback.risk.keeping import aliases

SECRET = re.compile(r"(?i)^\s*[\w.]*(password|passwd|secret|token|api_?key)\w*\s*=\s*[\"'][^\"']+[\"']")
LOGIN = re.compile(r"://[^/@\s\"']+:[^/@\s\"']+@")
LOOKED_AT = 20_000  # files, of which the first that are wrong are named
OLD = dt.timedelta(days=2)


def secrets(path: Path) -> Iterator[Finding]:
    """Whether the configuration, well formed or not, holds what must not be read by everybody."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    found = [n for n, line in enumerate(lines, 1) if LOGIN.search(line) or SECRET.search(line)]
    if found:
        told = f"{path.name} holds a secret in line {', '.join(map(str, found[:5]))}"
        yield Finding("secrets", "fail", told, 'Put it into an environment variable and write url_env = "ITS_NAME".')
    else:
        yield Finding("secrets", "ok", f"none in {path.name}")


def belongings(project: Config, base: Path, now: dt.datetime) -> Iterator[Finding]:
    """Findings about a project whose configuration can be read."""
    state, published = base / project.project.state, base / project.project.runs
    yield from _sources(project, base)
    yield _private("state", state)
    yield _private("keys", state / "keys")
    yield _private("runs", published)
    yield _lock(state)
    yield _litter(state, published)
    yield _published(published, now)
    yield _champion(project, base, state)


def _sources(project: Config, base: Path) -> Iterator[Finding]:
    for table, source in project.sources.given().items():
        yield _source(table, source, base)


def _source(table: str, source: Source, base: Path) -> Finding:
    about = f"sources.{table}"
    if source.url_env:
        todo = f"Run: export {source.url_env}=postgresql://..."
        return graded(about, f"database, by {source.url_env}", todo, fail=not os.environ.get(source.url_env))
    if not source.path or "://" in source.path:
        return Finding(about, "ok", "a database or an object store; not asked")
    try:
        files = named_files(source.path, base)
    except WinbackError as error:
        return Finding(about, "fail", str(error), "Correct the path, or bring the file.")
    size = sum(path.stat().st_size for path in files.values())
    return Finding(about, "ok", f"{len(files)} files, {size / 1e6:,.1f} MB")


def _private(about: str, folder: Path) -> Finding:
    """Whether others may read or write what holds personal data."""
    if not folder.exists():
        return Finding(about, "ok", f"{folder} is not there yet")
    places = [folder]
    for place, folders, names in os.walk(folder):
        places += [Path(place, name) for name in (*folders, *names)]
        if len(places) > LOOKED_AT:
            break
    open_to = {path: path.lstat().st_mode for path in places if not path.is_symlink()}
    written = [path for path, mode in open_to.items() if mode & (stat.S_IWGRP | stat.S_IWOTH)]
    # Who may not enter the folder cannot read what is in it.
    read = [] if not open_to[folder] & 0o077 else [path for path, mode in open_to.items() if mode & 0o077]
    odd = written or read
    told = f"others may {'write' if written else 'read'} {odd[0]}" if odd else f"{folder}: its owner alone"
    todo = f"Run: chmod -R go-rwx {folder}"
    return graded(about, told, todo, warn=bool(odd), fail=bool(written) or (about == "keys" and bool(odd)))


def _lock(state: Path) -> Finding:
    """Whether a run is going on. A dead holder's lock is none: the kernel dropped it."""
    path = state / "lock"
    if not path.exists():
        return Finding("lock", "ok", "no run so far")
    with path.open("r", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = handle.read().strip() or "unknown"
            return Finding("lock", "warn", f"a run is going on (pid {pid})", "Wait until it has ended.")
    return Finding("lock", "ok", "free")


def _litter(*folders: Path) -> Finding:
    """Temporary files of runs that were killed."""
    left = [
        Path(place, name)
        for folder in folders
        for place, _, names in os.walk(folder)
        for name in names
        if runs.TEMPORARY.fullmatch(name)
    ]
    found = f"{len(left)} temporary files of killed runs" if left else "none"
    return graded("leftovers", found, "The next run removes them, if none is going on now.", warn=bool(left))


def _published(folder: Path, now: dt.datetime) -> Finding:
    """Whether the published list is whole and not old."""
    again = "Run: winback run --date YYYY-MM-DD"
    try:
        current = runs.current(folder)
        if current is None:
            return Finding("published list", "warn", "nothing is published yet", again)
        manifest = runs.verify(current)
    except WinbackError as error:
        return Finding("published list", "fail", str(error), again)
    day = dt.date.fromisoformat(manifest["logical_date"])
    age = now.date() - day
    told = f"{current.name}, whole, of {day} ({age.days} days ago)"
    return graded("published list", told, f"{again} (or see why the nightly run stopped)", warn=age > OLD)


def _champion(project: Config, base: Path, state: Path) -> Finding:
    try:
        spec = load_spec(project.model, base)
        version = aliases.champion(state, spec.name)
    except WinbackError as error:
        return Finding("model", "fail", str(error), "See: winback models list")
    if version is None:
        return Finding("model", "ok", f"no champion of {spec.name} yet; the first run trains one")
    return Finding("model", "ok", f"champion of {spec.name}: version {version.version}")
