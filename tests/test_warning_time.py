"""Lead time by hand: where a run of flags begins, what breaks it, and which lapse a silence is."""

import numpy as np
import pandas as pd
import pytest

from winback.risk.examining.intervals import draws
from winback.risk.examining.warning_time import lead_days, lead_time, silences

FIRST = pd.Timestamp("2026-01-01", tz="Europe/Berlin")
HORIZON = 30


def rows(*told: tuple[str, int, float, bool]) -> pd.DataFrame:
    """Customer, days from the first cutoff to this one, days since the last order, left."""
    ids, days, since, left = zip(*told, strict=True)
    cutoff = [FIRST + pd.Timedelta(days=day) for day in days]
    return pd.DataFrame({"customer_id": ids, "cutoff": cutoff, "days_since_last_order": since, "churned": left})


# One customer: last order on day 5, lapse on day 35; at day 28 and 42 she has left.
ONE = rows(("a", 0, 3.0, False), ("a", 14, 9.0, False), ("a", 28, 23.0, True), ("a", 42, 37.0, True))


@pytest.mark.parametrize(
    ("flags", "lead"),
    [
        ([0, 0, 0, 0], np.nan),
        ([0, 0, 1, 1], 35 - 28),
        ([0, 1, 1, 1], 35 - 14),
        # Before the last order as well: the flag stayed, so it was the first warning.
        ([1, 1, 1, 1], 35),
        # Seen only after the rule of 30 days would have.
        ([0, 0, 0, 1], 35 - 42),
        # A flag that went away is no warning.
        ([1, 0, 1, 1], 35 - 28),
        ([1, 1, 0, 1], 35 - 42),
        ([1, 1, 1, 0], np.nan),
    ],
)
def test_lead_is_from_the_start_of_the_last_run_of_flags(flags: list[int], lead: float) -> None:
    found = lead_days(silences(ONE, HORIZON), np.array(flags, dtype=bool))
    np.testing.assert_allclose(found, [lead])


def test_two_silences_are_two_lapses_and_a_gap_in_the_cohort_breaks_a_run() -> None:
    """b leaves at day 0 (last order day -20), buys on day 40, leaves again at day 42; c is not asked about at 14."""
    told = rows(
        ("b", 0, 20.0, True), ("b", 42, 2.0, True), ("c", 0, 1.0, False), ("c", 28, 10.0, True), ("d", 14, 5.0, False)
    )
    known = silences(told, HORIZON)
    assert known.lapse.tolist() == [10, 70, 48]
    # b was flagged at both, but not asked about at 14 and 28; nor was c at 14.
    assert lead_days(known, np.ones(5, dtype=bool)).tolist() == [10, 28, 20]


def test_only_lapses_after_the_first_cutoff_can_be_warned_of() -> None:
    told = rows(("a", 0, 45.0, True), ("b", 0, 10.0, True), ("c", 0, 25.0, True), ("d", 0, 4.0, True))
    found = lead_time(silences(told, HORIZON), np.array([1, 1, 1, 0], dtype=bool), draws(told["customer_id"], 300))
    assert (found["lapses"], found["lapsed_before"]) == (3, 1)
    assert found["in_time"]["value"] == pytest.approx(2 / 3)
    assert found["days"]["value"] == 5  # the lower of 5 and 20
    assert (found["days"]["low"], found["days"]["high"]) == (5, 20)
    assert 0 <= found["in_time"]["low"] < 2 / 3 < found["in_time"]["high"] <= 1


@pytest.mark.parametrize("flagged", [True, False])
def test_nobody_left_or_nobody_warned(flagged: bool) -> None:
    stayed = rows(("a", 0, 3.0, False), ("b", 0, 3.0, False))
    flags = np.full(2, flagged)
    unknown = {"value": None, "low": None, "high": None}
    found = lead_time(silences(stayed, HORIZON), flags, draws(stayed["customer_id"], 20))
    assert found == {"lapses": 0, "lapsed_before": 0, "in_time": unknown, "days": unknown}
    left = stayed.assign(churned=True)
    found = lead_time(silences(left, HORIZON), flags, draws(left["customer_id"], 20))
    assert found["in_time"]["value"] == flagged
    assert found["days"]["value"] == (27 if flagged else None)


def test_more_flags_warn_no_later_and_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(8)
    days = [0, 10, 20, 30]
    told = rows(
        *[(f"{c:03}", d, float(rng.integers(0, 60)), bool(rng.random() < 0.5)) for c in range(80) for d in days]
    )
    chance = rng.random(len(told))
    known = silences(told, HORIZON)
    few, many = (np.nan_to_num(lead_days(known, chance >= t), nan=-np.inf) for t in (0.6, 0.3))
    assert (many >= few).all()
    assert (many > few).any()
    turned = rng.permutation(len(told))
    again = silences(told.iloc[turned], HORIZON)
    np.testing.assert_allclose(lead_days(again, chance[turned] >= 0.3), lead_days(known, chance >= 0.3))
