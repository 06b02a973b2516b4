"""The catalogue of actions that marketing edits: what may be done, what it costs, what it is hoped to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from winback.config import Money, Share
from winback.errors import ConfigError
from winback.toml_files import STRICT, did_you_mean, parse, read_toml

ANY = "any"
LEAVE_ALONE = "leave_alone"


Text = Annotated[str, Field(min_length=1)]
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
]
Channel = Literal["email", "sms", "push", "post", "call", "app", "store"]


@dataclass(frozen=True, config=STRICT)
class Action:
    """One thing that may be done for one customer. Money is in the project's currency.

    `drivers`: the causes of risk it answers, or `["any"]`. `message`: a hint for whoever writes the text.
    `contact_cost`: paid for every customer contacted. `incentive_cost`: paid when the customer redeems;
    with `incentive_basis = "basket_share"` it is a share (0..1) of the customer's average basket.
    `accept_rate`: chance that a customer who stays redeems it (0..1).
    `save_rate`: of those about to leave for a cause the action answers, the share it keeps (0..1);
    a prior, worth as much as `save_rate_strength` observed customers when it is learned from results.
    `cooldown_days`: days since the customer's last contact that this action needs; the project's own
    cooldown counts when it is longer.
    """

    id: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    name: Text
    message: Text
    family: Family
    drivers: Annotated[tuple[str, ...], Field(min_length=1)]
    channel: Channel
    contact_cost: Money
    save_rate: Share
    incentive_cost: Money = 0.0
    incentive_basis: Literal["fixed", "basket_share"] = "fixed"
    accept_rate: Share = 0.0
    save_rate_strength: Annotated[float, Field(gt=0)] = 50.0
    cooldown_days: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if self.id == LEAVE_ALONE:
            raise ValueError(f"{LEAVE_ALONE!r} is always possible and needs no action; choose another id")
        if self.incentive_basis == "basket_share" and self.incentive_cost > 1:
            raise ValueError("with incentive_basis 'basket_share', incentive_cost is a share of it: 0..1")
        if self.incentive_cost > 0 and self.accept_rate == 0:
            raise ValueError("incentive_cost needs an accept_rate above 0: nobody would redeem it")
        if ANY in self.drivers and len(self.drivers) > 1:
            raise ValueError(f"drivers is either [{ANY!r}] or a list of drivers, not both")
        return self

    def answers(self, driver: str) -> bool:
        """Whether `driver` is a cause this action is meant for."""
        return driver in self.drivers or ANY in self.drivers


def load_catalogue(path: Path, drivers: Collection[str], known: Collection[str] = ()) -> tuple[Action, ...]:
    """The actions of `path`, in order of id; each of `drivers` is answered by at least one of them.

    `known` are further drivers that an action may name: those this project's sources cannot bring up.
    Raises ConfigError for an unknown key or driver, an id given twice, or a driver nobody answers.
    """
    values = read_toml(path)
    rows = values.pop("actions", None)
    if values:
        key = next(iter(values))
        raise ConfigError(f"{path} cannot be used:\n  {key}: unknown key.{did_you_mean(key, ['actions'])}")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{path} holds no actions. Each one starts with a line [[actions]].")
    actions = [parse(Action, row, _place(path, number, row)) for number, row in enumerate(rows, start=1)]
    faults = _faults(actions, drivers, known)
    if faults:
        raise ConfigError(f"{path} cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults))
    return tuple(sorted(actions, key=lambda action: action.id))


def _place(path: Path, number: int, row: dict[str, Any]) -> str:
    """Which action a person has to look for in the file."""
    return f"{path}, action {number} ({row.get('id', 'without an id')})"


def _faults(actions: list[Action], drivers: Collection[str], further: Collection[str]) -> list[str]:
    """What is wrong with the catalogue as a whole, one line a fault."""
    known = [*sorted({*drivers, *further}), ANY]
    twice = sorted(id_ for id_, count in Counter(action.id for action in actions).items() if count > 1)
    unknown = [(action.id, d) for action in actions for d in action.drivers if d not in known]
    unanswered = [d for d in sorted(drivers) if not any(action.answers(d) for action in actions)]
    return (
        [f"{id_}: this id is given to more than one action; every id must be its own." for id_ in twice]
        + [f"{id_}: no driver is called {d!r}.{did_you_mean(d, known)}" for id_, d in unknown]
        + [f"drivers: no action answers {d!r}; add one, or add it to an action's drivers." for d in unanswered]
    )
