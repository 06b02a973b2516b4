"""What a person may do with registered versions: promote, roll back, name a challenger. Nothing can be forced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from winback.errors import ModelNotBetter, ModelRefused
from winback.facts.check.gates import Gate
from winback.risk.keeping import aliases, registry
from winback.risk.keeping.file_gates import QUESTION, Asked, file_gates
from winback.risk.keeping.promotions import Promotion, Version, before_the_last, challenger, history, reigns


@dataclass(frozen=True)
class Said:
    """When a person said so, why, and who it was."""

    at: dt.datetime
    reason: str
    approver: str


def promote(state: Path, number: int, asked: Asked, said: Said) -> Version:
    """The version, now champion. It must have passed its examination, and still load and answer as it did."""
    version = registry.version_of(state, asked.spec.name, number)
    _refuse_unexamined(state, version)
    _refuse(version, file_gates(state, version, asked)[0])
    aliases.appoint(state, Promotion(said.at, version, said.reason, said.approver, None), asked.spec.trusted)
    return version


def rollback(state: Path, number: int | None, asked: Asked, said: Said) -> Version:
    """An earlier champion, champion again: that before the present one, or the one with this number."""
    rows = history(state, asked.spec.name)
    version = before_the_last(rows) if number is None else registry.version_of(state, asked.spec.name, number)
    if version is None:
        raise ModelRefused(f"no version of {asked.spec.name} was champion before the present one.")
    if version not in [row.model for row in reigns(rows)]:
        raise ModelRefused(f"version {number} of {asked.spec.name} never was champion; promote it instead.")
    _refuse(version, file_gates(state, version, asked)[0])
    aliases.appoint(
        state, Promotion(said.at, version, said.reason, said.approver, None, "rolled back"), asked.spec.trusted
    )
    return version


def challenge(state: Path, number: int, asked: Asked, said: Said) -> Version:
    """The version, now challenger: scored beside the champion every night, and nobody is listed for it.

    Its recipe may be another, and the gate may have refused it, but not the question that it answers.
    """
    version = registry.version_of(state, asked.spec.name, number)
    if [row.model for row in reigns(history(state, version.name))][-1:] == [version]:
        raise ModelRefused(f"version {number} of {version.name} is the champion; it cannot challenge itself.")
    gates, model = file_gates(state, version, asked)
    _refuse(version, [gate for gate in gates if gate.name != "question"])
    question = asked.spec.as_dict()
    if model and (odd := [key for key in QUESTION if model.card_["spec"].get(key) != question[key]]):
        raise ModelRefused(f"version {number} of {asked.spec.name} answers another question: {', '.join(odd)} differ.")
    aliases.appoint(
        state, Promotion(said.at, version, said.reason, said.approver, None, "challenger"), asked.spec.trusted
    )
    return version


def withdraw(state: Path, name: str, said: Said) -> Version:
    """The version that was challenger and is no more."""
    version = challenger(history(state, name))
    if version is None:
        raise ModelRefused(f"no version of {name} is challenger.")
    aliases.appoint(state, Promotion(said.at, version, said.reason, said.approver, None, "withdrawn"))
    return version


def _refuse_unexamined(state: Path, version: Version) -> None:
    """ModelNotBetter for a version that its gates refused last, or that never came before them."""
    rows = [row for row in history(state, version.name) if row.model == version]
    verdicts = [row for row in rows if row.kind in ("passed", "refused", "promoted")]
    if not verdicts:
        raise ModelNotBetter(
            f"version {version.version} of {version.name} was never examined, so it cannot be promoted: its training "
            "was cut short. Train again: an equal model gets the same number."
        )
    if verdicts[-1].kind == "refused":
        raise ModelNotBetter(
            f"version {version.version} of {version.name} cannot be promoted: on {verdicts[-1].at:%Y-%m-%d} it was "
            f"{verdicts[-1].reason}. `winback models card {version.version}` says why."
        )


def _refuse(version: Version, gates: Sequence[Gate]) -> None:
    """ModelRefused with the sentence of each gate that refuses."""
    if refusals := [gate.refusal for gate in gates if gate.refusal]:
        raise ModelRefused(f"version {version.version} of {version.name} is refused:\n  " + "\n  ".join(refusals))
