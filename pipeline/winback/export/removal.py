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
    destination: Destination,
    made: Mapping[str, Made],
    before: pd.DataFrame,
    customers: pd.DataFrame,
    channels: Mapping[str, str],
) -> Leaving:
    """Who of `before` is not in what is sent now, and the rows that take them off.

    Of a platform that matches hashes the hashes of then are removed, unless they are sent again now; of others the
    people, by the address that they have today. `channels`: by which each is to be contacted, kept with the ledger.
    """
    now = _sent_now(destination, made)
    now["channel"] = ["ads" if destination.is_ads else channels[who] for who in now["customer_id"]]
    now["channel"] = now["channel"].astype("str")
    before = before.reindex(columns=now.columns)
    gone = _hashes_gone(destination.jobs[0], now, before) if destination.is_ads else _people_gone(now, before)
    members = pd.concat([now.assign(there=True), gone.assign(there=False)], ignore_index=True)
    count = int(gone["customer_id"].nunique())
    if destination.is_ads:
        kept = _kept(gone)
        return Leaving({"all": gone[kept].rename(columns=lambda c: c.removeprefix(SENT))}, members, count, 0)
    off = {job.name: _by_address(destination, job, gone, customers) for job in destination.jobs}
    rows = {job: each.rows for job, each in off.items()}
    return Leaving(rows, members, count, sum(len(each.dropped) for each in off.values()))


def _sent_now(destination: Destination, made: Mapping[str, Made]) -> pd.DataFrame:
    """One row a person sent: customer_id, the job, and of a platform that matches hashes what matches."""
    needs = destination.jobs[0].needs if destination.is_ads else ()
    headers = list(dict.fromkeys(header for need in needs for header in need))
    parts = [pd.DataFrame(columns=["customer_id", "job", *(SENT + header for header in headers)])]
    for job, each in made.items():
        parts.append(each.rows[headers].add_prefix(SENT).assign(job=job, customer_id=each.rows.index))
    return pd.concat(parts, ignore_index=True).astype("str")


def _people_gone(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """The rows of people who are not sent by the same job again."""
    marked = before.merge(now[["customer_id", "job"]], on=["customer_id", "job"], how="left", indicator="_again")
    gone = marked.loc[marked["_again"] == "left_only", ["customer_id", "job"]]
    return gone.drop_duplicates().sort_values(["customer_id", "job"], ignore_index=True)


def _hashes_gone(job: Job, now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """What was sent and is not sent again, of whomever; a need of the job is one thing to match by."""
    gone = before.astype("str").fillna("")
    for need in job.needs:
        columns = [SENT + header for header in need]
        again = pd.MultiIndex.from_frame(gone[columns]).isin(pd.MultiIndex.from_frame(now[columns]))
        # A value of its own may still be part of another need.
        gone.loc[again, columns] = ""
    kept = _kept(gone)
    left = gone[(gone[kept] != "").any(axis=1)].drop_duplicates(["customer_id", *kept])
    return left.sort_values(["customer_id", *kept], ignore_index=True)


def _kept(frame: pd.DataFrame) -> list[str]:
    """The columns of what was sent."""
    return [str(column) for column in frame if str(column).startswith(SENT)]


def _by_address(destination: Destination, job: Job, gone: pd.DataFrame, customers: pd.DataFrame) -> Made:
    """The rows that take people off a job by what is known of them today."""
    mine = gone.loc[gone["job"] == job.name, ["customer_id"]]
    return rows_of(with_addresses(mine, customers, None), destination, job, removing=True)
