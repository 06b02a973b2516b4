"""An action and its conditions: what may be written, and what a wrong one is told."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.errors import ConfigError
from winback.offers.action import Action, Condition
from winback.toml_files import parse

MAIL = {
    "id": "mail",
    "name": "Mail",
    "message": "Write.",
    "family": "content",
    "drivers": ["recency"],
    "channels": ["email", "sms"],
    "contact_cost": 0.5,
    "save_rate": 0.1,
}
OF_THE_BRAND = {"per_customer": False, "channels": [], "contact_cost": 0.0, "save_rate": 0.0, "family": "brand"}
NEEDS_ALL = "it needs one in each of en, ru, zh"
LIMITS = "write at_least, below or both, or else equals"
LEAST_0 = "Input should be greater than or equal to 0"
NONE_OF_ONE = "with per_customer = false there are no channels, costs and rates of one customer: leave them out"


def action(**changes) -> Action:
    return parse(Action, MAIL | changes, "x")


def test_a_plain_text_stands_for_every_language_and_a_table_for_its_own() -> None:
    assert action().name == {"en": "Mail", "ru": "Mail", "zh": "Mail"}
    texts = {"en": "Letter", "ru": "Письмо", "zh": "信"}
    assert action(message=texts).message == texts


def test_a_contact_costs_the_same_everywhere_or_by_channel() -> None:
    assert [action().contact_cost_by(c) for c in ("email", "sms")] == [0.5, 0.5]
    each = action(contact_cost={"email": 0.05, "sms": 0.08})
    assert [each.contact_cost_by(c) for c in ("email", "sms")] == [0.05, 0.08]


@pytest.mark.parametrize(
    ("changes", "repeats"),
    [
        ({}, None),
        ({"max_repeats": 5}, 5),
        ({"incentive_cost": 1.0, "accept_rate": 0.1}, 2),
        ({"incentive_cost": 1.0, "accept_rate": 0.1, "max_repeats": 1}, 1),
        ({"incentive_cost": 1.0, "accept_rate": 0.1, "max_repeats": 12}, 12),
    ],
)
def test_money_is_given_twice_a_year_unless_said_otherwise(changes: dict, repeats: int | None) -> None:
    made = action(**changes)
    assert made.max_repeats == repeats
    assert made.monetary == ("incentive_cost" in changes)


def test_what_is_done_for_the_brand_is_of_no_customer() -> None:
    made = action(**OF_THE_BRAND)
    assert (made.per_customer, made.channels, made.save_rate) == (False, (), 0.0)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": {"en": "Mail", "zh": "信"}},
         f"name: has no text in ru; {NEEDS_ALL} (came: {{'en': 'Mail', 'zh': '信'}})"),
        ({"message": {"en": "M", "ru": ""}},
         f"message: has no text in ru and zh; {NEEDS_ALL} (came: {{'en': 'M', 'ru': ''}})"),
        ({"name": {"en": "M", "rus": "M"}},
         "name: no language is called 'rus'. Did you mean 'ru'? (came: {'en': 'M', 'rus': 'M'})"),
        ({"name": ""}, f"name: has no text in en and ru and zh; {NEEDS_ALL} (came: '')"),
        ({"name": 3}, "name: Input should be a valid dictionary (came: 3)"),
        ({"channels": []}, "channels must name at least one way to reach the customer"),
        ({"channels": ["sms", "sms"]}, "channels: 'sms' is given twice (came: ['sms', 'sms'])"),
        ({"channels": "sms"}, "channels: Input should be a valid tuple (came: 'sms')"),
        ({"drivers": ["a", "a"]}, "drivers: 'a' is given twice (came: ['a', 'a'])"),
        ({"stages": ["old", "new"]},
         "stages.0: Input should be 'new', 'active', 'cooling', 'lapsed', 'lost' or 'returned' (came: 'old')"),
        ({"stages": []}, "stages: Tuple should have at least 1 item after validation, not 0 (came: [])"),
        ({"contact_cost": -1}, "contact_cost: Input should be greater than or equal to 0 (came: -1)"),
        ({"contact_cost": {"email": -1, "sms": 1}},
         "contact_cost.email: Input should be greater than or equal to 0 (came: -1)"),
        ({"contact_cost": {"email": 1}}, "contact_cost has no cost of 'sms', which is one of the channels"),
        ({"contact_cost": {"email": 1, "sms": 1, "call": 1}},
         "contact_cost has a cost of 'call', which is none of the channels"),
        ({"capacity": -1}, "capacity: Input should be greater than or equal to 0 (came: -1)"),
        ({"max_repeats": 0}, "max_repeats: Input should be greater than or equal to 1 (came: 0)"),
        ({"accept_rate_strength": 0}, "accept_rate_strength: Input should be greater than 0 (came: 0)"),
        ({"needs_aproval": True}, "needs_aproval: unknown key. Did you mean 'needs_approval'?"),
        ({"family": "brand"}, "family 'brand' is for what is done for all at once: write per_customer = false"),
        (OF_THE_BRAND | {"channels": ["email"]}, NONE_OF_ONE),
        (OF_THE_BRAND | {"contact_cost": 1.0}, NONE_OF_ONE),
        (OF_THE_BRAND | {"save_rate": 0.1}, NONE_OF_ONE),
        (OF_THE_BRAND | {"incentive_cost": 1.0, "accept_rate": 0.1}, NONE_OF_ONE),
        ({"only_if": [{"feature": "x"}]}, f"only_if.0: {LIMITS} (came: {{'feature': 'x'}})"),
        ({"only_if": [{"feature": "x", "at_least": 1, "equals": 1}]},
         f"only_if.0: {LIMITS} (came: {{'feature': 'x', 'at_least': 1, 'equals': 1}})"),
        ({"only_if": [{"feature": "x", "at_least": 3, "below": 3}]},
         "only_if.0: nothing is at least 3 and below 3 (came: {'feature': 'x', 'at_least': 3, 'below': 3})"),
        ({"only_if": [{"feature": "x", "belw": 3}]}, "only_if.0.belw: unknown key. Did you mean 'below'?"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(changes: dict, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        action(**changes)
    assert str(error.value).splitlines() == ["x cannot be used:", f"  {line}"]


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        ({"at_least": 2}, [False, False, True, True, False]),
        ({"below": 2}, [False, True, False, False, False]),
        ({"at_least": 1, "below": 3}, [False, True, True, False, False]),
        ({"equals": 2}, [False, False, True, False, False]),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64"])
def test_a_condition_holds_of_known_values_within_its_limits(limits: dict, held: list[bool], dtype: str) -> None:
    values = pd.Series([None, 1, 2, 3, None], dtype=dtype, index=list("abcde"))
    found = Condition(feature="x", **limits).holds(values)
    assert found.dtype == bool
    assert found.tolist() == held
    assert found.index.tolist() == list("abcde")


@pytest.mark.parametrize("dtype", ["str", "object", "string"])
def test_a_condition_may_ask_for_a_word(dtype: str) -> None:
    found = Condition(feature="plan", equals="gold").holds(pd.Series(["gold", "silver", None], dtype=dtype))
    assert found.dtype == bool
    assert found.tolist() == [True, False, False]


def test_a_condition_of_flags_takes_true_and_false() -> None:
    assert Condition(feature="x", equals=1).holds(pd.Series([True, False])).tolist() == [True, False]


@given(st.lists(st.one_of(st.none(), st.floats(-9, 9)), max_size=20), st.floats(-9, 0), st.floats(1, 9))
def test_two_limits_hold_where_each_does(values: list, low: float, high: float) -> None:
    series = pd.Series(values, dtype="float64")
    both = Condition(feature="x", at_least=low, below=high).holds(series)
    each = [Condition(feature="x", **limit).holds(series) for limit in ({"at_least": low}, {"below": high})]
    assert both.tolist() == (each[0] & each[1]).tolist()
