"""Made-up candidates for the promotion gate: quick to train, and their customers are what they are said to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from winback.facts.features import declared
from winback.facts.features.declared import Feature
from winback.risk.asking.specs import Boosting, Gates, Spec
from winback.risk.examining.evaluate import quality
from winback.risk.keeping.file_gates import Asked
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.train import fit

SPEC = Spec(
    "small",
    horizon_days=28,
    estimator=Boosting(n_models=1, max_iter=30, learning_rate=0.1, max_features=1.0, min_samples_leaf=30),
    gates=Gates(max_calibration_error=0.05),
)
FEATURES = declared.named(
    ["days_since_last_order", "overdue_median_ratio", "orders_28d", "orders_90d", "orders_total", "engagements_28d"]
)
TODAY = dt.date(2026, 2, 15)
DAY = dt.timedelta(days=1)
AT = dt.datetime(2026, 2, 15, 4, tzinfo=dt.UTC)
ASKED = Asked(SPEC, TODAY, FEATURES)
CUTOFFS = [dt.date(2025, month, 1) for month in (7, 8, 9, 10)]
HELD_OUT = [dt.date(2025, 12, 1), dt.date(2026, 1, 10)]


def rows(days: list[dt.date], customers: int = 900) -> pd.DataFrame:
    """Customers of a made-up shop at some cutoffs: two in five bought once, and visits tell who will stay."""
    parts = []
    for day in days:
        random = np.random.default_rng(day.toordinal())
        total = np.where(np.arange(customers) % 5 < 2, 1, 2 + random.poisson(6, customers))
        recent = np.minimum(random.poisson(total / 4), total)
        silent = random.exponential(30 / (1 + recent))
        visits = random.poisson(2, customers)
        chance = expit(0.6 + 0.05 * silent - 0.5 * recent - 0.9 * visits + 0.6 * (total == 1))
        columns = {
            "customer_id": [f"C{number:04}" for number in range(customers)],
            "cutoff": pd.Timestamp(day, tz="UTC"),
            "days_since_last_order": silent,
            "overdue_median_ratio": np.where(total == 1, np.nan, silent / 15),
            "orders_28d": random.binomial(recent, 0.4).astype(float),
            "orders_90d": recent.astype(float),
            "orders_total": total.astype(float),
            "engagements_28d": visits.astype(float),
            "churned": random.random(customers) < chance,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def candidate(
    learning: pd.DataFrame, examined: pd.DataFrame, today: dt.date = TODAY, features: Sequence[Feature] = FEATURES
) -> Candidate:
    """What `train` makes of such rows."""
    final, trial = (fit(SPEC, part, features) for part in (pd.concat([learning, examined]), learning))
    days = [sorted(set(part["cutoff"].dt.strftime("%Y-%m-%d"))) for part in (learning, examined)]
    chances = trial.predict_proba(examined[trial.feature_names_in_])[:, 1]
    made = scored(Candidate(final, [], examined, learning, Path("nowhere"), "UTC"), chances)
    final.card_ = {
        "spec": SPEC.as_dict(),
        "today": today.isoformat(),
        "examined_after": days[0],
        "fitted_on": days[0] + days[1],
        "rows": len(learning) + len(examined),
        "quality": [q.as_dict() for q in made.figures],
    }
    return made


def scored(good: Candidate, chances: np.ndarray) -> Candidate:
    """The candidate with other chances of the held-out rows, and the figures that they give."""
    examined = good.examined.assign(probability=chances)
    figures = good.figures
    if np.isfinite(chances).all() and ((chances >= 0) & (chances <= 1)).all():
        parts = [part for _, part in examined.groupby("cutoff")]
        figures = [quality(p, p["probability"].to_numpy(), p["probability"].to_numpy()) for p in parts]
    return replace(good, examined=examined, figures=figures)
