"""Do the reasons come in the order of exact Shapley values over drivers, reckoned by brute force?

    python benchmarks/driver_shapley.py [CONFIG] [DATE] [CUSTOMERS] [BACKGROUND]

The project must have a published run of the date (`make run`). Every coalition of drivers is asked of the champion: the
features of the drivers in it are the customer's own, the others those of a customer drawn at random. Another game than
the one the reasons play (there a split on an unknown feature is answered by its training rows), so they need not agree.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from winback import config, jobs, runs, store
from winback.risk.keeping.champions import champion_for, features_of
from winback.risk.scoring.own_estimator import Classifier


def worth(model: Classifier, row: np.ndarray, others: np.ndarray, players: list[np.ndarray]) -> np.ndarray:
    """One value a coalition, in the order of its bits: `row` with the rest from each of `others`, in mean log-odds."""
    values = np.empty(1 << len(players))
    for begin in range(0, len(values), 512):
        some = range(begin, min(begin + 512, len(values)))
        known = np.zeros((len(some), row.size), dtype=bool)
        for bit, columns in enumerate(players):
            known[np.ix_([c >> bit & 1 == 1 for c in some], columns)] = True
        mixed = np.where(known[:, None, :], row, others).reshape(-1, row.size)
        values[some.start : some.stop] = model.decision_function(mixed).reshape(len(some), -1).mean(axis=1)
    return values


def shapley(values: np.ndarray, count: int) -> np.ndarray:
    """Each player's gain, averaged over all orders in which they may join."""
    coalitions = np.arange(len(values))
    sizes = np.array([c.bit_count() for c in range(len(values))])
    weight = np.array([math.factorial(s) * math.factorial(count - s - 1) / math.factorial(count) for s in range(count)])
    found = np.zeros(count)
    for player in range(count):
        without = coalitions[(coalitions >> player) & 1 == 0]
        found[player] = weight[sizes[without]] @ (values[without | (1 << player)] - values[without])
    return found


def main() -> None:
    """Print the mean rank correlation."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "configs/winback.toml")
    day = dt.date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else dt.date(2017, 12, 31)
    count, background = (int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((3, 500), (4, 4)))
    job = jobs.prepare(config.load(path), path.parent, day, dt.datetime.now(dt.UTC))
    found = champion_for(job.state, job.spec, job.today)
    folder = runs.current(job.runs)
    if found is None or folder is None:
        raise SystemExit("no champion or no published run; run the project first")
    model, features = found[1], features_of(found[1], job.features)
    rows = store.read_table(folder / "features.parquet").to_pandas()
    reasons = store.read_table(folder / "reasons.parquet").to_pandas()
    risky = store.read_table(folder / "scores.parquet").to_pandas().query("at_risk")["customer_id"]
    rng = np.random.default_rng(1)
    chosen = rng.choice(risky.to_numpy(), min(count, len(risky)), replace=False)
    X = rows.set_index("customer_id")[[f.name for f in features]]
    drivers = list(dict.fromkeys(f.driver for f in features))
    players = [np.array([k for k, f in enumerate(features) if f.driver == d]) for d in drivers]
    points = reasons.pivot_table(index="customer_id", columns="driver", values="points")
    same, first = [], []
    for customer in chosen:
        others = X.to_numpy()[rng.choice(len(X), background, replace=False)]
        exact = shapley(worth(model, X.loc[customer].to_numpy(), others, players), len(drivers))
        ours = points.loc[customer, drivers].to_numpy()
        same.append(spearmanr(exact, ours).statistic)
        first.append(exact.argmax() == ours.argmax())
    told = pd.Series(same)
    print(f"{len(told)} customers, {len(drivers)} drivers, {1 << len(drivers)} coalitions, {background} others each")
    print(f"rank correlation: mean {told.mean():.3f}, median {told.median():.3f}, tenth {told.quantile(0.1):.3f}")
    print(f"the same driver pushes most: {np.mean(first):.1%}")


if __name__ == "__main__":
    main()
