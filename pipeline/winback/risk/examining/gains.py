"""Who would be reached: leavers caught and stayers disturbed, by decile of the ranking and by threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from winback.risk.examining.figures import caught
from winback.risk.examining.intervals import Draws, Figure, measured
from winback.risk.examining.ranked import Flags, Floats, Ranked, ranked, ratio
from winback.risk.examining.warning_time import lead_time, silences

THRESHOLDS = tuple(n / 10 for n in range(1, 10))


def deciles(churned: Flags, chance: Floats) -> list[dict[str, float]]:
    """One entry a tenth of the customers, the riskiest first: leavers in it, its lift, and leavers gained so far.

    `mean_predicted` and `churned` are its mean chance and the share that left.

    Customers of equal chance fall into two tenths in equal parts, so numbers of leavers may be broken.
    """
    counts = ranked(churned, chance)
    customers, left = len(churned), float(churned.sum())
    ends = np.round(customers * np.arange(11) / 10)
    sure = np.sort(chance)[::-1]
    reached = np.array([caught(counts, np.array([end]))[0] for end in ends])
    return [
        {
            "decile": n,
            "customers": int(ends[n] - ends[n - 1]),
            "left": float(reached[n] - reached[n - 1]),
            "lift": float((reached[n] - reached[n - 1]) / (ends[n] - ends[n - 1]) / (left / customers)),
            "gained": float(reached[n] / left),
            "mean_predicted": float(sure[int(ends[n - 1]) : int(ends[n])].mean()),
            "churned": float((reached[n] - reached[n - 1]) / (ends[n] - ends[n - 1])),
        }
        for n in range(1, 11)
        if ends[n] > ends[n - 1]
    ]


def by_threshold(
    rows: pd.DataFrame, chance: Floats, horizon_days: int, among: Draws, thresholds: tuple[float, ...] = THRESHOLDS
) -> list[dict[str, Any]]:
    """One entry a threshold: whom a list of all at or above it would reach, with intervals, and how early.

    `caught`: the share of leavers on it. `disturbed`: the share of stayers on it. `precision`: the share of
    the list that leaves. `contacts_per_leaver`: its inverse. `lead_time` is None without days_since_last_order.
    """
    churned = rows["churned"].to_numpy(dtype=bool)
    known = silences(rows, horizon_days) if "days_since_last_order" in rows else None
    figures = {f"{name} {t}": figure for t in thresholds for name, figure in _reach(t).items()}
    reach = measured(churned, chance, figures, among)
    return [
        {
            "threshold": t,
            "listed": int((chance >= t).sum()),
            **{name: reach[f"{name} {t}"] for name in _reach(t)},
            "lead_time": None if known is None else lead_time(known, chance >= t, among),
        }
        for t in thresholds
    ]


def _reach(threshold: float) -> dict[str, Figure]:
    """The figures of a list of all customers at or above a threshold."""

    def leavers(counts: Ranked) -> Floats:
        return _down_to(counts, counts.left_down_to, threshold)

    def listed(counts: Ranked) -> Floats:
        return _down_to(counts, counts.total_down_to, threshold)

    return {
        "caught": lambda counts: ratio(leavers(counts), counts.leavers),
        "disturbed": lambda counts: ratio(listed(counts) - leavers(counts), counts.customers - counts.leavers),
        "precision": lambda counts: ratio(leavers(counts), listed(counts)),
        "contacts_per_leaver": lambda counts: ratio(listed(counts), leavers(counts)),
    }


def _down_to(counts: Ranked, reached: Floats, threshold: float) -> Floats:
    """The last of these running sums at or above the threshold."""
    columns = int((counts.chance >= threshold).sum())
    return reached[:, columns - 1] if columns else np.zeros(len(reached))
