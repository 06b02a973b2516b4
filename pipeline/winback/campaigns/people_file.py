"""The at-risk list that a person opens in a spreadsheet."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from winback.campaigns.words import CAUSES, CHANNELS, DECIMAL, HEADERS, LEAVE_ALONE, NEEDS_APPROVAL, REASON, Language

LEFT_ALONE = "leave_alone"
REASONS_SHOWN = 3
LEAST_POINTS = 0.0005  # what would be written as "0.0 points" explains nothing

COLUMNS = (
    "customer_id",
    "chance_to_leave_percent",
    *(f"reason_{number}" for number in range(1, REASONS_SHOWN + 1)),
    "last_order",
    "orders_90d",
    "spend_90d",
    "what_to_do",
    "message_hint",
    "channel",
    "approval",
    "contact_cost",
    "incentive_cost",
    "expected_net_gain",
    "margin_at_stake",
)

_MONEY = ["spend_90d", "contact_cost", "incentive_cost", "expected_net_gain", "margin_at_stake"]


class Named(Protocol):
    """What the list needs to know of an action."""

    @property
    def name(self) -> Mapping[Any, str]: ...
    @property
    def message(self) -> Mapping[Any, str]: ...


def at_risk_list(
    scores: pd.DataFrame,
    reasons: pd.DataFrame,
    decisions: pd.DataFrame,
    facts: pd.DataFrame,
    names: Mapping[str, Named],
    language: Language = "en",
) -> pd.DataFrame:
    """One row a customer at risk, worded for a marketer: the largest expected net gain first.

    `facts` has customer_id, last_order_at, orders_90d and spend_90d; the day of the last order is
    written in the time zone that last_order_at carries. `names` are the actions by id. The columns are
    COLUMNS, whatever the language; `in_headers` words them.
    """
    risky = scores.loc[scores["at_risk"].astype(bool), ["customer_id", "probability"]]
    rows = risky.merge(decisions, on="customer_id", how="left", validate="one_to_one", indicator="_decided")
    _refuse_missing(rows, "_decided", "decisions")
    rows = rows.merge(facts, on="customer_id", how="left", validate="one_to_one", indicator="_known")
    _refuse_missing(rows, "_known", "facts")
    rows = rows.merge(_reason_columns(reasons, language), on="customer_id", how="left", validate="one_to_one")
    told = [f"reason_{place}" for place in range(1, REASONS_SHOWN + 1)]
    rows[told] = rows[told].fillna("")
    rows = rows.sort_values(
        ["expected_net_gain", "probability", "customer_id"], ascending=[False, False, True], ignore_index=True
    )
    rows["what_to_do"] = _what_to_do(rows, names, language)
    rows["message_hint"] = rows["action"].map({i: action.message[language] for i, action in names.items()}).fillna("")
    rows["channel"] = rows["channel"].replace(CHANNELS[language])
    rows["approval"] = _approval(rows, language)
    rows["chance_to_leave_percent"] = (rows["probability"] * 100).round(1)
    rows["last_order"] = rows["last_order_at"].dt.strftime("%Y-%m-%d")
    rows["orders_90d"] = rows["orders_90d"].astype("Int64")  # nobody orders 5.0 times
    rows[_MONEY] = rows[_MONEY].round(2) + 0.0  # + 0.0: no "-0.0"
    return rows[list(COLUMNS)]


def _refuse_missing(rows: pd.DataFrame, indicator: str, table: str) -> None:
    """Every customer at risk must be in `table`; a gap is not filled."""
    lost = rows.loc[rows[indicator] != "both", "customer_id"]
    if len(lost):
        raise ValueError(f"{len(lost)} customers at risk are not in {table}: {reprlib.repr(lost.tolist())}")


def in_headers(listed: pd.DataFrame, language: Language, currency: str) -> pd.DataFrame:
    """The list with the headers that people read, money with its currency; pass it to `write_people_file`."""
    headers = HEADERS[language]
    return listed.rename(columns={column: headers[column].format(currency) for column in listed.columns})


def _approval(rows: pd.DataFrame, language: Language) -> pd.Series[str]:
    """What to see to before acting, for each customer; empty where nothing is."""
    asks = rows["needs_approval"].astype(bool) & (rows["cause"] != "held_out")
    return pd.Series(np.where(asks, NEEDS_APPROVAL[language], ""), index=rows.index, dtype="str")


def _what_to_do(rows: pd.DataFrame, names: Mapping[str, Named], language: Language) -> pd.Series[str]:
    """The name of each customer's action, or why to leave him alone."""
    words = {("", action_id): action.name[language] for action_id, action in names.items()}
    words |= {(cause, LEFT_ALONE): LEAVE_ALONE[language].format(text) for cause, text in CAUSES[language].items()}
    keys = list(zip(rows["cause"], rows["action"], strict=True))
    unknown = sorted({str(key) for key in keys if key not in words})
    if unknown:
        raise ValueError(f"decisions hold causes and actions that have no words: {reprlib.repr(unknown)}")
    return pd.Series([words[key] for key in keys], index=rows.index, dtype="str")


def _reason_columns(reasons: pd.DataFrame, language: Language) -> pd.DataFrame:
    """One row a customer: the sentences of what pushes him away, in the order they are told: reason_1, ..."""
    pushes = reasons.loc[reasons["points"] >= LEAST_POINTS, ["customer_id", "place", "points", "sentence"]]
    pushes = pushes.sort_values(["customer_id", "place"])
    pushes["place"] = pushes.groupby("customer_id").cumcount() + 1
    pushes = pushes[pushes["place"] <= REASONS_SHOWN]
    told = zip(pushes["points"], pushes["sentence"], strict=True)
    pushes["text"] = [in_words(points, sentence, language) for points, sentence in told]
    wide = pushes.set_index(["customer_id", "place"])["text"].unstack("place")  # noqa: PD010 - nothing is pooled
    wide = wide.reindex(columns=range(1, REASONS_SHOWN + 1)).astype("str")
    wide.columns = pd.Index([f"reason_{place}" for place in wide.columns])
    return wide.reset_index()


def in_words(points: float, sentence: str, language: Language = "en") -> str:
    """A reason as one phrase; it never starts with a sign that a spreadsheet would calculate.

    >>> in_words(0.2312, "Last order 41 days ago, usually every 6")
    'Adds 23 points: Last order 41 days ago, usually every 6'
    """
    shown = f"{points * 100:.0f}" if points >= 0.0995 else f"{points * 100:.1f}"
    return REASON[language].format(points=shown.replace(".", DECIMAL[language]), sentence=sentence)
