"""The steps of a run: each makes some of its files, and is skipped where they are there as it wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store
from winback.campaigns import night
from winback.campaigns.people_file import at_risk_list, in_headers
from winback.campaigns.words import HEADERS
from winback.consent.changes import digest
from winback.deciding import decisions_of
from winback.errors import FeatureMismatch, ModelRefused
from winback.facts.features import declared
from winback.insight.summary import summarise
from winback.jobs import Job
from winback.offers.catalogue import features_read
from winback.offers.spending import READ
from winback.people_text import safe_text, write_people_file
from winback.risk.asking.dataset import Ask, rows_at
from winback.risk.asking.stages import READ_FOR_STAGES, stages
from winback.risk.keeping.champions import champion_for, features_of, refuse_lost_features
from winback.risk.keeping.promotions import Version, challenger, history
from winback.risk.keeping.shadow import Night, agreement, shadow
from winback.risk.scoring.own_estimator import Classifier
from winback.risk.scoring.reasons import reasons_for
from winback.risk.scoring.score import score
from winback.risk.watching.publish_gate import Terms, guard, published
from winback.training import enrolled, trained
from winback.valuing import valued
from winback.weighing import plan_of, spend_total

FACTS_OF_PEOPLE = (
    "days_since_last_order",
    "days_since_first_order",
    "orders_90d",
    "orders_total",
    "spend_90d",
    "spend_per_week",
)
Say = Callable[[str], None]


def permissions(folder: Path, allowed: pd.DataFrame) -> None:
    """permissions.parquet: what everybody may be asked and reached by, as it was read."""

    def make() -> dict[str, Any]:
        store.write_table(folder / "permissions.parquet", allowed)
        return {"customers": len(allowed), "not_asked": int((~allowed["may_profile"]).sum())}

    runs.step(folder, "permissions", make, ["permissions.parquet"], given=digest(allowed))


def model_of(job: Job, folder: Path, say: Say) -> tuple[Version, Classifier]:
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


def features(job: Job, folder: Path, model: Classifier, say: Say) -> None:
    """features.parquet: the cohort of today with what the model, its sentences and people read."""
    used = features_of(model, job.features)
    quoted = declared.quoted_by(used) & {f.name for f in job.features}
    asked = set(READ) | (features_read(job.actions) & {f.name for f in job.features})
    wanted = declared.named({*FACTS_OF_PEOPLE, *READ_FOR_STAGES, *asked, *(f.name for f in used), *quoted}, job.own)

    def make() -> dict[str, Any]:
        rows = rows_at(job.facts, [job.today], job.zone, Ask(job.spec, wanted, _unasked(folder)))
        store.write_table(folder / "features.parquet", rows)
        return {"customers": len(rows)}

    say("features")
    runs.step(folder, "features", make, ["features.parquet"], after=["model", "permissions"])


def values(job: Job, folder: Path) -> None:
    """values.parquet: what each customer brings if he stays, and if he leaves."""

    def make() -> dict[str, Any]:
        rows = store.read_rows(folder, "features")
        margins, told = valued(job, rows, _unasked(folder))
        store.write_table(folder / "values.parquet", rows[["customer_id", "cutoff"]].join(margins))
        return told

    runs.step(folder, "values", make, ["values.parquet"], after=["features", "permissions"])


def _unasked(folder: Path) -> frozenset[str]:
    """Whom nobody may profile."""
    allowed = store.read_rows(folder, "permissions")
    return frozenset(allowed.loc[~allowed["may_profile"], "customer_id"])


def scores(job: Job, folder: Path, version: Version, model: Classifier, say: Say) -> None:
    """scores.parquet and reasons.parquet of the cohort of today."""
    used = features_of(model, job.features)

    def make_scores() -> dict[str, Any]:
        rows = store.read_rows(folder, "features")
        found = score(model, rows, used, job.config.offers.at_risk_probability)
        listed = night.listed(job.state, plan_of(job), found)
        found = found.assign(
            at_risk=listed["at_risk"],
            nights_below=listed["nights_below"],
            stage=stages(rows, job.config.stages),
            model_version=str(version.version),
        )
        store.write_table(folder / "scores.parquet", found)
        return {"customers": len(found), "at_risk": int(found["at_risk"].sum())}

    def make_reasons() -> dict[str, Any]:
        found = store.read_rows(folder, "scores")
        rows = store.read_rows(folder, "features").assign(probability=found["probability"])
        store.write_table(folder / "reasons.parquet", reasons_for(model, rows, used, found["at_risk"].to_numpy()))
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
    asked = Night(job.facts, job.zone, job.today, job.features, limit, job.spec.trusted)

    def make() -> dict[str, Any]:
        champions = store.read_rows(folder, "scores")
        try:
            found, fault = shadow(job.state, version, asked, champions), ""
        except (ModelRefused, FeatureMismatch) as error:
            found, fault = champions.head(0), str(error)
        store.write_table(folder / "shadow_scores.parquet", found)
        return {"version": version.version, "fault": fault, **agreement(champions, found)}

    runs.step(folder, "shadow", make, ["shadow_scores.parquet"], after=["scores"], given=version.sha256)


def decisions(job: Job, folder: Path, say: Say) -> None:
    """assignments.parquet, drawn before anything is decided, and decisions.parquet."""
    say("decisions")
    files = [f"{name}.parquet" for name in ("assignments", "rates", "effects", "decisions", "candidates")]
    after = ["permissions", "values", "scores", "reasons"]
    runs.step(folder, "decisions", lambda: decisions_of(job, folder), files, after)


def _consent(job: Job, folder: Path) -> dict[str, Any]:
    """Where consent is kept, and how many may not even be asked about."""
    kept, table = job.config.consent.kept_elsewhere, job.config.sources.consents is not None
    return {"kept_elsewhere": kept, "table": table, "not_asked": len(_unasked(folder))}


def _headers(job: Job) -> tuple[str, str]:
    """How the list calls its first two columns."""
    customer, chance = list(HEADERS[job.config.project.language].values())[:2]
    return safe_text(customer), safe_text(chance)


def _people(job: Job, rows: pd.DataFrame) -> pd.DataFrame:
    """One row a customer of today: last order, orders and spend, for the list."""
    since = pd.to_timedelta((rows["days_since_last_order"] * 86_400_000_000).round(), unit="us")
    last = (rows["cutoff"] - since).dt.tz_convert(job.zone)
    return rows.assign(last_order_at=last, spend_total=spend_total(rows))


def people_list(job: Job, folder: Path, accounting: list[dict[str, Any]], say: Say) -> dict[str, Any]:
    """at_risk.csv for people, and the run's summary."""

    def make() -> dict[str, Any]:
        frames = {name: store.read_rows(folder, name) for name in ("scores", "reasons", "decisions")}
        people = _people(job, store.read_rows(folder, "features"))
        names = {a.id: a for a in job.actions}
        language, currency = job.config.project.language, job.config.project.currency
        listed = at_risk_list(frames["scores"], frames["reasons"], frames["decisions"], people, names, language)
        write_people_file(folder / "at_risk.csv", in_headers(listed, language, currency))
        told = {"run_id": job.run_id, "today": job.today.isoformat(), "currency": currency}
        model = store.read_json(folder / "model.json")
        summary = summarise(told, frames, model, accounting, names)
        summary["value"] = store.read_json(folder / "steps" / "values.json")["result"]
        summary["campaign"] = night.figures(job.state, plan_of(job), folder, asked_before(job))
        summary["consent"] = _consent(job, folder)
        summary["personal"] = store.read_json(folder / "steps" / "decisions.json")["result"].get("personal", [])
        store.write_json(folder / "summary.json", summary)
        return {"listed": len(listed)}

    say("list")
    runs.step(folder, "list", make, ["at_risk.csv", "summary.json"], after=["decisions", "model"])
    summary: dict[str, Any] = store.read_json(folder / "summary.json")
    return summary


def asked_before(job: Job) -> pd.Series | None:
    """The ids that the published run before had scored; None where there is none.

    Of a night made up for that is the newest run of an earlier date, whatever is current.
    """
    before = _earlier(job) if job.back_fill else runs.current(job.runs)
    if before is None:
        return None
    ids: pd.Series = store.read_rows(before, "scores")["customer_id"]
    return ids


def _earlier(job: Job) -> Path | None:
    """The newest published run of an earlier date."""
    found = [path for path in published(job.runs) if path.name[:10] < job.today.isoformat()]
    return found[-1] if found else None


def gate(job: Job, folder: Path, version: Version, model: Classifier) -> None:
    """publish_gate.json; PublishRefused where the run is not fit to be published, and the list before stays."""
    clocks = {f.name for f in features_of(model, job.features) if f.kind == "since_nth"}
    terms = Terms(job.zone, job.config.offers, job.config.publish, version.version, clocks, _headers(job))
    read = ["model", "features", "scores", "reasons", "decisions", "list"]
    files = ["publish_gate.json"]
    runs.step(folder, "publish_gate", lambda: guard(folder, job.today, terms, safe_text), files, after=read)
