"""Nights made up for: in order, each as it was known, and without contacting anybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shop
from winback import attempts, config, nightly, runs, store
from winback.attempting import Asked, attempt
from winback.back_filling import back_filled, dates
from winback.campaigns import ledger, movements
from winback.errors import WinbackError

DAYS = [dt.date(2026, 1, day) for day in (5, 12, 19, 26)]
ASKED = Callable[[dict[str, dict[str, Any]]], list[str]]


@pytest.mark.parametrize(
    ("first", "last", "every", "told"),
    [
        ("2026-01-05", "2026-01-05", 1, ["2026-01-05"]),
        ("2026-01-05", "2026-01-07", 1, ["2026-01-05", "2026-01-06", "2026-01-07"]),
        ("2026-02-23", "2026-03-09", 7, ["2026-02-23", "2026-03-02", "2026-03-09"]),
        ("2026-02-23", "2026-03-08", 7, ["2026-02-23", "2026-03-02"]),
        ("2026-01-05", "2026-01-04", 1, []),
    ],
)
def test_dates(first: str, last: str, every: int, told: list[str]):
    found = dates(dt.date.fromisoformat(first), dt.date.fromisoformat(last), every)
    assert [str(day) for day in found] == told


def published(root: Path, day: dt.date) -> None:
    """A whole run of a date."""
    folder = root / "runs" / f"{day}-0123456789ab"

    def make() -> dict[str, Any]:
        store.write_json(folder / "x.json", {})
        return {}

    runs.step(folder, "x", make, ["x.json"])
    runs.publish(root / "runs", folder.name, {"logical_date": day.isoformat()})


@pytest.mark.parametrize(
    ("outcomes", "keep_going", "told"),
    [
        ("pppp", False, ["published"] * 4),
        ("p-pp", False, ["published", "already_published", "published", "published"]),
        ("pfpp", False, ["published", "failed"]),
        ("pfpf", True, ["published", "failed", "published", "failed"]),
        ("pbpp", False, ["published", "busy"]),
        ("pbpp", True, ["published", "busy"]),
    ],
)
def test_it_ends_at_the_first_that_fails_unless_it_is_to_go_on(
    tmp_path: Path, outcomes: str, keep_going: bool, told: list[str]
):
    path = shop.lay_down(tmp_path, customers=5)
    asked = Asked(config.load(path), tmp_path, DAYS[0])
    kinds = {"p": ("published", 0), "f": ("failed", 1), "b": ("busy", 75)}
    for day, kind in zip(DAYS, outcomes, strict=True):
        if kind == "-":
            published(tmp_path, day)
    tried: list[dt.date] = []

    def attempted(each: Asked) -> dict[str, Any]:
        tried.append(each.today)
        assert each.back_fill
        outcome, code = kinds[outcomes[DAYS.index(each.today)]]
        return {"logical_date": each.today.isoformat(), "outcome": outcome, "exit_code": code}

    rows = list(back_filled(asked, DAYS, attempted, keep_going=keep_going))
    assert [row["outcome"] for row in rows] == told
    assert tried == [day for day, row in zip(DAYS, rows, strict=False) if row["outcome"] != "already_published"]


NOW = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)
BEFORE, GAP, AFTER = shop.TODAY, shop.TODAY + dt.timedelta(days=3), shop.LATER


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A shop with a list of TODAY, and a later night made up for; nobody knows the value of anybody, which is quick."""
    path = shop.lay_down(tmp_path_factory.mktemp("gaps"))
    shop.edit(path, "budget = 20.0\n", "budget = 20.0\nvalue_days = 3650\n")
    shop.run(path, BEFORE)
    asked = Asked(config.load(path), path.parent, BEFORE)

    def tried(each: Asked) -> dict[str, Any]:
        row: dict[str, Any] = {}
        try:
            attempt(each, lambda _: None, lambda: NOW, row)
        except WinbackError as error:
            row["message"] = str(error)
        return row

    return path, list(back_filled(asked, [BEFORE - dt.timedelta(days=7), BEFORE, GAP], tried, keep_going=True))


def test_each_is_made_published_or_refused(project: tuple[Path, list[dict[str, Any]]]):
    _, rows = project
    assert [row["outcome"] for row in rows] == ["failed", "already_published", "published"]
    assert "would know the future" in rows[0]["message"]
    assert [row["back_fill"] for row in rows] == [True, False, True]


def test_no_campaign_no_list_and_no_pointer_of_the_past(project: tuple[Path, list[dict[str, Any]]]):
    path, rows = project
    state, folder = path.parent / "state", path.parent / "runs"
    assert ledger.campaigns(state) == [f"small-{BEFORE}"]
    assert movements.nights(state, "small") == [BEFORE]
    current = runs.current(folder)
    assert current is not None
    assert current.name.startswith(str(BEFORE))
    made = folder / rows[2]["run_id"]
    assert runs.verify(made)["back_fill"] is True
    assert "back_fill" not in runs.verify(current)
    assert len(store.read_table(made / "scores.parquet")) == rows[2]["customers"]


def test_it_is_in_the_history(project: tuple[Path, list[dict[str, Any]]]):
    path, rows = project
    told = attempts.history(path.parent / "state")
    assert [(row["logical_date"], row["outcome"], row["back_fill"]) for row in told] == [
        (str(BEFORE - dt.timedelta(days=7)), "failed", True),
        (str(GAP), "published", True),
    ]
    assert told[-1]["customers"] == rows[-1]["customers"] > 0
    assert set(told[-1]["steps"]) == set(nightly.STAGES)


def test_the_night_itself_is_another_run_and_is_launched(project: tuple[Path, list[dict[str, Any]]], tmp_path: Path):
    path = shop.copy(project[0], tmp_path / "shop")
    asked, row = Asked(config.load(path), path.parent, GAP), dict[str, Any]()
    _, summary, _ = attempt(asked, lambda _: None, lambda: NOW, row)
    assert row["outcome"] == "published"
    assert row["run_id"] != project[1][2]["run_id"]
    assert summary["campaign"]["name"] == f"small-{GAP}"
    state = path.parent / "state"
    assert ledger.campaigns(state) == [f"small-{BEFORE}", f"small-{GAP}"]
    current = runs.current(path.parent / "runs")
    assert current is not None
    assert current.name == row["run_id"]
    both = [path.parent / "runs" / name / "scores.parquet" for name in (row["run_id"], project[1][2]["run_id"])]
    assert both[0].read_bytes() == both[1].read_bytes()  # what was known is the same
