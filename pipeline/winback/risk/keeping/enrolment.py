"""The promotion gate: a candidate is registered, asked all that a champion must answer, and promoted or refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from winback import runs
from winback.errors import ModelNotBetter
from winback.facts.check.gates import Gate
from winback.risk.asking.specs import spec_of
from winback.risk.examining.card import card_markdown
from winback.risk.examining.plots import NOT_MADE, pictures
from winback.risk.keeping import aliases, promotions, registry
from winback.risk.keeping.file_gates import Asked, file_gates
from winback.risk.keeping.golden import golden_rows
from winback.risk.keeping.promotions import Promotion, Version
from winback.risk.keeping.rivals import Comparison, against_champion
from winback.risk.keeping.score_gates import score_gates
from winback.risk.learning.candidate import Candidate

GATES = "gates of the spec"


def enrol(
    state: Path,
    candidate: Candidate,
    made_from: dict[str, Any],
    asked: Asked,
    at: dt.datetime,
    *,
    promote: bool = True,
) -> Version:
    """The registered version of a candidate, now the champion of its spec's name.

    ModelNotBetter where a gate refuses it; it is registered all the same, with the gates' report, to be
    looked at. `made_from` is all that the training was made from; equal means equal version. Without
    `promote` it waits to be promoted by hand.
    """
    version, gates = submit(state, candidate, made_from, asked)
    refusals = [gate.refusal for gate in gates if gate.refusal]
    if refusals:
        names = ", ".join(gate.name for gate in gates if gate.refusal)
        _note(state, Promotion(at, version, f"refused by: {names}", GATES, None, "refused"))
        raise ModelNotBetter(
            f"version {version.version} of {version.name} was registered but not promoted, for {len(refusals)} of "
            f"{len(gates)} gates refuse it:\n" + "\n".join(f"  {refusal}" for refusal in refusals)
        )
    gain = min(q.auc_gain for q in candidate.figures)
    passed = Promotion(at, version, f"AUC at least {gain:+.3f} above the best single rule", GATES, None)
    if promote:
        aliases.appoint(state, passed, asked.spec.trusted)
    else:
        _note(state, replace(passed, kind="passed"))
    return version


def _note(state: Path, row: Promotion) -> None:
    """Add a row that moves no alias, once a version and kind."""
    known = [(r.model, r.kind) for r in promotions.history(state, row.model.name)]
    if (row.model, row.kind) not in known:
        promotions.add(state, row)


def submit(state: Path, candidate: Candidate, made_from: dict[str, Any], asked: Asked) -> tuple[Version, list[Gate]]:
    """The candidate's registered version, and what each gate says of it; the report lies beside it."""
    model = candidate.model
    model.golden_ = golden_rows(model, candidate.examined)
    version = registry.register(state, model.card_["spec"]["name"], model, _record(candidate, made_from))
    gates, comparison = promotion_gates(state, version, candidate, asked)
    report = {
        "passed": all(gate.passed for gate in gates),
        "gates": [asdict(gate) | {"passed": gate.passed} for gate in gates],
        "champion": comparison.as_dict() if comparison else None,
    }
    told = "passed" if report["passed"] else "refused"
    registry.attach(state, version, {"gates.json": json.dumps(report, indent=2)}, {"gates": told})
    return version, gates


def _record(candidate: Candidate, made_from: dict[str, Any]) -> registry.ModelRecord:
    """What is written down about a candidate."""
    card, drawn = candidate.model.card_, pictures(candidate.model, candidate.examined)
    told = json.dumps(made_from, sort_keys=True, default=str, indent=2)
    asked = {"spec": card["spec"], "today": card["today"], "rows": card["rows"]}
    return registry.ModelRecord(
        params={**asked, "versions": runs.versions()},
        metrics=_metrics(card["quality"]),
        tags={
            "training_key": _sha256(told),
            "inputs_sha256": _sha256(json.dumps(made_from.get("inputs"), sort_keys=True, default=str)),
            "installed_sha256": _sha256(_installed()),
            "plots": ", ".join(drawn) or NOT_MADE,
            "mlflow.source.name": "winback",
        },
        artifacts={
            "card.json": json.dumps(card, indent=2),
            **({"card.md": card_markdown(card | {"made_from": made_from})} if "examination" in card else {}),
            "spec.json": json.dumps(card["spec"], indent=2),
            "made_from.json": told,
            "installed.txt": _installed(),
            **drawn,
        },
        features=tuple(str(name) for name in candidate.model.feature_names_in_),
        trusted=spec_of(candidate.model).trusted,
    )


def _metrics(quality: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of each held-out cutoff under its date, and their means under their own names, to compare runs by."""
    told = {q["cutoff"]: {k: v for k, v in q.items() if isinstance(v, float)} for q in quality}
    means = {name: float(np.mean([q[name] for q in told.values()])) for name in next(iter(told.values()), {})}
    return {**means, **told}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _installed() -> str:
    """What is installed here, a line a distribution, as a lock would say it."""
    found = {f"{each.name}=={each.version}" for each in metadata.distributions()}
    return "\n".join(sorted(found, key=str.lower)) + "\n"


def promotion_gates(
    state: Path, version: Version, candidate: Candidate, asked: Asked
) -> tuple[list[Gate], Comparison | None]:
    """What every gate says of a candidate, and its comparison with the champion.

    A file that is refused is asked nothing more, nor is a model whose scores are none.
    """
    gates, model = file_gates(state, version, asked)
    if model is None or not all(gate.passed for gate in gates):
        return gates, None
    refitted = model.predict_proba(candidate.examined[list(model.feature_names_in_)])[:, 1]
    scored = list(score_gates(candidate, refitted.astype(np.float64), asked.spec.gates))
    if not all(gate.passed for gate in scored[:2]):
        return [*gates, *scored], None
    against, comparison = against_champion(state, candidate, asked.offered)
    return [*gates, *scored, against], comparison
