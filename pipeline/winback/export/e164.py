"""Whether a number written as E.164 is one as it stands, by the library's metadata and in a tenth of its time.

The library reads whatever people type; of a number that is written out already only its last question is left, whether
the patterns of a region hold it. Here each region's patterns are put together once. `tests/test_export_speed.py` holds
this to the library.
"""

from __future__ import annotations

import re
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_PLAIN = re.compile(r"\+[1-9][0-9]{6,14}")
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager"),
    *("uan", "voicemail"),
)
_NONE = re.compile("(?!)")


def is_valid(number: str) -> bool | None:
    """Whether "+442079460018" is a number; None where it is not written so plainly that it is read as it stands."""
    if not _PLAIN.fullmatch(number):
        return None
    size = next((size for size in (1, 2, 3) if int(number[1 : 1 + size]) in COUNTRY_CODE_TO_REGION_CODE), 0)
    code, national = number[1 : 1 + size], number[1 + size :]
    if not size or national.startswith("0") or _prefix(int(code)).match(national):
        return None
    return _holds(int(code), national)


def _holds(code: int, national: str) -> bool:
    """Whether the first region of this country code that claims a number knows it."""
    for region, first in _regions(code):
        if first is None or first.match(national):
            known = bool(_patterns(code, region, len(national)).fullmatch(national))
            if known or first is not None:
                return known
    return False


@lru_cache(maxsize=512)
def _prefix(code: int) -> re.Pattern[str]:
    """What may be taken off a national number: a 0 for calls inside the country, or the number of a carrier."""
    told = getattr(_told(code, COUNTRY_CODE_TO_REGION_CODE[code][0]), "national_prefix_for_parsing", None)
    return re.compile(told) if told else _NONE


@lru_cache(maxsize=512)
def _regions(code: int) -> list[tuple[str, re.Pattern[str] | None]]:
    """The regions of a country code in the library's order, and the digits by which some of them claim a number."""
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    first = [getattr(_told(code, region), "leading_digits", None) if len(regions) > 1 else None for region in regions]
    return [(region, re.compile(each) if each else None) for region, each in zip(regions, first, strict=True)]


@lru_cache(maxsize=8192)
def _patterns(code: int, region: str, length: int) -> re.Pattern[str]:
    """The patterns of all kinds of numbers of so many digits that a region has."""
    told = _told(code, region)
    whole, *kinds = [getattr(told, name) for name in ("general_desc", *_KINDS)]
    fit = [_pattern(kind, length) for kind in kinds if _pattern(kind, length)]
    if not fit or not _pattern(whole, length):
        return _NONE
    return re.compile(f"(?=(?:{_pattern(whole, length)})$)(?:{'|'.join(fit)})")


def _pattern(kind: object, length: int) -> str:
    """The pattern of one kind of numbers; empty where it has none of so many digits."""
    lengths = getattr(kind, "possible_length", ())
    return str(getattr(kind, "national_number_pattern", None) or "") if not lengths or length in lengths else ""


def _told(code: int, region: str) -> PhoneMetadata | None:
    """What the library knows of a region."""
    return PhoneMetadata.metadata_for_region_or_calling_code(code, region)
