"""One run for one date: the stages in order, from raw files to a published list.

Each stage is a step of the run: it is skipped when its files are there and as they were written, so a
killed run is finished by running again. Nothing here reads a clock: `today` and `received_at` come
from the caller.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store
from winback.campaigns.assign import assignments
from winback.campaigns.people_file import at_risk_list, write_people_file
from winback.config import Config, shipped
from winback.facts import declared
from winback.facts.contacts import days_since_last_contact
from winback.facts.declared import Feature
from winback.facts.features import features_at
from winback.facts.ingest import ingest
from winback.facts.labels import oldest_order, refuse_silence
from winback.facts.sources import fingerprint
from winback.insight.summary import summarise
from winback.offers.catalogue import Action, load_catalogue
from winback.offers.decide import Limits, decide
from winback.offers.value import margin_at_stake
from winback.risk import registry
from winback.risk.dataset import plan_cutoffs, rows_at
from winback.risk.estimator import ChurnClassifier
from winback.risk.promotions import Version
from winback.risk.reasons import reasons_for
from winback.risk.score import score
from winback.risk.specs import Spec, load_spec
from winback.risk.train import champion_for, enrol, features_of, refuse_lost_features, train

STAGES = ("ingest", "model", "scores", "reasons", "decisions", "list", "publish")
FACTS_OF_PEOPLE = (
    "days_since_last_order",
    "days_since_first_order",
    "orders_90d",
    "orders_total",
    "spend_90d",
    "spend_per_week",
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """All that one run is made from."""

    config: Config
    base: Path
    today: dt.date
    received_at: dt.datetime
    spec: Spec
    actions: tuple[Action, ...]
    inputs: dict[str, str]

    @property
    def state(self) -> Path:
        """The folder of what winback keeps between runs."""
        return self.base / self.config.project.state

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.base / self.config.project.runs

    @property
    def zone(self) -> str:
        """The business's time zone."""
        return self.config.project.time_zone

    @property
    def settings(self) -> str:
        """The SHA-256 of config, spec and catalogue."""
        return _digest([asdict(self.config), self.spec.as_dict(), [asdict(a) for a in self.actions]])

    @property
    def run_id(self) -> str:
        """The name of this run: equal for equal date, settings and inputs."""
        return runs.run_id(self.today, self.settings, self.inputs)

    @property
    def facts(self) -> Path:
        """The folder of the ingested tables: equal for equal sources and inputs."""
        made_from = [asdict(self.config.sources), self.zone, self.inputs]
        return self.state / "facts" / _digest(made_from)[:12]


def prepare(config: Config, base: Path, today: dt.date, received_at: dt.datetime) -> Job:
    """The job of a date: spec and catalogue read and checked, inputs fingerprinted."""
    catalogue = shipped("configs", config.offers.catalogue, base)
    drivers = {f.driver for f in declared.builtin()}
    spec, actions = load_spec(config.model, base), load_catalogue(catalogue, drivers)
    return Job(config, base, today, received_at, spec, actions, fingerprint(config.sources, base))


def run(job: Job, say: Say) -> tuple[dict[str, Any], bool]:
    """The summary of the run, and whether this call did anything: a published run is left as it is."""
    with runs.project_lock(job.state):
        folder = job.runs / job.run_id
        if runs.is_published(job.runs, job.run_id):
            return store.read_json(folder / "summary.json"), False
        for place in (job.runs, job.state):
            runs.sweep(place)
        registry.settle(job.state)
        accounting = _ingest(job, say)
        version, model = _model(job, folder, say)
        _score(job, folder, version, model, say)
        _decide(job, folder, say)
        summary = _list(job, folder, accounting, say)
        say("publish")
        runs.publish(job.runs, job.run_id, _manifest(job, version, accounting))
        return summary, True


def _ingest(job: Job, say: Say) -> list[dict[str, Any]]:
    """The row accounting of every source, whose tables lie in the facts folder."""
    say("ingest")

    def make() -> dict[str, Any]:
        rows = ingest(job.config.sources, job.base, job.facts, job.zone, job.received_at)
        return {"accounting": [asdict(a) for a in rows]}

    accounting: list[dict[str, Any]] = runs.step(job.facts, "ingest", make, _tables(job.config))["accounting"]
    return accounting


def _tables(config: Config) -> list[str]:
    tables = [*config.sources.given(), "quarantine"]
    if "category" in config.sources.orders.columns:
        tables.append("order_categories")
    return [f"{table}.parquet" for table in tables]


def offered_features(config: Config) -> tuple[Feature, ...]:
    """The declared features that the configured sources can give."""
    orders = config.sources.orders
    at_hand = {"orders"} | set(config.sources.given())
    at_hand |= {"orders.discount"} if "discount" in orders.columns else set()
    at_hand |= {"order_categories"} if "category" in orders.columns else set()
    at_hand |= {"orders.lines"} if orders.grain == "line" else set()
    return declared.available(at_hand)


def _model(job: Job, folder: Path, say: Say) -> tuple[Version, ChurnClassifier]:
    """The champion, trained first where there is none for this question."""
    say("model")
    refuse_silence(job.facts, job.zone, job.today)
    if (found := champion_for(job.state, job.spec, job.today)) is None:
        history_starts = oldest_order(job.facts, job.zone)
        plan = plan_cutoffs(job.config.cutoffs, job.spec.horizon_days, history_starts, job.today)
        ask = (job.spec, offered_features(job.config))
        model = train(job.facts, plan, job.zone, job.today, ask)
        made_from = {
            "inputs": job.inputs,
            "settings": job.settings,
            "today": job.today,
            "versions": runs.versions(),
        }
        found = enrol(job.state, model, made_from, job.received_at), model
    version, model = found
    refuse_lost_features(version, model, offered_features(job.config))

    def make() -> dict[str, Any]:
        card = {
            "name": version.name,
            "version": version.version,
            "sha256": version.sha256,
            "card": model.card_,
        }
        store.write_json(folder / "model.json", card)
        return {"version": version.version}

    runs.step(folder, "model", make, ["model.json"], given=version.sha256)
    return version, model


def _score(job: Job, folder: Path, version: Version, model: ChurnClassifier, say: Say) -> None:
    """scores.parquet and reasons.parquet of the cohort of today."""
    features = features_of(model)

    def rows() -> pd.DataFrame:
        return rows_at(job.facts, [job.today], job.zone, features, job.spec.active_days)

    def make_scores() -> dict[str, Any]:
        scores = score(model, rows(), features, job.config.offers.at_risk_probability)
        store.write_table(folder / "scores.parquet", scores.assign(model_version=str(version.version)))
        return {"customers": len(scores), "at_risk": int(scores["at_risk"].sum())}

    def make_reasons() -> dict[str, Any]:
        scores = store.read_table(folder / "scores.parquet").to_pandas()
        scored = rows().assign(probability=scores["probability"])
        store.write_table(folder / "reasons.parquet", reasons_for(model, scored, features))
        return {}

    say("scores")
    runs.step(folder, "scores", make_scores, ["scores.parquet"], after=["model"])
    say("reasons")
    runs.step(folder, "reasons", make_reasons, ["reasons.parquet"], after=["scores"])


def _decide(job: Job, folder: Path, say: Say) -> None:
    """assignments.parquet, drawn before anything is decided, and decisions.parquet."""

    def make() -> dict[str, Any]:
        offers = job.config.offers
        scores = store.read_table(folder / "scores.parquet").to_pandas()
        arms = assignments(scores, offers.holdout_share, offers.holdout_key)
        store.write_table(folder / "assignments.parquet", arms)
        customers = _candidates(job, scores, arms)
        reasons = store.read_table(folder / "reasons.parquet").to_pandas()
        limits = Limits(offers.budget, offers.min_net_gain, offers.cooldown_days)
        decisions = decide(customers, reasons, job.actions, limits)
        store.write_table(folder / "decisions.parquet", decisions)
        return {"net_gain_bound": decisions.attrs["net_gain_bound"]}

    say("decisions")
    files = ["assignments.parquet", "decisions.parquet"]
    runs.step(folder, "decisions", make, files, after=["scores", "reasons"])


def _candidates(job: Job, scores: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """The scored customers with what a decision weighs: value, basket, last contact, hold-out."""
    people = _facts_of_people(job).set_index("customer_id").loc[scores["customer_id"]].reset_index()
    offers = job.config.offers
    since = days_since_last_contact(job.facts, job.today, job.zone)
    held_out = scores["customer_id"].map(arms.set_index("customer_id")["arm"]) == "held_out"
    stake = margin_at_stake(
        people["spend_total"], people["days_since_first_order"], offers.margin_rate, offers.value_days
    )
    return scores[["customer_id", "cutoff", "probability", "at_risk"]].assign(
        held_out=held_out.to_numpy(),
        margin_at_stake=stake.to_numpy(),
        average_basket=(people["spend_total"] / people["orders_total"]).to_numpy(),
        days_since_last_contact=people["customer_id"].map(since).to_numpy(dtype="float64"),
    )


def _facts_of_people(job: Job) -> pd.DataFrame:
    """One row a customer of today: last order, orders and spend, for decisions and for the list."""
    features = declared.named(FACTS_OF_PEOPLE)
    people = features_at(job.facts, [job.today], job.zone, features)
    since = pd.to_timedelta((people["days_since_last_order"] * 86_400_000_000).round(), unit="us")
    weeks = people["days_since_first_order"].clip(lower=7) / 7
    return people.assign(
        last_order_at=(people["cutoff"] - since).dt.tz_convert(job.zone),
        spend_total=(people["spend_per_week"] * weeks).round(2),
    )


def _list(job: Job, folder: Path, accounting: list[dict[str, Any]], say: Say) -> dict[str, Any]:
    """at_risk.csv for people, and the run's summary."""

    def make() -> dict[str, Any]:
        frames = {n: store.read_table(folder / f"{n}.parquet").to_pandas() for n in ("scores", "reasons", "decisions")}
        people = _facts_of_people(job)
        names = {a.id: a for a in job.actions}
        listed = at_risk_list(frames["scores"], frames["reasons"], frames["decisions"], people, names)
        write_people_file(folder / "at_risk.csv", listed)
        told = {"run_id": job.run_id, "today": job.today.isoformat(), "currency": job.config.project.currency}
        model = store.read_json(folder / "model.json")
        store.write_json(folder / "summary.json", summarise(told, frames, model, accounting, names))
        return {"listed": len(listed)}

    say("list")
    runs.step(folder, "list", make, ["at_risk.csv", "summary.json"], after=["decisions", "model"])
    summary: dict[str, Any] = store.read_json(folder / "summary.json")
    return summary


def _manifest(job: Job, version: Version, accounting: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "logical_date": job.today.isoformat(),
        "inputs": job.inputs,
        "settings_sha256": job.settings,
        "facts": job.facts.name,
        "model": {"name": version.name, "version": version.version, "sha256": version.sha256},
        "accounting": accounting,
    }


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
