"""Who entered the list, who left it and who stayed, night after night; and that nobody flaps.

    <state>/lists/<list>/<logical date>.parquet

Whoever enters at the threshold leaves only when his chance has been below it for some nights in a row, or
lies clearly below it at once. Without that, a chance that wavers by a point around the threshold would put a
customer on the list and take him off it every other night. Writers hold the project's lock.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from winback import store
from winback.campaigns.written_once import write_once

ENTERED, STAYED, LEFT = "entered", "stayed", "left"
CAUSES = {
    ENTERED: ("not_asked_before", "risk_rose"),
    STAYED: ("not_long_enough_below", "other_reason", "at_risk"),
    LEFT: ("not_asked_any_more", "ordered", "below_for_long", "risk_fell"),
}
NOTHING = 1e-12  # 0.3 - 0.05 is a little more than 0.25 to a computer
SCHEMA = pa.schema(
    [
        ("list", pa.string()),
        ("logical_date", pa.date32()),
        ("customer_id", pa.string()),
        ("status", pa.string()),
        ("cause", pa.string()),
        ("probability", pa.float64()),
        ("driver", pa.string()),
        ("nights_below", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Staying:
    """When somebody enters and leaves: at `enter` (a chance); `margin` below it, or below it `nights` in a row.

    `nights` = 1, or `margin` = 0: whoever is below `enter` leaves.
    """

    enter: float
    margin: float
    nights: int


def listed(scores: pd.DataFrame, before: pd.DataFrame, staying: Staying) -> pd.DataFrame:
    """One row a customer, in the order of `scores`: customer_id, at_risk (is he listed?), nights_below.

    `scores`: customer_id, probability. `before`: whoever was on the list last night, as `members` gives it.
    `nights_below`: runs in a row, this one included, in which a listed customer was below the threshold.
    """
    chance = scores["probability"].to_numpy(dtype=float)
    was = before.set_index("customer_id")["nights_below"].reindex(scores["customer_id"].to_numpy())
    above, on = chance >= staying.enter, was.notna().to_numpy()
    nights = np.where(above | ~on, 0, was.fillna(0).to_numpy(dtype=np.int64) + 1)
    near = chance >= staying.enter - staying.margin - NOTHING
    stays = on & ~above & near & (nights < staying.nights)
    return pd.DataFrame({"customer_id": scores["customer_id"].array, "at_risk": above | stays, "nights_below": nights})


def movements(
    name: str, day: dt.date, now: pd.DataFrame, before: pd.DataFrame, staying: Staying, asked: pd.Series[str] | None
) -> pd.DataFrame:
    """One row a customer who is or was on the list, in order of customer_id, with the columns of SCHEMA.

    `now`: customer_id, probability, at_risk, nights_below (as `listed` gives them), driver (the first reason) and
    days_since_last_order of everybody scored tonight. `before` as `members` gives it. `asked`: the ids that were
    scored last night (None: not known, all were). Causes: the first of CAUSES[status] that is true.
    """
    rows = now.merge(before[["customer_id", "driver"]], on="customer_id", how="outer", suffixes=("", "_before"))
    rows = rows.sort_values("customer_id", ignore_index=True)
    nights = (day - before["logical_date"].max()).days if len(before) else 0
    below = rows["nights_below"].fillna(0).astype("int64")
    is_true = {
        "not_asked_before": asked is not None and ~rows["customer_id"].isin([] if asked is None else asked),
        "not_long_enough_below": below > 0,
        "other_reason": rows["driver"] != rows["driver_before"],
        "ordered": rows["days_since_last_order"] <= nights,
        "not_asked_any_more": rows["probability"].isna(),
        "below_for_long": rows["probability"] >= staying.enter - staying.margin - NOTHING,
    }
    on, was = rows["at_risk"].eq(other=True), rows["customer_id"].isin(before["customer_id"])
    status = np.select([on & ~was, on & was, was], [ENTERED, STAYED, LEFT], "")
    cause = pd.Series("", index=rows.index, dtype="str")
    for status_, causes in CAUSES.items():
        for each in reversed(causes):
            cause = cause.mask((status == status_) & is_true.get(each, True), each)
    told = rows.assign(list=name, logical_date=day, status=status, cause=cause, nights_below=below)
    told["driver"] = told["driver"].fillna("")
    changed: pd.DataFrame = told.loc[(told["status"] != "").to_numpy(), SCHEMA.names]
    return changed.reset_index(drop=True)


def members(state: Path, name: str, day: dt.date) -> pd.DataFrame:
    """The rows of whoever was on the list in its newest night before `day`; no row before the first."""
    earlier = [each for each in nights(state, name) if each < day]
    rows: pd.DataFrame = read(state, name, earlier[-1]) if earlier else SCHEMA.empty_table().to_pandas()
    return rows[rows["status"] != LEFT].reset_index(drop=True)


def record(state: Path, name: str, day: dt.date, rows: pd.DataFrame) -> bool:
    """Whether `rows` are what is written of that night now; CampaignChanged where others are written already.

    Nothing is written of a night before the newest: its list took nobody's place, and what came after was told
    from the nights that were there.
    """
    if is_late(state, name, day):
        return False
    write_once(path_of(state, name, day), rows, SCHEMA, f"list {name} of {day} is written")
    return True


def is_late(state: Path, name: str, day: dt.date) -> bool:
    """Whether a later night is written and this one is not."""
    known = nights(state, name)
    return day not in known and bool(known) and day < known[-1]


def nights(state: Path, name: str) -> list[dt.date]:
    """The dates of which the list is written, oldest first."""
    return sorted(dt.date.fromisoformat(path.stem) for path in (state / "lists" / name).glob("????-??-??.parquet"))


def read(state: Path, name: str, day: dt.date) -> pd.DataFrame:
    """The rows of one night."""
    frame: pd.DataFrame = store.read_table(path_of(state, name, day)).to_pandas()
    return frame


def moved(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many entered, stayed and left, by cause; the causes of each status by number."""
    told = {}
    for status in CAUSES:
        counts = rows.loc[rows["status"] == status, "cause"].value_counts()
        told[status] = {str(cause): int(counts[cause]) for cause in sorted(counts.index, key=lambda c: (-counts[c], c))}
    return told


def path_of(state: Path, name: str, day: dt.date) -> Path:
    """Where the rows of a night lie."""
    return state / "lists" / name / f"{day.isoformat()}.parquet"
