"""A guessed configuration tried on the whole file: how many rows it reads, and which horizon the log speaks for."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import pyarrow.parquet as pq

from winback.config import Config, ModelChoice, Sources
from winback.facts.check.gates import Gate, days_needed
from winback.facts.check.usability import tolerant
from winback.facts.intake.ingest import Accounting, ingest
from winback.facts.labels.labels import newest
from winback.facts.labels.within import Rows
from winback.facts.windows.choice import Choice, Limits, choose
from winback.facts.windows.evidence import CANDIDATES, windows
from winback.risk.asking.readiness import training_gates
from winback.risk.asking.specs import load_spec

ORDERS = Rows("orders", "ordered_at")
FALLBACK = 30  # days: what the shipped question asks, where the log cannot tell


@dataclass(frozen=True)
class Trial:
    """What reading the file came to.

    `refused`: reasons with how many rows, the most frequent first, and the line of the first. `first` and `newest`:
    the days of the log's ends; `customers` who bought; `choice` of the horizon among those the log is long enough
    to learn, None where there is none; `horizon_days`, `active_days`: what to begin with; `gates` of that question.
    """

    accounting: Accounting
    refused: tuple[tuple[str, int, str], ...]
    first: dt.date | None = None
    newest: dt.date | None = None
    customers: int = 0
    choice: Choice | None = None
    horizon_days: int = FALLBACK
    active_days: int = FALLBACK
    gates: tuple[Gate, ...] = ()


def tried(project: Config, orders: str, now: dt.datetime) -> Trial:
    """The trial of a project's orders, which lie at this path from here; nothing is left of it."""
    zone, source = project.project.time_zone, project.sources.orders
    if source is None:
        raise ValueError("a trial reads orders, and the project has none")
    sources = tolerant(Sources(orders=replace(source, path=orders)))
    with tempfile.TemporaryDirectory(prefix="winback-") as folder:
        facts = Path(folder) / "facts"
        (count,) = ingest(sources, Path(), facts, zone, now, project.project.currency)
        trial = Trial(count, _refused(facts, count))
        return _asked(trial, facts, project) if count.accepted else trial


def _refused(facts: Path, count: Accounting) -> tuple[tuple[str, int, str], ...]:
    """Reasons by how many rows have them, each with its first row's place and sentence."""
    rows = pq.read_table(facts / "quarantine.parquet", columns=["file", "line", "reason", "detail"]).to_pandas()
    first = rows.drop_duplicates("reason").set_index("reason")
    told = first["file"] + " line " + first["line"].astype(str) + ": " + first["detail"]
    ranked = sorted(count.reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return tuple((name, rows, str(told[name])) for name, rows in ranked)


def _asked(trial: Trial, facts: Path, project: Config) -> Trial:
    """The trial with the log's ends, the horizon it speaks for, and whether that question could be learned."""
    zone = project.project.time_zone
    orders = pq.read_table(facts / "orders.parquet", columns=["customer_id", "ordered_at"])
    first = pc.min(orders["ordered_at"]).as_py().astimezone(ZoneInfo(zone)).date()
    last = newest(facts, ORDERS, zone, None)
    if last is None:
        return trial
    days = (last - first).days + 1
    choice = _choice(facts, project, days)
    horizon = (choice and choice.window_days) or FALLBACK
    active = 2 * horizon if days_needed(horizon, 2 * horizon) <= days else horizon
    asked = ModelChoice(horizon_days=horizon, active_days=active)
    when = (zone, last + dt.timedelta(days=1))
    gates = training_gates(facts, when, load_spec(asked, facts), project.cutoffs, project.gates)
    customers = len(orders["customer_id"].unique())
    return Trial(
        trial.accounting, trial.refused, first, last, customers, choice, horizon, active, tuple(gates)
    )  # fmt: skip


def _choice(facts: Path, project: Config, days: int) -> Choice | None:
    """The horizon that the silences between orders speak for, of those a log of so many days can teach."""
    gates = project.gates
    limits = Limits(customers=gates.min_customers, positives=gates.min_positives, negatives=gates.min_negatives)
    able = [window for window in CANDIDATES if days_needed(window, window) <= days]
    if not able:
        return None
    return choose(windows(facts, project.project.time_zone, None, able), limits)
