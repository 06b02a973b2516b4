"""Each no that was ever seen, taken into the ledger, and brought to mind when permissions are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd

from winback.consent import words
from winback.consent.keyed import key_of, keyed
from winback.consent.ledger import ERASED, SUPPRESSED, Ledger, add, entries
from winback.consent.recorded import Recorded


def absorb(ledger: Ledger, said: Recorded, added_at: datetime) -> int:
    """How many suppressions, withdrawals, objections and doubts of the tables were new to the ledger.

    A status that is unknown is kept of those alone who have granted something, as it takes nothing from others.
    """
    blocked = said.suppressions.assign(kind=SUPPRESSED, purpose="any")
    consents = said.consents
    meant = consents["status"].map({each: words.meaning_of_status(each) for each in consents["status"].unique()})
    codes, people = pd.factorize(consents["customer_id"])
    granting = np.zeros(len(people) + 1, dtype=bool)
    granting[codes[(meant == words.GRANTED).to_numpy(dtype=bool)]] = True
    kept = (meant == words.WITHDRAWN) | ((meant == words.UNKNOWN) & granting[codes])
    rows = pd.concat([blocked, consents[kept].assign(kind=meant[kept])], ignore_index=True).assign(reason="")
    return add(ledger, _plain(rows[rows["customer_id"].notna()]), added_at)


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the channels and purposes that they forbid, one of each a row, in our own words."""
    for column, meaning, every, word in (
        ("channel", words.forbidden_channels, words.EVERY_CHANNEL, ""),
        ("purpose", words.forbidden_purposes, words.EVERY_PURPOSE, "any"),
    ):
        lists = {each: _listed(meaning(each), every, word) for each in rows[column].unique()}
        rows = rows.assign(**{column: rows[column].map(lists)}).explode(column)
    return rows.dropna(subset=["channel", "purpose"])


def _listed(meant: Iterable[str], every: frozenset[str], word: str) -> list[str]:
    return [word] if set(meant) == every else sorted(meant)


def suppress(
    ledger: Ledger, customer_ids: Sequence[str], channel: str, reason: str, when: datetime, kind: str = SUPPRESSED
) -> int:
    """How many of the customers were not suppressed for this channel ("": all) from an earlier moment on."""
    known = entries(ledger)
    held = set(known.loc[(known["kind"] == kind) & (known["channel"] == channel), "person"])
    people = pd.Series(customer_ids, dtype="object").drop_duplicates()
    if len(known):
        people = people[[each not in held for each in keyed(key_of(ledger.keys, make=False), people)]]
    rows = pd.DataFrame({"customer_id": people, "kind": kind, "channel": channel, "purpose": "any", "reason": reason})
    return add(ledger, rows.assign(recorded_at=when), when)


def refuser(ledger: Ledger) -> Callable[[Sequence[str]], set[str]] | None:
    """What tells an ingest whose rows to refuse, for `Since(..., refuses=...)`; None where nobody was erased."""
    if not (entries(ledger)["kind"] == ERASED).any():
        return None
    return partial(erased_among, ledger)


def erased_among(ledger: Ledger, customer_ids: Sequence[str]) -> set[str]:
    """Those of the ids whose people were erased."""
    known = entries(ledger)
    erased = set(known.loc[known["kind"] == ERASED, "person"])
    if not erased:
        return set()
    hashes = keyed(key_of(ledger.keys, make=False), customer_ids)
    return {each for each, person in zip(customer_ids, hashes, strict=True) if person in erased}


def remembered(ledger: Ledger, customer_ids: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the ledger holds of these customers, as rows of consents and of suppressions."""
    known = entries(ledger)
    names = ["customer_id", "channel", "purpose", "status", "recorded_at"]
    if known.empty:
        return pd.DataFrame(columns=names), pd.DataFrame(columns=["customer_id", "channel", "recorded_at"])
    people = pd.DataFrame({"customer_id": customer_ids, "person": keyed(key_of(ledger.keys, make=False), customer_ids)})
    rows = known.merge(people, on="person")
    for_good = rows["kind"].isin([SUPPRESSED, ERASED])
    # Erased is erased, also by a clock that lies behind the one it was done by.
    rows["recorded_at"] = rows["recorded_at"].mask(rows["kind"] == ERASED)
    consents = rows[~for_good].assign(status=rows["kind"], channel=rows["channel"].replace("", "any"))
    return consents[names], rows.loc[for_good, ["customer_id", "channel", "recorded_at"]]
