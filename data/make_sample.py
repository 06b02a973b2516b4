"""Write the sample: a small shop, seeded, whose customers have a rhythm and in part lose it.

    python data/make_sample.py [folder]        (default: the folder `sample` beside this file)

Equal code writes equal bytes: only the standard library's generator is used, one stream a customer,
so adding a customer leaves the others as they are. All of it is made up; no person is behind a row.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = "winback sample 1"
CUSTOMERS = 400
OPENS = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
ENDS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)  # 14 months; nothing happens at or after this instant
FADING_DAYS = 45.0  # how long a leaver loosens before the last order
MAILING_EVERY_DAYS = 28
SHELVES = ("bakery", "coffee", "dairy", "garden", "household", "produce", "snacks", "wine")
COLUMNS = {
    "orders": ("customer_id", "ordered_at", "amount", "discount", "category", "channel"),
    "events": ("customer_id", "occurred_at", "kind"),
    "contacts": ("customer_id", "contacted_at", "campaign", "channel"),
}
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Customer:
    """One customer's habits, hidden from the files."""

    name: str
    joins: dt.datetime
    leaves: dt.datetime  # ENDS for those who stay
    gap_days: float
    basket: float
    online: float  # chance that an order is placed online
    shelves: tuple[str, ...]

    def fading(self, when: dt.datetime) -> float:
        """0 for a firm customer, rising to 1 on the day of leaving."""
        if self.leaves == ENDS:
            return 0.0
        return min(1.0, max(0.0, 1 - (self.leaves - when) / dt.timedelta(days=FADING_DAYS)))


def customer(number: int, chance: random.Random) -> Customer:
    """One customer; a third were there from the first day, and the irregular leave sooner."""
    lately = chance.random() ** 0.8 * 400 - 130
    joins = OPENS + dt.timedelta(days=max(0.0, lately), hours=chance.uniform(8, 20))
    stay_days = chance.expovariate(1 / 420) + 20
    leaves = min(ENDS, joins + dt.timedelta(days=stay_days))
    return Customer(
        name=f"C{number:04d}",
        joins=joins,
        leaves=leaves,
        gap_days=min(45.0, max(5.0, chance.lognormvariate(2.75, 0.55))),
        basket=chance.lognormvariate(3.3, 0.4),
        online=chance.betavariate(1.2, 1.2),
        shelves=tuple(chance.sample(SHELVES, chance.randint(2, 6))),
    )


def instants(who: Customer, mean_days: float, slow: float, chance: random.Random) -> Iterator[dt.datetime]:
    """When something happens again and again: fairly regular, `slow` times rarer at the end of fading."""
    now = who.joins
    while now < who.leaves:
        yield now.replace(second=0, microsecond=0)
        stretch = 1 + (slow - 1) * who.fading(now)
        now += dt.timedelta(days=mean_days * stretch * chance.gammavariate(3, 1 / 3), minutes=1)


def orders(who: Customer, chance: random.Random) -> Iterator[Row]:
    """Orders: a fading customer's are rarer, smaller, from fewer shelves, and more often discounted."""
    for now in instants(who, who.gap_days, 1.7, chance):
        fading = who.fading(now)
        amount = max(2.0, who.basket * (1 - 0.35 * fading) * chance.lognormvariate(0, 0.35))
        cut = chance.choice((0.1, 0.2, 0.3)) if chance.random() < 0.15 + 0.35 * fading else 0.0
        shelf = who.shelves[0] if chance.random() < 0.3 + 0.5 * fading else chance.choice(who.shelves)
        channel = "online" if chance.random() < who.online else "shop"
        yield who.name, stamp(now), f"{amount * (1 - cut):.2f}", f"{amount * cut:.2f}", shelf, channel


def events(who: Customer, chance: random.Random) -> Iterator[Row]:
    """Visits to the site, and mails opened and clicked; these dry up before the orders do."""
    for now in instants(who, 12 + who.gap_days / 2, 5.0, chance):
        kind = chance.choices(("visit", "email_open", "email_click"), (6, 3, 1))[0]
        yield who.name, stamp(now), kind


def contacts(who: Customer, chance: random.Random) -> Iterator[Row]:
    """The shop's monthly mailing, to two in five of those who ever ordered, the gone among them."""
    for days in range(MAILING_EVERY_DAYS, (ENDS - OPENS).days, MAILING_EVERY_DAYS):
        sent = OPENS + dt.timedelta(days=days, hours=9)
        if sent > who.joins and chance.random() < 0.4:
            yield who.name, stamp(sent), f"letter {sent:%m-%d}", "email"


def stamp(instant: dt.datetime) -> str:
    """An instant as the files spell it, UTC."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def tables() -> dict[str, list[Row]]:
    """The rows of each table, by customer and time."""
    shop: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for number in range(1, CUSTOMERS + 1):
        chance = random.Random(f"{SEED} {number}")  # noqa: S311 - habits, not secrets
        who = customer(number, chance)
        for name, make in (("orders", orders), ("events", events), ("contacts", contacts)):
            shop[name].extend(make(who, chance))
    return shop


def write(folder: Path) -> None:
    """Write `orders.csv`, `events.csv` and `contacts.csv` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables().items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS[name])
            writer.writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sample"))
