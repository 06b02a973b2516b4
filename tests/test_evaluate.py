"""The figures of a held-out cutoff, by hand, and the gates at their limits."""

import numpy as np
import pandas as pd
import pytest

from winback.errors import ModelNotBetter, NotEnoughData
from winback.risk.asking.specs import Gates
from winback.risk.examining.evaluate import Quality, quality, refuse_thin_data, refuse_weak_model

LEFT = [True, False, True, False, False]
PREDICTED = np.array([0.9, 0.6, 0.5, 0.2, 0.1])
PEER = np.array([0.8, 0.9, 0.4, 0.5, 0.1])


def table(left: list[bool], **columns: list[float]) -> pd.DataFrame:
    """Rows of one cutoff."""
    return pd.DataFrame({"cutoff": pd.Timestamp("2026-02-01", tz="UTC"), "churned": left} | columns)


def test_the_figures_by_hand() -> None:
    """Of the 6 pairs of one who left and one who stayed the model orders 5, its peer 3, the rule 4."""
    rows = table(LEFT, days_since_last_order=[30, 20, 5, 4, 6])
    found = quality(rows, PREDICTED, PEER)
    assert found.cutoff == "2026-02-01"
    assert found.customers == 5
    assert found.churned == 0.4
    assert found.auc == pytest.approx(5 / 6)
    assert (found.rule, found.rule_auc) == ("days_since_last_order", pytest.approx(4 / 6))
    assert found.logistic_auc == pytest.approx(3 / 6)
    assert found.auc_gain == pytest.approx(1 / 6)
    # Precision is 1/1 where the first is found and 2/3 where the second is.
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.4, 0.5, 0.8, 0.9]).mean())
    assert found.logistic_log_loss == pytest.approx(-np.log([0.8, 0.1, 0.4, 0.5, 0.9]).mean())
    assert found.brier == pytest.approx((0.1**2 + 0.6**2 + 0.5**2 + 0.2**2 + 0.1**2) / 5)
    assert found.mean_predicted == pytest.approx(0.46)
    assert found.top_decile_lift == pytest.approx(1 / 0.4)


def test_the_order_of_the_rows_changes_no_figure() -> None:
    rows = table(LEFT, days_since_last_order=[30, 20, 5, 4, 6])
    turned = np.array([3, 0, 4, 2, 1])
    there, back = (quality(rows.iloc[k], PREDICTED[k], PEER[k]).as_dict() for k in (np.arange(5), turned))
    assert there.keys() == back.keys()
    for name, value in there.items():
        assert back[name] == (pytest.approx(value) if isinstance(value, float) else value)


def test_the_plain_values_are_all_the_fields() -> None:
    rows = table(LEFT, days_since_last_order=[30, 20, 5, 4, 6])
    told = quality(rows, PREDICTED, PEER).as_dict()
    assert Quality(**told).as_dict() == told
    assert {type(v) for v in told.values()} == {str, int, float}


@pytest.mark.parametrize(("left", "count"), [([True] * 5, 5), ([False] * 5, 0)])
def test_one_outcome_only_cannot_be_examined(left: list[bool], count: int) -> None:
    with pytest.raises(NotEnoughData) as refused:
        quality(table(left, days_since_last_order=[1, 2, 3, 4, 5]), PREDICTED, PEER)
    assert str(refused.value) == f"of 5 customers at 2026-02-01 {count} left: one outcome only."


def learning(left: int, stayed: int) -> pd.DataFrame:
    """Rows to learn from."""
    return pd.DataFrame({"churned": [True] * left + [False] * stayed})


LIMITS = Gates(min_customers=100, min_churned=30)


@pytest.mark.parametrize(("left", "stayed"), [(50, 50), (30, 70), (70, 30), (30, 1000)])
def test_enough_rows(left: int, stayed: int) -> None:
    refuse_thin_data(learning(left, stayed), LIMITS)


@pytest.mark.parametrize(
    ("left", "stayed", "fault"),
    [
        (49, 50, "the training rows hold 99 customers, 100 are needed (1 more)."),
        (0, 0, "the training rows hold 0 customers, 100 are needed (100 more)."),
        (29, 71, "the training rows hold 29 that left, 30 are needed (1 more)."),
        (29, 5000, "the training rows hold 29 that left, 30 are needed (1 more)."),
        (71, 29, "the training rows hold 29 that stayed, 30 are needed (1 more)."),
        (100, 0, "the training rows hold 0 that stayed, 30 are needed (30 more)."),
    ],
)
def test_thin_data_is_refused_with_what_is_missing(left: int, stayed: int, fault: str) -> None:
    with pytest.raises(NotEnoughData) as refused:
        refuse_thin_data(learning(left, stayed), LIMITS)
    assert str(refused.value) == (
        f"{fault} A longer history or earlier cutoffs give more; [gates] of the spec holds the limit."
    )


def examined(auc: float, rule_auc: float, off: float = 0.0, customers: int = 100, rule: str = "orders_28d") -> Quality:
    """The figures of a cutoff at which a fifth left, whose mean prediction is `off` by so much."""
    return Quality(
        cutoff="2026-02-01",
        customers=customers,
        churned=0.25,
        auc=auc,
        rule=rule,
        rule_auc=rule_auc,
        logistic_auc=0.5,
        average_precision=0.5,
        log_loss=0.5,
        logistic_log_loss=0.5,
        brier=0.2,
        mean_predicted=0.25 + off,
        calibration_slope=1.0,
        calibration_intercept=0.0,
        calibration_error=0.0,
        top_decile_lift=1.0,
        lift_quality=50.0,
    )


GATES = Gates(min_auc_gain=0.03125, max_calibration_error=0.0625)  # sums of powers of two: exact at the limit


@pytest.mark.parametrize(
    "figures",
    [
        [examined(0.75, 0.7)],
        [examined(0.75, 0.75), examined(0.75, 0.625)],
        [examined(0.75, 0.5, off=0.0625)],
        [examined(0.75, 0.5, off=-0.0625)],
        [examined(0.75, 0.5, off=0.5, customers=100), examined(0.75, 0.5, off=-0.05, customers=1000)],
    ],
)
def test_a_model_that_passes(figures: list[Quality]) -> None:
    refuse_weak_model(figures, GATES)


@pytest.mark.parametrize(
    ("figures", "gain", "rules"),
    [
        ([examined(0.53125, 0.5)], "+0.0312", "orders_28d"),
        ([examined(0.5, 0.625)], "-0.1250", "orders_28d"),
        ([examined(0.53125, 0.5), examined(0.5, 0.5, rule="days_since_last_order")], "+0.0156", "both"),
    ],
)
def test_a_model_that_is_no_better_than_a_rule_is_refused(figures: list[Quality], gain: str, rules: str) -> None:
    """At the limit too: more than the limit is asked."""
    named = {"both": "days_since_last_order, orders_28d"}.get(rules, rules)
    with pytest.raises(ModelNotBetter) as refused:
        refuse_weak_model(figures, GATES)
    assert str(refused.value) == (
        f"on the held-out cutoffs the model's AUC is {gain} against the best single rule ({named}), more than "
        "+0.0312 is asked. It was not promoted; the rule alone would do as well."
    )


@pytest.mark.parametrize(
    ("figures", "off"),
    [
        ([examined(0.75, 0.5, off=0.0703125)], "+0.070"),
        ([examined(0.75, 0.5, off=-0.125)], "-0.125"),
        # The mean is over customers: a big cutoff weighs more than a small one.
        ([examined(0.75, 0.5, off=-0.125, customers=10), examined(0.75, 0.5, off=0.125, customers=90)], "+0.100"),
    ],
)
def test_a_model_that_promises_the_wrong_number_is_refused(figures: list[Quality], off: str) -> None:
    with pytest.raises(ModelNotBetter) as refused:
        refuse_weak_model(figures, GATES)
    assert str(refused.value) == (
        f"on the held-out cutoffs the mean predicted chance is {off} from what happened, 0.062 is allowed. It was "
        "not promoted; look for a change in the data."
    )
