"""Permissions as they are now: by the tables as ingested or freshly read, and by each no that was ever seen."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from winback.config import Config
from winback.consent.kept import absorb, refuser, remembered
from winback.consent.ledger import Ledger, ledger_of
from winback.consent.permissions import permissions
from winback.consent.recorded import SOURCES, Recorded, recorded
from winback.facts.intake.ingest import ingest_given
from winback.facts.intake.ledger import Since
from winback.facts.intake.snapshots import copied
from winback.limits import Consent

_READING = ".consent-"  # a folder in the state for as long as the sources are read


def permitted(
    facts: Path,
    ledger: Ledger,
    settings: Consent,
    as_of: datetime,
    customer_ids: Sequence[str] | pd.Series,
    aliases: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The frame of `permissions` at `as_of`, by the facts folder and the ledger, which learns each new no first.

    Whoever was erased, or of whom a row was refused, may nothing. `as_of`: when the run was called, also for a run of
    a day long past: consent is asked for today. Writes the ledger alone.
    """
    everybody = pd.Series([*customer_ids, *(aliases or {}), *(aliases or {}).values()], dtype="object").dropna()
    ids = everybody.unique().tolist()
    said = recorded(facts, ids)
    absorb(ledger, said, as_of)
    consents, suppressions = remembered(ledger, ids)
    return permissions(
        _joined(said.consents, consents),
        _joined(said.suppressions, suppressions, blocking(said)),
        as_of,
        settings,
        customer_ids,
        aliases,
    )


def blocking(said: Recorded) -> pd.DataFrame:
    """A suppression of all channels, from always on, for each customer of whom a row was refused."""
    return pd.DataFrame({"customer_id": list(said.unread), "channel": "", "recorded_at": None}, dtype="object")


def _joined(*frames: pd.DataFrame) -> pd.DataFrame | None:
    """The frames one below the other; None where none has a row."""
    held = [frame for frame in frames if len(frame)]
    return pd.concat(held, ignore_index=True) if held else None


def reread(
    config: Config,
    base: Path,
    as_of: datetime,
    customer_ids: Sequence[str] | pd.Series,
    aliases: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The frame of `permissions` by the sources of consent as they are at this instant, read anew in full.

    For the moments before a list is published and before it is exported; to be called under the project's lock.
    TooManyBadRows, SourceError: as of any ingest. Nothing is kept but what the ledger learns.
    """
    state = base / config.project.state
    given = {table: source for table, source in config.sources.given().items() if table in SOURCES}
    for killed in state.glob(f"{_READING}*"):
        shutil.rmtree(killed)
    with tempfile.TemporaryDirectory(prefix=_READING, dir=state) as folder:
        ledger = ledger_of(base, state, config.consent)
        since = Since(config.project.time_zone, as_of, config.project.currency, refuses=refuser(ledger))
        ingest_given(copied(given, base, state), base, Path(folder), since)
        return permitted(Path(folder), ledger, config.consent, as_of, customer_ids, aliases)
