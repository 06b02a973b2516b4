"""Meta's customer list audiences. Sources: docs/export.md."""

from __future__ import annotations

from winback.destinations import Meta
from winback.export.addresses import Unusable, country, email, name_without_punctuation, phone, trimmed
from winback.export.destination import Column, Destination, Job, everybody, hashed_by_shop


def digits(text: str, where: str = "") -> str:
    """A number as Meta compares it: digits alone, the country code first.

    >>> digits("(020) 7946 0018", "GB")
    '442079460018'
    """
    return phone(text, where).removeprefix("+")


def zip_code(text: str, where: str = "") -> str:
    """A postcode in lower case without blanks; of the United States its first five digits.

    >>> zip_code("94016-1234", "US"), zip_code("SW1A 1AA", "GB")
    ('94016', 'sw1a1aa')
    """
    code = trimmed(text).lower().replace(" ", "")
    if where.strip().upper() == "US":
        code = code[:5]
    if not code:
        raise Unusable("nothing is left of it")
    return code


def lower_country(text: str, other: str = "") -> str:
    """A two-letter country code in lower case."""
    return country(text, other).lower()


COLUMNS = (
    Column("email", "email", email, hashed=True),
    Column("phone", "phone", digits, hashed=True),
    Column("fn", "first_name", name_without_punctuation, hashed=True),
    Column("ln", "last_name", name_without_punctuation, hashed=True),
    Column("zip", "postcode", zip_code, hashed=True),
    Column("country", "country", lower_country, hashed=True),
)


def meta(settings: Meta) -> Destination:
    """A customer list: whoever has an address or a number, with the names and the country that help to match it."""
    columns = hashed_by_shop(COLUMNS, settings.already_hashed)
    jobs = (Job("all", columns, everybody, (("email",), ("phone",))),)
    return Destination("meta", "machine", ("ads",), jobs, max_rows=settings.rows_per_file, least_rows=100)
