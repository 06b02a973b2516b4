"""Mailchimp's contact import. Sources: docs/export.md."""

from __future__ import annotations

from winback.destinations import Mailchimp
from winback.export.addresses import Unusable, as_given, email
from winback.export.destination import Column, Destination, Job, everybody
from winback.export.files import told
from winback.export.hashing import md5_of

MAX_TEXT_BYTES = 255


def address(text: str, where: str = "") -> str:
    """An address that Mailchimp takes: other scripts only after the @."""
    found = email(text, where)
    if not found.partition("@")[0].isascii():
        raise Unusable("letters before the @ that Mailchimp does not take")
    return found


def member_id(text: str, where: str = "") -> str:
    """What Mailchimp's API calls a contact by: the MD5 of the address in lower case.

    >>> member_id("Urist.McVankab@freddiesjokes.com")
    '62eeb292278cc15f5817cb78f7790b08'
    """
    return md5_of(address(text, where))


def short(text: str, where: str = "") -> str:
    """A text that Mailchimp does not cut off."""
    found = as_given(text, where)
    if len(found.encode("utf-8")) > MAX_TEXT_BYTES:
        raise Unusable(f"longer than {MAX_TEXT_BYTES} bytes, where Mailchimp would cut it off")
    return found


ADDRESS = Column("Email Address", "email", address)
COLUMNS = (ADDRESS, Column("First Name", "first_name", short), Column("Last Name", "last_name", short))


def mailchimp(settings: Mailchimp) -> Destination:
    """Contacts to import; who leaves is named by address and by member id, for its pages and for its API."""
    mine = tuple(told(field, f"winback_{field}") for field in settings.columns)
    removed_by = (ADDRESS, Column("Member ID", "email", member_id))
    jobs = (Job("all", (*COLUMNS, *mine), everybody, (("Email Address",),), removed_by=removed_by),)
    return Destination("mailchimp", "machine", ("email",), jobs)
