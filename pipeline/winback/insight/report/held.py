"""What a page is made of: one run's files, and what lies beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store

TABLES = ("scores", "reasons", "decisions")


@dataclass(frozen=True)
class Beside:
    """What a run does not hold itself; each may be missing.

    `metrics`: the table of `winback metrics`, up to the run's day. `lift`: metric, value, low, high, verdict, treated,
    held_out. `budgets`: budget, net_gain. `drift`: column, index, drifted. `history`: version, at, kind, reason,
    approver. `names`: actions in words by id. `movements`: how many entered, stayed and left, and the date of the list
    before.
    `labels`: features in words by name. `threshold`: from which chance on somebody is listed.
    """

    metrics: pd.DataFrame | None = None
    lift: pd.DataFrame | None = None
    budgets: pd.DataFrame | None = None
    drift: Sequence[Mapping[str, Any]] | None = None
    history: Sequence[Mapping[str, Any]] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    movements: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    threshold: float | None = None


@dataclass(frozen=True)
class Held:
    """One run as it lies in its folder: summary, model card, gate, steps, and its frames."""

    run_id: str
    date: dt.date
    summary: Mapping[str, Any]
    card: Mapping[str, Any]
    gate: Sequence[Mapping[str, Any]]
    steps: Sequence[tuple[str, dt.datetime]]
    versions: Mapping[str, str]
    frames: Mapping[str, pd.DataFrame]

    @property
    def at_risk(self) -> pd.Series:
        """The customers at risk."""
        scores = self.frames["scores"]
        return scores["customer_id"][scores["at_risk"]]


def held(run: Path) -> Held:
    """A published run, after every file of it was compared with its hash. RunDamaged where one is not as written."""
    manifest = runs.verify(run)
    frames = {name: store.read_rows(run, name) for name in TABLES}
    records = [(path.stem, path.stat().st_mtime) for path in (run / "steps").glob("*.json")]
    steps = [(name, dt.datetime.fromtimestamp(at, dt.UTC)) for name, at in sorted(records, key=lambda each: each[1])]
    return Held(
        run_id=str(manifest["run_id"]),
        date=dt.date.fromisoformat(manifest["logical_date"]),
        summary=store.read_json(run / "summary.json"),
        card=store.read_json(run / "model.json")["card"],
        gate=store.read_json(run / "publish_gate.json")["gates"],
        steps=steps,
        versions=manifest["versions"],
        frames=frames,
    )


def moved_since(run: Path, folder: Path) -> dict[str, Any] | None:
    """How many entered and left the list since the newest published run before this one; None for the first."""
    before = sorted(path.parent for path in folder.glob("*/manifest.json") if path.parent.name[:10] < run.name[:10])
    if not before:
        return None
    now, then = (_listed(path) for path in (run, before[-1]))
    counts = {"entered": len(now - then), "stayed": len(now & then), "left": len(then - now)}
    return {"date": before[-1].name[:10], **counts}


def _listed(run: Path) -> set[str]:
    scores = store.read_rows(run, "scores")
    return set(scores["customer_id"][scores["at_risk"]])
