"""What customers will spend, told forward in time on real data: `python benchmarks/value.py`.

The data are those of models.py: The Complete Journey, and CDNOW where it is at hand.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gammaln

from models import grocer, records
from winback import jobs
from winback.facts.features import declared
from winback.facts.features.table import features_at
from winback.facts.labels.labels import bought_at
from winback.facts.labels.spend import spend_at
from winback.offers.spending import READ
from winback.offers.value import errors, expected_margin, fit_value, margin_at_stake, weighted
from winback.risk.examining.baselines import logistic_chances, past_of
from winback.risk.examining.purchases import alive, expected_purchases, fit

LAPSED_DAYS = 90
Told = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A question: what is spent in `days` from `asked`, learned from windows that had closed by then."""

    title: str
    days: int
    window: int
    asked: dt.date
    cutoffs: tuple[dt.date, ...]


def months(year: int, *numbers: int) -> tuple[dt.date, ...]:
    """The first of each of these months."""
    return tuple(dt.date(year, number, 1) for number in numbers)


GROCER = (
    Case("The Complete Journey, 90 days", 90, 90, dt.date(2017, 10, 1), months(2017, 4, 5, 6, 7)),
    Case("The Complete Journey, 180 days from windows of 90", 180, 90, dt.date(2017, 7, 4), months(2017, 4)),
)
RECORDS = (Case("CDNOW, 180 days", 180, 180, dt.date(1997, 12, 31), months(1997, 4, 5, 6, 7)),)


def outcomes(job: jobs.Job, days: tuple[dt.date, ...], window: int) -> pd.DataFrame:
    """All customers at some dates: features, whether they stayed, and orders and spend of the window."""
    today = max(days) + dt.timedelta(days=max(window, job.spec.horizon_days))
    rows = features_at(job.facts, days, job.zone, declared.named(READ))
    spent = spend_at(job.facts, rows, window, job.zone, today)
    return rows.assign(stayed=bought_at(job.facts, rows, job.spec.horizon_days, job.zone, today), **spent)


def basket_means(rows: pd.DataFrame) -> np.ndarray:
    """The spend an order that Gamma-Gamma expects (Fader and Hardie, note 25): shrunk to that of all."""
    weeks = rows["days_since_first_order"].clip(lower=7) / 7
    orders = rows["orders_total"].to_numpy(dtype=float)
    mean = np.maximum((rows["spend_per_week"] * weeks).to_numpy() / orders, 0.01)

    def loss(logs: np.ndarray) -> float:
        p, q, scale = np.exp(logs)
        likely = gammaln(p * orders + q) - gammaln(p * orders) - gammaln(q) + q * np.log(scale)
        likely += (p * orders - 1) * np.log(mean) + p * orders * np.log(orders)
        return -float(np.mean(likely - (p * orders + q) * np.log(scale + mean * orders)))

    p, q, scale = np.exp(minimize(loss, np.log([5.0, 4.0, 15.0]), method="Nelder-Mead").x)
    return p * (scale + orders * mean) / (p * orders + q - 1)


def told_of(learning: pd.DataFrame, rows: pd.DataFrame, case: Case) -> tuple[Told, Told]:
    """What everyone expects customers to spend if they stay, and taking the chance to leave into account."""
    margins = expected_margin(fit_value(learning, learning, case.window), rows, 1.0, case.days)
    past, scale = past_of(rows), case.days / case.window
    habits, baskets = fit(past), basket_means(rows)
    bought = expected_purchases(past, habits, case.days) * baskets
    spent = (rows["spend_per_week"] * rows["days_since_first_order"].clip(lower=7) / 7).round(2)
    rate = margin_at_stake(spent, rows["days_since_first_order"], 1.0, case.days).to_numpy()
    last = rows["spend_90d"].fillna(0.0).to_numpy() * case.days / 90
    chances = logistic_chances(learning.assign(churned=~learning["stayed"]), rows, READ)
    staying, all_of_them = learning[learning["stayed"]]["spend"].mean() * scale, learning["spend"].mean() * scale
    ours = margins["margin_if_stays"].to_numpy()
    stays = {
        "winback": ours,
        "shrunk rate": rate,
        "last 90 days": last,
        "MBG/NBD x Gamma-Gamma": bought / alive(past, habits),
    }
    every = {"winback": weighted(margins, pd.Series(chances, rows.index)).to_numpy(), "shrunk rate": rate}
    every |= {
        "shrunk rate x chance to stay": rate * (1 - chances),
        "last 90 days": last,
        "MBG/NBD x Gamma-Gamma": bought,
    }
    return (
        stays | {"mean of those who stay": np.full(len(rows), staying)},
        every | {"mean of all": np.full(len(rows), all_of_them)} | {"_leaves": margins["margin_if_leaves"].to_numpy()},
    )


def tell(title: str, actual: np.ndarray, told: Told) -> None:
    """One line a contender."""
    print(f"\n{title}: {len(actual):,} customers, mean {actual.mean():.2f}")
    print(f"{'':30} {'MAE':>8} {'RMSE':>8} {'Spearman':>9} {'Gini':>6} {'level':>6} {'deciles':>8}")
    for name, values in told.items():
        flat = np.ptp(values) == 0
        found = errors(actual, values) if not flat else errors(actual, values + np.arange(len(values)) * 1e-9)
        order = f"{'-':>9} {'-':>6}" if flat else f"{found['spearman']:9.3f} {found['gini']:6.3f}"
        deciles = f"{'-':>8}" if flat else f"{found['decile_error']:8.3f}"
        print(f"{name:30} {found['mae']:8.2f} {found['rmse']:8.2f} {order} {found['level']:6.3f} {deciles}")


def by_decile(actual: np.ndarray, told: np.ndarray) -> None:
    """Told and actual means of each tenth of the customers, least first."""
    tenth = np.argsort(np.argsort(told, kind="stable"), kind="stable") * 10 // len(told)
    pairs = [f"{told[tenth == k].mean():.0f}/{actual[tenth == k].mean():.0f}" for k in range(10)]
    print("told/actual by decile: " + "  ".join(pairs))


def examine(job: jobs.Job, case: Case) -> None:
    """The tables of one case: who stayed, who came back, who left, and all together."""
    started = time.process_time()
    learning, rows = outcomes(job, case.cutoffs, case.window), outcomes(job, (case.asked,), case.days)
    stays, every = told_of(learning, rows, case)
    print(f"\n== {case.title}, asked on {case.asked}; learned from {len(learning):,} rows")
    actual, stayed = rows["spend"].clip(lower=0.0).to_numpy(), rows["stayed"].to_numpy()
    lapsed = (rows["days_since_last_order"] >= LAPSED_DAYS).to_numpy()
    leaves = every.pop("_leaves")
    groups = {"stayed": stayed & ~lapsed, "came back after 90 days or more": stayed & lapsed}
    for name, who in groups.items():
        tell(name, actual[who], {peer: values[who] for peer, values in stays.items()})
    by_decile(actual[groups["stayed"]], stays["winback"][groups["stayed"]])
    tell("left", actual[~stayed], {"winback": leaves[~stayed], "shrunk rate": stays["shrunk rate"][~stayed]})
    tell("all, by their chance to stay", actual, every)
    print(f"{time.process_time() - started:.0f} CPU s")


def main() -> None:
    """Each case on its data."""
    for project, cases in ((grocer, GROCER), (records, RECORDS)):
        with tempfile.TemporaryDirectory() as folder:
            job = project(Path(folder))
            if job is None:
                print(f"\n{cases[0].title}: left out, no data")
                continue
            for case in cases:
                examine(job, case)


if __name__ == "__main__":
    main()
