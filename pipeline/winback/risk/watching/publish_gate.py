"""The gate before any list: a run is published when it is whole and like what its model learned from."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store
from winback.config import Offers
from winback.errors import PublishRefused, RunDamaged
from winback.facts.check.gates import Gate
from winback.limits import Publish
from winback.risk.watching.publish_features import feature_gates
from winback.risk.watching.publish_list import Made, list_gates
from winback.risk.watching.publish_scores import Scored, row_gates, score_gates

MOST_DAYS_SINCE = 31  # a list of longer ago says little of what tonight's should be like
LIST_HEADERS = ("customer_id", "chance_to_leave_percent")
QUESTION = ("name", "horizon_days", "active_days")


@dataclass(frozen=True)
class Terms:
    """What a run is held to: the business's zone and settings, the champion's version, which features are clocks.

    `headers`: how the list calls the customer and the chance in percent, its first two columns.
    """

    zone: str
    offers: Offers
    publish: Publish
    version: int
    clocks: Collection[str]
    headers: tuple[str, str] = LIST_HEADERS


def publish_gates(now: Scored, results: Made, before: Scored | None, terms: Terms) -> Iterator[Gate]:
    """Every gate; where there is not one sound row a customer, nothing else is asked."""
    first = list(row_gates(now, terms.zone, str(terms.version)))
    yield from first
    if not all(each.passed for each in first):
        return
    yield from score_gates(now, before, terms.offers.at_risk_probability, terms.publish)
    yield from feature_gates(now, before, terms.clocks, terms.publish)
    yield from list_gates(now, results, terms.offers.budget)


def refuse(gates: Sequence[Gate], today: dt.date) -> None:
    """PublishRefused with the sentence of each gate that refuses; nothing when all are passed."""
    if refusals := [each.refusal for each in gates if each.refusal]:
        raise PublishRefused(
            f"the list for {today} is not published: {len(refusals)} of {len(gates)} gates refuse it. The list before "
            "stays.\n" + "\n".join(refusals) + "\nMend the data and run again; where this is how the business is now, "
            "train again or set the limits in [publish]. publish_gate.json of the run holds every gate.",
            [each.name for each in gates if each.refusal],
        )


def guard(folder: Path, today: dt.date, terms: Terms, as_written: Callable[[str], str]) -> dict[str, Any]:
    """What all gates of a finished run say, written to its publish_gate.json; PublishRefused where one refuses.

    It is compared with the last published run of the same question. `as_written`: how the list writes an id.
    """
    now, before = scored(folder, today), last_published(folder.parent, folder.name, today)
    gates = list(publish_gates(now, made(folder, as_written, terms.headers), before, terms))
    compared = str(before.today) if before else None
    told = {"compared_with": compared, "gates": [{**asdict(each), "passed": each.passed} for each in gates]}
    store.write_json(folder / "publish_gate.json", told)
    refuse(gates, today)
    return {"gates": len(gates), "compared_with": compared}


def scored(folder: Path, today: dt.date) -> Scored:
    """The features and scores of a run."""
    return Scored(
        today,
        store.read_rows(folder, "features"),
        store.read_rows(folder, "scores"),
        store.read_json(folder / "model.json"),
    )


def last_published(folder: Path, run_id: str, today: dt.date) -> Scored | None:
    """The newest run that was published for an earlier day, not long ago, and answers the same question."""
    question = _question(store.read_json(folder / run_id / "model.json"))
    for path in reversed(published(folder)):
        day = dt.date.fromisoformat(store.read_json(path / "manifest.json")["logical_date"])
        near = dt.timedelta() < today - day <= dt.timedelta(days=MOST_DAYS_SINCE)
        if near and _whole(path) and _question(store.read_json(path / "model.json")) == question:
            return scored(path, day)
    return None


def published(folder: Path) -> list[Path]:
    """The folders of the runs that were published, by date; the pointer to the current one is none."""
    return sorted(path.parent for path in folder.glob("*/manifest.json") if not path.parent.is_symlink())


def _whole(folder: Path) -> bool:
    """Whether a run is as it was published; with one that was damaged since, nothing is compared."""
    try:
        runs.verify(folder)
    except RunDamaged:
        return False
    return True


def _question(model: dict[str, Any]) -> list[Any]:
    return [model["card"]["spec"][key] for key in QUESTION]


def made(folder: Path, as_written: Callable[[str], str], headers: tuple[str, str] = LIST_HEADERS) -> Made:
    """What a run made of its scores."""
    reasons, assignments, decisions = (
        store.read_rows(folder, name) for name in ("reasons", "assignments", "decisions")
    )
    return Made(reasons, assignments, decisions, _listed(folder / "at_risk.csv", headers), as_written)


def _listed(path: Path, headers: tuple[str, str]) -> pd.DataFrame | None:
    """The rows of the list as text; None where the file does not end as it should or a row has other columns."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    rows = list(csv.reader(text.splitlines(keepends=True))) if text.endswith("\n") else []
    if not rows or any(len(row) != len(rows[0]) for row in rows) or tuple(rows[0][:2]) != headers:
        return None
    return pd.DataFrame(rows[1:], columns=[*LIST_HEADERS, *rows[0][2:]], dtype="str")
