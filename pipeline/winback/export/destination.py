"""What there is to know of a destination: its columns, its jobs, its limits."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from winback.export.addresses import as_given
from winback.export.hashing import sha256_as_given, sha256_of

Takes = Callable[[pd.DataFrame], "pd.Series[bool]"]


@dataclass(frozen=True)
class Column:
    """One column of a destination's file.

    `field`: the column of the people it is made from, by `make` (text and country -> text). `make` is None where the
    value is sent as it is. `hashed`: SHA-256 is sent in its place. `signed`: may begin with a + (E.164).
    """

    header: str
    field: str
    make: Callable[[str, str], str] | None = as_given
    hashed: bool = False
    given_hashed: bool = False
    signed: bool = False

    def of(self, text: str, country: str) -> str:
        """What is sent for `text`; Unusable where it cannot be."""
        if self.given_hashed:
            return sha256_as_given(text)
        made = self.make(text, country) if self.make else text
        return sha256_of(made) if self.hashed else made


@dataclass(frozen=True)
class Job:
    """People who go into one upload: whoever it `takes` and who has all headers of one of its `needs`.

    `together`: headers that are worth something only all at once.
    """

    name: str
    columns: tuple[Column, ...]
    takes: Takes
    needs: tuple[tuple[str, ...], ...] = ()
    together: tuple[str, ...] = ()
    removed_by: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Destination:
    """A place that lists go to.

    `form`: "people" is CSV for a spreadsheet, "machine" CSV to the byte. `channels`: those of decisions it can serve;
    "ads" serves all, by the permission for ads. `refusal`: why whom no job takes is left out. `least_rows`: below this
    the platform advises against a list.
    """

    name: str
    form: Literal["people", "machine", "parquet", "sql"]
    channels: tuple[str, ...]
    jobs: tuple[Job, ...]
    refusal: str = "other_channel"
    max_rows: int = 1_000_000
    max_bytes: int = 1_000_000_000
    least_rows: int = 0

    @property
    def is_ads(self) -> bool:
        """Whether it is an ad platform, which must not learn why somebody is on a list."""
        return self.channels == ("ads",)


def everybody(people: pd.DataFrame) -> pd.Series[bool]:
    """A job that takes all."""
    return pd.Series(True, index=people.index)


def hashed_by_shop(columns: tuple[Column, ...], fields: Collection[str]) -> tuple[Column, ...]:
    """`columns`, those of `fields` holding hashes already."""
    return tuple(replace(c, given_hashed=True) if c.field in fields and c.hashed else c for c in columns)
