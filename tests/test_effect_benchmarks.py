"""The benchmarks of campaigns and learning run, and their made-up truth is what they say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """A module of the benchmarks by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.parametrize("kind", ["works", "harms"])
def test_the_truth_of_campaigns_is_what_many_customers_show(bench, kind):
    lift = bench("lift")
    shop, rng = lift.Shop(0.3), np.random.default_rng(4)
    rows = lift.campaign(rng, lift.customers(rng, shop, 200_000), lift.KINDS[kind], 0.5)
    treated = rows["arm"] == "treated"
    truth = lift.truths(shop, lift.KINDS[kind])
    for metric in lift.METRICS:
        spread = rows[metric].std() * 2 / 200_000**0.5
        found = rows.loc[treated, metric].mean() - rows.loc[~treated, metric].mean()
        assert found == pytest.approx(truth[metric], abs=4 * spread), metric


def test_coverage_counts_each_campaign_and_metric(bench, monkeypatch):
    lift = bench("lift")
    monkeypatch.setattr(lift, "SIZES", ((150, 0.2),))
    found = lift.coverage(lift.Shop(0.0), 3, 1)
    assert found.groupby(["kind", "metric"]).size().tolist() == [1] * 12
    assert (found["adjusted_width"] > 0).all()


def test_nobody_does_better_than_the_oracle_and_the_guesses_do_worst(bench, monkeypatch):
    learning = bench("learning")
    monkeypatch.setattr(learning, "WEEKS", 12)
    told = learning.compared(0, 400, 0.3)
    gains = told.groupby("policy")["gain"].sum()
    assert gains.idxmax() == "oracle"
    assert gains.idxmin() == "fixed priors"
    weekly = told.pivot_table(index="week", columns="policy", values="gain")
    assert (weekly["oracle"] >= weekly.max(axis=1) - 1e-9).all()


def test_no_covariate_can_know_more_than_the_chance(bench):
    """Of staying: all but the luck of a chance p, whose variance is p (1 - p)."""
    lift = bench("lift")
    shop = lift.Shop(0.3)
    chance = lift.customers(np.random.default_rng(6), shop, 50_000)["probability"]
    luck = (chance * (1 - chance)).mean() / (chance.mean() * (1 - chance.mean()))
    assert lift.most_narrower(shop, 50_000)["stayed"] == pytest.approx(1 - luck**0.5, abs=0.01)


def test_treated_are_as_many_as_said(bench):
    treated = bench("treated")
    rng = np.random.default_rng(1)
    x, chance = treated.customers(rng, 20_000)
    found = treated.campaigns(rng, x, chance)
    assert found["treated"].mean() == pytest.approx(treated.TREATED, abs=0.01)
    assert found.loc[found["chance"] > 0, "treated"].mean() == pytest.approx(1 - treated.HELD_OUT, abs=0.01)
    assert not found.loc[found["chance"] == 0, "treated"].any()
