"""The benchmark of simulated shops counts as it says."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from winback.facts.features.feature import Driver
from winback.risk.scoring.reasons import FADING
from winback.simulate.causes import NAMES

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import simulated_shops  # noqa: PLC0415

    return simulated_shops


REASONS = pd.DataFrame(
    [
        ("a", "recency", 1, 0.4), ("a", "service", 2, 0.3), ("a", "discounts", 3, 0.1), ("a", "payments", 4, -0.2),
        ("b", "engagement", 1, 0.5), ("b", "cadence", 2, 0.3), ("b", "discounts", 3, 0.2),
        ("c", "recency", 1, 0.4), ("c", "payments", 2, -0.3),
        ("d", "recency", 1, 0.4), ("d", "habits", 2, 0.3),
    ],
    columns=["customer_id", "driver", "rank", "points"],
)  # fmt: skip
TOLD = {("a", "service"): 1, ("a", "recency"): 2, ("d", "habits"): 1, ("d", "recency"): 2}
KEYS = zip(REASONS["customer_id"], REASONS["driver"], REASONS["rank"], strict=True)
REASONS["place"] = [TOLD.get((customer, driver), rank) for customer, driver, rank in KEYS]


@pytest.mark.parametrize(
    ("customer", "cause", "by_points", "told"),
    [
        ("a", "service_failure", 2, 1),
        ("a", "product_trouble", 2, 1),
        ("a", "price_pressure", 3, 3),
        ("b", "price_pressure", 3, 3),
        ("b", "competitor", 1, 1),
        ("c", "payment_failure", None, None),  # it speaks for staying
        ("d", "novelty_gone", None, None),
    ],
)
def test_a_cause_has_a_rank_by_points_and_a_place_where_it_is_told(bench, customer, cause, by_points, told):
    found = bench.named(REASONS, pd.DataFrame({"customer_id": [customer], "cause": [cause]}))
    places = found.loc[customer, ["by_points", "told"]].tolist()
    assert [None if pd.isna(place) else place for place in places] == [by_points, told]


def test_figures_of_a_shop(bench):
    rows = pd.DataFrame({"customer_id": list("abcd"), "churned": [True, True, False, False]})
    rows["probability"] = [0.9, 0.3, 0.4, 0.1]
    truth = pd.DataFrame({"customer_id": list("abcd"), "leaves": [0.9, 0.8, 0.1, 0.2]})
    truth = truth.assign(
        cause=["service_failure", "price_pressure", None, None],
        traced=[True, False, False, False],
        on_pause=[False, False, True, False],
    )
    reasons = REASONS.assign(feature=["last_visit_seconds" if d == "habits" else d for d in REASONS["driver"]])
    told, places = bench.figures(rows, reasons, truth)
    assert (told["auc"], told["truth"], told["traced"], told["useless"]) == (0.75, 1.0, 1, 0.25)
    assert (told["1st by_points"], told["2 by_points"], told["1st told"]) == (0, 1, 1)
    assert (told["paused"], told["in top"], told["truth in top"]) == (1, 0, 0)
    assert places.index.tolist() == ["a"]


def test_every_cause_shows_itself_in_drivers_that_exist(bench):
    assert tuple(bench.SHOWN_IN) == NAMES
    assert set().union(*bench.SHOWN_IN.values(), FADING) <= set(get_args(Driver))
    assert all(drivers - FADING for drivers in bench.SHOWN_IN.values())
