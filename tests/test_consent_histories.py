"""Random histories of consent against a reference of twenty lines that reads one customer's records at a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from winback.consent.changes import movements, still_permitted
from winback.consent.gate import permitted
from winback.consent.kept import suppress
from winback.consent.ledger import Ledger, ledger_of
from winback.consent.permissions import COLUMNS
from winback.consent.words import CHANNELS
from winback.limits import Consent
from winback.store import write_table

AS_OF = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NIGHTS = 3
CHANNEL_WORDS = ("email", "E-Mail", "sms", "any", "phone", "ads", "pigeon", "", "post", "All")
PURPOSE_WORDS = ("marketing", "any", "profiling", "ad_user_data", "ad_personalization", "service", "newsletter")
STATUSES = ("granted", "GRANTED", "granted", "withdrawn", "objected", "unknown")
SETTINGS = {
    "strict": Consent(),
    "opt-out": Consent(opt_out_channels=("post", "call"), ads_purposes=("marketing",)),
    "elsewhere": Consent(kept_elsewhere=True),
    "aged": Consent(max_age_days=40, profile_by_consent=True),
}
_NAMES = {"email": "email", "sms": "sms", "post": "post", "ads": "ads"}
_VAGUE = {"phone": {"call", "sms"}, **{word: {word} for word in _NAMES}}
_KNOWN = {"marketing", "profiling", "ad_user_data", "ad_personalization"}


# The reference: sets and loops, one customer, one question at a time; it shares no line with the package.
@cache
def says(words: tuple[str, str, str], channel: str, purpose: str) -> bool:
    """Whether a record of channel, purpose and status is about a channel ("": every) and a purpose."""
    where, why, status = (each.lower().replace("-", "") for each in words)
    if status == "granted":
        here = where in ("any", "all") or (channel and ("call" if where == "phone" else where) == channel)
        return bool(here) and why in ("any", purpose)
    here = where not in _VAGUE or (channel in _VAGUE[where] if channel else False)
    return here and why != "service" and (why == purpose or why not in _KNOWN)


def answer(chosen: list[tuple]) -> str:
    """yes, no or nothing: what the newest of the chosen records say; a doubt is a no here."""
    last = max((r[3] for r in chosen), default=None)
    newest = [r for r in chosen if r[3] == last]
    return "nothing" if not newest else "yes" if all(r[2].lower() == "granted" for r in newest) else "no"


@cache
def may(records: frozenset[tuple], stops: frozenset[tuple], now: int, settings: Consent) -> dict[str, bool]:
    """What one customer may, of their records and suppressions (channel, day) known up to the day `now`."""
    age = settings.max_age_days or 10**6
    heard = [r for r in records if r[3] <= now and not (r[2].lower() == "granted" and r[3] < now - age)]
    firm = [r for r in heard if r[2] != "unknown"]
    stopped = [where.lower().replace("-", "") for where, day in stops if day <= now]
    fully = any(where not in _VAGUE for where in stopped)

    def asked(channel: str, purpose: str, of: list[tuple]) -> str:
        return answer([r for r in of if says(r[:3], channel, purpose)])

    def profiling(of: list[tuple]) -> list[tuple]:
        return [
            r
            for r in of
            if says(r[:3], "", "profiling")
            or (r[2].lower() != "granted" and r[1] in ("profiling", "any", "newsletter"))
        ]

    found = {}
    for channel in CHANNELS:
        needed = set(settings.ads_purposes) if channel == "ads" else {"marketing"}
        no = any(asked(channel, p, firm) == "no" for p in ({"marketing"} | needed))
        optional = settings.kept_elsewhere or channel in settings.opt_out_channels
        yes = optional or all(asked(channel, p, heard) == "yes" for p in needed)
        blocked = fully or any(channel in _VAGUE.get(where, ()) for where in stopped)
        found[f"may_{channel}"] = (
            yes and not blocked and not (no if optional else asked(channel, "marketing", firm) == "no")
        )
    allowed = answer(profiling(firm)) != "no" and asked("", "marketing", firm) != "no"
    if settings.profile_by_consent:
        allowed &= answer(profiling(heard)) == "yes"
    return {"may_profile": allowed and not fully, **found}


@dataclass
class Person:
    """What was ever said of a customer, what the files hold tonight, and whom they are the same as."""

    said: list[tuple] = field(default_factory=list)
    remembered: set[tuple] = field(default_factory=set)
    stops: list[tuple] = field(default_factory=list)


def day(number: int) -> pd.Timestamp:
    """A day counted from AS_OF."""
    return pd.Timestamp(AS_OF) + pd.Timedelta(days=int(number))


def happen(rng: np.random.Generator, person: Person, night: int) -> None:
    """A few things said before a night, late ones and one for the future among them, some at one instant."""
    for _ in range(int(rng.integers(0, 4))):
        at = int(night - rng.integers(0, 3) if rng.random() < 0.7 else rng.integers(-60, night + 3))
        words = (str(rng.choice(CHANNEL_WORDS)), str(rng.choice(PURPOSE_WORDS)), str(rng.choice(STATUSES)))
        person.said.append((*words, at))
    if rng.random() < 0.05:
        person.stops.append((str(rng.choice(CHANNEL_WORDS)), night - int(rng.integers(0, 2))))


def write(folder: Path, people: dict[str, Person], now: int) -> None:
    """The files of a night: what was said, as an ingest writes it; rows of the future are taken in later."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(who, *r[:3], day(r[3])) for who, p in people.items() for r in p.said if r[3] <= now]
    stops = [(who, where, day(at)) for who, p in people.items() for where, at in p.stops if at <= now]
    names = ["customer_id", "channel", "purpose", "status", "recorded_at"]
    lowered = pd.DataFrame(rows, columns=names)
    write_table(folder / "consents.parquet", lowered.astype(dict.fromkeys(names[:4], "str")))
    write_table(folder / "suppressions.parquet", pd.DataFrame(stops, columns=["customer_id", "channel", "recorded_at"]))


def expected(people: dict[str, Person], aliases: dict[str, str], now: int, settings: Consent, files: dict) -> dict:
    """The reference's answer for everybody: by the files of tonight, and each no that any night has seen."""
    one = {}
    for who, person in people.items():
        records, stops = files.get(who, ([], []))
        one[who] = may(frozenset({*records, *person.remembered}), frozenset(stops + person.stops), now, settings)
    groups = {who: {who} for who in people}
    for a, b in aliases.items():
        merged = groups[a] | groups[b]
        for each in merged:
            groups[each] = merged
    return {who: {name: all(one[other][name] for other in groups[who]) for name in COLUMNS} for who in people}


def learn(person: Person, records: list[tuple]) -> None:
    """What the ledger is to remember of a night's records."""
    has_grant = any(r[2].lower() == "granted" for r in records)
    person.remembered |= {r for r in records if r[2] in ("withdrawn", "objected") or (r[2] == "unknown" and has_grant)}


def nights(rng: np.random.Generator, count: int, folder: Path, settings: Consent) -> int:
    """How many histories were lived through; each night is asked twice, and compared with the reference."""
    people = {f"c{n:05}": Person() for n in range(count)}
    ids = list(people)
    aliases: dict[str, str] = {}
    ledger: Ledger = ledger_of(folder, folder / "state", settings)
    listed: set[str] = set()
    restored: dict[int, dict] = {}
    for night in range(NIGHTS):
        for person in people.values():
            happen(rng, person, night)
        pairs = rng.choice(ids, (count // 20, 2))
        aliases |= {str(a): str(b) for a, b in pairs if a != b} if night else {}
        write(folder / str(night), people, night)
        files = {
            who: ([r for r in p.said if r[3] <= night], [s for s in p.stops if s[1] <= night])
            for who, p in people.items()
        }
        restored[night] = files
        for who, person in people.items():
            learn(person, files[who][0])
        by_hand = [str(each) for each in rng.choice(ids, count // 100)]
        suppress(ledger, by_hand, "", "", day(night))
        for who in by_hand:
            people[who].stops.append(("", night))
        if not night:
            permitted(folder / "0", ledger, settings, day(0), ids)
            continue
        old = int(rng.integers(0, night + 1))
        for read in (night, old):  # tonight's files, and those of an older night restored
            frame = permitted(folder / str(read), ledger, settings, day(night), ids, aliases)
            assert frame.equals(permitted(folder / str(read), ledger, settings, day(night), ids, aliases))
            wanted = expected(people, aliases, night, settings, restored[read])
            found = {row["customer_id"]: row for row in frame.to_dict("records")}
            wrong = [w for w in ids if any(found[w][name] != wanted[w][name] for name in COLUMNS)]
            assert not wrong, _told(wrong[0], people, found, wanted, restored[read], night)
        decided = pd.DataFrame({"customer_id": ids, "action": "gift", "channel": rng.choice(CHANNELS, count)})
        stands = decided.loc[still_permitted(decided, frame), ["customer_id", "channel"]]
        assert all(wanted[w]["may_profile"] and wanted[w][f"may_{c}"] for w, c in stands.itertuples(index=False))
        truth = {w for w in ids if wanted[w]["may_email"]}
        added, removed = movements(listed, truth)
        listed = (listed | set(added)) - set(removed)
        assert listed == truth
    return count


def _told(who: str, people: dict, found: dict, wanted: dict, files: dict, night: int) -> str:
    """A history that went wrong, to be read."""
    differ = {n: (found[who][n], wanted[who][n]) for n in COLUMNS if found[who][n] != wanted[who][n]}
    return f"night {night}, {who}: (found, wanted) {differ}; files {files.get(who)}; {people[who]}"


@pytest.mark.parametrize("name", SETTINGS)
def test_no_history_leaks(name: str, tmp_path: Path):
    """2,500 customers' histories under each of four settings: 10,000, asked twelve times each."""
    assert nights(np.random.default_rng(sorted(SETTINGS).index(name)), 2_500, tmp_path, SETTINGS[name]) == 2_500


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", SETTINGS)
def test_no_history_leaks_deep(name: str, seed: int, tmp_path: Path):
    """100,000 histories."""
    assert nights(np.random.default_rng(100 + seed), 2_500, tmp_path, SETTINGS[name]) == 2_500
