"""What was delivered to a destination: a line for each step of a delivery, and who was in it.

    state/exports/<destination>/<campaign>/ledger.jsonl         prepared, then delivered; lines are only added
    state/exports/<destination>/<campaign>/<delivery>.parquet   customer_id, there (added or removed), what was sent

Of a platform that matches hashes the hashes are kept, since only they can take somebody off again; of all others
nothing but the ids.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from winback import store
from winback.errors import ExportRefused

PREPARED, DELIVERED = "prepared", "delivered"
LEDGER = "ledger.jsonl"
Line = dict[str, Any]


def folder_of(state: Path, destination: str, campaign: str = "") -> Path:
    """Where the deliveries of a campaign, or of all of a destination's, are kept."""
    return state / "exports" / destination / campaign


def campaigns(state: Path, destination: str, besides: str = "") -> list[str]:
    """The campaigns that something was delivered of, `besides` one."""
    found = {path.parent.name for path in folder_of(state, destination).glob(f"*/{LEDGER}")}
    return sorted(found - {besides})


def lines(folder: Path) -> list[Line]:
    """The ledger's lines; a last one that was never finished is none."""
    try:
        held = (folder / LEDGER).read_bytes()
    except FileNotFoundError:
        return []
    whole = held[: held.rfind(b"\n") + 1]
    try:
        found = [json.loads(line) for line in whole.splitlines()]
        return [{**line, "delivery": line["delivery"]} for line in found]
    except (ValueError, KeyError, TypeError) as error:
        raise ExportRefused(
            f"{folder / LEDGER} was changed by other hands: a line of it is no delivery. Without it nobody knows who "
            "has to be taken off a list; bring it back from a copy"
        ) from error


def append(folder: Path, line: Line) -> None:
    """Add a line and see it on the disk; what a killed run left of a line is cut off first."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / LEDGER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        store.append_line(file, line)
    store.sync_folder(folder)


def last(folder: Path) -> tuple[str, str]:
    """The last delivery and how far it came; empty before the first."""
    found = lines(folder)
    return (found[-1]["delivery"], found[-1]["status"]) if found else ("", "")


def delivered(folder: Path) -> list[Line]:
    """The lines of deliveries that were begun, each once and in order: what was prepared may have arrived."""
    return list({line["delivery"]: line for line in lines(folder)}.values())


def keep(folder: Path, delivery: str, members: pd.DataFrame) -> None:
    """Keep who was in a delivery."""
    path = folder / f"{delivery}.parquet"
    before = os.umask(0o077)
    try:
        store.write_table(path, members)
    finally:
        os.umask(before)


def members(folder: Path, delivery: str) -> pd.DataFrame:
    """Who was in a delivery."""
    path = folder / f"{delivery}.parquet"
    if not path.is_file():
        raise ExportRefused(
            f"{path} is missing, so nobody knows who has to be taken off the list; bring it back from a copy"
        )
    frame: pd.DataFrame = store.read_table(path).to_pandas()
    return frame


def there_before(folder: Path, run_id: str) -> pd.DataFrame:
    """Everybody who may be at the destination now, or was taken off it by this very run.

    That is all who were added by the last delivery of another run, and all in those of this run: a delivery of the same
    run repeats what its first one removed, so that doing it again is the same delivery.
    """
    begun = delivered(folder)
    ours = [line for line in begun if line["run_id"] == run_id]
    others = [line for line in begun if line["run_id"] != run_id]
    last = [members(folder, line["delivery"]).query("there") for line in others[-1:]]
    # What was only prepared may or may not have arrived, and the one before it may still stand.
    last += [members(folder, line["delivery"]).query("there") for line in _unfinished(others)]
    found = pd.concat([_NOBODY, *last, *(members(folder, line["delivery"]) for line in ours)], ignore_index=True)
    return found.drop(columns="there").drop_duplicates(ignore_index=True)


_NOBODY = pd.DataFrame({name: pd.Series(dtype="str") for name in ("customer_id", "job")} | {"there": []}).astype(
    {"there": "bool"}
)


def _unfinished(begun: list[Line]) -> Iterable[Line]:
    """From the end back to the last delivery that is known to have arrived, that one too."""
    found = []
    for line in reversed(begun):
        found.append(line)
        if line["status"] == DELIVERED:
            break
    return found[1:]


def deliveries_of(state: Path, customer_ids: Iterable[str]) -> dict[str, list[Mapping[str, str]]]:
    """By customer, where they were delivered to: destination, campaign, run_id. For the receipt of an erasure."""
    asked = set(customer_ids)
    found: dict[str, list[Mapping[str, str]]] = {}
    for path in sorted((state / "exports").glob(f"*/*/{LEDGER}")):
        for line in delivered(path.parent):
            inside = asked & set(members(path.parent, line["delivery"]).query("there")["customer_id"])
            place = {"destination": path.parts[-3], "campaign": path.parts[-2], "run_id": line["run_id"]}
            for customer_id in sorted(inside):
                found.setdefault(customer_id, []).append(place)
    return found
