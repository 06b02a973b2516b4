"""Destinations without rules of a platform's own: CSV for people, Parquet for programs, a table of a database."""

from __future__ import annotations

from collections.abc import Sequence

from winback.destinations import ParquetFile, PeopleCsv, Sql
from winback.export.addresses import as_given, country, email, phone
from winback.export.destination import Column, Destination, Job, everybody

CHANNELS = ("email", "sms", "push", "post", "call", "app", "store")
_MAKE = {"email": email, "phone": phone, "country": country}
# What comes of winback's own tables is sent as it is.
_TEXTS = ("first_name", "last_name", "language", "city", "region", "postcode")


def told(field: str, header: str | None = None) -> Column:
    """The column of a field that a project may ask for, under its own name."""
    make = _MAKE.get(field, as_given if field in _TEXTS else None)
    return Column(header or field, field, make, signed=field == "phone")


def people_csv(settings: PeopleCsv) -> Destination:
    """A list that people open in a spreadsheet."""
    return Destination("csv", "people", CHANNELS, (_one_job(settings.columns),))


def parquet(settings: ParquetFile) -> Destination:
    """A Parquet file: every value exactly as it is."""
    return Destination("parquet", "parquet", CHANNELS, (_one_job(settings.columns),))


def sql(settings: Sql) -> Destination:
    """A table of a database; its rows bear the run that they are of."""
    return Destination("sql", "sql", CHANNELS, (_one_job(settings.columns),))


def _one_job(fields: Sequence[str]) -> Job:
    who = Column("customer_id", "customer_id", None)
    return Job("all", (who, *map(told, fields)), everybody, removed_by=(who,))
