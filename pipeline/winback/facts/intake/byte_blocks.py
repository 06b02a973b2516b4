"""The bytes of a text file, unzipped and as UTF-8, in blocks of whole lines; bounded however small the file is."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from winback.errors import ConfigError, SourceError

BLOCK_BYTES = 32 << 20
# A longer line is no row of a shop's export; it is refused before it can fill the memory.
MAX_LINE_BYTES = 1 << 20
# A file that comes to no more than this is never a bomb, whatever it was packed into.
HARMLESS_BYTES = 256 << 20


@dataclass(frozen=True)
class Limits:
    """What a file may come to when it is unpacked: so many times its own size, and so many bytes at all."""

    expansion: int = 200
    decoded_gb: float = 64.0


def blocks_of(path: Path, encoding: str, limits: Limits) -> Iterator[bytes]:
    """Blocks of whole lines, without byte order mark; a line past the limit is cut just above it.

    A byte that the encoding does not have becomes one that UTF-8 does not have either, so that the
    line it is on, and only that one, fails later.
    """
    with _named_faults(path):
        yield from _whole_lines(_utf8(path, _codec(encoding), limits))


@contextmanager
def _named_faults(path: Path) -> Iterator[None]:
    """A damaged or unreadable file as a SourceError that names it."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path.name} is not a whole gzip file: {error}") from error
    except OSError as error:
        if error.errno is None:  # of Arrow's decoder; every error of the system has a number
            raise SourceError(f"{path.name} is not a whole zstd file: {error}") from error
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error


def _codec(encoding: str) -> str:
    """The codec's own name; it must be one of text."""
    try:
        name = codecs.lookup(encoding).name
        "a".encode(encoding)
    except LookupError as error:
        raise ConfigError(f"encoding = {encoding!r} is not known; use one such as 'utf-8' or 'cp1252'") from error
    return name


def _utf8(path: Path, codec: str, limits: Limits) -> Iterator[bytes]:
    """The file's bytes, unzipped, as UTF-8 and without byte order mark."""
    chunks = _unzipped(path, limits)
    if codec not in ("utf-8", "utf-8-sig"):
        chunks = _recoded(chunks, codec)
    yield next(chunks, b"").removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _unzipped(path: Path, limits: Limits) -> Iterator[bytes]:
    """The file's bytes; SourceError as soon as they are more than the limits allow."""
    size, decoded = path.stat().st_size, 0
    with opened(path) as stream:
        while chunk := stream.read(BLOCK_BYTES):
            decoded += len(chunk)
            refuse_bomb(path.name, size, decoded, limits)
            yield chunk


def opened(path: Path) -> Any:
    """A stream of the file as it was before it was packed, which its ending tells."""
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path, "rb")
        case ".zst" | ".zstd":
            return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return path.open("rb")


def refuse_bomb(name: str, size: int, decoded: int, limits: Limits) -> None:
    """SourceError where `size` bytes of a file come to more `decoded` bytes than they may."""
    if decoded > limits.decoded_gb * 1e9:
        raise SourceError(
            f"{name} comes to more than {limits.decoded_gb:g} GB when unpacked, so it was not read on. "
            "Split it, or raise max_decoded_gb of the source if it is as it should be"
        )
    if decoded > max(HARMLESS_BYTES, size * limits.expansion):
        raise SourceError(
            f"{name} has {size:,} bytes and comes to more than {limits.expansion:,} times as many when unpacked, "
            "so it was not read on. Raise max_expansion of the source if it is as it should be"
        )


def _recoded(chunks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)(errors="winback_unreadable")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    """A lone surrogate in place of bytes that could not be decoded."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("winback_unreadable", _unreadable)


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of whole lines; a line past the limit is cut just above it."""
    held = b""
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if not end:
            held += chunk[: MAX_LINE_BYTES + 1 - len(held)]
            continue
        if len(held) > MAX_LINE_BYTES:
            # The cut line's remainder must not look like a line of its own.
            start = chunk.find(b"\n")
            yield held + chunk[start:end]
        else:
            yield held + chunk[:end]
        held = chunk[end:][: MAX_LINE_BYTES + 1]
    if held:
        yield held
