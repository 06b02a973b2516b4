"""One run for one date: the stages in order, from raw files to a published list.

Each stage is a step of the run: it is skipped when its files are there and as they were written, so a
killed run is finished by running again. Nothing here reads a clock: `today` and `received_at` come
from the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store
from winback.campaigns.assign import assignments
from winback.campaigns.people_file import at_risk_list
from winback.errors import ConfigError, FeatureMismatch, ModelRefused
from winback.facts.features import declared
from winback.facts.labels.contacts import days_since_last_contact
from winback.insight.summary import summarise
from winback.jobs import Job
from winback.offers.decide import Limits, decide
from winback.offers.value import margin_at_stake
from winback.people_text import safe_text, write_people_file
from winback.permitting import unasked
from winback.risk.asking.dataset import Ask, rows_at
from winback.risk.asking.stages import READ_FOR_STAGES, stages
from winback.risk.keeping.champions import champion_for, features_of, refuse_lost_features
from winback.risk.keeping.promotions import Version, challenger, history
from winback.risk.keeping.shadow import Night, agreement, shadow
from winback.risk.scoring.own_estimator import Classifier
from winback.risk.scoring.reasons import reasons_for
from winback.risk.scoring.score import score
from winback.risk.watching.publish_gate import Terms, guard
from winback.training import enrolled, settled, taken_in, trained

STAGES = ("ingest", "model", "features", "scores", "reasons", "decisions", "list", "publish")
FACTS_OF_PEOPLE = (
    "days_since_last_order",
    "days_since_first_order",
    "orders_90d",
    "orders_total",
    "spend_90d",
    "spend_per_week",
)
Say = Callable[[str], None]


def run(job: Job, say: Say) -> tuple[dict[str, Any], bool]:
    """The summary of the run, and whether this call did anything: a published run is left as it is."""
    refuse_unlistable(job)
    with runs.project_lock(job.state):
        folder = job.runs / job.run_id
        if runs.is_published(job.runs, job.run_id):
            return store.read_json(folder / "summary.json"), False
        settled(job)
        say("ingest")
        accounting = [asdict(each) for each in taken_in(job)]
        version, model = _model(job, folder, say)
        _features(job, folder, model, say)
        _score(job, folder, version, model, say)
        _decide(job, folder, say)
        summary = _list(job, folder, accounting, say)
        say("publish")
        _gate(job, folder, version, model)
        runs.publish(job.runs, job.run_id, _manifest(job, version, accounting))
        return summary, True


def refuse_unlistable(job: Job) -> None:
    """ConfigError where a list cannot be made of the project's question."""
    if job.spec.kind != "inactivity" or job.config.sources.orders is None:
        raise ConfigError(
            "a list is made of who stops ordering: it needs [sources.orders] and a spec of kind 'inactivity' (came: "
            f"{job.spec.kind!r}). Other questions are learned by `winback train` and answered by `winback score`."
        )


def _model(job: Job, folder: Path, say: Say) -> tuple[Version, Classifier]:
    """The champion, trained first where there is none for this question."""
    say("model")
    if (found := champion_for(job.state, job.spec, job.today)) is None:
        candidate = trained(job, lambda _: None)
        found = enrolled(job, candidate), candidate.model
    version, model = found
    refuse_lost_features(version, model, job.features)

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


def _features(job: Job, folder: Path, model: Classifier, say: Say) -> None:
    """features.parquet: the cohort of today with what the model, its sentences and people read."""
    features = features_of(model, job.features)
    quoted = declared.quoted_by(features) & {f.name for f in job.features}
    wanted = declared.named({*FACTS_OF_PEOPLE, *READ_FOR_STAGES, *(f.name for f in features), *quoted}, job.own)

    def make() -> dict[str, Any]:
        rows = rows_at(job.facts, [job.today], job.zone, Ask(job.spec, wanted, unasked(job)))
        store.write_table(folder / "features.parquet", rows)
        return {"customers": len(rows)}

    say("features")
    runs.step(folder, "features", make, ["features.parquet"], after=["model"])


def _score(job: Job, folder: Path, version: Version, model: Classifier, say: Say) -> None:
    """scores.parquet and reasons.parquet of the cohort of today."""
    features = features_of(model, job.features)

    def make_scores() -> dict[str, Any]:
        rows = _read(folder, "features")
        scores = score(model, rows, features, job.config.offers.at_risk_probability)
        scores = scores.assign(stage=stages(rows, job.config.stages), model_version=str(version.version))
        store.write_table(folder / "scores.parquet", scores)
        return {"customers": len(scores), "at_risk": int(scores["at_risk"].sum())}

    def make_reasons() -> dict[str, Any]:
        scores = _read(folder, "scores")
        rows = _read(folder, "features").assign(probability=scores["probability"])
        store.write_table(folder / "reasons.parquet", reasons_for(model, rows, features, scores["at_risk"].to_numpy()))
        return {}

    say("scores")
    runs.step(folder, "scores", make_scores, ["scores.parquet"], after=["features"])
    _shadow(job, folder)
    say("reasons")
    runs.step(folder, "reasons", make_reasons, ["reasons.parquet"], after=["scores"])


def _shadow(job: Job, folder: Path) -> None:
    """shadow_scores.parquet, where there is a challenger: its scores, or no row and why. It stops no night."""
    version = challenger(history(job.state, job.spec.name))
    if version is None:  # what an earlier attempt left of one that was withdrawn since
        (folder / "steps" / "shadow.json").unlink(missing_ok=True)
        return
    limit = job.config.offers.at_risk_probability
    night = Night(job.facts, job.zone, job.today, job.features, limit, job.spec.trusted)

    def make() -> dict[str, Any]:
        champions = _read(folder, "scores")
        try:
            scores, fault = shadow(job.state, version, night, champions), ""
        except (ModelRefused, FeatureMismatch) as error:
            scores, fault = champions.head(0), str(error)
        store.write_table(folder / "shadow_scores.parquet", scores)
        return {"version": version.version, "fault": fault, **agreement(champions, scores)}

    runs.step(folder, "shadow", make, ["shadow_scores.parquet"], after=["scores"], given=version.sha256)


def _decide(job: Job, folder: Path, say: Say) -> None:
    """assignments.parquet, drawn before anything is decided, and decisions.parquet."""

    def make() -> dict[str, Any]:
        offers = job.config.offers
        scores = _read(folder, "scores")
        arms = assignments(scores, offers.holdout_share, offers.holdout_key)
        store.write_table(folder / "assignments.parquet", arms)
        customers = _candidates(job, scores, _read(folder, "features"), arms)
        reasons = _read(folder, "reasons")
        limits = Limits(offers.budget, offers.min_net_gain, offers.cooldown_days)
        decisions = decide(customers, reasons, job.actions, limits)
        store.write_table(folder / "decisions.parquet", decisions)
        return {"net_gain_bound": decisions.attrs["net_gain_bound"]}

    say("decisions")
    files = ["assignments.parquet", "decisions.parquet"]
    runs.step(folder, "decisions", make, files, after=["scores", "reasons"])


def _candidates(job: Job, scores: pd.DataFrame, rows: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """The scored customers with what a decision weighs: value, basket, last contact, hold-out."""
    offers = job.config.offers
    spent = _spend_total(rows)
    since = days_since_last_contact(job.facts, job.today, job.zone)
    held_out = scores["customer_id"].map(arms.set_index("customer_id")["arm"]) == "held_out"
    stake = margin_at_stake(spent, rows["days_since_first_order"], offers.margin_rate, offers.value_days)
    return scores[["customer_id", "cutoff", "probability", "at_risk"]].assign(
        held_out=held_out.to_numpy(),
        margin_at_stake=stake.to_numpy(),
        average_basket=(spent / rows["orders_total"]).to_numpy(),
        days_since_last_contact=scores["customer_id"].map(since).to_numpy(dtype="float64"),
    )


def _spend_total(rows: pd.DataFrame) -> pd.Series:
    """What each customer has spent so far, in money."""
    return (rows["spend_per_week"] * rows["days_since_first_order"].clip(lower=7) / 7).round(2)


def _people(job: Job, rows: pd.DataFrame) -> pd.DataFrame:
    """One row a customer of today: last order, orders and spend, for the list."""
    since = pd.to_timedelta((rows["days_since_last_order"] * 86_400_000_000).round(), unit="us")
    last = (rows["cutoff"] - since).dt.tz_convert(job.zone)
    return rows.assign(last_order_at=last, spend_total=_spend_total(rows))


def _read(folder: Path, table: str) -> pd.DataFrame:
    """One of the run's own tables."""
    frame: pd.DataFrame = store.read_table(folder / f"{table}.parquet").to_pandas()
    return frame


def _list(job: Job, folder: Path, accounting: list[dict[str, Any]], say: Say) -> dict[str, Any]:
    """at_risk.csv for people, and the run's summary."""

    def make() -> dict[str, Any]:
        frames = {name: _read(folder, name) for name in ("scores", "reasons", "decisions")}
        people = _people(job, _read(folder, "features"))
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


def _gate(job: Job, folder: Path, version: Version, model: Classifier) -> None:
    """publish_gate.json; PublishRefused where the run is not fit to be published, and the list before stays."""
    clocks = {f.name for f in features_of(model, job.features) if f.kind == "since_nth"}
    terms = Terms(job.zone, job.config.offers, job.config.publish, version.version, clocks)
    read = ["model", "features", "scores", "reasons", "decisions", "list"]
    files = ["publish_gate.json"]
    runs.step(folder, "publish_gate", lambda: guard(folder, job.today, terms, safe_text), files, after=read)


def _manifest(job: Job, version: Version, accounting: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "logical_date": job.today.isoformat(),
        "inputs": job.inputs,
        "settings_sha256": job.settings,
        "facts": job.facts.name,
        "model": {"name": version.name, "version": version.version, "sha256": version.sha256},
        "accounting": accounting,
    }
