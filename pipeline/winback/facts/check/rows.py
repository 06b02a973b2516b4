"""Where the rows of each source went: used, the same row again, left out by a rule, refused and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from winback.config import Source
from winback.facts.check.findings import Finding, of_all, percent
from winback.facts.intake.ingest import Accounting

MANY_DUPLICATES = 0.05
WORTH_A_WARNING = 0.001

_SHAPE = "Look at the line: is the delimiter right, is a quote left open?"
_NUMBER = "Numbers are written plainly, such as 1234.50: take out currency signs and the marks between thousands."
# What to do, by the beginning of a reason's code; the longest that fits is taken.
ADVICE: Mapping[str, str] = {
    "": "Correct the file or its mapping; the quarantine has each row with its file, line and reason.",
    "missing_customer_id": "If these are sales to unknown guests, that is right and they can be left out by a rule.",
    "missing": "Fill the column in the source, or map another one that is always filled.",
    "bad_date": 'If the dates are no ISO dates, tell how they are written: date_format = "%d.%m.%Y".',
    "bad_recorded_at": 'If the dates are no ISO dates, tell how they are written: date_format = "%d.%m.%Y".',
    "bad": _NUMBER,
    "bad_encoding": 'Tell how the file is written, such as encoding = "cp1252".',
    "bad_quote": _SHAPE,
    "open_quote": _SHAPE,
    "ragged": _SHAPE,
    "too_many": _SHAPE,
    "repeated": "Write each key of a JSON line once.",
    "deep": "Flatten the nested values before they are read.",
    "unknown": "Map the words of the file onto those of the contract, or correct them.",
    "other_currency": "Amounts are in one currency: convert them in the source, or give each currency its own project.",
    "unknown_currency": "Amounts are in one currency: convert them in the source, or give each currency its "
    "own project.",
    "future": "Is the time zone right, or day and month swapped? A row is taken in once its date has passed.",
    "recorded_before": "One of the two columns is in another time zone, or they are swapped.",
    "ancient": "Such dates stand for an unknown one: leave them empty, or leave the rows out by a rule.",
    "negative": "Look whether the sign is turned round, or a return is written in the wrong column.",
    "impossible": "Look whether another column (an id, a phone number) is mapped as the amount.",
    "ended_before": "The two columns are swapped, or an unknown end is written as a date long ago: leave it empty.",
    "resolved_before": "The two columns are swapped, or in different time zones.",
    "conflicting": 'The id is not one of its own a row. If rows are lines of orders: grain = "line".',
}


def check_rows(count: Accounting, source: Source, quarantine: pd.DataFrame) -> Iterator[Finding]:
    """The accounting of one source; `quarantine`: its refused rows, with file, line and reason."""
    if not count.rows_in:
        yield Finding(
            count.table, "", "error", "no_rows", "the source has no rows",
            f"Look whether {source.path} is the right file and was written to the end.", 0,
        )  # fmt: skip
        return
    if not count.accepted:
        yield Finding(
            count.table, "", "error", "nothing_accepted", f"none of the {count.rows_in:,} rows can be used",
            "The mapping or the format is wrong; the reasons are below.", 0, 0.0,
        )  # fmt: skip
    elif count.quarantined > source.max_bad_share * count.rows_in:
        yield Finding(
            count.table, "", "error", "too_many_bad_rows",
            f"{of_all(count.quarantined, count.rows_in, 'rows')} cannot be used; max_bad_share allows "
            f"{percent(source.max_bad_share)}: a run stops here",
            "Mend the reasons below, or raise max_bad_share if the rows may be left out.",
            count.quarantined, count.quarantined / count.rows_in,
        )  # fmt: skip
    yield from _duplicates(count)
    yield from _left_out(count)
    yield from _reasons(count, quarantine)


def _duplicates(count: Accounting) -> Iterator[Finding]:
    if count.duplicates:
        share = count.duplicates / count.rows_in
        yield Finding(
            count.table, "", "warning" if share >= MANY_DUPLICATES else "note", "duplicates",
            f"{of_all(count.duplicates, count.rows_in, 'rows')} say the same as another and count once",
            'If two equal rows can be two deeds, map a column that tells them apart, or set duplicates = "keep".',
            count.duplicates, share,
        )  # fmt: skip


def _left_out(count: Accounting) -> Iterator[Finding]:
    """Rows that rules of the configuration leave out."""
    for rule, rows in count.left_out.items():
        yield Finding(
            count.table, "", "note", "left_out",
            f"{of_all(rows, count.rows_in, 'rows')} are left out by the rule {rule}",
            "As the configuration wants it.", rows, rows / count.rows_in,
        )  # fmt: skip


def _reasons(count: Accounting, quarantine: pd.DataFrame) -> Iterator[Finding]:
    for reason, rows in sorted(count.reasons.items(), key=lambda item: (-item[1], item[0])):
        first = quarantine[quarantine["reason"] == reason].head(1)
        where = f"; the first is line {first['line'].iloc[0]:,} of {first['file'].iloc[0]}" if len(first) else ""
        share = rows / count.rows_in
        yield Finding(
            count.table, "", "warning" if share >= WORTH_A_WARNING else "note", f"refused_{reason}",
            f"{of_all(rows, count.rows_in, 'rows')} are refused as {reason}{where}",
            advice_for(reason), rows, share,
        )  # fmt: skip


def advice_for(reason: str) -> str:
    """What to do about rows refused for a reason."""
    return ADVICE[max((code for code in ADVICE if reason.startswith(code)), key=len)]
