"""winback monitor: what published runs show, and when it advises to train again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import simulated_nights as nights
from winback.cli.monitor import command
from winback.errors import NotEnoughData
from winback.insight.monitor import advice
from winback.limits import Monitor
from winback.risk.watching.drift import drift
from winback.simulate.shop import Shop

SHOP = Shop(customers=500, days=420, seed=5, without=("tickets", "surveys", "payments"))
OPENS = dt.date(2024, 12, 17)
WEEKS = [OPENS + dt.timedelta(days=7 * n) for n in range(8)]
LIMITS = Monitor()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a shop with eight weekly runs of one model."""
    path = nights.lay_down(tmp_path_factory.mktemp("monitor") / "shop", SHOP)
    job = nights.ingested(path, OPENS)
    found = nights.fitted(job, [OPENS - dt.timedelta(days=28 + 30 * n) for n in reversed(range(5))])
    rows = nights.features_of_days(job, found[1], WEEKS)
    for day in WEEKS:
        nights.night(job, day, rows[day], found)
    return path


def told(path: Path, day: dt.date, *options: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, ["--config", str(path), "--date", str(day), "--json", *options])
    assert done.exit_code == 0, done.output[:300]
    found: dict[str, Any] = json.loads(done.output)
    return found


def test_runs_are_told_by_whether_their_window_is_closed(path: Path):
    """Of the day six weeks after the first run: the window of 28 days is closed for those of two weeks."""
    found = told(path, WEEKS[6])
    assert [run["date"] for run in found["matured"]] == [str(day) for day in WEEKS[:3]]
    assert [run["date"] for run in found["early"]] == [str(day) for day in WEEKS[3:7]]
    assert [run["model_days"] for run in found["matured"]] == [0, 7, 14]
    assert found["run"]["date"] == str(WEEKS[6])
    assert (found["run"]["model_days"], found["run"]["version"]) == (42, 1)


def test_the_figures_are_counted_from_the_files(path: Path):
    """Who left: whoever has no order in the 28 days after; of those left alone no action and no contact."""
    run = told(path, WEEKS[6])["matured"][0]
    folder = next(path.parent.glob(f"runs/{WEEKS[0]}-*"))
    scores = pd.read_parquet(folder / "scores.parquet").set_index("customer_id")
    inside = {}
    for table, moment in (("orders", "ordered_at"), ("contacts", "contacted_at")):
        rows = pd.read_parquet(path.parent / table / "day-0000.parquet")
        begin, end = (pd.Timestamp(day, tz="UTC") for day in (WEEKS[0], WEEKS[4]))
        known = rows["recorded_at"] < pd.Timestamp(WEEKS[6], tz="UTC")
        kept = rows[rows[moment].between(begin, end, inclusive="left") & known]
        kept = kept[kept["amount"] >= 0] if table == "orders" else kept
        inside[table] = set(kept["customer_id"])
    left = ~scores.index.isin(inside["orders"])
    decisions = pd.read_parquet(folder / "decisions.parquet").set_index("customer_id")["action"]
    alone = (decisions[scores.index] == "leave_alone").to_numpy() & ~scores.index.isin(inside["contacts"])
    assert (run["all"]["customers"], run["all"]["left"]) == (len(scores), left.sum())
    assert (run["left_alone"]["customers"], run["left_alone"]["left"]) == (alone.sum(), left[alone].sum())
    off = run["all"]["off"]
    assert off["value"] == pytest.approx(scores["probability"].mean() - left.mean())
    assert off["low"] < off["value"] < off["high"]
    assert run["all"]["auc"]["value"] > 0.65


def test_an_early_estimate_says_so_and_expects_what_the_chances_say(path: Path):
    early = told(path, WEEKS[6])["early"]
    first, last = early[0], early[-1]
    assert (first["days"], last["days"]) == (21, 0)
    assert last["fault"] == "only 0 days have gone by; 7 are needed."
    assert 0.3 < first["expected"] < 0.9
    assert first["difference"]["value"] == pytest.approx(first["came_back"] - first["expected"])
    assert first["difference"]["low"] < 0 < first["difference"]["high"]


def test_healthy_weeks_raise_no_alarm(path: Path):
    found = told(path, WEEKS[3], "--fail-on-alarm")
    assert not found["alarm"]
    assert [each["rule"] for each in found["advice"]] == ["features", "score", "calibration", "age"]
    assert found["advice"][2]["said"] == "no run of this model has matured yet."
    later = {each["rule"]: each["alarm"] for each in told(path, WEEKS[-1])["advice"]}
    assert list(later) == ["features", "score", "calibration", "order", "age"]
    assert not later["features"]
    assert not later["score"]


def test_an_alarm_is_information_unless_it_is_to_fail(path: Path):
    """Half a year later the model is old; labels of then are not asked for where the log has ended."""
    old = OPENS + dt.timedelta(days=181)
    found = told(path, old)
    assert found["alarm"]
    asked = ["--config", str(path), "--date", str(old), "--fail-on-alarm"]
    done = CliRunner().invoke(command, asked)
    assert done.exit_code == 1
    assert "ALARM  age: the model was trained 181 days ago; max_model_days is 180." in done.output
    assert "Runs whose window is closed" in done.output
    assert "Train again" in done.output


def test_nothing_published_is_said(path: Path):
    asked = ["--config", str(path), "--date", str(OPENS - dt.timedelta(days=1))]
    done = CliRunner().invoke(command, asked)
    assert isinstance(done.exception, NotEnoughData)
    assert str(done.exception).startswith(f"no run of small was published in {path.parent / 'runs'} for 2024-12-16 or")


def column(name: str, index: float = 0.05, *, drifted: bool = False) -> dict[str, Any]:
    return {"column": name, "index": index, "limit": 0.2, "drifted": drifted}


def group(**changed: Any) -> dict[str, Any]:
    found = {
        "customers": 1000,
        "left": 300,
        "mean_chance": 0.31,
        "rule": "orders_90d",
        "rule_auc": 0.7,
        "auc": {"value": 0.75, "low": 0.72, "high": 0.78},
        "off": {"value": 0.01, "low": -0.01, "high": 0.03},
        "above_rule": {"value": 0.05, "low": 0.02, "high": 0.08},
    }
    return {**found, **changed}


def observed(*, columns: Any = (), alone: Any = None, version: int = 1, days: int = 30) -> dict[str, Any]:
    matured = [{"date": "2026-01-01", "version": version, "left_alone": alone or group(), "all": group()}]
    run = {"version": 1, "model_days": days}
    return {"run": run, "drift": {"columns": [column("probability"), *columns]}, "matured": matured}


WRONG = {"value": 0.05, "low": 0.02, "high": 0.08}


@pytest.mark.parametrize(
    ("shown", "alarms"),
    [
        (observed(), []),
        (observed(columns=[column("orders_90d", 0.4, drifted=True)]), ["features"]),
        (observed(columns=[column("orders_90d", 0.4)]), []),
        (observed(alone=group(off=WRONG)), ["calibration"]),
        (observed(alone=group(off={"value": 0.05, "low": -0.01, "high": 0.11})), []),
        (observed(alone=group(off={"value": 0.02, "low": 0.01, "high": 0.03})), []),
        (observed(alone={"customers": 9, "left": 1}), []),
        (observed(alone=group(off=WRONG), version=2), []),
        (observed(alone=group(above_rule={"value": -0.05, "low": -0.08, "high": -0.01})), ["order"]),
        (observed(alone=group(above_rule={"value": -0.05, "low": -0.12, "high": 0.01})), []),
        (observed(days=181), ["age"]),
        (observed(days=180), []),
    ],
)
def test_rules(shown: dict[str, Any], alarms: list[str]):
    assert [each["rule"] for each in advice(shown, LIMITS) if each["alarm"]] == alarms


def test_each_rule_tells_its_numbers():
    shown = observed(columns=[column("orders_90d", 0.4, drifted=True), column("spend_90d")], alone=group(off=WRONG))
    assert [each["said"] for each in advice(shown, LIMITS)] == [
        "1 of 2 features have drifted since training (orders_90d 0.40); 1 are an alarm.",
        "stability index of the chances 0.05, limit 0.2.",
        "run of 2026-01-01: mean chance 31.0%, 30.0% left, +5.0% (+2.0% to +8.0%); an alarm above 3.0% where the "
        "interval is without 0.",
        "run of 2026-01-01: AUC 0.750, of the best single rule (orders_90d) 0.700, +0.050 (+0.020 to +0.080); an alarm "
        "where the interval lies below 0.",
        "the model was trained 30 days ago; max_model_days is 180.",
    ]


Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def scaled(prefix: str, by: float) -> Change:
    """All features of a name so many times as large."""
    return lambda rows, _: rows.assign(**{name: by * rows[name] for name in rows if name.startswith(prefix)})


def for_some(prefix: str, share: float, value: float) -> Change:
    """The features of a name lost for a share of the customers."""

    def plant(rows: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
        lost = chance.random(len(rows)) < share
        return rows.assign(**{name: rows[name].mask(lost, value) for name in rows if name.startswith(prefix)})

    return plant


def more_of(column_name: str, high: bool, times: int) -> Change:
    """Another mix of customers: those of one half of a column so many times as often."""

    def plant(rows: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
        upper = (rows[column_name] > rows[column_name].median()).to_numpy() == high
        weight = np.where(upper, times, 1.0)
        return rows.iloc[chance.choice(len(rows), len(rows), p=weight / weight.sum())]

    return plant


DRIFTS: list[tuple[str, Change]] = [
    ("prices rise by half", scaled("spend", 1.5)),
    ("a third of the visits is not seen any more", for_some("visit", 0.35, 0.0)),
    ("four in ten have no answers", for_some("nps", 0.4, np.nan)),
    ("orders come half as often", scaled("orders_", 0.5)),
    ("mail programs open mails by themselves", scaled("email_opens", 3.0)),
    ("gaps grow by half", scaled("gap_", 1.5)),
    ("many new customers", more_of("days_since_first_order", False, 6)),
    ("those who were silent are kept longer", more_of("days_since_last_order", True, 6)),
    ("a campaign brought the risky", more_of("probability", True, 6)),
    ("categories are named anew", scaled("categories", 2.0)),
]


@pytest.mark.deep
def test_clean_weeks_raise_few_alarms_and_planted_drifts_are_found(tmp_path: Path):
    """200 weekly runs: eight shops, a model each, the 25 weeks until it counts as old."""
    alarms, found = [], {name: [] for name, _ in DRIFTS}
    for seed in range(8):
        shop = Shop(customers=2000, days=740, seed=100 + seed)
        opens = shop.start + dt.timedelta(days=shop.days - 7 * 25)
        job = nights.ingested(nights.lay_down(tmp_path / str(seed), shop), opens)
        _, model = nights.fitted(job, [opens - dt.timedelta(days=28 + 30 * n) for n in reversed(range(6))])
        reference, names = model.card_["drift_reference"], [str(name) for name in model.feature_names_in_]
        days = [opens + dt.timedelta(days=7 * n) for n in range(25)]
        weeks = nights.features_of_days(job, model, days)
        for n, day in enumerate(days):
            rows = weeks[day].assign(probability=model.predict_proba(weeks[day][names])[:, 1])
            alarms.append(sorted((now := drift(reference, rows, LIMITS.least_index))["column"][now["drifted"]]))
            if n in (8, 9):
                for name, change in DRIFTS:
                    planted = change(rows, np.random.default_rng(n))
                    planted["probability"] = model.predict_proba(planted[names])[:, 1]
                    found[name].append(bool(drift(reference, planted, LIMITS.least_index)["drifted"].any()))
    print({name: float(np.mean(hits)) for name, hits in found.items()}, [each for each in alarms if each])  # noqa: T201
    assert len(alarms) == 200
    assert sum(bool(each) for each in alarms) <= 10
    by_shop = [[any(hits[2 * s : 2 * s + 2]) for s in range(8)] for hits in found.values()]
    assert all(sum(each[s] for each in by_shop) >= 9 for s in range(8))
