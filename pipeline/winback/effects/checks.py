"""Whether a campaign was carried out as it was drawn: sizes of the arms, and who was contacted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from winback.effects.results import LEAVE_ALONE, first_listings

LEAST_CHANCE = 0.001  # of a split so uneven by luck; the usual alarm, because the check is made of every campaign
MOST_HELD_OUT_CONTACTED = 0.01
MOST_UNDELIVERED = 0.1


def checked(assignments: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row a campaign: whether its arms are as drawn, and what became of them.

    `held_out, expected_held_out` (customers; the sum of their chances), `ratio_chance`: p-value of a split so
    uneven (chi-square of the strata, one degree of freedom each; sample-ratio mismatch, Fabijan and others, KDD
    2019). `held_out_contacted`: held-out customers of whom an outcome tells that they were reached; `undelivered`:
    treated ones without one, NaN where the campaign has no `delivered` rows at all. `fault`: what is wrong, in
    words, empty where nothing is. The ratio is that of whoever a campaign lists for the first time: whether somebody is
    listed again depends on what was done to him. `assignments` are therefore all of a series, from its first night on.
    """
    acted = assignments[~assignments["action"].isin([LEAVE_ALONE, ""])]
    new = dict(list(first_listings(assignments).groupby("campaign")))
    rows = [
        _campaign(str(name), rows, new.get(name, rows.head(0)), outcomes)
        for name, rows in acted.groupby("campaign", sort=True)
    ]
    columns = ["campaign", *_KEPT]
    return pd.DataFrame(rows, columns=columns)


_KEPT = (
    *("treated", "held_out", "expected_held_out", "ratio_chance"),
    *("held_out_contacted", "delivered", "undelivered", "unknown_customers", "fault"),
)


def _campaign(name: str, rows: pd.DataFrame, new: pd.DataFrame, outcomes: pd.DataFrame) -> dict[str, Any]:
    mine = outcomes[outcomes["campaign"] == name]
    treated, held = (set(rows.loc[rows["arm"] == arm, "customer_id"]) for arm in ("treated", "held_out"))
    reached, delivered = (set(part["customer_id"]) for part in (mine, mine[mine["kind"] == "delivered"]))
    expected, chance = ratio(new)
    told: dict[str, Any] = {
        "campaign": name,
        "treated": len(treated),
        "held_out": len(held),
        "new_held_out": int((new["arm"] == "held_out").sum()),
        "expected_held_out": expected,
        "ratio_chance": chance,
        "held_out_contacted": len(held & reached),
        "delivered": len(treated & delivered),
        "undelivered": len(treated - delivered) if delivered else np.nan,
        "unknown_customers": len(reached - treated - held),
    }
    return {**told, "fault": "; ".join(_faults(told))}


def ratio(rows: pd.DataFrame) -> tuple[float, float]:
    """Of these customers: how many should be held out, and the chance of a split at least so uneven.

    The statistic adds up (found - expected)^2 / (n p (1 - p)) over strata; a stratum too small for chi-square (less
    than five expected in an arm) is left out of it, and with none left the chance is 1.
    """
    chance = rows["propensity"].where(rows["arm"] == "held_out", 1 - rows["propensity"])
    strata = rows["stratum"] if "stratum" in rows.columns else pd.Series("", index=rows.index)
    found = pd.DataFrame({"n": 1.0, "held": (rows["arm"] == "held_out") * 1.0, "p": chance, "v": chance * (1 - chance)})
    sums = found.groupby(strata).sum()
    large = sums[np.minimum(sums["p"], sums["n"] - sums["p"]) >= 5]
    if large.empty:
        return float(chance.sum()), 1.0
    statistic = float(((large["held"] - large["p"]) ** 2 / large["v"]).sum())
    return float(chance.sum()), float(stats.chi2.sf(statistic, len(large)))


def _faults(told: dict[str, Any]) -> list[str]:
    """What is wrong with one campaign, in words."""
    faults = []
    if told["ratio_chance"] < LEAST_CHANCE:
        faults.append(
            f"{told['new_held_out']:,} are held out where about {told['expected_held_out']:,.0f} were drawn: customers "
            "of one arm were lost or added on the way, so the arms are not alike and no effect can be believed"
        )
    if told["held_out_contacted"] > MOST_HELD_OUT_CONTACTED * max(told["held_out"], 1):
        faults.append(
            f"{told['held_out_contacted']:,} of {told['held_out']:,} held-out customers were contacted: "
            "the effect is told too small. Look which tool sent to them; they stay in the held-out arm"
        )
    if told["undelivered"] > MOST_UNDELIVERED * max(told["treated"], 1):
        faults.append(
            f"{told['undelivered']:,.0f} of {told['treated']:,} treated customers were never reached: "
            "the effect is that of trying to reach them"
        )
    if told["unknown_customers"]:
        faults.append(f"{told['unknown_customers']:,} customers with outcomes were not assigned to it")
    return faults
