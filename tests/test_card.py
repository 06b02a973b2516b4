"""The model card says what its card says: every number is one of its values, and every value that counts is on it."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from examined_rows import held_out
from winback.risk.asking.specs import Spec
from winback.risk.examining.card import FIGURES, card_markdown
from winback.risk.examining.examination import LOGISTIC, Terms, examination

# Numbers of the page that are part of its words: what is perfect, what is chance, the paper's distribution's name.
WORDS = {"0", "1", "0.5", "100"}
NUMBER = re.compile(r"(?<![\w.-])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?: %)?(?![\w])")


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    """A card as training makes it, of made-up rows."""
    rows, chance = held_out()
    peer = logit(chance) + np.random.default_rng(1).normal(0, 1, len(chance))
    spec = Spec("made-up", horizon_days=28, active_days=90, leave_out=("orders_total",))
    return {
        "spec": spec.as_dict(),
        "today": "2026-04-15",
        "examined_after": ["2025-10-01", "2025-11-01"],
        "fitted_on": ["2025-10-01", "2025-11-01", "2026-01-01", "2026-02-01", "2026-03-01"],
        "rows": 4321,
        "quality": [],
        "examination": examination(rows, chance, {LOGISTIC: peer}, Terms(28, samples=40)),
        "reference": {"base_rate": 0.2345, "log_odds": {}},
        "made_from": {"inputs": {"orders": "ab12"}, "settings": "cd34"},
        "sha256": "ef56",
    }


def leaves(values: Any) -> Iterator[Any]:
    """The plain values of nested ones."""
    if isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            yield from leaves(value)
    else:
        yield values


def written(value: float) -> set[str]:
    """All the ways in which a page may write a number."""
    shares = {f"{round(100 * value, digits) + 0.0:.{digits}f} %" for digits in (0, 1)}
    plain = {f"{value:.3f}", f"{value:+.3f}", f"{value:.0f}", f"{value:g}", str(value)}
    return shares | plain | ({f"{value:,}"} if isinstance(value, int) else set())


def without_code(page: str) -> str:
    """A page without its dates, hashes and column names."""
    return re.sub(r"\d{4}-\d\d-\d\d|`\w+`|\b\w*_\w*\b|(one|\d+ to \d+|\d+ or more)", " ", page)


def test_every_number_is_a_value_of_the_card(card: dict[str, Any]) -> None:
    known = {text for value in leaves(card) if isinstance(value, int | float) for text in written(value)}
    page = without_code(card_markdown(card))
    found = NUMBER.findall(page)
    assert len(found) > 300
    assert [number for number in found if number.strip() not in known | WORDS] == []


def test_every_date_hash_and_name_is_on_it(card: dict[str, Any]) -> None:
    page = card_markdown(card)
    dates = set(re.findall(r"\d{4}-\d\d-\d\d", page))
    assert dates == {*card["fitted_on"], card["today"]}
    for name in ("made-up", "orders_total", "`ab12`", "`cd34`", "`ef56`", "Grade A", "learning_rate 0.05"):
        assert name in page, name


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("end", ["value", "low", "high"])
def test_every_figure_is_written(card: dict[str, Any], name: str, end: str) -> None:
    """Another figure, another page: in exactly one line."""
    other = copy.deepcopy(card)
    other["examination"]["pooled"][name][end] += 0.0712 if name != "lift_quality" else 7
    lines = [
        (was, now)
        for was, now in zip(card_markdown(card).splitlines(), card_markdown(other).splitlines(), strict=True)
        if was != now
    ]
    assert len(lines) == 1
    assert lines[0][0].startswith(f"| {FIGURES[name][0]} |")


def test_letters_have_their_words_and_weak_parts_are_limits(card: dict[str, Any]) -> None:
    other = copy.deepcopy(card)
    told = other["examination"]
    told["grade"] |= {"letter": "D", "beats_rule": "no", "calibrated": False}
    told["slices"][0]["auc"]["low"] = 0.45
    told["slices"][1]["off"] = {"value": 0.05, "low": 0.01, "high": 0.09}
    page = card_markdown(other)
    assert "**Grade D**: no better than a single rule: use the rule." in page
    assert "Calibrated: no." in page
    first, second = (f"{s['column']} {s['part']}" for s in told["slices"][:2])
    assert f"- It does not surely tell leavers from stayers among: {first}." in page
    assert f"- Its mean chance is surely off among: {second}." in page
    assert "It does not surely tell" not in card_markdown(card)


def test_what_is_not_known_is_said_to_be_unknown(card: dict[str, Any]) -> None:
    other = copy.deepcopy(card)
    told = other["examination"]
    told["pooled"]["calibration_slope"] = {"value": None, "low": None, "high": None}
    told["slices"], told["too_small"] = [], []
    for threshold in told["thresholds"]:
        threshold["lead_time"] = None
    del other["made_from"], other["sha256"]
    other["spec"]["active_days"] = None
    page = card_markdown(other)
    assert "| calibration slope | unknown | 1; below: too sure |" in page
    assert "No part is large enough to be told of." in page
    assert "Too small to be told of: none." in page
    assert "Asked of all customers who ever bought." in page
    assert "nan" not in page.lower()
    assert "None" not in page


def test_tables_are_tables(card: dict[str, Any]) -> None:
    """Each has as many cells in every line as in its head."""
    for block in card_markdown(card).split("\n\n"):
        if block.startswith("| "):
            assert len({line.count("|") for line in block.splitlines()}) == 1, block
