"""What the same features cost on this machine alone and on Spark in local mode, to the same rows.

    python benchmarks/spark.py [ORDERS ...]

Needs `pip install "winback[spark]"` and Java. CPU seconds of winback, of the JVM and of Spark's workers
together; both read Parquet and write Parquet. Spark answers once before it is measured, on few rows: a
JVM is slow until it has compiled itself.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import made_up
import ours
from winback import store
from winback.errors import MissingExtra
from winback.facts.features.table import write_features
from winback.spark.features import features_on_spark
from winback.spark.session import local_session
from winback.spark.tables import read_facts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DECLARED = ours.declarations(Path(__file__).with_name("features_100.toml"))
CUTOFFS = [dt.date(2025, month, 1) for month in range(1, 13)]
ZONE = "Europe/Berlin"


def descendants(process: int) -> Iterator[Path]:
    """The folders in /proc of all processes that a process started, and those they started."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            yield Path(f"/proc/{child}")
            yield from descendants(int(child))


def cpu_seconds() -> float:
    """Of this process and of all below it, also those that ended."""
    ticks = [line.rsplit(")", 1)[1].split()[11:15] for line in _read("stat")]
    return time.process_time() + sum(int(tick) for line in ticks for tick in line) / 100


def peak_mb() -> dict[str, int]:
    """The largest memory that any process of each name has ever had, in MB."""
    peaks: dict[str, int] = {}
    for status in _read("status"):
        lines = dict(line.split(":", 1) for line in status.splitlines())
        name, peak = lines["Name"].strip(), int(lines.get("VmHWM", "0 kB").split()[0]) // 1024
        peaks[name] = max(peak, peaks.get(name, 0))
    return peaks


def _read(name: str) -> Iterator[str]:
    for folder in descendants(os.getpid()):
        try:
            yield (folder / name).read_text()
        except OSError:
            continue


def measured(label: str, clock: Callable[[], float], work: Callable[..., object], *arguments: object) -> None:
    """One line of the table, with the CPU seconds of a clock.

    What Spark does not do is timed by this process alone: idle workers end at any time, and those that
    nobody waited for take their seconds out of the sum over all processes.
    """
    cpu, wall = clock(), time.perf_counter()
    work(*arguments)
    print(f"{label:42} {clock() - cpu:8.1f} {time.perf_counter() - wall:8.1f}", flush=True)


def here(facts: Path, cutoffs: list[dt.date], out: Path, jobs: int) -> None:
    """The features written without Spark."""
    write_features(facts, cutoffs, ZONE, DECLARED, out, jobs=jobs)


def on_spark(spark: SparkSession, facts: Path, cutoffs: list[dt.date], out: Path) -> None:
    """The same written by Spark."""
    features_on_spark(read_facts(spark, facts), cutoffs, ZONE, DECLARED).write.mode("overwrite").parquet(str(out))


def fingerprint(folder: Path) -> tuple[object, ...]:
    """How many rows, and the sum of their hashes: the same for the same rows in any order."""
    with store.connect() as con:
        rows = con.read_parquet(f"{folder}/*.parquet").set_alias("t")
        found = rows.aggregate("count(*) AS n, sum(hash(t)::HUGEINT)::VARCHAR AS h")
        return tuple(found.to_arrow_table().to_pylist()[0].values())


def compare(folder: Path, orders: int, spark: SparkSession) -> None:
    """The lines of one size."""
    facts = folder / f"facts_{orders}"
    made_up.make(facts, "orders", orders)
    for cutoffs in (CUTOFFS[-1:], CUTOFFS):
        what = f"{orders:>10,} orders, {len(cutoffs):2} cutoffs"
        alone, spread = folder / "alone", folder / "spread"
        measured(f"{what}, here, 1 thread", time.process_time, here, facts, cutoffs, alone, 1)
        measured(f"{what}, here, 2 threads", time.process_time, here, facts, cutoffs, alone, 2)
        measured(f"{what}, Spark local[2]", cpu_seconds, on_spark, spark, facts, cutoffs, spread)
        same = fingerprint(alone) == fingerprint(spread)
        print("the same rows" if same else "NOT THE SAME ROWS", flush=True)
        shutil.rmtree(alone)


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_000_000, 10_000_000]
    try:
        spark = local_session(2, {"spark.driver.memory": "4g"})
    except MissingExtra as missing:
        print(missing)
        return
    print(f"{f'{len(DECLARED)} features':42} {'CPU s':>8} {'wall s':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_up.make(folder / "few", "orders", 50_000)
        measured(
            "the first answer of a session", cpu_seconds, on_spark, spark, folder / "few", CUTOFFS, folder / "spread"
        )
        for orders in sizes:
            compare(folder, orders, spark)
    print(f"largest memory of a process, MB: {peak_mb()}")
    spark.stop()


if __name__ == "__main__":
    main()
