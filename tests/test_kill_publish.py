"""A run is killed, or finds the disk full, at any moment: a reader sees the old list or the new one.

This file is also the child: `python test_kill_publish.py FOLDER kill 1` forks a process per point,
because a fresh interpreter for each would cost a second, and prints what was seen after each.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import winback
from winback import runs, store

OLD, NEW = "2017-11-30-aaaaaaaaaaaa", "2017-12-31-bbbbbbbbbbbb"
LISTS = {name: [f"{name},{number}\n" for number in range(rows)] for name, rows in [(OLD, 2000), (NEW, 3000)]}
UNHARMED, UNNAMED = 200, 201  # exit codes: struck where it does no harm; an error without a number
WATCHED = ("open", "os.rename", "os.remove", "os.mkdir", "os.symlink", "os.truncate", "fcntl.flock")


def write_list(folder: Path, name: str) -> dict[str, Any]:
    """A list in two writes with a moment in between at which half of it is on disk."""
    rows = LISTS[folder.name]
    with store.whole_file(folder / name) as temporary, temporary.open("w", encoding="utf-8") as handle:
        handle.writelines(rows[: len(rows) // 2])
        handle.flush()
        handle.writelines(rows[len(rows) // 2 :])
    return {"rows": len(rows)}


def run(root: Path, name: str) -> None:
    """All that a run does with its directory."""
    with runs.project_lock(root / "state"):
        runs.sweep(root)
        if runs.is_published(root / "runs", name):
            return
        folder = root / "runs" / name
        runs.step(folder, "scores", lambda: write_list(folder, "scores.csv"), ["scores.csv"])
        runs.step(folder, "list", lambda: write_list(folder, "list.csv"), ["list.csv"], after=["scores"])
        runs.publish(root / "runs", name, {"logical_date": name[:10]})


def seen_by_a_reader(root: Path) -> str:
    """The name of the run whose whole, unmixed lists a reader finds; anything else in words."""
    folder = runs.current(root / "runs")
    if folder is None:
        return "nothing"
    runs.verify(folder)
    for name in ("scores.csv", "list.csv"):
        text = (folder / name).read_text("utf-8")
        if text != "".join(LISTS[folder.name]):
            return f"{name} of {folder.name} has {text.count(chr(10))} rows"
    return folder.name


def tree(root: Path) -> dict[str, str]:
    """Every file below `runs` with its content, links with their target."""
    return {
        str(path.relative_to(root)): str(path.readlink()) if path.is_symlink() else path.read_text("utf-8")
        for path in sorted((root / "runs").rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def strike_at(point: int, *, kill: bool) -> Callable[[], bool]:
    """Arrange for SIGKILL at the `point`-th line or operation from now, or a full disk at that operation.

    The answer tells whether the point was reached.
    """
    count = 0

    def happened() -> None:
        nonlocal count
        count += 1
        if count == point and kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if count == point:
            raise OSError(errno.ENOSPC, "No space left on device")

    def line(frame: Any, event: str, _: object) -> Any:
        ours = "winback" in frame.f_code.co_filename or frame.f_code.co_name == "write_list"
        if ours and event == "line":
            happened()
        return line if ours else None

    def operation(event: str, _: object) -> None:
        if event in WATCHED:
            happened()

    fsync = os.fsync

    def fsync_counted(handle: int) -> None:
        happened()
        fsync(handle)
        happened()

    os.fsync = fsync_counted
    sys.addaudithook(operation)
    if kill:
        sys.settrace(line)
    return lambda: count >= point


def struck(root: Path, point: int, *, kill: bool) -> str:
    """How a forked process that publishes NEW below `root` ended."""
    pid = os.fork()
    if pid == 0:
        reached = strike_at(point, kill=kill)
        try:
            run(root, NEW)
        except OSError as error:
            os._exit(error.errno or UNNAMED)
        os._exit(UNHARMED if reached() else 0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    code = os.WEXITSTATUS(status)
    return {0: "completed", UNHARMED: "unharmed"}.get(code) or errno.errorcode.get(code, f"exit {code}")


def strike_everywhere(base: Path, stride: int, *, kill: bool) -> list[dict[str, Any]]:
    """What a reader saw after a strike at each `stride`-th point of publishing NEW, and after running again."""
    run(base / "start", OLD)
    shutil.copytree(base / "start", base / "undisturbed", symlinks=True)
    run(base / "undisturbed", NEW)
    expected = tree(base / "undisturbed")
    observed: list[dict[str, Any]] = []
    while not observed or observed[-1]["ended"] != "completed":
        root = base / "struck"
        shutil.copytree(base / "start", root, symlinks=True)
        seen = {"ended": struck(root, stride * len(observed) + 1, kill=kill), "after": seen_by_a_reader(root)}
        half_done = tree(root) != expected
        run(root, NEW)
        again = {"after_again": seen_by_a_reader(root), "same_bytes": tree(root) == expected}
        observed.append({**seen, "half_done": half_done, **again})
        shutil.rmtree(root)
    return observed


@pytest.mark.parametrize(
    ("how", "stride", "ended", "at_least"),
    [
        ("kill", 3, "SIGKILL", 100),
        ("full disk", 1, "ENOSPC", 60),
        pytest.param("kill", 1, "SIGKILL", 300, marks=pytest.mark.deep),
    ],
)
def test_whatever_moment_a_run_is_struck_at_the_current_list_is_whole(
    tmp_path: Path, how: str, stride: int, ended: str, at_least: int
) -> None:
    child = subprocess.run(
        [sys.executable, __file__, str(tmp_path), how, str(stride)],
        env={**os.environ, "PYTHONPATH": str(Path(winback.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert child.stderr == ""
    *strikes, last = json.loads(child.stdout)
    assert {row["ended"] for row in strikes} - {"unharmed"} == {ended}
    assert sum(row["ended"] == ended for row in strikes) >= at_least
    seen = [row["after"] for row in strikes if row["ended"] == ended]
    assert set(seen) == {OLD, NEW}
    assert seen == sorted(seen)
    assert sum(row["half_done"] for row in strikes) > at_least / 2
    assert {(row["after_again"], row["same_bytes"]) for row in [*strikes, last]} == {(NEW, True)}


if __name__ == "__main__":
    folder, way, every = sys.argv[1:]
    print(json.dumps(strike_everywhere(Path(folder), int(every), kill=way == "kill")))  # noqa: T201
