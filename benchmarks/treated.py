"""What do our own campaigns do to the next model? Three of ten treated, a fifth of the leavers among them kept.

    python benchmarks/treated.py [--seeds 5] [--customers 20000]

Half of the campaigns go to the riskiest, half to customers with one trait whatever their risk; a tenth is held out.
Each way of training (`facts.labels.retraining`) is examined on new customers whom nobody treats, beside a model from a
world without campaigns. See docs/learning.md.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

from winback.facts.labels.retraining import Mode, learnable

TREATED, KEPT, HELD_OUT = 0.3, 0.2, 0.1
SPREAD = 8
DAY = pd.Timestamp("2026-01-01", tz="UTC")


def customers(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """What is known of customers, and their chance to leave untreated."""
    x = rng.normal(size=(size, SPREAD))
    logit = 1.1 * x[:, 0] + 0.8 * x[:, 1] * (x[:, 2] > 0) + 0.7 * np.abs(x[:, 3]) - 0.5 * x[:, 4] + 0.6 * x[:, 5] - 1.2
    return x, 1 / (1 + np.exp(-logit))


def campaigns(rng: np.random.Generator, x: np.ndarray, chance: np.ndarray) -> pd.DataFrame:
    """Who is treated, with which chance: the riskiest by a model with noise, and those high in one trait."""
    listed_share = TREATED / (1 - HELD_OUT)
    forecast = chance + rng.normal(0, 0.1, len(chance))
    risky = forecast >= np.quantile(forecast, 1 - listed_share / 2)
    rest = np.where(risky, -np.inf, x[:, 5])
    listed = risky | (rest >= np.quantile(rest[~risky], 1 - (listed_share / 2) / (1 - listed_share / 2)))
    treated = listed & (rng.random(len(chance)) >= HELD_OUT)
    return pd.DataFrame({"treated": treated, "chance": np.where(listed, 1 - HELD_OUT, 0.0)})


def fitted(x: np.ndarray, left: np.ndarray) -> HistGradientBoostingClassifier:
    model = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.08, max_leaf_nodes=8, min_samples_leaf=40)
    return model.fit(x, left)


def learned(x: np.ndarray, seen: np.ndarray, treatment: pd.DataFrame, mode: Mode) -> HistGradientBoostingClassifier:
    """The model of a mode, from the rows that it lets count, as `winback train` has it."""
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in range(len(x))], "cutoff": DAY, "churned": seen})
    treated, listed = treatment["treated"], (treatment["chance"] > 0).to_numpy()
    saved = 1 - seen[treated].mean() / seen[listed & ~treated].mean()  # measured against the held-out
    about = treatment.assign(save_rate=np.where(treated, saved, np.nan))
    risk = learned(x, seen, treatment, "exclude").predict_proba(x)[:, 1] if mode == "model" else None
    found = learnable(rows, about, mode, risk)
    return fitted(x[found["customer_id"].str[1:].astype(int)], found["churned"].to_numpy())


def compared(seed: int, size: int) -> pd.DataFrame:
    """One row a way of training: how well it tells untreated risk of new customers."""
    rng = np.random.default_rng(seed)
    x, chance = customers(rng, size)
    treatment = campaigns(rng, x, chance)
    luck = rng.random(size)
    without = luck < chance
    seen = luck < chance * (1 - KEPT * treatment["treated"].to_numpy())
    new, risk = customers(np.random.default_rng(1000 + seed), 40_000)
    left = np.random.default_rng(2000 + seed).random(len(risk)) < risk
    top = np.argsort(-risk)[: len(risk) // 10]
    rows = []
    for mode in ("no campaigns", "ignore", "exclude", "controls", "model"):
        model = fitted(x, without) if mode == "no campaigns" else learned(x, seen, treatment, mode)
        found = model.predict_proba(new)[:, 1]
        rows.append(
            {
                "mode": mode,
                "auc": roc_auc_score(left, found),
                "log_loss": log_loss(left, found),
                "off": found.mean() - risk.mean(),
                "off_riskiest": found[top].mean() - risk[top].mean(),
            }
        )
    return pd.DataFrame(rows).assign(seed=seed)


def main() -> None:
    """Print the table of docs/learning.md."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--customers", type=int, default=20_000)
    given = asked.parse_args()
    told = pd.concat([compared(seed, given.customers) for seed in range(given.seeds)])
    told["auc_lost"] = told.groupby("seed")["auc"].transform("first") - told["auc"]
    means = told.groupby("mode", sort=False)[["auc", "auc_lost", "log_loss", "off", "off_riskiest"]].mean()
    means["most_lost"] = told.groupby("mode")["auc_lost"].max()
    print(means.round(4).to_string())


if __name__ == "__main__":
    main()
