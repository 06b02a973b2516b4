"""Why a customer is at risk: each driver's share of the published probability, in probability points.

The model adds up in log-odds: exact Shapley values of its trees (path-dependent TreeSHAP, Lundberg et
al. 2020), scaled by the calibration. Probability points follow from one straight path: a customer is
moved from the reference, whose chance is the base rate, to where he stands, all drivers at the same
pace, and each is charged for its part of the way (Aumann-Shapley). On the logistic curve that is the
driver's log-odds times (probability - base rate) / (distance in log-odds), so the points add up to the
probability exactly and keep the order of the drivers.

Reasons say what moved the model, not what caused the behaviour.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from winback.facts.features.declared import Feature
from winback.risk.estimator import ChurnClassifier

Floats = NDArray[np.float64]
NEAR = 1e-7


@dataclass(frozen=True)
class Reference:
    """Where reasons start from: the base rate, and each driver's log-odds for a customer who is at it."""

    base_rate: float
    log_odds: dict[str, float]


def feature_log_odds(model: ChurnClassifier, X: pd.DataFrame) -> pd.DataFrame:
    """Each feature's exact share of each row's calibrated log-odds, against the trees' own mean."""
    shares = np.zeros(X.shape)
    known = X.iloc[:, model.columns_]
    for trees in model.models_:
        shares[:, model.columns_] += _shapley(trees, known) * model.calibration_slope_ / len(model.models_)
    return pd.DataFrame(shares, columns=X.columns, index=X.index)


def _shapley(trees: object, X: pd.DataFrame) -> Floats:
    """Shapley values in log-odds; the library's progress output is held back."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    from woodelf import WoodelfExplainer  # noqa: PLC0415

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return np.asarray(WoodelfExplainer(trees).shap_values(X), dtype=np.float64)


def by_driver(shares: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """The log-odds of each driver: the sum over its features, one column a driver in declared order."""
    drivers = list(dict.fromkeys(f.driver for f in features))
    return pd.DataFrame({d: shares[[f.name for f in features if f.driver == d]].sum(axis=1) for d in drivers})


def reference(model: ChurnClassifier, X: pd.DataFrame, features: Sequence[Feature]) -> Reference:
    """The reference of a model, from the rows it was trained on.

    The mean customer's chance lies below the mean chance. The distance in log-odds from the one to
    the other is shared among the drivers by how much each usually moves a customer.
    """
    drivers = by_driver(feature_log_odds(model, X), features)
    base_rate = float(expit(model.decision_function(X)).mean())
    mean = drivers.mean()
    spread = (drivers - mean).abs().mean()
    distance = logit(base_rate) - float(np.mean(model.decision_function(X)))
    moved = mean + distance * spread / max(float(spread.sum()), NEAR)
    return Reference(base_rate, {driver: float(value) for driver, value in moved.items()})


def points(drivers: pd.DataFrame, probability: Floats, start: Reference) -> pd.DataFrame:
    """Each driver's probability points; every row adds up to probability - base rate.

    The library's shares of a row add up to its log-odds only to about 1e-6. That rest is spread over the
    drivers before the pace is taken: near the reference it would be larger than the distance itself.
    """
    moved = drivers - pd.Series(start.log_odds)
    distance = logit(np.clip(probability, 1e-12, 1 - 1e-12)) - logit(start.base_rate)
    size = moved.abs().sum(axis=1).to_numpy()
    rest = (distance - moved.sum(axis=1).to_numpy()) / np.maximum(size, NEAR)
    slope = np.full(len(distance), start.base_rate * (1 - start.base_rate))
    pace = np.divide(probability - start.base_rate, distance, out=slope, where=np.abs(distance) > NEAR)
    return (moved + moved.abs().mul(rest, axis=0)).mul(pace, axis=0)


def reasons_for(model: ChurnClassifier, rows: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """One row a (customer, driver): rank 1 moves this customer's probability most.

    `rows` holds customer_id, cutoff, `probability` as published, and the features. `feature` is the
    one that speaks for the driver: the largest share in the driver's own direction whose value is
    known; `sentence` puts it in the customer's own numbers.
    """
    start = Reference(**model.card_["reference"])
    X = rows[[f.name for f in features]]
    shares = feature_log_odds(model, X)
    table = points(by_driver(shares, features), rows["probability"].to_numpy(), start)
    parts = [_driver_rows(rows, shares, table[driver], features) for driver in table]
    long = pd.concat(parts, ignore_index=True)
    size = long["points"].abs()
    long["rank"] = size.groupby(long["customer_id"]).rank(ascending=False, method="first").astype(np.int64)
    long["base_rate"] = start.base_rate
    long = long.sort_values(["customer_id", "rank"], ignore_index=True)
    columns = [
        "customer_id",
        "cutoff",
        "driver",
        "rank",
        "points",
        "base_rate",
        "feature",
        "value",
        "sentence",
    ]
    return long[columns]


def _driver_rows(
    rows: pd.DataFrame, shares: pd.DataFrame, moved: pd.Series, features: Sequence[Feature]
) -> pd.DataFrame:
    """The reason rows of one driver, without ranks."""
    mine = [f for f in features if f.driver == moved.name]
    names = [f.name for f in mine]
    values = rows[names].to_numpy(dtype=np.float64)
    toward = shares[names].to_numpy() * np.sign(moved.to_numpy())[:, None]
    speaker = np.where(np.isnan(values), -np.inf, toward).argmax(axis=1)
    value = values[np.arange(len(rows)), speaker]
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"].to_numpy(),
            "cutoff": rows["cutoff"],
            "driver": str(moved.name),
            "points": moved.to_numpy(),
            "feature": [names[k] for k in speaker],
            "value": value,
            "sentence": _sentences(rows, [mine[k] for k in speaker], value),
        }
    )


def _sentences(rows: pd.DataFrame, speakers: Sequence[Feature], values: Floats) -> list[str]:
    """Each speaker's sentence with the row's numbers in it."""
    numbers: list[dict[str, float]] = rows.select_dtypes("number").rename(columns=str).to_dict("records")  # type: ignore[assignment]
    return [sentence(f, v, row) for f, v, row in zip(speakers, values, numbers, strict=True)]


def sentence(feature: Feature, value: float, numbers: dict[str, float]) -> str:
    """The feature in words; the plain ones where another number of the sentence is unknown."""
    if np.isnan(value):
        return f"Too little history to know: {feature.label}"
    quoted = {name: numbers.get(name, np.nan) for name in _names_in(feature.sentence)}
    if any(np.isnan(number) for number in quoted.values()):
        return (feature.plain or f"{feature.label}: {{value:.4g}}").format(value=value)
    return feature.sentence.format(value=value, **quoted)


@cache
def _names_in(text: str) -> tuple[str, ...]:
    """The other features that a sentence quotes."""
    return tuple(name for _, name, _, _ in Formatter().parse(text) if name and name != "value")
