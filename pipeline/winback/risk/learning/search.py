"""A search for an estimator's parameters inside the training cutoffs, forward in time; the worse half is given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid

from winback.facts.features.feature import Feature
from winback.risk.asking.dataset import forward_folds
from winback.risk.asking.specs import Spec, with_parameters
from winback.risk.scoring.own_estimator import new_estimator

Say = Callable[[str], None]
Tried = dict[str, Any]


def searched(spec: Spec, rows: pd.DataFrame, features: Sequence[Feature], say: Say) -> tuple[Tried, list[Tried]]:
    """The best parameters found on `rows` (none without a search), and every trial: parameters, losses, mean log loss.

    Successive halving over forward folds (Jamieson and Talwalkar 2016): after each fold the better half goes on. The
    spec's own parameters are among the trials and never given up, so a search cannot end below them unseen.
    """
    if spec.search is None:
        return {}, []
    folds = forward_folds(rows["cutoff"], spec.reach_days)
    trials: list[Tried] = [{"parameters": p, "losses": []} for p in _drawn(spec)]
    running = trials
    for number, (past, later) in enumerate(folds[::-1]):  # the newest first: it is nearest to what is asked
        for trial in running:
            trial["losses"].append(_loss(with_parameters(spec, trial["parameters"]), rows, features, (past, later)))
        running = sorted(running, key=lambda t: float(np.mean(t["losses"])))
        best = running[0]
        say(f"fold {number + 1} of {len(folds)}: {len(running)} tried, log loss {np.mean(best['losses']):.4f}")
        kept = running[: max(1, len(running) // 2)]
        running = kept if trials[0] in kept else [*kept, trials[0]]
    complete = [t for t in trials if len(t["losses"]) == len(folds)]
    best = min(complete, key=lambda t: float(np.mean(t["losses"])))
    told = [{**t, "log_loss": float(np.mean(t["losses"]))} for t in trials]
    return best["parameters"], told


def _drawn(spec: Spec) -> list[dict[str, Any]]:
    """The spec's own parameters and others drawn from all combinations, each once; equal specs draw equal ones."""
    grid = ParameterGrid(
        {name: list(values) for name, values in (spec.search.parameters if spec.search else {}).items()}
    )
    trials = spec.search.trials if spec.search else 1
    chosen = np.random.default_rng(0).permutation(len(grid))[: trials - 1]
    return [{}, *(dict(grid[int(k)]) for k in sorted(chosen))]


def _loss(spec: Spec, rows: pd.DataFrame, features: Sequence[Feature], fold: tuple[Any, Any]) -> float:
    """The log loss of a fold's later rows, predicted from its past alone; level and slope as they came."""
    past, later = fold
    names = [f.name for f in features]
    model = new_estimator(replace(spec, calibrated=False))
    model.fit(rows[names].iloc[past], rows["churned"].to_numpy()[past])
    chances = model.predict_proba(rows[names].iloc[later])[:, 1]
    return float(log_loss(rows["churned"].to_numpy()[later], chances, labels=[False, True]))
