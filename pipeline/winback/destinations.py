"""[destinations] of a project: what each marketing tool is given. The rules of the tools themselves are in export/."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from winback.toml_files import STRICT

Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Identifier = Literal["email", "phone", "first_name", "last_name"]
Address = Literal["email", "phone", "first_name", "last_name", "country", "language", "city", "region", "postcode"]
Place = Literal[Identifier, "city", "region", "postcode", "country"]
Decided = Literal["action", "channel", "contact_cost", "incentive_cost", "expected_net_gain", "stage"]
# Why somebody is on the list: for people and for tools of the shop's own, never for an ad platform.
Why = Literal["driver", "probability", "reason_1", "reason_2", "reason_3"]
# One list of words each, so that a wrong one is told all of them.
Told = Literal[Decided, Why]
Written = Literal[Address, Told]
Rows = Annotated[int, Field(ge=1)]


def _plain_name(name: str) -> str:
    if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", part) for part in name.split(".")) or name.count(".") > 1:
        raise ValueError('write a table as "name" or "schema.name", of letters, digits and _')
    return name


Table = Annotated[str, AfterValidator(_plain_name)]


@dataclass(frozen=True, config=STRICT)
class Google:
    """Google Customer Match.

    `consent`: "recorded" sends those only who granted both ad_user_data and ad_personalization; "may_ads" says that
    a consent to ads was asked for both. In `unspecified_countries` (outside the EEA, the United Kingdom and
    Switzerland) whoever may get ads but said nothing of the two goes into a job of its own, consent unspecified.
    `already_hashed`: columns of the customers table that hold SHA-256 already. `rows_per_file`: most rows of one file.
    """

    consent: Literal["recorded", "may_ads"] = "recorded"
    unspecified_countries: tuple[Country, ...] = ()
    already_hashed: tuple[Identifier, ...] = ()
    rows_per_file: Rows = 1_000_000


@dataclass(frozen=True, config=STRICT)
class Meta:
    """Meta's customer list audiences.

    `already_hashed`: columns of the customers table that hold SHA-256 already. `rows_per_file`: 10,000 people are
    the most one request of its API takes.
    """

    already_hashed: tuple[Place, ...] = ()
    rows_per_file: Rows = 10_000


@dataclass(frozen=True, config=STRICT)
class TikTok:
    """TikTok's customer file audiences.

    `already_hashed`: columns of the customers table that hold SHA-256 already. `rows_per_file`: most rows of one file.
    """

    already_hashed: tuple[Literal["email", "phone"], ...] = ()
    rows_per_file: Rows = 1_000_000


@dataclass(frozen=True, config=STRICT)
class Klaviyo:
    """Klaviyo's list import.

    `columns`: what else each profile gets, as a custom property. `consent_columns` writes "Subscribe" beside each
    address: only where your own records, and not Klaviyo, are the truth about who subscribed.
    """

    columns: tuple[Told, ...] = ("action",)
    consent_columns: bool = False


@dataclass(frozen=True, config=STRICT)
class Mailchimp:
    """Mailchimp's contact import; `columns` become fields of the audience."""

    columns: tuple[Told, ...] = ("action",)


@dataclass(frozen=True, config=STRICT)
class HubSpot:
    """HubSpot's contact import; `columns` are properties of your own there. `plan` says which of its limits hold."""

    columns: tuple[Told, ...] = ("action", "channel")
    plan: Literal["free", "paid"] = "free"


@dataclass(frozen=True, config=STRICT)
class PeopleCsv:
    """A list that people open in a spreadsheet; `columns` in their order."""

    columns: tuple[Written, ...] = (
        *("first_name", "last_name", "language", "channel", "email", "phone"),
        *("action", "reason_1", "reason_2", "reason_3"),
    )


@dataclass(frozen=True, config=STRICT)
class ParquetFile:
    """A file for programs: every value exactly as it is; `columns` in their order."""

    columns: tuple[Written, ...] = ("action", "channel", "email", "phone", "language", "driver", "probability")


@dataclass(frozen=True, config=STRICT)
class Sql:
    """A table of a database, PostgreSQL or SQLite.

    `url`: where it is; or, in `url_env`, the name of an environment variable that holds it. `table`: "name" or
    "schema.name". `columns`: in their order, after the keys.
    """

    url: str | None = None
    url_env: str | None = None
    table: Table = "winback_decisions"
    columns: tuple[Written, ...] = ("action", "channel", "stage", "driver", "probability", "expected_net_gain")


@dataclass(frozen=True, config=STRICT)
class Destinations:
    """Where lists go. `folder`: where files are written. `country`: of phone numbers of customers without one."""

    folder: Annotated[str, Field(min_length=1)] = "exports"
    country: Country | None = None
    google: Google = Google()
    meta: Meta = Meta()
    tiktok: TikTok = TikTok()
    klaviyo: Klaviyo = Klaviyo()
    mailchimp: Mailchimp = Mailchimp()
    hubspot: HubSpot = HubSpot()
    csv: PeopleCsv = PeopleCsv()
    parquet: ParquetFile = ParquetFile()
    sql: Sql = Sql()
