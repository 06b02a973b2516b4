"""One attempt at a night, from settings to what became of it, with its line in the history."""

from __future__ import annotations

import datetime as dt
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from winback import attempts, jobs, nightly
from winback.attempts import Clock, Row
from winback.config import Config
from winback.errors import (
    BUG,
    DataRefused,
    NotEnoughData,
    PublishRefused,
    RunDamaged,
    RunInProgress,
    TooManyBadRows,
    WinbackError,
)
from winback.jobs import Job
from winback.making import Say
from winback.tidying import Owned, tidy

PUBLISHED, ALREADY, REFUSED, FAILED, BUSY, STOPPED = (
    *("published", "already_published", "refused", "failed"),
    *("busy", "stopped"),
)
REFUSALS = (DataRefused, NotEnoughData, PublishRefused, TooManyBadRows)


@dataclass(frozen=True)
class Asked:
    """A night asked for: `replace` its first list, which nobody used; or `back_fill` it."""

    config: Config
    base: Path
    today: dt.date
    replace: bool = False
    back_fill: bool = False

    @property
    def state(self) -> Path:
        """The folder of what winback keeps between runs."""
        return self.base / self.config.project.state


def attempt(asked: Asked, say: Say, clock: Clock, line: Row | None = None) -> tuple[Job, dict[str, Any], Row]:
    """The job, the summary of its run, and the line of the history that this attempt wrote.

    `line`, where given, is filled in on the way, for whoever looks on, and told when something is raised.

    `clock` tells the instants of the beginning, of consent and of the end; no stage depends on another. Whatever is
    raised is in the history as well: `outcome`, `error`, `gates`, `exit_code`, and in a file of its own the message.
    """
    row: Row = {} if line is None else line
    row |= {"logical_date": asked.today.isoformat(), "back_fill": asked.back_fill}
    with attempts.recorded(asked.state, row, clock), _judged(asked.state, row):
        job = replace(jobs.prepare(asked.config, asked.base, asked.today, clock()), back_fill=asked.back_fill)
        row["run_id"] = job.run_id
        with _timed(say, row) as timed:
            summary, did = nightly.run(job, timed, clock, replace=asked.replace)
        row |= {"outcome": PUBLISHED if did else ALREADY, "exit_code": 0, **_figures(summary)}
    return job, summary, row


@contextmanager
def _timed(say: Say, row: Row) -> Iterator[Say]:
    """Writes into the line how many seconds each stage took, also of one that failed."""
    steps: dict[str, float] = row.setdefault("steps", {})
    began: list[tuple[str, float]] = []

    def ended() -> None:
        for stage, since in began:
            steps[stage] = round(steps.get(stage, 0.0) + time.perf_counter() - since, 3)

    def timed(stage: str) -> None:
        ended()
        began[:] = [(stage, time.perf_counter())]
        say(stage)

    try:
        yield timed
    finally:
        ended()


@contextmanager
def _judged(state: Path, row: Row) -> Iterator[None]:
    """Writes into the line how an attempt failed; what it said goes to a file of its own."""
    try:
        yield
    except WinbackError as error:
        outcome = BUSY if isinstance(error, RunInProgress) else REFUSED if isinstance(error, REFUSALS) else FAILED
        _failed(state, row, error, (outcome, error.exit_code, str(error)))
        row["gates"] = list(error.gates)
        raise
    except Exception as error:
        _failed(state, row, error, (FAILED, BUG, traceback.format_exc()))
        raise
    except BaseException as error:
        row |= {"outcome": STOPPED, "error": type(error).__name__}
        raise


def _failed(state: Path, row: Row, error: Exception, how: tuple[str, int, str]) -> None:
    outcome, code, said = how
    row |= {"outcome": outcome, "error": type(error).__name__, "exit_code": code}
    with suppress(OSError):  # the disk may be full, which is what the attempt says itself
        attempts.keep_message(state, row["attempt"], said)


def _figures(summary: dict[str, Any]) -> Row:
    """What the history tells of a run that came to its end: its model, and how many people."""
    return {
        "model": {name: summary["model"][name] for name in ("name", "version")},
        "customers": summary["customers"],
        "at_risk": summary["at_risk"],
        "listed": summary["campaign"]["listed"],
        "acted_on": sum(each["customers"] for each in summary["actions"]),
    }


def tidied_after(asked: Asked, now: dt.datetime) -> tuple[list[Row], str | None]:
    """What was removed after a night that was published, and why nothing could be; the night is done either way."""
    keep = asked.config.retention
    if not keep.nightly:
        return [], None
    try:
        return tidy(Owned(asked.state, asked.base / asked.config.project.runs, now), keep), None
    except RunInProgress:  # whoever runs now tidies after it
        return [], None
    except (OSError, RunDamaged) as error:
        return [], f"{type(error).__name__}: {error}"
