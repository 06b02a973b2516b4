"""Expected spend in a window: it finds what is true of a made-up shop, in any currency, the same every time."""

import numpy as np
import pandas as pd
import pytest

from winback.errors import NotEnoughData
from winback.offers.spending import IN_MONEY, LEAST_BUYERS, MOST_ROWS, READ, expected_spend, fit_spend


def shop(count: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series, pd.Series, np.ndarray]:
    """Features, orders and spend of a window of 90 days, and the true expectation: own rate times own basket."""
    rng = np.random.default_rng(seed)
    rate, basket = rng.gamma(2, 0.02, count), rng.gamma(4, 10, count)  # orders a day, money an order
    age = rng.integers(100, 400, count).astype(float)
    past = rng.poisson(rate * 90)
    since = np.minimum(rng.exponential(1 / rate), 90)
    total = rng.poisson(rate * age) + 1
    spend = past * basket * rng.gamma(20, 1 / 20, count)
    columns = {
        "days_since_first_order": age,
        "days_since_last_order": since,
        "orders_total": total.astype(float),
        "orders_28d": rng.binomial(past, 28 / 90).astype(float),
        "orders_90d": past.astype(float),
        "orders_per_week": total / age * 7,
        "orders_per_week_180d": total / age * 7,
        "gap_median_days": np.where(total > 2, 1 / rate, np.nan),
        "overdue_prior_ratio": since / (1 / rate + 1),
        "trend_orders_28d": np.ones(count),
        "spend_28d": spend * 28 / 90,
        "spend_90d": spend,
        "spend_per_week": total * basket / age * 7,
        "spend_per_week_180d": total * basket / age * 7,
        "basket_mean_90d": np.where(past > 0, basket, np.nan),
    }
    orders = rng.poisson(rate * 90)
    paid = np.round(orders * basket * rng.gamma(20, 1 / 20, count), 2)
    return pd.DataFrame(columns), pd.Series(orders), pd.Series(paid), rate * 90 * basket


@pytest.fixture(scope="module")
def learned():
    rows, orders, spend, _ = shop(2000)
    return fit_spend(rows, orders, spend)


def test_the_made_up_rows_hold_all_that_is_read() -> None:
    assert set(shop(5)[0].columns) == set(READ)


def test_it_tells_customers_apart_and_is_right_on_average_and_by_tenth(learned) -> None:
    rows, _, _, true = shop(3000, seed=1)
    told = expected_spend(learned, rows)
    assert np.corrcoef(told, true)[0, 1] > 0.93
    assert told.sum() == pytest.approx(true.sum(), rel=0.05)
    tenth = pd.qcut(told, 10, labels=False)
    means = pd.DataFrame({"told": told, "true": true}).groupby(tenth).mean()
    assert (means["told"] / means["true"]).between(0.75, 1.33).all()


def test_the_same_shop_in_cents_is_worth_a_hundred_times_as_much(learned) -> None:
    rows, orders, spend, _ = shop(2000)
    cents = rows.assign(**{name: rows[name] * 100 for name in IN_MONEY})
    told = expected_spend(fit_spend(cents, orders, spend * 100), cents)
    assert np.allclose(told / 100, expected_spend(learned, rows), rtol=1e-5)


def test_learning_again_gives_the_same_to_the_last_bit(learned) -> None:
    rows, orders, spend, _ = shop(2000)
    again = fit_spend(rows, orders, spend)
    assert (expected_spend(again, rows) == expected_spend(learned, rows)).all()


def test_every_customer_is_told_something_whatever_is_unknown(learned) -> None:
    rows = shop(50)[0]
    unknown = [name for name in READ if name not in ("days_since_first_order", "orders_total", "spend_per_week")]
    told = expected_spend(learned, rows.assign(**dict.fromkeys(unknown, np.nan)))
    assert np.isfinite(told).all()
    assert (told > 0).all()
    assert expected_spend(learned, rows.iloc[:0]).shape == (0,)


def test_a_customer_who_gave_back_more_than_he_bought_counts_as_nothing() -> None:
    rows, orders, spend, _ = shop(500)
    gave_back = spend.where(spend.index % 10 > 0, -1e6)
    told = [expected_spend(fit_spend(rows, orders, paid), rows) for paid in (gave_back, gave_back.clip(lower=0))]
    assert (told[0] == told[1]).all()


def test_of_very_many_rows_some_are_enough(learned, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_ROWS == 50_000
    monkeypatch.setattr("winback.offers.spending.MOST_ROWS", 1200)
    rows, orders, spend, true = shop(2000)
    fewer = expected_spend(fit_spend(rows, orders, spend), rows)
    assert (fewer != expected_spend(learned, rows)).any()
    assert np.corrcoef(fewer, true)[0, 1] > 0.9


@pytest.mark.parametrize("what", ["orders", "spend"])
def test_too_few_buyers_teach_nothing(what: str) -> None:
    rows, orders, spend, _ = shop(1000)
    buyers = (orders > 0) & (spend > 0)
    kept = buyers & (buyers.cumsum() < LEAST_BUYERS)
    given = {"orders": orders, "spend": spend} | {what: {"orders": orders, "spend": spend}[what].where(kept, 0)}
    with pytest.raises(NotEnoughData) as error:
        fit_spend(rows, given["orders"], given["spend"])
    assert str(error.value) == "199 customers with spend in the window; 200 are needed to learn from."
