"""What a model has to beat: each rule's direction is fixed, and what is unknown counts against it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from examined_rows import held_out
from winback.risk.examining.baselines import (
    RFM,
    RULES,
    at_each_cutoff,
    best_rule,
    boosted_chances,
    fewest_purchases,
    logistic,
    logistic_chances,
    past_of,
    rfm_chances,
    rules,
    signed_log,
)
from winback.risk.examining.purchases import expected_purchases, fit

NAN = np.nan
LEFT = np.array([True, True, False, False, False])


@pytest.mark.parametrize(
    ("columns", "rule", "auc"),
    [
        # Long since the last order: leaves.
        ({"days_since_last_order": [40, 30, 20, 10, 5]}, "days_since_last_order", 1.0),
        ({"days_since_last_order": [40, 8, 20, 10, 5]}, "days_since_last_order", 4 / 6),
        # Few orders: leaves. The other way round it is a bad rule, not a good one turned round.
        ({"orders_28d": [0, 1, 2, 3, 4]}, "orders_28d", 1.0),
        ({"orders_28d": [4, 3, 2, 1, 0]}, "orders_28d", 0.0),
        ({"orders_90d": [1, 1, 1, 1, 1]}, "orders_90d", 0.5),
        # The best of several.
        (
            {"days_since_last_order": [40, 8, 20, 10, 5], "orders_28d": [0, 1, 1, 2, 3]},
            "orders_28d",
            5.5 / 6,
        ),
        # Of equals the first of RULES.
        ({"orders_90d": [0, 0, 1, 1, 1], "overdue_median_ratio": [2, 2, 1, 1, 1]}, "overdue_median_ratio", 1.0),
        # An unknown value ranks as most at risk, whatever the direction, beside an infinite one too.
        ({"overdue_median_ratio": [NAN, 3, 2, 1, 0]}, "overdue_median_ratio", 1.0),
        ({"overdue_median_ratio": [3, 2, 1, 0, NAN]}, "overdue_median_ratio", 4 / 6),
        ({"orders_90d": [NAN, 1, 2, 3, 4]}, "orders_90d", 1.0),
        ({"orders_90d": [1, 2, 3, 4, NAN]}, "orders_90d", 4 / 6),
        ({"overdue_median_ratio": [np.inf, NAN, 2, 1, 0]}, "overdue_median_ratio", 1.0),
        # Columns that are no rule are not looked at, however good.
        (
            {"orders_90d": [1, 1, 1, 1, 1], "orders_180d": [0, 0, 1, 1, 1], "customer_id": list("abcde")},
            "orders_90d",
            0.5,
        ),
        ({"orders_180d": [0, 0, 1, 1, 1]}, "chance", 0.5),
    ],
)
def test_best_rule(columns: dict[str, list], rule: str, auc: float) -> None:
    assert best_rule(pd.DataFrame(columns), LEFT) == (rule, pytest.approx(auc))


def test_the_rules() -> None:
    """A rule more makes the gate higher, one fewer makes it lower: neither happens unseen."""
    assert RULES == {"days_since_last_order": 1, "overdue_median_ratio": 1, "orders_28d": -1, "orders_90d": -1}


def test_signed_log() -> None:
    np.testing.assert_allclose(signed_log(np.array([-np.e + 1, 0, np.e - 1])), [-1, 0, 1])


def test_the_logistic_regression_takes_unknown_and_empty_columns() -> None:
    """An empty column may not move the others: scikit-learn would drop it at another place than we expect."""
    rng = np.random.default_rng(0)
    since = rng.gamma(2, 10, 600)
    left = rng.random(600) < 1 / (1 + np.exp(-(since - 20) / 6))
    X = pd.DataFrame({"empty": NAN, "since": since, "noise": rng.normal(size=600)})
    X.loc[::7, "noise"] = NAN
    fitted = logistic().fit(X[:400], left[:400])
    chance = fitted.predict_proba(X[400:])[:, 1]
    assert roc_auc_score(left[400:], chance) > 0.8
    weights = fitted[-1].coef_[0]
    assert weights[0] == 0
    assert weights[1] > 5 * abs(weights[2])


def test_rules_rank_the_riskiest_highest() -> None:
    """Fewer orders count as more risk; what no rule reads is not there."""
    rows = pd.DataFrame({"orders_28d": [3, 0, NAN], "days_since_last_order": [1.0, 9.0, NAN], "orders_180d": [1, 2, 3]})
    assert {name: ranks.tolist() for name, ranks in rules(rows).items()} == {
        "days_since_last_order": [1, 9, 1e12],
        "orders_28d": [-3, 0, 1e12],
    }


def test_rows_of_each_cutoff() -> None:
    """In the order of the dates, whatever that of the rows."""
    rows = pd.DataFrame({"cutoff": pd.to_datetime(["2026-03-01", "2026-01-01", "2026-03-01", "2026-02-01"])})
    assert [places.tolist() for places in at_each_cutoff(rows)] == [[1], [3], [0, 2]]


def test_peers_learn_from_the_learning_rows_alone() -> None:
    """Each gives chances to the examined rows that rank them, and none of the examined outcomes moves one."""
    rows, _ = held_out()
    learning, examined = rows.iloc[:900], rows.iloc[900:].reset_index(drop=True)
    turned = examined.assign(churned=~examined["churned"])
    columns = ["days_since_last_order", "orders_90d"]
    for chances in (
        lambda rows: logistic_chances(learning, rows, columns),
        lambda rows: rfm_chances(learning, rows),
        lambda rows: boosted_chances(learning, rows, columns),
    ):
        found = chances(examined)
        assert ((found > 0) & (found < 1)).all()
        assert roc_auc_score(examined["churned"], found) > 0.65
        np.testing.assert_array_equal(found, chances(turned))


def test_recency_frequency_and_money_see_nothing_else() -> None:
    rows, _ = held_out()
    rows["told"] = rows["churned"] * 1.0
    assert "told" not in RFM
    assert roc_auc_score(rows["churned"], rfm_chances(rows, rows)) < 0.9


def test_what_is_past_is_read_from_features() -> None:
    rows = pd.DataFrame(
        {"orders_total": [1, 4], "days_since_first_order": [30.5, 100.0], "days_since_last_order": [30.5, 12.0]}
    )
    past = past_of(rows)
    assert (past.repeats.tolist(), past.last.tolist(), past.age.tolist()) == ([0, 3], [0, 88], [30.5, 100])


def test_fewest_purchases_are_fitted_at_the_first_cutoff() -> None:
    """Later cutoffs' rows are told by the habits of the first: so much was known when the forecast was made."""
    rng = np.random.default_rng(4)
    total, age = rng.geometric(0.3, 400), rng.uniform(100, 300, 400)
    since = np.where(total == 1, age, age * rng.random(400))
    rows = pd.DataFrame(
        {
            "cutoff": np.repeat(pd.to_datetime(["2026-01-01", "2026-02-01"]), 200),
            "orders_total": total,
            "days_since_first_order": age,
            "days_since_last_order": since,
        }
    )
    found = fewest_purchases(rows, 28)
    habits = fit(past_of(rows.iloc[:200]))
    np.testing.assert_allclose(found, -expected_purchases(past_of(rows), habits, 28))
    assert (found < 0).all()
    assert np.std(found[total == 1]) > 0
