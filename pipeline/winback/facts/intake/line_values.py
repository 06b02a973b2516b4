"""What may be values in a line that could not be read as a row, however it was delimited."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

_APART = re.compile(r"[\s,;|\"'{}\[\]:]+")
_WHOLE = re.compile(r"(\d+)\.0+")


def values_in(raw: str) -> set[str]:
    """Everything in a line that may be a value, such as somebody's id: parts, fields, and what JSON holds."""
    found = {part for part in _APART.split(raw) if part}
    for delimiter in ",;\t|":
        found.update(field.strip() for line in csv.reader([raw], delimiter=delimiter) for field in line)
    found.update(_of_object(raw))
    return found | {whole[1] for part in found if (whole := _WHOLE.fullmatch(part))}


def _of_object(raw: str) -> Iterator[str]:
    """The values of a line that is a JSON object; none of any other."""
    try:
        held: Any = json.loads(raw)
    except ValueError:
        return
    yield from (str(value).strip() for value in held.values()) if isinstance(held, dict) else ()
