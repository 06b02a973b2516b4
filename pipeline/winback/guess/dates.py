"""How the moments of a column are written, where more than one reading is possible, and what speaks for each."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_CLOCK = (
    r"(?P<clock>(?P<gap>[ T]|, ?)(?P<hour>\d{1,2}):\d{2}(?P<sec>:\d{2})?(?P<part>\.\d{1,9})?(?P<half> ?[AaPp][Mm])?)?"
)
_OFFSET = r"(?P<off> ?(Z|UTC|[+-]\d{2}:?\d{2}))?"
_ISO = re.compile(
    r"[1-9]\d{3}-\d{2}-\d{2}([ T]([01]\d|2[0-3]):\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?"
)
_NUMBERS = re.compile(rf"(?P<a>\d{{1,2}})(?P<s>[/.-])(?P<b>\d{{1,2}})(?P=s)(?P<y>\d{{4}}|\d{{2}}){_CLOCK}{_OFFSET}")
_YEAR_FIRST = re.compile(rf"(?P<y>[12]\d{{3}})(?P<s>[/.-])(?P<a>\d{{1,2}})(?P=s)(?P<b>\d{{1,2}}){_CLOCK}{_OFFSET}")
_CHINESE = re.compile(rf"(?P<y>[12]\d{{3}})年(?P<a>\d{{1,2}})月(?P<b>\d{{1,2}})日{_CLOCK}{_OFFSET}")
_PACKED = re.compile(r"(?P<y>19\d\d|20\d\d)(?P<a>0[1-9]|1[0-2])(?P<b>0[1-9]|[12]\d|3[01])")
_NAMED = re.compile(
    rf"(?P<d>\d{{1,2}})(?P<s>[ -])(?P<m>[A-Za-z]{{3,9}})\.?(?P=s)(?P<y>\d{{4}}|\d{{2}}){_CLOCK}{_OFFSET}"
)
_NAMED_FIRST = re.compile(rf"(?P<m>[A-Za-z]{{3,9}}) (?P<d>\d{{1,2}}), (?P<y>\d{{4}}){_CLOCK}{_OFFSET}")
_EPOCH = re.compile(r"1\d{9}(\d{3})?")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ISO = ""  # what the intake reads without a format


@dataclass(frozen=True)
class Dates:
    """The ways a column's values may be read as moments, likeliest first: formats, "" for ISO dates.

    `share`: of the values that are written so. `why` the first of them, in words; `open` where nothing decides.
    `timed`: whether they tell a time of day; `offset`: whether the zone. `epoch`: they count seconds since 1970.
    """

    formats: tuple[str, ...]
    share: float
    why: str
    open: bool = False
    timed: bool = False
    offset: bool = False
    epoch: bool = False


NONE = Dates((), 0.0, "")


def dates_of(values: Sequence[str], today: dt.date) -> Dates:
    """How these texts, in the order of the file, are written as moments; no formats where most are none."""
    if not values:
        return NONE
    shapes = Counter(_shape(value) for value in values)
    (shape, count), share = shapes.most_common(1)[0], 0.0
    share = count / len(values)
    if shape is None or share < 0.5:
        return NONE
    if shape == "iso":
        rest = [value for value in values if _ISO.fullmatch(value)]
        return Dates((ISO,), share, "year, month, day", **_told(rest))
    if shape == "epoch":
        return Dates((), share, "seconds since 1970", epoch=True)
    fitting = [value for value in values if _shape(value) == shape]
    if "#a" in shape:
        return _of_two_readings(shape, fitting, share, today)
    return Dates((shape,), share, "only one way to read them", **_told(fitting))


def _told(values: Sequence[str]) -> dict[str, bool]:
    """Whether there is a time of day, other than midnight everywhere, and an offset."""
    clocks = {match[0] for value in values if (match := re.search(r"\d{1,2}:\d{2}.*", value))}
    offset = sum(bool(re.search(r":\d{2}(\.\d+)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)$", value)) for value in values)
    return {"timed": len(clocks) > 1, "offset": bool(values) and offset == len(values)}


def _shape(value: str) -> str | None:
    """The format of one value; #a and #b stand for day and month in an order that is not told."""
    if _ISO.fullmatch(value):
        return "iso"
    if found := _NUMBERS.fullmatch(value):
        year = "%Y" if len(found["y"]) == 4 else "%y"
        return f"#a{found['s']}#b{found['s']}{year}{_clock(found)}"
    if found := _YEAR_FIRST.fullmatch(value) or _CHINESE.fullmatch(value):
        first, second, end = (found["s"], found["s"], "") if "s" in found.groupdict() else ("年", "月", "日")
        return f"%Y{first}%m{second}%d{end}{_clock(found)}"
    if _PACKED.fullmatch(value) or _EPOCH.fullmatch(value):
        return "%Y%m%d" if len(value) == 8 else "epoch"
    found = _NAMED.fullmatch(value) or _NAMED_FIRST.fullmatch(value)
    return _named(found) if found and found["m"][:3].lower() in MONTHS else None


def _named(found: re.Match[str]) -> str:
    month = "%b" if len(found["m"]) == 3 else "%B"
    if "s" not in found.groupdict():
        return f"{month} %d, %Y{_clock(found)}"
    return f"%d{found['s']}{month}{found['s']}{'%Y' if len(found['y']) == 4 else '%y'}{_clock(found)}"


def _clock(found: re.Match[str]) -> str:
    """The format of the time of day and its offset."""
    if not found["clock"]:
        return ""
    half = found["half"]
    hour = "%I" if half else "%H"
    shown = f"{found['gap']}{hour}:%M{':%S' if found['sec'] else ''}{'.%f' if found['part'] else ''}"
    return f"{shown}{half[:-2] + '%p' if half else ''}{_offset(found['off'])}"


def _offset(off: str | None) -> str:
    return "" if not off else f"{' ' if off.startswith(' ') else ''}%{'z' if off.strip()[0] in '+-' else 'Z'}"


def _of_two_readings(shape: str, values: Sequence[str], share: float, today: dt.date) -> Dates:
    """Day and month in one order or the other: what decides, or that nothing does."""
    day_first, month_first = (shape.replace("#a", a).replace("#b", b) for a, b in (("%d", "%m"), ("%m", "%d")))
    pairs = [(int(m["a"]), int(m["b"]), int(m["y"])) for value in values if (m := _NUMBERS.fullmatch(value))]
    told = _told(values)
    firsts, seconds = sum(a > 12 for a, _, _ in pairs), sum(b > 12 for _, b, _ in pairs)
    if firsts or seconds:
        best = day_first if firsts >= seconds else month_first
        most = max(firsts, seconds)
        where = "first" if firsts >= seconds else "second"
        why = f"{most:,} of {len(values):,} have a number above 12 in the {where} place, which no month has"
        if min(firsts, seconds):
            return Dates((best,), share * (1 - min(firsts, seconds) / len(values)), why, **told)
        return Dates((best,), share, why, **told)
    return _undecided((day_first, month_first), pairs, (share, today), told)


def _undecided(
    formats: tuple[str, str], pairs: Sequence[tuple[int, int, int]], about: tuple[float, dt.date], told: dict[str, bool]
) -> Dates:
    """No number is above 12: the order of the rows, or a date that would lie ahead, may still decide."""
    share, today = about
    days = [[_ordinal(y, b, a) for a, b, y in pairs], [_ordinal(y, a, b) for a, b, y in pairs]]
    ahead = [sum(day > today.toordinal() for day in each) for each in days]
    for way in (0, 1):
        if ahead[1 - way] and not ahead[way]:
            why = f"read the other way, {ahead[1 - way]:,} of {len(pairs):,} would lie ahead of {today}"
            return Dates((formats[way], formats[1 - way]), share, why, **told)
    back = [sum(b < a for a, b in pairwise(each)) for each in days]
    for way in (0, 1):
        if len(set(pairs)) >= 5 and not back[way] and back[1 - way] > 2:
            why = f"read so the rows are in order of time; the other way they go back {back[1 - way]:,} times"
            return Dates((formats[way], formats[1 - way]), share, why, **told)
    return Dates(formats, share, "no number is above 12, so day and month cannot be told apart", open=True, **told)


def _ordinal(year: int, month: int, day: int) -> int:
    """The day's number; a year of two digits is of this century up to 68, as in POSIX."""
    full = year if year > 99 else year + (2000 if year < 69 else 1900)
    try:
        return dt.date(full, month, day).toordinal()
    except ValueError:
        return dt.date(full, month, 28).toordinal() if 1 <= month <= 12 else 0
