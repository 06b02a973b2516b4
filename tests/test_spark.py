"""Features and scores on Spark are those of one machine, bit for bit, whatever zones and names are about.

What runs on a worker is tested everywhere, without Spark. With Spark itself only where pyspark and Java
are: `make spark` brings pyspark. Neither the JVM, nor Python, nor a session is in UTC here.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winback import store
from winback.errors import FeatureMismatch, MissingExtra, ModelRefused, NotEnoughData, SourceError
from winback.facts.days import day_number
from winback.facts.features import declared, parts
from winback.facts.features.feature import Feature
from winback.facts.features.table import asked, features_table, part_features
from winback.facts.intake.tables import TABLES, schema_of
from winback.prove.history import MOMENTS, History, schema, write
from winback.prove.making import PERIODS, WORDS, edges_of
from winback.prove.random_history import random_shop
from winback.risk.keeping import model_file
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.score import score
from winback.spark import session
from winback.spark.features import ROWS_IN_BATCH, bucket_features, features_on_spark, log_starts
from winback.spark.scores import score_on_spark
from winback.spark.tables import TABLE, apart, as_facts, read_facts

FEATURES = declared.builtin()
FEW = declared.named(["orders_28d", "spend_28d", "days_since_last_order", "trend_orders_28d"])
# Every kind of name that engines compare, trim, fold or take for something else.
HOSTILE = ["", " ", "a", "A", "a ", " a", "a\0", "é", "e\u0301", "ß", "ss", "NULL", "null", "NaN", "0", "00", "-0"]
HOSTILE += ["'; DROP TABLE x; --", '"', "`", "a.b", "${x}", "{a,b}", "\\", "\n", "\u202eabc", "🙂", "\uffff", "x" * 500]


def sorted_(table: pa.Table) -> pa.Table:
    """The rows by customer and cutoff, moments in UTC."""
    at = table.schema.get_field_index("cutoff")
    table = table.set_column(at, "cutoff", table["cutoff"].cast(pa.timestamp("us", "UTC")))
    return table.sort_by([("customer_id", "ascending"), ("cutoff", "ascending")]).combine_chunks()


def differing(one: pa.Table, other: pa.Table) -> list[str]:
    """The columns in which two tables differ in any bit or in their type; what else differs, if anything does."""
    if one.schema != other.schema or len(one) != len(other):
        return [f"{len(one)} rows of {one.schema}", f"{len(other)} rows of {other.schema}"]
    one, other = sorted_(one), sorted_(other)
    return [n for n in one.column_names if bits(one[n]) != bits(other[n])]


def bits(column: pa.ChunkedArray) -> Any:
    """What must be equal: the bits of numbers, the values of all else."""
    return column.to_numpy().tobytes() if pa.types.is_floating(column.type) else column.to_pylist()


@cache
def shop(seed: int, logs: int = 12) -> History:
    """A random shop of all tables, whose customers have hostile names."""
    history = random_shop(seed, edges_of(FEATURES), logs)
    names = history.customers()
    hostile = [f"{HOSTILE[n % len(HOSTILE)]}{n // len(HOSTILE) or ''}" for n in range(len(names))]
    return history.renamed(dict(zip(names, hostile, strict=True)))


# Without Spark: what a worker does.


def batches_of(tables: Mapping[str, pa.Table], columns: Mapping[str, list[str]], seed: int) -> Iterator[pa.RecordBatch]:
    """All rows as a shuffle brings them: in any order, in batches that hold rows of several tables."""
    plain = []
    for place, (name, names) in enumerate(columns.items()):
        rows = tables[name].select(names)
        moments = {n: rows[n].cast(pa.int64()) if pa.types.is_timestamp(rows[n].type) else rows[n] for n in names}
        plain.append(pa.table({**moments, TABLE: pa.array(np.full(len(rows), place, dtype=np.int8))}))
    whole = pa.concat_tables(plain, promote_options="default")
    order = np.random.default_rng(seed).permutation(len(whole))
    yield from whole.take(order).combine_chunks().to_batches(max_chunksize=17)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("buckets", [1, 3])
def test_buckets_of_customers_give_the_rows_of_all(tmp_path: Path, seed: int, buckets: int) -> None:
    history = shop(seed, 4)
    facts = write(history, tmp_path)
    question = asked(facts, history.cutoffs, history.zone, FEATURES)
    columns = {name: sorted(read) for name, read in question.columns().items()}
    found = []
    for bucket in range(buckets):
        tables = {name: of_bucket(pq.read_table(facts / f"{name}.parquet"), bucket, buckets) for name in columns}
        found += bucket_features(batches_of(tables, columns, seed), columns, question)
    assert all(batch.num_rows <= ROWS_IN_BATCH for batch in found)
    assert differing(pa.Table.from_batches(found), here(facts, history, FEATURES)) == []


def of_bucket(table: pa.Table, bucket: int, buckets: int) -> pa.Table:
    """The rows of the customers that fall into a bucket."""
    falls = [sum(name.encode()) % buckets == bucket for name in table["customer_id"].to_pylist()]
    return table.filter(pa.array(falls, pa.bool_()))


def here(facts: Path, history: History, features: tuple[Feature, ...], jobs: int = 1) -> pa.Table:
    """The features as computed without Spark; none where nobody is a customer."""
    try:
        return features_table(facts, history.cutoffs, history.zone, features, jobs)
    except NotEnoughData:
        question = asked(facts, history.cutoffs, history.zone, features)
        return part_features({name: schema(name).empty_table() for name in question.columns()}, question)


def test_no_batch_is_no_row() -> None:
    columns = {"orders": ["customer_id", "ordered_at"]}
    assert apart([], columns)["orders"].schema == pa.schema([schema_of("orders").field(n) for n in columns["orders"]])
    assert list(bucket_features(iter([]), columns, None)) == []  # type: ignore[arg-type]


def test_a_column_of_several_tables_is_of_one_type() -> None:
    """Else the tables could not lie in one frame."""
    types: dict[str, set[pa.DataType]] = {}
    for table in MOMENTS:
        for field in schema_of(table):
            types.setdefault(field.name, set()).add(field.type)
    assert [name for name, found in types.items() if len(found) > 1] == []
    assert TABLE not in types
    assert MOMENTS.keys() <= TABLES.keys()


# What is said where Spark cannot run.


def test_without_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as error:
        session.local_session()
    assert str(error.value) == 'this needs Spark, which is not installed; run: pip install "winback[spark]"'


@pytest.mark.parametrize("home", [True, False])
def test_without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, home: bool) -> None:
    monkeypatch.setattr(session.importlib.util, "find_spec", lambda _: True)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path)) if home else monkeypatch.delenv("JAVA_HOME", raising=False)
    if not home:
        monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra) as error:
        session.check_installed()
    assert str(error.value) == (
        "Spark needs Java 17 or newer, and there is none: neither in JAVA_HOME nor on the PATH. "
        "Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME."
    )


# With Spark.


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session on two cores, in which every clock shows something else."""
    try:
        session.check_installed()
    except MissingExtra as missing:
        pytest.skip(str(missing))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Pacific/Apia")
        time.tzset()
        scratch = str(tmp_path_factory.mktemp("spark"))
        options = {
            "spark.sql.session.timeZone": "Asia/Kathmandu",
            "spark.driver.extraJavaOptions": "-Duser.timezone=America/St_Johns",
            "spark.local.dir": scratch,
            "spark.sql.warehouse.dir": scratch,
            "spark.sql.shuffle.partitions": "2",
        }
        opened = session.local_session(2, options)
        yield opened
        opened.stop()
    time.tzset()


ZONES = ["UTC", "America/Havana", "Pacific/Kiritimati", "Asia/Kathmandu"]


@pytest.mark.parametrize(("seed", "zone", "buckets"), [(11, ZONES[0], 1), (12, ZONES[1], 4), (13, ZONES[2], None)])
def test_same_bits_here_side_by_side_and_on_spark(
    tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch, seed: int, zone: str, buckets: int | None
) -> None:
    """All tables and features; late rows, later corrections, hostile names."""
    history = shop(seed)
    assert any(row["recorded_at"] > row[MOMENTS[n]] for n, rows in history.tables.items() for row in rows)
    facts = write(history.shuffled(random.Random(seed)), tmp_path / "it's [1] {2}", files=2)
    alone = here(facts, history, FEATURES)
    assert len(alone) > 20
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 20)
    write(history, tmp_path / "sorted", rows_in_a_group=20)
    assert len(parts.spans(tmp_path / "sorted", "orders")) > 3
    assert differing(here(tmp_path / "sorted", history, FEATURES, jobs=2), alone) == []
    spark.conf.set("spark.sql.session.timeZone", zone)
    answer = features_on_spark(read_facts(spark, facts), history.cutoffs, history.zone, FEATURES, buckets)
    assert differing(answer.toArrow(), alone) == []


def test_log_starts_are_those_of_the_files(tmp_path: Path, spark: Any) -> None:
    """Of every table at every cutoff."""
    history = shop(13)
    facts = write(history, tmp_path)
    question = asked(facts, history.cutoffs, history.zone, FEATURES)
    tables = read_facts(spark, facts)
    frames = {name: as_facts(name, tables[name], read) for name, read in question.columns().items()}
    found, rows = log_starts(frames, question)
    assert {name: days.tolist() for name, days in found.items()} == {
        name: days.tolist() for name, days in question.starts.items()
    }
    assert rows == sum(len(history.tables[name]) for name in frames)


def test_a_row_recorded_late_opens_the_log_late(tmp_path: Path, spark: Any) -> None:
    orders = order_rows([("c1", "2025-12-01", "2026-02-15"), ("c2", "2026-01-05", "2026-01-05")])
    store.write_table(tmp_path / "orders.parquet", orders)
    cutoffs = [dt.date(2025, 11, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1)]
    question = asked(tmp_path, cutoffs, "UTC", FEW)
    found, _ = log_starts(
        {"orders": as_facts("orders", read_facts(spark, tmp_path)["orders"], set(orders.column_names))}, question
    )
    opened = [dt.date(2025, 11, 1), dt.date(2026, 1, 5), dt.date(2025, 12, 1)]
    assert found["orders"].tolist() == [day_number(day) for day in opened]


def test_whoever_never_ordered_is_no_row(spark: Any) -> None:
    """Nor is it somebody whose only order was recorded too late; with nobody left, no row is an answer."""
    orders = order_rows([("c1", "2026-01-05", "2026-01-05"), ("c2", "2026-01-05", "2026-03-01")])
    events = pa.table(
        {"customer_id": ["c3"], "occurred_at": orders["ordered_at"][:1], "recorded_at": orders["ordered_at"][:1],
         "kind": ["visit"], "value": pa.array([None], pa.float64())}
    )  # fmt: skip
    tables = {"orders": spark.createDataFrame(orders), "events": spark.createDataFrame(events)}
    features = (*FEW, *declared.named(["visits_28d"]))
    answer = features_on_spark(tables, [dt.date(2026, 2, 1)], "Europe/Berlin", features).toArrow()
    assert answer["customer_id"].to_pylist() == ["c1"]
    assert answer["days_since_last_order"].to_pylist() == [26 + 23 / 24]
    nobody = features_on_spark(tables, [dt.date(2025, 1, 1)], "Europe/Berlin", features).toArrow()
    assert (len(nobody), nobody.schema) == (0, answer.schema)


def order_rows(rows: list[tuple[str, str, str]]) -> pa.Table:
    """Orders of 10.00: who, when, recorded when."""
    return pa.Table.from_pylist(
        [
            {"customer_id": who, "ordered_at": pd.Timestamp(at, tz="UTC"), "recorded_at": pd.Timestamp(known, tz="UTC"),
             "amount_cents": 1000, "part": 0, "line_count": 1, "order_id": who}
            for who, at, known in rows
        ],
        schema("orders"),
    )  # fmt: skip


def test_frames_that_do_not_fit_are_refused(spark: Any) -> None:
    good = spark.createDataFrame(order_rows([("c1", "2026-01-05", "2026-01-05")]))
    local = good.withColumn("ordered_at", good.ordered_at.cast("timestamp_ntz"))
    money = good.withColumn("amount_cents", good.amount_cents.cast("decimal(10,2)"))
    for tables, said in (
        (
            {"orders": local},
            "orders.ordered_at is of type timestamp_ntz in its frame, expected timestamp: an instant, not a reading of "
            "some clock.",
        ),
        ({"orders": money}, "orders.amount_cents is of type decimal(10,2) in its frame, expected bigint."),
        (
            {"events": good},
            "the features read the tables ['orders', 'subscriptions'], which are not among those given: ['events'].",
        ),
        ({"orders": good.drop("amount_cents")}, "orders has no column amount_cents, which the features read."),
    ):
        with pytest.raises(SourceError) as error:
            features_on_spark(tables, [dt.date(2026, 2, 1)], "UTC", FEW)
        assert str(error.value) == said


def test_no_facts_in_the_folder(tmp_path: Path, spark: Any) -> None:
    with pytest.raises(SourceError) as error:
        read_facts(spark, tmp_path)
    tables = ", ".join(parts.MOMENTS)
    assert str(error.value) == f"{tmp_path} holds none of the facts tables {tables}; is it the right folder?"


# Scores.


def test_scores_are_those_of_one_machine(tmp_path: Path, spark: Any) -> None:
    rows, model = scored_rows(), tmp_path / "model.skops"
    estimator = fitted(rows)
    sha256 = model_file.save(estimator, model)
    alone = score(estimator, rows, FEW, 0.5)
    assert 0 < alone["at_risk"].sum() < len(alone)
    spark.conf.set("spark.sql.session.timeZone", "America/Havana")
    frame = spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False)).repartition(5)
    found = sorted_(score_on_spark(frame, model, sha256, FEW, 0.5).toArrow())
    assert found.column_names == list(alone.columns)
    expected = sorted_(pa.Table.from_pandas(alone, preserve_index=False))
    assert [name for name in alone.columns if bits(found[name]) != bits(expected[name])] == []


def scored_rows() -> pd.DataFrame:
    """Rows to score, some features of them unknown."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({f.name: np.where(rng.random(500) < 0.1, np.nan, rng.gamma(2, 5, 500)) for f in FEW})
    moment = pd.Timestamp("2026-02-01T05:00Z").as_unit("us")
    keys = {"customer_id": [f"c{n:03}" for n in range(500)], "cutoff": moment}
    return pd.DataFrame(keys).join(rows)


def fitted(rows: pd.DataFrame) -> ChurnClassifier:
    """A small model of these rows."""
    left = np.random.default_rng(4).random(len(rows)) < rows[FEW[0].name].fillna(5) / 20
    model = ChurnClassifier(n_models=1, max_iter=10, min_samples_leaf=10, max_features=1.0)
    return model.fit(rows[[f.name for f in FEW]], left)


def test_another_model_or_other_rows_are_refused(tmp_path: Path, spark: Any) -> None:
    rows, model = scored_rows(), tmp_path / "model.skops"
    sha256 = model_file.save(fitted(rows), model)
    frame = spark.createDataFrame(pa.Table.from_pandas(rows.drop(columns="spend_28d"), preserve_index=False))
    with pytest.raises(FeatureMismatch) as error:
        score_on_spark(frame, model, sha256, FEW, 0.5)
    assert str(error.value) == "the model reads 1 columns that these rows lack (first: ['spend_28d'])."
    with pytest.raises(ModelRefused, match="was recorded for it"):
        score_on_spark(frame, model, "0" * 64, FEW, 0.5)


# A million.


@pytest.mark.deep
def test_same_bits_of_a_million_events(tmp_path: Path, spark: Any) -> None:
    """All tables; one process, two threads on several parts, Spark."""
    rng = np.random.default_rng(7)
    rows = dict.fromkeys(MOMENTS, 60_000) | {"orders": 400_000, "events": 1_000_000}
    for table, count in rows.items():
        made = many(table, count, rng)
        store.write_table(tmp_path / f"{table}.parquet", made, together="customer_id")
    assert len(parts.spans(tmp_path, "orders")) > 1
    cutoffs = [dt.date(2025, 3, 30), dt.date(2025, 10, 27), dt.date(2026, 1, 1)]
    alone = features_table(tmp_path, cutoffs, "Europe/Berlin", FEATURES)
    assert len(alone) > 50_000
    assert differing(features_table(tmp_path, cutoffs, "Europe/Berlin", FEATURES, jobs=2), alone) == []
    answer = features_on_spark(read_facts(spark, tmp_path), cutoffs, "Europe/Berlin", FEATURES)
    assert differing(answer.toArrow(), alone) == []


def many(table: str, count: int, rng: np.random.Generator) -> pa.Table:
    """So many random rows of a facts table over two years, one in seven recorded late, sorted as ingest does."""
    us = 1_704_067_200_000_000 + rng.integers(0, 731 * 86_400, count) * 1_000_000
    late = np.where(rng.random(count) < 0.15, rng.integers(1, 40 * 86_400, count) * 1_000_000, 0)
    columns: dict[str, Any] = {
        "customer_id": pa.array([f"c{n:05}" for n in (20_000 * rng.random(count) ** 2).astype(int).tolist()]),
        MOMENTS[table]: us,
        "recorded_at": us + late,
    }
    for field in schema(table):
        if field.name not in columns:
            columns[field.name] = any_values(table, field, us, rng)
    made = pa.table({field.name: pa.array(columns[field.name]).cast(field.type) for field in schema(table)})
    return made.sort_by([("customer_id", "ascending"), (MOMENTS[table], "ascending")]).combine_chunks()


def any_values(table: str, field: pa.Field, us: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """Values of one column, a tenth of them null where nulls may be."""
    count = len(us)
    mask = rng.random(count) < 0.1
    if pa.types.is_timestamp(field.type):
        return pa.array(us + rng.integers(0, 60 * 86_400, count) * 1_000_000, mask=rng.random(count) < 0.5)
    if field.name == "part":
        return pa.array((rng.random(count) < 0.05).astype(np.int64))
    if pa.types.is_string(field.type):
        words = [w for w in PERIODS if w] if field.name == "period" else WORDS.get((table, field.name), ["x"])
        return pa.array(np.array(words)[rng.integers(0, len(words), count)], mask=mask)
    low, high = {"auto_renew": (0, 2), "line_count": (0, 20)}.get(field.name, (-1_000, 1_000_000))
    numbers = rng.integers(low, high, count)
    full = field.name in ("amount_cents", "line_count")  # ingest never leaves these empty
    return pa.array(numbers / 1000 if pa.types.is_floating(field.type) else numbers, mask=None if full else mask)
