"""features_at: what was known of each customer at each cutoff. The one path for training and scoring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from joblib import Parallel, delayed

from winback import store
from winback.errors import NotEnoughData
from winback.facts.days import begins, day_number, microseconds
from winback.facts.features import kernel, parts
from winback.facts.features.columns import Columns, days_back, divided, stream_columns
from winback.facts.features.feature import Feature
from winback.facts.features.kernel import Asked, Ints, Log
from winback.facts.features.logs import StreamLog, Where, columns_of, customers_in, stream_log
from winback.facts.features.seen import Seen
from winback.facts.features.streams import STREAMS

# A block's arrays should stay in a processor's cache.
BLOCK_ROWS = 125_000
BLOCK_PAIRS = 32_000
Group = tuple[str, Where]


@dataclass(frozen=True)
class Question:
    """What is asked of every part of the customers: sorted cutoffs, calendar, features.

    `days` and `us` are the cutoffs as day numbers and instants; `starts` the first day of each facts
    table's log as known at each cutoff; `base` the stream whose rows make somebody a customer.
    """

    days: Ints
    us: Ints
    zone: str
    starts: dict[str, Ints]
    features: tuple[Feature, ...]
    base: str

    @cached_property
    def groups(self) -> dict[Group, list[Feature]]:
        """The features read from rows, and those that others are made of, by the log they are read from."""
        found: dict[Group, list[Feature]] = {}
        every = {f.name: f for g in self.features for f in (g.inputs or (g,))}
        for f in every.values():
            found.setdefault((f.table, tuple(sorted(f.where.items()))), []).append(f)
        return found

    def measures(self, stream: str) -> set[str]:
        """What must be read of each row of a stream."""
        wanted = {(f, where) for (table, where), fs in self.groups.items() if table == stream for f in fs}
        read = {m for f, _ in wanted for m in (f.measure, f.of)} | {c for _, where in wanted for c, _ in where}
        read |= {"code"} if any(f.counts_values for f, _ in wanted) else set()
        if any(f.kind == "until_renewal" for f, _ in wanted):
            read |= {"ends_day", "period_months", "period_days"}
        return read - {"", "rows", "active_days"}

    def columns(self) -> dict[str, set[str]]:
        """The columns to be read of each facts table."""
        read: dict[str, set[str]] = {}
        for stream in {self.base, *(table for table, _ in self.groups)}:
            wanted = columns_of(stream, self.measures(stream))
            read[STREAMS[stream].table] = read.get(STREAMS[stream].table, set()) | wanted
        return read


def features_at(
    facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature], jobs: int = 1, base: str = ""
) -> pd.DataFrame:
    """One row a (customer_id, cutoff) with at least one order known at the cutoff, sorted; NaN is unknown.

    Only rows that happened and were recorded before the start of the cutoff's day in `zone` count.
    `cutoff` is that instant in UTC. Columns follow the order of `features`. A window that begins
    before the table's log does is unknown. The result does not depend on the order of the facts' rows,
    on `jobs`, or on which other cutoffs are asked for. With `base` "subscriptions", or without an orders
    table, whoever has a known subscription is a customer.
    """
    frame: pd.DataFrame = features_table(facts, cutoffs, zone, features, jobs, base).to_pandas()
    return frame


def features_table(
    facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature], jobs: int = 1, base: str = ""
) -> pa.Table:
    """The rows of `features_at` as an Arrow table."""
    question = asked(facts, cutoffs, zone, features, base)
    spans = parts.spans(facts, STREAMS[question.base].table)
    work = Parallel(n_jobs=jobs, backend="threading")
    found = work(delayed(_span_features)(facts, span, question) for span in spans)
    table = pa.concat_tables(found)
    if not len(table):
        raise NotEnoughData(f"no customer has an order before {max(cutoffs)}; check the mapping of ordered_at.")
    return table


def write_features(
    facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature], out: Path, jobs: int = 1
) -> int:
    """How many rows of `features_at` were written to `out/part-<n>.parquet`, in order; never all in memory."""
    question = asked(facts, cutoffs, zone, features)
    spans = parts.spans(facts, STREAMS[question.base].table)

    def write(number: int, span: parts.Span) -> int:
        table = _span_features(facts, span, question)
        store.write_table(out / f"part-{number:05}.parquet", table)
        return len(table)

    return sum(Parallel(n_jobs=jobs, backend="threading")(delayed(write)(n, s) for n, s in enumerate(spans)))


def asked(facts: Path, cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature], base: str = "") -> Question:
    """The question that is asked of every part, with what only the whole tables can tell."""
    base = base or ("orders" if store.table_files(facts, "orders") else "subscriptions")
    question = without_starts(cutoffs, zone, features, base)
    question.starts.update({t: parts.log_starts(facts, t, zone, question.days) for t in question.columns()})
    return question


def without_starts(cutoffs: Sequence[dt.date], zone: str, features: Sequence[Feature], base: str) -> Question:
    """The question before it is known where each table's log starts."""
    days = sorted(set(cutoffs))
    numbers = np.array([day_number(d) for d in days], dtype=np.int64)
    instants = np.array([microseconds(begins(d, zone)) for d in days], dtype=np.int64)
    return Question(numbers, instants, zone, {}, tuple(features), base)


def _span_features(facts: Path, span: parts.Span, question: Question) -> pa.Table:
    tables = {table: parts.read(facts, table, columns, span) for table, columns in question.columns().items()}
    return part_features(tables, question)


def part_features(tables: Mapping[str, pa.Table], question: Question) -> pa.Table:
    """The feature rows of one part of the customers, sorted, from all their rows of each facts table.

    A pure function of its arguments: the same on one machine and on a cluster.
    """
    ids = customers_in(tables[STREAMS[question.base].table]["customer_id"])
    streams = {question.base, *(stream for stream, _ in question.groups)}
    logs = {
        s: stream_log(s, tables[STREAMS[s].table], ids, question.zone, question.measures(s)) for s in sorted(streams)
    }
    groups = {group: logs[group[0]].where(group[1]) for group in question.groups}
    rows = sum(len(log.log) for log in logs.values())
    number = max(1, -(-rows // BLOCK_ROWS), -(-len(ids) * len(question.days) // BLOCK_PAIRS))
    edges = np.linspace(0, len(ids), min(number, max(1, len(ids))) + 1).astype(int).tolist()
    blocks = [_block(ids, (first, last), logs[question.base].log, groups, question) for first, last in pairwise(edges)]
    return pa.concat_tables(blocks)


def _block(
    ids: pa.Array, span: tuple[int, int], base: Log, groups: Mapping[Group, StreamLog], question: Question
) -> pa.Table:
    """The feature rows of the customers `span` of a part."""
    asked_of = known_pairs(base.block(*span), span[1] - span[0], question.days)
    columns: Columns = {}
    for group, wanted in question.groups.items():
        columns |= as_recorded(groups[group].block(*span), asked_of, question, wanted)
    for feature in question.features:
        if feature.inputs:
            columns[feature.name] = _of_two(feature, columns)
    keys = {
        "customer_id": ids.slice(span[0], span[1] - span[0]).take(pa.array(asked_of.pair_customer)),
        "cutoff": pa.array(question.us[asked_of.pair_cutoff]).cast(pa.timestamp("us", "UTC")),
    }
    return pa.table(keys | {f.name: pa.array(columns[f.name]) for f in question.features})


def known_pairs(base: Log, n_customers: int, cutoff_days: Ints) -> Asked:
    """The (customer, cutoff) with a row of the base stream that had happened and was recorded before the cutoff."""
    first_known = np.full(n_customers, kernel.NEVER)
    np.minimum.at(first_known, base.customer, np.maximum(base.day, base.recorded_day))
    customer, cutoff = np.nonzero(first_known[:, None] < cutoff_days[None, :])
    return Asked(n_customers, cutoff_days, customer.astype(np.int64), cutoff.astype(np.int64))


def as_recorded(rows: StreamLog, pairs: Asked, question: Question, wanted: Sequence[Feature]) -> Columns:
    """Columns for every pair; pairs with late rows are computed again from what was recorded by then.

    Rows recorded in time pay nothing for this: only customers with an unseen row are done twice.
    """
    start = question.starts[STREAMS[wanted[0].table].table]
    columns = _seen_columns(rows, pairs, question.us, start, wanted)
    late = kernel.late_pairs(rows.log, pairs.customers, pairs.days)
    if rows.changes is not None:
        late |= kernel.late_pairs(rows.changes, pairs.customers, pairs.days)
    if late.any():
        columns = {name: values.copy() for name, values in columns.items()}
    for k in np.flatnonzero(late.any(axis=0)):
        again = np.flatnonzero((pairs.pair_cutoff == k) & late[pairs.pair_customer, k])
        day = int(pairs.days[k])
        changes = None if rows.changes is None else kernel.known_at(rows.changes, day, late[:, k])
        seen = StreamLog(kernel.known_at(rows.log, day, late[:, k]), changes)
        some = Asked(pairs.customers, pairs.days[k : k + 1], pairs.pair_customer[again], np.zeros_like(again))
        redone = _seen_columns(seen, some, question.us[k : k + 1], start[k : k + 1], wanted)
        for name, values in redone.items():
            columns[name][again] = values
    return columns


def _seen_columns(rows: StreamLog, pairs: Asked, us: Ints, start: Ints, wanted: Sequence[Feature]) -> Columns:
    """Columns of one log, NaN wherever a window begins before the table's log does."""
    log_days = (pairs.days - start)[pairs.pair_cutoff]
    # What is derived from the rows is kept beside their measures, and must not outlive this look at them.
    log = replace(rows.log, measures=dict(rows.log.measures))
    seen = Seen(log, rows.changes, pairs, us[pairs.pair_cutoff], log_days, days_back(wanted))
    columns = stream_columns(seen, wanted)
    for f in wanted:
        if f.reach and (short := pairs.days - f.reach < start).any():
            columns[f.name] = np.where(short[pairs.pair_cutoff], np.nan, columns[f.name])
    return columns


def _of_two(feature: Feature, columns: Columns) -> kernel.Floats:
    """A ratio or difference of two other columns."""
    over, under = (columns[f.name] for f in feature.inputs)
    return divided(over, under) if feature.kind == "ratio" else over - under
