"""Klaviyo's list import: one file of e-mail profiles, one of SMS profiles. Sources: docs/export.md."""

from __future__ import annotations

import pandas as pd

from winback.destinations import Klaviyo
from winback.export.addresses import email, phone
from winback.export.destination import Column, Destination, Job, Takes
from winback.export.files import told

MAX_BYTES = 50_000_000
EMAIL = Column("Email", "email", email)
PHONE = Column("Phone Number", "phone", phone, signed=True)
NAMES = (told("first_name", "First Name"), told("last_name", "Last Name"))


def klaviyo(settings: Klaviyo) -> Destination:
    """One job for each channel, since the address of the channel comes first in a file."""
    mine = tuple(told(field, f"winback_{field}") for field in settings.columns)
    headers = ("Email Marketing Consent", "SMS Marketing Consent") if settings.consent_columns else ()
    consent = tuple(Column(header, "customer_id", _subscribe) for header in headers)
    jobs = tuple(
        Job(channel, (address, *NAMES, *said, *mine), _by(channel), ((address.header,),), removed_by=(address,))
        for channel, address, said in (("email", EMAIL, consent[:1]), ("sms", PHONE, consent[1:]))
    )
    return Destination("klaviyo", "machine", ("email", "sms"), jobs, max_bytes=MAX_BYTES)


def _subscribe(text: str, where: str = "") -> str:
    """Whoever is sent may be contacted."""
    del text, where
    return "Subscribe"


def _by(channel: str) -> Takes:
    def takes(people: pd.DataFrame) -> pd.Series[bool]:
        return people["channel"] == channel

    return takes
