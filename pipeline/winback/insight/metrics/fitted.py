"""Lifetime value by a model that another part has fitted, as rows of the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from winback.insight.metrics.coded import Tables
from winback.insight.metrics.figure import nothing
from winback.insight.metrics.periods import day_of, period_of
from winback.insight.metrics.table import COLUMNS, Terms, as_row
from winback.insight.metrics.value import ltv_fitted


@dataclass(frozen=True)
class Fitted:
    """What each of n customers is expected to buy in `days`: `purchases` n x stretches, `spend` of one, `discounts`.

    `why`: empty, or why nothing could be fitted.
    """

    days: int
    customer_id: pd.Series
    purchases: ArrayLike
    spend: ArrayLike
    discounts: ArrayLike
    why: str = ""


def by_fit(tables: Tables, fitted: Fitted, terms: Terms, by: str = "") -> pd.DataFrame:
    """One row a part of the customers, as `by_age` has them: `n` is the number of days that are looked ahead."""
    if fitted.why:
        return pd.DataFrame(
            [as_row("ltv_fitted", nothing(fitted.why), "all", "all", str(fitted.days))], columns=COLUMNS
        )
    part = _parts(tables, fitted.customer_id, terms, by)
    purchases, spend = np.asarray(fitted.purchases), np.asarray(fitted.spend)
    rows = []
    for name in sorted(set(part)):
        mine = np.flatnonzero(part == name)
        figure = ltv_fitted(purchases[mine], spend[mine], terms.margin_rate, fitted.discounts)
        rows.append(as_row("ltv_fitted", figure, name, "all", str(fitted.days)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _parts(tables: Tables, customers: pd.Series, terms: Terms, by: str) -> np.ndarray:
    """The part each customer belongs to."""
    if not by:
        return np.full(len(customers), "all", dtype=object)
    if by == "cohort" and tables.orders is not None:
        first = tables.orders.groupby("customer_id")["day"].min()
        named = {day: period_of(day_of(int(day)), terms.length).name for day in first.unique()}
        parts = first.map(named)
    elif tables.customers is not None and by in tables.customers:
        parts = tables.customers.drop_duplicates("customer_id").set_index("customer_id")[by].astype("string")
    else:
        raise ValueError(f"customers have no column {by!r} to tell parts by")
    told: np.ndarray = parts.reindex(customers).fillna("(unknown)").to_numpy(dtype=object)
    return told
