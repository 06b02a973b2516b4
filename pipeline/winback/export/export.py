"""One export: the published run's decisions, as they may be sent at this instant, to one destination."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from winback import runs, store
from winback.destinations import Destinations
from winback.errors import ExportRefused, RunDamaged
from winback.export import ledger
from winback.export.campaign import campaign_name
from winback.export.delivery import Asked, Shop, delivered, taken_off
from winback.export.known import KNOWN
from winback.export.people import (
    TOO_OLD,
    Wanted,
    all_too_old,
    decided,
    held_out,
    only_permitted,
    permitted,
    refuse_held_out,
    why_not,
    with_addresses,
    with_permissions,
)
from winback.export.receipt import Receipt
from winback.export.rows import made_of

TABLES = ("decisions", "assignments", "scores", "reasons")


def export(to: str, shop: Shop, settings: Destinations, wanted: Wanted, campaign: str | None = None) -> list[Receipt]:
    """The receipts of what was written: the campaign asked for, then the destination's others that somebody must leave.

    The same run, settings and permissions give the same bytes, however often. Call it under the project's lock.
    """
    run, _ = published(shop.runs)
    runs.sweep(ledger.folder_of(shop.state, to))  # what a killed export left, before it is known what is new
    tables = {name: store.read_rows(run, name) for name in TABLES}
    destination = KNOWN[to](settings)
    name = campaign_name(destination, wanted, campaign, set(tables["reasons"]["driver"]))
    asked = Asked(destination, settings, name, wanted, run.name, tables)
    return [_sent(asked, shop), *_others(asked, shop)]


def published(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The published run and its manifest, every file of it as that says."""
    current = runs.current(folder)
    if current is None:
        raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
    return current, runs.verify(current)


def _sent(asked: Asked, shop: Shop) -> Receipt:
    """One campaign's list, as it may be sent now."""
    told = with_addresses(decided(asked.tables, asked.wanted), shop.customers, asked.settings.country)
    people = with_permissions(told, shop.permissions(told["customer_id"].tolist()))
    refused = why_not(people, asked.destination, asked.wanted)
    if all_too_old(refused) and not ledger.campaigns(shop.state, asked.destination.name):
        raise ExportRefused(
            f"every consent there is for {asked.destination.name}, of {(refused == TOO_OLD).sum()} customers, is older "
            "than [consent] max_age_days; nothing was written. Is [sources.consents] up to date? If so, ask them again."
        )
    made, refused = made_of(only_permitted(people, asked.destination), asked.destination, refused)
    refuse_held_out([who for each in made.values() for who in each.rows.index], held_out(asked.tables, asked.wanted))
    channels = dict(zip(people["customer_id"], people["channel"], strict=True))
    return delivered(asked, shop, made, refused, channels)


def _others(asked: Asked, shop: Shop) -> Iterator[Receipt]:
    """Campaigns of the destination, delivered earlier, in which somebody is who may not be any more."""
    for name in ledger.campaigns(shop.state, asked.destination.name, asked.name):
        kept = ledger.folder_of(shop.state, asked.destination.name, name)
        line = ledger.delivered(kept)[-1]
        members = ledger.members(kept, line["delivery"]).query("there").reset_index(drop=True)
        allowed = permitted(with_permissions(members, shop.permissions(sorted(set(members["customer_id"])))))
        if allowed.all():
            continue
        wanted = Wanted(line["action"], line["channel"], asked.wanted.approved, asked.wanted.held_out)
        other = Asked(asked.destination, asked.settings, name, wanted, asked.run_id, asked.tables)
        yield _sent(other, shop) if line["run_id"] == asked.run_id else taken_off(other, shop, members, allowed)
