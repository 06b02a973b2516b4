"""Time and memory from 1 to 100 million orders: 12 cutoffs, all features, written as Parquet.

    python benchmarks/scale.py [MILLIONS ...]

Not part of `make bench`: 100 million orders need about 13 GB of disk and, on two quiet cores, ten minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import contest
import features
import made_up
from contest import Contender, Costs

THREADS = 2


def measured(millions: float) -> tuple[Costs, float, float]:
    """What it cost to write the features of so many orders, and the sizes in MB of what was read and written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_up.make(folder / "facts", "orders", round(millions * 1e6))
        job = features.job(folder / "facts", features.TWELVE, THREADS) | {"out": str(folder / "out")}
        costs = Costs()
        contest.once(Contender("written", "ours", "written", job), costs, None)
        return costs, size(folder / "facts"), size(folder / "out")


def size(folder: Path) -> float:
    """MB of the files in a folder."""
    return sum(file.stat().st_size for file in folder.glob("*.parquet")) / 1e6


def slope(sizes: list[float], seconds: list[float]) -> float:
    """By what power of the orders the time grows: 1 is in proportion."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    """Print a line a size as it is done, and the slope."""
    sizes = [float(arg) for arg in sys.argv[1:]] or [1.0, 3.0, 10.0, 30.0, 100.0]
    count = len(features.job(Path(), [])["features"])
    print(f"{count} features, {len(features.TWELVE)} cutoffs, {THREADS} threads, written")
    print(f"{'orders':>12} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'read MB':>8} {'written MB':>10} {'made in':>8}")
    spent, began = [], time.perf_counter()
    for millions in sizes:
        costs, read, written = measured(millions)
        spent.append(costs.cpu[0])
        made = time.perf_counter() - began - sum(costs.wall)
        line = f"{costs.cpu[0]:8.1f} {costs.wall[0]:8.1f} {costs.mb[0]:8.0f} {read:8.0f} {written:10.0f} {made:8.0f}"
        print(f"{millions * 1e6:12,.0f} {line}", flush=True)
        began = time.perf_counter()
    if len(sizes) > 1:
        print(f"CPU seconds grow with the orders to the power of {slope(sizes, spent):.2f}")


if __name__ == "__main__":
    main()
