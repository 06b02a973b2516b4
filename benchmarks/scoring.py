"""Scores and reasons of many customers: against the bare estimator, and against shap.

    python benchmarks/scoring.py [CUSTOMERS] [ROUNDS]

Made-up features (120, some unknown) and a ChurnClassifier of the shipped spec's size. `scored and written` reads
the features from Parquet, scores, finds the three largest drivers of everybody (all of them, with sentences, for
the riskiest twentieth), and writes both tables. shap explains a part of the customers; its cost is carried up.
CPU seconds of all threads; only the ratios of one run mean anything.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from winback import store
from winback.facts.features import declared
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.reasons import feature_log_odds, reasons_for, reference
from winback.risk.scoring.score import score

FEATURES = declared.builtin()[:120]
EXPLAINED = 2_000


def people(rows: int, seed: int) -> pd.DataFrame:
    """Made-up features, one row a customer: counts, amounts and unknowns."""
    rng = np.random.default_rng(seed)
    values = np.where(
        rng.random((rows, len(FEATURES))) < 0.03, np.nan, rng.gamma(2, 10, (rows, len(FEATURES))).round(1)
    )
    keys = {"customer_id": [f"c{k:08}" for k in range(rows)], "cutoff": pd.Timestamp("2026-02-01", tz="UTC")}
    return pd.DataFrame(keys).join(pd.DataFrame(values, columns=[f.name for f in FEATURES]))


def trained() -> ChurnClassifier:
    """A model of the shipped size, on 20,000 customers."""
    rows = people(20_000, seed=1)
    X = rows[[f.name for f in FEATURES]]
    z = (X.iloc[:, 0].fillna(20) - X.iloc[:, 40].fillna(20) + X.iloc[:, 80].fillna(20) - 40) / 15
    left = np.random.default_rng(2).random(len(X)) < 1 / (1 + np.exp(-z))
    model = ChurnClassifier().fit(X, left)
    start = reference(model, X, FEATURES)
    model.card_ = {"reference": {"base_rate": start.base_rate, "log_odds": start.log_odds}}
    return model


def cpu(work: Callable[[], object]) -> float:
    """The CPU seconds of a piece of work."""
    before = time.process_time()
    work()
    return time.process_time() - before


def published(model: ChurnClassifier, folder: Path) -> None:
    """Features in, scores and reasons out."""
    rows = store.read_table(folder / "features.parquet").to_pandas()
    scores = score(model, rows, FEATURES, 0.5)
    scores["at_risk"] = scores["probability"] >= scores["probability"].quantile(0.95)
    store.write_table(folder / "scores.parquet", scores)
    asked = rows.assign(probability=scores["probability"])
    store.write_table(folder / "reasons.parquet", reasons_for(model, asked, FEATURES, scores["at_risk"].to_numpy()))


def bare(model: ChurnClassifier, X: pd.DataFrame) -> None:
    """The chances from scikit-learn's own estimators."""
    known = X.iloc[:, model.columns_].to_numpy()
    for trees in model.models_:
        trees.predict_proba(known)


def explained_by_shap(model: ChurnClassifier, X: pd.DataFrame) -> np.ndarray:
    """The same shares from shap's TreeExplainer."""
    import shap  # noqa: PLC0415

    known = X.iloc[:, model.columns_].to_numpy()
    total = sum(shap.TreeExplainer(trees).shap_values(known) for trees in model.models_)
    return np.asarray(total) / len(model.models_) * model.calibration_slope_


def main() -> None:
    """Print the ratios."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    model = trained()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asked = people(rows, seed=3)
        store.write_table(folder / "features.parquet", asked)
        X = asked[[f.name for f in FEATURES]]
        theirs, chances, ours, shares = [], [], [], []
        for _ in range(rounds):
            theirs.append(cpu(lambda: bare(model, X)))
            chances.append(cpu(lambda: model.predict_proba(X)))
            ours.append(cpu(lambda: published(model, folder)))
            shares.append(cpu(lambda: feature_log_odds(model, X[: rows // 10])))
    some = X[:EXPLAINED]
    peer = cpu(lambda: explained_by_shap(model, some))
    apart = np.abs(explained_by_shap(model, some) - feature_log_odds(model, some).to_numpy()[:, model.columns_]).max()
    predicted, own, whole, reasons = (float(np.median(x)) for x in (theirs, chances, ours, shares))
    per_row = reasons / (rows // 10)
    print(f"{rows:,} customers, {len(FEATURES)} features, {model.n_models * model.max_iter} trees")
    print(f"predict_proba of scikit-learn {predicted:.1f} CPU s, ours {own:.1f}; with reasons, written {whole:.1f}")
    print(f"scored and written / scikit-learn's predict_proba: {whole / predicted:.2f}   (goal: at most 1.5)")
    print(f"shap / our Shapley values, a row: {peer / EXPLAINED / per_row:.1f}   (goal: at least 15)")
    print(f"largest difference from shap: {apart:.1e}   (goal: at most 1e-5)")


if __name__ == "__main__":
    main()
