"""The report's words and numbers in one language."""

from __future__ import annotations

import importlib.resources
import re
from dataclasses import dataclass, field
from pathlib import Path

from winback.toml_files import read_toml

LANGUAGES = ("en", "ru", "zh")
# How thousands are parted and where the fraction begins.
MARKS = {"en": (",", "."), "ru": ("\N{NARROW NO-BREAK SPACE}", ","), "zh": (",", ".")}
PERCENT = {"en": "%", "ru": "\N{NO-BREAK SPACE}%", "zh": "%"}
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Words:
    """Words by name, those of stages, causes, metrics and drivers apart; `currency` stands after money."""

    language: str
    currency: str
    plain: dict[str, str]
    of: dict[str, dict[str, str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """A word of the page."""
        return self.plain[name]

    def named(self, group: str, name: str) -> str:
        """A stage, cause, metric or driver in words; its own name where there is none."""
        return self.of[group].get(name, name.replace("_", " "))

    def text(self, sentence: str) -> str:
        """A sentence with its fractions as the language writes them."""
        return re.sub(r"(?<=\d)\.(?=\d)", MARKS[self.language][1], sentence)

    def phrase(self, text: str) -> str:
        """A sentence of ours in this language, its numbers as it writes them; as it is where it is not among ours."""
        return text if (told := self._told(text)) is None else told

    def _told(self, text: str) -> str | None:
        """A date, a number or words of ours, with those in them; None for what another has written."""
        if re.fullmatch(r"\d{4}-\d\d-\d\d|[\d.]+e-\d+", text):
            return text
        if found := re.fullmatch(r"(\+?)(-?\d[\d,]*(?:\.(\d+))?)(%?)", text):
            plus, bare, digits, percent = found.groups()
            return (
                plus
                + self.number(float(bare.replace(",", "")), len(digits or ""))
                + PERCENT[self.language] * bool(percent)
            )
        for template, said in self.of.get("phrases", {}).items():
            pieces = "(.+?)".join(re.escape(piece) for piece in template.split("{}"))
            if found := re.fullmatch(pieces, text):
                inner = [self._told(each) for each in found.groups()]
                if None not in inner:
                    return said.format(*inner)
        return None

    def number(self, value: float, digits: int = 0) -> str:
        """A number for people; a dash for what is not known."""
        if value is None or value != value:  # noqa: PLR0124 - nan
            return DASH
        thousands, point = MARKS[self.language]
        sign = "\N{MINUS SIGN}" if round(value, digits) < 0 else ""
        return sign + f"{abs(value):,.{digits}f}".replace(",", "\0").replace(".", point).replace("\0", thousands)

    def percent(self, value: float, digits: int = 1) -> str:
        """A share in percent."""
        told = self.number(100 * value, digits) if value is not None else DASH
        return told if told == DASH else f"{told}{PERCENT[self.language]}"

    def money(self, value: float) -> str:
        """An amount in the project's currency."""
        told = self.number(value, 0 if value is not None and abs(value) >= 1000 else 2)
        return told if told == DASH else f"{told}\N{NO-BREAK SPACE}{self.currency}"


def words(language: str, currency: str) -> Words:
    """The words of a language: en, ru or zh."""
    path = Path(str(importlib.resources.files("winback.insight.report"))) / "words.toml"
    told = read_toml(path)
    plain = {name: entry[language] for name, entry in told.items() if language in entry}
    groups = {name: entry for name, entry in told.items() if language not in entry}
    of = {group: {name: entry[language] for name, entry in entries.items()} for group, entries in groups.items()}
    return Words(language, currency, plain, of)
