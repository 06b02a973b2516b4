"""All metrics of a business as one table: by period, by cohort, by part of the customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from winback.insight.metrics import doings, standing
from winback.insight.metrics.coded import FOREVER, Coded, Ints, Tables, coded
from winback.insight.metrics.comebacks import regained, second_lives
from winback.insight.metrics.figure import Figure
from winback.insight.metrics.named import PRODUCTS, Sums, components, figures, summed
from winback.insight.metrics.periods import EPOCH, PER_YEAR, Length, Period, day_of, period_of
from winback.insight.metrics.standing import Customership, People, Stand

FOUND = ["value", "low", "high", "interval", "numerator", "denominator", "people", "undefined"]
COLUMNS = ["metric", "n", "period", "segment", *FOUND]


@dataclass(frozen=True)
class Terms:
    """What the figures are asked with.

    `active_days`: whoever bought in so many days is a customer, and lapsed after as many without; `customers_by`: whose
    customers, those of orders or of subscriptions. `second_life_days`: how long a return is followed. `margin_rate`:
    share of sales that is margin. `until`: the first day that is not known.
    """

    active_days: int
    margin_rate: float
    until: dt.date
    length: Length = "month"
    customers_by: Customership = "orders"
    second_life_days: int = 90

    @property
    def last(self) -> int:
        """`until` in days since 1970."""
        return (self.until - EPOCH).days


def by_period(tables: Tables, asked: Sequence[Period], terms: Terms, by: str = "") -> pd.DataFrame:
    """One row a metric, period and part of the customers: value, interval, what it is made of, or why undefined.

    `asked`: periods in order of time that end by `terms.until`. `by`: a column of customers, or "cohort" for the period
    of the first order or subscription. Shares are of 1, money is in the business's currency. What needs to know who was
    a customer at the start is undefined where the log begins less than `active_days` before the period.
    """
    data = parted(tables, terms, by)
    rows: list[dict[str, Any]] = []
    for period, people in zip(asked, _people(data, asked, terms), strict=True):
        missing = missing_groups(data, period, terms)
        if by and data.costs is not None and by not in data.costs:
            missing = {**missing, "costs": f"costs are not told by {by}"}
        for part, sums in enumerate(summed(people, data.segment, len(data.names))):
            spends = people["spend"][data.segment == part] if "spend" in people else np.zeros(0)
            costs = {} if "costs" in missing else _costs(data, period, by, data.names[part])
            whole = Sums(sums, spends, terms.margin_rate, PER_YEAR[terms.length], costs, missing)
            rows += [as_row(name, each, data.names[part], period.name) for name, each in figures(whole).items()]
            rows += [as_row(m, each, data.names[part], period.name, n) for m, n, each in components(whole)]
    return pd.DataFrame(rows, columns=COLUMNS)


def as_row(metric: str, figure: Figure, segment: str, period: str = "", n: str = "") -> dict[str, Any]:
    """A figure as a row of the table."""
    whose = {"metric": metric, "n": n, "period": period, "segment": segment}
    return whose | {name: getattr(figure, name) for name in FOUND}


def parted(tables: Tables, terms: Terms, by: str) -> Coded:
    """The tables in numbers, the customers parted by a column or by the period they began in."""
    data = coded(tables, "" if by == "cohort" else by)
    if by != "cohort":
        return data
    first = began(data, terms.customers_by)
    days, which = np.unique(first, return_inverse=True)
    names = ["(none)" if d == FOREVER else period_of(day_of(int(d)), terms.length).name for d in days]
    known, part = np.unique(names, return_inverse=True)
    return replace(data, segment=part[which].astype(np.int64), names=tuple(str(name) for name in known))


def began(data: Coded, by: Customership) -> Ints:
    """The day of each customer's first order or subscription; FOREVER where there is none."""
    first = np.full(data.customers, FOREVER)
    if by == "subscriptions":
        np.minimum.at(first, data.spans.who, data.spans.since)
    else:
        np.minimum.at(first, data.purchases.who, data.purchases.day)
    return first


def _people(data: Coded, asked: Sequence[Period], terms: Terms) -> Iterator[People]:
    """One number a customer for everything that is summed, period by period."""
    stands = list(standing.stands(data, asked, terms.customers_by, terms.active_days))
    parts: list[Iterator[People]] = [_moved(data, asked, stands)]
    if "orders" in data.logs:
        parts.append(_bought(data, asked, stands))
        parts.append(second_lives(data, asked, terms.active_days, terms.second_life_days, terms.last))
    if {"contacts", "orders"} <= data.logs.keys():
        away = [stand.away for stand in stands]
        parts.append(regained(data, asked, terms.active_days, terms.last, away))
    for found in zip(*parts, strict=True):
        whole = {name: column for part in found for name, column in part.items()}
        yield whole | _products(whole)


def _moved(data: Coded, asked: Sequence[Period], stands: Sequence[Stand]) -> Iterator[People]:
    """Who came and went, recurring revenue, answers, and what winning the new ones has cost."""
    for period, stand in zip(asked, stands, strict=True):
        found = standing.moves(stand, period)
        known = found["new"] * ~np.isnan(data.cost)
        cost = np.where(known > 0, np.nan_to_num(data.cost), 0.0)
        found |= {"new_cost": cost, "new_cost_squares": cost**2, "new_cost_known": known}
        found |= standing.recurring(data, period) if data.subscriptions is not None else {}
        yield found | doings.asked_and_told(data, period) | {"active": doings.active(data, period)}


def _bought(data: Coded, asked: Sequence[Period], stands: Sequence[Stand]) -> Iterator[People]:
    """Orders and spend, and the squares that their intervals need."""
    for found, stand in zip(doings.bought(data, asked), stands, strict=True):
        spend, base = found["spend"], stand.at_start | stand.became
        paid, once = np.maximum(spend, 0.0), found["one_time"] * ~np.isnan(data.cost)
        yield found | {
            "spend_squares": spend**2,
            "base_spend": spend * base,
            "base_spend_squares": spend**2 * base,
            "paid": paid,
            "paid_squares": paid**2,
            "orders_squares": found["orders"] ** 2,
            "spend_again": spend * found["buyers_before"],
            "one_time_cost": np.where(once > 0, np.nan_to_num(data.cost), 0.0),
            "one_time_cost_known": once,
        }


def _products(people: People) -> People:
    """What ratios over the same customers need: products, and how many have an amount before."""
    found: People = {}
    for after, before in PRODUCTS:
        if after in people and before in people:
            a, b = people[after], people[before]
            found |= {f"{after}*{after}": a * a, f"{after}*{before}": a * b, f"{before}*{before}": b * b}
            found[f"{before}_people"] = (b > 0).astype(float)
    return found


def missing_groups(data: Coded, period: Period, terms: Terms) -> Mapping[str, str]:
    """Which groups of metrics cannot be told of a period, and why."""
    start, end = period.days
    tables = {
        "orders": "orders",
        "before": "orders",
        "surveys": "surveys",
        "tickets": "tickets",
        "tickets and orders": "tickets",
        "contacts": "contacts",
    }
    missing = {group: f"no table {name}" for group, name in tables.items() if name not in data.logs}
    if data.subscriptions is None:
        missing["subscriptions"] = "no table subscriptions"
    if "orders" not in data.logs:
        for group in ("contacts", "tickets and orders"):
            missing.setdefault(group, "no table orders")
        return missing
    first = int(data.logs["purchases"].day.min(initial=FOREVER))
    if terms.customers_by == "orders" and start - terms.active_days < first:
        missing["stand"] = f"the log begins less than {terms.active_days} days before the period"
        missing.setdefault("contacts", missing["stand"])
    if start - (end - start) < first:
        missing.setdefault("before", "the log begins after the period before this one did")
    return missing


def _costs(data: Coded, period: Period, by: str, part: str) -> dict[str, float]:
    """The given costs of a period, and of one part where there are parts, by component."""
    if data.costs is None:
        return {}
    start, end = period.days
    inside = data.costs[(data.costs["day"] >= start) & (data.costs["day"] < end)]
    if by:
        inside = inside[inside[by].astype("string") == part]
    return {str(name): float(amount) for name, amount in inside.groupby("component")["amount"].sum().items()}
