"""Who has to be taken off a list: added before, and no longer among those who may and should be on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from winback.export.destination import Destination, Job
from winback.export.people import with_addresses
from winback.export.rows import Made, rows_of

SENT = "sent_"  # before the headers of what was sent, in what is kept of a delivery


@dataclass(frozen=True)
class Leaving:
    """`rows` by job: what takes people off; `members`: who is in the delivery, to be kept with the ledger.

    `count`: how many people leave; `lost`: of how many nothing is known any more that could take them off.
    """

    rows: Mapping[str, pd.DataFrame]
    members: pd.DataFrame
    count: int
    lost: int


def leaving(
    destination: Destination, made: Mapping[str, Made], before: pd.DataFrame, customers: pd.DataFrame
) -> Leaving:
    """Who of `before` is not in what is sent now, and the rows that take them off.

    Of a platform that matches hashes the hashes of then are removed, unless they are sent again now; of others the
    people, by the address that they have today.
    """
    if destination.is_ads:
        return _of_hashes(destination, made, before)
    now = {who for each in made.values() for who in each.rows.index}
    gone = before[~before["customer_id"].isin(now)]
    job = destination.jobs[0]
    made_now = _by_address(destination, job, gone, customers)
    members = _members(sorted(now), sorted(set(gone["customer_id"])))
    return Leaving({job.name: made_now.rows}, members, len(members) - len(now), len(made_now.dropped))


def _by_address(destination: Destination, job: Job, gone: pd.DataFrame, customers: pd.DataFrame) -> Made:
    """The rows that take people off by what is known of them today."""
    people = with_addresses(gone[["customer_id"]].drop_duplicates(), customers, None)
    return rows_of(people.sort_values("customer_id", ignore_index=True), destination, job, removing=True)


def _of_hashes(destination: Destination, made: Mapping[str, Made], before: pd.DataFrame) -> Leaving:
    """The same by what was sent: a value that is sent again, of whomever, stays."""
    headers = [column.header for column in destination.jobs[0].columns if column.hashed]
    kept = [SENT + header for header in headers]
    now = pd.concat([each.rows[headers].rename(columns=lambda h: SENT + h) for each in made.values()])
    now.insert(0, "customer_id", now.index.astype("str"))
    gone = before.reindex(columns=["customer_id", *kept]).fillna("")
    for column in kept:
        gone[column] = gone[column].mask(gone[column].isin(set(now[column])), "")
    gone = gone[(gone[kept] != "").any(axis=1)].sort_values(["customer_id", *kept], ignore_index=True)
    rows = gone[kept].rename(columns=lambda c: c.removeprefix(SENT))
    members = pd.concat([now.assign(there=True), gone.assign(there=False)], ignore_index=True)
    return Leaving({"all": rows}, members, int(gone["customer_id"].nunique()), 0)


def _members(there: list[str], gone: list[str]) -> pd.DataFrame:
    ids = pd.Series([*there, *gone], dtype="str")
    return pd.DataFrame({"customer_id": ids, "there": [True] * len(there) + [False] * len(gone)})
