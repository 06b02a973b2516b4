"""The catalogue: what the shipped one holds, and what a wrong one is told."""

import re
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from winback.errors import ConfigError
from winback.facts.features.declared import Driver, builtin
from winback.offers.action import STAGES, Action, Channel, Family
from winback.offers.catalogue import features_read, load_catalogue

DRIVERS = (
    "recency",
    "cadence",
    "frequency",
    "monetary",
    "trend",
    "tenure",
    "discounts",
    "breadth",
    "habits",
    "engagement",
    "seasonality",
    "loyalty",
    "returns",
    "service",
    "satisfaction",
    "subscription",
    "payments",
)

CHANNELS = get_args(Channel)

ONE = """
[[actions]]
id = "thanks"
name = "Thank-you letter"
message = "Say thanks."
family = "recognition"
drivers = ["tenure"]
channels = ["post"]
contact_cost = 1.2
save_rate = 0.05
"""


@pytest.fixture
def shipped(request: pytest.FixtureRequest) -> Path:
    return request.config.rootpath / "configs" / "actions.toml"


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "actions.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# The thirty methods of retention, in the order in which the articles that started this project list them.
METHODS = (
    *("double_points", "exclusive_goods", "free_delivery", "personal_discount", "cashback_next_basket"),
    *("category_sample", "gift_with_purchase", "holiday_offer", "recipes_mail", "tasting_evening"),
    *("online_workshop", "personal_thanks", "product_training", "review_request", "best_customers_club"),
    *("personal_adviser", "referral_reward", "community_invitation", "charity_share", "cooking_class"),
    *("co_development", "early_access", "story_packaging", "secret_offer", "thank_you_video"),
    *("care_advice", "better_packaging", "influencers", "limited_series", "gift_certificate"),
)
ON_THE_BRAND = {19, 23, 27, 28}


def test_the_shipped_catalogue_answers_every_driver_with_at_least_two_actions(shipped: Path) -> None:
    actions = load_catalogue(shipped, DRIVERS, features={f.name for f in builtin()})
    for driver in DRIVERS:
        assert sum(driver in action.drivers for action in actions if action.per_customer) >= 2, driver


def test_the_thirty_methods_are_there_and_four_of_them_are_the_brands(shipped: Path) -> None:
    actions = {action.id: action for action in load_catalogue(shipped, DRIVERS)}
    assert len(set(METHODS)) == 30
    assert {n for n, id_ in enumerate(METHODS, start=1) if not actions[id_].per_customer} == ON_THE_BRAND
    assert sum(not action.per_customer for action in actions.values()) == len(ON_THE_BRAND)
    text = shipped.read_text("utf-8")
    for number, id_ in enumerate(METHODS, start=1):
        assert re.search(rf"# method {number}\b.*\nid = \"{id_}\"", text), id_


def test_a_failed_payment_is_repaired_and_never_discounted(shipped: Path) -> None:
    """Hard declines are never tried again; every day before the card expires has its notice, and one alone."""
    actions = {action.id: action for action in load_catalogue(shipped, DRIVERS)}
    paying = [action for action in actions.values() if "payments" in action.drivers]
    assert {action.family for action in paying} == {"payment_fix"}
    assert not any(action.monetary for action in paying)
    after = {a.id: {c.feature: c for c in a.only_if} for a in paying}
    assert after["payment_retry_plan"]["card_declines_180d"].below == 1
    assert after["new_card_after_hard_decline"]["card_declines_180d"].at_least == 1
    notices = {days: after[f"card_expiry_{days}_days"]["card_expires_in_days"] for days in (30, 15, 7, 3)}
    left = pd.Series(range(-2, 33))
    shown = pd.DataFrame({days: notice.holds(left) for days, notice in notices.items()})
    assert (shown.sum(axis=1) == left.between(0, 30)).all()
    assert [int(left[shown[days]].max()) for days in (30, 15, 7, 3)] == [30, 15, 7, 3]


def test_who_has_gone_is_won_back_and_nobody_else(shipped: Path) -> None:
    actions = load_catalogue(shipped, DRIVERS)
    steps = [action for action in actions if action.family == "win_back"]
    assert {action.stages for action in steps} == {("lapsed", "lost")}
    paid = {action.id for action in steps if action.monetary}
    assert paid == {"win_back_offer", "win_back_upgrade"}
    assert [action.id for action in steps if action.needs_approval] == ["win_back_offer"]


@pytest.mark.parametrize(
    ("language", "script"), [("ru", "[\u0430-\u044f]"), ("zh", "[\u4e00-\u9fff]"), ("en", "^[ -~]+$")]
)
def test_every_text_is_written_in_its_own_script(shipped: Path, language: str, script: str) -> None:
    for action in load_catalogue(shipped, DRIVERS):
        for text in (action.name[language], action.message[language]):
            assert re.search(script, text.lower()), action.id


def test_every_driver_of_risk_is_answered() -> None:
    """All the causes that a model of risk can name; what we sent ourselves is none of them."""
    assert set(DRIVERS) == {f.driver for f in builtin() if f.use == "risk"} == set(get_args(Driver)) - {"fatigue"}


def test_the_shipped_rates_are_modest_and_every_driver_has_an_answer_without_money(shipped: Path) -> None:
    actions = load_catalogue(shipped, DRIVERS)
    assert all(0.02 <= action.save_rate <= 0.12 for action in actions if action.per_customer)
    free = {driver for action in actions if action.per_customer and not action.monetary for driver in action.drivers}
    assert set(DRIVERS) <= free


def test_the_shipped_header_names_every_driver_and_every_key_a_marketer_may_set(shipped: Path) -> None:
    header = shipped.read_text(encoding="utf-8").split("[[actions]]\n", maxsplit=1)[0]
    for word in (*DRIVERS, *Action.__dataclass_fields__, *get_args(Family), *CHANNELS, *STAGES):
        assert re.search(rf"[ \n]{word}[ ,.:\n]", header), word


def test_actions_come_in_order_of_id_with_the_defaults_of_the_dataclass(written) -> None:
    path = written(ONE + ONE.replace('"thanks"', '"a_first"'))
    first, second = load_catalogue(path, ["tenure"])
    assert (first.id, second.id) == ("a_first", "thanks")
    assert second == Action(
        id="thanks",
        name={"en": "Thank-you letter", "ru": "Thank-you letter", "zh": "Thank-you letter"},
        message="Say thanks.",
        family="recognition",
        drivers=("tenure",),
        channels=("post",),
        contact_cost=1.2,
        save_rate=0.05,
    )
    assert (second.incentive_cost, second.incentive_basis, second.accept_rate) == (0.0, "fixed", 0.0)
    assert (second.save_rate_strength, second.accept_rate_strength, second.cooldown_days) == (50.0, 50.0, 0)
    assert second.stages == ("new", "active", "cooling", "lapsed", "returned")
    assert (second.only_if, second.capacity, second.max_repeats) == ((), None, None)
    assert (second.needs_approval, second.per_customer, second.monetary) == (False, True, False)


def test_any_answers_every_driver(written) -> None:
    (action,) = load_catalogue(written(ONE.replace('["tenure"]', '["any"]')), DRIVERS)
    assert all(action.answers(driver) for driver in DRIVERS)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            ('channels = ["post"]', 'channels = ["post"]\nacept_rate = 1'),
            "acept_rate: unknown key. Did you mean 'accept_rate'?",
        ),
        (('channels = ["post"]', ""), "channels: is required"),
        (
            ('"post"', '"pigeon"'),
            "channels.0: Input should be 'email', 'sms', 'push', 'post', 'call', 'app' or 'store' (came: 'pigeon')",
        ),
        (("= 0.05", "= 5"), "save_rate: Input should be less than or equal to 1 (came: 5)"),
        (("= 0.05", "= nan"), "save_rate: Input should be a finite number (came: nan)"),
        (("= 1.2", "= inf"), "contact_cost: Input should be a finite number (came: inf)"),
        (("= 1.2", "= -1"), "contact_cost: Input should be greater than or equal to 0 (came: -1)"),
        (
            ('["tenure"]', "[]"),
            "drivers: Tuple should have at least 1 item after validation, not 0 (came: [])",
        ),
        (
            ('"thanks"', '"Thank you"'),
            "id: String should match pattern '^[a-z][a-z0-9_]*$' (came: 'Thank you')",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_action(written, change: tuple[str, str], line: str) -> None:
    path = written(ONE.replace(*change))
    shown = "Thank you" if "Thank you" in change[1] else "thanks"
    with pytest.raises(ConfigError) as error:
        load_catalogue(path, ["tenure"])
    assert str(error.value) == f"{path}, action 1 ({shown}) cannot be used:\n  {line}"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            'incentive_cost = 3.0\nincentive_basis = "basket_share"\naccept_rate = 0.2',
            "with incentive_basis 'basket_share', incentive_cost is a share of it: 0..1",
        ),
        ("incentive_cost = 3.0", "incentive_cost needs an accept_rate above 0: nobody would redeem it"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(written, extra: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_catalogue(written(ONE + extra), ["tenure"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('"thanks"', '"leave_alone"'),
            "'leave_alone' is always possible and needs no action; choose another id",
        ),
        (('["tenure"]', '["any", "tenure"]'), "drivers is either ['any'] or a list of drivers, not both"),
    ],
)
def test_words_with_a_meaning_of_their_own_are_kept_for_it(written, change: tuple[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_catalogue(written(ONE.replace(*change)), ["tenure"])
    assert message in str(error.value)


def test_all_faults_of_the_catalogue_as_a_whole_are_told_at_once(written) -> None:
    path = written(ONE + ONE + ONE.replace('"thanks"', '"other"').replace('["tenure"]', '["tenur"]'))
    with pytest.raises(ConfigError) as error:
        load_catalogue(path, ["tenure", "recency"])
    assert str(error.value) == (
        f"{path} cannot be used:\n"
        "  thanks: this id is given to more than one action; every id must be its own.\n"
        "  other: no driver is called 'tenur'. Did you mean 'tenure'?\n"
        "  drivers: no action answers 'recency'; add one, or add it to an action's drivers."
    )


def test_an_action_may_name_a_driver_that_this_project_cannot_bring_up(written) -> None:
    """Known beside those that must be answered; any other word is still refused."""
    path = written(ONE.replace('["tenure"]', '["tenure", "payments"]'))
    assert [action.id for action in load_catalogue(path, ["tenure"], ["payments"])] == ["thanks"]
    with pytest.raises(ConfigError) as error:
        load_catalogue(path, ["tenure"], ["payment"])
    assert str(error.value) == (
        f"{path} cannot be used:\n  thanks: no driver is called 'payments'. Did you mean 'payment'?"
    )


@pytest.mark.parametrize("text", ["", "actions = []", "actions = 3", "[actions]\nid = 1", "actions = [1]"])
def test_a_file_without_actions_says_how_one_starts(written, text: str) -> None:
    path = written(text)
    with pytest.raises(ConfigError) as error:
        load_catalogue(path, DRIVERS)
    assert str(error.value) == f"{path} holds no actions. Each one starts with a line [[actions]]."


def test_an_unknown_table_is_named(written) -> None:
    path = written(ONE.replace("[[actions]]", "[[action]]"))
    with pytest.raises(ConfigError) as error:
        load_catalogue(path, DRIVERS)
    assert str(error.value) == f"{path} cannot be used:\n  action: unknown key. Did you mean 'actions'?"


def test_a_condition_names_a_feature_or_what_every_decision_weighs(written) -> None:
    line = 'only_if = [{{ feature = "{}", at_least = 1 }}]\n'
    good = ONE + line.format("orders_90d") + ONE.replace("thanks", "other") + line.format("margin_at_stake")
    actions = load_catalogue(written(good), ["tenure"], features=["orders_90d"])
    assert features_read(actions) == {"orders_90d"}
    path = written(ONE + line.format("order_90d") + ONE.replace("thanks", "other") + line.format("xyz"))
    assert len(load_catalogue(path, ["tenure"])) == 2  # where no features are given, none are missed
    with pytest.raises(ConfigError) as error:
        load_catalogue(path, ["tenure"], features=["orders_90d"])
    assert str(error.value) == (
        f"{path} cannot be used:\n"
        "  thanks: only_if: no feature is called 'order_90d'. Did you mean 'orders_90d'?\n"
        "  other: only_if: no feature is called 'xyz'. `winback features` lists them."
    )


BRAND = """
[[actions]]
id = "charity"
name = "Charity"
message = "A share of every basket goes to a good cause."
family = "brand"
drivers = ["tenure"]
per_customer = false
"""


def test_what_is_done_for_the_brand_needs_no_channel_and_answers_nobodys_driver(written) -> None:
    path = written(BRAND)
    (action,) = load_catalogue(path, [], ["tenure"])
    assert (action.channels, action.contact_cost, action.save_rate, action.per_customer) == ((), 0.0, 0.0, False)
    with pytest.raises(ConfigError, match="no action answers 'tenure'"):
        load_catalogue(path, ["tenure"])


def test_the_key_of_older_catalogues_is_told_its_new_name(written) -> None:
    path = written(ONE.replace('channels = ["post"]', 'channel = "post"'))
    with pytest.raises(ConfigError, match=r"channel: unknown key\. Did you mean 'channels'\?"):
        load_catalogue(path, ["tenure"])
