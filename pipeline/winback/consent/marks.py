"""What a person is known by in files: ids, addresses, and the hashes that platforms make of them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HASH = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\"]+")
_PHONE = re.compile(r"\+\d{7,15}")
_APART = re.compile(r"[\s,;|\"'{}\[\]()<>=]+")
_SHORTEST = 5  # what is shorter, and numbers below a hundred million, may stand for anything


@dataclass(frozen=True)
class Marks:
    """`ids`: the customer ids as they stand in a column of ids; `telling`: whatever is theirs wherever it stands."""

    ids: frozenset[str]
    telling: frozenset[str]

    def with_more(self, values: Iterable[str]) -> Marks:
        """The same people with more values that are theirs."""
        return Marks(self.ids, self.telling | {form for value in values for form in forms(value)})


def marks_of(customer_ids: Iterable[str]) -> Marks:
    """The marks of people of whom the ids alone are known."""
    ids = frozenset(customer_ids)
    return Marks(ids, frozenset()).with_more(ids)


def forms(value: str) -> Iterator[str]:
    """A value as people and platforms write it, each with its hashes; nothing that could be anybody's."""
    for form in {value, value.strip(), *_addresses(value.strip().lower()), *_numbers(value)}:
        yield from (each for each in (form, *hashes(form)) if is_telling(each))


def _addresses(address: str) -> Iterator[str]:
    """An e-mail address as platforms make it plain: without dots where those do not count, without what follows a +."""
    yield address
    name, at, host = address.partition("@")
    if at:
        short = name.partition("+")[0]
        yield from (f"{short}@{host}", f"{name.replace('.', '')}@{host}", f"{short.replace('.', '')}@{host}")


def _numbers(value: str) -> Iterator[str]:
    """A phone number's digits in the ways they are written."""
    digits = re.sub(r"\D", "", value) if re.fullmatch(r"\+?[\d\s()./-]{7,25}", value.strip()) else ""
    if digits:
        bare = digits.lstrip("0")
        yield from (digits, bare, f"+{bare}", f"00{bare}")


def hashes(form: str) -> Iterator[str]:
    """The hashes of a value that are in use, in hex of either case and in base 64."""
    held = form.encode("utf-8", "surrogatepass")
    for method in (hashlib.sha256, hashlib.md5, hashlib.sha1):
        digest = method(held, usedforsecurity=False)
        yield from (digest.hexdigest(), digest.hexdigest().upper(), base64.b64encode(digest.digest()).decode())


def is_telling(value: str) -> bool:
    """Whether a value is so much its owner's that it is looked for everywhere."""
    return len(value) >= _SHORTEST and not (value.isdigit() and len(value) < 9)


def seen_in(values: Iterable[object]) -> set[str]:
    """Addresses, numbers and hashes among the cells of a person's own row."""
    texts = {value.strip() for value in values if isinstance(value, str)}
    return {text for text in texts if any(kind.fullmatch(text) for kind in (_HASH, _EMAIL, _PHONE))}


def words_of(text: str) -> set[str]:
    """What may be a value in a text."""
    return set(_APART.split(text)) - {""}
