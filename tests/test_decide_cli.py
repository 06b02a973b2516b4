"""`winback decide`: what it refuses, and what it prints of decisions and budgets."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import shop
from winback.cli import decide as verb
from winback.cli import main


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was said besides."""
    with pytest.raises(SystemExit) as ended:
        main(["decide", *words])
    return int(ended.value.code or 0), *capsys.readouterr()


@pytest.mark.parametrize("budgets", ["", "1,x", "5;6", "-1", "inf", "nan"])
def test_what_is_no_list_of_budgets_is_wrong_use(capsys: pytest.CaptureFixture[str], budgets: str) -> None:
    code, _, said = called(capsys, "--what-if", budgets)
    assert code == 2
    assert f"{budgets!r} is no list of budgets; write one such as 0,500,1000, or auto" in said


def test_before_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shop.lay_down(tmp_path, customers=5)
    monkeypatch.chdir(tmp_path)
    code, printed, said = called(capsys, "--config", str(path))
    assert (code, printed) == (1, "")
    assert "nothing is published in " in said
    assert "`winback run --date YYYY-MM-DD` does it." in said


@pytest.mark.parametrize(
    ("words", "asked"), [([], None), (["--what-if", "0,2.5"], (0.0, 2.5)), (["--what-if", "auto"], ())]
)
def test_the_rows_are_printed_as_a_table_or_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], asked: tuple | None
) -> None:
    rows = pd.DataFrame({"budget": [0.0, 2.5], "contacted": [0, 3]})
    seen: list[object] = []
    monkeypatch.setattr(verb, "published", lambda _: ("job", "folder"))
    monkeypatch.setattr(verb, "curve", lambda _job, _folder, budgets: seen.append(budgets) or rows)
    monkeypatch.setattr(verb, "_decided", lambda _job, _folder: seen.append(None) or rows)
    code, printed, _ = called(capsys, *words, "--json")
    assert (code, json.loads(printed)) == (0, [{"budget": 0.0, "contacted": 0}, {"budget": 2.5, "contacted": 3}])
    _, table, _ = called(capsys, *words)
    assert table.splitlines() == [" budget  contacted", "   0.00          0", "   2.50          3"]
    assert seen == [asked, asked]
