"""The contacts that the business itself made. They inform decisions and are never features of risk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from winback import store
from winback.facts.days import begins

LAST = """
SELECT customer_id, epoch_us($before) - epoch_us(max(contacted_at)) AS since FROM read_parquet($path)
WHERE contacted_at < $before AND recorded_at < $before GROUP BY 1 ORDER BY 1
"""
US_PER_DAY = 86_400_000_000


def days_since_last_contact(facts: Path, today: dt.date, zone: str) -> pd.Series:
    """Days (with fractions) from the last contact recorded before `today` to its start, by customer_id.

    Customers never contacted are absent; so are all, without a contacts table.
    """
    files = store.table_files(facts, "contacts")
    if not files:
        return pd.Series(dtype="float64", index=pd.Index([], dtype="str", name="customer_id"))
    with store.connect() as con:
        words = {"path": [str(path) for path in files], "before": begins(today, zone)}
        rows = con.sql(LAST, params=words).to_arrow_table().to_pandas()
    days: pd.Series = rows.set_index("customer_id")["since"] / US_PER_DAY
    return days
