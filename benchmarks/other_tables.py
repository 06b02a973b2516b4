"""Products, late rows and several tables: what they cost, each against the same in SQL.

    python benchmarks/other_tables.py [ROWS] [ROUNDS]

ROWS is the number of rows of the largest table; 12 cutoffs. Results are compared before a ratio is printed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import contest
import made_up
from contest import Contender
from features import TWELVE
from ours import declarations

DECLARED = contest.HERE / "features_tables.toml"


def products(facts: Path, rows: int) -> None:
    """Two lines an order, of 100,000 products."""
    made_up.make(facts, "orders", rows // 2)
    made_up.make(facts, "order_products", rows, scale=2)


def on_time(facts: Path, rows: int) -> None:
    """Orders that were recorded when they happened."""
    made_up.make(facts, "orders", rows)


def late(facts: Path, rows: int) -> None:
    """Orders of which one in twenty was recorded up to 30 days late."""
    made_up.make(facts, "orders", rows, late=0.05)


def several(facts: Path, rows: int) -> None:
    """Orders, six events an order, a ticket for ten orders; one row in a hundred recorded late."""
    made_up.make(facts, "orders", rows // 6, late=0.01)
    made_up.make(facts, "events", rows, late=0.01, scale=6)
    made_up.make(facts, "tickets", rows // 60, late=0.01, scale=0.1)


CASES: dict[str, tuple[Callable[[Path, int], None], tuple[str, ...]]] = {
    "different products": (products, ("order_products",)),
    "orders on time": (on_time, ("orders",)),
    "5 % of orders late": (late, ("orders",)),
    "orders, events, tickets": (several, ("orders", "events", "tickets", "tickets_resolved")),
}


def job(facts: Path, tables: tuple[str, ...]) -> dict[str, Any]:
    """What both contenders are told."""
    features = [f for f in declarations(DECLARED) if f.table in tables]
    told = ("name", "table", "kind", "measure", "of", "window", "where")
    return {
        "facts": str(facts),
        "cutoffs": TWELVE,
        "declared": str(DECLARED),
        "only": [f.name for f in features],
        "features": [{key: asdict(f)[key] for key in told} for f in features],
        "log_start": made_up.FIRST_DAY,
        "jobs": 1,
    }


def main() -> None:
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"{rows:,} rows, 12 cutoffs\n{contest.HEADING}   SQL / winback")
    for label, (make, tables) in CASES.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make(folder / "facts", rows)
            told = job(folder / "facts", tables)
            mine = Contender(f"winback: {label}", "ours", "in_memory", told)
            sql = Contender(f"SQL: {label}", "peers_tables", "by_cutoff", told)
            costs = contest.run([mine, sql], rounds, folder)
            files = [contest.result_file(folder, c.name) for c in (mine, sql)]
            print(costs[mine.name].line(mine.name))
            print(costs[sql.name].line(sql.name), f"  {costs[sql.name].middle / costs[mine.name].middle:.2f}")
            print("  " + contest.agree(files[0], files[1], "equal"))


if __name__ == "__main__":
    main()
