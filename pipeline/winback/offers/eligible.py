"""Which actions may be done for which customers, and through which channels: consent, rest, repeats, conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from winback.config import Offers
from winback.offers.action import Action
from winback.offers.options import Bools, Floats

YEAR = pd.Timedelta(days=365)
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


def rested(
    customers: pd.DataFrame, actions: Sequence[Action], history: pd.DataFrame | None, cooldown_days: int
) -> Bools:
    """Whether each customer's (row) last contact, made or decided on, is long enough ago for each action (column)."""
    days = customers["days_since_last_contact"].to_numpy(dtype=float, na_value=np.nan)
    if history is not None:
        decided = _since(customers, history, pd.Timedelta.max).groupby("customer_id")["contacted_at"].max()
        ago = customers["cutoff"] - customers["customer_id"].map(decided)
        days = np.fmin(days, ago.dt.total_seconds().to_numpy(dtype=float, na_value=np.nan) / 86_400)
    wait = np.maximum(np.array([action.cooldown_days for action in actions], dtype=float), cooldown_days)
    # Never contacted is NaN, and no comparison with NaN holds: such a customer never has to wait.
    return np.asarray(~(days[:, None] < wait), dtype=bool)


def uncapped(customers: pd.DataFrame, channels: Sequence[str], history: pd.DataFrame | None, limits: Limits) -> Bools:
    """Whether each customer (row) may be contacted once more by each channel (column) within the caps on contacts."""
    free = np.ones((len(customers), len(channels)), dtype=bool)
    if history is None or (limits.max_contacts is None and not limits.channel_max_contacts):
        return free
    recent = _since(customers, history, pd.Timedelta(days=limits.per_days))
    if limits.max_contacts is not None:
        free &= (_count(customers, recent) < limits.max_contacts)[:, None]
    for place, channel in enumerate(channels):
        if channel in limits.channel_max_contacts:
            mine = _count(customers, recent[recent["channel"] == channel])
            free[:, place] &= mine < limits.channel_max_contacts[channel]
    return free


def repeatable(
    customers: pd.DataFrame, actions: Sequence[Action], history: pd.DataFrame | None, limits: Limits
) -> Bools:
    """Whether each customer (row) may be given each action (column) once more within the caps of 365 days."""
    free = np.ones((len(customers), len(actions)), dtype=bool)
    if history is None:
        return free
    year = _since(customers, history, YEAR)
    money = year[year["monetary"].fillna(False).astype(bool)]
    sated = np.zeros(len(customers), dtype=bool)
    if limits.max_monetary is not None:
        sated = _count(customers, money) >= limits.max_monetary
    for place, action in enumerate(actions):
        if action.max_repeats is not None:
            free[:, place] &= _count(customers, year[year["action"] == action.id]) < action.max_repeats
        if action.monetary:
            free[:, place] &= ~sated
    return free


def _since(customers: pd.DataFrame, history: pd.DataFrame, span: pd.Timedelta) -> pd.DataFrame:
    """The contacts of these customers in the span before their cutoff; those after it are not known yet."""
    cutoff = history["customer_id"].map(customers.set_index("customer_id")["cutoff"])
    ago = cutoff - history["contacted_at"]
    return history[(ago > pd.Timedelta(0)) & (ago <= span)]


def _count(customers: pd.DataFrame, contacts: pd.DataFrame) -> Floats:
    """How many of the contacts are each customer's."""
    counted = customers["customer_id"].map(contacts["customer_id"].value_counts())
    return np.asarray(counted.fillna(0), dtype=np.float64)


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
