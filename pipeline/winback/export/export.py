"""One export: the published run's decisions, as they may be sent at this instant, to one destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from winback import runs, store
from winback.destinations import Destinations
from winback.errors import RunDamaged
from winback.export import ledger, place, receipt
from winback.export.campaign import campaign_name
from winback.export.destination import Destination
from winback.export.known import KNOWN
from winback.export.people import (
    Wanted,
    decided,
    held_out,
    only_permitted,
    refuse_held_out,
    why_not,
    with_addresses,
    with_permissions,
)
from winback.export.receipt import Receipt
from winback.export.removal import Leaving, leaving
from winback.export.rows import Made, made_of
from winback.export.written import files_of
from winback.people_text import people_csv

TABLES = ("decisions", "assignments", "scores", "reasons")


@dataclass(frozen=True)
class Shop:
    """What an export is made from.

    `customers`: one row a customer with the addresses. `permissions`: a function that reads, at the moment it is
    called, who of these ids may be sent what: one row a customer, customer_id, may_profile and may_<channel>; for
    Google also ad_user_data and ad_personalization, True, False or NA. Whoever is absent may nothing.
    `made_at`: an ISO moment, for the ledger alone.
    """

    runs: Path
    state: Path
    out: Path
    customers: pd.DataFrame
    permissions: Callable[[list[str]], pd.DataFrame]
    made_at: str


@dataclass(frozen=True)
class _Campaign:
    """One campaign's part of an export: who was asked for, and of what run."""

    destination: Destination
    name: str
    wanted: Wanted
    run: Path
    tables: Mapping[str, pd.DataFrame]


def export(to: str, shop: Shop, settings: Destinations, wanted: Wanted, campaign: str | None = None) -> list[Receipt]:
    """The receipts of what was written for the campaign asked for.

    The same run, settings and permissions give the same bytes, however often. Call it under the project's lock.
    """
    destination = KNOWN[to](settings)
    run = _published(shop.runs)
    tables = {name: store.read_table(run / f"{name}.parquet").to_pandas() for name in TABLES}
    name = campaign_name(destination, wanted, campaign, set(tables["reasons"]["driver"]))
    asked = _Campaign(destination, name, wanted, run, tables)
    return [_delivered(asked, shop, settings.country)]


def _published(folder: Path) -> Path:
    """The published run, every file of it as its manifest says."""
    current = runs.current(folder)
    if current is None:
        raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
    runs.verify(current)
    return current


def _delivered(asked: _Campaign, shop: Shop, country: str | None) -> Receipt:
    """Write one campaign's files and enter them in the ledger."""
    told = with_addresses(decided(asked.tables, asked.wanted), shop.customers, country)
    people = with_permissions(told, shop.permissions(told["customer_id"].tolist()))
    refused = why_not(people, asked.destination, asked.wanted)
    made, refused = made_of(only_permitted(people, asked.destination), asked.destination, refused)
    refuse_held_out([who for each in made.values() for who in each.rows.index], held_out(asked.tables, asked.wanted))
    kept = ledger.folder_of(shop.state, asked.destination.name, asked.name)
    gone = leaving(asked.destination, made, ledger.there_before(kept, asked.run.name), shop.customers)
    files = _files(asked.destination, made, gone)
    filters = {"action": asked.wanted.action, "channel": asked.wanted.channel}
    question = {"campaign": asked.name, "run_id": asked.run.name, **filters}
    told_of_it = receipt.receipt_of(question, asked.destination, made, refused, gone, files)
    _handed_over(asked, shop, told_of_it, {name: held for name, (held, _) in files.items()}, gone)
    return told_of_it


def _handed_over(asked: _Campaign, shop: Shop, told: Receipt, contents: dict[str, bytes], gone: Leaving) -> None:
    """The files in their folder, between two lines of the ledger; a delivery that was made is not entered again."""
    kept = ledger.folder_of(shop.state, asked.destination.name, asked.name)
    delivery = receipt.delivery_of(told)
    line = {key: told[key] for key in ("run_id", "action", "channel", "sent", "removed")}
    line |= {"delivery": delivery, "made_at": shop.made_at}
    arrived = ledger.last(kept) == (delivery, ledger.DELIVERED)
    if not arrived:
        ledger.keep(kept, delivery, gone.members)
        ledger.append(kept, {**line, "status": ledger.PREPARED})
    with place.folder(shop.out, [asked.destination.name, asked.name, asked.run.name]) as handle:
        place.write(handle, {**contents, receipt.NAME: receipt.in_bytes(told)}, receipt.NAME)
    if not arrived:
        ledger.append(kept, {**line, "status": ledger.DELIVERED})


def _files(destination: Destination, made: Mapping[str, Made], gone: Leaving) -> dict[str, tuple[bytes, int]]:
    """All files of a delivery but the receipt: the bytes and the number of rows, by name."""
    files: dict[str, tuple[bytes, int]] = {}
    for job, each in made.items():
        if len(each.rows) or len(made) == 1:
            files |= files_of(f"add-{job}" if len(made) > 1 else "add", each.rows, destination)
    for job, rows in gone.rows.items():
        if len(rows):
            files |= files_of(f"remove-{job}" if len(gone.rows) > 1 else "remove", rows, destination)
    rejects = pd.concat([each.rejects for each in made.values()], ignore_index=True)
    if len(rejects):
        files["rejects.csv"] = (people_csv(rejects), len(rejects))
    return files
