"""How rows count in training whose customers our own campaigns may have kept."""

import pandas as pd
import pytest

from campaign_results import FIRST, assigned
from winback.facts.labels.retraining import training_weights, treatment_of, untreated_labels

COHORT = pd.DataFrame({"customer_id": ["a", "b", "c"], "cutoff": FIRST}, index=[4, 2, 9])


def told(assignments: pd.DataFrame, **reach: int) -> list[tuple[bool, float]]:
    found = treatment_of(assignments, COHORT, **{"after_days": 28, **reach})
    assert found.index.tolist() == [4, 2, 9]
    return [(bool(t), float(c)) for t, c in zip(found["treated"], found["chance"], strict=True)]


def test_arms_and_chances_of_the_window():
    """a is treated with 0.9, b held out with 0.1, c never listed."""
    rows = assigned("th", propensity=[0.9, 0.1])
    assert told(rows) == [(True, 0.9), (False, 0.9), (False, 0.0)]


@pytest.mark.parametrize(
    ("days", "reach", "counts"), [(0, {}, 1), (27, {}, 1), (28, {}, 0), (-1, {}, 0), (-7, {"before_days": 7}, 1)]
)
def test_campaigns_about_the_window_count(days, reach, counts):
    rows = assigned("t", cutoff=FIRST + pd.Timedelta(days=days))
    assert told(rows, **reach)[0] == (bool(counts), 0.5 * counts)


def test_where_there_was_nothing_to_do_nobody_was_treated():
    assert told(assigned("tt", action=["leave_alone", ""])) == [(False, 0.0)] * 3


def test_the_first_campaign_tells_the_chance_and_any_of_them_treats():
    rows = pd.concat(
        [
            assigned("h", propensity=[0.2]),
            assigned("t", cutoff=FIRST + pd.Timedelta(days=7), propensity=[0.6]),
        ]
    )
    assert told(rows)[0] == (True, 0.8)


@pytest.mark.parametrize(
    ("mode", "weights"),
    [
        ("ignore", [1.0, 1.0, 1.0]),
        ("model", [1.0, 1.0, 1.0]),
        ("exclude", [0.0, 1.0, 1.0]),
        ("controls", [0.0, 10.0, 1.0]),
    ],
)
def test_weights_of_the_modes(mode, weights):
    treatment = treatment_of(assigned("th", propensity=[0.9, 0.1]), COHORT, 28)
    assert training_weights(treatment, mode).tolist() == pytest.approx(weights)


def test_no_row_stands_for_more_than_twenty_and_modes_are_known():
    treatment = pd.DataFrame({"treated": [False, True], "chance": [0.99, 1.0]})
    assert training_weights(treatment, "controls").tolist() == [20.0, 0.0]
    with pytest.raises(ValueError, match=r"mode is one of .*, and is 'none'"):
        training_weights(treatment, "none")


def test_labels_as_if_nobody_was_treated():
    """Left, stayed untreated, stayed treated: 0.5 x 0.2 / (1 - 0.5 x 0.8) = 1/6; an action that harms kept nobody."""
    found = untreated_labels(
        pd.Series([True, False, False, False]),
        pd.Series([True, False, True, True]),
        pd.Series([0.5, 0.5, 0.5, 0.5]),
        pd.Series([0.2, 0.2, 0.2, -0.3]),
    )
    assert found.tolist() == pytest.approx([1.0, 0.0, 1 / 6, 0.0])


def test_labels_give_the_untreated_risk_back():
    """Of those with risk r under the save rate s, r (1 - s) leave; with the labels of the others that makes r."""
    for risk, saved in ((0.3, 0.2), (0.8, 0.5), (0.5, 1.0)):
        stayed = untreated_labels(pd.Series([False]), pd.Series([True]), pd.Series([risk]), pd.Series([saved])).item()
        leave = risk * (1 - saved)
        assert leave + (1 - leave) * stayed == pytest.approx(risk)
