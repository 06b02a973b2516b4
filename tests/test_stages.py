"""Stages of a customer's life, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from winback.limits import Stages
from winback.risk.asking.stages import READ_FOR_STAGES, STAGES, stages

NAN = np.nan


@pytest.mark.parametrize(
    ("first", "last", "before", "gap", "orders", "stage"),
    [
        (10, 10, NAN, NAN, 1, "new"),
        (30, 30, NAN, NAN, 1, "new"),
        (31, 31, NAN, NAN, 1, "active"),
        (60, 60, NAN, NAN, 1, "cooling"),  # one order only: cooling_days say when
        (89.9, 89.9, NAN, NAN, 1, "cooling"),
        (90, 90, NAN, NAN, 1, "lapsed"),
        (365, 365, NAN, NAN, 1, "lost"),
        (300, 13, 20, 7, 30, "active"),
        (300, 14, 21, 7, 30, "cooling"),  # twice his own gap
        (300, 59, 100, 7, 2, "active"),  # a single gap tells no habit
        (300, 65, 130, 40, 9, "active"),  # slow buyers have time
        (300, 80, 120, 40, 9, "cooling"),
        (300, 5, 95, 7, 30, "returned"),
        (300, 5, 94.9, 7, 30, "active"),
        (300, 60, 150, 7, 30, "returned"),
        (300, 61, 151, 7, 30, "cooling"),
        (20, 15, 20, 0, 5, "new"),  # several orders a day: no gap to compare with
    ],
)
def test_stage(first: float, last: float, before: float, gap: float, orders: int, stage: str) -> None:
    rows = pd.DataFrame([[first, last, before, gap, orders]], columns=list(READ_FOR_STAGES), index=[7])
    found = stages(rows, Stages())
    assert found.to_dict() == {7: stage}
    assert (found.name, found.dtype) == ("stage", "str")
    assert stage in STAGES


def test_limits_are_the_shop_s_own() -> None:
    rows = pd.DataFrame([[300, 14, 21, 7, 30], [300, 50, 60, 7, 30]], columns=list(READ_FOR_STAGES))
    assert stages(rows, Stages(cooling_ratio=3)).tolist() == ["active", "cooling"]
    assert stages(rows, Stages(cooling_days=10, lapsed_days=20, lost_days=40)).tolist() == ["cooling", "lost"]
