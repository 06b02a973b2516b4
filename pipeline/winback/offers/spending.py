"""What customers will spend in a window: expected orders times expected spend an order, fitted to the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import PoissonRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from winback.errors import NotEnoughData
from winback.offers.quantile_codes import QuantileCodes

Floats = NDArray[np.float64]
LEAST_BUYERS = 200  # fewer customers with orders in the window teach next to nothing about who buys more
MOST_ROWS = 50_000  # more make it slower, not better
# The features that are read, all of them made of orders alone; those that count money are marked.
IN_MONEY = ("spend_28d", "spend_90d", "spend_per_week", "spend_per_week_180d", "basket_mean_90d")
# Read for the mean basket alone. The oldest customers of today are older than any whose window has closed, so
# what was learned of an age would be carried beyond what was seen of it.
AGE = "days_since_first_order"
READ = (
    AGE,
    "days_since_last_order",
    "orders_total",
    "orders_28d",
    "orders_90d",
    "orders_per_week",
    "orders_per_week_180d",
    "gap_median_days",
    "overdue_prior_ratio",
    "trend_orders_28d",
    *IN_MONEY,
)


@dataclass(frozen=True)
class SpendModel:
    """What was learned: of orders and of the spend an order, a line through logarithms and boosted trees each.

    `unit` is the mean spend an order in the project's currency. Money is read and told in units of it, so that
    the same shop in cents, or in another currency, is valued alike.
    """

    unit: float
    lines: tuple[Pipeline, Pipeline]
    trees: tuple[Pipeline, Pipeline]


def fit_spend(rows: pd.DataFrame, orders: pd.Series[Any], spend: pd.Series[Any]) -> SpendModel:
    """A model of the spend in a window from the features READ at its beginning and what came of it.

    Orders are fitted by Poisson deviance; spend an order by the same deviance, whose variance grows with the mean
    and which allows a zero, each customer as heavy as his orders. Spend below zero counts as none. NotEnoughData
    with fewer than LEAST_BUYERS customers with orders and money in the window.
    """
    orders, spend = orders.astype(float), spend.clip(lower=0.0).astype(float)
    if (buyers := int(((orders > 0) & (spend > 0)).sum())) < LEAST_BUYERS:
        raise NotEnoughData(f"{buyers} customers with spend in the window; {LEAST_BUYERS} are needed to learn from.")
    if len(rows) > MOST_ROWS:
        some = np.sort(np.random.default_rng(0).choice(len(rows), MOST_ROWS, replace=False))
        rows, orders, spend = rows.iloc[some], orders.iloc[some], spend.iloc[some]
    unit = float(spend.sum() / orders.sum())
    seen, bought = _seen(rows, unit), (orders > 0).to_numpy()
    counts, money = orders.to_numpy(), spend.to_numpy()[bought] / orders.to_numpy()[bought] / unit
    lines, trees = (_line(), _line()), (_trees(), _trees())
    lines[0].fit(seen, counts)
    lines[1].fit(seen[bought], money, poissonregressor__sample_weight=counts[bought])
    trees[0].fit(seen, counts)
    trees[1].fit(
        seen[bought],
        money,
        quantilecodes__sample_weight=counts[bought],
        histgradientboostingregressor__sample_weight=counts[bought],
    )
    return SpendModel(unit, lines, trees)


def expected_spend(model: SpendModel, rows: pd.DataFrame) -> Floats:
    """What each customer is expected to spend in the window, in the project's currency; never negative.

    The geometric mean of what the lines and the trees expect: a line carries on beyond what was seen, trees know
    where a line bends, and on real logs the two together were further off nowhere.
    """
    seen = _seen(rows, model.unit)
    if not len(seen):
        return np.zeros(0)
    parts = [part.predict(seen) for part in (*model.lines, *model.trees)]
    found: Floats = model.unit * np.sqrt(np.prod(parts, axis=0))
    return found


def _seen(rows: pd.DataFrame, unit: float) -> Floats:
    """The features READ but age, and the mean basket so far, as columns of numbers; NaN is unknown.

    Money is in tenths of the unit, so that the logarithm of one basket is not yet that of nothing.
    """
    weeks = rows[AGE].clip(lower=7) / 7
    columns = rows[list(READ)].assign(basket_mean=rows["spend_per_week"] * weeks / rows["orders_total"])
    money = [*IN_MONEY, "basket_mean"]
    columns[money] = columns[money] * (10 / unit)
    return columns.drop(columns=AGE).to_numpy(dtype=np.float64)


def _line() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        FunctionTransformer(_signed_log),
        StandardScaler(),
        PoissonRegressor(alpha=0.1, max_iter=1000),
    )


def _trees() -> Pipeline:
    """Few, small and strongly shrunk: what is left of a customer's next months is mostly chance."""
    trees = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=0.06,
        max_iter=100,
        max_leaf_nodes=8,
        min_samples_leaf=60,
        l2_regularization=20.0,
        early_stopping=False,
        random_state=0,
    )
    return make_pipeline(QuantileCodes(), trees)


def _signed_log(values: Floats) -> Floats:
    """log(1 + |x|) with the sign of x."""
    found: Floats = np.sign(values) * np.log1p(np.abs(values))
    return found
