"""TikTok's customer file audiences. Its pages differ in the rules; docs/export.md says which one is followed."""

from __future__ import annotations

from winback.destinations import TikTok
from winback.export.addresses import email_without_blanks, phone
from winback.export.destination import Column, Destination, Job, everybody, hashed_by_shop

COLUMNS = (
    Column("Email_SHA256", "email", email_without_blanks, hashed=True),
    Column("Phone_SHA256", "phone", phone, hashed=True),
)


def tiktok(settings: TikTok) -> Destination:
    """A customer file of hashed addresses and numbers."""
    jobs = (
        Job("all", hashed_by_shop(COLUMNS, settings.already_hashed), everybody, tuple((c.header,) for c in COLUMNS)),
    )
    return Destination("tiktok", "machine", ("ads",), jobs, max_rows=settings.rows_per_file, least_rows=1000)
