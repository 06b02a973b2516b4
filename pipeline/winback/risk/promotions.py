"""Our own history of champions: `<state>/promotions.jsonl`, one row a promotion, rows only added.

A promotion has two places to change, this file and MLflow's alias. So it is first written down as
pending, then the alias moves, then the row joins the history; whatever a kill leaves can be told
apart and completed. Writers hold the project's lock.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from winback import store


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
    """One row of the history: which version became champion, when, why, and who said so."""

    at: dt.datetime
    model: Version
    reason: str
    approver: str
    previous: int | None


def history(state: Path, name: str | None = None) -> list[Promotion]:
    """The promotions of `name` (of every model without one), oldest first."""
    path = state / "promotions.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [_promotion(json.loads(line)) for line in lines]
    return [row for row in rows if name in (None, row.model.name)]


def pending(state: Path) -> Promotion | None:
    """The promotion that was begun and neither completed nor dropped."""
    path = state / "promotion.pending.json"
    return _promotion(store.read_json(path)) if path.exists() else None


def begin(state: Path, row: Promotion) -> None:
    """Write down what is about to happen."""
    store.write_json(state / "promotion.pending.json", _fields(row))


def end(state: Path, *, took_place: bool) -> None:
    """Nothing is pending now; when it took place, its row is the last of the history."""
    row, rows = pending(state), history(state)
    if row and took_place and rows[-1:] != [row]:
        lines = [json.dumps(_fields(each), sort_keys=True) + "\n" for each in [*rows, row]]
        with store.whole_file(state / "promotions.jsonl") as temporary:
            temporary.write_text("".join(lines), "utf-8")
    (state / "promotion.pending.json").unlink(missing_ok=True)


def _fields(row: Promotion) -> dict[str, Any]:
    """A row as it is written: flat, its time as text in UTC."""
    rest = {"at": row.at.astimezone(dt.UTC).isoformat(), "reason": row.reason, "approver": row.approver}
    return {**asdict(row.model), **rest, "previous": row.previous}


def _promotion(fields: dict[str, Any]) -> Promotion:
    model = Version(**{key: fields[key] for key in ("name", "version", "sha256", "run_id", "path")})
    at = dt.datetime.fromisoformat(fields["at"])
    return Promotion(at, model, fields["reason"], fields["approver"], fields["previous"])
