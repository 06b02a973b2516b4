"""Drift: how far the customers of a day have moved from those the model learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.facts.features import declared
from winback.risk.watching.drift import by_luck, counts, drift, drift_reference, luck, places, sizes, stability_index

FEATURES = declared.named(["orders_90d", "spend_90d", "gap_median_days"])
NAMES = [f.name for f in FEATURES]


def customers(seed: int, rows: int = 1200, months: int = 1, start: str = "2026-01-01") -> pd.DataFrame:
    """Made-up customers of some months, the same ones in each."""
    chance = np.random.default_rng(seed)
    parts = []
    for month in range(months):
        orders = chance.poisson(3.0, rows).astype(float)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": [f"C{n}" for n in range(rows)],
                    "cutoff": pd.Timestamp(start, tz="UTC") + pd.DateOffset(months=month),
                    "orders_90d": orders,
                    "spend_90d": orders * chance.lognormal(3.0, 0.5, rows),
                    "gap_median_days": np.where(orders > 1, chance.gamma(4.0, 5.0, rows), np.nan),
                    "probability": chance.beta(2.0, 5.0, rows),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def reference() -> dict:
    rows = customers(1, months=4)
    return drift_reference(rows, rows["probability"].to_numpy(), FEATURES)


def drifted(reference: dict, rows: pd.DataFrame) -> list[str]:
    found = drift(reference, rows, 0.1)
    return sorted(found["column"][found["drifted"]])


def test_what_is_kept():
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "a", "b", "d"],
            "cutoff": pd.to_datetime(["2026-01-01"] * 3 + ["2026-03-02"] * 3, utc=True),
            "orders_90d": [0.0, 0.0, 2.0, 4.0, np.nan, 0.0],
        }
    )
    told = drift_reference(rows, np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), declared.named(["orders_90d"]))
    assert {key: told[key] for key in ("rows", "customers", "newest", "last", "days")} == {
        "rows": 6,
        "customers": 4,
        "newest": 3,
        "last": "2026-03-02T00:00:00+00:00",
        "days": 60,
    }
    assert list(told["columns"]) == ["orders_90d", "probability"]
    column = told["columns"]["orders_90d"]
    assert column["edges"] == [0.0, 2.0, 4.0]
    assert (column["all"], column["newest"]) == ([3, 1, 1, 0, 1], [1, 0, 1, 0, 1])
    assert (column["sizes"], column["least"]) == ([4.0, 4.0, 4.0], 0.0)


@pytest.mark.parametrize(
    ("value", "place"), [(-1.0, 0), (0.0, 0), (0.1, 1), (2.0, 1), (2.1, 2), (np.inf, 2), (np.nan, 3)]
)
def test_the_upper_end_belongs_to_a_bin(value: float, place: int):
    assert places(np.array([value]), np.array([0.0, 2.0])).tolist() == [place]


def test_sizes_are_quartiles_of_what_is_there():
    assert sizes(np.array([0.0, -1.0, 2.0, 3.0, np.nan, 4.0, 5.0])) == [2.0, 3.0, 4.0]
    assert sizes(np.array([0.0, np.nan])) == []


def test_the_index_is_the_published_sum():
    """Shares of 20, 30, 50 % and 30, 30, 40 %: 0.1 ln 1.5 + 0.1 ln 1.25, up to the half that is added."""
    found = stability_index([30_000, 30_000, 40_000], [20_000, 30_000, 50_000])
    assert found == pytest.approx(0.1 * np.log(1.5) + 0.1 * np.log(1.25), abs=1e-5)
    assert stability_index([3, 0, 5], [3, 0, 5]) == 0


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=8))
def test_the_index_is_symmetric_and_no_less_than_zero(pairs: list[tuple[int, int]]):
    ours, theirs = zip(*pairs, strict=True)
    assert stability_index(ours, theirs) >= -1e-12
    assert stability_index(ours, theirs) == pytest.approx(stability_index(theirs, ours))


def test_luck_and_the_expected_index_are_those_of_samples():
    """Of 400 pairs of samples of one distribution about 5 % are called unlikely at 5 %, and the mean index is told."""
    chance = np.random.default_rng(7)
    pairs = chance.multinomial(1000, np.full(10, 0.1), (400, 2)).astype(float)
    unlikely = np.mean([luck(a, b) < 0.05 for a, b in pairs])
    assert 0.02 <= unlikely <= 0.09
    assert np.mean([stability_index(a, b) for a, b in pairs]) == pytest.approx(by_luck(*pairs[0]), rel=0.1)
    assert luck(np.array([5.0, 0.0]), np.array([3.0, 0.0])) == 1.0


def test_the_same_customers_have_not_drifted(reference: dict):
    for seed in range(2, 12):
        assert drifted(reference, customers(seed, start="2026-06-01")) == []


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        ("spend_90d", lambda v: v * 1.5, ["spend_90d"]),
        ("orders_90d", lambda v: v + 1, ["orders_90d"]),
        ("gap_median_days", lambda v: v.mask(np.arange(len(v)) % 3 == 0), ["gap_median_days"]),
        ("gap_median_days", lambda v: v * 1.02, []),
        ("probability", lambda v: v**0.7, ["probability"]),
    ],
)
def test_what_moved_is_named(reference: dict, name: str, change, found: list[str]):
    rows = customers(20, start="2026-06-01")
    assert drifted(reference, rows.assign(**{name: change(rows[name])})) == found


def test_a_large_shop_does_not_alarm_on_nothing():
    """Half a percent more, in 60,000 rows: sure, and too small to matter."""
    rows = customers(3, rows=60_000)
    told = drift_reference(rows, rows["probability"].to_numpy(), FEATURES)
    now = customers(4, rows=60_000, start="2026-06-01").assign(spend_90d=lambda f: f["spend_90d"] * 1.06)
    found = drift(told, now, 0.1).set_index("column").loc["spend_90d"]
    assert found["p"] < 1e-9
    assert not found["drifted"]


def test_a_few_customers_do_not_alarm_by_luck(reference: dict):
    """Of 30 customers an index above the limit is no news."""
    rows = customers(5, rows=30, start="2026-06-01")
    found = drift(reference, rows, 0.1)
    assert (found["index"] > 0.1).any()
    assert not found["drifted"].any()


def test_what_grows_with_the_calendar_is_measured_against_its_pace():
    """Days since the first order: 30 more a month at training, and three months on as many more."""
    rows = customers(6, months=4)
    age = np.random.default_rng(8).uniform(0, 900, 1200)
    month = rows["cutoff"].rank(method="dense").to_numpy() - 1
    rows["orders_90d"] = np.tile(age, 4) + 30 * month
    told = drift_reference(rows, rows["probability"].to_numpy(), FEATURES)
    now = customers(9, start="2026-07-01")
    assert drifted(told, now.assign(orders_90d=age + 180)) == []
    assert drifted(told, now.assign(orders_90d=age + 600)) == ["orders_90d"]


def test_counts_are_by_bin_of_the_reference(reference: dict):
    column = reference["columns"]["orders_90d"]
    assert counts(column, customers(1, months=4)["orders_90d"].to_numpy()).tolist() == column["all"]
