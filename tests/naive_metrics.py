"""Metrics of a period once more, customer by customer and day by day, as their definitions read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = tuple[str, int, float]  # customer, day, and an amount, a score or an end


@dataclass(frozen=True)
class Shop:
    """Rows by table; `until` is the first day not known."""

    orders: list[Row]
    events: list[Row]
    tickets: list[Row]
    contacts: list[Row]
    subscriptions: list[tuple[str, int, int | None, float]]
    until: int

    @property
    def customers(self) -> list[str]:
        """Everybody in any table."""
        tables = (self.orders, self.events, self.tickets, self.contacts, self.subscriptions)
        return sorted({row[0] for table in tables for row in table})

    def days(self, customer: str) -> list[int]:
        """When a customer bought, sorted."""
        return sorted(day for who, day, amount in self.orders if who == customer and amount >= 0)

    def spent(self, customer: str, start: int, end: int) -> float:
        """What a customer paid on the days from start up to end."""
        return sum(amount for who, day, amount in self.orders if who == customer and start <= day < end)


def ordered(shop: Shop, customer: str, day: int, active_days: int) -> bool:
    """Whether somebody is a customer when a day begins."""
    return any(day - active_days <= bought < day for bought in shop.days(customer))


def subscribed(shop: Shop, customer: str, day: int) -> bool:
    """The same by subscriptions."""
    return monthly(shop, customer, day) is not None


def monthly(shop: Shop, customer: str, day: int) -> float | None:
    """What running subscriptions bring a month; None where there is none."""
    running = [
        price
        for who, since, until, price in shop.subscriptions
        if who == customer and since < day and (until is None or until >= day)
    ]
    return sum(running) if running else None


def customers_of(shop: Shop, start: int, end: int, active_days: int) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of what retention is made of."""
    s = {c for c in shop.customers if ordered(shop, c, start, active_days)}
    e = {c for c in shop.customers if ordered(shop, c, end, active_days)}
    new = {c for c in shop.customers if shop.days(c) and start <= shop.days(c)[0] < end}
    once = {c for c in shop.customers if shop.days(c) and shop.days(c)[0] < start}
    lost = len(s - e)
    return {
        "crr_ids": (len(s & e), len(s)),
        "crr_totals": (len(e) - len(new), len(s)),
        "return_rate": (len(e & (once - s)), len(once - s)),
        "churn_start": (lost, len(s)),
        "churn_average": (lost, (len(s) + len(e)) / 2),
        "churn_stripe": (lost + len(new - e), len(s | new)),
    }


def buying_of(shop: Shop, start: int, end: int) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of what is told of orders, and of questions."""
    inside = {c: [d for d in shop.days(c) if start <= d < end] for c in shop.customers}
    so_far = {c: [d for d in shop.days(c) if d < end] for c in shop.customers}
    buyers = [c for c in shop.customers if inside[c]]
    ever = [c for c in shop.customers if so_far[c]]
    orders = sum(map(len, inside.values()))
    revenue = sum(shop.spent(c, start, end) for c in shop.customers)
    paying = [c for c in shop.customers if shop.spent(c, start, end) > 0]
    active = {row[0] for row in [*shop.orders, *shop.events] if start <= row[1] < end}
    before = [c for c in shop.customers if shop.spent(c, 2 * start - end, start) > 0]
    tickets = [row for row in shop.tickets if start <= row[1] < end]
    answered = [row for row in tickets if row[2] > 0]
    return {
        "repeat_rate_ever": (sum(len(so_far[c]) > 1 for c in ever), len(ever)),
        "repeat_rate_period": (sum(len(inside[c]) > 1 for c in buyers), len(buyers)),
        "repeat_rate_returning": (sum(len(so_far[c]) > len(inside[c]) for c in buyers), len(buyers)),
        "one_time_share": (sum(len(so_far[c]) == 1 for c in ever), len(ever)),
        "arpu_active": (revenue, len(active)),
        "arppu": (sum(shop.spent(c, start, end) for c in paying), len(paying)),
        "average_order_value": (revenue, orders),
        "orders_per_buyer": (orders, len(buyers)),
        "revenue_retention_orders": (
            sum(shop.spent(c, start, end) for c in before),
            sum(shop.spent(c, 2 * start - end, start) for c in before),
        ),
        "csat_tickets": (sum(row[2] >= 4 for row in answered), len(answered)),
        "contact_rate_customers": (len(tickets), len(active)),
        "contact_rate_orders": (len(tickets), orders),
    }


def winning_back(shop: Shop, start: int, end: int, active_days: int) -> dict[str, tuple[float, float]]:
    """Lapsed customers contacted in the period, and those who were not, and who of them ordered in time."""
    contacted, back, alone, alone_back = 0, 0, 0, 0
    for c in shop.customers:
        written = sorted(day for who, day, _ in shop.contacts if who == c and start <= day < end)
        lapsed = [d for d in written if any(b < d for b in shop.days(c)) and not ordered(shop, c, d, active_days)]
        if lapsed and lapsed[0] + active_days <= shop.until:
            contacted += 1
            back += any(lapsed[0] <= b < lapsed[0] + active_days for b in shop.days(c))
        gone = any(b < start for b in shop.days(c)) and not ordered(shop, c, start, active_days)
        if gone and not written and start + active_days <= shop.until:
            alone += 1
            alone_back += any(start <= b < start + active_days for b in shop.days(c))
    return {"winback_rate": (back, contacted), "winback_rate_uncontacted": (alone_back, alone)}


def second_lives(shop: Shop, start: int, end: int, active_days: int, follow: int) -> tuple[float, float]:
    """Spend after returns of the period, and how many there were."""
    found = [
        shop.spent(c, day, day + follow)
        for c in shop.customers
        for before, day in zip(shop.days(c), shop.days(c)[1:], strict=False)
        if start <= day < end and day - before > active_days and day + follow <= shop.until
    ]
    return sum(found), len(found)


def recurring_of(shop: Shop, start: int, end: int) -> dict[str, tuple[float, float]]:
    """What became of the recurring revenue of the start."""
    first = {c: monthly(shop, c, start) or 0.0 for c in shop.customers}
    last = {c: monthly(shop, c, end) or 0.0 for c in shop.customers}
    paying = [c for c in shop.customers if first[c] > 0]
    total = sum(first.values())
    ended = [c for c in paying if not subscribed(shop, c, end)]
    return {
        "nrr": (sum(last[c] for c in paying), total),
        "grr": (sum(min(first[c], last[c]) for c in paying), total),
        "revenue_churn": (sum(first[c] for c in ended), total),
        "revenue_churn_gross": (sum(max(first[c] - last[c], 0.0) for c in paying), total),
    }


def aged(shop: Shop, metric: str, low: int, high: int) -> tuple[int, int]:
    """Who was active at the ages that a metric of days asks for, and who was watched for so long."""
    met = base = 0
    for c in shop.customers:
        days = shop.days(c)
        if not days or days[0] + (low if metric == "rolling_n" else high) >= shop.until:
            continue
        base += 1
        ages: set[Any] = {day - days[0] for day in days}
        wanted = set(range(low, high + 1))
        met += {
            "full_n": wanted <= ages,
            "rolling_n": any(age >= low for age in ages),
        }.get(metric, bool(wanted & ages))
    return met, base
