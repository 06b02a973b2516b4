"""Whom an action changes, how well a ranking finds them, and what a choice earns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from winback.learn.policy import Policy, better, expected_gains, logged, policy_report
from winback.learn.qini import gain_curve, mean_of, qini, qini_with_error
from winback.learn.uplift import Uplift, dr_scores


def randomised(seed: int, size: int = 4000):
    """Treatment helps where the first trait is above 0 and harms below it; half is treated."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(size, 3))
    treated = rng.random(size) < 0.5
    effect = np.where(x[:, 0] > 0, 0.3, -0.1)
    stayed = (rng.random(size) < 0.4 + 0.1 * (x[:, 1] > 0) + treated * effect).astype(float)
    return x, stayed, treated, effect


@pytest.mark.parametrize("learner", ["t", "x", "dr"])
@pytest.mark.parametrize("linear", [True, False])
def test_learners_find_whom_it_helps(learner, linear):
    x, y, treated, effect = randomised(1)
    models = (LogisticRegression(), LinearRegression()) if linear else (None, None)
    found = Uplift(learner, *models, folds=2).fit(x, y, treated, 0.5).predict(x)
    assert np.corrcoef(found, effect)[0, 1] > 0.6
    assert found.mean() == pytest.approx(effect.mean(), abs=0.05)
    new, _, _, truth = randomised(2)
    assert np.corrcoef(Uplift(learner, *models, folds=2).fit(x, y, treated).predict(new), truth)[0, 1] > 0.6


def test_an_outcome_that_is_money_is_learned_by_regression():
    x, y, treated, effect = randomised(3)
    found = Uplift("dr", LinearRegression(), LinearRegression(), folds=2).fit(x, 10 * y + 1, treated, 0.5).predict(x)
    assert found.mean() == pytest.approx(10 * effect.mean(), abs=0.6)


def test_an_unknown_learner_is_refused():
    with pytest.raises(ValueError, match=r"learner is one of .*, and is 's'"):
        Uplift("s").fit([[0.0]], [0.0], [True])


def test_doubly_robust_scores_have_the_effect_as_their_mean_whatever_the_models_say():
    _, y, treated, effect = randomised(4, 40_000)
    for left, got in ((0.0, 0.0), (0.4, 0.5), (3.0, -2.0)):
        scores = dr_scores(y, treated, np.full(len(y), 0.5), (np.full(len(y), left), np.full(len(y), got)))
        figure = mean_of(scores)
        assert abs(figure.value - effect.mean()) < 4 * figure.error


def test_gain_curve_and_qini_by_hand():
    """The first half holds all of the effect: the curve is at 1 from the middle on."""
    score = np.array([2.0, 2.0, 1.0, 1.0])
    outcome = np.array([1.0, 0.0, 0.0, 0.0])
    treated = np.array([True, False, True, False])
    share, gain = gain_curve(score, outcome, treated)
    assert share.tolist() == [0.0, 0.5, 1.0]
    assert gain.tolist() == [0.0, 0.5, 0.5]
    assert qini(score, outcome, treated) == pytest.approx(100 * (0.375 - 0.25))
    assert qini(-score, outcome, treated) == pytest.approx(-100 * (0.25 - 0.125))
    assert qini(np.zeros(4), outcome, treated) == 0.0


def test_the_error_of_a_qini_is_its_scatter():
    rng = np.random.default_rng(0)
    found = []
    for seed in range(60):
        x, y, treated, _ = randomised(seed, 800)
        found.append(qini(x[:, 0], y, treated))
    x, y, treated, _ = randomised(99, 800)
    figure = qini_with_error(x[:, 0], y, treated, draws=60)
    assert figure.error == pytest.approx(np.std(found), rel=0.4)
    assert figure.low < figure.value < figure.high
    assert qini_with_error(rng.random(800), y, treated, draws=60).low < 0


def test_a_choice_is_better_only_where_it_surely_earns_more():
    x, y, treated, _ = randomised(5, 8000)
    scores = dr_scores(y, treated, np.full(len(y), 0.5), (np.full(len(y), 0.45), np.full(len(y), 0.55)))
    all_of_them, helped = np.ones(len(y), dtype=bool), x[:, 0] > 0
    assert better(helped, all_of_them, scores, 0.05).low > 0
    assert better(x[:, 2] > 0, all_of_them, scores, 0.0).high < 0
    assert better(helped, helped, scores, 0.05).value == 0.0


RATES = pd.DataFrame(
    {"action": ["call", "push"], "driver": "any", "stage": "any", "save_rate": [0.5, -0.2], "accept_rate": 0.0}
)
PRICES = pd.DataFrame({"action": ["call", "push"], "contact_cost": [1.0, 0.0], "incentive_cost": [0.0, 0.0]})


def log(seed: int, size: int = 6000) -> pd.DataFrame:
    """Three of four decisions were calls, the others pushes; a fifth is held out. Calls keep half of the leavers."""
    rng = np.random.default_rng(seed)
    call, held = rng.random(size) < 0.75, rng.random(size) < 0.2
    rate = np.where(held, 0.0, np.where(call, 0.5, -0.2))
    stayed = (rng.random(size) >= 0.6 * (1 - rate)).astype(float)
    return pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(size)],
            "action": np.where(call, "call", "push"),
            "driver": "price",
            "stage": "lapsed",
            "probability": 0.6,
            "margin_at_stake": 20.0,
            "arm": np.where(held, "held_out", "treated"),
            "propensity": np.where(held, 0.2, 0.8),
            "choice_propensity": np.where(call, 0.75, 0.25),
            "net_gain": 20 * stayed - np.where(held | ~call, 0.0, 1.0),
        }
    )


@pytest.mark.parametrize("rates", [RATES, RATES.assign(save_rate=0.0)], ids=["right", "wrong"])
def test_policies_are_judged_by_what_the_log_did(rates):
    """A call brings 0.6 x 0.5 x 20 - 1 = 5, a push -0.6 x 0.2 x 20 = -2.4; wrong rates widen and do not mislead."""
    rows = log(1)
    every = {name: Policy(pd.Series(name, index=rows.index)) for name in ("call", "push", "leave_alone", "visit")}
    found = policy_report(rows, every, expected_gains(rows, lambda _: rates, PRICES)).set_index("policy")
    truth = {"call": 5.0, "push": -2.4, "in use": 0.75 * 5.0 - 0.25 * 2.4, "leave_alone": 0.0}
    for name, value in truth.items():
        assert found.loc[name, "low"] - 1e-9 <= value <= found.loc[name, "high"] + 1e-9, name
    assert found.loc["visit", ["per_customer", "low"]].isna().all()
    assert found.loc["visit", "matched"] == 0
    assert found.loc["call", "total"] == pytest.approx(6000 * found.loc["call", "per_customer"])
    assert found.loc["push", "effective"] < found.loc["call", "effective"] < 6000


def test_the_log_tells_what_was_done_and_how_likely_that_was():
    rows = logged(log(2, 400))
    assert set(rows.loc[rows["arm"] == "held_out", "did"]) == {"leave_alone"}
    assert sorted(rows.groupby("did")["chance"].first().round(6).items()) == [
        ("call", 0.6),
        ("leave_alone", 0.2),
        ("push", 0.2),
    ]
    assert set(logged(log(2, 400).drop(columns="choice_propensity"))["chance"]) == {0.2, 0.8}
