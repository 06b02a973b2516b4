"""What shops, their programs and their people call the columns of an order, best name first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from winback.toml_files import read_toml

FILE = Path(__file__).with_name("header_words.toml")  # the names by role, best first

WRONG_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "№": "n", "#": " number ", "ё": "е"})


def spelt(name: str) -> str:
    """A column's name without what people differ in: case, accents, separators, camelCase."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name.strip())
    plain = unicodedata.normalize("NFKD", parted.lower().translate(WRONG_LETTERS))
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())


@cache
def known() -> Mapping[str, tuple[tuple[str, int], ...]]:
    """The roles that a spelt name stands for, each with the name's place in the role's list, best first."""
    found: dict[str, list[tuple[str, int]]] = {}
    for role, words in read_toml(FILE).items():
        for place, word in enumerate(dict.fromkeys(map(spelt, words))):
            found.setdefault(word, []).append((role, place))
    return {word: tuple(roles) for word, roles in found.items()}


def meanings(name: str) -> dict[str, float]:
    """How well a column's name fits each role: 1 a known name (less down the list), up to 0.6 a part of it."""
    word = spelt(name)
    fits = {role: 1 - min(place, 99) / 1000 for role, place in known().get(word, ())}
    for part, roles in known().items():
        if share := _share(part, word):
            for role, place in roles:
                fits[role] = max(fits.get(role, 0.0), 0.6 * share - min(place, 99) / 1000)
    return fits


def _share(part: str, word: str) -> float:
    """How much of `word` its piece `part` is: whole words, or characters where words are not parted."""
    if part == word or len(part) < 2:
        return 0.0
    if not part.isascii() and " " not in part and ord(part[0]) > 0x2E80:
        return len(part) / len(word) if part in word else 0.0
    return len(part.split()) / len(word.split()) if f" {part} " in f" {word} " else 0.0
