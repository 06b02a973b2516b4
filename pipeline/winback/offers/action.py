"""One thing that may be done to keep a customer, or to win him back: what it is, for whom, and at what price."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from winback.config import Money, Share
from winback.toml_files import STRICT, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

ANY = "any"
LEAVE_ALONE = "leave_alone"
# Money offered again and again teaches to wait for it; a catalogue that says nothing allows this many a year.
MONETARY_REPEATS = 2

Text = Annotated[str, Field(min_length=1)]
Language = Literal["en", "ru", "zh"]
Stage = Literal["new", "active", "cooling", "lapsed", "lost", "returned"]
Channel = Literal["email", "sms", "push", "post", "call", "app", "store"]
Family = Literal[
    "money_off",
    "convenience",
    "recognition",
    "access",
    "content",
    "service_recovery",
    "community",
    "product_fix",
    "pause",
    "payment_fix",
    "onboarding",
    "feedback",
    "referral",
    "upgrade",
    "win_back",
    "brand",
]
LANGUAGES: tuple[Language, ...] = get_args(Language)
STAGES: tuple[Stage, ...] = get_args(Stage)
FOR_MOST: tuple[Stage, ...] = ("new", "active", "cooling", "lapsed", "returned")


def _in_every_language(value: Any) -> Any:
    """A plain text stands for all languages; a table of texts must have each of them."""
    if isinstance(value, str):
        value = dict.fromkeys(LANGUAGES, value)
    if not isinstance(value, dict):
        return value
    for language in value:
        if language not in LANGUAGES:
            raise ValueError(f"no language is called {language!r}.{did_you_mean(str(language), list(LANGUAGES))}")
    if lacking := [language for language in LANGUAGES if not value.get(language)]:
        raise ValueError(f"has no text in {' and '.join(lacking)}; it needs one in each of {', '.join(LANGUAGES)}")
    return value


def _each_once(value: Any) -> Any:
    """A list without a word given twice."""
    if isinstance(value, list | tuple) and (twice := [each for n, each in enumerate(value) if each in value[:n]]):
        raise ValueError(f"{twice[0]!r} is given twice")
    return value


def _one_or_each(value: Any) -> Any:
    """One cost, or one a channel; told apart first, so that a fault is told once."""
    return (_COSTS if isinstance(value, dict) else _COST).validate_python(value)


_COST: TypeAdapter[float] = TypeAdapter(Annotated[Money, Field(allow_inf_nan=False)])
_COSTS: TypeAdapter[dict[Channel, float]] = TypeAdapter(dict[Channel, Annotated[Money, Field(allow_inf_nan=False)]])
Texts = Annotated[dict[Language, Text], BeforeValidator(_in_every_language)]
ContactCost = Annotated[float | dict[Channel, float], BeforeValidator(_one_or_each)]
Strength = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, config=STRICT)
class Condition:
    """What must be known of a customer for an action to be meant for him: a column of the customers, and its limits.

    `feature`: the column. `at_least`, `below`: its limits, one or both. `equals`: the one value; it stands alone.
    """

    feature: Text
    at_least: float | None = None
    below: float | None = None
    equals: float | str | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        limited = self.at_least is not None or self.below is not None
        if limited == (self.equals is not None):
            raise ValueError("write at_least, below or both, or else equals")
        if self.at_least is not None and self.below is not None and self.at_least >= self.below:
            raise ValueError(f"nothing is at least {self.at_least:g} and below {self.below:g}")
        return self

    def holds(self, values: pd.Series[Any]) -> pd.Series[bool]:
        """For each value whether it is as the condition says; what is unknown is not."""
        held = values.notna()
        if self.equals is not None:
            held &= (values == self.equals).fillna(False)
        if self.at_least is not None:
            held &= (values >= self.at_least).fillna(False)
        if self.below is not None:
            held &= (values < self.below).fillna(False)
        return held.astype(bool)


@dataclass(frozen=True, config=STRICT)
class Action:
    """One thing that may be done for one customer. Money is in the project's currency.

    `id`: what tables call it. `name`, `message`: by language; `message` is a hint for whoever writes the text.
    `family`: which method of retention it is of. `drivers`: the causes of
    risk it answers, or `["any"]`. `stages`: the stages of life it is for. `only_if`: all of it must hold.
    `channels`: ways it can be done, the preferred one first. `contact_cost`: paid for every customer
    contacted, one for all channels or one a channel. `incentive_cost`: paid when the customer redeems;
    with `incentive_basis` "basket_share" it is a share (0..1) of the customer's average basket.
    `accept_rate`: chance that a customer who stays redeems it (0..1).
    `save_rate`: of those about to leave for a cause the action answers, the share it keeps (0..1).
    Both rates are priors, worth as much as `accept_rate_strength` and `save_rate_strength` observed customers when they
    are learned from results.
    `capacity`: most customers of one run (None: no limit). `cooldown_days`: days since the customer's last
    contact that this action needs; the project's own cooldown counts when it is longer. `max_repeats`: times in
    365 days for one customer (None: no limit; where money is given, 2 unless said otherwise).
    `needs_approval`: a person releases it first. `per_customer` false: done for the brand as a whole, and never
    decided on for one customer; such an action has no channels.
    """

    id: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    name: Texts
    message: Texts
    family: Family
    drivers: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_each_once)]
    channels: Annotated[tuple[Channel, ...], BeforeValidator(_each_once)]
    contact_cost: ContactCost
    save_rate: Share
    stages: Annotated[tuple[Stage, ...], Field(min_length=1), BeforeValidator(_each_once)] = FOR_MOST
    only_if: tuple[Condition, ...] = ()
    incentive_cost: Money = 0.0
    incentive_basis: Literal["fixed", "basket_share"] = "fixed"
    accept_rate: Share = 0.0
    accept_rate_strength: Strength = 50.0
    save_rate_strength: Strength = 50.0
    capacity: Annotated[int, Field(ge=0)] | None = None
    cooldown_days: Annotated[int, Field(ge=0)] = 0
    max_repeats: Annotated[int, Field(ge=1)] | None = None
    needs_approval: bool = False
    per_customer: bool = True

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        for contradiction in _CONTRADICTIONS:
            if told := contradiction(self):
                raise ValueError(told)
        if self.monetary and self.max_repeats is None:
            object.__setattr__(self, "max_repeats", MONETARY_REPEATS)
        return self

    @property
    def monetary(self) -> bool:
        """Whether it gives the customer something that costs money when he takes it."""
        return self.incentive_cost > 0

    def answers(self, driver: str) -> bool:
        """Whether `driver` is a cause this action is meant for."""
        return driver in self.drivers or ANY in self.drivers

    def contact_cost_by(self, channel: Channel) -> float:
        """What one contact through a channel of this action costs."""
        return self.contact_cost[channel] if isinstance(self.contact_cost, dict) else self.contact_cost


def _of_words(action: Action) -> str:
    if action.id == LEAVE_ALONE:
        return f"{LEAVE_ALONE!r} is always possible and needs no action; choose another id"
    if ANY in action.drivers and len(action.drivers) > 1:
        return f"drivers is either [{ANY!r}] or a list of drivers, not both"
    return ""


def _of_money(action: Action) -> str:
    if action.incentive_basis == "basket_share" and action.incentive_cost > 1:
        return "with incentive_basis 'basket_share', incentive_cost is a share of it: 0..1"
    if action.incentive_cost > 0 and action.accept_rate == 0:
        return "incentive_cost needs an accept_rate above 0: nobody would redeem it"
    return ""


def _of_channels(action: Action) -> str:
    if action.per_customer and not action.channels:
        return "channels must name at least one way to reach the customer"
    if not isinstance(action.contact_cost, dict):
        return ""
    if lacking := [channel for channel in action.channels if channel not in action.contact_cost]:
        return f"contact_cost has no cost of {lacking[0]!r}, which is one of the channels"
    if further := sorted(action.contact_cost.keys() - set(action.channels)):
        return f"contact_cost has a cost of {further[0]!r}, which is none of the channels"
    return ""


def _of_brand(action: Action) -> str:
    if action.family == "brand" and action.per_customer:
        return "family 'brand' is for what is done for all at once: write per_customer = false"
    if not action.per_customer and (action.channels or action.contact_cost or action.save_rate or action.monetary):
        return "with per_customer = false there are no channels, costs and rates of one customer: leave them out"
    return ""


_CONTRADICTIONS: tuple[Callable[[Action], str], ...] = (_of_words, _of_money, _of_brand, _of_channels)
