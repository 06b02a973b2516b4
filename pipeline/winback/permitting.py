"""Who may be scored and contacted, as a job's tables, its ledger of every no, and its settings say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from winback import store
from winback.consent.gate import permitted, reread
from winback.consent.kept import erased_among, refuser
from winback.consent.ledger import ledger_of
from winback.errors import ErasureIncomplete
from winback.facts.intake.accounting import Accounting
from winback.facts.intake.ledger import Since
from winback.facts.intake.load import load_since
from winback.jobs import Job

EVERYBODY = "SELECT DISTINCT customer_id FROM read_parquet($path) ORDER BY 1"


def ingested(job: Job) -> list[Accounting]:
    """The row accounting of every source, whose tables then lie in the facts folder without those who were erased.

    To be called under the project's lock.
    """
    refuses = refuser(ledger_of(job.base, job.state, job.config.consent))
    currency = job.config.project.currency
    since = Since(job.zone, job.received_at, currency, job.inputs, job.facts.parent, refuses=refuses)
    return load_since(job.facts, job.sources, job.base, since)


def permissions_of(job: Job, customer_ids: Sequence[str] | pd.Series) -> pd.DataFrame:
    """One row a customer, with what he may be asked and reached by, at the instant the job was called."""
    ledger = ledger_of(job.base, job.state, job.config.consent)
    return permitted(job.facts, ledger, job.config.consent, job.received_at, customer_ids)


def permissions_now(job: Job, now: dt.datetime) -> pd.DataFrame:
    """The same of everybody who ever ordered or subscribed, by the sources of consent as they are `now`, read anew."""
    return reread(job.config, job.base, now, _everybody(job))


def unasked(job: Job) -> frozenset[str]:
    """The customers who may not be scored, and so are not learned from either."""
    everybody = _everybody(job)
    allowed = permissions_of(job, everybody)
    return frozenset(allowed.loc[~allowed["may_profile"], "customer_id"])


def refuse_restored(job: Job, folder: Path) -> None:
    """ErasureIncomplete where a published run has people again who were erased, as after a restore of a backup."""
    ledger = ledger_of(job.base, job.state, job.config.consent)
    if refuser(ledger) is None:
        return
    back = erased_among(ledger, store.read_table(folder / "scores.parquet")["customer_id"].to_pylist())
    if back:
        raise ErasureIncomplete(
            f"{len(back)} people who were erased are back in {folder}, as after a restore of a backup. Run `winback "
            "forget --restored` to erase them again."
        )


def _everybody(job: Job) -> pd.Series:
    """The ids of all customers who ordered or subscribed."""
    table = "orders" if job.config.sources.orders else "subscriptions"
    files = [str(path) for path in store.table_files(job.facts, table)]
    with store.connect() as con:
        rows = con.sql(EVERYBODY, params={"path": files}).to_arrow_table().to_pandas()
    ids: pd.Series = rows["customer_id"]
    return ids
