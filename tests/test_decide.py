"""One action a customer: the arithmetic of the net gain, the causes, and that nobody is lost."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.campaigns.words import CAUSES as CAUSES_IN_WORDS
from winback.offers.case import Known
from winback.offers.catalogue import Action
from winback.offers.decide import CAUSES, Limits, decide
from winback.offers.what_if import what_if

CUTOFF = pd.Timestamp("2026-01-01", tz="UTC")
COLUMNS = [
    *(
        "customer_id",
        "cutoff",
        "action",
        "cause",
        "channel",
        "contact_cost",
        "incentive_cost",
        "expected_cost",
    ),
    *("chance_kept", "margin_at_stake", "expected_net_gain", "would_have_done", "would_have_channel"),
    *("needs_approval", "driver", "expected_deadweight", "answered"),
]
NO_LIMITS = Limits(budget=None, min_net_gain=0.0, cooldown_days=0)


def action(id_: str = "mail", drivers: tuple[str, ...] = ("recency",), **fields) -> Action:
    values = {
        "name": id_,
        "message": "-",
        "family": "content",
        "channels": ("email",),
        "contact_cost": 0.0,
        "save_rate": 0.1,
    }
    return Action(id=id_, drivers=drivers, **values | fields)


def customers(**columns) -> pd.DataFrame:
    """Customers a, b, c, ... at risk, of 100 at stake, never contacted, unless said otherwise."""
    count = max([len(c) for c in columns.values() if isinstance(c, list)], default=1)
    values = {
        "customer_id": pd.Series(list("abcdefghij"[:count]), dtype="str"),
        "cutoff": CUTOFF,
        "probability": 0.5,
        "at_risk": True,
        "held_out": False,
        "margin_at_stake": 100.0,
        "average_basket": 40.0,
        "days_since_last_contact": np.nan,
    }
    return pd.DataFrame(values | columns, index=range(count))


def reasons(**points: dict[str, float]) -> pd.DataFrame:
    """reasons(a={"recency": 0.2}): the points of each customer's drivers."""
    rows = [(c, d, p) for c, drivers in points.items() for d, p in drivers.items()]
    return pd.DataFrame(rows, columns=["customer_id", "driver", "points"])


RECENCY = reasons(**{c: {"recency": 0.2} for c in "abcdefghij"})


def test_the_net_gain_counts_margin_contact_and_redemption_by_those_who_stay_anyway() -> None:
    """p 0.5 * save 0.2 * match 0.75 = 0.075 kept; redeemed by 0.4 * (0.5 + 0.075) = 0.23 at 6 each."""
    offer = action(save_rate=0.2, contact_cost=1.0, incentive_cost=6.0, accept_rate=0.4)
    why = reasons(a={"recency": 0.3, "tenure": 0.1, "breadth": -0.2})
    result = decide(customers(), why, [offer], NO_LIMITS)
    assert list(result.columns) == COLUMNS
    row = result.iloc[0]
    assert (row["action"], row["cause"], row["channel"], row["would_have_done"]) == (
        "mail",
        "",
        "email",
        "mail",
    )
    assert row["chance_kept"] == pytest.approx(0.075)
    assert row["contact_cost"] == 1.0
    assert row["incentive_cost"] == 6.0
    assert row["expected_cost"] == pytest.approx(1 + 6 * 0.23)
    assert row["expected_net_gain"] == pytest.approx(7.5 - 1 - 1.38)
    assert row["margin_at_stake"] == 100.0


def test_an_incentive_may_be_a_share_of_the_customers_own_basket() -> None:
    offer = action(incentive_cost=0.1, incentive_basis="basket_share", accept_rate=1.0, save_rate=1.0)
    result = decide(customers(average_basket=[40.0, 90.0, -5.0]), RECENCY, [offer], NO_LIMITS)
    assert result["incentive_cost"].tolist() == pytest.approx([4.0, 9.0, 0.0])
    assert result["expected_net_gain"].tolist() == pytest.approx([46.0, 41.0, 50.0])


@pytest.mark.parametrize(
    ("points", "drivers", "kept"),
    [
        ({"recency": 0.2}, ("recency",), 0.05),
        ({"recency": 0.1, "trend": 0.3}, ("recency",), 0.0125),
        ({"recency": 0.1, "trend": 0.3}, ("recency", "trend"), 0.05),
        ({"recency": 0.1, "trend": -0.3}, ("recency",), 0.05),  # what holds him is no reason to leave
        ({"recency": -0.1, "trend": 0.3}, ("any",), 0.05),
        ({}, ("any",), 0.05),
    ],
)
def test_an_action_counts_by_the_share_of_the_reasons_it_answers(
    points: dict[str, float], drivers: tuple[str, ...], kept: float
) -> None:
    result = decide(customers(), reasons(a=points, z={"tenure": 1.0}), [action(drivers=drivers)], NO_LIMITS)
    assert result["chance_kept"].tolist() == pytest.approx([kept])


def test_the_largest_net_gain_wins_not_the_best_ratio() -> None:
    cheap = action("mail", save_rate=0.05, contact_cost=0.1)
    dear = action("call", save_rate=0.2, contact_cost=3.0, channels=("call",))
    result = decide(customers(), RECENCY, [cheap, dear], NO_LIMITS)
    assert result[["action", "channel"]].to_numpy().tolist() == [["call", "call"]]
    assert result["expected_net_gain"].tolist() == pytest.approx([7.0])


def test_equal_gains_go_to_the_first_id_whatever_the_order_of_the_catalogue() -> None:
    for pair in (["zeta", "alpha"], ["alpha", "zeta"]):
        result = decide(customers(), RECENCY, [action(id_) for id_ in pair], NO_LIMITS)
        assert result["action"].tolist() == ["alpha"]


@pytest.mark.parametrize(
    ("customer", "why", "offer", "limits", "cause"),
    [
        ({"at_risk": False}, {}, {}, {}, "would_stay_anyway"),
        ({"held_out": True}, {}, {}, {}, "held_out"),
        ({"days_since_last_contact": 13.0}, {}, {}, {"cooldown_days": 14}, "contacted_recently"),
        ({"days_since_last_contact": 14.0}, {}, {}, {"cooldown_days": 14}, ""),
        (
            {"days_since_last_contact": 20.0},
            {},
            {"cooldown_days": 21},
            {"cooldown_days": 14},
            "contacted_recently",
        ),
        # A card that ends does not wait for a mailing, only for the last notice.
        ({"days_since_last_contact": 3.0}, {}, {"family": "payment_fix"}, {"cooldown_days": 14}, ""),
        (
            {"days_since_last_contact": 3.0},
            {},
            {"family": "payment_fix", "cooldown_days": 4},
            {"cooldown_days": 14},
            "contacted_recently",
        ),
        ({}, {"tenure": 0.2}, {}, {}, "cannot_be_moved"),
        ({}, {"recency": -0.2}, {}, {}, "cannot_be_moved"),
        ({"margin_at_stake": 0.0}, {}, {}, {}, "not_worth_the_cost"),
        ({}, {}, {"contact_cost": 5.0}, {}, "not_worth_the_cost"),  # 5 gained, 5 paid
        ({}, {}, {}, {"min_net_gain": 5.0}, "not_worth_the_cost"),
        ({}, {}, {}, {"min_net_gain": 4.9}, ""),
        ({}, {}, {"contact_cost": 1.0}, {"budget": 0.9}, "over_budget"),
        ({}, {}, {"contact_cost": 1.0}, {"budget": 1.0}, ""),
        # the first cause that holds is the one written
        (
            {"at_risk": False, "held_out": True, "days_since_last_contact": 0.0},
            {},
            {},
            {},
            "would_stay_anyway",
        ),
        ({"held_out": True, "days_since_last_contact": 0.0}, {}, {}, {"cooldown_days": 9}, "held_out"),
        ({"days_since_last_contact": 0.0}, {"tenure": 1.0}, {}, {"cooldown_days": 9}, "contacted_recently"),
        ({"margin_at_stake": 0.0}, {"tenure": 1.0}, {}, {}, "cannot_be_moved"),
        ({"margin_at_stake": 0.0}, {}, {"contact_cost": 1.0}, {"budget": 0.0}, "not_worth_the_cost"),
    ],
)
def test_whoever_is_left_alone_has_a_cause(customer: dict, why: dict, offer: dict, limits: dict, cause: str) -> None:
    limit = Limits(**{"budget": None, "min_net_gain": 0.0, "cooldown_days": 0} | limits)
    result = decide(customers(**customer), reasons(a=why or {"recency": 0.2}), [action(**offer)], limit)
    assert result["cause"].tolist() == [cause]
    assert (result["action"] == "leave_alone").tolist() == [cause != ""]
    if cause:
        money = ["contact_cost", "incentive_cost", "expected_cost", "chance_kept", "expected_net_gain"]
        assert result[money].to_numpy().tolist() == [[0.0] * 5]
        assert result["channel"].tolist() == [""]


def test_a_resting_action_gives_way_to_one_that_needs_no_rest() -> None:
    strong, weak = action("strong", save_rate=0.3, cooldown_days=60), action("weak")
    result = decide(customers(days_since_last_contact=[30.0, 90.0]), RECENCY, [strong, weak], NO_LIMITS)
    assert result["action"].tolist() == ["weak", "strong"]


def test_a_cheaper_action_is_taken_where_the_best_is_over_budget() -> None:
    dear, cheap = action("dear", contact_cost=2.0, save_rate=0.3), action("cheap", contact_cost=0.5)
    who = customers(margin_at_stake=[100.0, 101.0, 102.0])
    result = decide(who, RECENCY, [dear, cheap], Limits(3.1, 0.0, 0))
    assert result["action"].tolist() == ["cheap", "cheap", "dear"]
    assert result["cause"].tolist() == ["", "", ""]
    assert result["expected_cost"].sum() == 3.0
    assert result.attrs["price_of_money"] == pytest.approx((0.5 * 0.2 * 101 - 1.5) / 1.5)


def test_the_held_out_show_what_the_same_rule_would_have_done() -> None:
    """Budget for one of a and b: the better. c and d are held out; only c is as good as what was taken."""
    who = customers(margin_at_stake=[100.0, 50.0, 90.0, 40.0], held_out=[False, False, True, True])
    result = decide(who, RECENCY, [action(contact_cost=1.0)], Limits(1.0, 0.0, 0))
    assert result["cause"].tolist() == ["", "over_budget", "held_out", "held_out"]
    assert result["would_have_done"].tolist() == ["mail", "leave_alone", "mail", "leave_alone"]


def test_what_an_action_answers_is_told_of_the_held_out_as_well() -> None:
    """Learning compares those treated with those held out of the same driver; of whom nothing is done none is told."""
    why = reasons(a={"recency": 0.3, "tenure": 0.1}, b={"recency": 0.3, "tenure": 0.1}, c={"tenure": 0.1})
    result = decide(customers(held_out=[False, True, False]), why, [action()], NO_LIMITS)
    assert result["driver"].tolist() == ["recency", "recency", ""]
    assert result["answered"].tolist() == pytest.approx([0.75, 0.75, 0.0])


def test_the_held_out_do_not_use_up_the_budget() -> None:
    who = customers(margin_at_stake=[10.0, 1000.0], held_out=[False, True], probability=1.0)
    result = decide(who, RECENCY, [action(contact_cost=0.5)], Limits(0.5, 0.0, 0))
    assert result["action"].tolist() == ["mail", "leave_alone"]


def test_rows_come_in_order_of_id_and_carry_their_own_numbers() -> None:
    who = customers(margin_at_stake=[1.0, 2.0, 3.0], customer_id=["b", "c", "a"])
    result = decide(who, RECENCY, [action()], NO_LIMITS)
    assert result[["customer_id", "margin_at_stake"]].to_numpy().tolist() == [
        ["a", 3.0],
        ["b", 1.0],
        ["c", 2.0],
    ]
    assert result["expected_net_gain"].tolist() == pytest.approx([0.15, 0.05, 0.1])


def test_every_cause_has_words_for_the_marketer_and_every_wording_a_cause() -> None:
    assert all(set(CAUSES) <= set(words) for words in CAUSES_IN_WORDS.values())


def test_no_customers_and_no_reasons() -> None:
    nobody = customers().iloc[:0]
    assert decide(nobody, RECENCY, [action()], Limits(1.0, 0.0, 0)).shape == (0, len(COLUMNS))
    assert decide(customers(), reasons(), [action()], NO_LIMITS)["cause"].tolist() == ["cannot_be_moved"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"customer_id": ["a", "a", "b"]}, "one row a customer expected; 1 repeat: ['a']"),
        ({"probability": [0.5, np.nan]}, "probability must be a number; 1 are not: ['b']"),
        ({"margin_at_stake": [np.inf, 1.0]}, "margin_at_stake must be a number; 1 are not: ['a']"),
        ({"average_basket": [np.nan, 1.0]}, "average_basket must be a number; 1 are not: ['a']"),
        ({"probability": [0.5, 1.5]}, "probability must be 0..1; 1 are not: ['b']"),
    ],
)
def test_a_frame_that_cannot_be_decided_on_is_refused(columns: dict, message: str) -> None:
    with pytest.raises(ValueError, match=r"expected|must") as error:
        decide(customers(**columns), RECENCY, [action()], NO_LIMITS)
    assert str(error.value) == message


def test_reasons_without_points_are_refused() -> None:
    with pytest.raises(ValueError, match="points of reasons must be numbers; some are not"):
        decide(customers(), reasons(a={"recency": np.nan}), [action()], NO_LIMITS)


@pytest.mark.parametrize("limits", [(-1.0, 0.0, 0), (None, -1.0, 0), (None, 0.0, -1)])
def test_negative_limits_are_refused(limits: tuple) -> None:
    with pytest.raises(ValueError, match="limits cannot be negative: Limits"):
        Limits(*limits)


DRIVERS = ["recency", "trend", "tenure"]


@st.composite
def shops(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, list[Action], Limits]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, kinds = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    who = pd.DataFrame(
        {
            "customer_id": pd.Series(rng.permutation([f"C{i:03d}" for i in range(count)]), dtype="str"),
            "cutoff": CUTOFF,
            "probability": rng.uniform(0, 1, count),
            "at_risk": rng.random(count) < 0.7,
            "held_out": rng.random(count) < 0.2,
            "margin_at_stake": rng.gamma(1, 50, count),
            "average_basket": rng.gamma(1, 30, count),
            "days_since_last_contact": np.where(rng.random(count) < 0.5, np.nan, rng.integers(0, 40, count)),
        }
    )
    pairs = [(c, d) for c in who["customer_id"] for d in DRIVERS if rng.random() < 0.8]
    why = pd.DataFrame(pairs, columns=["customer_id", "driver"]).assign(points=rng.normal(0.1, 0.2, len(pairs)))
    offers = [
        action(
            f"a{i}",
            tuple(rng.permutation(DRIVERS)[: rng.integers(1, 4)]) if rng.random() < 0.8 else ("any",),
            contact_cost=float(rng.choice([0.0, 0.05, 1.0, 3.0])),
            incentive_cost=float(rng.uniform(0, 1)),
            incentive_basis=str(rng.choice(["fixed", "basket_share"])),
            accept_rate=float(rng.uniform(0.01, 1)),
            save_rate=float(rng.uniform(0, 0.3)),
            cooldown_days=int(rng.choice([0, 30])),
        )
        for i in range(kinds)
    ]
    budget = draw(st.one_of(st.none(), st.floats(0, 60)))
    return who, why, offers, Limits(budget, draw(st.sampled_from([0.0, 0.5])), draw(st.sampled_from([0, 14])))


@settings(max_examples=60, deadline=None)
@given(shops(), st.randoms(use_true_random=False))
def test_every_customer_has_one_line_and_every_line_adds_up(shop: tuple, random) -> None:
    who, why, offers, limits = shop
    result = decide(who, why, offers, limits)
    assert result["customer_id"].tolist() == sorted(who["customer_id"])
    taken = result["action"] != "leave_alone"
    assert (taken == (result["cause"] == "")).all()
    assert result.loc[~taken, "cause"].isin(CAUSES).all()
    assert (result.loc[taken, "expected_net_gain"] > limits.min_net_gain).all()
    gained = result["chance_kept"] * result["margin_at_stake"] - result["expected_cost"]
    assert np.allclose(gained, result["expected_net_gain"])
    if limits.budget is not None:
        assert result["expected_cost"].sum() <= limits.budget + 1e-9
    assert result["expected_net_gain"].sum() <= result.attrs["net_gain_bound"] + 1e-9
    order = random.sample(range(len(who)), len(who))
    again = decide(who.iloc[order], why.sample(frac=1, random_state=1), offers[::-1], limits)
    pd.testing.assert_frame_equal(again, result, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(shops())
def test_without_a_budget_each_action_is_the_best_by_a_naive_count(shop: tuple) -> None:
    who, why, offers, limits = shop
    limits = Limits(None, limits.min_net_gain, limits.cooldown_days)
    result = decide(who, why, offers, limits).set_index("customer_id")
    for customer in who.itertuples():
        pushes = {
            r.driver: r.points for r in why.itertuples() if r.customer_id == customer.customer_id and r.points > 0
        }
        options = {"leave_alone": limits.min_net_gain}
        for offer in offers:
            share = sum(p for d, p in pushes.items() if d in offer.drivers) / (sum(pushes.values()) or 1.0)
            share = 1.0 if "any" in offer.drivers else share
            kept = customer.probability * offer.save_rate * share
            basket = customer.average_basket if offer.incentive_basis == "basket_share" else 1.0
            redeemed = offer.accept_rate * (1 - customer.probability + kept)
            gain = kept * customer.margin_at_stake - offer.contact_cost - offer.incentive_cost * basket * redeemed
            waits = customer.days_since_last_contact < max(offer.cooldown_days, limits.cooldown_days)
            if customer.at_risk and not waits and share > 0:
                options[offer.id] = gain
        best = max(options.values())
        row = result.loc[customer.customer_id]
        assert options[row["would_have_done"]] == pytest.approx(best)
        if not customer.held_out:
            assert row["action"] == row["would_have_done"]


def asked(channels: str = "email", **columns) -> Known:
    """Permissions of customers a, b, c, ...: these channels and profiling, unless said otherwise."""
    said = {f"may_{c}": c in channels.split() for c in ("email", "sms", "push", "post", "call", "app", "store", "ads")}
    rows = pd.DataFrame({"customer_id": list("abc"), "may_profile": True} | said | columns)
    return Known(permissions=rows)


def had(*contacts: tuple[str, str, str, int, bool]) -> Known:
    """History: customer, action, channel, days before the cutoff, whether money was given."""
    rows = pd.DataFrame(contacts, columns=["customer_id", "action", "channel", "days", "monetary"])
    rows["contacted_at"] = CUTOFF - pd.to_timedelta(rows.pop("days"), unit="D")
    return Known(history=rows)


@pytest.mark.parametrize(
    ("known", "channel", "cause"),
    [
        (asked("email sms"), "email", ""),
        (asked("sms call"), "sms", ""),  # the preferred one is not permitted, the next is
        (asked("call"), "", "no_consent"),
        (asked("email", may_profile=False), "", "no_consent"),
        (asked("email", may_profile=pd.array([pd.NA] * 3, dtype="boolean")), "", "no_consent"),
        (asked("email", customer_id=list("xyz")), "", "no_consent"),  # nothing is known of him
    ],
)
def test_what_is_not_permitted_is_not_done(known: Known, channel: str, cause: str) -> None:
    offer = action(channels=("email", "sms"), contact_cost={"email": 0.1, "sms": 0.2})
    row = decide(customers(), RECENCY, [offer], NO_LIMITS, known).iloc[0]
    assert (row["channel"], row["cause"], row["action"] == "mail") == (channel, cause, cause == "")


@pytest.mark.parametrize(
    ("limits", "past", "cause"),
    [
        ({"max_contacts": 2}, [("a", "", "post", 3, False)], ""),
        ({"max_contacts": 2}, [("a", "", "post", 3, False), ("a", "", "sms", 30, False)], "contacted_recently"),
        ({"max_contacts": 2}, [("a", "", "post", 3, False), ("a", "", "sms", 31, False)], ""),
        ({"max_contacts": 1}, [("a", "", "email", 0, False)], ""),  # at the cutoff itself: not known yet
        ({"max_contacts": 1}, [("b", "", "email", 1, False)], ""),  # another's
        ({"channel_max_contacts": {"email": 1}}, [("a", "", "email", 9, False)], "contacted_recently"),
        ({"channel_max_contacts": {"email": 1}}, [("a", "", "sms", 9, False)], ""),
        ({"cooldown_days": 10}, [("a", "other", "sms", 9, False)], "contacted_recently"),
        ({"cooldown_days": 10}, [("a", "other", "sms", 10, False)], ""),
        ({}, [("a", "mail", "sms", 40, True), ("a", "mail", "sms", 365, True)], "not_eligible"),  # twice is enough
        ({}, [("a", "mail", "sms", 40, True), ("a", "mail", "sms", 366, True)], ""),
        ({"max_monetary": 1}, [("a", "other", "sms", 40, True)], "not_eligible"),
        ({"max_monetary": 1}, [("a", "other", "sms", 40, False)], ""),
    ],
)
def test_caps_count_what_a_customer_had(limits: dict, past: list, cause: str) -> None:
    offer = action(incentive_cost=1.0, accept_rate=0.5)
    limit = Limits(**{"budget": None, "min_net_gain": 0.0, "cooldown_days": 0} | limits)
    assert decide(customers(), RECENCY, [offer], limit, had(*past))["cause"].tolist() == [cause]


@pytest.mark.parametrize(
    ("customer", "offer", "cause"),
    [
        ({"stage": "active"}, {"stages": ("cooling",)}, "not_eligible"),
        ({"stage": "cooling"}, {"stages": ("cooling",)}, ""),
        ({}, {"only_if": [{"feature": "average_basket", "at_least": 41.0}]}, "not_eligible"),
        ({}, {"only_if": [{"feature": "average_basket", "at_least": 40.0}]}, ""),
    ],
)
def test_an_action_is_for_its_stages_and_conditions(customer: dict, offer: dict, cause: str) -> None:
    assert decide(customers(**customer), RECENCY, [action(**offer)], NO_LIMITS)["cause"].tolist() == [cause]


def test_a_condition_on_a_column_that_customers_lack_is_an_error() -> None:
    offer = action(only_if=[{"feature": "orders_90d", "below": 2}])
    with pytest.raises(ValueError, match="ask about columns that customers lack: orders_90d"):
        decide(customers(), RECENCY, [offer], NO_LIMITS)


def test_failing_payments_are_repaired_and_never_bought_off() -> None:
    offers = [
        action("discount", ("any",), save_rate=0.5, incentive_cost=1.0, accept_rate=0.5, family="money_off"),
        action("retry", ("payments",), save_rate=0.05, family="payment_fix"),
    ]
    why = reasons(a={"payments": 0.3, "recency": 0.2}, b={"payments": 0.2, "recency": 0.3})
    result = decide(customers(probability=[0.5, 0.5]), why, offers, NO_LIMITS)
    assert result["action"].tolist() == ["retry", "discount"]
    everybody = Limits(None, 0.0, 0, involuntary=True)
    assert decide(customers(probability=[0.5, 0.5]), why, offers, everybody)["action"].tolist() == ["retry", "retry"]


def learned(*rows: tuple[str, str, str, float, float]) -> Known:
    """Rates learned: action, driver, stage, save rate, accept rate."""
    columns = ["action", "driver", "stage", "save_rate", "accept_rate"]
    return Known(rates=pd.DataFrame(rows, columns=columns).assign(n=100))


@pytest.mark.parametrize(
    ("rates", "kept"),
    [
        ([], 0.05),
        ([("mail", "any", "any", 0.2, np.nan)], 0.1),
        ([("mail", "recency", "any", 0.3, np.nan), ("mail", "any", "any", 0.2, np.nan)], 0.15),
        ([("mail", "any", "cooling", 0.4, np.nan), ("mail", "any", "any", 0.2, np.nan)], 0.2),
        ([("mail", "recency", "any", 0.3, np.nan), ("mail", "any", "cooling", 0.4, np.nan)], 0.15),
        ([("mail", "tenure", "any", 0.3, np.nan)], 0.05),
        ([("other", "any", "any", 0.9, np.nan)], 0.05),
    ],
)
def test_the_nearest_learned_rate_takes_the_place_of_the_prior(rates: list, kept: float) -> None:
    result = decide(customers(stage="cooling"), RECENCY, [action()], NO_LIMITS, learned(*rates))
    assert result["chance_kept"].tolist() == pytest.approx([kept])


def test_an_effect_known_of_a_customer_himself_takes_the_place_of_the_rates() -> None:
    """0.2 of a, none of b (harm), that of the rate, 0.5 x 0.1, of c; only the one action's."""
    effects = pd.DataFrame({"customer_id": ["b", "a", "x"], "action": "mail", "chance_kept": [-0.1, 0.2, 0.4]})
    who = customers(probability=[0.5] * 3)
    result = decide(who, RECENCY, [action(), action("other", save_rate=0.01)], NO_LIMITS, Known(effects=effects))
    assert result["action"].tolist() == ["mail", "other", "mail"]
    assert result["chance_kept"].tolist() == pytest.approx([0.2, 0.005, 0.05])
    alone = decide(who, RECENCY, [action()], NO_LIMITS, Known(effects=effects))
    assert alone["cause"].tolist() == ["", "sleeping_dog", ""]
    assert alone["expected_net_gain"].tolist() == pytest.approx([20.0, 0.0, 5.0])


def test_an_action_that_was_found_to_answer_a_driver_answers_it() -> None:
    why = reasons(a={"tenure": 0.2})
    found = decide(customers(), why, [action()], NO_LIMITS, learned(("mail", "tenure", "any", 0.2, np.nan)))
    assert found[["action", "driver"]].to_numpy().tolist() == [["mail", "tenure"]]


def test_a_learned_accept_rate_pays_the_incentive() -> None:
    offer = action(incentive_cost=2.0, accept_rate=0.9)
    result = decide(customers(), RECENCY, [offer], NO_LIMITS, learned(("mail", "any", "any", np.nan, 0.5)))
    assert result["expected_cost"].tolist() == pytest.approx([2.0 * 0.5 * 0.55])
    assert result["expected_deadweight"].tolist() == pytest.approx([2.0 * 0.5 * 0.5])


def test_sleeping_dogs_are_left_alone() -> None:
    result = decide(customers(), RECENCY, [action()], NO_LIMITS, learned(("mail", "any", "any", -0.1, np.nan)))
    assert result["cause"].tolist() == ["sleeping_dog"]


@pytest.mark.parametrize(("edge", "taken"), [(0.0, "money"), (0.15, "money"), (0.25, "words")])
def test_money_must_bring_clearly_more_than_what_costs_none(edge: float, taken: str) -> None:
    """12 against 10: a fifth more."""
    offers = [
        action("money", save_rate=0.25, incentive_cost=0.5, accept_rate=0.8),
        action("words", save_rate=0.2),
    ]
    result = decide(customers(), RECENCY, offers, Limits(None, 0.0, 0, monetary_edge=edge))
    assert result["action"].tolist() == [taken]


def test_a_rationed_action_is_no_reason_to_withhold_money() -> None:
    offers = [
        action("call", save_rate=0.26, capacity=1),
        action("money", save_rate=0.25, incentive_cost=0.5, accept_rate=0.8),
    ]
    result = decide(customers(probability=[0.5] * 3), RECENCY, offers, Limits(None, 0.0, 0, monetary_edge=0.5))
    assert sorted(result["action"]) == ["call", "money", "money"]


def test_places_run_out_and_money_runs_out_and_each_is_told() -> None:
    who = customers(margin_at_stake=[100.0, 90.0, 80.0])
    offer = action(contact_cost=1.0, capacity=2)
    assert decide(who, RECENCY, [offer], NO_LIMITS)["cause"].tolist() == ["", "", "over_capacity"]
    by_channel = Limits(None, 0.0, 0, channel_capacity={"email": 1})
    assert decide(who, RECENCY, [offer], by_channel)["cause"].tolist() == ["", "over_capacity", "over_capacity"]
    tight = Limits(1.0, 0.0, 0)
    assert decide(who, RECENCY, [offer], tight)["cause"].tolist() == ["", "over_budget", "over_budget"]


@pytest.mark.parametrize(
    ("approved", "done", "cause"),
    [(None, "mail", ""), (frozenset({"mail"}), "mail", ""), (frozenset(), "leave_alone", "awaiting_approval")],
)
def test_what_needs_approval_is_marked_or_waits(approved: frozenset | None, done: str, cause: str) -> None:
    limits = Limits(1.0, 0.0, 0, approved=approved)
    who = customers(margin_at_stake=[100.0, 90.0])
    result = decide(who, RECENCY, [action(needs_approval=True, contact_cost=1.0)], limits)
    first, second = result.to_dict("records")
    assert (first["action"], first["cause"], first["would_have_done"], first["needs_approval"]) == (
        done,
        cause,
        "mail",
        True,
    )
    assert (second["cause"], second["needs_approval"]) == ("over_budget", False)  # the place is kept for the first


def test_reasons_count_by_how_much_they_set_a_customer_apart() -> None:
    """Of 120 at risk all have been away for long; one has an unanswered complaint of few points, and is called."""
    ids = [f"c{n:03}" for n in range(120)]
    why = [(c, "recency", 0.3 + 0.01 * (n % 5)) for n, c in enumerate(ids)] + [("c007", "service", 0.1)]
    who = customers(customer_id=pd.Series(ids, dtype="str"), probability=[0.5] * 120)
    offers = [action("mail", save_rate=0.1), action("call", ("service",), save_rate=0.1)]
    frame = pd.DataFrame(why, columns=["customer_id", "driver", "points"])
    result = decide(who, frame, offers, NO_LIMITS).set_index("customer_id")
    assert result.loc["c007", ["action", "driver"]].tolist() == ["call", "service"]
    alone = decide(who.iloc[:50], frame, offers, NO_LIMITS).set_index("customer_id")
    assert alone.loc["c007", "action"] == "mail"  # too few to compare with


def test_what_other_budgets_would_bring() -> None:
    who = customers(margin_at_stake=[100.0, 60.0, 20.0], held_out=[False, False, False])
    offer = action(contact_cost=1.0)
    curve = what_if(who, RECENCY, [offer], Limits(2.0, 0.0, 0), Known(), [3.0, 0.0, 1.0])
    assert curve["budget"].tolist() == [0.0, 1.0, 3.0]
    assert curve["spent"].tolist() == [0.0, 1.0, 2.0]  # the third is worth nothing net
    assert curve["contacted"].tolist() == [0, 1, 2]
    assert curve["expected_net_gain"].tolist() == pytest.approx([0.0, 4.0, 6.0])
    assert curve["marginal_gain"].iloc[1:].tolist() == pytest.approx([2.0, 0.0])
    found = what_if(who, RECENCY, [offer], Limits(2.0, 0.0, 0), Known())
    assert found["budget"].tolist() == [0.0, 0.2, 0.5, 1.0, 1.5, 2.0, 2.5]
