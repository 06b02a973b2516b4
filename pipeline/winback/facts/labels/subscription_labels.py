"""Who is subscribed at each cutoff, and whose subscription ends in the window after it, by whose doing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from winback import store
from winback.errors import NotEnoughData
from winback.facts.labels import within
from winback.facts.labels.labels import newest, refuse_unended
from winback.facts.labels.rule_labels import refuse_silent_table
from winback.facts.labels.within import Rows

SUBSCRIPTIONS = Rows("subscriptions", "started_at")
ENDED = Rows("subscriptions", "ended_at")
ATTEMPTS = Rows("payments", "attempted_at", "status IN ('succeeded', 'failed')")
NO_ATTEMPTS = "SELECT '' AS customer_id, 0 AS moment, 0 AS recorded, false AS failed WHERE false"
# Words of a cancel_reason that say that a payment failed and nobody cancelled.
INVOLUNTARY = (
    "billing_error",
    "card_declined",
    "card_expired",
    "declined",
    "dunning",
    "expired_card",
    "failed_payment",
    "insufficient_funds",
    "involuntary",
    "non_payment",
    "nonpayment",
    "past_due",
    "payment_declined",
    "payment_failed",
    "payment_failure",
    "unpaid",
)
# One row a customer and instant at which the last subscription ended and none began within the grace. The last
# attempt to pay before it decides; of several at one instant, one that succeeded.
LOST = """
e AS (
    SELECT customer_id, ended, max(graced) AS graced, max(paid_from) AS paid_from,
           count(*) AS ends, count(by_payment) AS told, count(*) FILTER (by_payment) AS told_payment
    FROM s ASOF JOIN d ON s.ended >= d.begins WHERE ended >= $first AND ended < $last GROUP BY 1, 2
), lost AS (
    SELECT * FROM e WHERE NOT EXISTS (
        SELECT 1 FROM s WHERE s.customer_id = e.customer_id AND s.started < e.graced
                          AND (s.ended IS NULL OR s.ended > e.ended))
), p AS (SELECT customer_id, moment, bool_and(failed) AS failed FROM attempts GROUP BY 1, 2)
SELECT lost.customer_id, ended, told_payment < told AS by_customer, told = ends AS all_told,
       coalesce(p.failed AND p.moment >= paid_from, false) AS payment_failed
FROM lost ASOF LEFT JOIN p ON p.customer_id = lost.customer_id AND p.moment <= lost.ended
ORDER BY ended
"""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Ending:
    """What counts as lost: an end within `horizon_days`, and no new beginning up to `grace_days` after the end's day.

    Whose doing it was: an end with a cancel_reason among `involuntary` (in any spelling of its blanks and
    capitals) was by a failed payment; with another reason, by the customer. Without a reason it was by a
    failed payment when the last attempt to pay in the `failed_days` before the end's day and on it failed.
    """

    horizon_days: Annotated[int, Field(ge=1)]
    grace_days: Annotated[int, Field(ge=0)] = 7
    failed_days: Annotated[int, Field(ge=0)] = 30
    involuntary: tuple[str, ...] = INVOLUNTARY


def subscribed_at(facts: Path, cutoffs: Sequence[dt.date], zone: str) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with a subscription that began before the cutoff and has not ended by then.

    Sorted. As known at the cutoff: rows recorded at or after it are not seen; an end exactly at the
    cutoff is yet to come.
    """
    instants = [within.instant(day, zone) for day in cutoffs]
    running = {c: f"moment < {c} AND recorded < {c} AND (ended IS NULL OR ended >= {c})" for c in instants}
    with store.connect() as con:
        return within.tallied(con, _periods(con, facts, ()), running)[within.KEYS]


def ending_labels_at(facts: Path, cohort: pd.DataFrame, ending: Ending, zone: str, today: dt.date) -> pd.DataFrame:
    """For each (customer_id, cutoff) of the cohort: `churned`, and whether `voluntary` or `involuntary`.

    Churned: at some instant of `[cutoff, cutoff + horizon_days)` the last of the customer's subscriptions
    ended, and none had begun by the end of the `grace_days`-th day after it. The first such end tells whose
    doing it was; both are NA where there is neither a reason nor a table of payments. Who left the one
    way is no case of somebody who stayed when the other is learned: leave those rows out.
    """
    cutoffs = within.days_of(cohort, zone)
    if cutoffs:
        refuse_unended((cutoffs[-1], ending.horizon_days + ending.grace_days), today)
        if newest(facts, ENDED, zone, today) is None:
            raise NotEnoughData(f"no subscription ended before {today}; check the mapping of ended_at.")
        refuse_silent_table(facts, ENDED, cutoffs[-1] + dt.timedelta(days=ending.horizon_days), zone, today)
    lost = _lost(facts, cutoffs, ending, zone, today)
    return _first_in_window(
        cohort, lost, {s.cutoff: s.end for s in within.after(cutoffs, ending.horizon_days, zone, today)}
    )


def _first_in_window(cohort: pd.DataFrame, lost: pd.DataFrame, ends: dict[int, int]) -> pd.DataFrame:
    """The first loss of each row of the cohort in its window, as labels."""
    asked = cohort[within.KEYS].reset_index(drop=True).rename_axis("row").reset_index()
    begin = asked["cutoff"].dt.as_unit("us").astype("int64")
    asked = asked.assign(begin=begin, end=begin.map(ends)).merge(lost, on="customer_id")
    first = asked[(asked["ended"] >= asked["begin"]) & (asked["ended"] < asked["end"])].drop_duplicates("row")
    by_payment = first.set_index("row")["by_payment"].reindex(range(len(cohort)))
    churned = np.isin(np.arange(len(cohort)), first["row"])
    labels = pd.DataFrame({"churned": churned}, index=cohort.index)
    labels["involuntary"] = by_payment.where(churned, False).array
    labels["voluntary"] = ~labels["involuntary"] & churned
    return labels[["churned", "voluntary", "involuntary"]]


def _lost(facts: Path, cutoffs: Sequence[dt.date], ending: Ending, zone: str, today: dt.date) -> pd.DataFrame:
    """One row a loss in any of the windows, by time: customer_id, ended, by_payment (NA: not known)."""
    days = _calendar(cutoffs, ending, zone)
    known = within.instant(today, zone)
    has_payments = bool(store.table_files(facts, "payments"))
    with store.connect() as con:
        con.register("d", days)
        periods = _periods(con, facts, ending.involuntary)
        attempts = _attempts(con, facts) if has_payments else NO_ATTEMPTS
        query = (
            f"WITH s AS (SELECT *, moment AS started FROM ({periods}) WHERE recorded < {known}), "  # noqa: S608 - numbers
            f"attempts AS (SELECT * FROM ({attempts}) WHERE recorded < {known}), {LOST}"
        )
        words = {"first": days["begins"][0].as_py(), "last": days["next"][-1].as_py()}
        lost: pd.DataFrame = con.sql(query, params=words).to_arrow_table().to_pandas()
    by_payment = (lost["all_told"] | lost["payment_failed"]).astype("boolean")
    if not has_payments:
        by_payment = by_payment.where(lost["all_told"])
    return lost[["customer_id", "ended"]].assign(by_payment=by_payment.mask(lost["by_customer"], False))


def _attempts(con: store.Connection, facts: Path) -> str:
    """The query of the attempts to pay that were answered, and whether they failed."""
    return f"SELECT *, status = 'failed' AS failed FROM ({within.selected(con, facts, ATTEMPTS, ('status',))})"  # noqa: S608


def _periods(con: store.Connection, facts: Path, involuntary: Sequence[str]) -> str:
    """The query of the subscriptions that lasted: their ends in microseconds, and whether a payment ended them."""
    said = r"trim(regexp_replace(lower(cancel_reason), '[^\p{L}\p{N}]+', '_', 'g'), '_')"
    words = ", ".join(store.literal(re.sub(r"[\W_]+", "_", word.lower()).strip("_")) for word in ("", *involuntary))
    return (
        "SELECT *, epoch_us(ended_at) AS ended, "  # noqa: S608 - quoted by store
        f"CASE WHEN coalesce({said}, '') = '' THEN NULL ELSE {said} IN ({words}) END AS by_payment "
        f"FROM ({within.selected(con, facts, SUBSCRIPTIONS, ('ended_at', 'cancel_reason'))}) "
        "WHERE ended IS NULL OR ended > moment"
    )


def _calendar(cutoffs: Sequence[dt.date], ending: Ending, zone: str) -> pa.Table:
    """The days of the windows: where each begins and the next does, and the ends of its grace and failed payments."""
    span = (cutoffs[-1] - cutoffs[0]).days + ending.horizon_days if cutoffs else 1
    first = cutoffs[0] if cutoffs else dt.date(1970, 1, 1)
    days = [first + dt.timedelta(days=n) for n in range(span)]
    apart = {"begins": 0, "next": 1, "graced": 1 + ending.grace_days, "paid_from": -ending.failed_days}
    return pa.table({name: [within.instant(day, zone, n) for day in days] for name, n in apart.items()})
