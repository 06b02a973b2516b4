"""The history of attempts to run a night: one line an attempt, lines only added.

    <state>/history/attempts.jsonl       a line for each attempt that is over
    <state>/history/at_work/<id>.json    an attempt that is at work; its process holds a lock on the file
    <state>/history/messages/<id>.txt    what an attempt that failed said, in full; it may name customers
    <state>/history/removed.jsonl        a line for each thing that was removed as older than it is kept

The kernel drops a lock when its holder ends, however it ends, so an attempt that was killed is one whose file is there
and not locked. Who writes the line of a killed attempt is whoever begins the next one. Lines name no customer.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from winback import runs, store

FOLDER = "history"
KILLED, AT_WORK = "killed", "at_work"
Row = dict[str, Any]
Clock = Callable[[], dt.datetime]


@contextlib.contextmanager
def recorded(state: Path, row: Row, clock: Clock) -> Iterator[None]:
    """Keeps `row` as the line of an attempt that begins now: it is filled in while the block runs, and then written.

    `row` begins with what was asked for. `outcome` and what belongs to it are the block's to say; the attempt's name,
    its beginning, its end and the seconds between are filled in here.
    """
    began = clock()
    row |= {"attempt": f"{began:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}", "started_at": began.isoformat()}
    path = state / FOLDER / AT_WORK / f"{row['attempt']}.json"
    with _held(state, "attempts") as ledger:
        _settle(state, ledger)
        handle = _begun(path, row)
    try:
        yield
    finally:
        ended = clock()
        row |= {"ended_at": ended.isoformat(), "seconds": round((ended - began).total_seconds(), 3)}
        with (
            handle,
            contextlib.suppress(OSError),
            _held(state, "attempts") as ledger,
        ):  # of a full disk the attempt has told
            store.append_line(ledger, row)
            path.unlink()


@contextlib.contextmanager
def _held(state: Path, name: str) -> Iterator[IO[bytes]]:
    """A file of lines, held against all other writers."""
    runs.make_folder(state)
    (state / FOLDER / AT_WORK).mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(state / FOLDER / f"{name}.jsonl", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def write_down(state: Path, name: str, rows: Sequence[Row]) -> None:
    """Add lines to a file of lines, `attempts` or `removed`."""
    with _held(state, name) as file:
        for row in rows:
            store.append_line(file, row)


def _begun(path: Path, row: Row) -> IO[bytes]:
    """The file of an attempt at work, which is locked as long as it is open."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    file = os.fdopen(handle, "r+b")
    fcntl.flock(file, fcntl.LOCK_EX)
    store.append_line(file, row)
    return file


def _settle(state: Path, ledger: IO[bytes]) -> None:
    """Write the lines of attempts that were killed."""
    for path in sorted((state / FOLDER / AT_WORK).glob("*.json")):
        if (row := _dead(path)) is None:
            continue
        ledger.seek(0)
        if row["attempt"] not in {each["attempt"] for each in _rows(ledger.read())}:
            store.append_line(ledger, row)
        path.unlink(missing_ok=True)


def _dead(path: Path) -> Row | None:
    """The line of an attempt whose process is gone; None where it is at work."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        rows = _rows(file.read())
    return {**(rows[0] if rows else {"attempt": path.stem}), "outcome": KILLED}


def _rows(held: bytes) -> list[Row]:
    """The whole lines of a file."""
    return [json.loads(line) for line in held[: held.rfind(b"\n") + 1].splitlines()]


def history(state: Path) -> list[Row]:
    """One row an attempt, by the moment it began; `outcome` "at_work" and "killed" of those without an end.

    Needs no lock; a line that is being written is not there yet.
    """
    folder = state / FOLDER
    open_ones = []
    for path in sorted((folder / AT_WORK).glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile, and its line is read below
            row = _dead(path) or {**(_rows(path.read_bytes()) or [{"attempt": path.stem}])[0], "outcome": AT_WORK}
            open_ones.append(row)
    path = folder / "attempts.jsonl"
    done = _rows(path.read_bytes()) if path.is_file() else []
    known = {row["attempt"] for row in done}
    rows = done + [row for row in open_ones if row["attempt"] not in known]
    return sorted(rows, key=lambda row: str(row.get("started_at", "")))


def keep_message(state: Path, attempt: str, text: str) -> Path:
    """The file in which what a failed attempt said is kept, for its owner alone."""
    path = state / FOLDER / "messages" / f"{attempt}.txt"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return path


def message_of(state: Path, attempt: str) -> str:
    """What a failed attempt said; empty where it said nothing, or its message was removed since."""
    path = state / FOLDER / "messages" / f"{attempt}.txt"
    return path.read_text("utf-8").rstrip("\n") if path.is_file() else ""
