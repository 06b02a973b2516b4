"""The rows of one customer in one stream that are known at a cutoff."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction

from winback.prove.streams import DAY, Fact

# What later-recorded changes of an order are added to; everything else is of the order itself.
CHANGED = ("spend", "discount", "list_price", "lines", "pieces")


@dataclass(frozen=True)
class Past:
    """What was known of a customer in a stream, oldest first, and when the stream's table began."""

    facts: list[Fact]
    cutoff: dt.date
    midnight: dt.datetime
    log_began: dt.date | None
    kept: dict[tuple[int | None, int], list[Fact]] = field(default_factory=dict)

    def within(self, days: int | None, before: int = 0) -> list[Fact]:
        """What lies in the `days` days that end `before` days before the cutoff; None is all the past."""
        if (days, before) not in self.kept:
            until = self.cutoff - before * DAY
            since = dt.date.min if days is None else until - days * DAY
            self.kept[days, before] = [fact for fact in self.facts if since <= fact.day < until]
        return self.kept[days, before]

    def rows(self, days: int | None, before: int = 0) -> list[Fact]:
        """The rows among them: what was recorded later of a row is none."""
        return [fact for fact in self.within(days, before) if not fact.change]

    def measured(self, measure: str, days: int | None, before: int = 0) -> Fraction:
        """The sum of a measure over a window."""
        if measure == "rows":
            return Fraction(len(self.rows(days, before)))
        if measure == "active_days":
            return Fraction(len({fact.day for fact in self.rows(days, before)}))
        facts = self.within(days, before) if measure in CHANGED else self.rows(days, before)
        return sum((found for fact in facts if (found := _added(fact, measure)) is not None), Fraction(0))

    def readings(self, measure: str) -> list[tuple[Fact, Fraction]]:
        """The rows that have the measure, with it; of one instant the smallest first."""
        found = [(fact, number) for fact in self.rows(None) if (number := fact.numbers[measure]) is not None]
        return sorted(found, key=lambda pair: (pair[0].at, pair[1]))

    def named(self, days: int | None, before: int = 0) -> list[Fact]:
        """The rows of a window that have a value; of one instant the first by name first."""
        found = [fact for fact in self.rows(days, before) if fact.value is not None]
        return sorted(found, key=lambda fact: (fact.at, fact.value))


def _added(fact: Fact, measure: str) -> Fraction | None:
    """What a row adds to a sum; to that of full prices, without a discount, its price."""
    if measure == "list_price" and fact.numbers["list_price"] is None:
        return fact.numbers["spend"]
    return fact.numbers[measure]
