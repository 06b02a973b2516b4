"""Do the intervals of `winback lift` hold? Made-up campaigns whose true effects are known.

    python benchmarks/lift.py [--campaigns 1000] [--peeks 1000] [--seed 1]

Campaigns that work, do nothing and harm, small and large, with redeemers among those who would have stayed anyway:
how often the 95 % intervals cover the truth, and how much narrower covariates make them. Then weekly looks over 26
weeks at campaigns without any effect: how often one of the looks says "works". See docs/lift.md for the figures.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.effects import intervals
from winback.effects.estimate import Arms, effect
from winback.effects.lift import arms_of

WEEKS, A_WEEK = 26, 80
MARGIN_RATE, CONTACT, INCENTIVE, REDEEMS = 0.3, 0.5, 3.0, 0.4
KINDS = {"works": 0.2, "nothing": 0.0, "harms": -0.1}  # of leavers kept; below zero, of stayers driven away
SIZES = ((150, 0.2), (300, 0.1), (600, 0.2), (1_000, 0.1), (2_000, 0.5), (4_000, 0.1), (10_000, 0.05))
METRICS = ("stayed", "revenue", "net_gain", "earned")
RISKS = {"all scored": 0.0, "at risk": 0.3}  # the least chance to leave of whoever is in the campaign


@dataclass(frozen=True)
class Shop:
    """Chances to leave (from `least` up) and how spend is spread."""

    least: float
    a: float = 0.6
    b: float = 0.9


def customers(rng: np.random.Generator, shop: Shop, size: int) -> pd.DataFrame:
    """Known beforehand: a chance to leave as of a model with an AUC of about 0.92, and skewed spend."""
    chance = rng.beta(shop.a, shop.b, int(size * 4) + 100)
    chance = chance[chance >= shop.least][:size]
    spend = rng.lognormal(4.0, 0.8, size)
    return pd.DataFrame(
        {
            "customer_id": np.arange(size),
            "probability": chance,
            "spend_90d": spend,
            "orders_90d": rng.poisson(1 + 4 * (1 - chance)).astype(float),
            "margin_at_stake": MARGIN_RATE * 2 * spend,
        }
    )


def leaving(chance: np.ndarray, kept: float) -> np.ndarray:
    """The chance to leave of the treated."""
    return chance * (1 - kept) if kept >= 0 else chance - kept * (1 - chance)


def campaign(rng: np.random.Generator, rows: pd.DataFrame, kept: float, held_share: float) -> pd.DataFrame:
    """The results of one campaign on these customers, as `effects.results` gives them."""
    treated = rng.random(len(rows)) >= held_share
    chance = np.where(treated, leaving(rows["probability"].to_numpy(), kept), rows["probability"])
    stayed = (rng.random(len(rows)) >= chance).astype(float)
    revenue = stayed * rows["spend_90d"] * rng.lognormal(-0.125, 0.5, len(rows))
    cost = treated * (CONTACT + INCENTIVE * stayed * (rng.random(len(rows)) < REDEEMS))
    return rows.assign(
        arm=np.where(treated, "treated", "held_out"),
        propensity=np.where(treated, 1 - held_share, held_share),
        stayed=stayed,
        revenue=revenue,
        net_gain=stayed * rows["margin_at_stake"] - cost,
        earned=MARGIN_RATE * revenue - cost,
    )


def truths(shop: Shop, kept: float) -> dict[str, float]:
    """The true mean effects of a kind of campaign in a shop."""
    many = customers(np.random.default_rng(99), shop, 300_000)
    chance = many["probability"].to_numpy()
    after = leaving(chance, kept)
    stayed, spend = float((chance - after).mean()), math.exp(4.0 + 0.8**2 / 2)
    cost = CONTACT + INCENTIVE * REDEEMS * float((1 - after).mean())
    revenue = stayed * spend
    return {
        "stayed": stayed,
        "revenue": revenue,
        "net_gain": stayed * MARGIN_RATE * 2 * spend - cost,
        "earned": MARGIN_RATE * revenue - cost,
    }


def _covers(interval: intervals.Interval, truth: float) -> float:
    """1.0 or 0.0; NaN where no interval is told."""
    return float("nan") if math.isnan(interval.low) else float(interval.low <= truth <= interval.high)


def coverage(shop: Shop, campaigns: int, seed: int) -> pd.DataFrame:
    """One row a campaign and metric: whether each interval covers the truth, and its width."""
    rng = np.random.default_rng(seed)
    known = {kind: truths(shop, kept) for kind, kept in KINDS.items()}
    found = []
    for number in range(campaigns):
        kind = list(KINDS)[number % len(KINDS)]
        size, share = SIZES[number // len(KINDS) % len(SIZES)]
        rows = campaign(rng, customers(rng, shop, size), KINDS[kind], share)
        for metric in METRICS:
            arms, outcome = arms_of(rows, metric), rows[metric].to_numpy()
            plain = Arms(arms.treated, arms.propensity, arms.customer, arms.covariates[:, :0])
            told = {"kind": kind, "size": size, "metric": metric}
            for name, design in (("plain", plain), ("adjusted", arms)):
                e = effect(outcome, design)
                one, ever = intervals.one_look(e), intervals.any_look(e)
                told |= {name: one.low <= known[kind][metric] <= one.high, f"{name}_width": one.high - one.low}
                told |= {f"{name}_ever": _covers(ever, known[kind][metric])}
            found.append(told)
    return pd.DataFrame(found)


def most_narrower(shop: Shop, size: int = 300_000) -> dict[str, float]:
    """By how much an interval can be narrower at most, whatever is known before: by the true mean of each customer.

    1 - sqrt(1 - R^2) of the outcome of the held-out on that mean; the rest is luck.
    """
    rng = np.random.default_rng(5)
    rows = campaign(rng, customers(rng, shop, size), 0.0, 1.0)
    stays, spend = 1 - rows["probability"], rows["spend_90d"]
    means = {"stayed": stays, "revenue": stays * spend, "net_gain": stays * rows["margin_at_stake"]}
    means["earned"] = MARGIN_RATE * means["revenue"]
    return {name: float(1 - (rows[name] - mean).std() / rows[name].std()) for name, mean in means.items()}


def peeking(shop: Shop, campaigns: int, seed: int, metric: str) -> tuple[float, float]:
    """The share of campaigns without effect that some weekly look calls `works`, by either interval."""
    rng = np.random.default_rng(seed)
    any_look, one_look = 0, 0
    for _ in range(campaigns):
        rows = campaign(rng, customers(rng, shop, WEEKS * A_WEEK), 0.0, 0.1)
        outcome, arms = rows[metric].to_numpy(), arms_of(rows, metric)
        looks = [effect(outcome[: w * A_WEEK], arms.of(slice(0, w * A_WEEK))) for w in range(1, WEEKS + 1)]
        any_look += any(intervals.any_look_chance(e) <= intervals.ALPHA and e.centre > 0 for e in looks)
        one_look += any(intervals.one_look(e).low > 0 for e in looks)
    return any_look / campaigns, one_look / campaigns


def main() -> None:
    """Print the tables of docs/lift.md."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--campaigns", type=int, default=1_000)
    asked.add_argument("--peeks", type=int, default=1_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    for name, least in RISKS.items():
        found = coverage(Shop(least), given.campaigns, given.seed)
        found["narrower"] = 1 - found["adjusted_width"] / found["plain_width"]
        figures = ["plain", "adjusted", "adjusted_ever", "narrower"]
        print(f"\n{name}: share of {given.campaigns} campaigns covered, and how much narrower with covariates")
        table = 100 * found.groupby("metric", sort=False)[figures].mean()
        print(table.assign(narrower_at_most=100 * pd.Series(most_narrower(Shop(least)))).round(1).to_string())
        print((100 * found.groupby(["kind"], sort=False)[figures].mean()).round(1).to_string())
        print((100 * found.groupby(["size"], sort=False)[figures].mean()).round(1).to_string())
    for metric in ("stayed", "revenue"):
        ever, once = peeking(Shop(0.3), given.peeks, given.seed, metric)
        print(f"\n{metric}: {given.peeks} campaigns without effect, {WEEKS} weekly looks; called 'works':")
        print(f"  by the interval for any look {ever:.1%}, by the one for one look, misused, {once:.1%}")


if __name__ == "__main__":
    main()
