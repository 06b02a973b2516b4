"""One table: how a command ends, what a scheduler should do then, and what lines for machines say of it."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import shop
from winback import attempts, cli, errors, nightly
from winback.errors import WinbackError

CANARY, ADDRESS = "C0001canary", "ann.canary@example.com"
CODES = {
    "ConfigError": 1,
    "SourceError": 1,
    "SourceNotThere": 75,
    "TooManyBadRows": 1,
    "NotEnoughData": 1,
    "DataRefused": 1,
    "DataNotThereYet": 75,
    "WindowNotRecorded": 1,
    "FeatureMismatch": 1,
    "ModelRefused": 1,
    "ModelNotBetter": 1,
    "PublishRefused": 1,
    "ConsentMoved": 75,
    "LedgerDamaged": 1,
    "ErasureIncomplete": 1,
    "ExportRefused": 1,
    "ExportFailed": 75,
    "SolverFailed": 1,
    "RunInProgress": 75,
    "CampaignChanged": 1,
    "RunDamaged": 1,
    "MissingExtra": 1,
}
OUTCOMES = [
    (errors.RunInProgress("busy"), "busy", 75),
    (errors.DataNotThereYet("late", ["newest row"]), "refused", 75),
    (errors.PublishRefused(f"{CANARY} twice", ["customers", "points"]), "refused", 1),
    (errors.TooManyBadRows(ADDRESS), "refused", 1),
    (errors.SourceNotThere("no file"), "failed", 75),
    (errors.CampaignChanged(f"1 customer more (first: {CANARY})"), "failed", 1),
    (ZeroDivisionError(ADDRESS), "failed", 70),
]


def kinds(kind: type[WinbackError] = WinbackError) -> Iterator[type[WinbackError]]:
    """All errors of winback's own."""
    for each in kind.__subclasses__():
        yield each
        yield from kinds(each)


def called(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None], *words: str) -> int:
    """The exit code of a command that does this work."""
    command = click.Command("show", callback=work)
    monkeypatch.setattr(cli.Verbs, "get_command", lambda *_: command)
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "show"])
    return int(ended.value.code or 0)


def raising(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_every_error_has_its_code():
    assert {kind.__name__: kind.exit_code for kind in kinds()} == CODES


@pytest.mark.parametrize("kind", sorted(kinds(), key=lambda kind: kind.__name__))
def test_a_command_ends_with_it_and_one_message(kind: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    assert called(monkeypatch, raising(kind("it was so"))) == CODES[kind.__name__]
    assert tuple(capsys.readouterr()) == ("", "Error: it was so\n")


def test_success_wrong_options_and_bugs(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    assert called(monkeypatch, lambda: None) == 0
    assert called(monkeypatch, lambda: None, "--nonsense") == 2
    capsys.readouterr()
    assert called(monkeypatch, raising(ZeroDivisionError("a bug"))) == 70
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):\n")


def test_the_table_of_the_documents_is_this_one(tree: Path):
    text = (tree / "docs" / "scheduling.md").read_text("utf-8")
    told = {int(code): names for code, names in re.findall(r"(?m)^\| (\d+) \|.*\| ?([\w, ]*?) ?\|$", text)}
    assert told.keys() == {0, 1, 2, 70, 75}
    assert sorted(told[75].split(", ")) == sorted(name for name, code in CODES.items() if code == 75)


@pytest.mark.parametrize(("error", "outcome", "code"), OUTCOMES, ids=lambda each: type(each).__name__)
def test_a_line_for_machines_names_nobody(
    error: Exception, outcome: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.setenv("WINBACK_LOG", "json")
    assert called(monkeypatch, raising(error)) == code
    out, err = capsys.readouterr()
    (line,) = map(json.loads, err.splitlines())
    assert out == ""
    assert (line["level"], line["error"], line["exit_code"]) == ("error", type(error).__name__, code)
    assert line.get("gates", []) == list(getattr(error, "gates", ()))
    assert line["message"]
    assert CANARY not in err
    assert ADDRESS not in err


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.lay_down(tmp_path_factory.mktemp("small"), customers=5)


@pytest.mark.parametrize(("error", "outcome", "code"), OUTCOMES, ids=lambda each: type(each).__name__)
def test_a_night_that_fails_is_in_the_history_without_names(
    error: Exception, outcome: str, code: int, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    def run(job: Any, say: Any, *_: Any, **__: Any) -> Any:
        say("ingest")
        say("model")
        raise error

    monkeypatch.setattr(nightly, "run", run)
    words = ["run", "--config", str(small), "--date", "2026-02-15", "--json", "--log-format", "json"]
    with monkeypatch.context() as environment:
        environment.setenv("WINBACK_LOG", "text")  # so that what the option sets is taken back
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (code, "")
    rows = attempts.history(small.parent / "state")
    row = rows[-1]
    assert (row["outcome"], row["error"], row["exit_code"]) == (outcome, type(error).__name__, code)
    assert row.get("gates", []) == list(getattr(error, "gates", ()))
    assert list(row["steps"]) == ["ingest", "model"]
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line.get("step") for line in lines] == ["ingest", "model", None, None]
    assert {line.get("run_id") for line in lines[:3]} == {row["run_id"]}
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    held = (small.parent / "state" / "history" / "attempts.jsonl").read_text("utf-8") + err
    assert CANARY not in held
    assert ADDRESS not in held
    assert str(error) in attempts.message_of(small.parent / "state", row["attempt"])


def test_a_warning_of_a_library_is_a_line_too(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    def work() -> None:
        warnings.showwarning(UserWarning(f"{ADDRESS} looks odd"), UserWarning, "/somewhere/lib.py", 7)

    monkeypatch.setenv("WINBACK_LOG", "text")
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    assert called(monkeypatch, work, "--log-format", "json") == 0
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["level"], line["kind"], line["where"]) == ("warning", "UserWarning", "lib.py:7")
    assert ADDRESS not in json.dumps(line)
