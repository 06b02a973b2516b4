"""What purchases are worth: the published fit, customers made by the model itself, and lives reckoned another way."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from winback.errors import NotEnoughData
from winback.insight.metrics.coded import Tables
from winback.insight.metrics.fitted import Fitted, by_fit
from winback.insight.metrics.periods import EPOCH
from winback.insight.metrics.table import Terms
from winback.risk.examining.baskets import Baskets, expected_basket, fit_baskets, lives


def test_the_published_fit(tree: Path) -> None:
    """Fader and Hardie, note 25: the 946 of the record shop who bought again in its first 39 weeks."""
    path = tree.parent / "shared" / "data" / "cdnow" / "cdnow_sample.parquet"
    if not path.is_file():
        pytest.skip(f"no {path}")
    rows = pd.read_parquet(path)
    rows["date"] = pd.to_datetime(rows["date"])
    daily = rows[rows["date"] <= "1997-09-30"].groupby(["sample_id", "date"], sort=True)["spend"].sum().reset_index()
    again = daily[daily.duplicated("sample_id")].groupby("sample_id")["spend"].agg(["size", "mean"])
    again = again[again["mean"] > 0]
    assert len(again) == 946
    found = fit_baskets(again["size"].to_numpy(dtype=float), again["mean"].to_numpy())
    assert (found.p, found.q, found.scale) == pytest.approx((6.25, 3.74, 15.44), rel=0.02)


def test_a_customers_mean_is_drawn_to_everybodys() -> None:
    """Of whom nothing is known, 60; of many purchases of 30, nearly 30."""
    shop = Baskets(p=6.0, q=4.0, scale=30.0)
    told = expected_basket(np.array([0.0, 1.0, 1000.0]), np.array([0.0, 30.0, 30.0]), shop)
    assert told == pytest.approx([60.0, 6 * 60 / 9, 30.0], rel=0.01)


def test_parameters_are_found_again() -> None:
    rng = np.random.default_rng(3)
    count = rng.integers(1, 12, 4000).astype(float)
    rate = rng.gamma(4.0, 1 / 30.0, 4000)
    mean = rng.gamma(6.0 * count, 1 / (rate * count))
    found = fit_baskets(count, mean)
    assert found.q == pytest.approx(4.0, rel=0.1)
    assert found.p * found.scale / (found.q - 1) == pytest.approx(
        6.0 * 30.0 / 3.0, rel=0.03
    )  # p and scale alone are vague


def made() -> pd.DataFrame:
    """Two hundred customers: half buy every ten days for 20 each, half bought once, for 5, and half a year ago."""
    rows = [(f"a{n}", day + n % 10, 20.0 + n % 3) for n in range(100) for day in range(0, 180, 10)]
    return pd.DataFrame([*rows, *((f"b{n}", 0, 5.0) for n in range(100))], columns=["customer_id", "day", "amount"])


def test_lives_tell_the_loyal_from_the_gone() -> None:
    told = lives(made(), 190, 100, 0.0)
    loyal = told.customer_id.str.startswith("a").to_numpy()
    assert told.purchases.shape == (200, 4)
    assert told.purchases.sum(axis=1)[loyal].mean() == pytest.approx(10.0, rel=0.15)
    assert told.purchases.sum(axis=1)[~loyal].max() < 1.0
    assert told.baskets[loyal] == pytest.approx(21.0, rel=0.1)
    assert told.discounts.tolist() == [1.0] * 4
    half = lives(made(), 190, 365, 0.1).discounts
    assert half == pytest.approx([1.1 ** -(n / 8 * 365 / 365.25) for n in (1, 3, 5, 7)])


def test_parts_have_their_own_values() -> None:
    orders, told = made(), lives(made(), 190, 100, 0.0)
    people = pd.DataFrame({"customer_id": ["a1", "b1"], "channel": ["web", "shop"]})
    terms = Terms(31, 0.5, EPOCH + dt.timedelta(days=190))
    fitted = Fitted(100, told.customer_id, told.purchases, told.baskets, told.discounts)
    table = by_fit(Tables(orders=orders, customers=people), fitted, terms, "channel").set_index("segment")
    assert sorted(table.index) == ["(unknown)", "shop", "web"]
    one = told.purchases.sum(axis=1) * told.baskets * 0.5
    assert table.loc["web", "value"] == pytest.approx(one[(told.customer_id == "a1").to_numpy()][0])
    whole = by_fit(Tables(orders=orders), fitted, terms)["value"].iloc[0]
    assert whole == pytest.approx(one.mean())
    assert set(by_fit(Tables(orders=orders), fitted, terms, "cohort")["segment"]) == {"1970-01"}


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([("a", 1, -5.0)], "nobody has bought anything yet."),
        ([("a", 1, 5.0), ("b", 2, 5.0)], "none of 2 customers has bought twice; a rate of buying needs some."),
        ([("a", 1, 5.0), ("a", 9, 5.0)], "1 customers have bought again; what a purchase is worth needs 30."),
    ],
)
def test_too_little_to_fit(rows: list[tuple[str, int, float]], fault: str) -> None:
    with pytest.raises(NotEnoughData, match=f"^{fault}$"):
        lives(pd.DataFrame(rows, columns=["customer_id", "day", "amount"]), 60, 30, 0.1)
