"""A challenger beside the champion: scored on the same customers, and no hindrance to the night."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import shop
from winback import making, store
from winback.risk.asking.dataset import Ask, Plan
from winback.risk.keeping import aliases, enrolment, registry, shadow, succession
from winback.risk.keeping.file_gates import Asked
from winback.risk.keeping.promotions import history
from winback.risk.keeping.succession import Said
from winback.risk.learning.train import train

SAID = Said(shop.RECEIVED, "a try", "Dana")
COLUMNS = ["customer_id", "cutoff", "probability", "at_risk"]


def scores(*rows: tuple[str, float, bool]) -> pd.DataFrame:
    return pd.DataFrame(
        [(who, pd.Timestamp("2026-02-15", tz="UTC"), p, flag) for who, p, flag in rows], columns=COLUMNS
    )


@pytest.mark.parametrize(
    ("challengers", "told"),
    [
        (
            [("a", 0.2, False), ("b", 0.5, True), ("c", 0.8, True)],
            {"customers": 3, "rank_correlation": 1.0, "mean_difference": 0.0, "flags_differ": 0.0},
        ),
        (
            [("c", 0.1, False), ("b", 0.4, False), ("a", 0.7, True)],
            {"customers": 3, "rank_correlation": -1.0, "mean_difference": -0.1, "flags_differ": 1.0},
        ),
        (
            [("b", 0.6, True), ("d", 0.9, True)],
            {"customers": 1, "rank_correlation": None, "mean_difference": 0.1, "flags_differ": 0.0},
        ),
        ([], {"customers": 0, "rank_correlation": None, "mean_difference": None, "flags_differ": None}),
    ],
)
def test_agreement(challengers: list[tuple[str, float, bool]], told: dict[str, float | None]) -> None:
    champions = scores(("a", 0.2, False), ("b", 0.5, True), ("c", 0.8, True))
    found = shadow.agreement(champions, scores(*challengers) if challengers else champions.head(0))
    assert found == pytest.approx(told)


@pytest.fixture(scope="module")
def project(published_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose champion is a model of 20 trees and whose challenger, of 10, was trained on the same facts."""
    path = shop.copy(published_shop, tmp_path_factory.mktemp("challenged") / "shop")
    job = shop.job(path)
    spec = replace(job.spec, estimator=replace(job.spec.estimator, max_iter=10))
    card = store.read_json(job.runs / job.run_id / "model.json")["card"]
    days = [tuple(map(dt.date.fromisoformat, card[key])) for key in ("examined_after", "fitted_on")]
    plan = Plan(days[0], days[1][len(days[0]) :])
    made = train(job.facts, plan, job.zone, job.today, Ask(spec, job.features))
    asked = Asked(spec, job.today, job.features)
    assert enrolment.submit(job.state, made, {"max_iter": 10}, asked)[0].version == 2
    succession.challenge(job.state, 2, Asked(job.spec, job.today, job.features), SAID)
    return path


@pytest.fixture
def mine(project: Path, tmp_path: Path) -> Path:
    return shop.copy(project, tmp_path / "shop")


def test_a_night_scores_the_challenger_on_the_champions_customers(mine: Path) -> None:
    folder, summary, did = shop.run(mine, shop.LATER)
    assert did
    assert summary["model"]["version"] == 1
    ours, theirs = (store.read_table(folder / f"{name}.parquet").to_pandas() for name in ("scores", "shadow_scores"))
    assert list(theirs.columns) == [column for column in ours.columns if column != "nights_below"]
    assert theirs["customer_id"].tolist() == ours["customer_id"].tolist()
    assert (set(ours["model_version"]), set(theirs["model_version"])) == ({"1"}, {"2"})
    assert (theirs["at_risk"] == (theirs["probability"] >= 0.3)).all()
    told = store.read_json(folder / "steps" / "shadow.json")["result"]
    assert told == {"version": 2, "fault": "", **shadow.agreement(ours, theirs)}
    assert 0.8 < told["rank_correlation"] < 1
    assert told["customers"] == len(ours)
    listed = pd.read_csv(folder / "at_risk.csv")
    assert len(listed) == ours["at_risk"].sum()


def test_a_challenger_that_cannot_be_asked_stops_no_night(mine: Path) -> None:
    state = mine.parent / "state"
    (state / registry.version_of(state, "small", 2).path).write_bytes(b"")
    folder, _, did = shop.run(mine, shop.LATER)
    assert did
    assert store.read_table(folder / "shadow_scores.parquet").num_rows == 0
    told = store.read_json(folder / "steps" / "shadow.json")["result"]
    assert "has SHA-256" in told["fault"]
    assert told["customers"] == 0


def test_a_challenger_that_was_withdrawn_in_between_leaves_nothing_to_publish(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first attempt dies after the shadow scores; then the challenger goes."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(making, "decisions", dies)
        with pytest.raises(KeyboardInterrupt):
            shop.run(mine, shop.LATER)
    state = mine.parent / "state"
    succession.withdraw(state, "small", SAID)
    folder, _, did = shop.run(mine, shop.LATER)
    assert did
    assert not (folder / "steps" / "shadow.json").exists()
    assert "shadow_scores.parquet" not in store.read_json(folder / "manifest.json")["files"]


def test_a_rollback_brings_back_yesterdays_list(mine: Path, tmp_path: Path) -> None:
    """The same day in three shops: under the champion, under another, and under the first again after a rollback."""
    state = mine.parent / "state"
    other = shop.copy(mine, tmp_path / "other")
    before, _, _ = shop.run(other, shop.LATER)
    first, second = (registry.version_of(state, "small", number) for number in (1, 2))
    aliases.appoint(state, replace(history(state)[0], model=second, reason="by hand"))
    asked = shop.job(mine)
    succession.rollback(state, None, Asked(asked.spec, asked.today, asked.features), SAID)
    assert aliases.champion(state, "small") == first
    after, _, _ = shop.run(mine, shop.LATER)
    assert shop.contents(after, shop.OUTPUTS) == shop.contents(before, shop.OUTPUTS)
