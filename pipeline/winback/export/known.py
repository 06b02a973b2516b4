"""The destinations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from winback.destinations import Destinations
from winback.export.destination import Destination
from winback.export.files import parquet, people_csv, sql
from winback.export.google import google

KNOWN: Mapping[str, Callable[[Destinations], Destination]] = {
    "google": lambda settings: google(settings.google),
    "csv": lambda settings: people_csv(settings.csv),
    "parquet": lambda settings: parquet(settings.parquet),
    "sql": lambda settings: sql(settings.sql),
}
