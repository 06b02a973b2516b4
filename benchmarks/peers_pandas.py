"""The same features in pandas: cutoff by cutoff, window by window, as an analyst would who minds the time.

What does not depend on the cutoff is computed once; customers are categories, sums are grouped sums.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from formulas import Numbers, Total, columns, totals

US = 86_400_000_000
GAPS = 20


def loaded(job: dict[str, Any]) -> pd.DataFrame:
    """The orders with their measures."""
    read = ["customer_id", "ordered_at", "amount_cents", "discount_cents", "quantity", "line_count"]
    df = pd.read_parquet(Path(job["facts"]) / "orders.parquet", columns=read)
    df["customer_id"] = df["customer_id"].astype("category")
    df["us"] = df.pop("ordered_at").astype("int64")
    df = df.rename(columns={"amount_cents": "spend", "discount_cents": "discount"})
    df = df.rename(columns={"quantity": "pieces", "line_count": "lines"})
    df["day"] = df["us"] // US
    df["hour"] = df["us"] // 3_600_000_000 % 24
    df["rows"] = 1
    df["list_price"] = df["spend"] + df["discount"]
    df["discounted"] = (df["discount"] > 0).astype("int64")
    df["evening"] = (df["hour"] >= 18).astype("int64")
    df["weekend"] = ((df["day"] + 3) % 7 >= 5).astype("int64")
    same = df["customer_id"].cat.codes.diff().eq(0)
    df["gap"] = df["day"].diff().where(same, 0).astype("int64")
    df["gaps"] = (df["gap"] > 0).astype("int64")
    df["gap_squared"] = df["gap"] ** 2
    df["active_days"] = (~same | (df["gap"] > 0)).astype("int64")
    for k in range(7):
        df[f"weekday_{k}"] = df["active_days"] * ((df["day"] + 3) % 7 == k)
    return df


def loop(job: dict[str, Any]) -> pd.DataFrame:
    """One row a customer and cutoff."""
    orders, asked = loaded(job), totals(job["features"])
    return pd.concat([at(orders, cutoff, job, asked) for cutoff in job["cutoffs"]], ignore_index=True)


def at(orders: pd.DataFrame, cutoff: int, job: dict[str, Any], asked: list[Total]) -> pd.DataFrame:
    """The features of one cutoff."""
    known = orders[orders["day"] < cutoff]
    grouped = known.groupby("customer_id", observed=True, sort=True)
    us = grouped["us"]
    index = us.size().index
    sums = window_sums(known, cutoff, asked, index)
    gaps = known.loc[known["gap"] > 0, ["customer_id", "gap"]]
    last = gaps.groupby("customer_id", observed=True).tail(GAPS).groupby("customer_id", observed=True)["gap"]
    dated = {n: pd.Series(us.nth(-n).to_numpy(), known.loc[us.nth(-n).index, "customer_id"]) for n in ranks(job)}
    dated[0] = us.min()
    say = Numbers(
        total=lambda measure, window, lag: sums[measure, window, lag],
        since=lambda n: (cutoff * US - dated[n].reindex(index)) / US,
        quantile=lambda q: last.quantile(q).reindex(index),
        spans=lambda w, n: spans(known, cutoff, w, n).reindex(index, fill_value=0) / n,
        divided=lambda a, b: a / b.where(b != 0),
        root=np.sqrt,
        log=lambda a: np.log(a.where(a > 0)),
        x_log_x=lambda a: a * np.log(a.where(a > 0, 1)),
        at_least=lambda a, b: a.clip(lower=b),
        unknown=pd.Series(np.nan, index),
    )
    found = columns(job["features"], say, cutoff, job["log_start"])
    return pd.DataFrame({"cutoff": cutoff, **found}, index=index).reset_index()


def ranks(job: dict[str, Any]) -> set[int]:
    """Which of the last rows are asked for."""
    return {1} | {f["n"] for f in job["features"] if f["kind"] == "since_nth"}


def window_sums(known: pd.DataFrame, cutoff: int, asked: list[Total], index: pd.Index) -> dict[Total, pd.Series]:
    """Every sum that is asked for, one grouped sum a window."""
    found = {}
    for window, lag in {(w, lag) for _, w, lag in asked}:
        measures = [m for m, w, g in asked if (w, g) == (window, lag)]
        rows = known[["customer_id", *measures]]
        if lag or window is not None:
            rows = rows[known["day"].between(cutoff - lag - window if window else 0, cutoff - lag - 1)]
        sums = rows.groupby("customer_id", observed=True, sort=True).sum().reindex(index, fill_value=0)
        found |= {(m, window, lag): sums[m] for m in measures}
    return found


def spans(known: pd.DataFrame, cutoff: int, window: int, n: int) -> pd.Series:
    """In how many of the last `n` spans of days each customer has a row."""
    span = (cutoff - 1 - known["day"]) // window
    recent = pd.DataFrame({"customer_id": known["customer_id"], "span": span})[span < n]
    return recent.drop_duplicates().groupby("customer_id", observed=True).size()


def keep(result: pd.DataFrame, path: Path) -> None:
    """Write the result."""
    result.astype({"customer_id": str}).to_parquet(path)
