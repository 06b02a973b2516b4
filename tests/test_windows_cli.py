"""`winback windows`: the table, the JSON, the picture, and how it fails."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import shop
from winback.cli import main, windows_plot
from winback.errors import MissingExtra
from winback.facts.windows.silences import LONGEST_FOLLOWED

Call = Callable[..., tuple[int, str, str]]
SAMPLE = ("windows", "--config", "configs/sample.toml")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls winback where the sample's project lies; the exit code, what was printed, and what on the error stream."""
    for name in ("configs", "data", "models"):
        shutil.copytree(shop.TEMPLATE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main([*args])
            sys.exit(0)
        return (int(done.value.code or 0), *capsys.readouterr())

    return run


def test_the_table_and_the_reason(call: Call):
    code, out, err = call(*SAMPLE)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Windows: who is called gone after so many days without an order"
    assert re.split(r"\s{2,}", lines[1].strip()) == [
        "window", "came back", "within", "follows", "warning", "base rate", "people", "left", "AUC", "not, because"
    ]  # fmt: skip
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[2:12]]
    assert [row[0] for row in rows] == [f"{n} days" for n in (7, 14, 28, 30, 45, 60, 90, 120, 180, 365)]
    assert [row[-1] for row in rows if row[0] == "90 days"] == ["recommended"]
    assert rows[-1] == ["365 days", "-", "-", "2.7%", "350 d", "-", "0", "0", "-", "shorter log than two windows"]
    assert "Parts of the customers, at 90 days" in lines
    assert {"orders: heavy", "channel: online"} <= {re.split(r"\s{2,}", line)[0] for line in lines}
    assert "Recommended: 90 days (gone)" in lines
    assert not Path("state/sample/windows/facts").exists()


def test_json_is_one_object_without_nan(call: Call):
    code, out, err = call(*SAMPLE, "--json", "--date", "2026-01-15", "--windows", "60, 14", "--max-came-back", "0.3")
    assert (code, err) == (0, "")
    told = json.loads(out, parse_constant=pytest.fail)
    assert (told["recommended_days"], told["kind"], [*told["against"]]) == (60, "gone", ["14"])
    assert "at most 30% may" in told["reason"]
    assert {row["window_days"] for row in told["windows"]} == {14, 60}
    assert {row["by"] for row in told["windows"]} == {"all", "orders", "age", "channel"}
    heavy = next(row for row in told["windows"] if row["segment"] == "heavy")
    assert heavy["silent_share"] is None


def test_the_gates_of_the_project_are_the_floors(call: Call):
    path = Path("configs/sample.toml")
    path.write_text(path.read_text("utf-8").replace("min_customers = 300", "min_customers = 401"), "utf-8")
    code, out, _ = call(*SAMPLE, "--windows", "60")
    assert code == 0
    assert "400 of 401 customers" in out
    assert "No recommendation" in out.splitlines()


@pytest.mark.parametrize("wrong", ["7;14", "0", "-7", "", "4000", "a week"])
def test_windows_are_numbers_of_days(call: Call, wrong: str):
    code, _, err = call(*SAMPLE, "--windows", wrong)
    assert code == 2
    assert f"{wrong!r} is not a list of days; write one such as 14,28,90" in err


def test_a_date_long_after_the_log_is_refused(call: Call):
    code, _, err = call(*SAMPLE, "--date", "2027-01-01")
    assert code == 1
    assert err.startswith("Error: the newest order before 2027-01-01 is from ")
    assert not Path("state/sample/windows/facts").exists()


def test_a_picture_without_matplotlib(call: Call, monkeypatch: pytest.MonkeyPatch):
    """Refused before anything is read."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    with pytest.raises(MissingExtra):
        windows_plot.refuse_missing()
    assert call(*SAMPLE, "--plot", "x.png") == (
        1,
        "",
        'Error: --plot draws with matplotlib, which is not installed; run: pip install "winback[plots]"\n',
    )
    assert not Path("state").exists()


def test_the_picture(call: Call, monkeypatch: pytest.MonkeyPatch):
    """A PNG in a new folder, drawn without a screen."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure  # noqa: PLC0415

    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))[1])
    code, out, _ = call(*SAMPLE, "--plot", "pictures/windows.png")
    assert (code, out.splitlines()[-1]) == (0, "Drawn: pictures/windows.png")
    assert Path("pictures/windows.png").read_bytes().startswith(b"\x89PNG\r\n")
    (figure,) = drawn
    assert figure.get_suptitle() == "Churn windows: 90 days are recommended (gone)"
    assert [(panel.get_title(loc="left"), panel.get_ylabel()) for panel in figure.axes] == [
        ("Who is called gone and comes back (dotted: the most that may)", "share (%)"),
        ("The same by part (hollow: followed for less than the window)", "came back later (%)"),
        ("Can it be foreseen? (dotted: the least AUC)", "AUC, and share of customers (0 to 1)"),
        ("Warning left to act (dotted: the least)", "days, median"),
    ]
    for panel in figure.axes:
        assert panel.get_xlabel().startswith("window (days")
        (marked,) = panel.patches
        assert marked.get_x() == pytest.approx(6 - 0.35)  # the seventh window, 90 days
    (hollow,) = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert hollow.get_xdata().tolist() == [8, 9]  # 180 days were followed for fewer, and 365 not at all
    assert windows_plot.LONGEST == LONGEST_FOLLOWED


def test_a_picture_without_a_recommendation(call: Call):
    pytest.importorskip("matplotlib")
    assert call(*SAMPLE, "--windows", "365", "--plot", "w.png")[0] == 0
    assert Path("w.png").exists()
