"""What the model loses without a driver, and what features cost: both on the facts of a small shop."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import shop
from winback.cli.features import command
from winback.config import Cutoffs
from winback.errors import NotEnoughData
from winback.facts.features import declared
from winback.facts.features.cost import feature_costs
from winback.facts.intake.ingest import ingest
from winback.risk.asking.dataset import Ask, plan_cutoffs
from winback.risk.asking.specs import Boosting, Spec
from winback.risk.learning import ablation as ablating
from winback.risk.learning.ablation import ablation

# With every feature at hand at every split, one that says nothing changes no tree.
TREES = Boosting(n_models=1, max_iter=20, learning_rate=0.1, max_features=1.0)
SPEC = Spec("small", 28, active_days=90, estimator=TREES)
PLAN = plan_cutoffs(Cutoffs(first=dt.date(2025, 8, 1), holdout=(dt.date(2026, 1, 1),)), 28, dt.date.min, shop.TODAY)
FEW = declared.named(["days_since_last_order", "overdue_median_ratio", "orders_28d", "engagements_28d"])


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = shop.job(shop.lay_down(tmp_path_factory.mktemp("shop")))
    ingest(asked.config.sources, asked.base, asked.facts, "UTC", shop.RECEIVED)
    return asked.facts


def table_of(facts: Path, spec: Spec = SPEC) -> pd.DataFrame:
    return ablation(facts, PLAN, "UTC", shop.TODAY, Ask(spec, FEW))


def test_each_driver_is_left_out_once(facts):
    """The whole model first; then a row a driver, the one missed most first."""
    table = table_of(facts)
    assert table.columns.tolist() == ["driver", "features", "auc", "change"]
    assert table.loc[0, ["driver", "features", "change"]].tolist() == ["", 4, 0.0]
    assert dict(zip(table["driver"][1:], table["features"][1:], strict=True)) == {
        "recency": 2,
        "frequency": 1,
        "engagement": 1,
    }
    assert table["change"][1:].is_monotonic_increasing
    np.testing.assert_allclose(table["change"], table["auc"] - table["auc"][0])
    assert table["auc"].between(0.5, 1).all()


def test_orders_are_missed_more_than_visits(facts):
    """The sample's customers leave by no longer ordering."""
    change = table_of(facts).set_index("driver")["change"]
    assert change[["recency", "frequency"]].min() < min(change["engagement"], -0.002)


def test_a_driver_of_which_the_model_knows_nothing_is_not_missed(facts, monkeypatch):
    """A feature that is the same for everybody: without it the same trees are grown."""
    honest = ablating.labelled_rows
    monkeypatch.setattr(ablating, "labelled_rows", lambda *asked: honest(*asked).assign(engagements_28d=1.0))
    table = table_of(facts).set_index("driver")
    assert table.loc["engagement", "change"] == 0


def test_what_the_spec_leaves_out_is_left_out(facts):
    table = table_of(facts, replace(SPEC, leave_out=("engagements_28d",)))
    assert table["driver"].tolist()[0] == ""
    assert set(table["driver"]) == {"", "recency", "frequency"}


def test_the_last_driver_leaves_a_coin(facts):
    table = ablation(facts, PLAN, "UTC", shop.TODAY, Ask(SPEC, FEW[:1]))
    assert table[["driver", "auc"]].to_numpy().tolist()[1] == ["recency", 0.5]


def test_costs_are_told_by_feature_the_dearest_first(facts):
    costs = feature_costs(facts, [shop.TODAY], "UTC", FEW)
    assert set(costs["feature"]) == {f.name for f in FEW}
    assert costs["cpu_ms"].is_monotonic_decreasing
    assert (costs["cpu_ms"] >= 0).all()
    assert set(costs["together"]) == {costs["together"][0]}


def told(*words: str) -> str:
    done = CliRunner().invoke(command, list(words), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_both_are_verbs(facts):
    """`winback features` on the project whose facts these are."""
    project = str(facts.parents[2] / "winback.toml")
    costs = json.loads(told("--config", project, "--date", str(shop.TODAY), "--cost", "--json"))
    assert {"orders_28d", "days_since_last_order"} <= {row["feature"] for row in costs}
    losses = told("--config", project, "--date", str(shop.TODAY), "--ablation").splitlines()
    assert losses[0].split() == ["driver", "features", "auc", "change"]
    assert losses[1].split()[-1] in ("0.000", "-0.000")


def test_without_facts_it_says_what_to_do_first(tmp_path):
    path = shop.lay_down(tmp_path)
    words = ["--config", str(path), "--date", "2026-02-15", "--cost"]
    with pytest.raises(NotEnoughData) as caught:
        CliRunner().invoke(command, words, catch_exceptions=False)
    assert str(caught.value) == (
        f"no facts of these sources at {shop.job(path).facts}: "
        f"run `winback run --config {path} --date 2026-02-15` first."
    )
