"""What an examination tells: the parts fit each other, peers are compared fairly, and letters are earned."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from examined_rows import held_out
from winback.risk.examining import figures
from winback.risk.examining.examination import LOGISTIC, Terms, all_figures, examination, mean_auc
from winback.risk.examining.gains import by_threshold, deciles
from winback.risk.examining.grade import calibrated, grade
from winback.risk.examining.intervals import draws
from winback.risk.examining.profit import PAPER, Campaign
from winback.risk.examining.ranked import ranked
from winback.risk.examining.slices import banded, slices

TERMS = Terms(horizon_days=28, samples=60)
ROWS, CHANCE = held_out()
PEER = 0.5 * logit(CHANCE) + np.random.default_rng(1).normal(0, 1, len(CHANCE))


@pytest.fixture(scope="module")
def told() -> dict:
    """An examination of the true chances, beside a blurred peer."""
    return examination(ROWS, CHANCE, {LOGISTIC: PEER}, TERMS)


def span(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    """A figure and its interval."""
    return {"value": value, "low": value if low is None else low, "high": value if high is None else high}


def test_cutoffs_and_slices_are_parts_of_the_whole(told: dict) -> None:
    assert told["pooled"]["rows"] == 1800
    assert told["customers"] == 600
    assert [c["cutoff"] for c in told["cutoffs"]] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    for column in ("country", "orders_total"):
        parts = [s for s in (*told["slices"], *told["too_small"]) if s["column"] == column]
        for count in ("rows", "left"):
            assert sum(p[count] for p in parts) == told["pooled"][count] == sum(c[count] for c in told["cutoffs"])
    assert told["mean_auc"]["value"] == pytest.approx(np.mean([c["auc"]["value"] for c in told["cutoffs"]]))
    assert [(s["column"], s["part"]) for s in told["too_small"]] == [("country", "LU")]


def test_each_figure_is_that_of_its_rows(told: dict) -> None:
    churned = ROWS["churned"].to_numpy()
    of_france = (ROWS["country"] == "FR").to_numpy()
    (france,) = [s for s in told["slices"] if s["part"] == "FR"]
    for name, figure in all_figures(PAPER).items():
        assert told["pooled"][name]["value"] == pytest.approx(figure(ranked(churned, CHANCE))[0]), name
        if name in france:
            assert france[name]["value"] == pytest.approx(figure(ranked(churned[of_france], CHANCE[of_france]))[0])
        for part in (told["pooled"], *told["cutoffs"]):
            # The calibration error of a sample is larger than that of what it was drawn from.
            assert part[name]["low"] < part[name]["high"]
            assert part[name]["value"] <= part[name]["high"]
            assert name == "calibration_error" or part[name]["low"] <= part[name]["value"]


def test_pooled_intervals_are_narrower_than_those_of_a_cutoff(told: dict) -> None:
    width = {
        where: part["auc"]["high"] - part["auc"]["low"] for where, part in enumerate((told["pooled"], *told["cutoffs"]))
    }
    assert width[0] < min(width[1], width[2], width[3])


def test_peers_are_compared_in_the_same_samples(told: dict) -> None:
    """The gain's interval is much narrower than those of two AUCs apart; a model against itself gains nothing."""
    (rule, logistic) = told["peers"]
    assert (rule["peer"], logistic["peer"]) == ("rule: orders_90d", LOGISTIC)
    for peer in told["peers"]:
        gain = told["mean_auc"]["value"] - peer["auc"]["value"]
        assert peer["auc_gain"]["value"] == pytest.approx(gain)
        assert 0 < peer["auc_gain"]["low"] < gain < peer["auc_gain"]["high"]
    itself = examination(ROWS, CHANCE, {LOGISTIC: CHANCE}, TERMS)["peers"][1]
    assert itself["auc_gain"] == span(0.0)


def test_the_order_of_the_rows_changes_nothing(told: dict) -> None:
    turned = np.random.default_rng(5).permutation(len(ROWS))
    again = examination(ROWS.iloc[turned], CHANCE[turned], {LOGISTIC: PEER[turned]}, TERMS)
    assert again["grade"] == told["grade"]
    assert again["pooled"]["auc"] == pytest.approx(told["pooled"]["auc"])
    assert again["thresholds"][2]["lead_time"]["in_time"] == pytest.approx(
        told["thresholds"][2]["lead_time"]["in_time"]
    )


def test_terms_are_told_and_count(told: dict) -> None:
    assert told["interval"] == {"level": 0.95, "samples": 60, "seed": 0, "drawn": "customers"}
    assert told["campaign"]["clv"] == 200
    dear = replace(TERMS, campaign=Campaign(clv=50, incentive_cost=20), samples=20)
    assert (
        examination(ROWS, CHANCE, {LOGISTIC: PEER}, dear)["pooled"]["profit"]["value"]
        < told["pooled"]["profit"]["value"]
    )


def test_without_columns_for_rules_or_silences_there_is_still_chance() -> None:
    bare = ROWS[["customer_id", "cutoff", "churned"]]
    told = examination(bare, CHANCE, {LOGISTIC: PEER}, replace(TERMS, samples=20))
    assert (told["peers"][0]["peer"], told["peers"][0]["auc"]) == ("rule: chance", span(0.5))
    assert told["slices"] == told["too_small"] == []
    assert {t["lead_time"] for t in told["thresholds"]} == {None}


def test_mean_auc_is_within_cutoffs() -> None:
    """A level of its own for each cutoff moves the AUC of all together, not this one."""
    moved = expit(logit(CHANCE) + 2.0 * pd.factorize(ROWS["cutoff"])[0])
    among = draws(ROWS["customer_id"], 10)
    assert mean_auc(ROWS, moved, among)[0] == pytest.approx(mean_auc(ROWS, CHANCE, among)[0])
    churned = ROWS["churned"].to_numpy()
    assert figures.auc(ranked(churned, moved))[0] < figures.auc(ranked(churned, CHANCE))[0] - 0.05


def test_deciles_by_hand() -> None:
    """Twenty customers, four left: the first three and the last."""
    left = np.zeros(20, dtype=bool)
    left[[0, 1, 2, 19]] = True
    found = deciles(left, np.linspace(0.9, 0.1, 20))
    assert [d["left"] for d in found] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert [d["lift"] for d in found[:3]] == [5, 2.5, 0]
    assert [d["gained"] for d in found[:2]] == [0.5, 0.75]
    assert sum(d["customers"] for d in found) == 20
    # Of equal chances each tenth has an equal part; fewer customers than tenths leave some out.
    assert [d["lift"] for d in deciles(left, np.full(20, 0.2))] == pytest.approx([1.0] * 10)
    assert sum(d["customers"] for d in deciles(left[:5], np.linspace(0.9, 0.1, 5))) == 5


def test_thresholds_by_hand() -> None:
    rows = pd.DataFrame({"customer_id": list("abcde"), "churned": [True, False, True, False, False]})
    chance = np.array([0.9, 0.6, 0.5, 0.2, 0.1])
    half, high, none = by_threshold(rows, chance, 28, draws(rows["customer_id"], 30), (0.5, 0.7, 0.95))
    assert (half["threshold"], half["listed"]) == (0.5, 3)
    values = {name: half[name]["value"] for name in ("caught", "disturbed", "precision", "contacts_per_leaver")}
    assert values == pytest.approx({"caught": 1, "disturbed": 1 / 3, "precision": 2 / 3, "contacts_per_leaver": 1.5})
    assert (high["listed"], high["caught"]["value"], high["disturbed"]["value"]) == (1, 0.5, 0)
    assert (none["listed"], none["caught"]["value"], none["precision"]["value"]) == (0, 0, None)


def test_slices_of_words_and_bands() -> None:
    rows = pd.DataFrame(
        {
            "orders_total": [5.0, 1, 4, 2, np.nan],
            "country": ["FR", None, "DE", "DE", "FR"],
            "days_since_first_order": [365.9, 90.9, 91, 366, 4000],
        }
    )
    found = [(column, part, np.flatnonzero(of).tolist()) for column, part, of in slices(rows)]
    assert found == [
        ("country", "DE", [2, 3]),
        ("country", "FR", [0, 4]),
        ("country", "unknown", [1]),
        ("orders_total", "one", [1]),
        ("orders_total", "2 to 4", [2, 3]),
        ("orders_total", "5 or more", [0]),
        ("orders_total", "unknown", [4]),
        ("days_since_first_order", "up to 90", [1]),
        ("days_since_first_order", "91 to 365", [0, 2]),
        ("days_since_first_order", "more than 365", [3, 4]),
    ]
    assert banded(rows["orders_total"]).tolist() == ["5 or more", "one", "2 to 4", "2 to 4", "unknown"]


FINE, OFF = span(1.0, 0.95, 1.05), span(0.0, -0.005, 0.005)
SURELY, PERHAPS, BELOW = span(0.02, 0.01, 0.03), span(0.005, -0.01, 0.02), span(-0.02, -0.03, -0.01)


@pytest.mark.parametrize(
    ("over_rule", "over_logistic", "slope", "letter"),
    [
        (SURELY, SURELY, FINE, "A"),
        (SURELY, PERHAPS, FINE, "B"),
        (SURELY, BELOW, FINE, "C"),
        (PERHAPS, SURELY, FINE, "C"),
        (SURELY, SURELY, span(0.7, 0.65, 0.75), "C"),
        (SURELY, SURELY, span(None), "C"),
        (BELOW, SURELY, FINE, "D"),
        (span(0.0, -0.01, 0.01), SURELY, FINE, "D"),
    ],
)
def test_letters(over_rule: dict, over_logistic: dict, slope: dict, letter: str) -> None:
    assert grade(over_rule, over_logistic, slope, OFF)["letter"] == letter


@pytest.mark.parametrize(
    ("slope", "off", "fits"),
    [
        (FINE, OFF, True),
        # Small samples: wide intervals reach what is right.
        (span(0.82, 0.6, 1.1), span(0.015, -0.02, 0.05), True),
        (span(1.2, 1.0, 1.5), OFF, True),
        # But the figure itself may not be too far.
        (span(0.75, 0.5, 1.2), OFF, False),
        (FINE, span(0.03, -0.01, 0.07), False),
        # Large samples: near, yet surely not right.
        (span(0.85, 0.83, 0.87), OFF, False),
        (FINE, span(-0.015, -0.018, -0.012), False),
        (span(None, None, None), OFF, False),
    ],
)
def test_calibrated(slope: dict, off: dict, fits: bool) -> None:
    assert calibrated(slope, off) == fits
