"""The search for parameters: forward in time, the same every time, and never below the spec's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from winback.errors import ConfigError
from winback.facts.features import declared
from winback.risk.asking.specs import Boosting, OwnEstimator, Search, Spec, with_parameters
from winback.risk.learning.search import searched

FEATURES = declared.named(["days_since_last_order", "orders_90d"])
SMALL = Boosting(n_models=1, max_iter=10, min_samples_leaf=5, max_features=1.0)
GRID = {"max_leaf_nodes": (2, 6), "learning_rate": (0.001, 0.1)}


def made_up(seed: int) -> pd.DataFrame:
    """Four months of customers, who leave the surer the longer they have not ordered."""
    rng = np.random.default_rng(seed)
    months = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"], utc=True).as_unit("us")
    rows = pd.DataFrame({"cutoff": np.repeat(months, 150), "days_since_last_order": rng.gamma(2, 10, 600)})
    rows["orders_90d"] = rng.poisson(3, 600).astype(float)
    return rows.assign(churned=rng.random(600) < expit((rows["days_since_last_order"] - 20) / 5))


def test_without_a_search_nothing_is_tried() -> None:
    assert searched(Spec("s", 28, estimator=SMALL), made_up(0), FEATURES, lambda _: None) == ({}, [])


def test_the_best_is_found_and_said() -> None:
    """A rate of 0.001 learns nothing in ten rounds."""
    spec = Spec("s", 28, estimator=SMALL, search=Search(trials=5, parameters=GRID))
    said: list[str] = []
    found, trials = searched(spec, made_up(0), FEATURES, said.append)
    assert found in ({}, {"learning_rate": 0.1, "max_leaf_nodes": 2}, {"learning_rate": 0.1, "max_leaf_nodes": 6})
    assert trials[0]["parameters"] == {}
    assert len(trials) == 5
    seen = [len(t["losses"]) for t in trials]
    assert seen[0] == max(seen) == 3  # the spec's own parameters see every fold
    assert min(seen) < 3  # and the worst are given up
    slow = [t["log_loss"] for t in trials if t["parameters"].get("learning_rate") == 0.001]
    assert min(slow) > min(t["log_loss"] for t in trials)
    assert [text.split(":")[0] for text in said] == ["fold 1 of 3", "fold 2 of 3", "fold 3 of 3"]
    assert searched(spec, made_up(0), FEATURES, lambda _: None) == (found, trials)


def test_a_search_sees_no_later_month_when_it_learns() -> None:
    """What the outcomes of the last month are changes nothing about what was learned for the month before."""
    spec = Spec("s", 28, estimator=SMALL, search=Search(trials=3, parameters=GRID))
    rows = made_up(0)
    last = rows["cutoff"] == rows["cutoff"].max()
    turned = rows.assign(churned=np.where(last, ~rows["churned"], rows["churned"]))
    one, other = (searched(spec, r, FEATURES, lambda _: None)[1][0]["losses"] for r in (rows, turned))
    assert one[0] != other[0]
    assert one[1:] == other[1:]


def test_parameters_of_either_kind_of_estimator() -> None:
    assert with_parameters(Spec("s", 28), {"max_iter": 7}).estimator.max_iter == 7
    own = Spec("s", 28, own_estimator=OwnEstimator("a:B", {"depth": 1, "rate": 2}))
    assert with_parameters(own, {"depth": 3}).own_estimator == OwnEstimator("a:B", {"depth": 3, "rate": 2})


def test_a_parameter_that_the_estimator_does_not_have() -> None:
    with pytest.raises(ConfigError) as caught:
        with_parameters(Spec("s", 28), {"max_iters": 7})
    assert "max_iter" in str(caught.value)
