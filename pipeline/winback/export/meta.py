"""Meta's customer list audiences. Sources: docs/export.md."""

from __future__ import annotations

import re
import unicodedata

from winback.destinations import Meta
from winback.export.addresses import Unusable, country, email, name_without_punctuation, phone, trimmed
from winback.export.destination import Column, Destination, Job, everybody, hashed_by_shop

_UNIT = re.compile(r"(?P<sector>[a-z]{1,2}\d[a-z\d]?\d)[a-z]{2}")


def digits(text: str, where: str = "") -> str:
    """A number as Meta compares it: digits alone, the country code first.

    >>> digits("(020) 7946 0018", "GB")
    '442079460018'
    """
    return phone(text, where).removeprefix("+")


def city(text: str, where: str = "") -> str:
    """A city's letters in lower case, whatever their script: no blanks, no punctuation, no figures.

    >>> city("St. Louis"), city("Санкт-Петербург")
    ('stlouis', 'санктпетербург')
    """
    del where
    return _something("".join(c for c in trimmed(text).lower() if unicodedata.category(c)[0] in "LM"))


def region(text: str, where: str = "") -> str:
    """A state or province in lower case without blanks and punctuation; of the United States its two letters.

    >>> region("CA", "US"), region("US-CA", "US"), region("New South Wales", "AU")
    ('ca', 'ca', 'newsouthwales')
    """
    plain = "".join(c for c in trimmed(text).lower() if unicodedata.category(c)[0] in "LMN")
    if where.strip().upper() != "US":
        return _something(plain)
    code = plain.removeprefix("us") if len(plain) == 4 else plain
    if len(code) != 2:
        raise Unusable("not the two letters of a state")
    return code


def zip_code(text: str, where: str = "") -> str:
    """A postcode in lower case without blanks: of the United States its first five digits, of the United Kingdom
    area, district and sector.

    >>> zip_code("94016-1234", "US"), zip_code("SW1A 1AA", "GB"), zip_code("101 30", "SE")
    ('94016', 'sw1a1', '10130')
    """
    code = _something(trimmed(text).lower().replace(" ", ""))
    if where.strip().upper() == "US":
        return code[:5]
    british = _UNIT.fullmatch(code) if where.strip().upper() in ("GB", "UK") else None
    return british["sector"] if british else code


def _something(text: str) -> str:
    if not text:
        raise Unusable("nothing is left of it")
    return text


def lower_country(text: str, other: str = "") -> str:
    """A two-letter country code in lower case."""
    return country(text, other).lower()


COLUMNS = (
    Column("email", "email", email, hashed=True),
    Column("phone", "phone", digits, hashed=True),
    Column("fn", "first_name", name_without_punctuation, hashed=True),
    Column("ln", "last_name", name_without_punctuation, hashed=True),
    Column("ct", "city", city, hashed=True),
    Column("st", "region", region, hashed=True),
    Column("zip", "postcode", zip_code, hashed=True),
    Column("country", "country", lower_country, hashed=True),
)


def meta(settings: Meta) -> Destination:
    """A customer list: whoever has an address or a number, with the names and places that help to match it."""
    columns = hashed_by_shop(COLUMNS, settings.already_hashed)
    jobs = (Job("all", columns, everybody, (("email",), ("phone",))),)
    return Destination("meta", "machine", ("ads",), jobs, max_rows=settings.rows_per_file, least_rows=100)
