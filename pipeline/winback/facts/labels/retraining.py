"""How rows count in training whose customers our own campaigns may have kept: a label must tell of untreated risk.

Modes, with what they are good for (docs/learning.md has the figures):

    exclude    treated rows are left out
    controls   the same, and each untreated row stands for those like it, 1 / (1 - its chance to be treated) times
    model      a treated row gets the label that it would have had untreated, drawn with the chance that
               `untreated_labels` says; left out where nobody has measured what its action does
    ignore     all rows as if nobody was treated; for comparison
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.facts.labels.within import KEYS

Mode = Literal["exclude", "controls", "model", "ignore"]
SECONDS_A_DAY = 86_400
MOST_WEIGHT = 20.0  # a row may stand for no more than so many: the hold-out of 5 % does


@dataclass(frozen=True)
class Campaigns:
    """What training knows of our own campaigns, and the mode in which it counts them.

    `assignments`: one row a customer and campaign: customer_id, cutoff, arm, action, propensity (of the arm), and
    `save_rate`, of those about to leave the share that the action keeps; NaN where nobody has measured it. `days`: how
    long an action is taken to work, and how long before and after a label's cutoff a campaign concerns it.
    """

    assignments: pd.DataFrame
    days: int
    mode: Mode = "model"


def treatment_of(
    assignments: pd.DataFrame, cohort: pd.DataFrame, after_days: int, before_days: int = 0
) -> pd.DataFrame:
    """One row a row of the cohort, under its index: `treated` by a campaign about its window, the `chance` of it, and
    the `save_rate` of what was done (NaN: nothing, or not measured).

    A campaign counts whose cutoff lies in `[cutoff - before_days, cutoff + after_days)` and that had something to do
    for the customer. `chance` (0..1) is that of the treated arm in the first of them; 0 for whoever was never listed.
    Arms are drawn once and kept, so a later campaign of the same series adds no chance of its own. A campaign some
    days before or after the cutoff works in a part of the label's window only, and is taken to do that part of what it
    does in all; of several the one that does most counts.
    """
    acted = assignments[~assignments["action"].isin(["leave_alone", ""])].rename(columns={"cutoff": "moment"})
    if "save_rate" not in acted:
        acted = acted.assign(save_rate=np.nan)
    listed = acted[["customer_id", "moment", "arm", "propensity", "save_rate"]]
    pairs = cohort[KEYS].reset_index(names="row").merge(listed, on="customer_id")
    days = (pairs["moment"] - pairs["cutoff"]).dt.total_seconds() / SECONDS_A_DAY
    near = pairs.assign(days=days)[(days >= -before_days) & (days < after_days)].sort_values("moment")
    near["got"] = near["arm"] == "treated"
    near["chance"] = near["propensity"].where(near["got"], 1 - near["propensity"])
    part = 1 - near["days"].abs() / np.where(near["days"] < 0, before_days, after_days)
    near["saved"] = (near["save_rate"] * part).where(near["got"])
    near["unmeasured"] = near["got"] & near["save_rate"].isna()
    asked = {"treated": ("got", "any"), "chance": ("chance", "first"), "saved": ("saved", "max")}
    told = near.groupby("row").agg(**asked, unmeasured=("unmeasured", "any")).reindex(cohort.index)
    return pd.DataFrame(
        {
            "treated": told["treated"].eq(True),
            "chance": told["chance"].astype("float64").fillna(0.0),
            "save_rate": told["saved"].astype("float64").mask(told["unmeasured"].eq(True)),
        },
        index=cohort.index,
    )


def training_weights(treatment: pd.DataFrame, mode: Mode) -> pd.Series[float]:
    """The weight of each row in training, 0 for one that is left out; `treatment` as `treatment_of` gives it."""
    if mode not in get_args(Mode):
        raise ValueError(f"mode is one of {get_args(Mode)}, and is {mode!r}")
    weight = pd.Series(1.0, index=treatment.index, name="weight")
    if mode in ("exclude", "controls"):
        weight = weight.mask(treatment["treated"], 0.0)
    if mode == "model":
        weight = weight.mask(treatment["treated"] & treatment["save_rate"].isna(), 0.0)
    if mode == "controls":
        weight = weight * np.minimum(1 / (1 - treatment["chance"]).clip(lower=1e-9), MOST_WEIGHT)
    return weight


def untreated_labels(
    left: pd.Series[bool], treated: pd.Series[bool], risk: pd.Series[float], save_rate: pd.Series[float]
) -> pd.Series[float]:
    """The chance (0..1) that each row would have left, had nobody treated it: the label of the mode `model`.

    Of the untreated the label is what was seen. With r the untreated risk (of a model fitted in the mode `exclude`)
    and s the save rate measured against the held-out, a treated customer leaves with the chance r (1 - s). So, by
    Bayes' rule, one who stayed was kept with the chance r s / (1 - r (1 - s)); where s is below zero, one who left
    would have left anyway with the chance r / min(1, r (1 - s)), and the others were driven away.
    """
    kept = save_rate.clip(0.0, 1.0)
    stayer = risk * kept / (1 - risk * (1 - kept)).clip(lower=1e-9)
    leaver = (1 / (1 - save_rate.clip(upper=0.0))).clip(lower=risk)
    return left.astype("float64").where(~treated, stayer.where(~left, leaver)).rename("label")


def learnable(
    rows: pd.DataFrame, treatment: pd.DataFrame, mode: Mode, risk: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """The rows to learn from: those of `rows` (KEYS and `churned`) as the mode lets them count.

    Weights and labels that are no whole numbers are drawn, each by a hash of its row, so that equal rows draw equally
    for ever: any estimator learns from them, and they scatter as the rows of a world without campaigns do. `risk`: of
    each row if untreated, for the mode `model`.
    """
    luck = (pd.util.hash_pandas_object(rows[KEYS], index=False).to_numpy() >> np.uint64(11)) / 2.0**53
    times = np.floor(training_weights(treatment, mode).to_numpy() + luck).astype(np.int64)
    told = rows
    if mode == "model":
        chance = untreated_labels(
            rows["churned"], treatment["treated"], pd.Series(risk, index=rows.index), treatment["save_rate"].fillna(0.0)
        )
        told = rows.assign(churned=luck < chance.to_numpy())
    return told.iloc[np.repeat(np.arange(len(rows)), times)].reset_index(drop=True)
