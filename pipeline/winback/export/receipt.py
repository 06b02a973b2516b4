"""What an export says of itself: counts and hashes, and nobody's name."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from winback.export.destination import Destination
from winback.export.people import all_too_old
from winback.export.place import stamp
from winback.export.removal import Leaving
from winback.export.rows import Made

NAME = "receipt.json"
Receipt = dict[str, Any]
Files = Mapping[str, tuple[bytes, int]]


def receipt_of(
    asked: Mapping[str, Any],
    destination: Destination,
    made: Mapping[str, Made],
    refused: pd.Series[str],
    gone: Leaving,
    files: Files,
) -> Receipt:
    """What was sent, what was not and why, who was taken off, and the files; `asked` says of which run and campaign."""
    sent = {job: len(each.rows) for job, each in made.items()}
    return {
        **asked,
        "destination": destination.name,
        "decided": len(refused),
        "sent": sum(sent.values()),
        "sent_by_job": sent,
        "dropped": counted(refused[refused != ""]),
        "removed": gone.count,
        "cannot_be_removed": gone.lost,
        "rejected_values": _rejected([each.rejects for each in made.values()]),
        "advice": _advice(destination, sum(sent.values()), refused),
        "files": {name: {**stamp(held), "rows": rows} for name, (held, rows) in sorted(files.items())},
    }


def _advice(destination: Destination, sent: int, refused: pd.Series[str]) -> str:
    """What whoever exported should know; empty where there is nothing."""
    if all_too_old(refused):
        return "every consent there is is older than [consent] max_age_days: is [sources.consents] up to date?"
    few = sent < destination.least_rows
    return f"{destination.name} advises against lists of fewer than {destination.least_rows}" if few else ""


def counted(values: Iterable[str]) -> dict[str, int]:
    """How often each value comes, in order of the values."""
    return dict(sorted(Counter(values).items()))


def _rejected(rejects: list[pd.DataFrame]) -> dict[str, dict[str, int]]:
    """How many values of each field could not be sent, by reason."""
    told = pd.concat(rejects) if rejects else pd.DataFrame({"field": [], "reason": []})
    return {str(field): counted(rows["reason"]) for field, rows in told.groupby("field")}


def in_bytes(receipt: Receipt) -> bytes:
    """The receipt as a file."""
    return (json.dumps(receipt, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def delivery_of(receipt: Receipt) -> str:
    """The name of a delivery: equal for equal receipts, which hold the hashes of all files."""
    return hashlib.sha256(in_bytes(receipt)).hexdigest()[:16]
