"""features_at: what was known of each customer at each cutoff. The one path for training and scoring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from joblib import Parallel, delayed

from winback import store
from winback.errors import NotEnoughData
from winback.facts import kernel, logs
from winback.facts.columns import Columns, Moments, Pairs, table_columns
from winback.facts.days import begins, day_number, microseconds
from winback.facts.declared import Feature
from winback.facts.kernel import Ints, Log


def features_at(
    facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature], jobs: int = 1
) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with at least one order known at the cutoff, sorted; NaN is unknown.

    Only rows that happened and were recorded before the start of the cutoff's day in `zone` count.
    `cutoff` is that instant in UTC. Columns follow the order of `features`. A window that begins
    before the table's log does is unknown. The result does not depend on the order of the facts' rows,
    on `jobs`, or on which other cutoffs are asked for.
    """
    tables = sorted({f.table for f in features} | {"orders"})
    moments = {table: moments_of(facts, table, cutoffs, zone) for table in tables}
    parts = logs.partitions(facts, zone, max(cutoffs))
    frames = Parallel(n_jobs=jobs)(delayed(part_features)(part, moments, tuple(features)) for part in parts)
    table: pd.DataFrame = pd.concat(frames, ignore_index=True)
    if table.empty:
        raise NotEnoughData(f"no customer has an order before {max(cutoffs)}; check the mapping of ordered_at.")
    return table.sort_values(["customer_id", "cutoff"], kind="stable", ignore_index=True)


def moments_of(facts: Path, table: str, cutoffs: Sequence[dt.date], zone: str) -> Moments:
    """The cutoffs, each once, sorted, as one table's log knows them."""
    days = sorted(set(cutoffs))
    numbers = np.array([day_number(d) for d in days], dtype=np.int64)
    instants = np.array([microseconds(begins(d, zone)) for d in days], dtype=np.int64)
    return Moments(numbers, instants, logs.log_starts(facts, table, zone, numbers))


def part_features(part: logs.Part, moments: dict[str, Moments], features: Sequence[Feature]) -> pd.DataFrame:
    """The feature rows of one partition of the customers."""
    with store.connect(threads=2 if part.parts == 1 else 1) as con:
        ids, orders = logs.orders_log(con, part)
        pairs = known_pairs(orders, len(ids), moments["orders"].day)
        columns: Columns = {}
        for table, at in moments.items():
            wanted = [f for f in features if f.table == table]
            log = orders if table == "orders" else logs.log_of(con, part, table, ids)
            columns |= _only_seen(as_recorded(log, len(ids), at, pairs, wanted), wanted, at, pairs)
    keys = {
        "customer_id": ids.take(pa.array(pairs.customer)).to_pandas(),
        "cutoff": pd.to_datetime(moments["orders"].us[pairs.cutoff], unit="us", utc=True).as_unit("us"),
    }
    return pd.DataFrame(keys | {f.name: columns[f.name] for f in features})


def known_pairs(orders: Log, n_customers: int, cutoff_days: Ints) -> Pairs:
    """The (customer, cutoff) with an order that had happened and was recorded before the cutoff."""
    first_known = np.full(n_customers, np.iinfo(np.int64).max)
    np.minimum.at(first_known, orders.customer, np.maximum(orders.day, orders.recorded_day))
    customer, cutoff = np.nonzero(first_known[:, None] < cutoff_days[None, :])
    return Pairs(customer.astype(np.int64), cutoff.astype(np.int64))


def as_recorded(log: Log, n_customers: int, moments: Moments, pairs: Pairs, wanted: Sequence[Feature]) -> Columns:
    """Columns for every pair; pairs with late rows are computed again from what was recorded by then.

    Rows recorded in time pay nothing for this: only customers with an unseen row are done twice.
    """
    columns = table_columns(log, n_customers, moments, pairs, wanted)
    late = kernel.late_pairs(log, n_customers, moments.day)
    for k in np.flatnonzero(late.any(axis=0)):
        again = np.flatnonzero((pairs.cutoff == k) & late[pairs.customer, k])
        seen = kernel.known_at(log, int(moments.day[k]), late[:, k])
        some = Pairs(pairs.customer[again], np.zeros_like(again))
        for name, values in table_columns(seen, n_customers, moments.only(int(k)), some, wanted).items():
            columns[name][again] = values
    return columns


def _only_seen(columns: Columns, wanted: Sequence[Feature], moments: Moments, pairs: Pairs) -> Columns:
    """The columns with NaN wherever the window begins before the table's log does."""
    for feature in wanted:
        if feature.window and feature.kind != "rate":
            reach = feature.window * (2 if feature.kind == "trend" else 1)
            columns[feature.name][(moments.day - reach < moments.start)[pairs.cutoff]] = np.nan
    return columns
