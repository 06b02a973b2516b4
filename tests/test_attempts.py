"""The history of attempts: a line each, whoever writes at once and whatever dies."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from winback import attempts

BEGAN = dt.datetime(2026, 2, 15, 4, 0, 0, tzinfo=dt.UTC)
KILLED_AT_WORK = """
import datetime as dt, os, signal, sys
from pathlib import Path
from winback import attempts
row = {"logical_date": "2026-02-14"}
with attempts.recorded(Path(sys.argv[1]), row, lambda: dt.datetime(2026, 2, 14, 4, tzinfo=dt.UTC)):
    row["run_id"] = "2026-02-14-0123456789ab"
    os.kill(os.getpid(), signal.SIGKILL)
"""


def clock(*seconds: float) -> Any:
    """A clock that shows these seconds after BEGAN, one a look."""
    instants = iter(seconds)
    return lambda: BEGAN + dt.timedelta(seconds=next(instants))


def attempt(state: Path, outcome: str, *seconds: float) -> dict[str, Any]:
    row: dict[str, Any] = {"logical_date": "2026-02-15"}
    with attempts.recorded(state, row, clock(*(seconds or (0, 5)))):
        row["outcome"] = outcome
    return row


def test_an_attempt_is_at_work_and_then_over(tmp_path: Path):
    row: dict[str, Any] = {"logical_date": "2026-02-15"}
    with attempts.recorded(tmp_path, row, clock(0, 12.5)):
        (seen,) = attempts.history(tmp_path)
        assert (seen["outcome"], seen["logical_date"]) == ("at_work", "2026-02-15")
        row["outcome"] = "published"
    (seen,) = attempts.history(tmp_path)
    assert seen.pop("attempt").startswith("20260215T040000000000-")
    assert seen == {
        "logical_date": "2026-02-15",
        "started_at": "2026-02-15T04:00:00+00:00",
        "ended_at": "2026-02-15T04:00:12.500000+00:00",
        "seconds": 12.5,
        "outcome": "published",
    }
    assert list((tmp_path / "history" / "at_work").iterdir()) == []


def test_what_is_raised_ends_the_attempt_too(tmp_path: Path):
    with pytest.raises(KeyError), attempts.recorded(tmp_path, {"outcome": "failed"}, clock(0, 1)):
        raise KeyError
    assert [row["outcome"] for row in attempts.history(tmp_path)] == ["failed"]


def test_a_killed_attempt_is_told_and_written_once_by_the_next(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", KILLED_AT_WORK, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert [(row["outcome"], row["logical_date"]) for row in attempts.history(tmp_path)] == [("killed", "2026-02-14")]
    attempt(tmp_path, "published")
    attempt(tmp_path, "published", 60, 65)
    lines = (tmp_path / "history" / "attempts.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["killed", "published", "published"]
    assert [row["outcome"] for row in attempts.history(tmp_path)] == ["killed", "published", "published"]


def test_killed_between_its_line_and_its_end_it_is_told_once(tmp_path: Path):
    row = attempt(tmp_path, "published")
    (tmp_path / "history" / "at_work" / f"{row['attempt']}.json").write_text(json.dumps(row) + "\n", "utf-8")
    assert [each["outcome"] for each in attempts.history(tmp_path)] == ["published"]
    attempt(tmp_path, "refused", 60, 65)
    assert [each["outcome"] for each in attempts.history(tmp_path)] == ["published", "refused"]


def test_parallel_attempts_write_whole_lines(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: attempt(tmp_path, f"o{n}"), range(40)))
    assert sorted(row["outcome"] for row in attempts.history(tmp_path)) == sorted(f"o{n}" for n in range(40))
    assert len({row["attempt"] for row in attempts.history(tmp_path)}) == 40


def test_a_line_cut_short_is_no_line(tmp_path: Path):
    attempt(tmp_path, "published")
    path = tmp_path / "history" / "attempts.jsonl"
    path.write_bytes(path.read_bytes() + b'{"attempt": "2026')
    assert [row["outcome"] for row in attempts.history(tmp_path)] == ["published"]
    attempt(tmp_path, "refused", 60, 65)
    assert [row["outcome"] for row in attempts.history(tmp_path)] == ["published", "refused"]


def test_messages_are_for_their_owner_alone(tmp_path: Path):
    row = attempt(tmp_path, "failed")
    assert attempts.message_of(tmp_path, row["attempt"]) == ""
    path = attempts.keep_message(tmp_path, row["attempt"], "C0001 is there twice")
    assert attempts.message_of(tmp_path, row["attempt"]) == "C0001 is there twice"
    assert [each.stat().st_mode & 0o077 for each in (path, path.parent, tmp_path / "history" / "attempts.jsonl")] == [
        0,
        0,
        0,
    ]


def test_no_attempt_yet(tmp_path: Path):
    assert attempts.history(tmp_path) == []
