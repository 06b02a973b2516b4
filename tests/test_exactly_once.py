"""The same date run again, in parallel and struck at random: one identical list, no action twice.

`RUN` and `TREE` say what is run and what is compared; another module may point them at a whole nightly run.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nights
from winback.campaigns import ledger, movements, night
from winback.errors import CampaignChanged, RunInProgress

NIGHTS = 3
RUN: Callable[[Path, int], None] = nights.run
TREE: Callable[[Path], dict[str, bytes | str]] = nights.tree
OURS = ("winback/campaigns", "winback/store", "winback/runs")


class Struck(BaseException):
    """The process ends here."""


def lines_of(action: Callable[[], None], strike: int | None = None) -> int:
    """How many lines of ours `action` runs; Struck before the line of number `strike`."""
    count = 0

    def line(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        if not any(part in frame.f_code.co_filename for part in OURS):
            return None
        if event == "line":
            count += 1
            if count == strike:
                raise Struck
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


@dataclass(frozen=True)
class Calm:
    """Undisturbed nights: what each left behind, and how many lines of ours it ran."""

    after: list[Path]
    lines: list[int]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    base = tmp_path_factory.mktemp("calm")
    root, after, lines = base / "root", [base / "0"], []
    root.mkdir()
    after[0].mkdir()
    for number in range(NIGHTS):
        lines.append(lines_of(lambda number=number: RUN(root, number)))
        after.append(base / str(number + 1))
        shutil.copytree(root, after[-1], symlinks=True)
    return Calm(after, lines)


def assert_once(root: Path, calm: Calm, nights_done: int = NIGHTS) -> None:
    """One identical list and ledger, nobody twice in a campaign, and nobody who changed sides."""
    assert TREE(root) == TREE(calm.after[nights_done])
    rows = pd.concat([ledger.read(root / "state", name) for name in ledger.campaigns(root / "state")])
    assert max(Counter(zip(rows["campaign"], rows["customer_id"], strict=True)).values()) == 1
    assert set(rows.groupby("customer_id")["arm"].nunique()) == {1}
    assert len(set(rows["campaign"])) == nights_done


def schedule(root: Path, draw: random.Random, number: int, lines: int) -> int:
    """One night 1, 2 or 5 times, some struck at a random line, and once more; how many were struck."""
    struck = 0
    for attempt in range(draw.choice([1, 2, 5])):
        strike = draw.randint(1, lines) if draw.random() < 0.7 or not attempt else None
        try:
            lines_of(lambda: RUN(root, number), strike)
        except Struck:
            struck += 1
            # What a kill leaves: no block ends in good order.
            (root / "state" / "lists").mkdir(parents=True, exist_ok=True)
            (root / "state" / "lists" / f".x.parquet.{attempt}.tmp").write_bytes(b"PAR1half")
    RUN(root, number)
    return struck


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file is struck while it opens
@pytest.mark.parametrize("schedules", [6, pytest.param(1000, marks=pytest.mark.deep)])
def test_struck_at_random_and_run_again_the_list_is_one(tmp_path: Path, calm: Calm, schedules: int) -> None:
    struck = 0
    for seed in range(schedules):
        draw, root = random.Random(seed), tmp_path / str(seed)
        number = draw.randrange(NIGHTS)
        shutil.copytree(calm.after[number], root, symlinks=True)
        struck += schedule(root, draw, number, calm.lines[number])
        assert_once(root, calm, number + 1)
        shutil.rmtree(root)
    assert struck >= schedules


@pytest.mark.parametrize("times", [1, 2, 5])
def test_run_so_many_times_the_list_is_one(tmp_path: Path, calm: Calm, times: int) -> None:
    for number in range(NIGHTS):
        for _ in range(times):
            RUN(tmp_path, number)
    assert_once(tmp_path, calm)


def until_it_may(root: Path, number: int) -> int:
    """Run a night as soon as nobody else does; how often somebody else did."""
    for refused in range(100_000):
        try:
            RUN(root, number)
        except RunInProgress:
            continue
        return refused
    raise AssertionError


def test_run_in_parallel_the_list_is_one(tmp_path: Path, calm: Calm) -> None:
    with ThreadPoolExecutor(4) as pool:
        refused = [list(pool.map(lambda _, n=n: until_it_may(tmp_path, n), range(4))) for n in range(NIGHTS)]
    assert sum(map(sum, refused)) > 0
    assert_once(tmp_path, calm)


def test_nobody_held_out_is_acted_on_and_nobody_listed_is_without_an_arm(calm: Calm) -> None:
    """Or `one identical list` might be an empty one."""
    state = calm.after[NIGHTS] / "state"
    for name in ledger.campaigns(state):
        rows = ledger.read(state, name)
        assert rows["held_by"].value_counts().to_dict().keys() == {"", "global", "campaign"}
        assert (rows.loc[rows["arm"] == "held_out", "contact_cost"] == 0).all()
        assert (rows.loc[rows["arm"] == "treated", "contact_cost"] > 0).all()
        on = movements.read(state, "inactivity-28d", pd.Timestamp(name[-10:]).date())
        assert sorted(on.loc[on["status"] != "left", "customer_id"]) == rows["customer_id"].tolist()


def test_another_list_for_a_night_that_was_launched_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    RUN(tmp_path, 0)
    other = nights.scores(0).assign(probability=lambda rows: 1 - rows["probability"])
    monkeypatch.setattr(nights, "scores", lambda _: other)
    monkeypatch.setattr(nights, "run_id", lambda _: "2026-02-15-ffffffffffff")
    before = nights.tree(tmp_path)
    with pytest.raises(CampaignChanged, match="campaign inactivity-28d-2026-02-15 is assigned already in"):
        nights.run(tmp_path, 0)
    after = nights.tree(tmp_path)
    assert {path: after[path] for path in before} == before


def test_the_summary_tells_the_campaign(calm: Calm) -> None:
    root = calm.after[1]
    told = night.figures(root / "state", nights.plan(0), root / "runs" / nights.run_id(0), None)
    assert told["name"] == "inactivity-28d-2026-02-15"
    assert (
        told["listed"] == told["shows"]["treated"] + told["shows"]["held_out"] == sum(told["moved"]["entered"].values())
    )
    assert told["held_out"]["global"] + told["held_out"]["campaign"] == told["shows"]["held_out"]
    assert told["shows"]["smallest_fall"] is None or 0 < told["shows"]["smallest_fall"] <= told["shows"]["base_rate"]
    assert told["pooled"] == told["shows"]
    later = nights.plan(2), calm.after[NIGHTS] / "runs" / nights.run_id(2)
    told = night.figures(calm.after[NIGHTS] / "state", *later, None)
    assert told["pooled"]["treated"] > told["shows"]["treated"]
    assert told["pooled"]["held_out"] >= told["shows"]["held_out"]


def test_a_night_made_after_a_later_one_is_no_campaign(tmp_path: Path) -> None:
    """Its list never was the current one, so nothing must be measured by it."""
    for number in (1, 0, 2):
        RUN(tmp_path, number)
    assert ledger.campaigns(tmp_path / "state") == [nights.plan(1).campaign, nights.plan(2).campaign]
