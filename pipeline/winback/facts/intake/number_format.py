"""How a source writes its numbers, told by an example such as "1.234,56 €", as SQL that makes them plain."""

from __future__ import annotations

import re
from dataclasses import dataclass

from winback.errors import ConfigError
from winback.facts.intake.contracts import MISSING
from winback.store import literal

# The number of the example is always the same, so that nothing has to be told of its signs.
_EXAMPLE = re.compile(
    r"(?P<before>[^\d+-]{0,9}?) ?1(?P<group>[., '\u2019\u00a0\u202f]?)234(?P<decimal>[.,])56 ?(?P<after>[^\d+-]{0,9})"
)


@dataclass(frozen=True)
class Written:
    """The signs of a writing: before and behind a number, between its thousands (or none), and the decimal sign."""

    before: str
    group: str
    decimal: str
    after: str


def written(number_format: str) -> Written:
    """The signs that an example shows; ConfigError where it is not the number 1234.56 in some writing."""
    found = _EXAMPLE.fullmatch(number_format.strip())
    if not found or found["group"] == found["decimal"]:
        raise ConfigError(
            f"number_format = {number_format!r} is not understood; write 1234.56 as the file would, "
            'such as "1.234,56", "1 234,56", "1,234.56" or "$1,234.56"'
        )
    return Written(found["before"].strip(), found["group"], found["decimal"], found["after"].strip())


def plain(text: str, form: Written) -> str:
    """A text expression with numbers written so as plain ones; other texts as something that is no number.

    The thousands' sign and the currency may be left out, but where they stand they must stand right.
    """
    mark = re.escape(form.group)
    whole = rf"(\d{{1,3}}({mark}\d{{3}})+|\d+)" if form.group else r"\d+"
    shape = rf"{_sign(form.before)}{whole}({re.escape(form.decimal)}\d*)?( ?{re.escape(form.after)})?"
    bare = text
    for sign in (form.before, form.after, form.group, " ", "\u00a0"):
        bare = f"replace({bare}, {literal(sign)}, '')" if sign else bare
    bare = f"replace({bare}, {literal(form.decimal)}, '.')"
    kept = f"{text} IN ({', '.join(map(literal, MISSING))})"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(shape)}) THEN {bare} WHEN {kept} THEN {text} "
        f"ELSE concat('not written so: ', {text}) END"
    )


def _sign(before: str) -> str:
    """The start of a number: its sign may stand on either side of what comes before it."""
    return rf"[+-]?({re.escape(before)} ?)?[+-]?" if before else "[+-]?"
