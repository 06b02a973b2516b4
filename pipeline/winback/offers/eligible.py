"""Which actions may be done for which customers, and through which channels: consent, rest, repeats, conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.config import Offers
from winback.offers.action import Action
from winback.offers.options import Bools, Floats, Ints
from winback.offers.response import places

YEAR_DAYS = 365
INVOLUNTARY = "payments"  # the driver of those who leave because a payment fails
REPAIRS = "payment_fix"


@dataclass(frozen=True)
class Limits:
    """What a run may do. Money is in the project's currency.

    `budget`: most the expected cost may be (None: no limit). `min_net_gain`: an action is taken only for
    more than this (>= 0). `cooldown_days`: days to leave a customer in peace after a contact.
    `max_contacts`: most contacts of one customer in `per_days` days, the new one with them; by channel in
    `channel_max_contacts`. `channel_capacity`: most customers of one run by channel. `monetary_edge`: an action
    that gives money is on offer only where its net gain is more than (1 + edge) times that of the best action
    that gives none. `max_monetary`: most actions that give money to one customer in 365 days.
    `approved`: ids of the actions that a person has released (None: that is asked later). `involuntary`: the
    question is of failing payments, so that only payment repair is meant for anybody.
    """

    budget: float | None
    min_net_gain: float
    cooldown_days: int
    max_contacts: int | None = None
    per_days: int = 30
    channel_max_contacts: Mapping[str, int] = field(default_factory=dict)
    channel_capacity: Mapping[str, int] = field(default_factory=dict)
    monetary_edge: float = 0.0
    max_monetary: int | None = None
    approved: frozenset[str] | None = None
    involuntary: bool = False

    def __post_init__(self) -> None:
        """No limit is below nothing."""
        sizes = [self.budget or 0.0, self.min_net_gain, self.cooldown_days, self.monetary_edge, self.per_days]
        counts = [self.max_contacts or 0, self.max_monetary or 0]
        if min(*sizes, *counts, *self.channel_max_contacts.values(), *self.channel_capacity.values()) < 0:
            raise ValueError(f"limits cannot be negative: {self}")


def limits_of(offers: Offers, approved: frozenset[str] | None = None, involuntary: bool = False) -> Limits:
    """The limits that a project's [offers] sets."""
    return Limits(
        offers.budget,
        offers.min_net_gain,
        offers.cooldown_days,
        offers.max_contacts,
        offers.per_days,
        {str(k): n for k, n in offers.channel_max_contacts.items()},
        {str(k): n for k, n in offers.channel_capacity.items()},
        offers.monetary_edge,
        offers.max_monetary_per_year,
        approved,
        involuntary,
    )


def permitted(customers: pd.DataFrame, channels: Sequence[str], permissions: pd.DataFrame | None) -> Bools:
    """Whether each customer (row) may be reached by each channel (column); what is not known is no.

    Without a table of permissions everything is permitted.
    """
    if permissions is None:
        return np.ones((len(customers), len(channels)), dtype=bool)
    twice = permissions["customer_id"][permissions["customer_id"].duplicated()]
    if len(twice):
        raise ValueError(f"permissions must hold each customer once; {len(twice)} repeat: {twice.head().tolist()}")
    mine = permissions.set_index("customer_id").reindex(customers["customer_id"])
    said = mine[["may_profile", *(f"may_{channel}" for channel in channels)]].astype("boolean").fillna(False)
    may = said.to_numpy(dtype=bool)
    allowed: Bools = may[:, 1:] & may[:, :1]
    return allowed


def rested(customers: pd.DataFrame, actions: Sequence[Action], past: Past | None, cooldown_days: int) -> Bools:
    """Whether each customer's (row) last contact, made or decided on, is long enough ago for each action (column).

    A notice about a payment waits for its own `cooldown_days` alone: a card that ends does not wait for a mailing.
    """
    days = customers["days_since_last_contact"].to_numpy(dtype=float, na_value=np.nan)
    if past is not None:
        nearest = np.full(len(customers), np.inf)
        np.minimum.at(nearest, past.row, past.days_ago)
        days = np.fmin(days, np.where(np.isfinite(nearest), nearest, np.nan))
    least = np.array([0 if action.family == REPAIRS else cooldown_days for action in actions])
    wait = np.maximum(np.array([action.cooldown_days for action in actions], dtype=float), least)
    # Never contacted is NaN, and no comparison with NaN holds: such a customer never has to wait.
    return np.asarray(~(days[:, None] < wait), dtype=bool)


@dataclass(frozen=True)
class Past:
    """One value a contact of these customers before their cutoff: whose (row), how long ago, and what it was."""

    row: Ints
    days_ago: Floats
    action: NDArray[np.object_]
    channel: NDArray[np.object_]
    monetary: Bools


def past_of(customers: pd.DataFrame, history: pd.DataFrame | None) -> Past | None:
    """The contacts of these customers before their cutoff; later ones are not known yet."""
    if history is None:
        return None
    row = places(history["customer_id"], customers["customer_id"])
    mine = history[row >= 0]
    row = row[row >= 0]
    ago = customers["cutoff"].array.take(row) - mine["contacted_at"].array
    days = np.asarray(pd.Series(ago).dt.total_seconds(), dtype=np.float64) / 86_400
    before = days > 0
    action, channel = (mine[name].to_numpy(dtype=object)[before] for name in ("action", "channel"))
    monetary = mine["monetary"].fillna(False).to_numpy(dtype=bool)[before]
    return Past(row[before], days[before], action, channel, monetary)


def uncapped(count: int, channels: Sequence[str], past: Past | None, limits: Limits) -> Bools:
    """Whether each of `count` customers (row) may be contacted once more by each channel (column) within the caps."""
    free = np.ones((count, len(channels)), dtype=bool)
    if past is None:
        return free
    recent = past.days_ago <= limits.per_days
    if limits.max_contacts is not None:
        free &= (np.bincount(past.row[recent], minlength=count) < limits.max_contacts)[:, None]
    for place, channel in enumerate(channels):
        if channel in limits.channel_max_contacts:
            mine = past.row[recent & (past.channel == channel)]
            free[:, place] &= np.bincount(mine, minlength=count) < limits.channel_max_contacts[channel]
    return free


def repeatable(count: int, actions: Sequence[Action], past: Past | None, limits: Limits) -> Bools:
    """Whether each of `count` customers (row) may be given each action (column) once more within 365 days."""
    free = np.ones((count, len(actions)), dtype=bool)
    if past is None:
        return free
    year = past.days_ago <= YEAR_DAYS
    for place, action in enumerate(actions):
        if action.max_repeats is not None:
            mine = past.row[year & (past.action == action.id)]
            free[:, place] = np.bincount(mine, minlength=count) < action.max_repeats
    if limits.max_monetary is not None:
        sated = np.bincount(past.row[year & past.monetary], minlength=count) >= limits.max_monetary
        free &= ~(sated[:, None] & np.array([action.monetary for action in actions], dtype=bool))
    return free


def meant_for(customers: pd.DataFrame, actions: Sequence[Action], involuntary: Bools) -> Bools:
    """Whether each action (column) is for each customer (row): his stage, the conditions, and payment repair only
    for those whose payments fail.
    """
    asked = {condition.feature for action in actions for condition in action.only_if}
    if lacking := sorted(asked - set(customers.columns)):
        raise ValueError(f"the conditions of actions ask about columns that customers lack: {', '.join(lacking)}")
    passed = np.empty((len(customers), len(actions)), dtype=bool)
    for place, action in enumerate(actions):
        mine = np.ones(len(customers), dtype=bool)
        if "stage" in customers:
            mine &= customers["stage"].isin(action.stages).to_numpy()
        for condition in action.only_if:
            mine &= condition.holds(customers[condition.feature]).to_numpy()
        passed[:, place] = mine & (~involuntary | (action.family == REPAIRS))
    return passed
