"""Facts tables as frames of Spark, and all tables of a question in one frame that can be shuffled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from winback.errors import SourceError
from winback.facts.features.parts import MOMENTS
from winback.facts.intake.tables import schema_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

TABLE = "table"  # the column that tells which table a row of the one frame is of
# What each type of the facts may be in a frame. An instant without a zone would be read in the session's.
SPARK_TYPES: Mapping[pa.DataType, tuple[str, ...]] = {
    pa.string(): ("string",),
    pa.int64(): ("bigint", "int", "smallint", "tinyint"),
    pa.float64(): ("double", "float"),
    pa.timestamp("us", "UTC"): ("timestamp",),
}


def read_facts(spark: SparkSession, facts: str | Path) -> dict[str, DataFrame]:
    """The tables of a facts folder that features are made of: `<table>.parquet` and those of later loads.

    `facts` is a folder of this machine, or any address that Spark reads, such as `s3a://bucket/facts`.
    """
    found = {table: _read(spark, str(facts), table) for table in MOMENTS}
    if not any(found.values()):
        raise SourceError(f"{facts} holds none of the facts tables {', '.join(MOMENTS)}; is it the right folder?")
    return {table: frame for table, frame in found.items() if frame is not None}


def _read(spark: SparkSession, facts: str, table: str) -> DataFrame | None:
    """One table of a facts folder; None where it has no such table."""
    from pyspark.errors import AnalysisException  # noqa: PLC0415  an extra

    folder = re.sub(r"([\[\]{}*?\\])", r"\\\1", facts.rstrip("/"))
    try:
        return spark.read.option("mergeSchema", "true").parquet(f"{folder}/{table}{{,.*}}.parquet")
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise


def as_facts(table: str, frame: DataFrame, wanted: set[str]) -> DataFrame:
    """The wanted columns of a facts table that its frame has, moments as microseconds since 1970 UTC.

    Microseconds are the same in every zone that a session, a driver or a worker may be set to.
    """
    schema = schema_of(table)
    types = dict(frame.dtypes)
    names = [name for name in schema.names if name in wanted & types.keys()]
    for name in names:
        if types[name] not in (allowed := SPARK_TYPES[schema.field(name).type]):
            raise SourceError(
                f"{table}.{name} is of type {types[name]} in its frame, expected {allowed[0]}"
                + (": an instant, not a reading of some clock." if allowed == ("timestamp",) else ".")
            )
    return frame.select(*[_plain(name, schema.field(name).type) for name in names])


def _plain(name: str, kind: pa.DataType) -> Column:
    from pyspark.sql import functions as sql  # noqa: PLC0415

    column = sql.col(name)
    if pa.types.is_timestamp(kind):
        return sql.unix_micros(column).alias(name)
    return column.cast(SPARK_TYPES[kind][0]).alias(name)


def in_one(frames: Mapping[str, DataFrame]) -> DataFrame:
    """The rows of all tables, each with its table's place among them in the column `table`."""
    from pyspark.sql import functions as sql  # noqa: PLC0415

    tagged = [frame.withColumn(TABLE, sql.lit(n).cast("tinyint")) for n, frame in enumerate(frames.values())]
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tagged)


def apart(batches: Any, columns: Mapping[str, list[str]]) -> dict[str, pa.Table]:
    """The tables that `in_one` put together, with the facts' own types; `columns` are those of each, in its order."""
    kept: dict[str, list[pa.RecordBatch]] = {table: [] for table in columns}
    for batch in batches:
        tags = batch.column(TABLE).to_numpy(zero_copy_only=False)
        for place, (table, names) in enumerate(columns.items()):
            if (mine := tags == place).any():
                rows = batch.select(names)
                kept[table].append(rows if mine.all() else rows.filter(pa.array(mine)))
    return {table: _typed(kept[table], table, names) for table, names in columns.items()}


def _typed(batches: list[pa.RecordBatch], table: str, names: list[str]) -> pa.Table:
    schema = pa.schema([schema_of(table).field(name) for name in names])
    return pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()
