"""What each customer did in a period: orders, spend, questions, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winback.insight.metrics.coded import KINDS, Coded, Floats, Log
from winback.insight.metrics.periods import Period
from winback.insight.metrics.standing import People


def bought(data: Coded, asked: Sequence[Period]) -> Iterator[People]:
    """One People a period (in order of time): orders and spend in it, before it and in the period before it.

    Spend is net: returns and corrections count on their own day.
    """
    n, seen = data.customers, -(2**62)
    orders_so_far, spend_so_far = np.zeros(n), np.zeros(n)
    purchases, rows = data.logs["purchases"], data.logs["orders"]
    for period in asked:
        start, end = period.days
        orders_so_far += purchases.between(seen, start).summed(n)
        spend_so_far += rows.between(seen, start).summed(n, "amount")
        before = rows.between(start - (end - start), start).summed(n, "amount")
        inside, money = purchases.between(start, end).summed(n), rows.between(start, end).summed(n, "amount")
        returning = (inside > 0) & (orders_so_far > 0)
        orders_so_far, spend_so_far, seen = orders_so_far + inside, spend_so_far + money, end
        yield {
            "orders": inside,
            "spend": money,
            "spend_before": np.maximum(before, 0.0),
            "buyers": _flag(inside > 0),
            "buyers_before": _flag(before > 0),
            "repeat_buyers": _flag(inside > 1),
            "returning_buyers": _flag(returning),
            "paying": _flag(money > 0),
            "ever": _flag(orders_so_far > 0),
            "ever_repeat": _flag(orders_so_far > 1),
            "one_time": _flag(orders_so_far == 1),
            "one_time_spend": np.where(orders_so_far == 1, spend_so_far, 0.0),
        }


def active(data: Coded, period: Period) -> Floats:
    """1 for each customer with an order, a return or an event in the period."""
    logs = [data.logs[name].between(*period.days) for name in ("orders", "events") if name in data.logs]
    return _flag(sum((log.summed(data.customers) for log in logs), np.zeros(data.customers)) > 0)


def asked_and_told(data: Coded, period: Period) -> People:
    """Tickets and answers of each customer in the period."""
    n, start, end = data.customers, *period.days
    found: People = {}
    if "tickets" in data.logs:
        tickets = data.logs["tickets"].between(start, end)
        found["tickets"] = tickets.summed(n)
        if "csat" in tickets.columns:
            found |= _counts(tickets, n, {"ticket_answers": tickets.columns["csat"] > 0})
            found |= _counts(tickets, n, {"ticket_satisfied": tickets.columns["csat"] >= 4})
    if "surveys" in data.logs:
        answers = data.logs["surveys"].between(start, end)
        score = answers.columns["score"]
        of = {kind: answers.columns[kind] > 0 for kind in KINDS}
        found |= _counts(answers, n, {f"{kind}_answers": of[kind] for kind in KINDS})
        found |= _counts(answers, n, {"promoters": of["nps"] & (score >= 9), "detractors": of["nps"] & (score <= 6)})
        found |= _counts(answers, n, {"satisfied": of["csat"] & (score >= 4)})
        for kind in ("csat", "ces"):
            found |= _counts(answers, n, {f"{kind}_total": of[kind] * score, f"{kind}_squares": of[kind] * score**2})
    return found


def _counts(log: Log, customers: int, wanted: Mapping[str, NDArray[Any]]) -> People:
    """The sum of each of these over the rows of each customer."""
    return {name: np.bincount(log.who, each.astype(float), customers).astype(float) for name, each in wanted.items()}


def _flag(flags: NDArray[Any]) -> Floats:
    return flags.astype(float)
