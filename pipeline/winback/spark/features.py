"""features_on_spark: the rows of features_at, computed on a cluster by the kernel of one machine.

Spark brings all rows of a customer, of whichever table, into one bucket; each bucket is then given to
`part_features` as a part of the customers is on one machine. There is no second way to compute a feature.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from winback.errors import SourceError
from winback.facts.days import day_numbers
from winback.facts.features.feature import Feature
from winback.facts.features.kernel import Ints
from winback.facts.features.parts import MOMENTS
from winback.facts.features.table import Question, part_features, without_starts
from winback.spark.session import pandas_unsaid
from winback.spark.tables import apart, as_facts, in_one

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ROWS_IN_BUCKET = 250_000  # of all tables; what a worker holds at a time
ROWS_IN_BATCH = 10_000  # of the answer, on its way back


def features_on_spark(
    tables: Mapping[str, DataFrame],
    cutoffs: Sequence[dt.date],
    zone: str,
    features: Sequence[Feature],
    buckets: int | None = None,
) -> DataFrame:
    """One row a (customer_id, cutoff) with at least one order known at the cutoff, as features_at; in no order.

    `tables` are the facts tables as frames, those of `read_facts` or any with the facts' columns. They are
    read twice, for two columns of each at once: where the first known row of each table lies is part of
    the answer. `buckets`: into how many parts the customers go; by default one for so many rows.
    """
    question = without_starts(cutoffs, zone, features, "orders" if "orders" in tables else "subscriptions")
    frames = _frames(tables, question)
    columns = {name: frame.columns for name, frame in frames.items()}
    schema = _answer_schema(columns, question)
    starts, rows = log_starts(frames, question)
    question.starts.update(starts)
    parted = in_one(frames).repartition(buckets or max(1, -(-rows // ROWS_IN_BUCKET)), "customer_id")
    with pandas_unsaid():
        return parted.mapInArrow(partial(bucket_features, columns=columns, question=question), schema)


def _frames(tables: Mapping[str, DataFrame], question: Question) -> dict[str, DataFrame]:
    """What is read of each table."""
    wanted = question.columns()
    if missing := sorted(wanted.keys() - tables.keys()):
        raise SourceError(f"the features read the tables {missing}, which are not among those given: {sorted(tables)}.")
    return {name: as_facts(name, tables[name], wanted[name]) for name in sorted(wanted)}


def log_starts(frames: Mapping[str, DataFrame], question: Question) -> tuple[dict[str, Ints], int]:
    """The first day of each table's log as known at each cutoff, and how many rows all tables have."""
    from pyspark.sql import functions as sql  # noqa: PLC0415  an extra

    found = [
        frame.agg(sql.lit(name).alias("name"), sql.count("*").alias("rows"), *_first_known(MOMENTS[name], question))
        for name, frame in frames.items()
    ]
    lines = reduce(lambda one, other: one.union(other), found).collect()
    starts = {name: _first_days(firsts, question) for name, _, *firsts in lines}
    return starts, sum(rows for _, rows, *_ in lines)


def _first_known(moment: str, question: Question) -> list[Column]:
    """The first instant among the rows known before each cutoff."""
    from pyspark.sql import functions as sql  # noqa: PLC0415

    known = sql.greatest(moment, "recorded_at")
    return [sql.min(sql.when(known < int(us), sql.col(moment))).alias(f"first_{k}") for k, us in enumerate(question.us)]


def _first_days(firsts: Sequence[int | None], question: Question) -> Ints:
    """The days of these instants; the cutoff itself where nothing was known."""
    known = np.array([first is not None for first in firsts])
    days = day_numbers(np.array([first or 0 for first in firsts], dtype=np.int64), question.zone)
    return np.where(known, days, question.days)


def _answer_schema(columns: Mapping[str, list[str]], question: Question) -> Any:
    """The columns of the answer, told by asking the kernel about nobody: so it is what it would be here."""
    from pyspark.sql import types  # noqa: PLC0415

    known = {"string": types.StringType(), "timestamp[us, tz=UTC]": types.TimestampType(), "double": types.DoubleType()}
    question.starts.update(dict.fromkeys(columns, question.days))
    try:
        answer = part_features(apart([], columns), question)
    except KeyError as error:
        if lost := [(table, name) for table, read in question.columns().items() for name in read - {*columns[table]}]:
            table, name = min(lost)
            raise SourceError(f"{table} has no column {name}, which the features read.") from error
        raise
    return types.StructType([types.StructField(field.name, known[str(field.type)]) for field in answer.schema])


def bucket_features(
    batches: Iterator[pa.RecordBatch], columns: Mapping[str, list[str]], question: Question
) -> Iterator[pa.RecordBatch]:
    """The feature rows of one bucket of the customers; runs on a worker."""
    tables = apart(batches, columns)
    if any(len(table) for table in tables.values()):
        yield from part_features(tables, question).to_batches(max_chunksize=ROWS_IN_BATCH)
