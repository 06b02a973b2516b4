"""Nothing that needs approval passes without it, and every word stays written."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

from winback.campaigns.approvals import Word, approved, asked, cleared, history, say
from winback.errors import ConfigError, NotEnoughData, RunDamaged

AT = dt.datetime(2026, 2, 15, 9, tzinfo=dt.UTC)
NIGHT, OTHER, NEEDING = "s-2026-02-15", "s-2026-02-16", {"call", "gift"}
DECISIONS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d", "e", "f"],
        "action": ["call", "mail", "call", "leave_alone", "gift", "leave_alone"],
        "would_have_done": ["call", "mail", "call", "call", "gift", "call"],
        "cause": ["", "", "", "held_out", "", "awaiting_approval"],
        "needs_approval": [True, False, True, True, True, True],
        "expected_cost": [2.0, 0.1, 3.0, 0.0, 9.0, 0.0],
        "expected_net_gain": [5.0, 1.0, 6.0, 0.0, 11.0, 0.0],
    }
).astype({"customer_id": "str", "action": "str"})


def word(action: str, said: str = "approved", campaign: str = NIGHT, minute: int = 0) -> Word:
    return Word(AT + dt.timedelta(minutes=minute), campaign, action, said, "Dana, CRM", "Fits the budget")


def test_what_waits_is_told_by_action_with_its_money() -> None:
    assert asked(DECISIONS, NIGHT, [word("call", "rejected")]).to_dict("records") == [
        {
            "campaign": NIGHT,
            "action": "call",
            "customers": 3,
            "expected_cost": 5.0,
            "expected_net_gain": 11.0,
            "said": "rejected",
            "name": "Dana, CRM",
            "reason": "Fits the budget",
        },
        {
            "campaign": NIGHT,
            "action": "gift",
            "customers": 1,
            "expected_cost": 9.0,
            "expected_net_gain": 11.0,
            "said": "waiting",
            "name": "",
            "reason": "",
        },
    ]


def passes(state: Path, campaign: str) -> str:
    """The customers whose decisions may leave the house."""
    acted = DECISIONS[DECISIONS["action"] != "leave_alone"]
    return "".join(acted.loc[cleared(acted, approved(history(state), campaign)), "customer_id"])


def test_nothing_that_needs_approval_passes_without_it(tmp_path: Path) -> None:
    assert passes(tmp_path, NIGHT) == "b"
    say(tmp_path, word("call"), NEEDING)
    assert (passes(tmp_path, NIGHT), passes(tmp_path, OTHER)) == ("abc", "b")


def test_what_is_said_of_the_night_counts_before_what_is_said_of_the_series(tmp_path: Path) -> None:
    say(tmp_path, word("call", "rejected"), NEEDING)
    say(tmp_path, word("call", campaign="s"), NEEDING)
    assert (passes(tmp_path, NIGHT), passes(tmp_path, OTHER), passes(tmp_path, "other-2026-02-15")) == ("b", "abc", "b")
    say(tmp_path, word("call", "rejected", campaign="s"), NEEDING)
    say(tmp_path, word("call"), NEEDING)
    assert (passes(tmp_path, NIGHT), passes(tmp_path, OTHER)) == ("abc", "b")


def test_the_last_word_counts_and_every_word_stays(tmp_path: Path) -> None:
    words = [word("call"), word("call", "rejected", minute=1), word("gift", minute=2), word("call", minute=3)]
    known = [set(), {"call"}, set(), {"gift"}, {"call", "gift"}]
    for given, before, after in zip(words, known[:-1], known[1:], strict=True):
        assert approved(history(tmp_path), NIGHT) == before
        say(tmp_path, given, NEEDING)
        assert approved(history(tmp_path), NIGHT) == after
    assert history(tmp_path) == words
    lines = (tmp_path / "approvals.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[1]) == {
        "action": "call",
        "at": "2026-02-15T09:01:00+00:00",
        "campaign": NIGHT,
        "name": "Dana, CRM",
        "reason": "Fits the budget",
        "said": "rejected",
    }


@pytest.mark.parametrize(("needing", "has"), [({"gift", "call"}, "call, gift"), (set(), "none")])
def test_what_needs_no_approval_cannot_be_approved(tmp_path: Path, needing: set[str], has: str) -> None:
    with pytest.raises(NotEnoughData) as refused:
        say(tmp_path, word("mail"), needing)
    assert str(refused.value) == f"campaign {NIGHT} has no action 'mail' that needs approval; it has {has}."
    assert history(tmp_path) == []


@pytest.mark.parametrize(("name", "reason"), [("", "why"), ("Dana", " ")])
def test_a_word_has_a_name_and_a_reason(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match="an approval needs the name of who says so and a reason"):
        Word(AT, NIGHT, "call", "approved", name, reason)


def test_a_word_is_yes_or_no() -> None:
    with pytest.raises(ValueError, match="said must be approved or rejected, and is 'maybe'"):
        word("call", "maybe")


def test_a_reason_may_hold_any_letter(tmp_path: Path) -> None:
    """What some programs end a line at stays within its line."""
    reason = "a\u2028b\x85c\nd\U0001f600=1+1"
    said = [Word(AT, NIGHT, "call", "approved", "D\u2029ana", reason), word("gift")]
    for each in said:
        say(tmp_path, each, NEEDING)
    assert history(tmp_path) == said


@pytest.mark.parametrize("held", [b"not json\n", b'{"x": 1}\n', b"[1]\n", b"\xff\xfe\n", b"null\n", b'{"at": 3}\n'])
def test_approvals_changed_by_hand_are_not_guessed_at(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "approvals.jsonl").write_bytes(held)
    with pytest.raises(RunDamaged, match="was changed by other hands: a line of it is no approval"):
        history(tmp_path)
