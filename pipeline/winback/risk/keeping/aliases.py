"""Which version is champion and which is challenger: MLflow's aliases and our history, moved together.

What is loaded is decided by our history, which holds the SHA-256 of every champion: an alias that was
moved elsewhere is refused, not believed. Writers hold the project's lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from winback.errors import ModelRefused
from winback.risk.keeping import promotions, registry
from winback.risk.keeping.promotions import ALIASES, Promotion, Version, challenger, history, reigns


def appoint(state: Path, row: Promotion, trusted: tuple[str, ...] = ()) -> None:
    """Move the alias that goes with `row.kind` and add the row to our history; `previous` is filled in here.

    Nothing when the alias is there already. The version must load, unless it is withdrawn. A kill in
    between leaves the old state or the new one, and the next change completes the history.
    """
    if row.at.tzinfo is None:
        raise ValueError(f"`at` needs a time zone, came: {row.at!r}")
    version, alias = row.model, ALIASES[row.kind]
    if alias is None:
        raise ValueError(f"{row.kind!r} moves no alias; use promotions.add")
    with registry.opened(state, version.name) as client:
        _settle(client, state)
        previous = _holder(state, version.name, alias)
        wanted = None if row.kind == "withdrawn" else version
        if previous == wanted and _alias(client, version.name, alias) == (wanted and wanted.version):
            return
        if wanted:
            registry.load_version(state, wanted, trusted)
        before = previous.version if previous else None
        promotions.begin(state, Promotion(row.at, version, row.reason, row.approver, before, row.kind))
        _move(client, version, row.kind)
        _settle(client, state)


def _holder(state: Path, name: str, alias: str) -> Version | None:
    """Whom our history has an alias on."""
    rows = history(state, name)
    if alias == "challenger":
        return challenger(rows)
    return next((row.model for row in reversed(reigns(rows))), None)


def _move(client: Any, version: Version, kind: str) -> None:
    """Tell MLflow; a challenger that became champion is no challenger any more."""
    if kind == "withdrawn":
        client.delete_registered_model_alias(version.name, "challenger")
        return
    client.set_registered_model_alias(version.name, ALIASES[kind], str(version.version))
    if ALIASES[kind] == "champion" and _alias(client, version.name, "challenger") == version.version:
        client.delete_registered_model_alias(version.name, "challenger")


def settle(state: Path) -> None:
    """Complete or drop the change that a killed process left pending."""
    if row := promotions.pending(state):
        with registry.opened(state, row.model.name) as client:
            _settle(client, state)


def _settle(client: Any, state: Path) -> None:
    """Complete the change that is pending if its alias was moved, else drop it."""
    if row := promotions.pending(state):
        found = _alias(client, row.model.name, str(ALIASES[row.kind]))
        wanted = None if row.kind == "withdrawn" else row.model.version
        promotions.end(state, took_place=found == wanted)


def _alias(client: Any, name: str, alias: str) -> int | None:
    """The version that one of MLflow's aliases is on."""
    models = client.search_registered_models(f"name='{name}'")
    version = models[0].aliases.get(alias) if models else None
    return None if version is None else int(version)


def champion(state: Path, name: str) -> Version | None:
    """The version that scores; None before the first promotion.

    ModelRefused when MLflow's alias is on a version that our history did not put it on.
    """
    rows, row = reigns(history(state, name)), promotions.pending(state)
    if not rows and not (state / "mlflow.db").exists():
        return None
    with registry.opened(state, name) as client:
        alias = _alias(client, name, "champion")
    ours = rows[-1:] + (reigns([row]) if row and row.model.name == name else [])
    for promotion in ours:
        if promotion.model.version == alias:
            return promotion.model
    if alias is None and not rows:
        return None
    raise ModelRefused(_in_doubt(state, name, alias, rows[-1:]))


def _in_doubt(state: Path, name: str, alias: int | None, last: list[Promotion]) -> str:
    said = f"version {last[0].model.version} at {last[0].at:%Y-%m-%d %H:%M} UTC" if last else "nothing"
    return (
        f"which {name} is the champion is in doubt: MLflow's alias is on "
        f"{'no version' if alias is None else f'version {alias}'}, but {state / 'promotions.jsonl'} says "
        f"that {said} was promoted last. The alias was moved outside winback: move it back there, or train anew "
        "in another state folder ([project] state)."
    )
