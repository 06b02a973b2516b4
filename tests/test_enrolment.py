"""The promotion gate: what a good candidate passes, and planted bad ones of which none becomes champion."""

from __future__ import annotations

import copy
import datetime as dt
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from winback.errors import ModelNotBetter, ModelRefused
from winback.facts.features import declared
from winback.facts.features.declared import Feature
from winback.risk import aliases, enrolment, model_file, registry
from winback.risk.candidate import Candidate
from winback.risk.enrolment import enrol
from winback.risk.estimator import ChurnClassifier
from winback.risk.evaluate import quality
from winback.risk.file_gates import Asked
from winback.risk.promotions import Version, history
from winback.risk.specs import Boosting, Gates, Spec
from winback.risk.train import fit

SPEC = Spec(
    "small",
    horizon_days=28,
    estimator=Boosting(n_models=1, max_iter=30, learning_rate=0.1, max_features=1.0, min_samples_leaf=30),
    gates=Gates(max_calibration_error=0.05),
)
FEATURES = declared.named(
    ["days_since_last_order", "overdue_median_ratio", "orders_28d", "orders_90d", "orders_total", "engagements_28d"]
)
TODAY = dt.date(2026, 2, 15)
DAY = dt.timedelta(days=1)
AT = dt.datetime(2026, 2, 15, 4, tzinfo=dt.UTC)
ASKED = Asked(SPEC, TODAY, FEATURES)
CUTOFFS = [dt.date(2025, month, 1) for month in (7, 8, 9, 10)]
HELD_OUT = [dt.date(2025, 12, 1), dt.date(2026, 1, 10)]
Plant = Callable[[Candidate], Candidate]


def rows(days: list[dt.date], customers: int = 900) -> pd.DataFrame:
    """Customers of a made-up shop at some cutoffs: two in five bought once, and visits tell who will stay."""
    parts = []
    for day in days:
        random = np.random.default_rng(day.toordinal())
        total = np.where(np.arange(customers) % 5 < 2, 1, 2 + random.poisson(6, customers))
        recent = np.minimum(random.poisson(total / 4), total)
        silent = random.exponential(30 / (1 + recent))
        visits = random.poisson(2, customers)
        chance = expit(0.6 + 0.05 * silent - 0.5 * recent - 0.9 * visits + 0.6 * (total == 1))
        columns = {
            "customer_id": [f"C{number:04}" for number in range(customers)],
            "cutoff": pd.Timestamp(day, tz="UTC"),
            "days_since_last_order": silent,
            "overdue_median_ratio": np.where(total == 1, np.nan, silent / 15),
            "orders_28d": random.binomial(recent, 0.4).astype(float),
            "orders_90d": recent.astype(float),
            "orders_total": total.astype(float),
            "engagements_28d": visits.astype(float),
            "churned": random.random(customers) < chance,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def candidate(
    learning: pd.DataFrame, examined: pd.DataFrame, today: dt.date = TODAY, features: Sequence[Feature] = FEATURES
) -> Candidate:
    """What `train` makes of such rows."""
    final, trial = (fit(SPEC, part, features) for part in (pd.concat([learning, examined]), learning))
    days = [sorted(set(part["cutoff"].dt.strftime("%Y-%m-%d"))) for part in (learning, examined)]
    chances = trial.predict_proba(examined[trial.feature_names_in_])[:, 1]
    made = scored(Candidate(final, [], examined, learning, Path("nowhere"), "UTC"), chances)
    final.card_ = {
        "spec": SPEC.as_dict(),
        "today": today.isoformat(),
        "examined_after": days[0],
        "fitted_on": days[0] + days[1],
        "rows": len(learning) + len(examined),
        "quality": [q.as_dict() for q in made.figures],
    }
    return made


@pytest.fixture(scope="module")
def good() -> Candidate:
    return candidate(rows(CUTOFFS), rows(HELD_OUT))


@pytest.fixture(scope="module")
def first(good: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the good candidate is the champion."""
    folder = tmp_path_factory.mktemp("state")
    assert enrol(folder, good, {"data": "first"}, ASKED, AT).version == 1
    return folder


@pytest.fixture
def state(first: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    shutil.copytree(first, tmp_path / "state")
    return tmp_path / "state"


def report(state: Path, number: int) -> dict[str, Any]:
    """The report of the gate on one version."""
    version = next(v for v in registry.versions(state, "small") if v.version == number)
    text = registry.artifact(state, version, "gates.json")
    assert text is not None
    return dict(json.loads(text))


def test_a_good_candidate_passes_every_gate(state: Path) -> None:
    told = report(state, 1)
    assert told["passed"] is True
    assert [gate["name"] for gate in told["gates"]] == [
        "loads",
        "golden rows",
        "question",
        "days",
        "features",
        "scores",
        "rows",
        "rule and level",
        "calibration",
        "slices",
        "columns",
        "refit",
        "champion",
    ]
    assert {gate["refusal"] for gate in told["gates"]} == {""}
    assert told["gates"][-1]["found"] == "there is none yet"
    assert told["champion"] is None


def test_an_equal_candidate_is_not_worse_than_the_champion(good: Candidate, state: Path) -> None:
    """They have learned from the same cutoffs, so the champion's recipe stands for it."""
    assert enrol(state, good, {"data": "second"}, ASKED, AT + DAY).version == 2
    told = report(state, 2)["champion"]
    assert (told["version"], told["by"], told["rows"], told["customers"]) == (1, "its recipe", 1800, 900)
    figures = ("auc", "auc_low", "auc_high", "log_loss", "log_loss_low", "log_loss_high")
    assert [told[figure] for figure in figures] == [0.0] * 6
    assert [row.kind for row in history(state)] == ["promoted", "promoted"]


def test_a_champion_of_earlier_days_is_asked_itself_where_it_has_not_learned(good: Candidate, tmp_path: Path) -> None:
    """It has learned of outcomes up to 29 December: the later hold-out is new to both."""
    then = dt.date(2025, 12, 29)
    before = candidate(rows(CUTOFFS[:2]), rows([CUTOFFS[3], HELD_OUT[0]]), then)
    enrol(tmp_path, before, {}, replace(ASKED, today=then), AT - 48 * DAY)
    enrol(tmp_path, good, {}, ASKED, AT)
    told = report(tmp_path, 2)["champion"]
    assert (told["version"], told["by"], told["rows"]) == (1, "itself", 900)
    new = good.examined[good.examined["cutoff"] == pd.Timestamp(HELD_OUT[1], tz="UTC")]
    theirs = before.model.predict_proba(new[before.model.feature_names_in_])[:, 1]
    ours = new["probability"]
    assert told["auc"] == pytest.approx(roc_auc_score(new["churned"], ours) - roc_auc_score(new["churned"], theirs))
    assert told["log_loss"] == pytest.approx(log_loss(new["churned"], ours) - log_loss(new["churned"], theirs))
    assert told["auc_low"] < told["auc"] < told["auc_high"]
    assert told["log_loss_low"] < told["log_loss"] < told["log_loss_high"]


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering without MLflow, which takes a second: the file, its version and the report are as ever."""
    made: list[Version] = []

    def register(state: Path, name: str, estimator: Any, record: Any) -> Version:
        number = 2 + len(made)
        sha256 = model_file.save(estimator, state / f"{number}.skops")
        made.append(Version(name, number, sha256, f"run{number}", f"{number}.skops"))
        return made[-1]

    monkeypatch.setattr(registry, "register", register)
    monkeypatch.setattr(
        registry, "attach", lambda state, version, files, _: registry._write(state / version.run_id, files)
    )


# --- planted bad candidates ----------------------------------------------------------------------


def scored(good: Candidate, chances: np.ndarray) -> Candidate:
    """The candidate with other chances of the held-out rows, and the figures that they give."""
    examined = good.examined.assign(probability=chances)
    figures = good.figures
    if np.isfinite(chances).all() and ((chances >= 0) & (chances <= 1)).all():
        parts = [part for _, part in examined.groupby("cutoff")]
        figures = [quality(p, p["probability"].to_numpy(), p["probability"].to_numpy()) for p in parts]
    return replace(good, examined=examined, figures=figures)


def changed(good: Candidate, change: Callable[[ChurnClassifier], object]) -> Candidate:
    """The candidate with a changed copy of its model."""
    model = copy.deepcopy(good.model)
    change(model)
    return replace(good, model=model)


def learned(good: Candidate, column: Callable[[pd.DataFrame], pd.Series]) -> Candidate:
    """The candidate as it would be if the column of visits of all rows were another."""
    return candidate(*(part.assign(engagements_28d=column(part)) for part in (good.learning, good.examined)))


def shuffled(values: pd.Series, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).permutation(values.to_numpy())


def worse(good: Candidate) -> Candidate:
    """A calibrated model, better than any rule, that does not know the visits."""
    return candidate(good.learning, good.examined, features=FEATURES[:-1])


def collapsed(good: Candidate) -> Candidate:
    """Those who bought once get each other's chances: their mean, and the others, are as they were."""
    once = (good.examined["orders_total"] == 1).to_numpy()
    chances = good.examined["probability"].to_numpy().copy()
    chances[once] = shuffled(good.examined["probability"][once])
    return scored(good, chances)


def answer(part: pd.DataFrame) -> pd.Series:
    return part["churned"] + 0.001 * part["days_since_last_order"]


def names_reversed(model: ChurnClassifier) -> None:
    model.feature_names_in_ = model.feature_names_in_[::-1].copy()


def of_the_stars(good: Candidate) -> Candidate:
    """It reads a column that nobody has declared."""
    made = changed(good, lambda model: setattr(model, "feature_names_in_", model.feature_names_in_.copy()))
    made.model.feature_names_in_[5] = "star_sign"
    return replace(made, examined=good.examined.rename(columns={"engagements_28d": "star_sign"}))


def card(**changes: object) -> Plant:
    return lambda good: changed(good, lambda model: setattr(model, "card_", {**model.card_, **changes}))


def fitted_wrongly(good: Candidate) -> Candidate:
    """The examined model is good, the one to be registered has learned the opposite."""
    both = pd.concat([good.learning, good.examined], ignore_index=True)
    final = fit(SPEC, both.assign(churned=~both["churned"]), FEATURES)
    final.card_ = good.model.card_
    return replace(good, model=final)


CANDIDATES: dict[str, tuple[Plant, str]] = {
    "worse": (worse, "champion"),
    "ranks as well, too sure of itself": (
        lambda good: scored(good, expit(2.5 * logit(good.examined["probability"])).to_numpy()),
        "calibration",
    ),
    "ranks as well, too timid": (
        lambda good: scored(good, expit(0.5 * logit(good.examined["probability"]) - 0.5).to_numpy()),
        "calibration",
    ),
    "ranks as well, level too high": (
        lambda good: scored(good, expit(logit(good.examined["probability"]) + 1.2).to_numpy()),
        "rule and level",
    ),
    "one slice collapsed": (collapsed, "slices"),
    "leaked column": (lambda good: learned(good, answer), "columns"),
    "leak by what is unknown": (
        lambda good: learned(good, lambda part: part["orders_28d"].where(~part["churned"] | (part.index % 50 == 0))),
        "columns",
    ),
    "constant": (lambda good: scored(good, np.full(len(good.examined), 0.26)), "scores"),
    "not a number": (
        lambda good: scored(good, good.examined["probability"].where(lambda p: p > 0.1).to_numpy()),
        "scores",
    ),
    "above one": (lambda good: scored(good, 2 * good.examined["probability"].to_numpy()), "scores"),
    "no better than a coin": (lambda good: scored(good, shuffled(good.examined["probability"])), "rule and level"),
    "thin data": (lambda good: replace(good, learning=good.learning[:400]), "rows"),
    "no outcome to speak of": (
        lambda good: replace(good, examined=good.examined.drop(good.examined.index[good.examined["churned"]][15:])),
        "rows",
    ),
    "reordered features": (lambda good: changed(good, names_reversed), "refit"),
    "unknown feature": (of_the_stars, "features"),
    "fitted on mixed-up outcomes": (fitted_wrongly, "refit"),
    "another horizon": (card(spec=replace(SPEC, horizon_days=29).as_dict()), "question"),
    "another cohort": (card(spec=replace(SPEC, active_days=90).as_dict()), "question"),
    "trained tomorrow": (card(today="2026-02-16"), "days"),
    "outcomes of days to come": (card(fitted_on=["2025-07-01", "2026-01-19"]), "days"),
}


@pytest.mark.parametrize("kind", CANDIDATES)
def test_a_planted_bad_candidate_is_registered_and_never_promoted(
    good: Candidate, state: Path, kind: str, light: None
) -> None:
    plant, gate = CANDIDATES[kind]
    before = history(state), aliases.champion(state, "small")
    with pytest.raises(ModelNotBetter) as refused:
        enrol(state, plant(good), {"data": kind}, ASKED, AT + DAY)
    number = 2
    assert str(refused.value).startswith(f"version {number} of small was registered but not promoted, for ")
    assert aliases.champion(state, "small") == before[1]
    assert before[1] is not None
    assert before[1].version == 1
    *rest, last = history(state)
    assert rest == before[0]
    assert (last.kind, last.model.version, last.approver) == ("refused", number, "gates of the spec")
    told = json.loads((state / f"run{number}" / "gates.json").read_text())
    assert told["passed"] is False
    refusals = {each["name"]: each["refusal"] for each in told["gates"] if not each["passed"]}
    assert gate in refusals
    assert last.reason == f"refused by: {', '.join(refusals)}"
    assert all(refusal in str(refused.value) for refusal in refusals.values())


def tampered(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register = registry.register

    def then(*asked: Any) -> Any:
        version = register(*asked)
        with (state / version.path).open("r+b") as handle:
            handle.seek(5000)
            handle.write(b"?")
        return version

    monkeypatch.setattr(registry, "register", then)


def golden_of_another(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another library, or another processor, gives the last bit of one row otherwise."""
    kept = enrolment.golden_rows

    def nearly(*asked: Any) -> Any:
        found = kept(*asked)
        found["probability"][7] = np.nextafter(found["probability"][7], 1)
        return found

    monkeypatch.setattr(enrolment, "golden_rows", nearly)


def golden_in_another_order(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = enrolment.golden_rows
    monkeypatch.setattr(
        enrolment, "golden_rows", lambda *asked: {**(found := kept(*asked)), "features": found["features"][::-1]}
    )


FILES = {
    "tampered file": (tampered, "loads"),
    "golden row off by a bit": (golden_of_another, "golden rows"),
    "features in another order than recorded": (golden_in_another_order, "golden rows"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_not_what_was_trained_is_not_promoted(
    good: Candidate, state: Path, kind: str, light: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, gate = FILES[kind]
    plant(state, monkeypatch)
    with pytest.raises(ModelNotBetter):
        enrol(state, changed(good, lambda _: None), {"data": kind}, ASKED, AT)
    told = json.loads((state / "run2" / "gates.json").read_text())
    assert [each["name"] for each in told["gates"] if not each["passed"]] == [gate]
    champion = aliases.champion(state, "small")
    assert champion is not None
    assert champion.version == 1


def test_what_cannot_be_loaded_is_not_even_registered(good: Candidate, state: Path) -> None:
    """An estimator of a type that our loader does not know."""
    model = LogisticRegression().fit(good.examined[["orders_28d", "orders_90d"]], good.examined["churned"])
    model.card_ = good.model.card_
    before = registry.versions(state, "small")
    with pytest.raises(ModelRefused, match="LogisticRegression cannot be saved, for it could not be loaded"):
        enrol(state, replace(good, model=model), {"data": "logistic"}, ASKED, AT)
    assert registry.versions(state, "small") == before


@pytest.mark.parametrize(
    ("gates", "start"),
    [
        (Gates(min_auc_gain=0.4), "on the held-out cutoffs the model's AUC is +0."),
        (Gates(max_calibration_error=0.0), "on the held-out cutoffs the mean predicted chance is "),
    ],
)
def test_the_specs_own_gates_are_asked(good: Candidate, tmp_path: Path, gates: Gates, start: str, light: None) -> None:
    spec = replace(SPEC, gates=gates)
    asked = replace(ASKED, spec=spec)
    with pytest.raises(ModelNotBetter) as refused:
        enrol(tmp_path, card(spec=spec.as_dict())(good), {}, asked, AT)
    first, *others = str(refused.value).splitlines()
    assert first == "version 2 of small was registered but not promoted, for 1 of 13 gates refuse it:"
    assert len(others) == 1
    assert others[0].startswith(f"  {start}")
    assert aliases.champion(tmp_path, "small") is None


def test_refused_again_it_is_the_same_version_and_row(good: Candidate, state: Path) -> None:
    bad = card(today="2026-02-16")(good)
    for days in (0, 1):
        with pytest.raises(ModelNotBetter):
            enrol(state, bad, {}, ASKED, AT + days * DAY)
    found = [(row.kind, row.model.version, row.at) for row in history(state)]
    assert found == [("promoted", 1, AT), ("refused", 2, AT)]
