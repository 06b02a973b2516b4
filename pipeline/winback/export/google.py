"""Google Customer Match: a CSV upload of the Data Manager or of Google Ads. Sources: docs/export.md."""

from __future__ import annotations

import pandas as pd

from winback.destinations import Google
from winback.export.addresses import country, email_without_blanks, name, phone, trimmed
from winback.export.destination import Column, Destination, Job, hashed_by_shop

_GMAIL = {"gmail.com", "googlemail.com"}
# Where Google asks for a recorded consent: the EEA, the United Kingdom and Switzerland.
NEED_CONSENT = frozenset(
    "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
ADDRESS = ("First Name", "Last Name", "Country", "Zip")


def email(text: str, where: str = "") -> str:
    """An address as Google compares it: at its own mail the dots and what follows a + do not count.

    >>> email("Jane.Doe+promo@Gmail.com"), email("Jane.Doe+promo@example.org")
    ('janedoe@gmail.com', 'jane.doe+promo@example.org')
    """
    user, _, domain = email_without_blanks(text, where).partition("@")
    if domain in _GMAIL:
        user = user.partition("+")[0].replace(".", "") or user
    return f"{user}@{domain}"


def postcode(text: str, where: str = "") -> str:
    """A postcode, trimmed only."""
    del where
    return trimmed(text)  # of a blank only, nothing is left, and the address is not sent


COLUMNS = (
    Column("Email", "email", email, hashed=True),
    Column("Phone", "phone", phone, hashed=True),
    Column("First Name", "first_name", name, hashed=True),
    Column("Last Name", "last_name", name, hashed=True),
    Column("Country", "country", country),
    Column("Zip", "postcode", postcode),
)
NEEDS = (("Email",), ("Phone",), ADDRESS)


def google(settings: Google) -> Destination:
    """Customer Match: one job for each state of consent, since a job has one."""
    columns = hashed_by_shop(COLUMNS, settings.already_hashed)

    def granted(people: pd.DataFrame) -> pd.Series[bool]:
        if settings.consent == "may_ads":
            return pd.Series(True, index=people.index)
        return _is(people, "ad_user_data", True) & _is(people, "ad_personalization", True)

    def unspecified(people: pd.DataFrame) -> pd.Series[bool]:
        free = set(settings.unspecified_countries) - NEED_CONSENT
        silent = ~_is(people, "ad_user_data", False) & ~_is(people, "ad_personalization", False)
        return silent & people["country"].fillna("").str.strip().str.upper().isin(free)

    jobs = (
        Job("granted", columns, granted, NEEDS, ADDRESS),
        Job("unspecified", columns, unspecified, NEEDS, ADDRESS),
    )
    return Destination("google", "machine", ("ads",), jobs, "no_ad_consent", settings.rows_per_file, least_rows=100)


def _is(people: pd.DataFrame, column: str, value: bool) -> pd.Series[bool]:
    """Who said exactly this; nobody where nothing was said."""
    if column not in people:
        return pd.Series(False, index=people.index)
    return (people[column].astype("boolean") == value).fillna(False).astype(bool)
