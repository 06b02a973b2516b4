"""Who may be profiled, and who may be reached by which channel: the gate that everything for marketing passes.

For a channel and a purpose the newest record that names both decides; all that were made at one instant must agree on
a yes. Whatever is missing, unknown, unreadable or too old is a no.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.consent import words
from winback.consent.merged_ids import strictest
from winback.limits import Consent

Flags = NDArray[np.bool_]
Meaning = Callable[[object], frozenset[str]]
COLUMNS = ("may_profile", *(f"may_{channel}" for channel in words.CHANNELS))
_READ = ("customer_id", "channel", "purpose", "status", "recorded_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALWAYS = np.iinfo(np.int64).max  # the instant of a no without a date: no yes is newer


@dataclass(frozen=True)
class _Records:
    """Consent records of known customers: who (a position), when (microseconds since 1970), and what is said.

    `channels`, `purposes`: one column each of those named, whether a record is about it.
    """

    who: NDArray[np.int64]
    instants: NDArray[np.int64]
    grants: Flags
    forbids: Flags
    channels: Flags
    purposes: Flags


def permissions(
    consents: pd.DataFrame | None,
    suppressions: pd.DataFrame | None,
    as_of: datetime,
    settings: Consent,
    customer_ids: Sequence[str] | pd.Series,
    aliases: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row a customer of `customer_ids`, in their order: customer_id, may_profile and may_<channel>, True or False.

    `consents`, `suppressions`: the tables as they are ingested, or None. What is dated later than `as_of` does not
    count yet, what is dated exactly then does. A no without a date counts from always to ever, a suppression for good.
    `aliases`: ids that are another's: all ids of one person may what each of them may.
    """
    if as_of.tzinfo is None:
        raise ValueError(f"as_of needs a time zone, came {as_of!r}")
    ids = pd.Index(pd.Series(customer_ids, dtype="object").dropna().unique())
    asked = ids.append(pd.Index([*(aliases or {}), *(aliases or {}).values()], dtype="object")).unique()
    records = _records(consents, asked, as_of, settings.max_age_days)
    allowed = {"may_profile": _may_profile(records, settings, len(asked))}
    allowed |= {f"may_{each}": _may_reach(records, each, settings, len(asked)) for each in words.CHANNELS}
    blocked = _suppressed(suppressions, asked, as_of)
    flags = np.column_stack([allowed[name] for name in COLUMNS]) & ~blocked
    flags = strictest(flags, asked, aliases or {})[: len(ids)]
    return pd.DataFrame(flags, columns=list(COLUMNS)).assign(customer_id=ids)[["customer_id", *COLUMNS]]


def _may_reach(records: _Records, channel: str, settings: Consent, size: int) -> Flags:
    """Whether each customer may be reached by the channel."""
    needed = settings.ads_purposes if channel == "ads" else (words.MARKETING,)
    on_channel = records.channels[:, words.CHANNELS.index(channel)]
    if settings.kept_elsewhere or channel in settings.opt_out_channels:
        wanted = {*needed, words.MARKETING}
        return _each([~_forbidden(records, on_channel & _about(records, each), size) for each in wanted])
    granted = [_granted(records, on_channel & _about(records, each), size) for each in needed]
    marketing = on_channel & _about(records, words.MARKETING)
    return _each([*granted, ~_forbidden(records, marketing, size)])


def _may_profile(records: _Records, settings: Consent, size: int) -> Flags:
    """Whether each customer may be scored: nobody who said no to profiling, or to marketing by every channel."""
    everywhere = records.channels.all(axis=1)
    profiling = _about(records, words.PROFILING)
    # A no to profiling by one channel is a no; a yes by one channel does not take back a no to all.
    heard = profiling & (everywhere | ~records.grants)
    marketing = everywhere & _about(records, words.MARKETING)
    allowed = _each([~_forbidden(records, heard, size), ~_forbidden(records, marketing, size)])
    return allowed & _granted(records, heard, size) if settings.profile_by_consent else allowed


def _about(records: _Records, purpose: str) -> Flags:
    return records.purposes[:, words.PURPOSES.index(purpose)]


def _each(conditions: Sequence[Flags]) -> Flags:
    return np.asarray(np.logical_and.reduce(conditions), dtype=bool)


def _granted(records: _Records, chosen: Flags, size: int) -> Flags:
    """Whether the newest of the chosen records of a customer are grants, all of them; False where there is none."""
    return _all_newest(records, chosen, size) & _has(records, chosen, size)


def _forbidden(records: _Records, chosen: Flags, size: int) -> Flags:
    """Whether one of the newest chosen records that say yes or no says no; False where there is none."""
    return ~_all_newest(records, chosen & (records.grants | records.forbids), size)


def _has(records: _Records, chosen: Flags, size: int) -> Flags:
    there = np.zeros(size, dtype=bool)
    there[records.who[chosen]] = True
    return there


def _all_newest(records: _Records, chosen: Flags, size: int) -> Flags:
    """Whether all of a customer's chosen records at the newest of their instants are grants; True where none is."""
    who, at, grants = records.who[chosen], records.instants[chosen], records.grants[chosen]
    newest = np.full(size, np.iinfo(np.int64).min)
    np.maximum.at(newest, who, at)
    against = who[(at == newest[who]) & ~grants]
    agreed = np.ones(size, dtype=bool)
    agreed[against] = False
    return agreed


def _records(consents: pd.DataFrame | None, ids: pd.Index, as_of: datetime, max_age_days: int | None) -> _Records:
    """The records that count at `as_of`: of these ids, not later, and no grant that is too old or has no date."""
    rows = pd.DataFrame(columns=list(_READ)) if consents is None else consents
    who = ids.get_indexer(pd.Index(rows["customer_id"], dtype="object"))
    at, dated = _instants(rows["recorded_at"])
    codes, found = pd.factorize(rows["status"], use_na_sentinel=False)
    meant = np.array([words.meaning_of_status(word) for word in found], dtype=object)[codes]
    grants, now = meant == words.GRANTED, _instant(as_of)
    oldest = now - max_age_days * 86_400_000_000 if max_age_days else np.iinfo(np.int64).min
    counts = (who >= 0) & np.where(dated, at <= now, ~grants) & (~grants | (at >= oldest))
    kept = rows[counts]
    grants, meant = grants[counts], meant[counts]
    channels = _named(kept["channel"], grants, (words.granted_channels, words.forbidden_channels), words.CHANNELS)
    purposes = _named(kept["purpose"], grants, (words.granted_purposes, words.forbidden_purposes), words.PURPOSES)
    return _Records(who[counts], at[counts], grants, ~grants & (meant != words.UNKNOWN), channels, purposes)


def _instants(column: pd.Series) -> tuple[NDArray[np.int64], Flags]:
    """Microseconds of a column of moments, and which are dates at all; others are later than all of them."""
    moments = pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    dated = moments.notna().to_numpy(dtype=bool)
    at = np.full(len(moments), _ALWAYS)
    at[dated] = moments[dated].dt.as_unit("us").astype("int64").to_numpy()
    return at, dated


def _instant(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _named(column: pd.Series, grants: Flags, meanings: tuple[Meaning, Meaning], names: Sequence[str]) -> Flags:
    """Which of `names` each row is about: what it names where it grants, all that it may mean where it does not."""
    codes, found = pd.factorize(column, use_na_sentinel=False)
    tables = [np.array([[n in meaning(word) for n in names] for word in found], dtype=bool) for meaning in meanings]
    wide = [table.reshape(len(found), len(names))[codes] for table in tables]
    return np.where(grants[:, None], *wide)


def _suppressed(suppressions: pd.DataFrame | None, ids: pd.Index, as_of: datetime) -> Flags:
    """For each id and each of COLUMNS whether it is suppressed: one for all channels is one for profiling too."""
    blocked = np.zeros((len(ids), len(COLUMNS)), dtype=bool)
    if suppressions is None:
        return blocked
    who = ids.get_indexer(pd.Index(suppressions["customer_id"], dtype="object"))
    at, dated = _instants(suppressions["recorded_at"])
    counts = (who >= 0) & (~dated | (at <= _instant(as_of)))
    nothing = np.zeros(int(counts.sum()), dtype=bool)
    meanings = (words.granted_channels, words.forbidden_channels)
    channels = _named(suppressions["channel"][counts], nothing, meanings, words.CHANNELS)
    rows = np.column_stack([channels.all(axis=1), channels])
    np.logical_or.at(blocked, who[counts], rows)
    return blocked
