"""Each metric of a period from the sums over its customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from winback.insight.metrics import churn, cost, counts, repeat, retention, revenue, value, voice
from winback.insight.metrics.coded import Floats, Ints
from winback.insight.metrics.figure import Figure, Pairs, nothing


@dataclass(frozen=True)
class Sums:
    """Sums over the customers of one period and part: `of` by name, `spends` one number a customer.

    `missing`: a group of metrics -> why it cannot be told. `costs`: money of the period by component.
    """

    of: Mapping[str, float]
    spends: Floats
    margin_rate: float
    periods_per_year: float
    costs: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """A sum."""
        return self.of[name]

    def pairs(self, after: str, before: str) -> Pairs:
        """The sums for a ratio of two amounts over the same customers."""
        products = (f"{after}*{after}", f"{after}*{before}", f"{before}*{before}")
        return Pairs(self[f"{before}_people"], self[after], self[before], *(self[name] for name in products))


Rule = Callable[[Sums], Figure]
PRODUCTS = (
    *((name, "mrr_start") for name in ("mrr_later", "mrr_kept", "mrr_churned", "mrr_lost")),
    ("spend_again", "spend_before"),
    ("end_less_new", "at_start"),
    ("lost", "there_mean"),
    ("tickets", "active"),
    ("tickets", "orders"),
    ("spend", "orders"),
)
NOT_RETENTION = ("acquisition", "win_back")  # components of cost that are no cost of retention


def _churn(s: Sums) -> Figure:
    """churn_start, undefined for the reason it is where others are made of it."""
    reason = s.missing.get("stand", "")
    return nothing(reason) if reason else churn.churn_start(s["lost"], s["at_start"])


def _ltv(s: Sums) -> Figure:
    arpu = value.arpu_base(s["base_spend"], s["base_spend_squares"], s["base"])
    return value.ltv_churn(arpu, s.margin_rate, _churn(s))


def _order_value(s: Sums) -> Figure:
    return value.average_order_value(s["spend"], s["orders"], s.pairs("spend", "orders"))


def _orders_each(s: Sums) -> Figure:
    return value.orders_per_buyer(s["orders"], s["orders_squares"], s["buyers"])


def _recorded(s: Sums) -> Figure:
    return value.cac_recorded(s["new_cost"], s["new_cost_squares"], s["new_cost_known"])


def _retention_costs(s: Sums) -> dict[str, float]:
    return {name: amount for name, amount in s.costs.items() if name not in NOT_RETENTION}


def _kept(s: Sums) -> Figure:
    reason = s.missing.get("costs", "")
    return nothing(reason) if reason else cost.crc_kept(_retention_costs(s), s["kept"])


def _all(s: Sums) -> Figure:
    reason = s.missing.get("costs", "")
    return nothing(reason) if reason else cost.crc_all(_retention_costs(s), s["at_end"])


def _spent_on_new(s: Sums) -> Figure:
    if "acquisition" not in s.costs:
        return nothing(s.missing.get("costs", "no acquisition spend is given"))
    return value.cac_spend(s.costs["acquisition"], s["new"])


def _one_time(s: Sums) -> tuple[float, float, float]:
    return s["one_time_spend"], s["one_time"], s.margin_rate


def _second_life(s: Sums) -> Figure:
    return cost.second_life_value(s["second"], s["second_squares"], s["returns"], s.margin_rate)


def _won_back(s: Sums) -> Figure:
    """Profit of winning back by the ratio above that of who was left alone."""
    plain = cost.winback_rate(s["contacted_back"], s["contacted"])
    alone = cost.winback_rate_uncontacted(s["alone_back"], s["alone"])
    if reason := plain.undefined or alone.undefined:
        return nothing(reason)
    if "win_back" not in s.costs:
        return nothing(s.missing.get("costs", "no cost of winning back is given"))
    return cost.regain_profit(s["contacted"], Figure(plain.value - alone.value), _second_life(s), s.costs["win_back"])


# Group -> metric -> its rule. A group is told of as a whole, or missing for one reason.
GROUPS: Mapping[str, Mapping[str, Rule]] = {
    "known": {
        "customers_end": lambda s: counts.customers_end(s["at_end"]),
        "customers_new": lambda s: counts.customers_new(s["new"]),
        "cac_recorded": _recorded,
        "cac_spend": _spent_on_new,
        "crc_all": _all,
    },
    "stand": {
        "customers_start": lambda s: counts.customers_start(s["at_start"]),
        "customers_lost": lambda s: counts.customers_lost(s["lost"]),
        "customers_returned": lambda s: counts.customers_returned(s["returned"]),
        "crr_ids": lambda s: retention.crr_ids(s["kept"], s["at_start"]),
        "crr_totals": lambda s: retention.crr_totals(
            s["at_end"], s["new"], s["at_start"], s.pairs("end_less_new", "at_start")
        ),
        "return_rate": lambda s: retention.return_rate(s["returned"], s["away"]),
        "churn_start": _churn,
        "churn_average": lambda s: churn.churn_average(
            s["lost"], s["at_start"], s["at_end"], s.pairs("lost", "there_mean")
        ),
        "churn_stripe": lambda s: churn.churn_stripe(s["lost"], s["new_lost"], s["at_start"], s["new"]),
        "churn_annualised": lambda s: churn.churn_annualised(_churn(s), s.periods_per_year),
        "crc_kept": _kept,
    },
    "subscriptions": {
        "mrr_end": lambda s: counts.mrr_end(s["mrr_end"]),
        "nrr": lambda s: revenue.nrr(s.pairs("mrr_later", "mrr_start")),
        "grr": lambda s: revenue.grr(s.pairs("mrr_kept", "mrr_start")),
        "revenue_churn": lambda s: revenue.revenue_churn(s.pairs("mrr_churned", "mrr_start")),
        "revenue_churn_gross": lambda s: revenue.revenue_churn_gross(s.pairs("mrr_lost", "mrr_start")),
    },
    "before": {
        "revenue_retention_orders": lambda s: revenue.revenue_retention_orders(s.pairs("spend_again", "spend_before")),
    },
    "orders": {
        "revenue": lambda s: counts.revenue(s["spend"]),
        "repeat_rate_ever": lambda s: repeat.repeat_rate_ever(s["ever_repeat"], s["ever"]),
        "repeat_rate_period": lambda s: repeat.repeat_rate_period(s["repeat_buyers"], s["buyers"]),
        "repeat_rate_returning": lambda s: repeat.repeat_rate_returning(s["returning_buyers"], s["buyers"]),
        "one_time_share": lambda s: repeat.one_time_share(s["one_time"], s["ever"]),
        "one_time_income": lambda s: repeat.one_time_income(
            *_one_time(s), s["one_time_cost"], s["one_time_cost_known"]
        ),
        "one_time_income_spend": lambda s: repeat.one_time_income_spend(*_one_time(s), _spent_on_new(s)),
        "arpu_active": lambda s: value.arpu_active(s["spend"], s["spend_squares"], s["active"]),
        "arpu_base": lambda s: value.arpu_base(s["base_spend"], s["base_spend_squares"], s["base"]),
        "arppu": lambda s: value.arppu(s["paid"], s["paid_squares"], s["paying"]),
        "average_order_value": _order_value,
        "orders_per_buyer": _orders_each,
        "top_fifth_share": lambda s: value.top_fifth_share(s.spends),
        "ltv_churn": _ltv,
        "ltv_orders": lambda s: value.ltv_orders(_order_value(s), _orders_each(s), s.margin_rate, _churn(s)),
        "ltv_to_cac": lambda s: value.ltv_to_cac(_ltv(s), _recorded(s)),
        "ltv_to_cac_spend": lambda s: value.ltv_to_cac_spend(_ltv(s), _spent_on_new(s)),
        "second_life_value": _second_life,
    },
    "contacts": {
        "winback_rate": lambda s: cost.winback_rate(s["contacted_back"], s["contacted"]),
        "winback_rate_uncontacted": lambda s: cost.winback_rate_uncontacted(s["alone_back"], s["alone"]),
        "regain_profit": _won_back,
    },
    "surveys": {
        "nps": lambda s: voice.nps(s["promoters"], s["detractors"], s["nps_answers"]),
        "csat_top2": lambda s: voice.csat_top2(s["satisfied"], s["csat_answers"]),
        "csat_mean": lambda s: voice.csat_mean(s["csat_total"], s["csat_squares"], s["csat_answers"]),
        "ces": lambda s: voice.ces(s["ces_total"], s["ces_squares"], s["ces_answers"]),
    },
    "tickets": {
        "csat_tickets": lambda s: voice.csat_tickets(s["ticket_satisfied"], s["ticket_answers"]),
        "contact_rate_customers": lambda s: voice.contact_rate_customers(
            s["tickets"], s["active"], s.pairs("tickets", "active")
        ),
    },
    "tickets and orders": {
        "contact_rate_orders": lambda s: voice.contact_rate_orders(
            s["tickets"], s["orders"], s.pairs("tickets", "orders")
        ),
    },
}


def figures(sums: Sums) -> dict[str, Figure]:
    """Every metric of a period by name; those of a missing group are undefined for its reason."""
    return {
        name: nothing(sums.missing[group]) if group in sums.missing else rule(sums)
        for group, rules in GROUPS.items()
        for name, rule in rules.items()
    }


def components(sums: Sums) -> list[tuple[str, str, Figure]]:
    """Cost of retention once more, by component: metric, component, figure; none where it cannot be told at all."""
    told = [(each, replace(sums, costs={each: amount})) for each, amount in _retention_costs(sums).items()]
    whole = figures(sums)
    return [
        (name, component, rule(one))
        for name, rule in (("crc_kept", _kept), ("crc_all", _all))
        for component, one in told
        if not whole[name].undefined
    ]


def summed(people: Mapping[str, Floats], segment: Ints, parts: int) -> list[dict[str, float]]:
    """One dict a part: the sum of each column over the part's customers."""
    columns = {name: np.bincount(segment, weights=each, minlength=parts) for name, each in people.items()}
    return [{name: float(column[part]) for name, column in columns.items()} for part in range(parts)]
