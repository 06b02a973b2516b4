"""SIGKILL at random moments of a whole run: the old list or the new one is current, and running again finishes.

This file is also the child, `python test_kill_run.py FOLDER`: it imports everything once and forks a
process for every run, because a fresh interpreter would spend seconds on imports before each.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import shop
import winback
from winback import runs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes as Linux shows them")
SEED = 2026
LITTER = ("*.tmp", "mlflow.db-*", "promotion.pending.json")
IMPORTED_LATE = (
    "alembic.command",
    "mlflow",
    "mlflow.models",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.types",
    "pyarrow.dataset",
    "skops.io",
    "treelite",
    "woodelf",
)


def begun(path: Path, today: dt.date = shop.TODAY) -> int:
    """The id of a new process that does the run for a day."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            shop.run(path, today)
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid: int, seconds: float = 300) -> tuple[str, float]:
    """How a process ended that was killed once it had computed so long, and how long it did."""
    while computed(pid) < seconds and not signal.sigtimedwait({signal.SIGCHLD}, 0.01):
        pass
    os.kill(pid, signal.SIGKILL)  # does nothing to one that has ended; its id is taken until it is waited for
    _, status, used = os.wait4(pid, 0)
    signal.sigtimedwait({signal.SIGCHLD}, 0)  # the end of a killed one is announced as well
    how = "killed" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
    return how, used.ru_utime + used.ru_stime


def computed(pid: int) -> float:
    """Seconds of processor time: unlike those of a clock they tell how far a process is on a busy machine."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def current(project: Path) -> str:
    """The name of the current run, every file of which is as its manifest has it."""
    folder = runs.current(project / "runs")
    assert folder is not None
    return str(runs.verify(folder)["run_id"])


def content(project: Path) -> dict[str, bytes | str]:
    """Every file of every run, and where the pointer points."""
    found = sorted(path for path in (project / "runs").rglob("*") if path.is_symlink() or path.is_file())
    return {str(p.relative_to(project)): str(p.readlink()) if p.is_symlink() else p.read_bytes() for p in found}


def reached(project: Path, run_id: str) -> str:
    """The last thing that a killed run finished."""
    steps = project / "runs" / run_id / "steps"
    for step in ("list", "decisions", "reasons", "scores", "model"):
        if (steps / f"{step}.json").exists():
            return step
    state = project / "state"
    if models := len(list(state.glob("mlartifacts/**/*.skops"))):  # learning takes most of a run
        return f"{models} models written"
    return "ingest" if next(state.glob("facts/*/steps/ingest.json"), None) else "nothing"


def model_versions(project: Path) -> int:
    """How many versions of models MLflow shows."""
    with closing(sqlite3.connect(project / "state" / "mlflow.db")) as database:
        return int(database.execute("SELECT count(*) FROM model_versions").fetchone()[0])


def finished(path: Path, expected: dict[str, bytes | str]) -> dict[str, Any]:
    """What is there once the run was done again."""
    return {
        "ended": ended(begun(path))[0],
        "current": current(path.parent),
        "same_bytes": content(path.parent) == expected,
        "model_versions": model_versions(path.parent),
        "litter": [str(found) for pattern in LITTER for found in path.parent.rglob(pattern)],
    }


def killed(start: Path, path: Path, moment: float, takes: float) -> float:
    """Kill a run after a share of what it takes; the answer is what it takes.

    One that was faster than the run it was timed by tells a better time, and the moment is tried anew.
    """
    while True:
        shutil.rmtree(path.parent, ignore_errors=True)
        shutil.copytree(start, path.parent, symlinks=True)
        how, took = ended(begun(path), moment * takes)
        if how == "killed":
            return takes
        assert how == "exit 0"
        takes = took


def small_shop(folder: Path) -> Path:
    """A shop that is quickly done, killed as it is some twenty times."""
    path = shop.lay_down(folder, customers=200)
    shop.edit(path, "first = 2025-09-01", "first = 2025-11-01")
    shop.edit(folder / "small.toml", "max_iter = 20", "max_iter = 6")
    return path


def spec_changed(path: Path) -> None:
    """A second model is to be trained and promoted where a first one is."""
    shop.edit(path.parent / "small.toml", "max_iter = 6", "max_iter = 7")


def state_lost(path: Path) -> None:
    """All is to be done, MLflow's database too."""
    shutil.rmtree(path.parent / "state")


SCENES = {spec_changed: 2, state_lost: 1}  # versions of the model at the end


def kills(base: Path, change: Callable[[Path], None], number: int, draw: random.Random) -> dict[str, Any]:
    """What was seen after each kill of a run that was changed so, and after the run that followed."""
    start, calm, path = base / "start", base / "undisturbed", base / "killed" / "winback.toml"
    shutil.copytree(base.parent / "old", start, symlinks=True)
    change(start / path.name)
    shutil.copytree(start, calm, symlinks=True)
    how, takes = ended(begun(calm / path.name))
    assert how == "exit 0"
    expected, new, rows = content(calm), current(calm), []
    for n in range(number):
        moment = (n + draw.random()) / number
        takes = killed(start, path, moment, takes)
        seen = {"moment": moment, "current": current(path.parent), "reached": reached(path.parent, new)}
        rows.append({**seen, "again": finished(path, expected)})
    return {"old": current(start), "new": new, "kills": rows}


def all_kills(base: Path, numbers: list[int]) -> dict[str, Any]:
    """As many `kills` of every scene, by name."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    assert ended(begun(small_shop(base / "old"), shop.EARLIER))[0] == "exit 0"
    draw = random.Random(SEED)
    return {
        change.__name__: kills(base / change.__name__, change, number, draw)
        for change, number in zip(SCENES, numbers, strict=True)
    }


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((3, 1), id="4 kills"),
        pytest.param((14, 6), id="20 kills", marks=pytest.mark.deep),
    ],
)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the child saw, of as many kills of each scene."""
    child = subprocess.run(
        [sys.executable, __file__, tmp_path_factory.mktemp("kills"), *map(str, request.param)],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",  # a forked process has none of its parent's threads
            "PYTHONPATH": str(Path(winback.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert (child.stderr, child.returncode) == ("", 0)
    found: dict[str, Any] = json.loads(child.stdout)
    return found


def test_killed_runs_were_at_work_at_many_places(told: dict[str, Any]):
    """Or the other test shows nothing: early, late, and in the long middle."""
    everywhere = [kill for scene in told.values() for kill in scene["kills"]]
    assert len(everywhere) in (4, 20)
    assert len({kill["reached"] for kill in everywhere}) >= 3
    for scene in told.values():
        assert (scene["old"][:10], scene["new"][:10]) == ("2026-02-01", "2026-02-15")
        assert scene["kills"][0]["current"] == scene["old"]


@pytest.mark.parametrize("change", list(SCENES))
def test_a_killed_run_leaves_a_whole_list_and_the_next_run_finishes_it(
    told: dict[str, Any], change: Callable[[Path], None]
):
    scene = told[change.__name__]
    for kill in scene["kills"]:
        assert kill["current"] in (scene["old"], scene["new"]), kill
        assert kill["again"] == {
            "ended": "exit 0",
            "current": scene["new"],
            "same_bytes": True,
            "model_versions": SCENES[change],
            "litter": [],
        }, kill


if __name__ == "__main__":
    for module in IMPORTED_LATE:
        importlib.import_module(module)
    print(json.dumps(all_kills(Path(sys.argv[1]), [int(number) for number in sys.argv[2:]])))  # noqa: T201
