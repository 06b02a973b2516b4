"""The contacts that the business itself made. They inform decisions and are never features of risk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from winback import store
from winback.facts.days import begins

LAST = """
SELECT customer_id, max(contacted_at) AS last_contact_at FROM read_parquet($path)
WHERE contacted_at < $before AND recorded_at < $before GROUP BY 1 ORDER BY 1
"""


def last_contacts(facts: Path, today: dt.date, zone: str) -> pd.Series:
    """The instant of the last contact recorded before `today`, by customer_id; empty without contacts."""
    path = facts / "contacts.parquet"
    if not path.exists():
        return pd.Series(dtype="datetime64[us, UTC]", index=pd.Index([], dtype="str", name="customer_id"))
    with store.connect() as con:
        words = {"path": str(path), "before": begins(today, zone)}
        rows = con.sql(LAST, params=words).to_arrow_table().to_pandas()
    return rows.set_index("customer_id")["last_contact_at"]
