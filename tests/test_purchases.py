"""Buy-till-you-die models: published figures, integrals by brute force, and customers made by the model itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta, gamma

from winback.errors import NotEnoughData
from winback.risk.examining.purchases import Habits, Past, alive, expected_purchases, fit, log_likelihood

SHOP = Habits(r=0.8, alpha=6.0, a=1.3, b=2.4, dropout_at_first=True, log_likelihood=0.0)
EASY = Habits(r=0.8, alpha=6.0, a=1.3, b=2.4, dropout_at_first=False, log_likelihood=0.0)
CASES = [(0, 0.0, 20.0), (1, 3.0, 20.0), (4, 19.0, 20.0), (12, 30.0, 52.0)]


def past(*rows: tuple[float, float, float]) -> Past:
    """Repeat purchases, time of the last and age of each customer."""
    return Past(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


@pytest.fixture(scope="module")
def cdnow(tree: Path) -> Past:
    """The published sample of the record shop, its first 39 weeks, which are not part of the repository."""
    path = tree.parent / "shared" / "data" / "cdnow" / "cdnow_sample.parquet"
    if not path.is_file():
        pytest.skip(f"no {path}")
    rows, end = pd.read_parquet(path), pd.Timestamp("1997-09-30")
    rows["date"] = pd.to_datetime(rows["date"])
    known = rows[rows["date"] <= end].groupby("sample_id")["date"].agg(["min", "max", "nunique"])
    weeks = [(later - known["min"]).dt.days.to_numpy() / 7 for later in (known["max"], pd.Series(end, known.index))]
    return Past(known["nunique"].to_numpy(dtype=float) - 1, *weeks)


def test_the_published_fit(cdnow: Past) -> None:
    """Fader, Hardie and Lee (2005), table 2."""
    found = fit(cdnow, dropout_at_first=False)
    assert len(cdnow.repeats) == 2357
    assert found.log_likelihood == pytest.approx(-9582.43, abs=0.005)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=6e-4)


def test_published_parameters_have_the_published_likelihood(cdnow: Past) -> None:
    published = Habits(0.243, 4.414, 0.793, 2.426, dropout_at_first=False, log_likelihood=0.0)
    assert log_likelihood(cdnow, published) == pytest.approx(-9582.43, abs=0.01)


def likelihood(habits: Habits, repeats: int, last: float, age: float) -> float:
    """The chance of a past, a mean over 1,000 x 1,000 quantiles of rate and dropout chance."""
    quantiles = (np.arange(1000) + 0.5) / 1000
    rate = gamma.ppf(quantiles, habits.r, scale=1 / habits.alpha)[:, None]
    chance = beta.ppf(quantiles, habits.a, habits.b)
    occasions = repeats + habits.dropout_at_first
    dropped = chance * (1 - chance) ** (occasions - 1) * np.exp(-rate * last) if occasions else 0.0
    return float(np.mean(rate**repeats * ((1 - chance) ** occasions * np.exp(-rate * age) + dropped)))


@pytest.mark.parametrize("habits", [SHOP, EASY])
@pytest.mark.parametrize("case", CASES[:3])
def test_likelihood_is_the_mean_over_customers(habits: Habits, case: tuple[int, float, float]) -> None:
    assert np.exp(log_likelihood(past(case), habits)) == pytest.approx(likelihood(habits, *case), rel=5e-3)


def test_who_bought_once_may_be_gone() -> None:
    """Under BG/NBD nobody who bought once ever is, so it cannot rank half of many shops' customers."""
    once = past((0, 0, 1), (0, 0, 30), (0, 0, 300))
    assert alive(once, EASY).tolist() == [1, 1, 1]
    certain = alive(once, SHOP)
    assert (certain < 1).all()
    assert (np.diff(certain) < 0).all()


@pytest.mark.parametrize(("habits", "started"), [(SHOP, 1), (EASY, 0)])
def test_alive_by_hand(habits: Habits, started: int) -> None:
    """Odds of having dropped out: a / (b + occasions - 1) times the odds of the silence had they not."""
    odds = habits.a / (habits.b + 4 + started - 1) * ((6 + 20) / (6 + 19)) ** 4.8
    assert alive(past((4, 19, 20)), habits)[0] == pytest.approx(1 / (1 + odds))


@pytest.mark.parametrize("habits", [SHOP, EASY])
def test_expected_purchases_is_the_published_formula(habits: Habits) -> None:
    """With Gauss's hypergeometric function, as Fader, Hardie and Lee write it; one occasion more for MBG/NBD."""
    customers, time = past(*CASES), 13.0
    stays, rates, age = habits.b + customers.repeats + habits.dropout_at_first, habits.r + customers.repeats, 6.0
    reach = age + customers.age
    c = habits.a + stays - 1
    silent = (reach / (reach + time)) ** rates * hyp2f1(rates, stays, c, time / (reach + time))
    expected = c / (habits.a - 1) * (1 - silent) * alive(customers, habits)
    np.testing.assert_allclose(expected_purchases(customers, habits, time), expected, rtol=1e-5)


def test_expected_purchases_is_the_integral_over_the_chance() -> None:
    """Where a is below 1, too."""
    habits = Habits(0.3, 5.0, 0.6, 2.0, dropout_at_first=True, log_likelihood=0.0)

    def made(chance: float) -> float:
        return (1 - (25 / (25 + chance * 10)) ** 2.3) / chance * beta.pdf(chance, 0.6, 2.0 + 3)

    expected = quad(made, 0, 1)[0] * alive(past((2, 9, 20)), habits)[0]
    assert expected_purchases(past((2, 9, 20)), habits, 10.0)[0] == pytest.approx(expected, rel=1e-4)


def bought(customers: int, seed: int) -> tuple[Past, np.ndarray]:
    """Customers of SHOP after 52 weeks, and the purchases of each in the next 26."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(SHOP.r, 1 / SHOP.alpha, customers)
    chance = rng.beta(SHOP.a, SHOP.b, customers)
    rows, later = [], []
    for each in range(customers):
        moment, moments = 0.0, []
        while rng.random() >= chance[each] and (moment := moment + rng.exponential(1 / rate[each])) < 78:
            moments.append(moment)
        early = [m for m in moments if m < 52]
        rows.append((len(early), early[-1] if early else 0.0, 52.0))
        later.append(len(moments) - len(early))
    return past(*rows), np.array(later)


def test_customers_made_by_the_model_are_understood() -> None:
    """Parameters are found again, and expected purchases are those made, in all and by how much was expected."""
    customers, later = bought(12_000, 11)
    found = fit(customers)
    assert found.r == pytest.approx(SHOP.r, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(SHOP.a / (SHOP.a + SHOP.b), abs=0.05)
    assert found.log_likelihood >= log_likelihood(customers, SHOP)
    expected = expected_purchases(customers, found, 26.0)
    assert expected.mean() == pytest.approx(later.mean(), rel=0.05)
    for part in np.array_split(np.argsort(expected), 4):
        assert later[part].mean() == pytest.approx(expected[part].mean(), abs=0.05)


def test_the_unit_of_time_does_not_matter() -> None:
    customers, _ = bought(800, 5)
    days = Past(customers.repeats, 7 * customers.last, 7 * customers.age)
    weekly, daily = fit(customers), fit(days)
    assert daily.alpha == pytest.approx(7 * weekly.alpha, rel=1e-3)
    np.testing.assert_allclose(
        expected_purchases(days, daily, 182.0), expected_purchases(customers, weekly, 26.0), rtol=1e-3
    )


def test_nobody_who_bought_twice_tells_no_rate() -> None:
    with pytest.raises(NotEnoughData) as refused:
        fit(past((0, 0, 10), (0, 0, 20)))
    assert str(refused.value) == "none of 2 customers has bought twice; a rate of buying needs some."
