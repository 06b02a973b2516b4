"""Files that only their owner can read, in a folder that nothing can lead away from its root."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from winback.errors import ExportRefused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# Names that some system reads as a device.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def checked_name(name: str, what: str) -> str:
    """`name`, if it can be a file's name on every system; ExportRefused else."""
    if not NAME.fullmatch(name) or _DEVICES.fullmatch(name) or name.endswith("."):
        raise ExportRefused(
            f"{what} cannot be called {name[:60]!r}; use up to 100 letters a-z, digits, '_', '-' and '.', "
            "beginning with a letter or a digit"
        )
    return name


@contextmanager
def folder(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """A handle on `root/parts...`, made where it is missing (0700); a symbolic link below `root` is refused.

    Each part is opened relative to the one before, so that a link put there in between leads nowhere.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ExportRefused(
            f"the folder {root} cannot be written to ({error.strerror}); name another in [destinations] folder or --out"
        ) from error
    try:
        for part in parts:
            below = _below(handle, checked_name(part, "a folder"), root)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _below(handle: int, part: str, root: Path) -> int:
    """A handle on a folder in the folder of `handle`."""
    try:
        with suppress(FileExistsError):
            os.mkdir(part, 0o700, dir_fd=handle)
        return os.open(part, _FOLDER, dir_fd=handle)
    except OSError as error:
        raise ExportRefused(
            f"{part!r} below {root} is not a folder of ours ({error.strerror}); take it away and export again"
        ) from error


def write(handle: int, contents: Mapping[str, bytes], last: str) -> dict[str, dict[str, int | str]]:
    """Make the folder hold exactly these files, and return their sizes and SHA-256 by name.

    A folder without the file `last` is not finished: it is taken away first and written last. A file that has its
    bytes already is left as it is.
    """
    before = {name: _read(handle, name) for name in os.listdir(handle)}
    if any(before.get(name) != held for name, held in contents.items()) and last in before:
        os.unlink(last, dir_fd=handle)
        before.pop(last)
    for name in sorted(contents.keys() - {last}):
        if before.get(name) != contents[name]:
            _write(handle, checked_name(name, "a file"), contents[name])
    for name in before.keys() - contents.keys():
        if before[name] is not None:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=handle)
    if before.get(last) != contents[last]:
        _write(handle, last, contents[last])
    os.fsync(handle)
    return {name: stamp(held) for name, held in sorted(contents.items())}


def stamp(held: bytes) -> dict[str, int | str]:
    """The size and SHA-256 of a file's bytes."""
    return {"bytes": len(held), "sha256": hashlib.sha256(held).hexdigest()}


def _read(handle: int, name: str) -> bytes | None:
    """The bytes of a file; empty for a link, None for a folder."""
    try:
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=handle)
    except OSError:
        return b""
    try:
        with os.fdopen(found, "rb") as file:
            return file.read()
    except IsADirectoryError:
        return None


def _write(handle: int, name: str, held: bytes) -> None:
    """One file, whole or absent, for its owner alone; a link of this name is replaced, not followed."""
    temporary = f".{name}.{os.getpid()}.tmp"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=handle)
    try:
        with os.fdopen(os.open(temporary, _FILE, 0o600, dir_fd=handle), "wb") as file:
            file.write(held)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=handle, dst_dir_fd=handle)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=handle)
        raise
