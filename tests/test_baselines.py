"""What a model has to beat: each rule's direction is fixed, and what is unknown counts against it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from winback.risk.baselines import RULES, best_rule, logistic, signed_log

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
