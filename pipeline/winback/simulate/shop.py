"""What is asked of a simulated shop, and its calendar."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from winback.errors import ConfigError
from winback.simulate.chance import Ints
from winback.toml_files import did_you_mean

TABLES = ("orders", "events", "tickets", "surveys", "payments", "customers", "contacts", "subscriptions")
DAY_US = 86_400_000_000
BEFORE = 400  # days before the first on which the earliest customers came
AT_THE_START = 0.5  # share of the customers who were there on the first day


@dataclass(frozen=True)
class Shop:
    """A shop to be simulated: the same values give the same rows.

    `customers` are all who arrive within `days`; half of them are there on the first day, the others come
    evenly spread. Days are those of `time_zone`. `late_share` of the rows are recorded up to 20 days after
    they happened, `duplicates_share` are written twice, `subscribers` of the customers also pay for a box a
    month. `without`: tables that this shop does not keep; whatever they would have shown leaves no trace.
    """

    customers: int = 20_000
    days: int = 730
    seed: int = 1
    start: dt.date = dt.date(2024, 1, 1)
    time_zone: str = "UTC"
    late_share: float = 0.02
    duplicates_share: float = 0.002
    subscribers: float = 0.0
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """ConfigError for what no shop can be."""
        if self.customers < 1 or not 1 <= self.days <= 7300:
            raise ConfigError(
                f"a simulated shop has at least 1 customer and 1 to 7300 days; came {self.customers} customers "
                f"and {self.days} days."
            )
        for name in ("late_share", "duplicates_share", "subscribers"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is a share from 0 to 1; came {getattr(self, name)}.")
        for table in self.without:
            if table not in TABLES[1:]:
                raise ConfigError(f"no table {table!r} can be left out.{did_you_mean(table, list(TABLES[1:]))}")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(
                f"no time zone is called {self.time_zone!r}; write one such as 'Europe/Berlin'."
            ) from error

    def keeps(self, table: str) -> bool:
        """Whether the shop has this table."""
        return table not in self.without and (table != "subscriptions" or self.subscribers > 0)

    def as_dict(self) -> dict[str, Any]:
        """The values as JSON holds them."""
        return {**asdict(self), "start": self.start.isoformat(), "without": list(self.without)}


def shop_of(values: dict[str, Any]) -> Shop:
    """The shop that `as_dict` described."""
    return Shop(**{**values, "start": dt.date.fromisoformat(values["start"]), "without": tuple(values["without"])})


def existing(shop: Shop) -> int:
    """How many customers there are on the first day."""
    return max(1, round(AT_THE_START * shop.customers))


def customers_by(shop: Shop, until: int) -> int:
    """How many customers have come by a day; they go on coming after `days`."""
    if shop.customers == existing(shop):
        return shop.customers
    return existing(shop) + int(np.ceil((shop.customers - existing(shop)) * until / shop.days))


def date_of(shop: Shop, day: int) -> dt.date:
    """The date of a numbered day."""
    return shop.start + dt.timedelta(days=int(day))


def day_of(shop: Shop, date: dt.date) -> int:
    """The number of a date's day; the first is 0."""
    return (date - shop.start).days


def midnights(shop: Shop, days: int) -> Ints:
    """Where each day begins, in microseconds of UTC, from BEFORE days before the first to `days` after it."""
    zone = ZoneInfo(shop.time_zone)
    begins = (shop.start + dt.timedelta(days=n) for n in range(-BEFORE, days + 1))
    return np.array([_microseconds(dt.datetime(d.year, d.month, d.day, tzinfo=zone)) for d in begins])


def days_in(begins: Ints) -> int:
    """How many days of the shop lie between these midnights."""
    return len(begins) - 1 - BEFORE


def _microseconds(instant: dt.datetime) -> int:
    return round(instant.timestamp()) * 1_000_000


def instants(begins: Ints, day: Ints, hour: np.ndarray) -> Ints:
    """Microseconds of UTC of local days and hours, to the second; no hour after 22:59, which some days lack."""
    seconds = (np.clip(hour, 0.0, 22.99) * 3600).astype(np.int64)
    moments: Ints = begins[day + BEFORE] + seconds * 1_000_000
    return moments
