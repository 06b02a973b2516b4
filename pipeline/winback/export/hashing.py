"""Hashes as the platforms match on: of UTF-8, in lower-case hex, without salt, and never of a hash."""

from __future__ import annotations

import hashlib
import re

from winback.export.addresses import Unusable

_SHA256 = re.compile(r"[0-9a-f]{64}")


def sha256_of(text: str) -> str:
    """The SHA-256 of a normalised text; Unusable for nothing, whose hash everybody would share."""
    if not text or _SHA256.fullmatch(text):
        raise Unusable("nothing to hash, or hashed already")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def md5_of(text: str) -> str:
    """The MD5 of a normalised text: no protection, but what Mailchimp calls a contact by."""
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def sha256_as_given(text: str) -> str:
    """A SHA-256 that the shop made itself, in lower case; Unusable where it is none.

    >>> sha256_as_given(" " + "AB" * 32) == "ab" * 32
    True
    """
    digest = text.strip().lower()
    if not _SHA256.fullmatch(digest):
        raise Unusable("said to be hashed already, but not 64 hexadecimal digits")
    return digest
