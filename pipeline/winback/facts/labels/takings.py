"""What each customer of a cohort bought in the window after its cutoff: orders and money."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from winback import store
from winback.facts.labels import within
from winback.facts.labels.labels import refuse_open_windows
from winback.facts.labels.within import Rows

SUMS = """
SELECT a.customer_id, a.cutoff, count(*) FILTER (o.part = 0 AND o.amount_cents >= 0) AS orders,
  sum(o.amount_cents) / 100 AS revenue
FROM a JOIN o ON o.customer_id = a.customer_id AND o.moment >= a.begins AND o.moment < a.ends
GROUP BY ALL
"""


def takings_at(facts: Path, cohort: pd.DataFrame, horizon_days: int, zone: str, today: dt.date) -> pd.DataFrame:
    """One row a (customer_id, cutoff) of the cohort, under its index: `orders` and `revenue` in `[cutoff, + horizon)`.

    `orders` counts purchases; `revenue` is all that was paid less what came back in the window, in money, with
    the corrections recorded before `today`. WindowNotRecorded as for a label.
    """
    cutoffs = within.days_of(cohort, zone)
    if cutoffs:
        refuse_open_windows(facts, (cutoffs[-1], horizon_days), zone, today)
    ends = {within.instant(day, zone): within.instant(day, zone, horizon_days) for day in cutoffs}
    begins = cohort["cutoff"].dt.as_unit("us").astype("int64")
    asked = pd.DataFrame({"customer_id": cohort["customer_id"], "cutoff": cohort["cutoff"], "begins": begins})
    with store.connect() as con:
        con.register("a", asked.assign(ends=begins.map(ends).astype("int64")).drop_duplicates())
        rows = within.selected(con, facts, Rows("orders", "ordered_at"), ("amount_cents", "part"))
        known = f"SELECT * FROM ({rows}) WHERE recorded < {within.instant(today, zone)}"  # noqa: S608 - a number
        found = con.sql(f"WITH o AS ({known}) {SUMS}").to_arrow_table().to_pandas()
    found["cutoff"] = found["cutoff"].astype(cohort["cutoff"].dtype)
    merged = cohort[within.KEYS].merge(found, how="left", on=within.KEYS, validate="many_to_one")
    sums = merged[["orders", "revenue"]].astype("float64").fillna(0.0)
    return sums.set_axis(cohort.index)
