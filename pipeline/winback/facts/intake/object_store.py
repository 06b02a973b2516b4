"""Files in an object store, by pyarrow's own file systems or, for other kinds of URI, by those of fsspec.

Credentials come from the environment, as the store's own programs take them; one that is written
into a URI is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.fs as pafs

from winback.errors import ConfigError, MissingExtra, SourceNotThere
from winback.facts.intake.sources import format_of_name

CHUNK_BYTES = 8 << 20
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_MAGIC = re.compile(r"[*\[]")
_SECRETS = re.compile(r"(?i)[?&][^=&]*(?:key|secret|token|password|sig|sas)[^=&]*=")


def is_uri(written: str) -> bool:
    """Whether a configured path names a place in a store, as s3://shop/orders/*.parquet does."""
    return _URI.match(written) is not None


def stored_files(written: str) -> dict[str, tuple[Any, str]]:
    """The files that a URI stands for by the URI of each: its file system, and its path there.

    A URI ends in a file, a folder (all data files in it, at any depth) or a pattern with `*`, `**` or
    `[...]`; after `?` come settings of the file system.
    """
    _refuse_credentials(written)
    where, _, settings = written.partition("?")
    magic = _MAGIC.search(where)
    root = where[: where.rindex("/", 0, magic.start()) + 1] if magic else where
    root = root.rstrip("/")
    try:
        files, inside = _file_system(root + (f"?{settings}" if settings else ""))
        found = _listed(files, inside)
    except (OSError, pa.ArrowException, ValueError) as error:
        _raise(where, error)
    wanted = _pattern(inside + where[len(root) :]) if magic else None
    names = {
        root + path.removeprefix(inside): (files, path)
        for path, is_itself in found
        if (_is_meant(wanted, path, inside) if wanted else is_itself or _is_data(path, inside))
    }
    if not names:
        raise SourceNotThere(
            f"no file is called {where!r}. Write a file, a folder, or a pattern such as {root}/*.parquet, and look "
            "whether the credentials in the environment may list it"
        )
    return dict(sorted(names.items()))


def chunks(files: Any, path: str, name: str) -> Iterator[bytes]:
    """A file's bytes, one piece after the other."""
    try:
        with files.open_input_stream(path) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk
    except (OSError, pa.ArrowException) as error:
        _raise(name, error)


def _raise(name: str, error: Exception) -> NoReturn:
    said = " ".join(str(error).split())[:300]
    raise SourceNotThere(
        f"{name} cannot be read: {said}. Credentials come from the environment, as AWS_ACCESS_KEY_ID or "
        "GOOGLE_APPLICATION_CREDENTIALS do; look whether they are set and may read this place"
    ) from error


def _refuse_credentials(written: str) -> None:
    """ConfigError, which does not repeat them, where a URI holds a password or a key."""
    place = written.partition("://")[2].partition("?")[0]
    if ":" in place.rpartition("@")[0] or _SECRETS.search(written):
        raise ConfigError(
            f"a path that begins with {written.partition('://')[0]}:// holds a key or a password; take it out of the "
            "configuration and set it in the environment instead, for example as AWS_SECRET_ACCESS_KEY"
        )


def _file_system(uri: str) -> tuple[Any, str]:
    """The file system of a URI and the path in it."""
    try:
        files, inside = pafs.FileSystem.from_uri(uri)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem" not in str(error):
            raise
        return _of_fsspec(uri)
    return files, inside


def _of_fsspec(uri: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415

        files, inside = url_to_fs(uri)
    except ImportError as error:
        raise MissingExtra(
            f"{uri.partition('://')[0]}:// needs fsspec and its package for that kind of store ({error}); "
            'run: pip install "winback[stores]"'
        ) from error
    return pafs.PyFileSystem(pafs.FSSpecHandler(files)), inside


def _listed(files: Any, inside: str) -> list[tuple[str, bool]]:
    """The files at or below a path, and whether each is that path itself."""
    about = files.get_file_info(inside)
    if about.type == pafs.FileType.File:
        return [(inside, True)]
    selector = pafs.FileSelector(inside, recursive=True, allow_not_found=True)
    return [(found.path, False) for found in files.get_file_info(selector) if found.type == pafs.FileType.File]


def _is_data(path: str, folder: str) -> bool:
    name = PurePosixPath(path).name
    below = PurePosixPath(path.removeprefix(folder)).parts
    return format_of_name(name) is not None and not any(part.startswith((".", "_")) for part in below)


def _is_meant(pattern: re.Pattern[str], path: str, folder: str) -> bool:
    """As in a shell, no pattern means what begins with a dot."""
    below = PurePosixPath(path.removeprefix(folder)).parts
    return pattern.fullmatch(path) is not None and not any(part.startswith(".") for part in below)


def _pattern(written: str) -> re.Pattern[str]:
    """`*` within a name, `**/` for any folders, `[...]` for one of some characters."""
    parts = re.split(r"(\*\*/|\*\*|\*|\[[^\]]*\])", written)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile(
        "".join(_one_of(part) if part[:1] == "[" else meaning.get(part) or re.escape(part) for part in parts)
    )


def _one_of(part: str) -> str:
    inner = part[1:-1]
    negated, inner = ("^", inner[1:]) if inner[:1] in ("!", "^") and inner[1:] else ("", inner)
    return f"[{negated}{re.escape(inner).replace(chr(92) + '-', '-')}]" if inner else re.escape(part)
