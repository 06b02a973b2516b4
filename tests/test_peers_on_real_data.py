"""The program that holds the model against its peers: what it prints of made-up rows, and where its data is."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from examined_rows import held_out


@pytest.fixture
def program(tree: Path, monkeypatch: pytest.MonkeyPatch):
    """benchmarks/models.py."""
    monkeypatch.syspath_prepend(str(tree / "benchmarks"))
    return importlib.import_module("models")


def test_without_its_data_a_log_is_left_out(program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINBACK_DATA", str(tmp_path))
    assert program.records(tmp_path) is None


@pytest.mark.parametrize(
    ("blur", "verdict"),
    [
        (0.0, "asked: mean AUC 0.750: reached; ahead of every peer: yes, surely"),
        (9.0, "asked: mean AUC 0.750: MISSED; ahead of every peer: not ['rule: orders_90d']"),
    ],
)
def test_the_table(program, capsys, monkeypatch, blur: float, verdict: str) -> None:
    """One line for everybody with the gain over them, slopes for chances alone, and whether it is enough."""
    monkeypatch.setitem(program.ASKED, "CDNOW, 90 days", 0.75)
    rows, chance = held_out(seed=3)
    ours = 1 / (1 + np.exp(-logit(chance) - blur * np.random.default_rng(0).normal(0, 1, len(rows))))
    peers = {"rule: orders_90d": -rows["orders_90d"].to_numpy()}
    program.tell("CDNOW, 90 days", rows, {"winback": ours, **peers}, 50)
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith("CDNOW, 90 days: 1,800 held-out rows, ")
    assert [line.split("AUC")[0].strip() for line in out[2:4]] == ["winback", "rule: orders_90d"]
    assert ("slope" in out[2], "slope" in out[3]) == (True, False)
    assert [line[:23] for line in out[4:7]] == [f"  winback at 2026-0{month}-01" for month in (1, 2, 3)]
    assert verdict in out[7]
