"""How the numbers of a column are written, where more than one reading is possible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

PLAIN = ""  # what the intake reads without a format
_SIGN = r"[^\d\s.,'+()-]{1,5}"
_WRITTEN = re.compile(
    rf"[+-]?(?P<before>{_SIGN})? ?[+-]?(?P<digits>\d[\d.,'\u2019 \u00a0\u202f]*|\.\d+)(?<! )\s?(?P<after>{_SIGN}\.?)?"
)
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_GROUPS = ",.'\u2019 \u00a0\u202f"
_CURRENCIES = {
    "€": "EUR",
    "£": "GBP",
    "₽": "RUB",
    "руб": "RUB",
    "руб.": "RUB",
    "р.": "RUB",
    "元": "CNY",
    "₴": "UAH",
    "₹": "INR",
    "zł": "PLN",
    "₺": "TRY",
    "Kč": "CZK",
    "R$": "BRL",
    "₸": "KZT",
    "US$": "USD",
    "₩": "KRW",
}


@dataclass(frozen=True)
class Numbers:
    """The ways a column's values may be read as numbers, likeliest first: examples, "" for plain ones.

    `share`: of the values that are. `why` the first, in words; `open` where nothing decides. `whole`, `below`:
    the shares without decimals and below zero. `currency`: the code its sign stands for, "" where none does.
    """

    formats: tuple[str, ...]
    share: float
    why: str
    open: bool = False
    whole: float = 0.0
    below: float = 0.0
    currency: str = ""


NONE = Numbers((), 0.0, "")


def numbers_of(values: Sequence[str]) -> Numbers:
    """How these texts are written as numbers; no formats where most are none."""
    found = [match for value in values if (match := _WRITTEN.fullmatch(value) or _PLAIN.fullmatch(value))]
    if not values or len(found) < 0.5 * len(values):
        return NONE
    share = len(found) / len(values)
    written = [match for match in found if "digits" in match.groupdict()]
    texts = [match["digits"] for match in written]
    before = _most([match["before"] or "" for match in written])
    after = _most([match["after"] or "" for match in written])
    if len(before + after) > 4 and not (before + after).isalpha():
        return NONE
    below = sum(match[0].lstrip().startswith("-") or "-" in match[0][:6] for match in found) / len(found)
    bodies, why, unsure = _readings(texts)
    formats = tuple(_example(before, body, after) for body in bodies)
    whole = sum(_is_whole(text, bodies[0]) for text in texts) / max(len(texts), 1)
    return Numbers(formats, share, why, unsure, whole, below, _currency(before or after))


def _most(signs: Sequence[str]) -> str:
    """The sign that most of the numbers with one have; none where few have one."""
    counts = Counter(sign for sign in signs if sign)
    sign, count = counts.most_common(1)[0] if counts else ("", 0)
    return sign if count >= 0.1 * len(signs) else ""


def _readings(texts: Sequence[str]) -> tuple[tuple[str, ...], str, bool]:
    """The examples without currency, likeliest first; why; whether nothing decides."""
    marks = Counter(mark for text in texts for mark in set(text) if mark in _GROUPS)
    spaced = next((mark for mark in "'\u2019\u202f\u00a0 " if marks[mark]), "")
    commas, points = marks[","], marks["."]
    if spaced:
        return (
            (f"1{spaced}234{',' if commas else '.'}56",),
            f"{marks[spaced]:,} have {spaced!r} between thousands",
            False,
        )
    if commas and points:
        both = [text for text in texts if "," in text and "." in text]
        last = Counter(max(text.rfind(","), text.rfind(".")) == text.rfind(",") for text in both)
        if both:
            comma_last = last[True] >= last[False]
            return ("1.234,56" if comma_last else "1,234.56",), f"{len(both):,} have both signs", False
        return _one_sign(texts, "," if commas > points else ".")
    if commas or points:
        return _one_sign(texts, "," if commas else ".")
    return (PLAIN,), "digits alone", False


def _one_sign(texts: Sequence[str], mark: str) -> tuple[tuple[str, ...], str, bool]:
    """Texts with commas alone or points alone: decimals, or thousands?"""
    with_it = [text for text in texts if mark in text]
    grouped, decimal = ("1,234.56", "1234,56") if mark == "," else ("1.234,56", PLAIN)
    name = {",": "comma", ".": "point"}[mark]
    if any(text.count(mark) > 1 for text in with_it):
        return (grouped,), f"some have more than one {name}, so it parts thousands", False
    short = sum(not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", text) for text in with_it)
    if short:
        return (decimal,), f"{short:,} of {len(with_it):,} with a {name} are no thousands", False
    return (decimal, grouped), f"after each {name} stand three digits: decimals or thousands", True


def _example(before: str, body: str, after: str) -> str:
    """1234.56 as the column writes it."""
    if not before and not after:
        return body
    number = body or "1234.56"
    return f"{before}{' ' if before.isalpha() else ''}{number}{' ' + after if after else ''}"


def _is_whole(text: str, body: str) -> bool:
    decimal = "," if body.endswith(",56") else "."
    return not text.partition(decimal)[2].strip("0")


def _currency(sign: str) -> str:
    if re.fullmatch("[A-Za-z]{3}", sign):
        return sign.upper()
    return _CURRENCIES.get(sign, "")
