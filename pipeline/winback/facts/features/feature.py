"""A declared feature: what it measures, of which rows, for which driver, and the words for it."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass

from winback.facts.features.streams import ROWS, STREAMS, VALUE_NEEDS, Stream

Kind = Literal[
    "total",
    "share",
    "trend",
    "acceleration",
    "rate",
    "mean",
    "since_nth",
    "since_first",
    "gap_mean",
    "gap_spread",
    "gap_quantile",
    "overdue",
    "overdue_prior",
    "evenness",
    "spans",
    "distinct",
    "new_values",
    "top_share",
    "switches",
    "rises",
    "last",
    "change",
    "days_until",
    "until_renewal",
    "ratio",
    "difference",
]
Driver = Literal[
    "recency",
    "cadence",
    "frequency",
    "monetary",
    "trend",
    "seasonality",
    "tenure",
    "discounts",
    "breadth",
    "loyalty",
    "habits",
    "returns",
    "engagement",
    "service",
    "satisfaction",
    "subscription",
    "payments",
    "fatigue",
]
Table = Literal[
    "orders",
    "returns",
    "order_categories",
    "order_products",
    "events",
    "tickets",
    "tickets_resolved",
    "ticket_ratings",
    "surveys",
    "subscriptions",
    "subscriptions_ended",
    "payments",
    "card_expiries",
    "customers",
    "contacts",
]
Language = Literal["en", "ru", "zh"]
STRICT = ConfigDict(extra="forbid")
OF_TWO = ("ratio", "difference")
OF_VALUES = ("distinct", "new_values", "top_share", "switches")


def _as_lists(value: Any) -> Any:
    """`{ kind = "visit" }` as `{ kind = ["visit"] }`: one word or several."""
    if not isinstance(value, dict):
        return value
    return {name: [words] if isinstance(words, str | int) else words for name, words in value.items()}


Where = Annotated[dict[str, tuple[str | int, ...]], BeforeValidator(_as_lists)]


@dataclass(frozen=True, config=STRICT)
class Words:
    """What people read of a feature in one language: its label and the sentence of a reason."""

    label: str
    sentence: str
    plain: str = ""


@dataclass(frozen=True, config=STRICT)
class Feature:
    """One column of the feature table: its name, what it measures, its driver, unit, range and words.

    `table` is a stream (see streams.py), `where` keeps some of its rows. `low`, `high`: the smallest and
    the largest value it can have; None is what its kind says (`limits`). `use = "decisions"`: never seen
    by a model of risk.
    """

    name: str
    kind: Kind
    driver: Driver
    unit: str
    label: str
    sentence: str
    plain: str = ""
    ru: Words | None = None
    zh: Words | None = None
    table: Table = "orders"
    where: Where = field(default_factory=dict, hash=False)
    measure: str = ROWS
    of: str = ""
    window: int | None = None
    lag: int = 0
    n: int = 1
    q: float = 0.5
    prior: float = 0.0
    over: str = ""
    under: str = ""
    low: float | None = None
    high: float | None = None
    needs: str = ""
    use: Literal["risk", "decisions"] = "risk"
    inputs: tuple[Feature, ...] = ()

    @property
    def counts_values(self) -> bool:
        """Whether it counts the different values of its stream's value column."""
        return self.kind in OF_VALUES

    @property
    def stream(self) -> Stream:
        """The stream whose rows it reads."""
        return STREAMS[self.table]

    @property
    def sources(self) -> frozenset[str]:
        """The tables and columns that must be mapped for the feature to be."""
        if self.kind in OF_TWO:
            return frozenset({self.needs} - {""}).union(*(f.sources for f in self.inputs))
        stream = self.stream
        read = {stream.measure(m).needs for m in (self.measure, self.of) if m}
        read |= {stream.columns[column] for column in self.where}
        read |= {VALUE_NEEDS.get(self.table, "")} if self.kind in OF_VALUES else set()
        read |= {"subscriptions.period"} if self.kind == "until_renewal" else set()
        return frozenset(read | {stream.table, stream.needs, self.needs} - {""}) - {""}

    @property
    def source(self) -> str:
        """The table or column that must be there for the feature to be, the one that is missed most easily."""
        return max(self.sources, key=lambda name: (name != "orders", "." in name, name))

    @property
    def reach(self) -> int:
        """Days before the cutoff that must have been seen for the feature to be known; 0 for none."""
        if self.window is None or self.kind == "rate":
            return 0
        return self.lag + self.window * {"trend": 2, "acceleration": 3, "spans": self.n}.get(self.kind, 1)
