"""Windows of one table with featuretools and its cutoff times: sums, counts and means of the orders.

Runs in an environment of its own (peers/requirements.txt). A training window is an argument of a whole
call there, so there is one call a window; other kinds of features it cannot say are left out.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import featuretools as ft

COLUMNS = {"spend": "amount_cents", "discount": "discount_cents", "lines": "line_count", "pieces": "quantity"}


def entities(facts: Path) -> ft.EntitySet:
    """Orders and their customers."""
    orders = pd.read_parquet(facts / "orders.parquet", columns=["customer_id", "ordered_at", *COLUMNS.values()])
    orders["ordered_at"] = orders["ordered_at"].dt.tz_localize(None)
    customers = orders.groupby("customer_id", as_index=False)["ordered_at"].min()
    found = ft.EntitySet("shop")
    found.add_dataframe(
        dataframe_name="orders", dataframe=orders.reset_index(names="order"), index="order", time_index="ordered_at"
    )
    found.add_dataframe(dataframe_name="customers", dataframe=customers, index="customer_id", time_index="ordered_at")
    found.add_relationship("customers", "customer_id", "orders", "customer_id")
    found.add_last_time_indexes()  # else a training window leaves out whoever came before it
    return found


def calculated(job: dict[str, Any]) -> pd.DataFrame:
    """One row a customer and cutoff."""
    shop = entities(Path(job["facts"]))
    first = shop["customers"].set_index("customer_id")["ordered_at"]
    days = [pd.Timestamp(cutoff, unit="D") for cutoff in job["cutoffs"]]
    asked = pd.concat(pd.DataFrame({"customer_id": first.index[first < day], "time": day}) for day in days)
    wanted = [f for f in job["features"] if f["name"] in job["only"]]
    parts = [window_features(shop, asked, w, wanted) for w in sorted({f["window"] for f in wanted})]
    found = pd.concat(parts, axis=1).rename_axis(["customer_id", "time"]).reset_index()
    cutoff = (found.pop("time") - pd.Timestamp(0)).dt.days
    return found.assign(cutoff=cutoff)


def window_features(shop: ft.EntitySet, asked: pd.DataFrame, window: int, wanted: list[dict[str, Any]]) -> pd.DataFrame:
    """The features of one training window."""
    names = {said(f): f for f in wanted if f["window"] == window}
    plan = ft.dfs(
        entityset=shop,
        target_dataframe_name="customers",
        agg_primitives=["count", "sum", "mean"],
        trans_primitives=[],
        features_only=True,
    )
    chosen = [feature for feature in plan if feature.get_name() in names]
    found = ft.calculate_feature_matrix(
        chosen,
        shop,
        asked,
        training_window=ft.Timedelta(window, "d"),
        include_cutoff_time=False,
        cutoff_time_in_index=True,
    )
    units = {said(f): 100 if f["measure"] in ("spend", "discount") else 1 for f in wanted}
    return pd.DataFrame({f["name"]: found[name] / units[name] for name, f in names.items()})


def said(f: dict[str, Any]) -> str:
    """The name featuretools gives to a feature."""
    if f["measure"] == "rows":
        return "COUNT(orders)"
    return f"{'SUM' if f['kind'] == 'total' else 'MEAN'}(orders.{COLUMNS[f['measure']]})"


def keep(result: pd.DataFrame, path: Path) -> None:
    """Write the result."""
    result.to_parquet(path)
