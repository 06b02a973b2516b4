"""The catalogue of actions that marketing edits: what may be done, what it costs, what it is hoped to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from winback.errors import ConfigError
from winback.offers.action import ANY, LEAVE_ALONE, Action, Condition
from winback.toml_files import did_you_mean, parse, read_toml

__all__ = ["ANY", "LEAVE_ALONE", "Action", "Condition", "features_read", "load_catalogue"]

# Columns that every decision has of a customer; a condition may ask about them beside the features.
WEIGHED = ("probability", "margin_at_stake", "average_basket", "days_since_last_contact")
# What an action for the brand as a whole does not have.
OF_NOBODY = {"channels": [], "contact_cost": 0.0, "save_rate": 0.0}


def load_catalogue(
    path: Path, drivers: Collection[str], known: Collection[str] = (), features: Collection[str] | None = None
) -> tuple[Action, ...]:
    """The actions of `path`, in order of id; each of `drivers` is answered by at least one done for a customer.

    `known` are further drivers that an action may name: those this project's sources cannot bring up.
    `features` are the features that a condition may name beside WEIGHED (None: not looked at).
    Raises ConfigError for an unknown key, driver or feature, an id given twice, or a driver nobody answers.
    """
    values = read_toml(path)
    rows = values.pop("actions", None)
    if values:
        key = next(iter(values))
        raise ConfigError(f"{path} cannot be used:\n  {key}: unknown key.{did_you_mean(key, ['actions'])}")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"{path} holds no actions. Each one starts with a line [[actions]].")
    actions = [parse(Action, _whole(row), _place(path, number, row)) for number, row in enumerate(rows, start=1)]
    faults = [*_faults(actions, drivers, known), *_unknown_features(actions, features)]
    if faults:
        raise ConfigError(f"{path} cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults))
    return tuple(sorted(actions, key=lambda action: action.id))


def features_read(actions: Sequence[Action]) -> set[str]:
    """The features that the conditions of these actions ask about; WEIGHED is none of them."""
    return {condition.feature for action in actions for condition in action.only_if} - set(WEIGHED)


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """The keys of an action, with nothing in the place of what one for the brand as a whole cannot have."""
    return (OF_NOBODY if row.get("per_customer") is False else {}) | row


def _place(path: Path, number: int, row: dict[str, Any]) -> str:
    """Which action a person has to look for in the file."""
    return f"{path}, action {number} ({row.get('id', 'without an id')})"


def _faults(actions: list[Action], drivers: Collection[str], further: Collection[str]) -> list[str]:
    """What is wrong with the catalogue as a whole, one line a fault."""
    known = [*sorted({*drivers, *further}), ANY]
    twice = sorted(id_ for id_, count in Counter(action.id for action in actions).items() if count > 1)
    unknown = [(action.id, d) for action in actions for d in action.drivers if d not in known]
    decided = [action for action in actions if action.per_customer]
    unanswered = [d for d in sorted(drivers) if not any(action.answers(d) for action in decided)]
    return (
        [f"{id_}: this id is given to more than one action; every id must be its own." for id_ in twice]
        + [f"{id_}: no driver is called {d!r}.{did_you_mean(d, known)}" for id_, d in unknown]
        + [f"drivers: no action answers {d!r}; add one, or add it to an action's drivers." for d in unanswered]
    )


def _unknown_features(actions: list[Action], features: Collection[str] | None) -> list[str]:
    """One line a condition about a feature that there is not; of hundreds only the nearest is told."""
    if features is None:
        return []
    known = [*features, *WEIGHED]
    asked = [(action.id, c.feature) for action in actions for c in action.only_if if c.feature not in known]
    return [f"{id_}: only_if: no feature is called {name!r}.{_nearest(name, known)}" for id_, name in asked]


def _nearest(name: str, known: list[str]) -> str:
    hint = did_you_mean(name, known)
    return hint if "Did you mean" in hint else " `winback features` lists them."
