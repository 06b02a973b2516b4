"""The margin at stake of a job's customers: which windows it is learned from, and what is said where it is not."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

import shop
from winback import valuing
from winback.facts.features import declared
from winback.facts.features.table import features_at
from winback.jobs import Job
from winback.offers.spending import READ
from winback.offers.value import margin_at_stake
from winback.training import taken_in
from winback.valuing import cutoffs, valued, windows

TOLD = {"how", "why", "value_days", "margin_rate", "currency"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    made = shop.job(shop.lay_down(tmp_path_factory.mktemp("shop")))
    taken_in(made)
    return made


@pytest.fixture(scope="module")
def rows(job: Job) -> pd.DataFrame:
    return features_at(job.facts, [job.today], job.zone, declared.named(READ))


def asked(job: Job, **offers) -> Job:
    config = dataclasses.replace(job.config, offers=dataclasses.replace(job.config.offers, **offers))
    return dataclasses.replace(job, config=config)


def by_rate(rows: pd.DataFrame, value_days: int) -> list[float]:
    spent = (rows["spend_per_week"] * rows["days_since_first_order"].clip(lower=7) / 7).round(2)
    return margin_at_stake(spent, rows["days_since_first_order"], 0.3, value_days).round(2).tolist()


@pytest.mark.parametrize(
    ("value_days", "horizon_days", "expected"),
    [(180, 28, [180, 90, 45]), (180, 60, [180, 90]), (90, 90, [90]), (30, 60, [30]), (181, 45, [181, 90, 45])],
)
def test_the_windows_tried_are_the_whole_a_half_and_a_quarter(value_days, horizon_days, expected) -> None:
    assert windows(value_days, horizon_days) == expected


@pytest.mark.parametrize(
    ("oldest", "most", "expected"),
    [
        ("2025-01-01", 3, ["2025-11-02", "2025-12-02", "2026-01-01"]),
        ("2025-09-03", 3, ["2025-12-02", "2026-01-01"]),  # 90 days before the first of them, to the day
        ("2025-09-04", 3, ["2026-01-01"]),
        ("2025-10-04", 3, []),
        ("2025-01-01", 1, ["2026-01-01"]),
    ],
)
def test_the_dates_learned_from_have_history_before_and_a_closed_window_after(oldest, most, expected) -> None:
    found = cutoffs(dt.date.fromisoformat(oldest), dt.date(2026, 3, 2), 60, most)
    assert [day.isoformat() for day in found] == expected


def test_a_value_is_learned_from_closed_windows_and_checked_on_customers_kept_aside(job: Job, rows) -> None:
    margins, told = valued(asked(job, value_days=60), rows)
    assert set(told) == TOLD | {"window_days", "rows", "cutoffs", "checked"}
    assert (told["how"], told["why"], told["window_days"], told["currency"]) == ("fitted", "", 60, "EUR")
    assert told["checked"]["model"]["rmse"] <= told["checked"]["rate"]["rmse"]
    assert margins.index.tolist() == rows.index.tolist()
    assert (margins["margin_if_leaves"] < margins["margin_if_stays"]).all()
    again, _ = valued(asked(job, value_days=60), rows)
    pd.testing.assert_frame_equal(margins, again, check_exact=True)


def test_a_short_history_is_stretched_and_said(job: Job, rows) -> None:
    early = asked(job, value_days=400)
    margins, told = valued(early, rows)
    assert (told["how"], told["window_days"], told["value_days"]) == ("stretched", 200, 400)
    assert told["why"] == "no window of 400 days has closed"
    half, _ = valued(asked(job, value_days=200), rows)
    assert np.allclose(margins["margin_if_stays"], half["margin_if_stays"] * 2, atol=0.011)


def test_where_no_window_has_closed_it_is_the_rate_and_that_is_said(job: Job, rows) -> None:
    margins, told = valued(asked(job, value_days=3000), rows)
    assert set(told) == TOLD
    assert told["how"] == "rate"
    assert told["why"] == (
        "the log has no date with 90 days before it and 3000 days after it; a value is learned from such dates."
    )
    assert margins["margin_at_stake"].tolist() == by_rate(rows, 3000)
    assert (margins["margin_if_leaves"] == 0).all()


def test_a_model_further_off_than_the_rate_gives_way_to_it(job: Job, rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is by root mean squared error on what those kept aside truly spent."""
    real = valuing.expected_margin
    monkeypatch.setattr(valuing, "expected_margin", lambda *args: real(*args) * 9)
    margins, told = valued(asked(job, value_days=60), rows)
    assert (told["how"], told["why"]) == (
        "rate",
        "on customers kept aside a simple rate was closer than what was learned",
    )
    assert told["checked"]["model"]["rmse"] > told["checked"]["rate"]["rmse"]
    assert margins["margin_at_stake"].tolist() == by_rate(rows, 60)


def test_no_order_of_today_or_later_is_looked_at(job: Job) -> None:
    """Asked for an earlier day, the latest window ends on it."""
    earlier = dataclasses.replace(asked(job, value_days=60), today=dt.date(2026, 1, 1))
    past = valuing._past(earlier, 60, 6)
    assert past["cutoff"].max() == pd.Timestamp("2025-11-02", tz="UTC")
    assert past["cutoff"].nunique() == 6


def test_of_very_many_customers_fewer_dates_are_looked_at(job: Job, rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valuing, "MOST_ROWS", 2 * len(rows) + 1)
    monkeypatch.setattr(valuing, "TOLERATED", 2.0)  # learned from so little, it would give way to the rate
    assert valued(asked(job, value_days=60), rows)[1]["cutoffs"] == 2


def test_nothing_is_learned_of_who_objected(job: Job) -> None:
    everybody = valuing._past(asked(job, value_days=60), 60, 1)
    fewer = valuing._past(asked(job, value_days=60), 60, 1, frozenset({"C0002", "C0005"}))
    assert set(everybody["customer_id"]) - set(fewer["customer_id"]) == {"C0002", "C0005"}
    kept = everybody[everybody["customer_id"].isin(fewer["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(fewer, kept)
