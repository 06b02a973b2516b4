"""What a destination is handed: files or rows of a table, between two lines of its ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from winback.destinations import Destinations
from winback.export import database, ledger, place, receipt
from winback.export.destination import Destination
from winback.export.people import Wanted
from winback.export.receipt import Receipt
from winback.export.removal import SENT, Leaving, leaving
from winback.export.rows import REJECTS, Made
from winback.export.written import files_of, parquet_bytes
from winback.people_text import people_csv


@dataclass(frozen=True)
class Shop:
    """What an export is made from.

    `customers`: one row a customer with the addresses. `permissions`: a function that reads, at the moment it is
    called, who of these ids may be sent what: one row a customer, customer_id, may_profile and may_<channel>; for
    Google also ad_user_data and ad_personalization, True, False or NA. Whoever is absent may nothing. Where a grant may
    be too old also was_profile and was_<channel>: what would be permitted, did its age not count.
    `made_at`: an ISO moment, for the ledger alone. `base`: what the path of a database is relative to.
    """

    base: Path
    runs: Path
    state: Path
    out: Path
    customers: pd.DataFrame
    permissions: Callable[[list[str]], pd.DataFrame]
    made_at: str


@dataclass(frozen=True)
class Asked:
    """One campaign's part of an export: where to, who was asked for, and of what run."""

    destination: Destination
    settings: Destinations
    name: str
    wanted: Wanted
    run_id: str
    tables: Mapping[str, pd.DataFrame]

    @property
    def question(self) -> dict[str, Any]:
        """What the receipt and the ledger say of it."""
        wanted = {"action": self.wanted.action, "channel": self.wanted.channel}
        return {"campaign": self.name, "run_id": self.run_id, **wanted}

    def kept(self, shop: Shop) -> Path:
        """Where its ledger is."""
        return ledger.folder_of(shop.state, self.destination.name, self.name)


Jobs = Mapping[str, Made]


def delivered(asked: Asked, shop: Shop, made: Jobs, refused: pd.Series[str], channels: Mapping[str, str]) -> Receipt:
    """The receipt of a list handed over: who is on it now, and who has to be taken off.

    `refused`: why each of the people asked for is left out, empty for those who are sent.
    """
    before = ledger.there_before(asked.kept(shop), asked.run_id)
    gone = leaving(asked.destination, made, before, shop.customers, channels)
    question = asked.question
    files = _files(asked.destination, made, gone)
    if asked.destination.form == "sql":
        (rows,) = (each.rows for each in made.values())
        question |= {"table": asked.settings.sql.table, "rows_sha256": place.stamp(parquet_bytes(rows))["sha256"]}
    told = receipt.receipt_of(question, asked.destination, made, refused, gone, files)
    _handed_over(asked, shop, told, _Handed(files, gone, made))
    return told


def taken_off(asked: Asked, shop: Shop, members: pd.DataFrame, allowed: pd.Series[bool]) -> Receipt:
    """The receipt of a removal alone: of a campaign of an earlier run, nobody is added, and who may stays."""
    stays = members[allowed]
    headers = [str(column) for column in members if str(column).startswith(SENT)]
    nothing = pd.DataFrame(columns=list(REJECTS), dtype="str")
    made = {
        str(job): Made(
            rows.set_index("customer_id")[headers].rename(columns=lambda c: c.removeprefix(SENT)), nothing, ()
        )
        for job, rows in stays.groupby("job")
    }
    before = ledger.there_before(asked.kept(shop), asked.run_id)
    channels = dict(zip(stays["customer_id"], stays["channel"], strict=True))
    gone = leaving(asked.destination, made, before, shop.customers, channels)
    files = _files(asked.destination, {}, gone)
    refused = pd.Series("no_permission", index=members.index[~allowed], dtype="str")
    told = receipt.receipt_of({**asked.question, "stay": len(stays)}, asked.destination, {}, refused, gone, files)
    _handed_over(asked, shop, told, _Handed(files, gone, {}))
    return told


@dataclass(frozen=True)
class _Handed:
    """What is handed over: files by name, who leaves, and what each job sends (none where nobody is added)."""

    files: receipt.Files
    gone: Leaving
    made: Jobs


def _handed_over(asked: Asked, shop: Shop, told: Receipt, handed: _Handed) -> None:
    """Hand it over between two lines of the ledger; a delivery that was made is not entered again."""
    with place.folder(shop.out, [asked.destination.name, asked.name, asked.run_id]):
        pass  # nothing is begun where nothing can be written
    kept = asked.kept(shop)
    delivery = receipt.delivery_of(told)
    line = {key: told[key] for key in ("run_id", "action", "channel", "sent", "removed")}
    line |= {"delivery": delivery, "made_at": shop.made_at}
    begun = ledger.last(kept)
    arrived = begun == (delivery, ledger.DELIVERED)
    if begun[0] != delivery:
        ledger.keep(kept, delivery, handed.gone.members)
        ledger.append(kept, {**line, "status": ledger.PREPARED})
    if asked.destination.form == "sql":
        _into_table(asked, shop, delivery, handed)
    contents = {name: held for name, (held, _) in handed.files.items()}
    with place.folder(shop.out, [asked.destination.name, asked.name, asked.run_id]) as handle:
        place.write(handle, {**contents, receipt.NAME: receipt.in_bytes(told)}, receipt.NAME)
    if not arrived:
        ledger.append(kept, {**line, "status": ledger.DELIVERED})


def _into_table(asked: Asked, shop: Shop, delivery: str, handed: _Handed) -> None:
    """The rows of a list, or, where nobody is added, the loss of those who leave."""
    for each in handed.made.values():
        listing = database.Listing(asked.run_id, asked.name, delivery, each.rows)
        database.publish(asked.settings.sql, shop.base, listing)
    if not handed.made:
        database.take_off(asked.settings.sql, shop.base, asked.name, handed.gone.members.query("~there")["customer_id"])


def _files(destination: Destination, made: Jobs, gone: Leaving) -> dict[str, tuple[bytes, int]]:
    """All files of a delivery but the receipt: the bytes and the number of rows, by name."""
    files: dict[str, tuple[bytes, int]] = {}
    if destination.form != "sql":
        for job, each in made.items():
            if len(each.rows) or len(made) == 1:
                files |= files_of(f"add-{job}" if len(made) > 1 else "add", each.rows, destination)
        for job, rows in gone.rows.items():
            if len(rows):
                files |= files_of(f"remove-{job}" if len(gone.rows) > 1 else "remove", rows, destination)
    rejects = [each.rejects for each in made.values() if len(each.rejects)]
    if rejects:
        told = pd.concat(rejects, ignore_index=True)
        files["rejects.csv"] = (people_csv(told), len(told))
    return files
