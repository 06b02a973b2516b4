"""winback from Python: its stages as plain functions, frames in and frames out, for notebooks and programs.

    facts = take_in({"orders": orders}, Path("work"))       tables checked, parsed and sorted
    days = plan(facts, spec, today)                         dates to learn from and to be examined on
    learning = labelled(facts, days.train, spec, today)     features and what came of it
    model = train(learning, spec)                           calibrated, with where its reasons start
    now = rows(facts, [today], spec)
    scored = chances(model, now)
    why = reasons(model, now, scored)
    worth = values(facts, now, spec, today)
    arms = draw(people(scored, now, worth), Shares(0.05, 0.05, "key of ours"), "spring-2026-03-01")
    decided = decide(people(scored, now, worth, arms), why, actions(), limits_of(Offers(budget=500)))
    listed = assigned("spring-2026-03-01", arms, decided, now.merge(scored))
    brought = lift(measured(facts, listed, spec, later))    what it changed against those held out
    told = metrics(facts, today)

Each is what the nightly run does at this stage, no more; nothing here writes but `take_in`. docs/python.md has all of
it at work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from winback import store
from winback.campaigns.assign import HELD_OUT, Shares, draw
from winback.campaigns.ledger import assigned
from winback.config import Column, Cutoffs, Offers, Source, Sources
from winback.effects.lift import lift
from winback.effects.results import Terms, first_listings, results
from winback.errors import ConfigError
from winback.facts.check.unmapped import at_hand
from winback.facts.features import declared
from winback.facts.features.feature import Feature
from winback.facts.intake.contracts import CONTRACTS
from winback.facts.intake.ingest import ingest
from winback.facts.known_frames import Known as KnownTables
from winback.facts.known_frames import known_frames
from winback.facts.labels.labels import oldest_order
from winback.facts.labels.takings import takings_at
from winback.facts.windows import evidence
from winback.insight.metrics.coded import Tables
from winback.insight.metrics.periods import Length, periods
from winback.insight.metrics.table import Terms as MetricTerms
from winback.insight.metrics.table import by_period
from winback.limits import Stages
from winback.offers.action import Action
from winback.offers.case import Known
from winback.offers.catalogue import features_read, load_catalogue
from winback.offers.decide import decide
from winback.offers.eligible import Limits, limits_of
from winback.offers.value import expected_margin, fit_value
from winback.risk.asking.dataset import Ask, Plan, labelled_rows, plan_cutoffs, rows_at, seen_throughout
from winback.risk.asking.questions import history_starts
from winback.risk.asking.specs import Boosting, Spec
from winback.risk.asking.stages import stages
from winback.risk.examining.baselines import at_each_cutoff, logistic_chances
from winback.risk.examining.evaluate import quality
from winback.risk.learning.train import fit
from winback.risk.scoring.own_estimator import Classifier
from winback.risk.scoring.reasons import reasons_for, reference
from winback.risk.scoring.score import score
from winback.toml_files import did_you_mean, shipped
from winback.valuing import closed_windows
from winback.weighing import spend_total

# fmt: off
__all__ = [
    "Action", "Boosting", "Cutoffs", "Facts", "Known", "Limits", "Offers", "Plan", "Shares", "Spec",
    "actions", "assigned", "chances", "decide", "draw", "figures", "labelled", "lift", "limits_of",
    "measured", "metrics", "people", "plan", "reasons", "rows", "take_in", "train", "values", "windows",
]
# fmt: on
NOTHING_TOLD = {
    **dict.fromkeys(("campaign", "customer_id", "kind"), "str"),
    "happened_at": "datetime64[us, UTC]",
    "value": "float64",
}
NEVER = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Facts:
    """Tables that were taken in: their folder, the business's time zone, and the features that they can give.

    `accounting`: one row a table: rows_in, accepted, duplicates, quarantined.
    """

    folder: Path
    zone: str
    features: tuple[Feature, ...]
    accounting: pd.DataFrame


def take_in(tables: Mapping[str, pd.DataFrame], folder: Path, zone: str = "UTC", currency: str = "") -> Facts:
    """The facts made of frames by name of the table (orders, events, contacts, ...), written to `folder`.

    Columns are those of the contract (data/README.md), each under its own name; another is a ConfigError with the
    nearest known one. Orders whose order_id repeats are read as lines of orders. Rows that cannot be read go to
    `folder/quarantine.parquet` with the reason; TooManyBadRows where they are more than 1 % of a table. `zone`: of
    stamps without an offset, and of the days that cutoffs begin. `currency`: where orders tell theirs.

    >>> import tempfile
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "b"], "ordered_at": ["2026-01-03", "2026-01-20", "2026-02-01"],
    ...                        "amount": [20.0, 5.5, 12.0]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     facts = take_in({"orders": orders}, Path(folder))
    ...     known = rows(facts, [dt.date(2026, 2, 1)], Spec("gone", horizon_days=28))
    >>> facts.accounting.to_dict("records")
    [{'table': 'orders', 'rows_in': 3, 'accepted': 3, 'duplicates': 0, 'quarantined': 0}]
    >>> known[["customer_id", "days_since_last_order", "orders_total"]].to_dict("records")
    [{'customer_id': 'a', 'days_since_last_order': 12.0, 'orders_total': 2.0}]
    """
    given = {name: _source(name, frame, folder) for name, frame in tables.items()}
    done = ingest(Sources(**given), folder, folder, zone, NEVER, currency)
    kept = ["table", "rows_in", "accepted", "duplicates", "quarantined"]
    accounting = pd.DataFrame([asdict(each) for each in done])[kept]
    return Facts(folder, zone, declared.available(at_hand(given)), accounting)


def _source(name: str, frame: pd.DataFrame, folder: Path) -> Source:
    """A frame as a source of its own table, from a file beside the facts."""
    if name not in CONTRACTS:
        raise ConfigError(f"no table is called {name!r}.{did_you_mean(name, list(CONTRACTS))}")
    place = folder / "given" / f"{name}.parquet"
    store.write_table(place, frame)
    lines = name == "orders" and "order_id" in frame and frame["order_id"].duplicated().any()
    columns: dict[str, Column] = {str(column): str(column) for column in frame.columns}
    return Source(path=f"given/{place.name}", columns=columns, grain="line" if lines else "row")


def windows(facts: Facts, today: dt.date | None = None) -> pd.DataFrame:
    """One row a candidate window of silence: what speaks for calling who is silent so long gone, and against it.

    The columns are those of `winback.facts.windows.evidence.windows`. `today`: None for the day after the newest order.
    """
    return evidence.windows(facts.folder, facts.zone, today)


def plan(facts: Facts, spec: Spec, today: dt.date, cutoffs: Cutoffs | None = None) -> Plan:
    """The cutoffs to learn from (`train`) and, a horizon later, those to be examined on (`holdout`).

    As far back as the history allows, monthly or weekly; all of their windows have closed by `today`. NotEnoughData
    or WindowNotRecorded where the log is too short.
    """
    return plan_cutoffs(cutoffs or Cutoffs(), spec.reach_days, history_starts(facts.folder, spec, facts.zone), today)


def rows(facts: Facts, cutoffs: Sequence[dt.date], spec: Spec) -> pd.DataFrame:
    """One row a (customer_id, cutoff) that the spec asks about: every feature that the facts give; NaN is unknown.

    Only what happened and was recorded before a cutoff counts.
    """
    return rows_at(facts.folder, cutoffs, facts.zone, Ask(spec, facts.features))


def labelled(facts: Facts, cutoffs: Sequence[dt.date], spec: Spec, today: dt.date) -> pd.DataFrame:
    """`rows` with `churned` (bool): what came of each within the horizon, of what was recorded before `today`.

    WindowNotRecorded where a window is still open, or the log falls silent within it.
    """
    return labelled_rows(facts.folder, cutoffs, facts.zone, today, Ask(spec, facts.features)).copy()


def train(learning: pd.DataFrame, spec: Spec) -> Classifier:
    """The spec's model of these labelled rows: a scikit-learn classifier, calibrated forward in time.

    It reads the features of the columns that the spec lets it see and that are known at every cutoff. Its `card_`
    holds the spec and where reasons start. NotEnoughData where no cutoff lies a horizon after another.
    """
    used = seen_throughout(learning, spec.chosen(_features_of(learning)))
    model = fit(spec, learning, used)
    start = reference(model, learning[[f.name for f in used]], used)
    model.card_ = {"spec": spec.as_dict(), "reference": asdict(start)}
    return model


def _features_of(frame: pd.DataFrame) -> tuple[Feature, ...]:
    return tuple(f for f in declared.builtin() if f.name in frame)


def _used(model: Classifier) -> tuple[Feature, ...]:
    """The features that a model reads."""
    return declared.named([str(name) for name in model.feature_names_in_])


def chances(model: Classifier, now: pd.DataFrame, at_risk_probability: float = 0.5) -> pd.DataFrame:
    """One row a customer: customer_id, cutoff, probability (0..1), at_risk, stage of life.

    `now`: rows as `rows` gives them. FeatureMismatch where a column that the model reads is missing.
    """
    found = score(model, now, _used(model), at_risk_probability)
    return found.assign(stage=stages(now, Stages()).to_numpy())


def figures(model: Classifier, learning: pd.DataFrame, examined: pd.DataFrame) -> pd.DataFrame:
    """One row a cutoff of `examined`: how good a model is that learned from `learning`, beside what is simpler.

    auc, log_loss, brier, calibration_slope, mean_predicted against churned (the share that left), top_decile_lift, ...;
    `rule`, `rule_auc`: the best single column; `logistic_auc`, `logistic_log_loss`: a logistic regression on the same
    columns. `examined`: labelled rows of cutoffs that the model has not seen.
    """
    names = [f.name for f in _used(model)]
    mine = model.predict_proba(examined[names])[:, 1]
    peer = logistic_chances(learning, examined, names)
    told = [quality(examined.iloc[at], mine[at], peer[at]).as_dict() for at in at_each_cutoff(examined)]
    return pd.DataFrame(told)


def reasons(model: Classifier, now: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    """One row a customer and driver: `points` of probability, which add up with base_rate to the probability.

    Whoever is at risk gets all drivers with sentences; others the first three, and `rest`. `now` and `scored` have
    the same rows in the same order.
    """
    told = now.assign(probability=scored["probability"].to_numpy())
    return reasons_for(model, told, _used(model), scored["at_risk"].to_numpy())


def values(facts: Facts, now: pd.DataFrame, spec: Spec, today: dt.date, offers: Offers | None = None) -> pd.DataFrame:
    """One row a customer, as in `now`: margin_if_stays, margin_if_leaves, margin_at_stake over `offers.value_days`.

    Learned from windows of the past that had closed by `today`; NotEnoughData where there are none.
    """
    offers = offers or Offers()
    past = closed_windows(facts.folder, facts.zone, today, (offers.value_days, spec.horizon_days))
    model = fit_value(past, past, offers.value_days)
    margins = expected_margin(model, now, offers.margin_rate, offers.value_days)
    return now[["customer_id", "cutoff"]].join(margins)


def people(
    scored: pd.DataFrame, now: pd.DataFrame, worth: pd.DataFrame, arms: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row a customer, as `draw` and `decide` read them, from `chances`, `rows`, `values` and `draw`.

    The frames but `arms` have the same rows in the same order. Without `arms` nobody is held out. What the shipped
    actions' conditions ask about and no table tells is unknown; no contact is known of.
    """
    asked = sorted(features_read(actions()) - set(scored.columns))
    held = arms.set_index("customer_id")["arm"] == HELD_OUT if arms is not None else pd.Series(dtype=bool)
    return scored.assign(
        margin_at_stake=worth["margin_at_stake"].to_numpy(),
        average_basket=(spend_total(now) / now["orders_total"]).to_numpy(),
        held_out=scored["customer_id"].isin(held.index[held]).to_numpy(),
        days_since_last_contact=np.nan,
        **{name: now[name].to_numpy() if name in now else np.nan for name in asked},
    )


def actions(path: Path | None = None) -> list[Action]:
    """The actions of a catalogue; those that come with winback without one."""
    given = path or shipped("configs", "actions", Path())
    known = {f.name for f in declared.builtin()}
    return list(load_catalogue(given, (), {f.driver for f in declared.builtin()}, known))


def measured(
    facts: Facts,
    listed: pd.DataFrame,
    spec: Spec,
    today: dt.date,
    outcomes: pd.DataFrame | None = None,
    offers: Offers | None = None,
) -> pd.DataFrame:
    """One row a customer listed, of his first listing: what came of it within the horizon, as `lift` reads it.

    `listed`: rows of `assigned`, of any number of lists. `outcomes`: campaign, customer_id, happened_at, kind, value;
    without them each treated customer who bought is taken to have redeemed. `offers`: its margin_rate counts.
    """
    first = first_listings(listed)
    took = takings_at(facts.folder, first, spec.horizon_days, facts.zone, today)
    told = pd.DataFrame(columns=[*NOTHING_TOLD]).astype(NOTHING_TOLD) if outcomes is None else outcomes
    return results(first, listed, took, told, Terms((offers or Offers()).margin_rate, spec.horizon_days))


def metrics(
    facts: Facts, until: dt.date, length: Length = "month", active_days: int = 90, offers: Offers | None = None
) -> pd.DataFrame:
    """One row a metric and whole period before `until`: value, 95 % interval, what it is made of, or why undefined.

    docs/metrics.md defines every metric. A customer is who bought within `active_days`; of `offers` the
    margin_rate counts.
    """
    known = KnownTables(facts.folder, facts.zone, until)
    terms = MetricTerms(active_days, (offers or Offers()).margin_rate, until, length)
    span = periods(oldest_order(facts.folder, facts.zone), until, length)
    return by_period(Tables(**known_frames(known)), span, terms)
