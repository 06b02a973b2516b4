"""What came of everybody who was listed."""

import pandas as pd
import pytest

from campaign_results import FIRST, assigned, outcomes, takings
from winback.effects.checks import checked, ratio
from winback.effects.results import Terms, first_listings, results

TERMS = Terms(margin_rate=0.25, horizon_days=28)


def test_money_of_each_customer():
    """a redeemed, b only bought, c bought nothing; d and e are held out."""
    rows = assigned("ttthh")
    told = outcomes(("a", 10, "delivered", None), ("a", 12, "redeemed", 4.0), ("c", 10, "delivered", None))
    found = results(rows, rows, takings([2, 1, 0, 1, 0], [80.0, 20.0, 0.0, 40.0, 0.0]), told, TERMS)
    assert found["stayed"].tolist() == [1.0, 1.0, 0.0, 1.0, 0.0]
    assert found["cost"].tolist() == [5.0, 1.0, 1.0, 0.0, 0.0]
    assert found["margin"].tolist() == [20.0, 5.0, 0.0, 10.0, 0.0]
    assert found["net_gain"].tolist() == [35.0, 39.0, -1.0, 40.0, 0.0]
    assert found["earned"].tolist() == [15.0, 4.0, -1.0, 10.0, 0.0]
    assert set(found["incentives"]) == {"told"}


def test_a_campaign_that_tells_nothing_is_taken_to_have_paid_every_buyer():
    rows = assigned("tth")
    found = results(rows, rows, takings([1, 0, 1], [9.0, 0.0, 9.0]), outcomes(), TERMS)
    assert found["cost"].tolist() == [6.0, 1.0, 0.0]
    assert set(found["incentives"]) == {"assumed"}


def test_redeemed_without_a_value_costs_what_the_catalogue_says_and_cost_rows_add_up():
    rows = assigned("th")
    told = outcomes(("a", 9, "redeemed", None), ("a", 11, "cost", 0.5), ("a", 11, "clicked", 3.0))
    found = results(rows, rows, takings([1, 1], [9.0, 9.0]), told, TERMS)
    assert found["cost"].tolist() == [1.0 + 5.0 + 0.5, 0.0]


def test_what_happened_after_the_window_or_before_it_costs_nothing():
    rows = assigned("th")
    told = outcomes(("a", 4, "redeemed", 7.0), ("a", 30, "delivered", None))
    late = told.assign(happened_at=told["happened_at"] + pd.Timedelta(days=28), kind="redeemed", value=9.0)
    found = results(rows, rows, takings([1, 1], [9.0, 9.0]), pd.concat([told, late.tail(1)]), TERMS)
    assert found["cost"].tolist() == [1.0, 0.0]


def test_later_contacts_in_the_window_cost_too_and_those_after_it_do_not():
    first = assigned("th")
    week = assigned("th", "inactivity-2026-01-12", FIRST + pd.Timedelta(days=7))
    month = assigned("th", "inactivity-2026-02-02", FIRST + pd.Timedelta(days=28))
    rows = pd.concat([first, week, month], ignore_index=True)
    found = results(first_listings(rows), rows, takings([0, 0], [0.0, 0.0]), outcomes(), TERMS)
    assert found["cost"].tolist() == [2.0, 0.0]


def test_only_the_first_listing_counts_and_those_left_alone_are_none():
    first = assigned("tht", action=["coupon", "coupon", "leave_alone"])
    later = assigned("tht", "inactivity-2026-01-12", FIRST + pd.Timedelta(days=7))
    found = first_listings(pd.concat([later, first], ignore_index=True))
    assert found[["customer_id", "campaign"]].to_numpy().tolist() == [
        ["a", "inactivity-2026-01-05"],
        ["b", "inactivity-2026-01-05"],
        ["c", "inactivity-2026-01-12"],
    ]


def test_frames_that_do_not_fit_are_refused():
    rows = assigned("th")
    with pytest.raises(ValueError, match=r"assignments lack the columns \['propensity'\]"):
        results(rows.drop(columns="propensity"), rows, takings([1, 1], [1.0, 1.0]), outcomes(), TERMS)
    with pytest.raises(ValueError, match="one row of takings a row of entries expected; 1 came for 2"):
        results(rows, rows, takings([1], [1.0]), outcomes(), TERMS)
    with pytest.raises(ValueError, match="one row a customer and cutoff expected; 1 repeat"):
        twice = pd.concat([rows, rows.head(1)])
        results(twice, rows, takings([1, 1, 1], [1.0, 1.0, 1.0]), outcomes(), TERMS)


def many(treated: int, held: int, share: float) -> pd.DataFrame:
    rows = pd.concat([assigned("t")] * treated + [assigned("h")] * held, ignore_index=True)
    chance = [1 - share] * treated + [share] * held
    return rows.assign(customer_id=[f"c{n:04d}" for n in range(treated + held)], propensity=chance)


def test_arms_of_the_drawn_size_pass_and_others_do_not():
    """By hand: 60 held out of 400 at 0.1 are (60 - 40)^2 / 36 = 11.1, chance 0.00086."""
    assert checked(many(360, 40, 0.1), outcomes())["fault"].tolist() == [""]
    found = checked(many(340, 60, 0.1), outcomes()).iloc[0]
    assert found["ratio_chance"] == pytest.approx(0.00086, abs=0.00001)
    assert found["fault"] == (
        "60 are held out where about 40 were drawn: customers of one arm were lost or added on the way, so the arms "
        "are not alike and no effect can be believed"
    )


def test_those_held_out_everywhere_are_a_part_of_what_was_drawn():
    """45 of 400 by both draws together, each with the chance 0.1: no fault, whoever holds them out."""
    rows = many(355, 45, 0.1)
    rows["held_by"] = rows["held_by"].mask((rows["arm"] == "held_out") & (rows.index % 3 > 0), "global")
    assert checked(rows, outcomes())["fault"].tolist() == [""]


def test_who_is_listed_again_is_no_part_of_the_ratio():
    """Of the second list all held out are there again and only some of those treated: the action worked."""
    first = many(360, 40, 0.1)
    again = first.iloc[260:].assign(campaign="inactivity-2026-01-12", cutoff=FIRST + pd.Timedelta(days=7))
    new = many(90, 10, 0.1).assign(campaign="inactivity-2026-01-12", cutoff=FIRST + pd.Timedelta(days=7))
    new["customer_id"] = "n" + new["customer_id"]
    found = checked(pd.concat([first, again, new], ignore_index=True), outcomes()).set_index("campaign")
    assert found.loc["inactivity-2026-01-12", ["treated", "held_out", "expected_held_out", "fault"]].tolist() == [
        *(190, 50, pytest.approx(10.0), "")
    ]


def test_strata_are_looked_at_one_by_one():
    """Too many here and too few there are no right split in all."""
    rows = pd.concat([many(40, 60, 0.5).assign(stratum="x"), many(60, 40, 0.5).assign(stratum="y")])
    assert ratio(rows)[1] == pytest.approx(0.0183, abs=0.0001)
    assert ratio(rows.assign(stratum="all"))[1] == pytest.approx(1.0)
    assert ratio(many(3, 3, 0.5))[1] == 1.0


def test_contacted_hold_outs_unreached_treated_and_strangers_are_named():
    told = outcomes(("a", 6, "delivered", None), ("d", 6, "opened", None), ("z", 6, "delivered", None))
    found = checked(assigned("ttthh"), told).iloc[0]
    assert (found["held_out_contacted"], found["delivered"], found["undelivered"]) == (1, 1, 2)
    assert found["fault"] == (
        "1 of 2 held-out customers were contacted: the effect is told too small. Look which tool sent to them; they "
        "stay in the held-out arm; 2 of 3 treated customers were never reached: the effect is that of trying to reach "
        "them; 1 customers with outcomes were not assigned to it"
    )


def test_without_delivered_rows_nothing_is_said_of_delivery():
    found = checked(assigned("tth"), outcomes()).iloc[0]
    assert pd.isna(found["undelivered"])
    assert found["fault"] == ""
