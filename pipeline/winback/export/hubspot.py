"""HubSpot's contact import. Sources: docs/export.md."""

from __future__ import annotations

from winback.destinations import HubSpot
from winback.export.addresses import email, phone
from winback.export.destination import Column, Destination, Job, everybody
from winback.export.files import CHANNELS, told

# By what the account pays: rows of a file, bytes of a file.
LIMITS = {"free": (500_000, 20_000_000), "paid": (1_048_575, 512_000_000)}
EMAIL = Column("Email", "email", email)
COLUMNS = (
    EMAIL,
    told("first_name", "First Name"),
    told("last_name", "Last Name"),
    Column("Phone Number", "phone", phone, signed=True),
)


def hubspot(settings: HubSpot) -> Destination:
    """Contacts to import, found by their address."""
    mine = tuple(told(field, f"winback_{field}") for field in settings.columns)
    rows, size = LIMITS[settings.plan]
    jobs = (Job("all", (*COLUMNS, *mine), everybody, (("Email",),), removed_by=(EMAIL,)),)
    return Destination("hubspot", "machine", CHANNELS, jobs, max_rows=rows, max_bytes=size)
