"""Whom we contacted about a label's window, so that training can leave them out or learn from them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import pandas as pd
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from winback import store
from winback.facts.labels import within
from winback.facts.labels.labels import refuse_unended
from winback.facts.labels.within import Rows

CONTACTS = Rows("contacts", "contacted_at")
CONTACTED = """
SELECT a.customer_id, a.cutoff, c.campaign, c.channel, count(*) AS contacts, min(c.moment) AS first_contacted_at
FROM a JOIN c ON c.customer_id = a.customer_id AND c.moment >= a.begins AND c.moment < a.ends
GROUP BY ALL ORDER BY 1, 2, 6, 3 NULLS LAST, 4 NULLS LAST
"""


@dataclass(frozen=True)
class Reach:
    """The days about a cutoff in which a contact counts: `[cutoff - before_days, cutoff + after_days)`."""

    after_days: Annotated[int, Field(ge=0)]
    before_days: Annotated[int, Field(ge=0)] = 0


def contacts_at(facts: Path, cohort: pd.DataFrame, reach: Reach, zone: str, today: dt.date) -> pd.DataFrame:
    """One row a (customer_id, cutoff, campaign, channel) of the cohort that we contacted within reach of the cutoff.

    `contacts`: how many, `first_contacted_at`: the first of them. Sorted by customer, cutoff and that
    moment. Only contacts recorded before `today` are known; WindowNotRecorded when a window ends after it.
    """
    cutoffs = within.days_of(cohort, zone)
    if cutoffs:
        refuse_unended((cutoffs[-1], reach.after_days), today)
    with store.connect() as con:
        con.register("a", _asked(cohort, cutoffs, reach, zone))
        rows = within.selected(con, facts, CONTACTS, ("campaign", "channel"))
        known = f"SELECT * FROM ({rows}) WHERE recorded < {within.instant(today, zone)}"  # noqa: S608 - a number
        found: pd.DataFrame = con.sql(f"WITH c AS ({known}) {CONTACTED}").to_arrow_table().to_pandas()
    for name in ("cutoff", "first_contacted_at"):
        found[name] = pd.to_datetime(found[name], unit="us", utc=True).dt.as_unit("us")
    return found


def treated_at(facts: Path, cohort: pd.DataFrame, reach: Reach, zone: str, today: dt.date) -> pd.Series:
    """Whether we contacted each (customer_id, cutoff) of the cohort within reach of the cutoff."""
    found = contacts_at(facts, cohort, reach, zone, today)[within.KEYS].drop_duplicates().assign(rows=1)
    return (within.matched(cohort, found) > 0).rename("treated")


def _asked(cohort: pd.DataFrame, cutoffs: list[dt.date], reach: Reach, zone: str) -> pa.Table:
    """The rows of the cohort with the instants their windows begin and end at."""
    cutoff = cohort["cutoff"].dt.as_unit("us").astype("int64")
    begins = {within.instant(day, zone): within.instant(day, zone, -reach.before_days) for day in cutoffs}
    ends = {within.instant(day, zone): within.instant(day, zone, reach.after_days) for day in cutoffs}
    columns = {"customer_id": cohort["customer_id"], "cutoff": cutoff}
    both = {"begins": cutoff.map(begins).astype("int64"), "ends": cutoff.map(ends).astype("int64")}
    return pa.Table.from_pandas(pd.DataFrame(columns | both), preserve_index=False)
