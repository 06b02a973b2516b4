"""Ingest as a step of a project: made once for what it is made from, and again when a refused date has come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from winback import runs, store
from winback.config import Sources
from winback.facts.intake.accounting import Accounting
from winback.facts.intake.ingest import ingest_since
from winback.facts.intake.ledger import LEDGER, Since

STEP = "ingest"


def folder_of(state: Path, sources: Sources, zone: str, currency: str, inputs: Mapping[str, str]) -> Path:
    """The folder of the ingested tables: equal for equal sources, settings and inputs."""
    made_from = [asdict(sources), zone, currency, inputs]
    told = json.dumps(made_from, sort_keys=True, default=str)
    return state / "facts" / hashlib.sha256(told.encode()).hexdigest()[:12]


def load(
    facts: Path,
    sources: Sources,
    base: Path,
    inputs: Mapping[str, str],
    when: tuple[str, datetime],
    currency: str,
) -> list[Accounting]:
    """One Accounting a source, whose tables lie in the folder `facts`, now or since an earlier call.

    `inputs`: as `sources.fingerprint` gives them; `facts` is a folder of its own for each of them and
    for each configuration. `when`: the project's zone and the moment the files were received. What
    the folders beside `facts` have of the same files is not read again.
    """
    zone, received_at = when
    return load_since(facts, sources, base, Since(zone, received_at, currency, inputs, facts.parent))


def load_since(facts: Path, sources: Sources, base: Path, since: Since) -> list[Accounting]:
    """As `load`; rows of whomever `since` refuses are not taken in."""
    if _is_due(facts, since.received_at):
        (facts / "steps" / f"{STEP}.json").unlink(missing_ok=True)
    files = _files(facts)

    def make() -> dict[str, object]:
        done = ingest_since(sources, base, facts, since)
        files[:] = _files(facts)  # only now is it known how many there are
        return {"accounting": [asdict(each) for each in done]}

    return [Accounting(**each) for each in runs.step(facts, STEP, make, files)["accounting"]]


def _files(facts: Path) -> list[str]:
    """What an ingest wrote, by name."""
    if not (facts / LEDGER).is_file():
        return []
    entries = store.read_json(facts / LEDGER)["sources"].values()
    return [LEDGER, "quarantine.parquet", *(name for entry in entries for name in entry["files"])]


def _is_due(facts: Path, received_at: datetime) -> bool:
    """Whether a row was refused for a date that lay ahead and has come since."""
    if not (facts / LEDGER).is_file():
        return False
    entries = store.read_json(facts / LEDGER)["sources"].values()
    due = [moment for entry in entries if (moment := entry["accounting"]["next_future"])]
    return any(datetime.fromisoformat(moment) <= received_at for moment in due)
