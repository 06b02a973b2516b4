"""How rows count in training whose customers our own campaigns may have kept: a label must tell of untreated risk.

Modes, with what they are good for (docs/learning.md has the figures):

    exclude    treated rows are left out
    controls   the same, and each untreated row stands for those like it: weight 1 / (1 - its chance to be treated)
    model      all rows; a treated one who stayed counts in part as a leaver, as `untreated_labels` says
    ignore     all rows as if nobody was treated; for comparison
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from winback.facts.labels.within import KEYS

Mode = Literal["exclude", "controls", "model", "ignore"]
MOST_WEIGHT = 20.0  # a row may stand for no more than so many: the hold-out of 5 % does


def treatment_of(
    assignments: pd.DataFrame, cohort: pd.DataFrame, after_days: int, before_days: int = 0
) -> pd.DataFrame:
    """One row a row of the cohort, under its index: `treated` by a campaign about its window, and the `chance` of it.

    A campaign counts whose cutoff lies in `[cutoff - before_days, cutoff + after_days)` and that had something to do
    for the customer. `chance` (0..1) is that of the treated arm in the first of them; 0 for whoever was never listed.
    Arms are drawn once and kept, so a later campaign of the same series adds no chance of its own.
    """
    acted = assignments[~assignments["action"].isin(["leave_alone", ""])]
    listed = acted[["customer_id", "cutoff", "arm", "propensity"]].rename(columns={"cutoff": "moment"})
    pairs = cohort[KEYS].reset_index(names="row").merge(listed, on="customer_id")
    since = pairs["moment"] - pairs["cutoff"]
    near = pairs[(since >= -pd.Timedelta(days=before_days)) & (since < pd.Timedelta(days=after_days))]
    near = near.assign(got=near["arm"] == "treated").sort_values("moment")
    near["chance"] = near["propensity"].where(near["got"], 1 - near["propensity"])
    found = near.groupby("row").agg(treated=("got", "any"), chance=("chance", "first"))
    told = found.reindex(cohort.index)
    return pd.DataFrame(
        {"treated": told["treated"].eq(True), "chance": told["chance"].astype("float64").fillna(0.0)},
        index=cohort.index,
    )


def training_weights(treatment: pd.DataFrame, mode: Mode) -> pd.Series[float]:
    """The weight of each row in training, 0 for one that is left out; `treatment` as `treatment_of` gives it."""
    if mode not in get_args(Mode):
        raise ValueError(f"mode is one of {get_args(Mode)}, and is {mode!r}")
    weight = pd.Series(1.0, index=treatment.index, name="weight")
    if mode in ("exclude", "controls"):
        weight = weight.mask(treatment["treated"], 0.0)
    if mode == "controls":
        weight = weight * np.minimum(1 / (1 - treatment["chance"]).clip(lower=1e-9), MOST_WEIGHT)
    return weight


def untreated_labels(
    left: pd.Series[bool], treated: pd.Series[bool], risk: pd.Series[float], save_rate: pd.Series[float]
) -> pd.Series[float]:
    """The chance (0..1) that each row would have left, had nobody treated it: the label of the mode `model`.

    Whoever left would have left; of the untreated the label is what was seen. A treated one who stayed was kept with
    the chance r s / (1 - r (1 - s)) by Bayes' rule, r being his untreated risk (of a model fitted in the mode
    `exclude`, and then once more in this one) and s the save rate measured against the held-out, taken as 0 where an
    action harms. Learn from two copies of each row: left with this weight, stayed with the rest.
    """
    saved = save_rate.clip(0.0, 1.0)
    kept = risk * saved / (1 - risk * (1 - saved)).clip(lower=1e-9)
    return left.astype("float64").where(left | ~treated, kept).rename("label")
