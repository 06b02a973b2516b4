"""The margin at stake of a job's customers: learned from the closed windows of the past, else by a simple rate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.features import declared
from winback.facts.features.table import features_at
from winback.facts.labels.labels import bought_at, oldest_order
from winback.facts.labels.spend import spend_at
from winback.jobs import Job
from winback.offers.spending import READ
from winback.offers.value import errors, expected_margin, fit_value, margin_at_stake

STEP_DAYS, MOST_CUTOFFS, MOST_ROWS = 30, 6, 1_000_000
HISTORY_DAYS = 90  # what the features look back to
HELD_OUT = 5  # one customer in so many is kept aside for the check
LEAST_CHECKED = 50
TOLERATED = 1.02  # the model gives way where it is this much further off than the rate: less may be luck


def valued(job: Job, rows: pd.DataFrame, unasked: frozenset[str] = frozenset()) -> tuple[pd.DataFrame, dict[str, Any]]:
    """`margin_if_stays`, `margin_if_leaves` and `margin_at_stake` of each row of features, and how they came about.

    `rows` holds the features READ of the customers of today. Learned from windows of `value_days` that closed
    before today; where the history allows none, from windows of half or a quarter of that, stretched; where
    it allows none of these either, or a simple rate is closer on customers kept aside, it is that rate (and
    nothing is known of those who leave). `how` (fitted | stretched | rate) and `why` say which. Nothing is learned
    of the customers `unasked`, who objected to being profiled.
    """
    why = ""
    for window in windows(job.config.offers.value_days, job.spec.horizon_days):
        try:
            return _by_model(job, rows, window, unasked)
        except (NotEnoughData, WindowNotRecorded) as error:
            why = why or str(error)
    return _by_rate(job, rows, why)


def windows(value_days: int, horizon_days: int) -> list[int]:
    """The windows to learn from, in days: the whole, a half and a quarter, none of them shorter than the horizon."""
    return [value_days, *(part for part in (value_days // 2, value_days // 4) if part >= horizon_days)]


def cutoffs(oldest: dt.date, today: dt.date, days: int, most: int) -> list[dt.date]:
    """The latest dates, a month apart, whose `days` have passed and before which there are HISTORY_DAYS of log."""
    last = today - dt.timedelta(days=days)
    found = [last - dt.timedelta(days=STEP_DAYS * n) for n in range(most)]
    return sorted(day for day in found if day >= oldest + dt.timedelta(days=HISTORY_DAYS))


def _by_model(
    job: Job, rows: pd.DataFrame, window: int, unasked: frozenset[str]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    past = _past(job, window, max(1, min(MOST_CUTOFFS, MOST_ROWS // max(1, len(rows)))), unasked)
    offers = job.config.offers
    checked = _checked(past, window)
    if checked["model"]["rmse"] > checked["rate"]["rmse"] * TOLERATED:
        margins, told = _by_rate(job, rows, "on customers kept aside a simple rate was closer than what was learned")
        return margins, told | {"checked": checked}
    model = fit_value(past, past, window)
    told = {
        "how": "fitted" if window == offers.value_days else "stretched",
        "why": "" if window == offers.value_days else f"no window of {offers.value_days} days has closed",
        "window_days": window,
        "rows": len(past),
        "cutoffs": past["cutoff"].nunique(),
        "checked": checked,
    }
    return expected_margin(model, rows, offers.margin_rate, offers.value_days), told | _units(job)


def _past(job: Job, window: int, most: int, unasked: frozenset[str] = frozenset()) -> pd.DataFrame:
    return closed_windows(job.facts, job.zone, job.today, (window, job.spec.horizon_days), most, unasked)


def closed_windows(
    facts: Path,
    zone: str,
    today: dt.date,
    days: tuple[int, int],
    most: int = MOST_CUTOFFS,
    unasked: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """One row a (customer_id, cutoff) whose window has closed: the features READ, `stayed`, `orders` and `spend`.

    `days`: the window that orders and spend are of, and the horizon that staying is of. At most `most` cutoffs, the
    latest there are; nobody of `unasked`. NotEnoughData where the log has no such date.
    """
    reach = max(days)
    found = cutoffs(oldest_order(facts, zone), today, reach, most)
    if not found:
        raise NotEnoughData(
            f"the log has no date with {HISTORY_DAYS} days before it and {reach} days after it; a value is learned "
            "from such dates."
        )
    rows = features_at(facts, found, zone, declared.named(READ))
    rows = rows[~rows["customer_id"].isin(list(unasked))].reset_index(drop=True)
    spent = spend_at(facts, rows, days[0], zone, today)
    stayed = bought_at(facts, rows, days[1], zone, today)
    return rows.assign(stayed=stayed, orders=spent["orders"], spend=spent["spend"])


def _checked(past: pd.DataFrame, window: int) -> dict[str, Any]:
    """Errors of the model and of the rate on customers kept aside, whose outcome is known: spend of the window.

    Each says what it would use: the model what is spent by who stays and by who leaves, the rate that nothing
    is spent by who leaves.
    """
    codes = pd.factorize(past["customer_id"], sort=True)[0]
    aside = np.random.default_rng(0).permutation(codes.max() + 1)[codes] % HELD_OUT == 0
    shown, learning = past[aside], past[~aside]
    actual, stayed = shown["spend"].clip(lower=0.0).to_numpy(), shown["stayed"].to_numpy()
    if stayed.sum() < LEAST_CHECKED or not actual.sum():
        raise NotEnoughData(
            f"{stayed.sum()} outcomes of customers kept aside who stayed; a check needs {LEAST_CHECKED} and some spend."
        )
    margins = expected_margin(fit_value(learning, learning, window), shown, 1.0, window)
    told = np.where(stayed, margins["margin_if_stays"], margins["margin_if_leaves"])
    rate = np.where(stayed, _rate(shown, 1.0, window), 0.0)
    return {"outcomes": len(shown), "model": errors(actual, told), "rate": errors(actual, rate)}


def _by_rate(job: Job, rows: pd.DataFrame, why: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    offers = job.config.offers
    stays = _rate(rows, offers.margin_rate, offers.value_days).round(2)
    margins = pd.DataFrame({"margin_if_stays": stays, "margin_if_leaves": 0.0, "margin_at_stake": stays})
    return margins, {"how": "rate", "why": why} | _units(job)


def _rate(rows: pd.DataFrame, margin_rate: float, value_days: int) -> pd.Series:
    spent = (rows["spend_per_week"] * rows["days_since_first_order"].clip(lower=7) / 7).round(2)
    return margin_at_stake(spent, rows["days_since_first_order"], margin_rate, value_days)


def _units(job: Job) -> dict[str, Any]:
    offers, project = job.config.offers, job.config.project
    return {"value_days": offers.value_days, "margin_rate": offers.margin_rate, "currency": project.currency}
