"""Our own history of models: `<state>/promotions.jsonl`, one row an event, rows only added.

A change has two places, this file and MLflow's alias. So it is first written down as pending, then the
alias moves, then the row joins the history; whatever a kill leaves can be told apart and completed.
Writers hold the project's lock.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from winback import store

# What may happen to a version, and the alias that moves with it.
ALIASES = {
    "promoted": "champion",
    "rolled back": "champion",
    "challenger": "challenger",
    "withdrawn": "challenger",  # a challenger no more
    "passed": None,  # the gate, without being promoted
    "refused": None,  # by the gate
}


@dataclass(frozen=True)
class Version:
    """One registered model: the name and number MLflow shows, and the file that is loaded for it."""

    name: str
    version: int
    sha256: str
    run_id: str
    path: str  # of the model file, relative to the state folder, which may be moved


@dataclass(frozen=True)
class Promotion:
    """One row of the history: what happened to which version, when, why, and who said so.

    `kind` is one of ALIASES; `previous` is the version that the same alias was on before.
    """

    at: dt.datetime
    model: Version
    reason: str
    approver: str
    previous: int | None
    kind: str = "promoted"


def history(state: Path, name: str | None = None) -> list[Promotion]:
    """What happened to the versions of `name` (of every model without one), oldest first."""
    path = state / "promotions.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [_promotion(json.loads(line)) for line in lines]
    return [row for row in rows if name in (None, row.model.name)]


def reigns(rows: Sequence[Promotion]) -> list[Promotion]:
    """The rows that made a champion."""
    return [row for row in rows if ALIASES[row.kind] == "champion"]


def champions_between(rows: Sequence[Promotion], begin: dt.datetime, end: dt.datetime) -> list[Promotion]:
    """The rows of one model's champions at any moment of [begin, end), the earliest first."""
    made = [row for row in reigns(rows) if row.at < end]
    before = [row for row in made if row.at <= begin]
    return before[-1:] + [row for row in made if row.at > begin]


def challenger(rows: Sequence[Promotion]) -> Version | None:
    """The challenger that these rows of one model leave: named last, neither withdrawn nor champion since."""
    found = None
    for row in rows:
        if row.kind == "challenger":
            found = row.model
        elif found and row.model.version == found.version and row.kind != "passed":
            found = None
    return found


def before_the_last(rows: Sequence[Promotion]) -> Version | None:
    """The champion that a rollback returns to: rolled back twice, a history goes two champions back."""
    line: list[Version] = []
    for row in reigns(rows):
        if row.kind == "rolled back" and row.model in line:
            del line[line.index(row.model) :]
        line = [*(each for each in line if each != row.model), row.model]
    return line[-2] if len(line) > 1 else None


def pending(state: Path) -> Promotion | None:
    """The change that was begun and neither completed nor dropped."""
    path = state / "promotion.pending.json"
    return _promotion(store.read_json(path)) if path.exists() else None


def begin(state: Path, row: Promotion) -> None:
    """Write down what is about to happen."""
    store.write_json(state / "promotion.pending.json", _fields(row))


def end(state: Path, *, took_place: bool) -> None:
    """Nothing is pending now; when it took place, its row is the last of the history."""
    row = pending(state)
    if row and took_place:
        add(state, row)
    (state / "promotion.pending.json").unlink(missing_ok=True)


def add(state: Path, row: Promotion) -> None:
    """Make `row` the last of the history; nothing when it is already."""
    rows = history(state)
    if rows[-1:] != [row]:
        lines = [json.dumps(_fields(each), sort_keys=True) + "\n" for each in [*rows, row]]
        with store.whole_file(state / "promotions.jsonl") as temporary:
            temporary.write_text("".join(lines), "utf-8")


def _fields(row: Promotion) -> dict[str, Any]:
    """A row as it is written: flat, its time as text in UTC."""
    at = row.at.astimezone(dt.UTC).isoformat()
    rest = {"at": at, "kind": row.kind, "reason": row.reason, "approver": row.approver, "previous": row.previous}
    return {**asdict(row.model), **rest}


def _promotion(fields: dict[str, Any]) -> Promotion:
    """A row as it was written, by an older winback too, which knew promotions alone."""
    model = Version(**{key: fields[key] for key in ("name", "version", "sha256", "run_id", "path")})
    at, kind = dt.datetime.fromisoformat(fields["at"]), fields.get("kind", "promoted")
    return Promotion(at, model, fields["reason"], fields.get("approver", "not recorded"), fields["previous"], kind)
