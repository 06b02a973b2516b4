"""What is written down about the registered versions, as plain values to be shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from winback import runs, store
from winback.errors import ModelRefused
from winback.risk.keeping import promotions, registry
from winback.risk.keeping.promotions import Promotion, Version

Row = dict[str, Any]
FIGURES = ("auc", "log_loss", "rule_auc", "average_precision", "brier", "calibration_slope", "top_decile_lift")


def row_of(row: Promotion) -> Row:
    """One row of the history as plain values."""
    told = {"at": row.at.isoformat(), "kind": row.kind, "version": row.model.version, "sha256": row.model.sha256}
    return {**told, "reason": row.reason, "approver": row.approver, "previous": row.previous}


def version_rows(state: Path, name: str) -> list[Row]:
    """One row a registered version, newest first: rank, gates, and the means of its figures over its hold-outs."""
    rows = promotions.history(state, name)
    reigns, challenger = promotions.reigns(rows), promotions.challenger(rows)
    ranks = {reigns[-1].model.version: "champion"} if reigns else {}
    ranks |= {challenger.version: "challenger"} if challenger else {}
    return [_version_row(state, version, ranks.get(version.version)) for version in registry.versions(state, name)]


def _version_row(state: Path, version: Version, rank: str | None) -> Row:
    card, gates = _read(state, version, "card.json"), _read(state, version, "gates.json")
    told = {"version": version.version, "rank": rank, "sha256": version.sha256, "trained_for": card.get("today")}
    passed = gates.get("passed")
    return {**told, "gates": None if passed is None else "passed" if passed else "refused", **_means(card)}


def _read(state: Path, version: Version, file: str) -> Row:
    text = registry.artifact(state, version, file)
    return {} if text is None else dict(json.loads(text))


def _means(card: Row) -> Row:
    """The plain means over the held-out cutoffs."""
    figures = card.get("quality", [])
    found = {key: [q[key] for q in figures if isinstance(q.get(key), int | float)] for key in FIGURES}
    return {key: sum(values) / len(values) if values else None for key, values in found.items()}


def comparison(state: Path, name: str, numbers: Sequence[int], runs_folder: Path) -> Row:
    """Two versions: the figures of each, the interval of their examination on the same rows, shadow scores."""
    rows = promotions.history(state, name)
    if not numbers:
        reigns, challenger = promotions.reigns(rows), promotions.challenger(rows)
        if not (reigns and challenger):
            raise ModelRefused(f"{name} has no {'challenger' if reigns else 'champion'} to compare; name two versions.")
        numbers = reigns[-1].model.version, challenger.version
    one, other = (registry.version_of(state, name, number) for number in numbers)
    return {
        "name": name,
        "versions": [_version_row(state, version, None) for version in (one, other)],
        "same_rows": _paired(state, one, other),
        "shadow": _shadow(runs_folder, {one.version, other.version}),
    }


def _paired(state: Path, one: Version, other: Version) -> Row | None:
    """The comparison that was recorded when the one was examined against the other: candidate minus champion."""
    for candidate, champion in ((other, one), (one, other)):
        found = _read(state, candidate, "gates.json").get("champion")
        if found and found["version"] == champion.version:
            return {"candidate": candidate.version, "champion": champion.version, **found}
    return None


def _shadow(folder: Path, numbers: set[int]) -> Row | None:
    """What the published run's step says of champion and challenger, if these are the two."""
    current = runs.current(folder)
    if current is None or not (current / "steps" / "shadow.json").is_file():
        return None
    champion = store.read_json(current / "model.json")["version"]
    told = store.read_json(current / "steps" / "shadow.json")["result"]
    if {champion, told["version"]} != numbers:
        return None
    return {"run_id": current.name, "champion": champion, "challenger": told["version"], **told}


def card_of(state: Path, name: str, number: int | None) -> Row:
    """All that was written down about a version; by default the champion."""
    rows = promotions.history(state, name)
    reigns = promotions.reigns(rows)
    if number is None and not reigns:
        raise ModelRefused(f"{name} has no champion yet; `winback run` trains one.")
    version = reigns[-1].model if number is None else registry.version_of(state, name, number)
    happened = [row_of(row) for row in rows if row.model == version]
    files = {file.removesuffix(".json"): _read(state, version, file) for file in ("card.json", "gates.json")}
    text = registry.artifact(state, version, "card.md")
    return {
        "name": name,
        "version": version.version,
        "sha256": version.sha256,
        "history": happened,
        **files,
        "text": text,
    }
