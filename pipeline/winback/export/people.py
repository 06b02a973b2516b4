"""Who goes to a destination: those decided for, if they may, and never anybody held out."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.errors import ExportRefused
from winback.export.destination import Destination

LEAVE_ALONE = "leave_alone"
ADDRESSES = ("email", "phone", "first_name", "last_name", "country", "language", "city", "region", "postcode")
# By which permissions an address may be sent to a tool that contacts people itself.
USED_BY = {"email": ("may_email",), "phone": ("may_sms", "may_call")}
TOO_OLD = "consent_too_old"
REASONS = 3
LEAST_POINTS = 0.0005  # what would be written as "0.0 points" explains nothing
Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Wanted:
    """Which of the decisions are asked for: all, or those of one action, of one channel.

    `approved`: actions that need an approval and have it. `held_out`: people held out beyond what the run itself knows.
    """

    action: str | None = None
    channel: str | None = None
    approved: frozenset[str] = frozenset()
    held_out: frozenset[str] = frozenset()


def decided(run: Frames, wanted: Wanted) -> pd.DataFrame:
    """One row a customer to whom something is to be done, with why; ExportRefused if one of them is held out.

    `run`: the run's decisions, assignments, scores and reasons.
    """
    decisions = run["decisions"]
    acted = decisions[(decisions["action"] != LEAVE_ALONE) & (decisions["cause"].fillna("") == "")]
    refuse_held_out(acted["customer_id"], held_out(run, wanted))
    for column, value in (("action", wanted.action), ("channel", wanted.channel)):
        if value is not None:
            acted = acted[acted[column] == value]
    rows = acted.drop(columns=["stage"], errors="ignore")
    for told in (run["scores"][["customer_id", "probability", "stage"]], _reasons(run["reasons"], rows["customer_id"])):
        new = ["customer_id", *told.columns.difference(rows.columns)]
        rows = rows.merge(told[new], on="customer_id", how="left", validate="one_to_one")
    return rows.sort_values("customer_id", kind="stable", ignore_index=True)


def held_out(run: Frames, wanted: Wanted) -> frozenset[str]:
    """The ids of all who are held out, by whatever table says so."""
    arms, decisions = run["assignments"], run["decisions"]
    drawn = arms.loc[arms["arm"] == "held_out", "customer_id"]
    said = decisions.loc[decisions["cause"] == "held_out", "customer_id"]
    return frozenset(drawn) | frozenset(said) | wanted.held_out


def refuse_held_out(customer_ids: Collection[str], held: Collection[str]) -> None:
    """ExportRefused where somebody held out would be sent."""
    wrong = sorted(set(customer_ids) & set(held))
    if wrong:
        raise ExportRefused(
            f"{len(wrong)} held-out customers would be sent: {reprlib.repr(wrong)}. Nobody held out may be, or no "
            "effect can be measured; nothing was written. The run's tables contradict each other: run again."
        )


def _reasons(reasons: pd.DataFrame, customer_ids: pd.Series[str]) -> pd.DataFrame:
    """One row a customer: driver (what pushes most) and reason_1 to reason_3, sentences by falling points."""
    known = reasons["customer_id"].isin(set(customer_ids)) & (reasons["points"] >= LEAST_POINTS)
    pushes = reasons[known].sort_values(["customer_id", "points", "driver"], ascending=[True, False, True])
    place = pushes.groupby("customer_id").cumcount() + 1
    ids = sorted(set(customer_ids))
    rows = pd.DataFrame({"customer_id": pd.Series(ids, dtype="str")})
    rows["driver"] = _found(pushes[place == 1], "driver", ids)
    for number in range(1, REASONS + 1):
        rows[f"reason_{number}"] = _found(pushes[place == number], "sentence", ids)
    return rows


def _found(rows: pd.DataFrame, column: str, ids: Sequence[str]) -> pd.Series[str]:
    """What each customer has in a column, empty where there is no row of theirs."""
    known = dict(zip(rows["customer_id"], rows[column], strict=True))
    return pd.Series([known.get(each, "") for each in ids], dtype="str")


def with_addresses(people: pd.DataFrame, customers: pd.DataFrame, country: str | None) -> pd.DataFrame:
    """`people` with the columns of ADDRESSES, empty where nothing is known; `country` where a customer has none."""
    known = customers[["customer_id", *(c for c in ADDRESSES if c in customers)]]
    rows = people.merge(known, on="customer_id", how="left", validate="many_to_one")
    for column in ADDRESSES:
        rows[column] = rows[column].fillna("").astype("str") if column in rows else ""
    if country:
        rows["country"] = rows["country"].where(rows["country"].str.strip() != "", country)
    return rows


def with_permissions(people: pd.DataFrame, permissions: pd.DataFrame) -> pd.DataFrame:
    """`people` with what each may be sent; whoever is absent, and whatever is not known, is a no."""
    twice = permissions.loc[permissions["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise ExportRefused(f"permissions have {len(twice)} customers twice: {reprlib.repr(twice.tolist())}")
    known = permissions.astype({"customer_id": "str"})
    rows = people.merge(known, on="customer_id", how="left", validate="many_to_one")
    for column in permissions.columns:
        if column.startswith(("may_", "was_")):
            rows[column] = rows[column].astype("boolean").fillna(False).astype(bool)
    return rows


def may(people: pd.DataFrame, channel: str, said: str = "may") -> pd.Series[bool]:
    """Who may be profiled for marketing and contacted by `channel`; `said` = "was": were no grant too old."""
    no = pd.Series(False, index=people.index)
    return people.get(f"{said}_profile", no) & people.get(f"{said}_{channel}", no)


def permitted(people: pd.DataFrame, said: str = "may") -> pd.Series[bool]:
    """Who may be contacted by the channel that is set down for each."""
    allowed = pd.Series(False, index=people.index)
    for channel in people["channel"].unique():
        allowed |= may(people, str(channel), said) & (people["channel"] == channel)
    return allowed


def why_not(people: pd.DataFrame, destination: Destination, wanted: Wanted) -> pd.Series[str]:
    """Why each of the people is left out; empty for those who may go."""
    allowed, once = (may(people, "ads", s) if destination.is_ads else permitted(people, s) for s in ("may", "was"))
    served = destination.is_ads | people["channel"].isin(destination.channels)
    waits = people.get("needs_approval", pd.Series(False, index=people.index)).fillna(True).astype(bool)
    waits &= ~people["action"].isin(wanted.approved)
    reasons = ["other_channel", TOO_OLD, "no_permission", "awaiting_approval"]
    why = np.select([~served, ~allowed & once, ~allowed, waits], reasons, default="")
    return pd.Series(why, index=people.index, dtype="str")


def all_too_old(why: pd.Series[str]) -> bool:
    """Whether nobody may be sent because every consent there is is too old; `why` as `why_not` gives it."""
    return bool((why == TOO_OLD).any()) and bool(why.isin([TOO_OLD, "no_permission", "other_channel"]).all())


def only_permitted(people: pd.DataFrame, destination: Destination) -> pd.DataFrame:
    """`people` without the addresses that nobody may use to contact them; an ad platform has its own permission."""
    if destination.is_ads:
        return people
    rows = people.copy()
    for column, permissions in USED_BY.items():
        allowed = pd.Series(False, index=rows.index)
        for permission in permissions:
            allowed |= may(rows, permission.removeprefix("may_"))
        rows[column] = rows[column].where(allowed, "")
    return rows
