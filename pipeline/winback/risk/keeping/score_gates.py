"""What a candidate's scores of the held-out rows must show, whoever is champion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from winback.errors import ModelNotBetter, NotEnoughData
from winback.facts.check.gates import Gate
from winback.risk.asking.specs import Gates
from winback.risk.examining.baselines import RULES, best_rule
from winback.risk.examining.evaluate import refuse_thin_data, refuse_weak_model
from winback.risk.examining.paired import auc, difference
from winback.risk.learning.candidate import Candidate

Floats = NDArray[np.float64]
SLOPES = 0.8, 1.25
LEAST_DISTINCT = 5  # chances; fewer say hardly more than a constant
LEAST_OUTCOMES = 20  # of each kind, to say anything of an AUC
LEAST_IN_SLICE = 200
SLICE_LOSS = 0.03  # AUC that a slice may lose against its best rule
LEAK = 0.98  # AUC of one column alone: that is the answer, not a hint of it
ABOVE_MODEL = 0.05  # AUC of one column above that of the model that reads it
REFIT_LOSS = 0.02  # AUC that the fit on all rows may lose where it has seen the outcomes
MOST_ROWS = 20_000  # looked at for one column
ORDERS = ("orders_total", "orders_365d", "orders_180d", "orders_90d")


def score_gates(candidate: Candidate, refitted: Floats, limits: Gates) -> Iterator[Gate]:
    """The gates of the held-out scores; `refitted` are the chances that the model to be registered gives those rows.

    Where a score is none or there are too few outcomes, nothing else is asked.
    """
    rows = candidate.examined
    yield (first := _scores(rows["probability"].to_numpy(dtype=np.float64), refitted))
    yield (enough := _told("rows", "enough of each outcome", lambda: _refuse_few(candidate, limits), NotEnoughData))
    if not (first.passed and enough.passed):
        return
    yield _told(
        "rule and level",
        f"AUC gain > {limits.min_auc_gain:g}, level within {limits.max_calibration_error:g}",
        lambda: refuse_weak_model(candidate.figures, limits),
        ModelNotBetter,
    )
    yield _calibration(rows)
    yield _slices(rows)
    yield _columns(candidate)
    yield _refit(rows, refitted)


def _told(name: str, needed: str, ask: Callable[[], None], refusal: type[Exception]) -> Gate:
    """The gate that another module's refusal is."""
    try:
        ask()
    except refusal as error:
        return Gate(name, needed, "not so", str(error))
    return Gate(name, needed, "so")


def _scores(*given: Floats) -> Gate:
    """Whether all chances are numbers from 0 to 1, and not all the same."""
    needed = f"numbers from 0 to 1, {LEAST_DISTINCT} different ones"
    for scores in given:
        lost = int((~np.isfinite(scores)).sum())
        odd = int(((scores < 0) | (scores > 1)).sum())
        distinct = len(np.unique(scores[np.isfinite(scores)]))
        if lost or odd or distinct < LEAST_DISTINCT:
            found = f"{lost} not a number, {odd} outside 0 to 1, {distinct} different"
            return Gate("scores", needed, found, f"of {len(scores)} chances on the held-out rows {found}.")
    return Gate("scores", needed, f"{len(given[0])} such")


def _refuse_few(candidate: Candidate, limits: Gates) -> None:
    """NotEnoughData for too few rows to learn from or to be examined on."""
    refuse_thin_data(candidate.learning, limits)
    left = int(candidate.examined["churned"].sum())
    if min(left, len(candidate.examined) - left) < LEAST_OUTCOMES:
        raise NotEnoughData(
            f"of {len(candidate.examined)} held-out rows {left} left; {LEAST_OUTCOMES} of each outcome are needed to "
            "examine a model."
        )


def _calibration(rows: pd.DataFrame) -> Gate:
    """Whether the 95 % interval of the slope of outcomes on predicted log-odds reaches into SLOPES."""
    slope, error = clustered_slope(rows)
    low, high = slope - 1.96 * error, slope + 1.96 * error
    needed, found = f"slope {SLOPES[0]} to {SLOPES[1]}", f"{slope:.2f} ({low:.2f} to {high:.2f})"
    if low > SLOPES[1] or high < SLOPES[0]:
        word = "too sure of itself" if slope < 1 else "too timid"
        return Gate("calibration", needed, found, f"the model is {word}: calibration slope {found}, needed {needed}.")
    return Gate("calibration", needed, found)


def clustered_slope(rows: pd.DataFrame) -> tuple[float, float]:
    """The logistic slope of outcomes on predicted log-odds and its standard error, customers clustered.

    The error is the sandwich estimator of Liang and Zeger (Biometrika 1986).
    """
    z = logit(rows["probability"].to_numpy(dtype=np.float64).clip(1e-9, 1 - 1e-9))
    left = rows["churned"].to_numpy(dtype=bool)
    fit = LogisticRegression(C=np.inf, tol=1e-8).fit(z[:, None], left)
    X = np.column_stack([np.ones_like(z), z])
    chance = fit.predict_proba(z[:, None])[:, 1]
    bread = np.linalg.pinv((X * (chance * (1 - chance))[:, None]).T @ X)
    scores = pd.DataFrame(X * (left - chance)[:, None]).groupby(pd.factorize(rows["customer_id"])[0]).sum().to_numpy()
    return float(fit.coef_[0, 0]), float(np.sqrt((bread @ scores.T @ scores @ bread)[1, 1]))


def _slices(rows: pd.DataFrame) -> Gate:
    """Whether the model ranks each large slice at least as well as chance and nearly as well as its best rule."""
    needed = f"no slice worse than chance, or by {SLICE_LOSS} than its best rule"
    looked = collapsed = 0
    told = []
    for name, part in slices(rows):
        looked += 1
        if fault := _collapse(part):
            collapsed += 1
            told.append(f"{name}: {fault}")
    found = f"{looked - collapsed} of {looked} slices hold"
    return Gate(
        "slices", needed, found, f"the model fails in a part of the customers. {'; '.join(told)}." if told else ""
    )


def slices(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The slices that are large enough to say anything of: each cutoff, and customers by their number of orders."""
    named = [(f"cutoff {cutoff:%Y-%m-%d}", rows["cutoff"] == cutoff) for cutoff in rows["cutoff"].unique()]
    if (by := next((name for name in ORDERS if name in rows), None)) is not None:
        ends = (-1, 0, 1, 4, np.inf)
        words = ("no order", "one order", "2 to 4 orders", "5 orders or more")
        bands = pd.cut(rows[by], ends, labels=words)
        named += [(f"{word} ({by})", bands == word) for word in words]
    for name, mask in named:
        part = rows[mask]
        left = int(part["churned"].sum())
        if len(part) >= LEAST_IN_SLICE and min(left, len(part) - left) >= LEAST_OUTCOMES:
            yield name, part


def _collapse(part: pd.DataFrame) -> str:
    """Why a slice is not ranked, in words; empty where it is. By the far end of a 95 % interval each time."""
    ours = part["probability"].to_numpy(dtype=np.float64)
    left = part["churned"].to_numpy(dtype=bool)
    found = auc(ours, left)
    if found < 0.5 and difference(part, ours, np.full(len(part), 0.5)).auc_high < 0:
        return f"AUC {found:.3f} is worse than chance"
    rule, rule_auc = best_rule(part, left)
    if rule not in RULES or rule_auc - found < SLICE_LOSS:
        return ""
    theirs = (RULES[rule] * part[rule]).fillna(np.inf).clip(upper=1e12).to_numpy(dtype=np.float64)
    if difference(part, ours, theirs).auc_high < -SLICE_LOSS:
        return f"AUC {found:.3f}, while {rule} alone has {rule_auc:.3f}"
    return ""


def _columns(candidate: Candidate) -> Gate:
    """Whether no feature alone gives the answer away, or ranks far better than the model that reads it."""
    rows = candidate.examined.iloc[:: -(-len(candidate.examined) // MOST_ROWS)]
    left = rows["churned"].to_numpy(dtype=bool)
    ours = auc(rows["probability"].to_numpy(dtype=np.float64), left)
    alone = {str(name): column_auc(rows[name], left) for name in candidate.model.feature_names_in_}
    best = max(alone, key=lambda name: alone[name])
    needed, found = f"no column with AUC {LEAK}", f"{best} {alone[best]:.3f}, the model {ours:.3f}"
    refusal = ""
    if alone[best] >= LEAK:
        refusal = f"{best} alone has AUC {alone[best]:.3f}: does it hold the outcome, or what was known only later?"
    elif alone[best] > ours + ABOVE_MODEL:
        refusal = (
            f"{best} alone has AUC {alone[best]:.3f}, the model that reads it {ours:.3f}: its columns may be mixed up."
        )
    return Gate("columns", needed, found, refusal)


def column_auc(column: pd.Series, left: NDArray[np.bool_]) -> float:
    """How well one column ranks, in its better direction and with unknown values at its better end."""
    bounded = column.clip(-1e300, 1e300)
    found = [auc(bounded.fillna(end).to_numpy(dtype=np.float64), left) for end in (-1.7e308, 1.7e308)]
    return max(max(each, 1 - each) for each in found)


def _refit(rows: pd.DataFrame, refitted: Floats) -> Gate:
    """Whether the model that is registered ranks rows it has seen as well as the examined one, which had not."""
    left = rows["churned"].to_numpy(dtype=bool)
    before, after = (auc(scores, left) for scores in (rows["probability"].to_numpy(dtype=np.float64), refitted))
    needed, found = f"AUC {before:.3f} of the examined model", f"{after:.3f}"
    if after < before - REFIT_LOSS:
        return Gate(
            "refit",
            needed,
            found,
            f"fitted on all rows the model ranks the held-out ones with AUC {found}, needed {needed}.",
        )
    return Gate("refit", needed, found)
