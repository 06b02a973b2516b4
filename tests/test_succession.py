"""Promoting, rolling back and challenging by hand: what a person may do, and what nobody may."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from candidates import ASKED, AT, CUTOFFS, DAY, FEATURES, HELD_OUT, SPEC, TODAY, candidate, rows
from winback.errors import ModelNotBetter, ModelRefused
from winback.risk.keeping import aliases, promotions, registry, succession
from winback.risk.keeping.champions import champion_for
from winback.risk.keeping.enrolment import enrol
from winback.risk.keeping.promotions import Promotion, Version, challenger, history
from winback.risk.keeping.succession import Said
from winback.risk.learning.candidate import Candidate

LATER = AT + DAY
SAID = Said(LATER, "longer history", "Dana")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 is champion, 2 passed the gates, 3 was refused, 4 was registered and never examined."""
    folder = tmp_path_factory.mktemp("made")
    learning, examined = rows(CUTOFFS), rows(HELD_OUT)
    first = candidate(learning, examined)
    enrol(folder, first, {"data": 1}, ASKED, AT)
    enrol(folder, candidate(rows(CUTOFFS[1:]), examined), {"data": 2}, ASKED, AT, promote=False)
    with pytest.raises(ModelNotBetter):
        enrol(folder, of_another_horizon(first), {"data": 3}, ASKED, AT)
    registry.register(folder, "small", first.model, registry.ModelRecord({}, {}, {"training_key": "4"}))
    return folder


def of_another_horizon(good: Candidate) -> Candidate:
    made = candidate(good.learning, good.examined)
    made.model.card_["spec"] = replace(SPEC, horizon_days=29).as_dict()
    return made


@pytest.fixture
def state(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "state")
    return tmp_path / "state"


def champion(state: Path) -> int:
    found = aliases.champion(state, "small")
    assert found is not None
    return found.version


def shown(state: Path) -> dict[str, str]:
    """The aliases as MLflow shows them."""
    with registry.opened(state, "small") as client:
        return dict(client.get_registered_model("small").aliases)


def scores(state: Path) -> bytes:
    """The chances that the champion gives fifty customers, to the bit."""
    found = champion_for(state, SPEC, TODAY)
    assert found is not None
    model = found[1]
    return bytes(model.predict_proba(rows(HELD_OUT)[model.feature_names_in_][:50])[:, 1].tobytes())


def test_what_passed_its_gates_may_be_promoted(state: Path) -> None:
    assert champion(state) == 1
    assert succession.promote(state, 2, ASKED, SAID).version == 2
    assert champion(state) == 2
    last = history(state)[-1]
    assert (last.kind, last.reason, last.approver, last.previous, last.at) == (
        "promoted",
        "longer history",
        "Dana",
        1,
        LATER,
    )


def spoiled(state: Path) -> None:
    """One byte of version 2 is another."""
    path = state / registry.version_of(state, "small", 2).path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def lost(state: Path) -> None:
    """The file of version 2 is gone."""
    (state / registry.version_of(state, "small", 2).path).unlink()


@pytest.mark.parametrize(
    ("number", "spoil", "said"),
    [
        (3, None, "version 3 of small cannot be promoted: on 2026-02-15 it was refused by: question. "),
        (4, None, "version 4 of small was never examined, so it cannot be promoted: its training was cut short."),
        (9, None, "there is no version 9 of small; registered: 1, 2, 3, 4."),
        (2, spoiled, "version 2 of small is refused:\n  "),
        (2, lost, "version 2 of small is refused:\n  "),
    ],
)  # fmt: skip
def test_what_did_not_pass_or_is_spoiled_may_not(state: Path, number: int, spoil: Any, said: str) -> None:
    if spoil:
        spoil(state)
    before = history(state)
    with pytest.raises((ModelRefused, ModelNotBetter)) as refused:
        succession.promote(state, number, ASKED, SAID)
    assert str(refused.value).startswith(said)
    assert (champion(state), history(state)) == (1, before)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (replace(ASKED, offered=FEATURES[:-1]), "1 of its features are not given by the sources (first: ['engage"),
        (replace(ASKED, spec=replace(SPEC, horizon_days=60)), "it answers another question than small now asks: "),
        (replace(ASKED, today=TODAY - DAY), "it learned from outcomes up to 2026-02-15; today is 2026-02-14."),
    ],
)  # fmt: skip
def test_what_the_project_cannot_use_is_not_promoted(state: Path, asked: Any, said: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        succession.promote(state, 2, asked, SAID)
    assert str(refused.value).splitlines()[1].startswith(f"  {said}")
    assert champion(state) == 1


def test_a_rollback_gives_yesterdays_scores_bit_for_bit(state: Path) -> None:
    yesterday = scores(state)
    succession.promote(state, 2, ASKED, SAID)
    assert scores(state) != yesterday
    began = time.process_time()
    assert succession.rollback(state, None, ASKED, replace(SAID, reason="odd list")).version == 1
    assert time.process_time() - began < 5
    assert scores(state) == yesterday
    last = history(state)[-1]
    assert (last.kind, last.model.version, last.previous, last.reason) == ("rolled back", 1, 2, "odd list")


def test_a_rollback_needs_an_earlier_champion(state: Path) -> None:
    for number, said in (
        (None, "no version of small was champion before the present one."),
        (2, "version 2 of small never was champion; promote it instead."),
        (9, "there is no version 9 of small; registered: 1, 2, 3, 4."),
    ):
        with pytest.raises(ModelRefused) as refused:
            succession.rollback(state, number, ASKED, SAID)
        assert str(refused.value) == said
    succession.promote(state, 2, ASKED, SAID)
    assert succession.rollback(state, 1, ASKED, SAID).version == 1
    assert succession.rollback(state, 2, ASKED, SAID).version == 2


def test_a_challenger_is_named_withdrawn_and_may_become_champion(state: Path) -> None:
    assert succession.challenge(state, 2, ASKED, SAID).version == 2
    assert shown(state) == {"champion": 1, "challenger": 2}
    assert champion(state) == 1
    assert succession.withdraw(state, "small", SAID).version == 2
    assert shown(state) == {"champion": 1}
    with pytest.raises(ModelRefused, match="no version of small is challenger"):
        succession.withdraw(state, "small", SAID)
    succession.challenge(state, 2, ASKED, SAID)
    succession.promote(state, 2, ASKED, SAID)
    assert shown(state) == {"champion": 2}
    assert challenger(history(state)) is None
    assert [row.kind for row in history(state)[3:]] == ["challenger", "withdrawn", "challenger", "promoted"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "version 1 of small is the champion; it cannot challenge itself."),
        (3, "version 3 of small answers another question: horizon_days differ."),
    ],
)
def test_who_cannot_be_challenger(state: Path, number: int, said: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        succession.challenge(state, number, ASKED, SAID)
    assert str(refused.value) == said


# --- the history by itself -----------------------------------------------------------------------


def row(day: int, version: int, kind: str = "promoted") -> Promotion:
    at = dt.datetime(2026, 3, day, 12, tzinfo=dt.UTC)
    return Promotion(at, Version("small", version, f"{version}" * 64, "r", "p"), "why", "who", None, kind)


ROWS = [row(1, 1), row(3, 2), row(3, 3, "refused"), row(5, 1, "rolled back"), row(6, 4, "challenger"), row(9, 5)]


@pytest.mark.parametrize(
    ("day", "versions"),
    [(1, [1]), (2, [1]), (3, [1, 2]), (4, [2]), (5, [2, 1]), (8, [1]), (9, [1, 5]), (20, [5])],
)
def test_which_model_was_champion_on_a_day(day: int, versions: list[int]) -> None:
    begin = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    found = promotions.champions_between(ROWS, begin, begin + DAY)
    assert [each.model.version for each in found] == versions


def test_before_the_first_promotion_nobody_was(state: Path) -> None:
    end = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    assert promotions.champions_between(ROWS, end - DAY, end) == []


@pytest.mark.parametrize(
    ("kinds", "back_to"),
    [
        ("", None),
        ("1", None),
        ("1 2", 1),
        ("1 2 3", 2),
        ("1 2 3 <2", 1),
        ("1 2 3 <2 <1", None),
        ("1 2 3 <1", None),
        ("1 2 <1 3", 1),
        ("1 2 <1 <2", 1),
        ("1 2 1", 2),
    ],
)
def test_a_rollback_goes_to_the_champion_before(kinds: str, back_to: int | None) -> None:
    told = [row(n + 1, int(k[-1]), "rolled back" if k[0] == "<" else "promoted") for n, k in enumerate(kinds.split())]
    found = promotions.before_the_last(told)
    assert (found and found.version) == back_to


def test_rows_of_an_older_winback_are_read(tmp_path: Path) -> None:
    old = {"name": "small", "version": 1, "sha256": "a", "run_id": "b", "path": "c", "previous": None}
    old |= {"at": "2026-03-01T00:00:00+00:00", "reason": "gates"}
    (tmp_path / "promotions.jsonl").write_text(json.dumps(old) + "\n", "utf-8")
    (found,) = history(tmp_path)
    assert (found.kind, found.approver, found.reason) == ("promoted", "not recorded", "gates")
    promotions.add(tmp_path, row(2, 2, "refused"))
    assert [each.kind for each in history(tmp_path)] == ["promoted", "refused"]
