"""Who said yes or no to an action of a campaign: `<state>/approvals.jsonl`, one row a word, rows only added.

An action that needs approval waits until somebody says yes to it: for one night's campaign, or for every night
of its series. What was said of the night counts before what was said of the series, and of each the last word.
Writers hold the project's lock.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from winback import store
from winback.campaigns.ledger import NAME
from winback.errors import ConfigError, NotEnoughData, RunDamaged

APPROVED, REJECTED, WAITING = "approved", "rejected", "waiting"
FILE = "approvals.jsonl"


@dataclass(frozen=True)
class Word:
    """One row: what was said (approved or rejected) to which action of which campaign or series, when, by whom, why."""

    at: dt.datetime
    campaign: str
    action: str
    said: str
    name: str
    reason: str

    def __post_init__(self) -> None:
        if self.said not in (APPROVED, REJECTED):
            raise ValueError(f"said must be {APPROVED} or {REJECTED}, and is {self.said!r}")
        if not self.name.strip() or not self.reason.strip():
            raise ConfigError("an approval needs the name of who says so and a reason; one of them is empty")


def history(state: Path) -> list[Word]:
    """All that was said, oldest first; RunDamaged where the file is not as it was written."""
    path = state / FILE
    try:
        held = path.read_text("utf-8") if path.exists() else ""
        # Not splitlines: a reason may hold what a text is broken at elsewhere.
        rows = [json.loads(line) for line in held.split("\n") if line]
        return [Word(**{**row, "at": dt.datetime.fromisoformat(row["at"])}) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise RunDamaged(
            f"{path} was changed by other hands: a line of it is no approval. Bring it back from a copy: without it "
            "nobody knows what was approved."
        ) from error


def say(state: Path, word: Word, asked_of: Collection[str]) -> None:
    """Make `word` the last of the history; NotEnoughData where its action is none of those that need approval."""
    if word.action not in asked_of:
        raise NotEnoughData(
            f"campaign {word.campaign} has no action {word.action!r} that needs approval; it has "
            f"{', '.join(sorted(asked_of)) or 'none'}."
        )
    lines = [json.dumps(_fields(each), sort_keys=True, ensure_ascii=False) + "\n" for each in [*history(state), word]]
    with store.whole_file(state / FILE) as temporary:
        temporary.write_text("".join(lines), "utf-8")


def _fields(word: Word) -> dict[str, str]:
    return {**asdict(word), "at": word.at.astimezone(dt.UTC).isoformat()}


def standing(words: Sequence[Word], campaign: str) -> dict[str, Word]:
    """What stands of each action of a campaign: the last word of the night, else the last of the series."""
    night = NAME.fullmatch(campaign)
    series = night["series"] if night else campaign
    return {word.action: word for name in (series, campaign) for word in words if word.campaign == name}


def approved(words: Sequence[Word], campaign: str) -> frozenset[str]:
    """The actions of a campaign to which yes was said."""
    return frozenset(action for action, word in standing(words, campaign).items() if word.said == APPROVED)


def asked(decisions: pd.DataFrame, campaign: str, words: Sequence[Word]) -> pd.DataFrame:
    """One row an action of the campaign that needs approval: campaign, action, customers, expected_cost,
    expected_net_gain, said (waiting, approved or rejected), name, reason; in order of action.

    `decisions` as decided. Counted is whoever would have the action, but for the held-out: they do not get it.
    """
    wanted = (decisions["would_have_done"] != "leave_alone") & (decisions["cause"] != "held_out")
    needing = decisions[decisions["needs_approval"].astype(bool) & wanted]
    sums = (
        needing.assign(action=needing["would_have_done"])
        .groupby("action", as_index=False)
        .agg(
            customers=("customer_id", "size"),
            expected_cost=("expected_cost", "sum"),
            expected_net_gain=("expected_net_gain", "sum"),
        )
    )
    stands = standing(words, campaign)
    said = [stands.get(action) for action in sums["action"]]
    sums.insert(0, "campaign", pd.Series(campaign, index=sums.index, dtype="str"))
    return sums.assign(
        said=pd.Series([word.said if word else WAITING for word in said], dtype="str"),
        name=pd.Series([word.name if word else "" for word in said], dtype="str"),
        reason=pd.Series([word.reason if word else "" for word in said], dtype="str"),
    )


def cleared(decisions: pd.DataFrame, actions: Collection[str]) -> pd.Series[bool]:
    """Whether each decision may leave the house: it needs no approval, or its action is among those approved."""
    return ~decisions["needs_approval"].astype(bool) | decisions["action"].isin(actions)
