"""How rows count in training whose customers our own campaigns may have kept."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_results import FIRST, assigned
from winback.facts.labels.retraining import learnable, training_weights, treatment_of, untreated_labels

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
        ("model", [0.0, 1.0, 1.0]),
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
    """Left, stayed untreated, stayed treated: 0.5 x 0.2 / (1 - 0.5 x 0.8) = 1/6; an action that harms kept nobody.

    Of those who left after it 0.5 / (0.5 x 1.25) would have left anyway; where it drives all away (0.9 x 1.25), 0.9.
    """
    found = untreated_labels(
        pd.Series([True, False, False, False, True, True]),
        pd.Series([True, False, True, True, True, True]),
        pd.Series([0.5, 0.5, 0.5, 0.5, 0.5, 0.9]),
        pd.Series([0.2, 0.2, 0.2, -0.25, -0.25, -0.25]),
    )
    assert found.tolist() == pytest.approx([1.0, 0.0, 1 / 6, 0.0, 0.8, 0.9])


def test_labels_give_the_untreated_risk_back():
    """Of those with risk r under the save rate s, r (1 - s) leave; with the labels of both kinds that makes r."""
    for risk, saved in ((0.3, 0.2), (0.8, 0.5), (0.5, 1.0), (0.4, -0.5), (0.8, -0.5)):
        values = pd.Series([True, True]), pd.Series([risk] * 2), pd.Series([saved] * 2)
        left, stayed = untreated_labels(pd.Series([True, False]), *values)
        leave = min(1.0, risk * (1 - saved))
        assert leave * left + (1 - leave) * stayed == pytest.approx(risk)


def test_an_action_does_the_part_of_its_work_that_lies_in_the_window():
    """Cut in half by half of the days, before and after; the one that does most counts; unmeasured is unmeasured."""
    at = {days: FIRST + pd.Timedelta(days=days) for days in (-7, 0, 14)}

    def saved(*campaigns: tuple[int, float], arm: str = "t") -> float:
        rows = pd.concat([assigned(arm, cutoff=at[days], save_rate=rate) for days, rate in campaigns])
        return float(treatment_of(rows, COHORT, 28, 28)["save_rate"].iloc[0])

    assert saved((0, 0.2)) == pytest.approx(0.2)
    assert saved((14, 0.2)) == pytest.approx(0.1)
    assert saved((-7, 0.2)) == pytest.approx(0.15)
    assert saved((14, 0.2), (-7, 0.2)) == pytest.approx(0.15)
    assert np.isnan(saved((0, 0.2), (14, np.nan)))
    assert np.isnan(saved((0, 0.2), arm="h"))


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-40, 40), st.booleans(), st.booleans()), max_size=12)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(1, 30), st.integers(0, 30))
def test_treatment_is_that_of_a_naive_count(rows, after, before):
    """Campaigns one by one, as the words say: (customer, days from the cutoff, treated, something to do)."""
    frames = [
        assigned(
            "t" if got else "h", cutoff=FIRST + pd.Timedelta(days=days), customer_id=[who], propensity=[0.7]
        ).assign(action="call" if acted else "leave_alone", campaign=f"c{n}")
        for n, (who, days, got, acted) in enumerate(rows)
    ]
    found = treatment_of(pd.concat([assigned("").assign(), *frames], ignore_index=True), COHORT, after, before)
    for who, row in zip(COHORT["customer_id"], found.itertuples(), strict=True):
        near = [r for r in rows if r[0] == who and r[3] and -before <= r[1] < after]
        first = [r for r in near if r[1] == min(n[1] for n in near)]
        assert row.treated == any(got for _, _, got, _ in near)
        assert row.chance in ([0.0] if not near else [0.7 if got else pytest.approx(0.3) for _, _, got, _ in first])


def population(size: int, saved: float, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Rows with what was seen, their treatment (half of them, with the chance 0.5), and their risk untreated."""
    rng = np.random.default_rng(seed)
    risk, got = rng.uniform(0.2, 0.6, size), rng.random(size) < 0.5
    left = rng.random(size) < risk * np.where(got, 1 - saved, 1.0)
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in range(size)], "cutoff": FIRST, "churned": left})
    about = pd.DataFrame({"treated": got, "chance": 0.5, "save_rate": np.where(got, saved, np.nan)})
    return rows, about, risk


@pytest.mark.parametrize("saved", [0.5, -0.5])
@pytest.mark.parametrize(("mode", "off"), [("exclude", False), ("controls", False), ("model", False), ("ignore", True)])
def test_what_is_learned_tells_the_untreated_risk_and_the_naive_way_does_not(mode, off, saved):
    rows, about, risk = population(20_000, saved)
    learned = learnable(rows, about, mode, risk)
    assert (abs(learned["churned"].mean() - risk.mean()) > 0.05) == off
    untreated = about["treated"].to_numpy() == False  # noqa: E712 - read as it is said
    seen = rows[untreated].merge(learned, on=["customer_id", "cutoff"])
    assert (seen["churned_x"] == seen["churned_y"]).all()
    assert len(learned) == {"exclude": untreated.sum(), "controls": 2 * untreated.sum()}.get(mode, len(rows))


def test_a_row_draws_the_same_whoever_else_is_there():
    rows, about, risk = population(500, 0.5)
    some = np.arange(0, 500, 3)
    whole = learnable(rows, about, "model", risk).iloc[some].reset_index(drop=True)
    parts = [frame.iloc[some].reset_index(drop=True) for frame in (rows, about)]
    pd.testing.assert_frame_equal(whole, learnable(parts[0], parts[1], "model", risk[some]))


def test_what_nobody_measured_is_not_learned_from():
    rows, about, risk = population(500, 0.5)
    learned = learnable(rows, about.assign(save_rate=np.nan), "model", risk)
    pd.testing.assert_frame_equal(learned, learnable(rows, about, "exclude"))
