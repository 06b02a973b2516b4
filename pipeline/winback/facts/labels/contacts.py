"""The contacts that the business itself made. They inform decisions and are never features of risk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from winback import store
from winback.facts.days import begins

KEPT_DAYS = 365
LATELY = """
SELECT customer_id, coalesce(channel, '') AS channel, contacted_at FROM read_parquet($path)
WHERE contacted_at >= $since AND contacted_at < $before AND recorded_at < $before ORDER BY ALL
"""

NAMING = """
SELECT customer_id, campaign, contacted_at FROM read_parquet($path, union_by_name = true)
WHERE campaign IN (SELECT unnest($names)) AND contacted_at < $before AND recorded_at < $before ORDER BY ALL
"""


def contacts_naming(facts: Path, campaigns: Sequence[str], today: dt.date, zone: str) -> pd.DataFrame:
    """One row a contact made and recorded before `today` that names one of the campaigns: customer_id, campaign,
    contacted_at (UTC). No row where no contact of the business names any.
    """
    files = [str(path) for path in store.table_files(facts, "contacts")]
    if not any("campaign" in pq.read_schema(path).names for path in files):
        none = {"customer_id": _text(), "campaign": _text(), "contacted_at": pd.to_datetime([], utc=True)}
        return pd.DataFrame(none)
    with store.connect() as con:
        words = {"path": files, "names": list(campaigns), "before": begins(today, zone)}
        rows: pd.DataFrame = con.sql(NAMING, params=words).to_arrow_table().to_pandas()
    return rows.assign(contacted_at=rows["contacted_at"].dt.tz_convert("UTC").dt.as_unit("us"))


def contacts_before(facts: Path, today: dt.date, zone: str) -> pd.DataFrame:
    """One row a contact made and recorded in the 365 days before `today`: customer_id, channel, contacted_at (UTC).

    No row without a contacts table. `channel` is empty where it was not said.
    """
    files = store.table_files(facts, "contacts")
    if not files:
        return pd.DataFrame({"customer_id": _text(), "channel": _text(), "contacted_at": pd.to_datetime([], utc=True)})
    since = begins(today - dt.timedelta(days=KEPT_DAYS), zone)
    with store.connect() as con:
        words = {"path": [str(path) for path in files], "since": since, "before": begins(today, zone)}
        rows: pd.DataFrame = con.sql(LATELY, params=words).to_arrow_table().to_pandas()
    return rows.assign(contacted_at=rows["contacted_at"].dt.tz_convert("UTC").dt.as_unit("us"))


def _text() -> pd.Series:
    return pd.Series(dtype="str")
