"""Addresses, numbers and names as given -> as a destination wants them, or why it cannot have them.

A reason never repeats what was given, so that it may be shown and kept.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers

from winback.export.e164 import is_valid

_BLANKS = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NO_NUMBER = "no such number in its country"
# ISO 3166 says GB; many shops say UK.
_COUNTRIES = {"UK": "GB"}


class Unusable(ValueError):
    """Why a value cannot be sent, without the value."""


def trimmed(text: str) -> str:
    """One spelling of a text: composed characters, nothing invisible at its ends, one blank between words."""
    if text.isascii():  # nothing to compose, and no blank but those of split: the same, in a tenth of the time
        return " ".join(text.split())
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip()


def email(text: str, country: str = "") -> str:
    """An e-mail address in lower case; Unusable where it is none.

    >>> email("  Jane.Doe+promo@Example.ORG ")
    'jane.doe+promo@example.org'
    """
    del country
    address = trimmed(text).lower()
    if " " in address:
        raise Unusable("a blank inside the address")
    return _checked(address)


def email_without_blanks(text: str, country: str = "") -> str:
    """The same where a platform's rule is to take blanks out, wherever they are."""
    del country
    return _checked(trimmed(text).lower().replace(" ", ""))


def _checked(address: str) -> str:
    """`address`, if it has the form of one."""
    user, at, domain = address.partition("@")
    if not at or "@" in domain:
        raise Unusable("not exactly one @")
    if not user or "." not in domain or not all(domain.split(".")):
        raise Unusable("not of the form name@domain.top")
    if len(address) > 254 or _CONTROL.search(address):
        raise Unusable("longer than 254 characters, or with control characters")
    return address


def country(text: str, other: str = "") -> str:
    """A two-letter country code, upper case.

    >>> country("de"), country("UK")
    ('DE', 'GB')
    """
    del other
    code = trimmed(text).upper()
    code = _COUNTRIES.get(code, code)
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Unusable("not a two-letter country code")
    return code


def phone(text: str, where: str = "") -> str:
    """A number as E.164 writes it, completed by the country where it has no country code.

    >>> phone("020 7946 0018", "GB"), phone("+44 20 7946 0018")
    ('+442079460018', '+442079460018')
    """
    given = trimmed(text)
    valid = is_valid(given)
    if valid is None:
        return _read(given, where)
    if not valid:
        raise Unusable(_NO_NUMBER)
    return given


def _read(given: str, where: str) -> str:
    """What the library makes of a number, completed by the country where it has no country code."""
    if not where and not given.startswith(("+", "\uff0b")):
        raise Unusable("no country code and no country to complete it by")
    try:
        number = phonenumbers.parse(given, _known_country(where))
    except phonenumbers.NumberParseException as error:
        raise Unusable("not a telephone number") from error
    if not phonenumbers.is_valid_number(number):
        raise Unusable(_NO_NUMBER)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=512)
def _known_country(text: str) -> str | None:
    """The code of a country, None where it is none: a number with a country code needs none."""
    try:
        return country(text)
    except Unusable:
        return None


def name(text: str, where: str = "") -> str:
    """A name with no blanks at its ends, in lower case, whatever its script.

    >>> name("  O'Neil "), name("Анна"), name("李")
    ("o'neil", 'анна', '李')
    """
    del where
    return _something(trimmed(text).lower())


def name_without_punctuation(text: str, where: str = "") -> str:
    """A name in lower case without punctuation, its letters kept whatever their script.

    >>> name_without_punctuation("O'Neil"), name_without_punctuation("Анна-Мария")
    ('oneil', 'аннамария')
    """
    del where
    letters = "".join(c for c in trimmed(text).lower() if not unicodedata.category(c).startswith("P"))
    return _something(trimmed(letters))


def as_given(text: str, where: str = "") -> str:
    """A text for people: only its blanks are put in order."""
    del where
    return _something(trimmed(text))


def _something(text: str) -> str:
    """The hash of nothing would be the same for everybody."""
    if not text:
        raise Unusable("nothing is left of it")
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise Unusable("looks hashed already; say so in already_hashed")
    return text
