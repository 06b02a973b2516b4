"""winback models: what it lists, compares, promotes and says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import shop
from candidates import ASKED, AT, CUTOFFS, DAY, HELD_OUT, candidate, rows
from winback.cli.models import command
from winback.errors import ModelNotBetter, ModelRefused, WinbackError
from winback.risk.keeping import aliases
from winback.risk.keeping.enrolment import enrol

SPEC = """
name = "small"
horizon_days = 28
estimator = { n_models = 1, max_iter = 30, learning_rate = 0.1, max_features = 1.0, min_samples_leaf = 30 }
gates = { max_calibration_error = 0.05 }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose version 1 is champion, and whose version 2 was examined against it and waits."""
    path = shop.lay_down(tmp_path_factory.mktemp("shop"), customers=5)
    (path.parent / "small.toml").write_text(SPEC, "utf-8")
    examined, state = rows(HELD_OUT), path.parent / "state"
    enrol(state, candidate(rows(CUTOFFS), examined), {"inputs": {"orders": "ab"}}, ASKED, AT)
    enrol(state, candidate(rows(CUTOFFS[1:]), examined), {"data": 2}, ASKED, AT + DAY, promote=False)
    return path


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent, tmp_path / "shop")
    return tmp_path / "shop" / made.name


def call(path: Path, *words: str) -> Result:
    """What the command says; its failures come out as they are."""
    found = CliRunner().invoke(command, [*words, "--config", str(path)])
    if isinstance(found.exception, WinbackError):
        raise found.exception
    return found


def told(path: Path, *words: str) -> Any:
    return json.loads(call(path, *words, "--json").stdout)


def test_the_list_says_what_each_showed(project: Path) -> None:
    newest, oldest = told(project, "list")
    assert [newest["version"], oldest["version"]] == [2, 1]
    assert (oldest["rank"], newest["rank"], oldest["gates"], newest["gates"]) == ("champion", None, "passed", "passed")
    assert 0.8 < oldest["auc"] < 1
    head, second, first = call(project, "list").stdout.splitlines()
    assert head.split()[:4] == ["version", "rank", "gates", "trained"]
    assert first.split()[:4] == ["1", "champion", "passed", "2026-02-15"]
    assert f"{oldest['auc']:.3f}" in first
    assert second.split()[:2] == ["2", "passed"]


def test_compare_shows_the_figures_on_the_same_rows(project: Path) -> None:
    found = told(project, "compare", "1", "2")
    assert [row["version"] for row in found["versions"]] == [1, 2]
    same = found["same_rows"]
    assert (same["candidate"], same["champion"], same["by"], same["rows"]) == (2, 1, "its recipe", 1800)
    assert same["auc_low"] <= same["auc"] <= same["auc_high"]
    assert told(project, "compare", "2", "1")["same_rows"] == same
    said = call(project, "compare", "1", "2").stdout
    assert "On the same 1,800 held-out rows of 900 customers, version 2 minus version 1 (its recipe): AUC " in said
    assert "The published run holds no shadow scores of the two." in said


def test_promote_roll_back_and_history(project: Path) -> None:
    said = call(project, "promote", "2", "--reason", "newer", "--approver", "Dana").stdout
    assert said == "Version 2 of small is the champion.\n"
    back = told(project, "rollback", "--reason", "odd list")
    assert (back["version"], back["now"]) == (1, "champion")
    rows_of = told(project, "history")
    assert [(row["kind"], row["version"], row["approver"]) for row in rows_of] == [
        ("promoted", 1, "gates of the spec"),
        ("passed", 2, "gates of the spec"),
        ("promoted", 2, "Dana"),
        ("rolled back", 1, "not said"),
    ]
    lines = call(project, "history").stdout.splitlines()
    assert lines[0].startswith("2026-02-15 04:00 UTC  small version 1  ")
    assert lines[3].endswith("rolled back: odd list (not said)")
    assert call(project).stdout.splitlines() == lines


@pytest.mark.parametrize(("day", "versions"), [("2026-02-14", []), ("2026-02-15", [1]), ("2026-03-03", [1])])
def test_which_was_champion_on_a_day(project: Path, day: str, versions: list[int]) -> None:
    assert [row["version"] for row in told(project, "history", "--at", day)] == versions
    said = call(project, "history", "--at", day).stdout
    assert said.startswith("2026-02-15 04:00 UTC" if versions else "No version of small was promoted by 2026-02-14;")


def test_challenge_and_withdraw(project: Path) -> None:
    assert call(project, "challenge", "2").stdout == "Version 2 of small is the challenger.\n"
    assert [row["rank"] for row in told(project, "list")] == ["challenger", "champion"]
    assert [row["version"] for row in told(project, "compare")["versions"]] == [1, 2]
    assert call(project, "challenge", "--withdraw").stdout == "Version 2 of small is no challenger any more.\n"
    with pytest.raises(ModelRefused, match="small has no challenger to compare; name two versions"):
        call(project, "compare")


def test_the_card_holds_all_that_was_written_down(project: Path) -> None:
    found = told(project, "card")
    assert (found["version"], found["card"]["today"], found["gates"]["passed"]) == (1, "2026-02-15", True)
    said = call(project, "card", "2").stdout
    assert said.startswith("small version 2  ")
    assert "passed   golden rows" in said
    assert "passed: AUC at least " in said


def test_nothing_can_be_forced(project: Path) -> None:
    found = CliRunner().invoke(command, ["promote", "2", "--force", "--config", str(project)])
    assert found.exit_code == 2
    assert "No such option" in found.output
    found = CliRunner().invoke(command, ["promote", "2", "--reason", "x", "--config", str(project)])
    assert (found.exit_code, "Missing option '--approver'" in found.output) == (2, True)


def test_the_projects_question_is_asked(project: Path) -> None:
    """With another horizon in the configuration, version 2 is no answer to it."""
    shop.edit(project, 'spec = "small.toml"', 'spec = "small.toml"\nhorizon_days = 60')
    with pytest.raises(ModelRefused, match="horizon_days 28 instead of 60"):
        call(project, "promote", "2", "--reason", "x", "--approver", "y")
    champion = aliases.champion(project.parent / "state", "small")
    assert champion is not None
    assert champion.version == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "1"], "name two versions, or none for the champion and the challenger"),
        (["challenge"], "name a version, or --withdraw"),
        (["challenge", "2", "--withdraw"], "name a version, or --withdraw"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(project: Path, words: list[str], said: str) -> None:
    found = call(project, *words)
    assert found.exit_code == 2
    assert said in found.output


def test_options_belong_after_the_verb(project: Path) -> None:
    found = CliRunner().invoke(command, ["--config", str(project), "list"])
    assert found.exit_code == 2
    assert "write the options after the verb: winback models list ..." in found.output


def test_in_a_new_project_there_is_nothing(tmp_path: Path) -> None:
    path = shop.lay_down(tmp_path, customers=5)
    assert call(path, "list").stdout == "No version of small is registered yet; `winback run` trains one.\n"
    assert call(path, "history").stdout == "No version of small was promoted yet; `winback run` trains one.\n"
    for words, said in ((["card"], "has no champion yet"), (["compare"], "has no champion to compare")):
        with pytest.raises((ModelRefused, ModelNotBetter), match=said):
            call(path, *words)
    assert not (tmp_path / "state").exists()
