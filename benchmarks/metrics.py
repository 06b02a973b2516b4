"""Seconds and memory of every metric of two years of orders: `python benchmarks/metrics.py 10000000`."""

from __future__ import annotations

import datetime as dt
import resource
import sys
import time

import numpy as np
import pandas as pd

from winback.insight.metrics.ages import by_age
from winback.insight.metrics.coded import Tables
from winback.insight.metrics.periods import EPOCH, periods
from winback.insight.metrics.table import Terms, by_period

FIRST, UNTIL = dt.date(2024, 1, 1), dt.date(2026, 1, 1)


def made(rows: int) -> pd.DataFrame:
    """So many orders of a tenth as many customers."""
    rng = np.random.default_rng(1)
    low, high = ((day - EPOCH).days for day in (FIRST, UNTIL))
    who = rng.integers(0, rows // 10, rows)
    day = rng.integers(low, high, rows)
    return pd.DataFrame({"customer_id": pd.Series(who.astype(str)), "day": day, "amount": rng.gamma(2.0, 15.0, rows)})


def main(rows: int) -> None:
    """Make the orders and take the time."""
    orders = made(rows)
    terms = Terms(90, 0.3, UNTIL)
    start = time.process_time()
    table = by_period(Tables(orders=orders), periods(FIRST, UNTIL, "month"), terms)
    middle = time.process_time()
    ages = by_age(Tables(orders=orders), terms)
    end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{rows:,} orders: by period {middle - start:.1f} s CPU ({len(table)} figures), ", end="")
    print(f"by age {end - middle:.1f} s CPU ({len(ages)} figures), at most {peak:.1f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
