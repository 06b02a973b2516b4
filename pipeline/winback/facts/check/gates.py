"""The gates that data must pass before a model learns from them or scores with them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from winback import store
from winback.config import Source
from winback.errors import DataNotThereYet, DataRefused, NotEnoughData
from winback.facts.check.findings import percent
from winback.facts.check.look import moment_of, relation
from winback.facts.days import begins, microseconds
from winback.facts.intake.ingest import Accounting
from winback.facts.labels.labels import newest_order
from winback.limits import DataGates

RECORDED_DAYS = 30  # before a cutoff: what is looked at to see how much of the newest past was known then
NEWEST = "newest row"
# What tells that a business is alive, where it has no orders.
SIGNS_OF_LIFE = ("subscriptions", "payments", "events")


@dataclass(frozen=True)
class Gate:
    """One gate: what it asks for, what was found, and, where it refuses, the sentence that says how much is missing."""

    name: str
    needed: str
    found: str
    refusal: str = ""

    @property
    def passed(self) -> bool:
        """Whether the data may pass."""
        return not self.refusal


def refuse(gates: Sequence[Gate]) -> None:
    """DataRefused with the sentence of each gate that refuses; nothing when all are passed.

    DataNotThereYet where only the newest rows are missed: tomorrow's delivery may bring them.
    """
    if refused := {gate.name: gate.refusal for gate in gates if gate.refusal}:
        error = DataNotThereYet if refused.keys() == {NEWEST} else DataRefused
        raise error(
            "\n".join(refused.values())
            + "\n`winback check` shows all that is known of the data; the gates are set in [gates].",
            list(refused),
        )


def source_gates(accounting: Sequence[Accounting], sources: Mapping[str, Source], limits: DataGates) -> Iterator[Gate]:
    """Of each source: the share of rows that could not be used, and of each needed column the share that lacks it."""
    for count in accounting:
        if not count.rows_in or count.table not in sources:
            continue
        share, limit = count.quarantined / count.rows_in, sources[count.table].max_bad_share
        refusal = (
            f"{count.quarantined:,} of {count.rows_in:,} rows of {count.table} cannot be used, "
            f"{percent(share)} and not "
            f"the {percent(limit)} that max_bad_share of [sources.{count.table}] allows: "
            f"{count.quarantined - int(limit * count.rows_in):,} too many."
        )
        yield Gate(
            f"refused rows of {count.table}", f"at most {percent(limit)}", percent(share), refusal * (share > limit)
        )
        for reason, rows in count.reasons.items():
            if reason.startswith("missing_"):
                yield _missing(count, reason.removeprefix("missing_"), rows, limits.max_missing_share)


def _missing(count: Accounting, column: str, rows: int, limit: float) -> Gate:
    share = rows / count.rows_in
    refusal = (
        f"{count.table} lacks its {column} in {rows:,} of {count.rows_in:,} rows, {percent(share)} and not the "
        f"{percent(limit)} that max_missing_share allows: {rows - int(limit * count.rows_in):,} too many."
    )
    name = f"rows of {count.table} without {column}"
    return Gate(name, f"at most {percent(limit)}", percent(share), refusal * (share > limit))


def freshness_gate(facts: Path, zone: str, today: dt.date, limits: DataGates) -> Gate:
    """How many days before `today` the newest order is from; of a shop without orders, the newest row of any kind."""
    what, newest = _newest(facts, zone, today)
    needed = f"at most {limits.max_silence_days} days"
    if newest is None:
        refusal = f"no {what} was recorded before {today}; check --date and the mapping of its dates."
        return Gate(NEWEST, needed, "none", refusal)
    age = (today - newest).days - 1
    refusal = (
        f"the newest {what} before {today} is from {newest}: {age:,} days lack, more than the "
        f"{limits.max_silence_days} that "
        f"max_silence_days allows. Is the feed complete? For a log that has ended, ask with --date "
        f"{newest + dt.timedelta(days=1)}."
    )
    return Gate(NEWEST, needed, f"{age:,} days before", refusal * (age > limits.max_silence_days))


def _newest(facts: Path, zone: str, today: dt.date) -> tuple[str, dt.date | None]:
    if store.table_files(facts, "orders"):
        try:
            return "order", newest_order(facts, zone, today)
        except NotEnoughData:
            return "order", None
    until = microseconds(begins(today, zone))
    found = [_newest_us(facts, table, until) for table in SIGNS_OF_LIFE]
    stamps = [us for us in found if us is not None]
    if not stamps:
        return "row", None
    return "row", pd.Timestamp(max(stamps), unit="us", tz="UTC").tz_convert(zone).date()


def _newest_us(facts: Path, table: str, until: int) -> int | None:
    """The newest moment of a table before `until`, in microseconds."""
    if not (files := store.table_files(facts, table)):
        return None
    at = f"epoch_us({moment_of(table)})"
    query = f"SELECT max({at}) AS us FROM {relation(files)} WHERE {at} < {until} AND epoch_us(recorded_at) < {until}"  # noqa: S608
    with store.connect() as con:
        us: int | None = con.sql(query).to_arrow_table()["us"][0].as_py()
    return us


def customers_gate(facts: Path, zone: str, today: dt.date, limits: DataGates) -> Gate:
    """How many customers ever bought (or subscribed), as known on `today`."""
    table, did = ("orders", "ordered") if store.table_files(facts, "orders") else ("subscriptions", "subscribed")
    until = microseconds(begins(today, zone))
    rows = relation(store.table_files(facts, table))
    query = f"""
        SELECT count(DISTINCT customer_id) AS n FROM {rows}
        WHERE epoch_us({moment_of(table)}) < {until} AND epoch_us(recorded_at) < {until}
    """  # noqa: S608 - names of contracts and literals
    with store.connect() as con:
        found = int(con.sql(query).to_arrow_table()["n"][0].as_py())
    return _at_least("customers", found, limits.min_customers, "min_customers", f"customers {did} before {today}")


def _at_least(name: str, found: int, needed: int, setting: str, what: str) -> Gate:
    refusal = f"{_missing_in_words(needed - found, name)}: {found:,} {what}, {setting} asks for {needed:,}."
    return Gate(name, f"{needed:,}", f"{found:,}", refusal * (found < needed))


def _missing_in_words(count: int, what: str) -> str:
    """`1 customer is missing`, `350 customers are missing`."""
    return f"{count:,} {what} are missing" if count > 1 else f"{count} {what.removesuffix('s')} is missing"


def outcome_gates(labelled: pd.DataFrame, limits: DataGates) -> Iterator[Gate]:
    """Positives and negatives: customers with each outcome at the training cutoffs, each counted once.

    `labelled`: customer_id, cutoff, and the outcome in its last column.
    """
    outcome = labelled.iloc[:, -1].astype(bool)
    for name, setting, flags in (
        ("positives", "min_positives", outcome),
        ("negatives", "min_negatives", ~outcome),
    ):
        people = int(labelled.loc[flags, "customer_id"].nunique())
        words = outcome.name if name == "positives" else f"not {outcome.name}"
        what = f"customers are {words} after a training cutoff"
        yield _at_least(name, people, getattr(limits, setting), setting, what)


def history_gate(starts: dt.date, today: dt.date, needed: int, limits: DataGates) -> Gate:
    """How many days lie between the first order and today. `needed`: what the question takes at least."""
    days, least = (today - starts).days, limits.min_history_days or needed
    why = "min_history_days asks for" if limits.min_history_days else "the question needs"
    refusal = (
        f"{least - days:,} more days of history are needed: the log starts on {starts}, {days:,} days before "
        f"{today}, and {why} "
        f"{least:,}. Wait until {today + dt.timedelta(days=least - days)}, load older rows, or choose a "
        "shorter horizon."
    )
    return Gate("days of history", f"{least:,}", f"{days:,}", refusal * (days < least))


def days_needed(horizon_days: int, active_days: int | None, holdout_days: int = 0) -> int:
    """The days of history that a question takes at least.

    One window to know customers by (a horizon, or their `active_days` if longer); two horizons to learn in, as
    calibration wants a cutoff whose outcome was known at a later one; one to be examined in, later by
    `holdout_days` where there are several hold-outs.

    >>> days_needed(30, None), days_needed(28, 90)
    (120, 174)
    """
    return max(horizon_days, active_days or 0) + 3 * horizon_days + holdout_days


def recorded_gate(facts: Path, zone: str, cutoffs: Sequence[dt.date], limits: DataGates) -> Gate | None:
    """Of the orders in the 30 days before the training cutoffs, the share that was known by then.

    None where there is no such order.
    """
    files = store.table_files(facts, "orders")
    instants = ", ".join(f"({microseconds(begins(day, zone))})" for day in cutoffs)
    if not files or not cutoffs:
        return None
    query = f"""
        SELECT count(*) AS n, count(*) FILTER (epoch_us(recorded_at) < c.us) AS known
        FROM {relation(files)} o JOIN (VALUES {instants}) c(us)
        ON epoch_us(ordered_at) < c.us AND epoch_us(ordered_at) >= c.us - {RECORDED_DAYS * 86_400_000_000}
    """  # noqa: S608
    with store.connect() as con:
        row = con.sql(query).to_arrow_table().to_pylist()[0]
    if not row["n"]:
        return None
    share, limit = row["known"] / row["n"], limits.min_recorded_share
    refusal = (
        f"of {row['n']:,} orders in the {RECORDED_DAYS} days before the training cutoffs only {row['known']:,} "
        f"({percent(share)}) were recorded by then, not the {percent(limit)} that min_recorded_share asks for: "
        f"{math.ceil(round(limit * row['n'], 6)) - row['known']:,} too few. Is recorded_at the stamp of a later load?"
    )
    return Gate("recorded in time", f"at least {percent(limit)}", percent(share), refusal * (share < limit))
