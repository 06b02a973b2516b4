"""Text that a person may open in a spreadsheet without anything in it being calculated."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from winback import store

# Characters that a spreadsheet may skip before it looks whether a cell is a formula: spaces, control
# characters, those without any width, and quotes. One class of characters, so that a long run of them
# can be read in one way only; TAB, CR and LF are not among them, being dangerous themselves.
_SKIPPED = (
    r"[\x00-\x08\x0b\x0c\x0e-\x20\"\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]"
)
_STARTS_FORMULA = r"[=+\-@\t\r\n\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]"
_LIVE = re.compile(rf"(?={_SKIPPED}*{_STARTS_FORMULA})")
# Where the comma is the decimal sign, spreadsheets split lines at semicolons.
_LIVE_AFTER_SEMICOLON = re.compile(rf";(?={_SKIPPED}*{_STARTS_FORMULA})")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def write_people_file(path: Path, frame: pd.DataFrame) -> None:
    """Write `people_csv` of `frame`, whole or not at all."""
    with store.whole_file(path) as temporary:
        temporary.write_bytes(people_csv(frame))


def people_csv(frame: pd.DataFrame) -> bytes:
    """`frame` as a CSV file that is safe and convenient to open in a spreadsheet.

    UTF-8 with a byte order mark, because without one Excel reads names in other scripts as gibberish.
    All text is quoted, one line a row; text that a spreadsheet would calculate, in cells or headers, gets
    a single quote in front. Numbers stay numbers. Ids and texts may thus differ from the Parquet files
    beside it, which are exact: read those in programs.
    """
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    safe = pd.concat([_safe_column(column) for column in columns], axis=1)
    safe.columns = pd.Index([safe_text(str(name)) for name in frame.columns], dtype=object)
    text: str = safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    return text.encode("utf-8-sig")


def is_live(text: str) -> bool:
    """Whether a spreadsheet would start to calculate somewhere in `text`."""
    return bool(_LIVE.match(text) or (";" in text and _LIVE_AFTER_SEMICOLON.search(text)))


def safe_text(text: str) -> str:
    """`text` on one line, with a single quote wherever a spreadsheet would start to calculate.

    >>> safe_text("=1+1"), safe_text("Tea; coffee"), safe_text("-10 %")
    ("'=1+1", 'Tea; coffee', "'-10 %")
    """
    if _LIVE.match(text):
        text = "'" + text
    if ";" in text:
        text = _LIVE_AFTER_SEMICOLON.sub(";'", text)
    return text if text.isprintable() else _BREAKS.sub(" ", text)


def _safe_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of numbers as it is; of any other, each cell as a number, nothing, or safe text."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    return pd.Series([_safe_cell(cell) for cell in column], index=column.index, dtype=object)


def _safe_cell(cell: Any) -> Any:
    if isinstance(cell, int | float | np.number):
        return cell
    if cell is None or cell is pd.NaT or cell is pd.NA:
        return ""
    return safe_text(str(cell))
