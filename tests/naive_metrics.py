"""Metrics of a period once more, customer by customer and day by day, as their definitions read."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

KINDS = ("nps", "csat", "ces")
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
    surveys: list[tuple[str, int, str, int]] = field(default_factory=list)
    costs: list[tuple[int, str, float]] = field(default_factory=list)
    won_for: dict[str, float] = field(default_factory=dict)  # what winning a customer has cost

    @property
    def customers(self) -> list[str]:
        """Everybody in any table."""
        tables = (self.orders, self.events, self.tickets, self.contacts, self.subscriptions, self.surveys)
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
    base = s | {c for c in shop.customers if any(start <= d < end for d in shop.days(c))}
    return {
        "crr_ids": (len(s & e), len(s)),
        "crr_totals": (len(e) - len(new), len(s)),
        "return_rate": (len(e & (once - s)), len(once - s)),
        "churn_start": (lost, len(s)),
        "churn_average": (lost, (len(s) + len(e)) / 2),
        "churn_stripe": (lost + len(new - e), len(s | new)),
        "customers_start": (len(s), 1),
        "customers_end": (len(e), 1),
        "customers_new": (len(new), 1),
        "customers_lost": (lost, 1),
        "customers_returned": (len(e & (once - s)), 1),
        "arpu_base": (sum(shop.spent(c, start, end) for c in base), len(base)),
        "crc_kept": per(shop, (start, end), ("service", "other"), len(s & e)),
        "crc_all": per(shop, (start, end), ("service", "other"), len(e)),
        "cac_spend": per(shop, (start, end), ("acquisition",), len(new)),
        "cac_recorded": (sum(shop.won_for[c] for c in new & set(shop.won_for)), len(new & set(shop.won_for))),
    }


def stand_by_spans(shop: Shop, start: int, end: int) -> dict[str, tuple[float, float]]:
    """What retention is made of where a customer is who has a running subscription."""
    begins = {c: sorted(since for who, since, _, _ in shop.subscriptions if who == c) for c in shop.customers}
    s = {c for c in shop.customers if subscribed(shop, c, start)}
    e = {c for c in shop.customers if subscribed(shop, c, end)}
    new = {c for c in shop.customers if begins[c] and start <= begins[c][0] < end}
    once = {c for c in shop.customers if begins[c] and begins[c][0] < start}
    return {
        "crr_ids": (len(s & e), len(s)),
        "crr_totals": (len(e) - len(new), len(s)),
        "return_rate": (len(e & (once - s)), len(once - s)),
        "churn_start": (len(s - e), len(s)),
        "churn_stripe": (len(s - e) + len(new - e), len(s | new)),
    }


def per(shop: Shop, days: tuple[int, int], components: tuple[str, ...], people: int) -> tuple[float, float]:
    """Costs of these components on some days, and whom they are shared among: nobody where none is given."""
    given = [amount for day, component, amount in shop.costs if days[0] <= day < days[1] and component in components]
    return sum(given), people if given else 0


def made_of_others(told: dict[str, tuple[float, float]], periods_per_year: float) -> dict[str, float | None]:
    """The value of what is made of other metrics, None where one of those is not defined; margin is all of sales."""

    def ratio(name: str) -> float | None:
        numerator, denominator = told[name]
        return numerator / denominator if denominator else None

    def each(*names: str) -> list[float] | None:
        found = [ratio(name) for name in names]
        return None if None in found else found

    life = each("churn_start", "arpu_base")
    ltv = life[1] / life[0] if life and life[0] else None
    life_of_orders = each("churn_start", "average_order_value", "orders_per_buyer")
    once, cac = ratio("one_time_margin"), ratio("cac_spend")
    back, second = each("winback_rate", "winback_rate_uncontacted"), ratio("second_life_value")
    annual = ratio("churn_start")
    return {
        "churn_annualised": None if annual is None else 1 - (1 - annual) ** periods_per_year,
        "ltv_churn": ltv,
        "ltv_orders": life_of_orders[1] * life_of_orders[2] / life_of_orders[0]
        if life_of_orders and life_of_orders[0]
        else None,
        "ltv_to_cac": ltv / ratio("cac_recorded") if ltv is not None and ratio("cac_recorded") else None,
        "ltv_to_cac_spend": ltv / cac if ltv is not None and cac else None,
        "one_time_income": once - ratio("one_time_cost")
        if once is not None and ratio("one_time_cost") is not None
        else None,
        "one_time_income_spend": once - cac if once is not None and cac is not None else None,
        "regain_profit": told["winback_rate"][1] * (back[0] - back[1]) * second - told["win_back"][0]
        if back and second is not None and told["win_back"][1]
        else None,
    }


def top_fifth(shop: Shop, start: int, end: int) -> tuple[float, float]:
    """Revenue of the fifth that pays most, of a pound each hundredth of a customer; and all revenue."""
    paid = sorted((shop.spent(c, start, end) for c in shop.customers), reverse=True)
    paid = [amount for amount in paid if amount > 0]
    left, top = Fraction(len(paid), 5), 0.0
    for amount in paid:
        part = min(left, Fraction(1))
        top, left = top + float(part) * amount, left - part
    return top, sum(paid)


def answers(shop: Shop, start: int, end: int) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of what is told of surveys."""
    of = {k: [score for _, day, kind, score in shop.surveys if kind == k and start <= day < end] for k in KINDS}
    likes = sum(score in (9, 10) for score in of["nps"]) - sum(score <= 6 for score in of["nps"])
    return {
        "nps": (100 * likes, len(of["nps"])),
        "csat_top2": (sum(score in (4, 5) for score in of["csat"]), len(of["csat"])),
        "csat_mean": (sum(of["csat"]), len(of["csat"])),
        "ces": (sum(of["ces"]), len(of["ces"])),
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
    once = [c for c in ever if len(so_far[c]) == 1]
    known = [shop.won_for[c] for c in once if c in shop.won_for]
    return {
        "revenue": (revenue, 1),
        "one_time_margin": (sum(shop.spent(c, -1, end) for c in once), len(once)),
        "one_time_cost": (sum(known), len(known)),
        "win_back": per(shop, (start, end), ("win_back",), 1),
        "top_fifth_share": top_fifth(shop, start, end),
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
        "mrr_end": (sum(last.values()), 1),
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


def aged_in_hours(shop: Shop, hours: list[int], n: int) -> tuple[int, int]:
    """Who bought again in the n-th 24 hours after the first order, and who was watched for so long."""
    met = base = 0
    for c in shop.customers:
        rows = zip(shop.orders, hours, strict=True)
        at = sorted(24 * day + hour for (who, day, amount), hour in rows if who == c and amount >= 0)
        if not at or at[0] + 24 * (n + 1) > 24 * shop.until:
            continue
        base += 1
        met += any(24 * n <= each - at[0] < 24 * (n + 1) for each in at)
    return met, base
