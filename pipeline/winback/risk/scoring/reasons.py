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
from itertools import repeat
from string import Formatter

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit, logit

from winback.facts.features.declared import Feature, Words
from winback.risk.scoring.estimator import nodes_of
from winback.risk.scoring.own_estimator import Classifier, OwnClassifier
from winback.risk.scoring.sampled_shapley import sampled_shapley
from winback.risk.scoring.tree_tables import shapley_values, small_enough, tree_table

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]
NEAR = 1e-7
WALKED = ("lightgbm", "xgboost")  # libraries whose trees the Shapley library reads
NOBODY = -1
REST = "rest"
UNKNOWN = "Too little history to know: {label}"
UNKNOWN_RU = "Слишком мало истории, чтобы знать: {label}"
UNKNOWN_ZH = "历史太短，尚不可知：{label}"  # noqa: RUF001 - Chinese has its own signs
TOP = 3  # how many drivers are named of those who are not at risk
CHUNK_ROWS = 100_000
# What falls when anybody leaves, for whatever cause: these drivers tell that he goes, the others also why.
FADING = frozenset({"recency", "cadence", "frequency", "monetary", "trend", "seasonality", "tenure", "habits"})
# A cause is told before what fades where it adds at least a point, and half a point more than it usually does.
LEAST_CAUSE, LEAST_MORE = 0.01, 0.005
COLUMNS = [
    *("customer_id", "cutoff", "driver", "rank", "place", "points", "base_rate"),
    *("feature", "value", "peers", "sentence"),
]


@dataclass(frozen=True)
class Reference:
    """Where reasons start from: the base rate, and each driver's log-odds for a customer who is at it."""

    base_rate: float
    log_odds: dict[str, float]


def feature_log_odds(model: Classifier, X: pd.DataFrame) -> pd.DataFrame:
    """Each feature's share of each row's calibrated log-odds: exact for trees, else by sampled orders."""
    if isinstance(model, OwnClassifier):
        return pd.DataFrame(_of_own(model, X), columns=X.columns, index=X.index)
    shares = np.zeros(X.shape)
    known = X.iloc[:, model.columns_]
    factor = model.calibration_slope_ / len(model.models_)
    nodes = [n for trees in model.models_ for n in nodes_of(trees)]
    if small_enough(nodes):
        values = np.ascontiguousarray(known.to_numpy(dtype=np.float64))
        shares[:, model.columns_] = factor * shapley_values([tree_table(n) for n in nodes], values)
    else:
        for trees in model.models_:
            shares[:, model.columns_] += factor * _walked(trees, known)
    return pd.DataFrame(shares, columns=X.columns, index=X.index)


def _of_own(model: OwnClassifier, X: pd.DataFrame) -> Floats:
    """The shares of a user's own estimator."""
    if type(model.model_).__module__.split(".")[0] in WALKED:
        return _walked(model.model_, X.set_axis(range(X.shape[1]), axis=1)) * model.calibration_slope_

    def log_odds(rows: Floats) -> Floats:
        return model.decision_function(pd.DataFrame(rows, columns=X.columns))

    return sampled_shapley(log_odds, X.to_numpy(dtype=np.float64), model.background_)


def _walked(trees: object, X: pd.DataFrame) -> Floats:
    """Shapley values of trees too large for tables, in log-odds; the library's progress output is held back."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    from woodelf import WoodelfExplainer  # noqa: PLC0415

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return np.asarray(WoodelfExplainer(trees).shap_values(X), dtype=np.float64)


def by_driver(shares: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """The log-odds of each driver: the sum over its features, one column a driver in declared order."""
    drivers = list(dict.fromkeys(f.driver for f in features))
    return pd.DataFrame({d: shares[[f.name for f in features if f.driver == d]].sum(axis=1) for d in drivers})


def reference(model: Classifier, X: pd.DataFrame, features: Sequence[Feature]) -> Reference:
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


def reasons_for(
    model: Classifier, rows: pd.DataFrame, features: Sequence[Feature], told: Flags | None = None
) -> pd.DataFrame:
    """One row a (customer, driver), sorted: rank 1 moves this customer's probability most, place 1 is told first.

    Told first is what may be the cause: drivers that are not FADING and push this customer away by a point or more,
    and by half a point more than the median of all who are told; what stands out most comes first. Then, as after
    them, what pushes most; then what holds him. That he fades is nearly always the largest driver, and says nothing
    of why: on simulated shops the planted cause comes first for 77 % by place and for 35 % by rank.

    `rows` holds customer_id, cutoff, `probability` as published, and the features. Whoever is `told` (None:
    everybody) gets all drivers, with sentences; others the first TOP without sentences, and a row `rest` for
    what remains. So everybody's points add up to the probability less the base rate.
    `feature` is the one that speaks for the driver: the largest share in the driver's own direction
    whose value is known; `peers` is its median over `rows`; `sentence` puts it in the customer's own numbers.
    """
    order = np.argsort(rows["customer_id"].to_numpy(dtype=object), kind="stable")
    told = np.ones(len(rows), dtype=bool) if told is None else told
    chunks = [order[first : first + CHUNK_ROWS] for first in range(0, max(len(rows), 1), CHUNK_ROWS)]
    parts = [_chunk_reasons(model, rows.iloc[chunk], features, told[chunk]) for chunk in chunks]
    peers = rows[[f.name for f in features]].median()
    long = pd.concat(parts, ignore_index=True)
    base_rate = model.card_["reference"]["base_rate"]
    return long.assign(base_rate=base_rate, peers=long["feature"].map(peers), place=_places(long))[COLUMNS]


def _chunk_reasons(model: Classifier, rows: pd.DataFrame, features: Sequence[Feature], told: Flags) -> pd.DataFrame:
    """The reasons of some of the customers, in their order and by rank."""
    X = rows[[f.name for f in features]]
    shares, values = feature_log_odds(model, X), X.to_numpy(dtype=np.float64)
    drivers = by_driver(shares, features)
    moved = points(drivers, rows["probability"].to_numpy(), Reference(**model.card_["reference"])).to_numpy()
    cells = _cells(moved, told)
    row = cells["row"].to_numpy()
    speaker = _speakers(cells, shares.to_numpy(), values, [list(drivers).index(f.driver) for f in features])
    value = np.where(speaker == NOBODY, np.nan, values[row, speaker])
    sentences = np.full(len(row), None, dtype=object)
    said = np.flatnonzero(told[row])
    sentences[said] = _sentences(rows[_quoted(rows, features)].iloc[row[said]], speaker[said], value[said], features)
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"].array.take(row),
            "cutoff": rows["cutoff"].array.take(row),
            "driver": _words([*drivers, REST], cells["driver"].to_numpy()),
            "rank": cells["rank"],
            "points": cells["points"],
            "feature": _words([*X, None], speaker),
            "value": value,
            "sentence": pd.array(sentences, dtype="str"),
        }
    )


def _cells(moved: Floats, told: Flags) -> pd.DataFrame:
    """One row a (row, driver) that is named, and one a row for what remains, by row and rank; numbers of both."""
    ranks = np.empty(moved.shape, dtype=np.int64)
    by_size = np.argsort(-np.abs(moved), axis=1, kind="stable")
    np.put_along_axis(ranks, by_size, np.arange(1, moved.shape[1] + 1)[None, :], axis=1)
    named = told[:, None] | (ranks <= TOP)
    row, driver = np.nonzero(named)
    partly = np.flatnonzero(~named.all(axis=1))
    rest = np.where(named, 0.0, moved)[partly].sum(axis=1)
    cells = {"row": row, "driver": driver, "rank": ranks[row, driver], "points": moved[row, driver]}
    others = {"row": partly, "driver": NOBODY, "rank": TOP + 1, "points": rest}
    both = pd.concat([pd.DataFrame(cells), pd.DataFrame(others)], ignore_index=True)
    return both.iloc[np.lexsort((both["rank"], both["row"]))].reset_index(drop=True)


def _places(long: pd.DataFrame) -> Ints:
    """The place in which each row is told, among its customer's; the rows of a customer lie together."""
    points, told = long["points"].to_numpy(), long["sentence"].notna()
    usual = long[told].groupby("driver")["points"].median().clip(lower=0)
    more = points - long["driver"].map(usual).fillna(0.0).to_numpy()
    cause = ~long["driver"].isin([*FADING, REST]).to_numpy() & (points >= LEAST_CAUSE) & (more >= LEAST_MORE)
    group = np.select([cause, (points > 0) & (long["driver"] != REST).to_numpy()], [0, 1], 2)
    size = np.where(cause, more, np.where(long["driver"] == REST, -1.0, np.abs(points)))
    begins = np.ones(len(long), dtype=bool)
    for key in ("customer_id", "cutoff"):
        begins[1:] &= (long[key].array[1:] == long[key].array[:-1]).astype(bool)
    begins[1:] = ~begins[1:]
    row = begins.cumsum() - 1
    order = np.lexsort((-size, group, row))
    place = np.empty(len(long), dtype=np.int64)
    place[order] = np.arange(len(long)) - np.flatnonzero(begins)[row] + 1
    return place


def _speakers(cells: pd.DataFrame, shares: Floats, values: Floats, driver_of: Sequence[int]) -> Ints:
    """The number of the feature that speaks in each cell; NOBODY for what remains."""
    speaker = np.full(len(cells), NOBODY)
    for driver in set(driver_of):
        columns = np.flatnonzero(np.array(driver_of) == driver)
        at = np.flatnonzero(cells["driver"] == driver)
        block = np.ix_(cells["row"].to_numpy()[at], columns)
        toward = shares[block] * np.sign(cells["points"].to_numpy()[at])[:, None]
        speaker[at] = columns[np.where(np.isnan(values[block]), -np.inf, toward).argmax(axis=1)]
    return speaker


def _words(words: Sequence[str | None], codes: Ints) -> pd.Series:
    """The word of each code; NOBODY's is the last."""
    places = pa.array(np.where(codes == NOBODY, len(words) - 1, codes))
    return pd.Series(pa.array(words, pa.large_string()).take(places), dtype="str")


def _quoted(rows: pd.DataFrame, features: Sequence[Feature]) -> list[str]:
    """The columns that sentences of the features quote."""
    return sorted({name for f in features for name in _names_in(f.sentence) if name in rows})


def _sentences(rows: pd.DataFrame, speakers: Ints, values: Floats, features: Sequence[Feature]) -> Objects:
    """The sentence of each row's speaker, the number of a feature, with the row's numbers in it."""
    texts = np.empty(len(rows), dtype=object)
    for number in np.unique(speakers):
        at = np.flatnonzero(speakers == number)
        names = [name for name in _names_in(features[number].sentence) if name in rows]
        quoted = zip(*(rows[name].to_numpy()[at].tolist() for name in names), strict=True) if names else repeat(())
        told = zip(values[at].tolist(), quoted, strict=False)
        texts[at] = [sentence(features[number], v, dict(zip(names, q, strict=True))) for v, q in told]
    return texts


def _unknown(feature: Feature) -> tuple[tuple[Words | None, str], ...]:
    """That nothing is known yet, by the words of the language that a feature speaks."""
    return (feature.ru, UNKNOWN_RU), (feature.zh, UNKNOWN_ZH)


def sentence(feature: Feature, value: float, numbers: dict[str, float]) -> str:
    """The feature in words; the plain ones where another number of the sentence is unknown."""
    if np.isnan(value):
        return next(
            (said for words, said in _unknown(feature) if words and words.label == feature.label), UNKNOWN
        ).format(label=feature.label)
    quoted = {name: numbers.get(name, np.nan) for name in _names_in(feature.sentence)}
    if any(np.isnan(number) for number in quoted.values()):
        return (feature.plain or f"{feature.label}: {{value:.4g}}").format(value=value)
    return feature.sentence.format(value=value, **quoted)


@cache
def _names_in(text: str) -> tuple[str, ...]:
    """The other features that a sentence quotes."""
    return tuple(name for _, name, _, _ in Formatter().parse(text) if name and name != "value")
