"""SQL expressions that turn a column of any type into the value a contract asks for, or NULL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from winback.facts.intake.contracts import MISSING, Kind
from winback.store import literal

_FLOATS = ("DOUBLE", "FLOAT")
_WHOLE = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)
_MOMENTS = ("TIMESTAMP", "DATE")
_PLAIN_NUMBER = literal(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_DAY = r"[1-9]\d{3}-\d{2}-\d{2}"
_CLOCK = r"[ T]([01]\d|2[0-3]):\d{2}(:\d{2}(\.\d{1,9})?)?"
_ISO_LOCAL = literal(f"{_DAY}({_CLOCK})?")
_ISO_OFFSET = literal(rf"{_DAY}{_CLOCK} ?(Z|UTC|[+-]\d{{2}}(:?\d{{2}})?)")
_BLANKS = literal(" \t\v\f\r\n\u00a0\ufeff")
# From a million million on an amount is a mistake, and its cents could not be added up safely.
_TOO_MUCH = "1000000000000"
_FACTOR = "DECIMAL(18, 6)"
_YES, _NO = ("1", "true", "t", "yes", "y"), ("0", "false", "f", "no", "n")
NUMBERS: frozenset[Kind] = frozenset({"cents", "count", "number"})
_MONTH = "(0?[1-9]|1[0-2])"
_FIRST_DAY, _LAST_DAY = "TIMESTAMP '0001-01-03'", "TIMESTAMP '9999-12-29'"


def tidy(column: str, kind: str, wanted: Kind = "text") -> tuple[str, str]:
    """The column as trimmed text (whole numbers as their digits), or as it is if that can be reckoned with.

    Beside the expression, the type it has.
    """
    if wanted in NUMBERS and (kind in _FLOATS or kind in _WHOLE or kind.startswith("DECIMAL")):
        return column, kind
    if wanted in ("moment", "expiry") and kind.startswith(_MOMENTS):
        return column, kind
    if kind in _FLOATS:
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        digits = f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN {whole} THEN {digits} ELSE CAST({column} AS VARCHAR) END", "VARCHAR"
    if kind in _WHOLE:
        return f"CAST({column} AS VARCHAR)", "VARCHAR"
    text = column if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"
    # Trimming a set of characters is slow, so it is left out where neither end can be one of them.
    plain = " AND ".join(f"ascii({end}) BETWEEN 33 AND 126" for end in (text, f"right({text}, 1)"))
    return f"CASE WHEN {plain} THEN {text} ELSE trim({text}, {_BLANKS}) END", "VARCHAR"


def present(column: str, kind: str) -> str:
    """A tidy column, with NULL for what programs write for nothing."""
    if kind in _FLOATS:
        # isnan would be answered from a Parquet file's statistics, which leave NaN out: it would never be true.
        return f"CASE WHEN isfinite({column}) OR isinf({column}) THEN {column} END"
    if kind != "VARCHAR":
        return column
    return f"CASE WHEN {column} IN ({', '.join(map(literal, MISSING))}) THEN NULL ELSE {column} END"


def cents(column: str, kind: str) -> str:
    """Whole cents, halves away from zero; NULL for what is no plain number."""
    if kind in _FLOATS:
        rounded = f"CAST(round(CAST({column} AS DOUBLE) * 100) AS BIGINT)"
        return f"CASE WHEN abs({column}) < {_TOO_MUCH} THEN {rounded} END"
    exact = f"TRY_CAST({column} AS DECIMAL(15, 2))"
    plain = f"regexp_full_match({column}, {_PLAIN_NUMBER}) AND " if kind == "VARCHAR" else ""
    return f"CASE WHEN {plain}abs({exact}) < {_TOO_MUCH} THEN CAST({exact} * 100 AS BIGINT) END"


def thousandths(column: str, kind: str) -> str:
    """A count with three decimals, halves away from zero; NULL for what is no plain number."""
    exact = f"TRY_CAST({column} AS DECIMAL(15, 3))"
    plain = f"regexp_full_match({column}, {_PLAIN_NUMBER}) AND " if kind == "VARCHAR" else ""
    return f"CASE WHEN {plain}abs({exact}) < {_TOO_MUCH} THEN {exact} END"


def number(column: str, kind: str) -> str:
    """A finite double; NULL for what is no plain number."""
    double = f"TRY_CAST({column} AS DOUBLE)"
    plain = f"regexp_full_match({column}, {_PLAIN_NUMBER}) AND " if kind == "VARCHAR" else ""
    return f"CASE WHEN {plain}isfinite({double}) THEN {double} END"


def factor(column: str, kind: str) -> str:
    """One number of a product, exact to the sixth decimal; NULL for what is no plain number or too large for one."""
    exact = f"TRY_CAST({column} AS {_FACTOR})"
    if kind in _FLOATS:
        return f"CASE WHEN abs({column}) < {_TOO_MUCH} THEN {exact} END"
    plain = f"regexp_full_match({column}, {_PLAIN_NUMBER}) AND " if kind == "VARCHAR" else ""
    return f"CASE WHEN {plain}abs({exact}) < {_TOO_MUCH} THEN {exact} END"


def product(factors: Sequence[str], wanted: Kind) -> str:
    """The product of factors as `wanted`, halves away from zero; NULL where it is a million million or more.

    It is reckoned in doubles first, which tell whether the exact reckoning fits.
    """
    rough = " * ".join(f"CAST({each} AS DOUBLE)" for each in factors)
    if wanted == "number":
        return rough
    total = f"CAST({factors[0]} AS DECIMAL(38, 6))"
    for number, each in enumerate(factors[1:]):
        total = f"CAST({total} AS DECIMAL(38, 9)) * {each}" if number else f"{total} * {each}"
    exact = f"TRY(CAST({total} AS DECIMAL(15, {2 if wanted == 'cents' else 3})))"
    value = f"CAST({exact} * 100 AS BIGINT)" if wanted == "cents" else exact
    return f"CASE WHEN abs({rough}) < {_TOO_MUCH} THEN {value} END"


def too_large(column: str, kind: str) -> str:
    """Whether a value that could not be read is a plain number all the same: it is too large for one."""
    if kind == "VARCHAR":
        plain = f"regexp_full_match({column}, {_PLAIN_NUMBER})"
        return f"{plain} AND coalesce(abs(TRY_CAST({column} AS DOUBLE)) >= {_TOO_MUCH}, true)"
    return f"isfinite({column})" if kind in _FLOATS else f"TRY_CAST({column} AS DOUBLE) IS NOT NULL"


def flag(column: str) -> str:
    """0 or 1; NULL for what is neither a yes nor a no."""
    word = f"lower({column})"
    return f"CASE WHEN {word} IN {_YES} THEN 1 WHEN {word} IN {_NO} THEN 0 END"


def word(column: str, words: Sequence[str]) -> str:
    """One of the words, however its letters are written; NULL for any other."""
    listed = ", ".join(map(literal, words))
    return f"CASE WHEN lower({column}) IN ({listed}) THEN lower({column}) END"


def period(column: str) -> str:
    """An ISO 8601 period of one unit, weeks as days (P1M, P1Y, P7D); NULL for any other."""
    days = f"'P' || 7 * TRY_CAST(regexp_extract({column}, '[0-9]+') AS INTEGER) || 'D'"
    return (
        f"CASE WHEN regexp_full_match({column}, 'P[1-9][0-9]{{0,3}}[DMY]') THEN {column} "
        f"WHEN regexp_full_match({column}, 'P[1-9][0-9]{{0,2}}W') THEN {days} END"
    )


def expiry(column: str, kind: str, zone: str, date_format: str | None) -> str:
    """The midnight in `zone` that begins the last day of a month such as 12/27, or a moment as any other."""
    as_moment = moment(column, kind, zone, date_format)
    if kind != "VARCHAR":
        return as_moment

    def last(month: str) -> str:
        return _in_zone(f"CAST(last_day(CAST(TRY_CAST({month} || '-01' AS DATE) AS DATE)) AS TIMESTAMP)", zone)

    month, year = (f"split_part({column}, '/', {i})" for i in (1, 2))
    short, long = last(f"'20' || {year} || '-' || {month}"), last(f"{year} || '-' || {month}")
    return (
        f"CASE WHEN regexp_full_match({column}, '{_MONTH}/[0-9]{{2}}') THEN {short} "
        f"WHEN regexp_full_match({column}, '{_MONTH}/20[0-9]{{2}}') THEN {long} "
        f"WHEN regexp_full_match({column}, '20[0-9]{{2}}-{_MONTH}') THEN {last(column)} ELSE {as_moment} END"
    )


def moment(column: str, kind: str, zone: str, date_format: str | None) -> str:
    """A point in time; stamps without an offset are wall time in `zone`, a day is its midnight there.

    A wall time that a clock change skips or repeats is read with the offset ICU gives it: a skipped
    one with the offset from before the change, a repeated one as its second occurrence.
    """
    if kind.startswith("TIMESTAMP") and kind.endswith("WITH TIME ZONE"):
        return _within(f"TRY_CAST({column} AS TIMESTAMPTZ)", f"TRY_CAST({column} AS TIMESTAMPTZ)")
    if kind.startswith(_MOMENTS):
        return _within(f"TRY_CAST({column} AS TIMESTAMP)", _in_zone(f"TRY_CAST({column} AS TIMESTAMP)", zone))
    text = column if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"
    if date_format is not None:
        parsed = f"try_strptime({text}, {literal(date_format)})"
        return _within(parsed, parsed if has_offset(date_format) else _in_zone(parsed, zone))
    # The engine wants the offset right after the time and knows UTC as Z; a day and its time may be apart.
    local = _in_zone(f"TRY_CAST({text} AS TIMESTAMP)", zone)
    joined = f"substr({text}, 1, 11) || replace(replace(substr({text}, 12), ' ', ''), 'UTC', 'Z')"
    return (
        f"CASE WHEN regexp_full_match({text}, {_ISO_LOCAL}) THEN {local} "
        f"WHEN regexp_full_match({text}, {_ISO_OFFSET}) THEN TRY_CAST({joined} AS TIMESTAMPTZ) END"
    )


def can_read_days(date_format: str) -> bool:
    """Whether a format is one the engine parses with, and tells year, month and day."""
    codes = set(re.findall("%-?(.?)", date_format, re.DOTALL))
    days = codes & {"Y", "y"} and ("j" in codes or (codes & {"m", "b", "B"} and "d" in codes))
    return bool(days) and codes <= set("aAbBdfgHIjmMnpSyYzZ%")


def has_offset(date_format: str) -> bool:
    """Whether a format reads the offset or zone from the text itself."""
    bare = date_format.replace("%%", "")
    return "%z" in bare or "%Z" in bare


def _in_zone(local: str, zone: str) -> str:
    return f"({local} AT TIME ZONE {literal(zone)})"


def _within(checked: str, value: str) -> str:
    """`value` for days of the common calendar; NULL for infinity and for years no clock can show."""
    return f"CASE WHEN {checked} BETWEEN {_FIRST_DAY} AND {_LAST_DAY} THEN {value} END"
