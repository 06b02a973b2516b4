"""docs/actions.md: its tables are made of the catalogue."""

import doctest
from pathlib import Path
from typing import get_args

import pytest

from winback.facts.features.declared import Driver
from winback.offers import actions_page as page_module
from winback.offers.action import Action, Condition
from winback.offers.actions_page import BEGIN, END, actions_page, in_words
from winback.offers.catalogue import load_catalogue


def test_the_page_is_what_the_catalogue_says(request: pytest.FixtureRequest) -> None:
    tree: Path = request.config.rootpath
    page = (tree / "docs" / "actions.md").read_text("utf-8")
    actions = load_catalogue(tree / "configs" / "actions.toml", (), get_args(Driver))
    assert page.split(BEGIN)[1].split(END)[0].strip() == actions_page(actions).strip()


def made(**fields) -> Action:
    values = {"name": {"en": "Mail", "ru": "Письмо", "zh": "信"}, "message": "Write.", "family": "content"}
    values |= {"drivers": ("trend", "tenure"), "channels": ("email", "call"), "save_rate": 0.05}
    return Action(id="mail", contact_cost={"email": 0.05, "call": 2.5}, **values | fields)


def test_a_row_tells_cost_gift_conditions_and_limits() -> None:
    action = made(
        stages=("lapsed", "lost"),
        only_if=(Condition(feature="orders_90d", at_least=3),),
        incentive_cost=0.1,
        incentive_basis="basket_share",
        accept_rate=0.25,
        capacity=0,
        cooldown_days=30,
        needs_approval=True,
    )
    assert actions_page([action]).splitlines() == [
        "## Content",
        "",
        "| id | answers | for whom | channels and cost | gives | keeps | limits |",
        "|---|---|---|---|---|---|---|",
        "| mail | trend, tenure | lapsed, lost; orders_90d at least 3 | email 0.05, call 2.50 | 10% of a basket, "
        "taken by 25% | 5% (of 50) | 0 a run; 30 days after a contact; 2 a year; needs approval |",
        "",
        "## Names",
        "",
        "| id | English | Russian | Chinese |",
        "|---|---|---|---|",
        "| mail | Mail | Письмо | 信 |",
    ]


@pytest.mark.parametrize(
    ("fields", "cell"),
    [
        ({}, "| all but lost |"),
        ({"stages": ("new", "active", "cooling", "lapsed", "lost", "returned")}, "| all |"),
        ({"stages": ("active", "cooling", "lapsed", "returned")}, "| all but new and lost |"),
        ({"incentive_cost": 2.0, "accept_rate": 0.4}, "| 2.00, taken by 40% |"),
        ({}, "| nothing |"),
    ],
)
def test_what_is_short_is_told_shortly(fields: dict, cell: str) -> None:
    assert cell in actions_page([made(**fields)])


def test_what_is_done_for_the_brand_is_told_apart() -> None:
    action = Action(
        id="charity",
        name="Charity",
        message="Give.",
        family="brand",
        drivers=("any",),
        channels=(),
        contact_cost=0.0,
        save_rate=0.0,
        per_customer=False,
    )
    assert actions_page([action]).splitlines()[:3] == [
        "## For the brand as a whole, never decided on for one customer",
        "",
        "- `charity`: Charity. Give.",
    ]


def test_conditions_in_words() -> None:
    assert doctest.testmod(page_module).attempted == 1
    assert doctest.testmod(page_module).failed == 0
    assert in_words(Condition(feature="x", below=2)) == "x below 2"
    assert in_words(Condition(feature="plan", equals="gold")) == "plan is gold"
