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
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import shop
import winback
from winback import runs

KILLS, SEED = 20, 2026
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


def ended(pid: int, seconds: float = 300) -> str:
    """How a process ended that was killed after some seconds, unless it had ended by itself."""
    signal.sigtimedwait({signal.SIGCHLD}, seconds)
    os.kill(pid, signal.SIGKILL)  # does nothing to one that has ended; its id is taken until waitpid
    _, status = os.waitpid(pid, 0)
    signal.sigtimedwait({signal.SIGCHLD}, 0)  # the end of a killed one is announced as well
    return "killed" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def current(project: Path) -> str:
    """The name of the current run, every file of which is as its manifest has it."""
    folder = runs.current(project / "runs")
    assert folder is not None
    return str(runs.verify(folder)["run_id"])


def content(project: Path) -> dict[str, bytes | str]:
    """Every file of every run, and where the pointer points."""
    found = sorted(path for path in (project / "runs").rglob("*") if path.is_symlink() or path.is_file())
    return {str(p.relative_to(project)): os.readlink(p) if p.is_symlink() else p.read_bytes() for p in found}


def reached(project: Path, run_id: str) -> str:
    """The last thing that a killed run finished."""
    steps = project / "runs" / run_id / "steps"
    for step in ("list", "decisions", "reasons", "scores", "model"):
        if (steps / f"{step}.json").exists():
            return step
    state = project / "state"
    return "ingest" if next(state.glob("facts/*/steps/ingest.json"), None) else "nothing"


def model_versions(project: Path) -> int:
    """How many versions of models MLflow shows."""
    with closing(sqlite3.connect(project / "state" / "mlflow.db")) as database:
        return int(database.execute("SELECT count(*) FROM model_versions").fetchone()[0])


def finished(path: Path, expected: dict[str, bytes | str]) -> dict[str, Any]:
    """What is there once the run was done again."""
    return {
        "ended": ended(begun(path)),
        "current": current(path.parent),
        "same_bytes": content(path.parent) == expected,
        "model_versions": model_versions(path.parent),
        "litter": [str(found) for pattern in LITTER for found in path.parent.rglob(pattern)],
    }


def killed(start: Path, path: Path, moment: float, took: float) -> float:
    """Kill a run after a share of what it takes; the answer is what it takes.

    One that was faster than the run it was timed by tells a better time, and the moment is tried anew.
    """
    while True:
        shutil.rmtree(path.parent, ignore_errors=True)
        shutil.copytree(start, path.parent, symlinks=True)
        began = time.monotonic()
        if (how := ended(begun(path), moment * took)) == "killed":
            return took
        assert how == "exit 0"
        took = time.monotonic() - began


def kills(base: Path) -> dict[str, Any]:
    """What was seen after each kill, and after the run that followed it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    path = shop.lay_down(base / "start")
    assert ended(begun(path, shop.EARLIER)) == "exit 0"
    shutil.rmtree(base / "start" / "state")  # the run to be killed has everything to do, models too
    shutil.copytree(base / "start", base / "undisturbed", symlinks=True)
    began = time.monotonic()
    assert ended(begun(base / "undisturbed" / path.name)) == "exit 0"
    took = time.monotonic() - began
    old, new = current(base / "start"), current(base / "undisturbed")
    expected = content(base / "undisturbed")
    draw, rows = random.Random(SEED), []
    for number in range(KILLS):
        moment = (number + draw.random()) / KILLS
        again = base / "killed" / path.name
        took = killed(base / "start", again, moment, took)
        seen = {"current": current(again.parent), "reached": reached(again.parent, new)}
        rows.append({"moment": moment, **seen, "again": finished(again, expected)})
    return {"old": old, "new": new, "kills": rows}


def test_a_run_killed_at_any_moment_leaves_a_whole_list_and_is_finished_by_the_next(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",  # a forked process cannot use its parent's threads
            "PYTHONPATH": str(Path(winback.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert (child.stderr, child.returncode) == ("", 0)
    told = json.loads(child.stdout)
    assert told["old"][:10] == "2026-02-01"
    assert told["new"][:10] == "2026-02-15"
    assert len(told["kills"]) == KILLS
    assert {row["current"] for row in told["kills"]} <= {told["old"], told["new"]}
    # Killed early and killed late, or nothing was shown.
    assert {"nothing", "ingest", "model"} <= {row["reached"] for row in told["kills"]} | {"nothing"}
    assert len({row["reached"] for row in told["kills"]}) >= 4
    for row in told["kills"]:
        assert row["again"] == {
            "ended": "exit 0",
            "current": told["new"],
            "same_bytes": True,
            "model_versions": 1,
            "litter": [],
        }, row


if __name__ == "__main__":
    for module in IMPORTED_LATE:
        importlib.import_module(module)
    print(json.dumps(kills(Path(sys.argv[1]))))  # noqa: T201
