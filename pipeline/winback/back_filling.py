"""Nights of the past made up for, the earliest first, each from what was recorded before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from winback import runs
from winback.attempting import ALREADY, BUSY, Asked
from winback.attempts import Row
from winback.errors import RunDamaged

Try = Callable[[Asked], Row]


def dates(first: dt.date, last: dt.date, every: int = 1) -> list[dt.date]:
    """The dates from `first` to `last`, both included, `every` so many days.

    >>> [str(day) for day in dates(dt.date(2026, 1, 30), dt.date(2026, 2, 14), 7)]
    ['2026-01-30', '2026-02-06', '2026-02-13']
    """
    return [first + dt.timedelta(days=n) for n in range(0, (last - first).days + 1, every)]


def back_filled(asked: Asked, days: list[dt.date], tried: Try, *, keep_going: bool = False) -> Iterator[Row]:
    """One row a date, in order, as the history has it: logical_date, outcome, run_id and what belongs to it.

    `tried` makes an attempt and gives its row, also of one that failed (`exit_code`).
    A date that a run was published for is left as it is (`already_published`), whatever its inputs were. Ends after
    the first that fails, or, with `keep_going`, goes on; after one that found another run at work it always ends. No
    campaign is launched, no list changes and `runs/current` stays: nobody is contacted by a list of the past.
    """
    for day in days:
        row = _there(asked.base / asked.config.project.runs, day) or tried(replace(asked, today=day, back_fill=True))
        yield row
        if row["outcome"] == BUSY or (row.get("exit_code") and not keep_going):
            return


def _there(folder: Path, day: dt.date) -> dict[str, Any] | None:
    """The row of a date that has a whole published run; of several the one that is current, else the last by name."""
    found = [path.parent for path in sorted(folder.glob(f"{day}-*/manifest.json")) if _is_whole(path.parent)]
    if not found:
        return None
    current = runs.current(folder)
    path = current if current in found else found[-1]
    told = {"logical_date": day.isoformat(), "run_id": path.name if path else "", "exit_code": 0}
    return {**told, "outcome": ALREADY, "back_fill": bool(runs.verify(path).get("back_fill")) if path else False}


def _is_whole(folder: Path) -> bool:
    try:
        runs.verify(folder)
    except RunDamaged:
        return False
    return True
