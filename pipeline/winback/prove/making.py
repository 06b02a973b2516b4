"""Where a random history looks for trouble: window borders, midnights, ties, late records, the words asked for."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from winback.facts.features.feature import Feature
from winback.prove.history import History

LATE = [dt.timedelta(microseconds=1), dt.timedelta(hours=9), dt.timedelta(days=1), dt.timedelta(days=40)]
FAR = [0, 1, 2, 6, 7, 8, 400]
MICROSECOND = dt.timedelta(microseconds=1)
PERIODS = ["P1M", "P1M", "P3M", "P1Y", "P7D", "P2W", "P30D", None]
WORDS = {
    ("orders", "channel"): ["web", "app", "shop"],
    ("order_categories", "category"): ["bread", "milk", "tea", "soap"],
    ("order_products", "product_id"): ["1", "2", "3", "4", "5"],
    ("events", "kind"): ["visit", "email_open", "email_click", "add_to_cart"],
    ("contacts", "campaign"): ["spring", "autumn"],
    ("contacts", "channel"): ["email", "post"],
    ("tickets", "topic"): ["delivery", "invoice"],
    ("surveys", "kind"): ["nps", "csat", "ces"],
    ("subscriptions", "plan"): ["basic", "plus"],
    ("subscriptions", "cancel_reason"): ["price", "unused"],
    ("payments", "status"): ["succeeded", "failed", "refunded", "pending"],
    ("payments", "decline_code"): ["insufficient_funds", "expired_card"],
    ("customers", "country"): ["DE", "FR"],
    ("customers", "language"): ["de", "fr"],
}


@dataclass(frozen=True)
class Edges:
    """Where features look: the days before a cutoff at which a window begins or ends, and the words they ask for."""

    days: tuple[int, ...]
    words: dict[tuple[str, str], list[str]]

    def word(self, chance: random.Random, table: str, column: str, nothing: float = 0.15) -> str | None:
        """One of a column's words, or none."""
        return None if chance.random() < nothing else chance.choice(self.words[table, column])


def edges_of(features: Sequence[Feature]) -> Edges:
    """The edges that the declarations of features name."""
    days, words = set(FAR), {key: list(known) for key, known in WORDS.items()}
    for f in (part for feature in features for part in (feature.inputs or (feature,))):
        ends = {f.lag + times * f.window for times in (0, 1, 2, 3, f.n)} if f.window else set()
        days |= {day + beside for day in ends for beside in (-1, 0, 1) if day + beside >= 0}
        for column, asked in f.where.items():
            known = words.setdefault((f.stream.table, column), [])
            known += [word for word in asked if isinstance(word, str) and word not in known]
    return Edges(tuple(sorted(days)), words)


@dataclass(frozen=True)
class Maker:
    """What every row of a random history is made with: chance, the blank history, its reach back, the edges."""

    chance: random.Random
    history: History
    oldest: int
    edges: Edges

    def times(self, most: int) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Up to `most` pairs of instants, happened and recorded: many on an edge, many alike, some too late."""
        earlier: list[dt.datetime] = []
        for _ in range(self.chance.randint(0, most)):
            again = earlier and self.chance.random() < 0.2
            earlier.append(self.chance.choice(earlier) if again else self.instant())
            yield earlier[-1], self.recorded(earlier[-1])

    def instant(self) -> dt.datetime:
        """An instant at some distance from a cutoff: at a midnight, just before one, or anywhere in a day."""
        chance, cutoff = self.chance, self.chance.choice(self.history.cutoffs)
        on_edge = chance.random() < 0.5
        back = chance.choice([d for d in self.edges.days if d <= self.oldest]) if on_edge else None
        day = cutoff - dt.timedelta(days=chance.randint(-20, self.oldest) if back is None else back)
        midnight = self.history.midnight(day)
        within = dt.timedelta(seconds=chance.randrange(86_400))
        return chance.choice([midnight, midnight - MICROSECOND, midnight + within, midnight + within])

    def recorded(self, at: dt.datetime) -> dt.datetime:
        """Mostly the instant itself; else later, on a cutoff, or before it by a clock that was wrong."""
        chance, kind = self.chance, self.chance.random()
        if kind < 0.7:
            return at
        if kind < 0.95:
            return self.later(at)
        return at - chance.choice(LATE)

    def later(self, at: dt.datetime) -> dt.datetime:
        """An instant after another one: a little, long, on a cutoff, or just before one."""
        chance = self.chance
        edge = self.history.midnight(chance.choice(self.history.cutoffs)) - chance.choice(
            [dt.timedelta(0), MICROSECOND]
        )
        return max(at, edge) if chance.random() < 0.4 else at + chance.choice(LATE)

    def word(self, table: str, column: str, nothing: float = 0.15) -> str | None:
        """One of a column's words, or none."""
        return self.edges.word(self.chance, table, column, nothing)
