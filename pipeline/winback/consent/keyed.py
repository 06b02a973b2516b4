"""A customer's id as a keyed hash: the same id gives the same one, and without the project's key nobody can tell whose.

A plain hash would not do: ids, e-mails and phone numbers can be guessed by the million a second.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from winback import store
from winback.errors import LedgerDamaged

KEY_FILE = "people.key"


def key_of(folder: Path, *, make: bool) -> bytes:
    """The project's key; with `make` a new one is made where there is none, for its owner alone to read.

    LedgerDamaged where it is missing or is no key: with another one nobody would be recognised any more.
    """
    path = folder / KEY_FILE
    if make and not path.exists():
        _make(path)
    try:
        key = bytes.fromhex(path.read_text("ascii"))
    except (FileNotFoundError, ValueError) as error:
        raise _lost(path) from error
    if len(key) != 32:
        raise _lost(path)
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with store.whole_file(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))


def _lost(path: Path) -> LedgerDamaged:
    return LedgerDamaged(
        f"{path} is missing or is no key of 64 hex digits. Without it nobody in the ledger of suppressions can be "
        "recognised, so nobody may be listed. Bring it back from a backup; a new one would not do."
    )


def keyed(key: bytes, customer_ids: Iterable[str]) -> list[str]:
    """The keyed hash of each id: 128 bits of BLAKE2b with the key (RFC 7693), in hex; ten times as fast as HMAC."""
    return [hashlib.blake2b(each.encode(), key=key, digest_size=16).hexdigest() for each in customer_ids]
