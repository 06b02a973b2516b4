"""`winback report` on a run of a small shop, from its folder to the file."""

from __future__ import annotations

import html
import json
import re
import stat
import sys
from pathlib import Path

import pandas as pd
import pytest

import shop
from winback.cli import main

pytestmark = pytest.mark.deep  # two whole runs


@pytest.fixture
def project(two_nights: Path) -> Path:
    """The configuration of a shop with two published runs."""
    return two_nights


def call(capsys: pytest.CaptureFixture[str], path: Path, *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["report", "--config", str(path), *args])
        sys.exit(0)
    return (int(done.value.code or 0), *capsys.readouterr())


def test_the_published_run_becomes_a_page(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "page.html"
    code, said, err = call(capsys, project, "--out", str(out), "--language", "ru")
    assert code == 0
    assert re.fullmatch(r"Without what campaigns earned: the 28 days of .* is not known yet\.\n", err)
    assert re.fullmatch(rf"Written: {re.escape(str(out))} \(\d\.\d MB\)\n", said)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    text = out.read_text("utf-8")
    told = json.loads(re.search(r'(?s)id="told">(.*?)</script>', text)[1])
    summary = json.loads(next(project.parent.glob("runs/current/summary.json")).read_text("utf-8"))
    assert told["above"][0] == len(told["rows"]["id"]) == summary["customers"]
    scores = pd.read_parquet(project.parent / "runs/current/scores.parquet")
    assert told["above"][30] == (scores["probability"] >= 0.3).sum() <= summary["at_risk"]  # some stay below it
    assert f"Прежний список от {shop.TODAY}." in text
    assert "удержано клиентов (поимённо)" in text  # retention figures up to the run's day
    assert "назначена" in text  # the model's history
    assert "индекс стабильности" in text  # drift since training
    gates = re.search(r"(?s)<caption>Проверки перед публикацией</caption>(.*?)</table>", text)[1]
    said = re.sub(r"\(max_\w+\)", " ", html.unescape(re.sub(r"<[^>]+>", " ", gates)))
    assert re.findall(r"[a-z]{2,}", said) == []  # a gate that has no words yet: [phrases] of words.toml
    sentences = [each for each in told["rows"]["said"] if each]
    assert sentences
    assert [each for each in sentences if not re.search("[а-я]{3}", each)] == []  # told anew in the page's language
    actions = re.search(r"(?s)<caption>Набор действий</caption>(.*?)</table>", text)[1]
    assert re.findall(r'<th scope="row">([^<а-яА-Я]+)</th>', actions) == []


def test_another_run_without_customers(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = next(path.name for path in (project.parent / "runs").glob(f"{shop.TODAY}*"))
    out = tmp_path / "page.html"
    assert call(capsys, project, "--run", run, "--out", str(out), "--without-customers")[0] == 0
    text = out.read_text("utf-8")
    assert run in text
    assert json.loads(re.search(r'(?s)id="told">(.*?)</script>', text)[1])["rows"] == {}
    code, _, err = call(capsys, project, "--run", run[:-1])
    assert code == 1
    assert err == f"Error: there is no published run {run[:-1]!r}. Did you mean {run!r}?\n"
