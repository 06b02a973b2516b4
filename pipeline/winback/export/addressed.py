"""Customers' addresses, read at the export and kept nowhere else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from winback import store
from winback.errors import RunDamaged


def addressed(facts: Path) -> pd.DataFrame:
    """One row a customer: the newest known of the customers table in a folder of facts.

    Nobody where the project has no such table. RunDamaged where the folder is gone.
    """
    if not facts.is_dir():
        raise RunDamaged(f"{facts} is gone, which the published run was made from; run again for its date.")
    files = store.table_files(facts, "customers")
    if not files:
        return pd.DataFrame({"customer_id": pd.Series(dtype="str")})
    rows: pd.DataFrame = pa.concat_tables(map(store.read_table, files)).to_pandas()
    newest = rows.sort_values(["customer_id", "recorded_at"], kind="stable")
    return newest.drop_duplicates("customer_id", keep="last", ignore_index=True)
