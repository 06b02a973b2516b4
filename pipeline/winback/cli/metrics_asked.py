"""What `winback metrics` is asked for besides the periods: ages, and what customers are still expected to bring."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from winback.insight.metrics.ages import Ages
    from winback.insight.metrics.coded import Tables
    from winback.insight.metrics.table import Terms


def ages(asked: Sequence[str], until_at: int) -> Ages:
    """The ages asked for, each "N" or "M-N"; the usual ones where none is. ConfigError for another text."""
    from winback.errors import ConfigError  # noqa: PLC0415
    from winback.insight.metrics.ages import Ages  # noqa: PLC0415

    days, brackets = [], []
    for each in asked:
        found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", each)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 0 < low <= high:
            raise ConfigError(f"an age is a number of days such as 30, or a bracket such as 31-60; came {each!r}.")
        if found and found[2]:
            brackets.append((low, high))
        else:
            days.append(low)
    if not asked:
        return Ages(until_at=until_at)
    return Ages(tuple(days), full=tuple(days), brackets=tuple(brackets), until_at=until_at)


def fitted(given: Tables, terms: Terms, asked: dict[str, Any]) -> pd.DataFrame:
    """The rows of ltv_fitted; undefined with the reason where nothing can be fitted."""
    import pandas as pd  # noqa: PLC0415

    from winback.errors import NotEnoughData  # noqa: PLC0415
    from winback.insight.metrics.fitted import Fitted, by_fit  # noqa: PLC0415
    from winback.risk.examining.baskets import lives  # noqa: PLC0415

    days = asked["ltv_days"]
    if given.orders is None:
        return by_fit(given, Fitted(days, pd.Series(dtype=str), [], [], 1.0, "no table orders"), terms)
    try:
        told = lives(given.orders, terms.last, days, asked["discount"])
    except NotEnoughData as error:
        return by_fit(given, Fitted(days, pd.Series(dtype=str), [], [], 1.0, str(error)), terms)
    return by_fit(
        given, Fitted(days, told.customer_id, told.purchases, told.baskets, told.discounts), terms, asked["by"]
    )
