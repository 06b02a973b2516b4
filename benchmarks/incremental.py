"""What one more day costs: orders of years loaded first, then the same with a file of one day beside them.

    python benchmarks/incremental.py [--rows 2000000] [--day 3000] [--grain row]

Prints CPU seconds of the whole process and seconds on the clock of both loads, and of a load after
which nothing was added. Files are made in a temporary folder from a seed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from winback.config import Sources, parse
from winback.facts.intake.load import load
from winback.facts.intake.sources import fingerprint

NAMES = {
    "order_id": "id",
    "customer_id": "who",
    "ordered_at": "at",
    "amount": "much",
    "category": "kind",
    "channel": "way",
}
FIRST = np.datetime64("2023-01-01", "s")


def rows(chance: np.random.Generator, first: int, count: int, days: tuple[int, int]) -> pa.Table:
    """Orders of some days, numbered from `first`, each of its own customer's and moment's."""
    seconds = np.sort(chance.integers(days[0] * 86_400, days[1] * 86_400, count))
    at = FIRST + seconds
    return pa.table(
        {
            "id": np.char.add("o", np.arange(first, first + count).astype(str)),
            "who": np.char.add("c", chance.integers(0, 200_000, count).astype(str)),
            "at": np.char.replace(at.astype(str), "T", " "),
            "much": chance.integers(100, 20_000, count) / 100,
            "kind": chance.choice(["tea", "cups", "pots", "late"], count),
            "way": chance.choice(["web", "app", "shop"], count),
        }
    )


def measured(work: Callable[[], object]) -> tuple[float, float, object]:
    """CPU seconds, seconds on the clock, and what came of it."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def main() -> None:
    """Three loads, a line each."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=2_000_000)
    asked.add_argument("--day", type=int, default=3_000)
    asked.add_argument("--grain", choices=["row", "line"], default="row")
    told = asked.parse_args()
    chance = np.random.default_rng(3)
    given = parse(Sources, {"orders": {"path": "orders/*.csv", "columns": NAMES, "grain": told.grain}}, "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "orders").mkdir()
        for part in range(20):
            size = told.rows // 20
            table = rows(chance, part * size, size, (part * 50, part * 50 + 50))
            pc.write_csv(table, base / "orders" / f"{part:03d}.csv")

        def take(number: int) -> list[object]:
            received = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
            return list(
                load(base / "facts" / str(number), given, base, fingerprint(given, base), ("UTC", received), "EUR")
            )

        first = measured(lambda: take(0))
        pc.write_csv(rows(chance, told.rows, told.day, (1000, 1001)), base / "orders" / "999.csv")
        second = measured(lambda: take(1))
        for name, (cpu, wall, done) in (("all files", first), ("one day more", second)):
            print(f"{name:<14} {cpu:7.2f} CPU s {wall:7.2f} s   {done[-1].accepted:,} rows in all")  # type: ignore[index]
        print(f"one day more costs {second[0] / first[0]:.1%} of the CPU and {second[1] / first[1]:.1%} of the time")


if __name__ == "__main__":
    main()
