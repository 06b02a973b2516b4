"""Where the input files are, what they are called on every machine, and what is in them (by hash)."""

from __future__ import annotations

import glob
import importlib.util
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from winback import store
from winback.config import Source, Sources
from winback.errors import MissingExtra, SourceError, SourceNotThere

PACKAGE = "package:"
SNAPSHOT = "snapshot:"
PACKED = (".gz", ".zst", ".zstd")
ENDINGS = {
    **dict.fromkeys((".csv", ".tsv", ".psv", ".txt"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
}


def files_of(source: Source, base: Path) -> list[Path]:
    """The files one source is read from, sorted by name, then those of its lookups."""
    return [path for written in _written(source) for path in named_files(written, base).values()]


def fingerprint(sources: Sources, base: Path) -> dict[str, str]:
    """The SHA-256 of every input file, lookups too, by a name that is the same on every machine."""
    return {name: store.sha256(path) for name, path in sorted(input_files(sources, base).items())}


def input_files(sources: Sources, base: Path) -> dict[str, Path]:
    """Every file the sources and their lookups are read from, by machine-independent name."""
    found: dict[str, Path] = {}
    for source in sources.given().values():
        for written in _written(source):
            found.update(named_files(written, base))
    return found


def _written(source: Source) -> list[str]:
    return [source.path, *(lookup.path for lookup in source.lookups), *source.mended]


def named_files(written: str, base: Path) -> dict[str, Path]:
    """The files a configured path stands for, sorted, each named as it could have been written.

    `written` is a path relative to `base`, a folder (all data files in it, at any depth), a pattern
    with `*`, `?`, `[...]` or `**`, `package:NAME/inside/path` for a file of an installed Python
    package, which is not imported, or `snapshot:FILE` for what was fetched from elsewhere.
    """
    if written.startswith(SNAPSHOT):
        return listed_files(base / written.removeprefix(SNAPSHOT))
    root, inside, prefix = base, written, ""
    if written.startswith(PACKAGE):
        name, _, inside = written.removeprefix(PACKAGE).partition("/")
        root, prefix = _package_folder(name, written), f"{PACKAGE}{name}/"
    if not inside:
        raise SourceError(f"{written!r} names no file; write for example {PACKAGE}NAME/data/orders.parquet")
    try:
        found = _found(inside, root)
    except OSError as error:
        raise SourceError(f"{written[:60]!r} cannot be looked for: {error.strerror}") from error
    if not found:
        raise SourceNotThere(_nothing_called(written, root / inside, root))
    return {prefix + name: root / name for name in found}


def _found(inside: str, root: Path) -> list[str]:
    """The files below `root`, by name."""
    if (root / inside).is_file():
        return [inside]
    if (root / inside).is_dir():
        return sorted(_data_files(inside, root))
    return sorted(name for each in _matches(inside, root) for name in each)


def _nothing_called(written: str, place: Path, root: Path) -> str:
    if place.is_dir():
        return (
            f"the folder {written!r} has no data files (looked in {place}); "
            f"their names end in {', '.join(sorted(ENDINGS))}, or in one of these and .gz or .zst"
        )
    return (
        f"no file is called {written!r} (looked in {root}). "
        "A path is relative to the configuration file; a pattern such as data/*.csv may be used"
    )


def _matches(pattern: str, root: Path) -> Iterator[list[str]]:
    """The files that match, named relative to `root` where the pattern is, those of matching folders too."""
    if not glob.has_magic(pattern):
        return
    # Path.glob takes no absolute pattern; this one does.
    for name in glob.glob(pattern, root_dir=root, recursive=True):  # noqa: PTH207
        if (root / name).is_file():
            yield [PurePosixPath(name).as_posix()]
        elif "**" not in pattern and (root / name).is_dir():
            yield _data_files(name, root)


def _data_files(folder: str, root: Path) -> list[str]:
    """The data files in a folder at any depth; what begins with a dot or _ is of the tool that wrote it."""
    below = [path.relative_to(root / folder) for path in (root / folder).rglob("*") if path.is_file()]
    return [
        (PurePosixPath(folder) / path.as_posix()).as_posix()
        for path in below
        if format_of_name(path.name) and not any(part.startswith((".", "_")) for part in path.parts)
    ]


def listed_files(listing: Path) -> dict[str, Path]:
    """The files of a snapshot: a JSON object of the names they had and the files beside it that they are now."""
    try:
        names = store.read_json(listing)
    except (OSError, ValueError) as error:
        raise SourceError(f"the snapshot {listing} cannot be read: {error}. Run again to fetch it anew") from error
    return {name: listing.parent / file for name, file in sorted(names.items())}


def _package_folder(name: str, written: str) -> Path:
    """The folder an installed package lives in, found without running any of its code."""
    if not name.isidentifier():
        raise SourceError(f"{written!r}: {name!r} is not the import name of a package")
    spec = importlib.util.find_spec(name)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise MissingExtra(
            f"{written!r} reads a file of the package {name!r}, which is not installed; "
            f"run: pip install {name.replace('_', '-')}"
        )
    return Path(next(iter(folders)))


def format_of(source: Source | None, path: Path) -> str:
    """csv, parquet or jsonl: as the source says, else by the file's name (a lookup has only its name)."""
    if source is not None and source.format != "auto":
        return source.format
    return format_of_name(path.name) or "csv"


def format_of_name(name: str) -> str | None:
    """The format that a name tells, the ending of what it is packed with left out; None if it tells none."""
    endings = [ending.lower() for ending in PurePosixPath(name).suffixes]
    while endings and endings[-1] in PACKED:
        endings.pop()
    return ENDINGS.get(endings[-1]) if endings else None
