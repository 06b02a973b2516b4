"""CPU seconds of features_at against what the engine needs merely to decode the columns it reads.

    python benchmarks/features.py [ORDERS]

Made-up orders (heavy-tailed customers, two years, 8 categories), 1 and 12 cutoffs, all in one process
and one run, so that only the ratios mean anything.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from winback import store
from winback.facts import declared
from winback.facts.features import features_at

FIRST = dt.date(2024, 1, 1)
CUTOFFS = [dt.date(2025, month, 1) for month in range(1, 13)]


def make_orders(folder: Path, orders: int, seed: int = 1) -> None:
    """Write orders.parquet with this many rows, sorted as ingest sorts them."""
    rng = np.random.default_rng(seed)
    weight = rng.pareto(1.5, max(1, orders // 20)) + 0.2
    customer = np.sort(rng.choice(len(weight), orders, p=weight / weight.sum()))
    seconds = rng.integers(0, 730 * 86_400, orders)
    at = pd.Timestamp(FIRST, tz="UTC") + pd.to_timedelta(seconds, unit="s")
    cents = rng.lognormal(7.5, 0.8, orders).astype(np.int64)
    table = pd.DataFrame(
        {
            "order_id": np.arange(orders).astype(str),
            "customer_id": np.char.add("c", np.char.zfill(customer.astype(str), 8)),
            "ordered_at": at.as_unit("us"),
            "recorded_at": at.as_unit("us"),
            "amount_cents": cents,
            "discount_cents": np.where(rng.random(orders) < 0.3, cents // 10, 0),
            "line_count": rng.integers(1, 20, orders),
        }
    )
    store.write_table(folder / "orders.parquet", table.sort_values(["customer_id", "ordered_at"]))


def cpu_seconds(work: Callable[[], object]) -> float:
    """Process CPU seconds of one call, all threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


def decode(folder: Path) -> None:
    """Decode the columns that the features read, and no more."""
    columns = "customer_id, ordered_at, recorded_at, amount_cents, discount_cents, line_count, order_id"
    read = ", ".join(f"max({column})" for column in columns.split(", "))
    with store.connect(threads=2) as con:
        con.sql(f"SELECT {read} FROM read_parquet('{folder / 'orders.parquet'}')").to_arrow_table()  # noqa: S608


def main() -> None:
    """Print the table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    features = declared.available({"orders", "orders.lines", "orders.discount"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_orders(folder, orders)
        decode(folder)
        floor = cpu_seconds(lambda: decode(folder))
        print(f"{orders:,} orders, {len(features)} features; decoding the columns: {floor:.2f} CPU s")
        for cutoffs in (CUTOFFS[-1:], CUTOFFS):
            spent = cpu_seconds(lambda cutoffs=cutoffs: features_at(folder, cutoffs, "UTC", features))
            print(f"{len(cutoffs):>2} cutoffs: {spent:6.2f} CPU s, {spent / floor:5.1f} x decoding")


if __name__ == "__main__":
    main()
