"""More than a hundred features from the table of orders: against reading it, SQL, pandas and polars.

    python benchmarks/features.py [ORDERS] [ROUNDS]

Every contender works in a process of its own, in turn, on the same made-up orders (heavy-tailed customers,
two years); results are compared before a ratio is printed. CPU seconds are user and system time of all
threads, after the imports. Only the ratios of one run mean anything.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import contest
import made_up
import ours
from contest import Contender, Costs
from peer_environment import environment
from winback.facts.days import day_number

DECLARED = contest.HERE / "features_100.toml"
ONE = [day_number(dt.date(2025, 12, 1))]
TWELVE = [day_number(dt.date(2025, month, 1)) for month in range(1, 13)]
READ = ["customer_id", "ordered_at", "recorded_at", "amount_cents", "discount_cents", "quantity", "line_count", "part"]


def job(facts: Path, cutoffs: Sequence[int], jobs: int = 1) -> dict[str, Any]:
    """What every contender is told."""
    features = [asdict(f) for f in ours.declarations(DECLARED)]
    told = ("name", "kind", "measure", "of", "window", "lag", "n", "q", "prior", "over", "under")
    return {
        "facts": str(facts),
        "cutoffs": list(cutoffs),
        "declared": str(DECLARED),
        "features": [{key: f[key] for key in told} for f in features],
        "log_start": made_up.FIRST_DAY,
        "jobs": jobs,
        "columns": READ,
    }


def contenders(facts: Path, polars: str | None, slow_rounds: int) -> list[Contender]:
    """All that take part; `slow_rounds` is how often the others do theirs."""
    found = [Contender("decoding the columns", "peers_sql", "decoded", job(facts, ONE))]
    for label, cutoffs in (("1 cutoff", ONE), ("12 cutoffs", TWELVE)):
        few = slow_rounds
        found += [
            Contender(f"winback, {label}", "ours", "in_memory", job(facts, cutoffs)),
            Contender(f"winback on 2 threads, {label}", "ours", "in_memory", job(facts, cutoffs, 2)),
            Contender(f"SQL by segments, {label}", "peers_sql", "segments", job(facts, cutoffs), rounds=few),
            Contender(f"pandas, {label}", "peers_pandas", "loop", job(facts, cutoffs), rounds=few),
        ]
        if polars:
            found.append(Contender(f"polars, {label}", "peers_polars", "loop", job(facts, cutoffs), polars, few))
    return found


def ratios(costs: dict[str, Costs]) -> list[str]:
    """The lines of ratios, of medians of CPU seconds."""

    def over(a: str, b: str) -> str:
        return f"{a} / {b}: {costs[a].middle / costs[b].middle:.2f}"

    one, twelve = "winback, 1 cutoff", "winback, 12 cutoffs"
    peers = [name for name in costs if "winback" not in name and "cutoff" in name]
    return [
        over(one, "decoding the columns") + "   (goal: at most 7.5)",
        over(twelve, one) + "   (goal: at most 1.6)",
        *(over(name, one if ", 1 " in name else twelve) for name in peers),
    ]


def main() -> None:
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_up.make(folder / "facts", "orders", rows)
        costs = contest.run(contenders(folder / "facts", environment(), 1 if rows > 3_000_000 else 2), rounds, folder)
        for contestant in (n for n in costs if "cutoff" in n):
            mine = "winback, 1 cutoff" if ", 1 " in contestant else "winback, 12 cutoffs"
            if contestant != mine:
                files = (contest.result_file(folder, mine), contest.result_file(folder, contestant))
                print(contest.agree(*files, contestant))
    print(f"\n{rows:,} orders, {len(ours.declarations(DECLARED))} features\n{contest.HEADING}")
    print("\n".join(cost.line(n) for n, cost in costs.items()))
    print("\n".join(["", *ratios(costs)]))


if __name__ == "__main__":
    main()
