"""The promotion gate: what a good candidate passes, and planted bad ones of which none becomes champion."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from candidates import ASKED, AT, CUTOFFS, DAY, FEATURES, HELD_OUT, SPEC, candidate, rows, scored
from winback import __version__
from winback.errors import ModelNotBetter, ModelRefused
from winback.risk.asking.specs import Gates
from winback.risk.keeping import aliases, enrolment, model_file, registry
from winback.risk.keeping.enrolment import enrol
from winback.risk.keeping.promotions import Version, history
from winback.risk.keeping.rivals import against_champion
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.train import fit
from winback.risk.scoring.estimator import ChurnClassifier

Plant = Callable[[Candidate], Candidate]


@pytest.fixture(scope="module")
def good() -> Candidate:
    return candidate(rows(CUTOFFS), rows(HELD_OUT))


@pytest.fixture(scope="module")
def first(good: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the good candidate is the champion."""
    folder = tmp_path_factory.mktemp("state")
    assert enrol(folder, good, {"inputs": {"data/orders.csv": "ab" * 32}}, ASKED, AT).version == 1
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


def test_all_that_was_asked_and_shown_is_in_mlflow(good: Candidate, first: Path) -> None:
    (version,) = registry.versions(first, "small")
    with registry.opened(first, "small") as client:
        logged, shown = client.get_run(version.run_id), client.get_model_version("small", "1")
    run, learned = logged.data, logged.inputs.dataset_inputs[0].dataset
    assert [made.model_id for made in logged.outputs.model_outputs] == [Path(version.path).parts[2]]
    assert run.params["spec/estimator/max_iter"] == "30"
    assert run.params["spec/gates/max_calibration_error"] == "0.05"
    assert (run.params["rows"], run.params["today"]) == ("5400", "2026-02-15")
    inputs = json.loads((first / "mlartifacts" / version.run_id / "artifacts" / "made_from.json").read_text())["inputs"]
    assert inputs == {"data/orders.csv": "ab" * 32}
    assert run.tags["inputs_sha256"] == hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
    assert run.params["versions/winback"] == __version__
    assert run.params["versions/scikit-learn"] == metadata.version("scikit-learn")
    assert run.metrics["2026-01-10/auc"] == good.figures[1].auc
    assert run.metrics["auc"] == pytest.approx(np.mean([figures.auc for figures in good.figures]))
    assert (learned.name, json.loads(learned.profile), learned.digest) == (
        "labelled rows",
        {"num_rows": 5400},
        run.tags["inputs_sha256"][:12],
    )
    assert {"training_key", "sha256", "installed_sha256", "winback"} <= run.tags.keys()
    assert run.tags["plots"] == "calibration.png, gains.png, importance.png"
    assert run.tags["gates"] == shown.tags["gates"] == "passed"
    place = first / "mlartifacts" / version.run_id / "artifacts"
    texts = {"card.json", "spec.json", "made_from.json", "installed.txt", "gates.json"}
    assert {path.name for path in place.iterdir()} == texts | {"calibration.png", "gains.png", "importance.png"}
    assert (place / "gains.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((place / "spec.json").read_text()) == json.loads(json.dumps(SPEC.as_dict()))
    installed = (place / "installed.txt").read_text()
    assert f"scikit-learn=={metadata.version('scikit-learn')}\n" in installed
    assert hashlib.sha256(installed.encode()).hexdigest() == run.tags["installed_sha256"]
    described = " ".join((first / version.path).with_name("MLmodel").read_text().split())
    at = [described.index(f'"name": "{feature.name}"') for feature in FEATURES]
    assert at == sorted(at)


def test_without_matplotlib_the_run_says_so(good: Candidate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    record = enrolment._record(good, {})
    assert record.tags["plots"] == 'not made: pip install "winback[plots]"'
    assert not [name for name in record.artifacts if name.endswith(".png")]


def test_an_equal_candidate_is_not_worse_than_the_champion(good: Candidate, state: Path) -> None:
    """They have learned from the same cutoffs, so the champion's recipe stands for it."""
    assert enrol(state, good, {"data": "second"}, ASKED, AT + DAY).version == 2
    told = report(state, 2)["champion"]
    assert (told["version"], told["by"], told["rows"], told["customers"]) == (1, "its recipe", 1800, 900)
    figures = ("auc", "auc_low", "auc_high", "log_loss", "log_loss_low", "log_loss_high")
    assert [told[figure] for figure in figures] == [0.0] * 6
    assert [row.kind for row in history(state)] == ["promoted", "promoted"]


def test_a_champion_of_earlier_days_is_asked_itself_where_it_has_not_learned(
    good: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has learned of outcomes up to 29 December: the later hold-out is new to both."""
    before = candidate(rows(CUTOFFS[:2]), rows([CUTOFFS[3], HELD_OUT[0]]), dt.date(2025, 12, 29)).model
    monkeypatch.setattr(aliases, "champion", lambda *_: Version("small", 7, "", "", ""))
    monkeypatch.setattr(registry, "load_version", lambda *_: before)
    gate, found = against_champion(tmp_path, good, FEATURES)
    assert gate.passed
    assert found is not None
    assert (found.champion.version, found.by, found.difference.rows) == (7, "itself", 900)
    new = good.examined[good.examined["cutoff"] == pd.Timestamp(HELD_OUT[1], tz="UTC")]
    left, ours = new["churned"], new["probability"]
    theirs = before.predict_proba(new[before.feature_names_in_])[:, 1]
    told = found.difference
    assert told.auc == pytest.approx(roc_auc_score(left, ours) - roc_auc_score(left, theirs))
    assert told.log_loss == pytest.approx(log_loss(left, ours) - log_loss(left, theirs))
    assert told.auc_low < told.auc < told.auc_high
    assert told.log_loss_low < told.log_loss < told.log_loss_high


@pytest.mark.parametrize("change", [{"horizon_days": 29}, {"active_days": 90}])
def test_a_champion_of_another_question_is_not_compared(
    good: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, int]
) -> None:
    other = changed(good, lambda model: setattr(model, "card_", {**model.card_, "spec": {**SPEC.as_dict(), **change}}))
    monkeypatch.setattr(aliases, "champion", lambda *_: Version("small", 7, "", "", ""))
    monkeypatch.setattr(registry, "load_version", lambda *_: other.model)
    gate, found = against_champion(tmp_path, good, FEATURES)
    assert (gate.passed, gate.found, found) == (True, "version 7 answers another question", None)


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


def test_what_cannot_be_loaded_is_not_even_registered(
    good: Candidate, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An estimator of a type that our loader does not know."""
    monkeypatch.setattr(enrolment, "pictures", lambda *_: {})  # nor do they know how to draw it
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
