"""The destinations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from winback.destinations import Destinations
from winback.export.destination import Destination
from winback.export.files import parquet, people_csv, sql
from winback.export.google import google
from winback.export.hubspot import hubspot
from winback.export.klaviyo import klaviyo
from winback.export.mailchimp import mailchimp
from winback.export.meta import meta
from winback.export.tiktok import tiktok

KNOWN: Mapping[str, Callable[[Destinations], Destination]] = {
    "google": lambda settings: google(settings.google),
    "meta": lambda settings: meta(settings.meta),
    "klaviyo": lambda settings: klaviyo(settings.klaviyo),
    "mailchimp": lambda settings: mailchimp(settings.mailchimp),
    "hubspot": lambda settings: hubspot(settings.hubspot),
    "tiktok": lambda settings: tiktok(settings.tiktok),
    "csv": lambda settings: people_csv(settings.csv),
    "parquet": lambda settings: parquet(settings.parquet),
    "sql": lambda settings: sql(settings.sql),
}
