"""Churn as a rule over what customers did and did not do, such as "ordered nothing and asked to cancel".

churned = { all = [ { did_not = "orders" }, { did = "events", kind = "cancel_request" } ] }
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from winback import store
from winback.errors import NotEnoughData, WindowNotRecorded
from winback.facts.days import US_PER_DAY, day_numbers, day_of
from winback.facts.labels import within
from winback.facts.labels.labels import SILENCE_DAYS, refuse_open_windows, refuse_unended
from winback.facts.labels.within import PURCHASES, Rows, Where
from winback.toml_files import did_you_mean

# What a rule can ask about. Contacts are not among them: we made them ourselves.
STREAMS = {
    "orders": PURCHASES,
    "returns": Rows("orders", "ordered_at", "coalesce(part, 0) = 0 AND amount_cents < 0", ("channel",)),
    "order_categories": Rows("order_categories", "ordered_at", "", ("category",)),
    "order_products": Rows("order_products", "ordered_at", "", ("product_id",)),
    "events": Rows("events", "occurred_at", "", ("kind",)),
    "tickets": Rows("tickets", "opened_at", "", ("topic",)),
    "surveys": Rows("surveys", "answered_at", "", ("kind",)),
    "subscriptions": Rows("subscriptions", "started_at", "", ("plan",)),
    "subscriptions_ended": Rows("subscriptions", "ended_at", "", ("plan", "cancel_reason")),
    "payments": Rows("payments", "attempted_at", "", ("status", "decline_code")),
    "consents": Rows("consents", "recorded_at", "", ("channel", "purpose", "status")),
}
Words = str | tuple[str, ...]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Rule:
    """All or any of several rules, or what a customer did, or did not do, in the window.

    `all`, `any`: rules of which all, or at least one, must hold. `did`: at least `at_least` rows of this stream.
    `did_not`: fewer than that. `at_least`: how many rows. `channel`, `category`, `product_id`, `kind`, `topic`,
    `plan`, `cancel_reason`, `status`, `decline_code`, `purpose`: only the rows with one of these words count.
    """

    all: tuple[Rule, ...] = ()
    any: tuple[Rule, ...] = ()
    did: str = ""
    did_not: str = ""
    at_least: Annotated[int, Field(ge=1)] = 1
    channel: Words = ()
    category: Words = ()
    product_id: Words = ()
    kind: Words = ()
    topic: Words = ()
    plan: Words = ()
    cancel_reason: Words = ()
    status: Words = ()
    decline_code: Words = ()
    purpose: Words = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> Rule:
        said = [name for name in ("all", "any", "did", "did_not") if getattr(self, name)]
        if len(said) != 1:
            raise ValueError(f"write exactly one of all, any, did and did_not (came: {' and '.join(said) or 'none'})")
        if self.stream:
            _refuse_unknown(self)
        elif self.where or self.at_least != 1:
            raise ValueError(f"{said[0]} holds rules; words and at_least belong into them")
        return self

    @property
    def stream(self) -> str:
        """The stream of rows asked about; empty for `all` and `any`."""
        return self.did or self.did_not

    @property
    def where(self) -> Where:
        """The words asked for, by column."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in NO_COLUMNS}
        return {name: (words,) if isinstance(words, str) else words for name, words in chosen.items() if words}


NO_COLUMNS = ("all", "any", "did", "did_not", "at_least")


def rule_labels_at(
    facts: Path, cohort: pd.DataFrame, rule: Rule, horizon_days: int, zone: str, today: dt.date
) -> pd.Series:
    """Whether the rule holds for each (customer_id, cutoff) of the cohort in `[cutoff, cutoff + horizon_days)`.

    Only rows recorded before `today` are known. WindowNotRecorded when a window ends after it, begins
    before a table of the rule does, or ends long after that table fell silent.
    """
    cutoffs = within.days_of(cohort, zone)
    if cutoffs:
        refuse_unended((cutoffs[-1], horizon_days), today)
        for asked in {leaf.stream: leaf for leaf in leaves(rule)}:
            _refuse_unrecorded(facts, STREAMS[asked], (cutoffs[0], cutoffs[-1], horizon_days), zone, today)
    spans = within.after(cutoffs, horizon_days, zone, today)
    return _holds(facts, cohort, rule, spans).rename("churned")


def leaves(rule: Rule) -> Iterator[Rule]:
    """The rules within a rule that look at rows."""
    if rule.stream:
        yield rule
    for part in (*rule.all, *rule.any):
        yield from leaves(part)


def refuse_silent_table(facts: Path, rows: Rows, end: dt.date, zone: str, today: dt.date) -> None:
    """WindowNotRecorded when a table fell silent before `end`, for longer than a week and than ever before."""
    first, last = _days_with_rows(facts, rows, zone, today)
    longest = int((first[1:] - last[:-1]).max(initial=SILENCE_DAYS))
    newest = day_of(int(last[-1]))
    if newest < end - dt.timedelta(days=longest):
        raise WindowNotRecorded(
            f"the newest of the {rows.table} is from {newest}, more than {longest} days before the last window ends "
            f"on {end}, which is longer than they were ever silent. Is the feed complete?"
        )


def _refuse_unrecorded(facts: Path, rows: Rows, asked: tuple[dt.date, dt.date, int], zone: str, today: dt.date) -> None:
    """WindowNotRecorded when a table begins after the first window or falls silent before the last one ends."""
    first_cutoff, last_cutoff, days = asked
    if rows.table == "orders":
        refuse_open_windows(facts, (last_cutoff, days), zone, today)
        return
    whole = Rows(rows.table, rows.moment)
    begins = day_of(int(_days_with_rows(facts, whole, zone, today)[0][0]))
    if begins > first_cutoff:
        raise WindowNotRecorded(
            f"the {rows.table} begin on {begins}, after the cutoff {first_cutoff}: who did what in the window from it "
            f"is not known. Choose cutoffs from {begins}."
        )
    refuse_silent_table(facts, whole, last_cutoff + dt.timedelta(days=days), zone, today)


def _days_with_rows(facts: Path, rows: Rows, zone: str, today: dt.date) -> tuple[within.Ints, within.Ints]:
    """The local days of the first and the last row of each UTC day that has rows known before `today`."""
    with store.connect() as con:
        found = con.sql(
            f"SELECT min(moment) AS first, max(moment) AS last FROM ({within.selected(con, facts, rows)}) "  # noqa: S608
            f"WHERE greatest(moment, recorded) < {within.instant(today, zone)} "
            f"GROUP BY moment // {US_PER_DAY} ORDER BY 1"
        ).to_arrow_table()
    if not len(found):
        raise NotEnoughData(f"no row of {rows.table} was recorded before {today}; check --date and the mapping.")
    first, last = (day_numbers(found[name].to_numpy(), zone) for name in ("first", "last"))
    return first, last


def _holds(facts: Path, cohort: pd.DataFrame, rule: Rule, spans: list[within.Span]) -> pd.Series:
    if rule.stream:
        stream = STREAMS[rule.stream]
        rows = Rows(stream.table, stream.moment, stream.kept, stream.columns, rule.where)
        enough = within.matched(cohort, within.counted(facts, rows, spans)) >= rule.at_least
        return enough if rule.did else ~enough
    parts = np.array([_holds(facts, cohort, part, spans) for part in (*rule.all, *rule.any)])
    return pd.Series(parts.all(axis=0) if rule.all else parts.any(axis=0), index=cohort.index)


def _refuse_unknown(rule: Rule) -> None:
    if rule.stream == "contacts":
        raise ValueError("contacts are what we did ourselves; they do not tell who left")
    if rule.stream not in STREAMS:
        raise ValueError(f"there is nothing called {rule.stream!r} to do.{did_you_mean(rule.stream, list(STREAMS))}")
    known = STREAMS[rule.stream].columns
    for column in rule.where:
        if column not in known:
            raise ValueError(f"{rule.stream} have no {column}.{did_you_mean(column, list(known))}")
