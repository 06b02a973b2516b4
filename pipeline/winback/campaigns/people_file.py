"""The at-risk list that a person opens in a spreadsheet."""

from __future__ import annotations

import csv
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from winback import store
from winback.campaigns.words import CAUSES, CHANNELS, DECIMAL, HEADERS, LEAVE_ALONE, NEEDS_APPROVAL, REASON, Language

LEFT_ALONE = "leave_alone"
REASONS_SHOWN = 3
LEAST_POINTS = 0.0005  # what would be written as "0.0 points" explains nothing

COLUMNS = (
    "customer_id",
    "chance_to_leave_percent",
    *(f"reason_{number}" for number in range(1, REASONS_SHOWN + 1)),
    "last_order",
    "orders_90d",
    "spend_90d",
    "what_to_do",
    "message_hint",
    "channel",
    "approval",
    "contact_cost",
    "incentive_cost",
    "expected_net_gain",
    "margin_at_stake",
)

_MONEY = ["spend_90d", "contact_cost", "incentive_cost", "expected_net_gain", "margin_at_stake"]

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


class Named(Protocol):
    """What the list needs to know of an action."""

    @property
    def name(self) -> Mapping[Any, str]: ...
    @property
    def message(self) -> Mapping[Any, str]: ...


def at_risk_list(
    scores: pd.DataFrame,
    reasons: pd.DataFrame,
    decisions: pd.DataFrame,
    facts: pd.DataFrame,
    names: Mapping[str, Named],
    language: Language = "en",
) -> pd.DataFrame:
    """One row a customer at risk, worded for a marketer: the largest expected net gain first.

    `facts` has customer_id, last_order_at, orders_90d and spend_90d; the day of the last order is
    written in the time zone that last_order_at carries. `names` are the actions by id. The columns are
    COLUMNS, whatever the language; `in_headers` words them.
    """
    risky = scores.loc[scores["at_risk"].astype(bool), ["customer_id", "probability"]]
    rows = risky.merge(decisions, on="customer_id", how="left", validate="one_to_one", indicator="_decided")
    _refuse_missing(rows, "_decided", "decisions")
    rows = rows.merge(facts, on="customer_id", how="left", validate="one_to_one", indicator="_known")
    _refuse_missing(rows, "_known", "facts")
    rows = rows.merge(_reason_columns(reasons, language), on="customer_id", how="left", validate="one_to_one")
    told = [f"reason_{place}" for place in range(1, REASONS_SHOWN + 1)]
    rows[told] = rows[told].fillna("")
    rows = rows.sort_values(
        ["expected_net_gain", "probability", "customer_id"], ascending=[False, False, True], ignore_index=True
    )
    rows["what_to_do"] = _what_to_do(rows, names, language)
    rows["message_hint"] = rows["action"].map({i: action.message[language] for i, action in names.items()}).fillna("")
    rows["channel"] = rows["channel"].replace(CHANNELS[language])
    rows["approval"] = _approval(rows, language)
    rows["chance_to_leave_percent"] = (rows["probability"] * 100).round(1)
    rows["last_order"] = rows["last_order_at"].dt.strftime("%Y-%m-%d")
    rows[_MONEY] = rows[_MONEY].round(2) + 0.0  # + 0.0: no "-0.0"
    return rows[list(COLUMNS)]


def _refuse_missing(rows: pd.DataFrame, indicator: str, table: str) -> None:
    """Every customer at risk must be in `table`; a gap is not filled."""
    lost = rows.loc[rows[indicator] != "both", "customer_id"]
    if len(lost):
        raise ValueError(f"{len(lost)} customers at risk are not in {table}: {reprlib.repr(lost.tolist())}")


def in_headers(listed: pd.DataFrame, language: Language, currency: str) -> pd.DataFrame:
    """The list with the headers that people read, money with its currency; pass it to `write_people_file`."""
    headers = HEADERS[language]
    return listed.rename(columns={column: headers[column].format(currency) for column in listed.columns})


def _approval(rows: pd.DataFrame, language: Language) -> pd.Series[str]:
    """What to see to before acting, for each customer; empty where nothing is."""
    asks = rows["needs_approval"] if "needs_approval" in rows else pd.Series(data=False, index=rows.index)
    return pd.Series(np.where(asks.astype(bool), NEEDS_APPROVAL[language], ""), index=rows.index, dtype="str")


def _what_to_do(rows: pd.DataFrame, names: Mapping[str, Named], language: Language) -> pd.Series[str]:
    """The name of each customer's action, or why to leave him alone."""
    words = {("", action_id): action.name[language] for action_id, action in names.items()}
    words |= {(cause, LEFT_ALONE): LEAVE_ALONE[language].format(text) for cause, text in CAUSES[language].items()}
    keys = list(zip(rows["cause"], rows["action"], strict=True))
    unknown = sorted({str(key) for key in keys if key not in words})
    if unknown:
        raise ValueError(f"decisions hold causes and actions that have no words: {reprlib.repr(unknown)}")
    return pd.Series([words[key] for key in keys], index=rows.index, dtype="str")


def _reason_columns(reasons: pd.DataFrame, language: Language) -> pd.DataFrame:
    """One row a customer: the sentences of what pushes him away most, as reason_1, reason_2, ..."""
    pushes = reasons.loc[reasons["points"] >= LEAST_POINTS, ["customer_id", "driver", "points", "sentence"]]
    pushes = pushes.sort_values(["customer_id", "points", "driver"], ascending=[True, False, True])
    pushes["place"] = pushes.groupby("customer_id").cumcount() + 1
    pushes = pushes[pushes["place"] <= REASONS_SHOWN]
    told = zip(pushes["points"], pushes["sentence"], strict=True)
    pushes["text"] = [in_words(points, sentence, language) for points, sentence in told]
    wide = pushes.set_index(["customer_id", "place"])["text"].unstack("place")  # noqa: PD010 - nothing is pooled
    wide = wide.reindex(columns=range(1, REASONS_SHOWN + 1)).astype("str")
    wide.columns = pd.Index([f"reason_{place}" for place in wide.columns])
    return wide.reset_index()


def in_words(points: float, sentence: str, language: Language = "en") -> str:
    """A reason as one phrase; it never starts with a sign that a spreadsheet would calculate.

    >>> in_words(0.2312, "Last order 41 days ago, usually every 6")
    'Adds 23 points: Last order 41 days ago, usually every 6'
    """
    shown = f"{points * 100:.0f}" if points >= 0.0995 else f"{points * 100:.1f}"
    return REASON[language].format(points=shown.replace(".", DECIMAL[language]), sentence=sentence)


def write_people_file(path: Path, frame: pd.DataFrame) -> None:
    """Write `frame` as a CSV file that is safe and convenient to open in a spreadsheet, whole or not at all.

    UTF-8 with a byte order mark, because without one Excel reads names in other scripts as gibberish.
    All text is quoted, one line a row; text that a spreadsheet would calculate, in cells or headers, gets
    a single quote in front. Numbers stay numbers. Ids and texts may thus differ from the Parquet files
    beside it, which are exact: read those in programs.
    """
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    safe = pd.concat([_safe_column(column) for column in columns], axis=1)
    safe.columns = pd.Index([safe_text(str(name)) for name in frame.columns], dtype=object)
    with store.whole_file(path) as temporary:
        safe.to_csv(temporary, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")


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
