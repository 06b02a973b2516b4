"""Where the input files are, what they are called on every machine, and what is in them (by hash)."""

from __future__ import annotations

import glob
import importlib.util
from pathlib import Path, PurePosixPath

from winback import store
from winback.config import Source, Sources
from winback.errors import MissingExtra, SourceError

PACKAGE = "package:"


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
    return [source.path, *(lookup.path for lookup in source.lookups)]


def named_files(written: str, base: Path) -> dict[str, Path]:
    """The files a configured path stands for, sorted, each named as it could have been written.

    `written` is a path relative to `base`, a pattern with `*`, `?`, `[...]` or `**`, or
    `package:NAME/inside/path` for a file of an installed Python package, which is not imported.
    """
    root, inside, prefix = base, written, ""
    if written.startswith(PACKAGE):
        name, _, inside = written.removeprefix(PACKAGE).partition("/")
        root, prefix = _package_folder(name, written), f"{PACKAGE}{name}/"
    if not inside:
        raise SourceError(f"{written!r} names no file; write for example {PACKAGE}NAME/data/orders.parquet")
    if (root / inside).is_file():
        return {written: root / inside}
    found = sorted(_matches(inside, root))
    if not found:
        raise SourceError(
            f"no file is called {written!r} (looked in {root}). "
            "A path is relative to the configuration file; a pattern such as data/*.csv may be used"
        )
    return {prefix + name: root / name for name in found}


def _matches(pattern: str, root: Path) -> list[str]:
    """The files that match, named relative to `root` where the pattern is."""
    if not glob.has_magic(pattern):
        return []
    # Path.glob takes no absolute pattern; this one does.
    names = glob.glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207
    return [PurePosixPath(name).as_posix() for name in names if (root / name).is_file()]


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


def is_parquet(source: Source | None, path: Path) -> bool:
    """Whether a file is Parquet: as the source says, else by its name (a lookup has only its name)."""
    if source is not None and source.format != "auto":
        return source.format == "parquet"
    return path.suffix.lower() in (".parquet", ".pq")
