"""Against libraries that do a part of it: featuretools with cutoff times, and the summaries of lifetimes.

    python benchmarks/libraries.py [ORDERS]

featuretools gets 50,000 orders whatever ORDERS is: it would take too long on more.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import contest
import features
import made_up
from contest import Contender
from peer_environment import environment

FEW = 50_000
ROUNDS = 3
RFM = contest.HERE / "features_rfm.toml"


def with_cutoff_times(folder: Path, python: str) -> None:
    """Sums, counts and means in windows at 12 cutoffs, as featuretools computes them."""
    made_up.make(folder / "few", "orders", FEW)
    job = features.job(folder / "few", features.TWELVE)
    measures = ("rows", "spend", "discount", "lines", "pieces")
    job["only"] = [
        f["name"]
        for f in job["features"]
        if f["kind"] in ("total", "mean") and f["measure"] in measures and f["window"] in (28, 90, 180) and not f["lag"]
    ]
    mine = Contender("winback", "ours", "in_memory", job)
    theirs = Contender("featuretools", "peers_featuretools", "calculated", job, python, rounds=1)
    costs = contest.run([mine, theirs], ROUNDS, folder)
    files = [contest.result_file(folder, name) for name in costs]
    # A window that begins before the log is unknown to us, and a sum of what there is to featuretools;
    # a customer without a row in the window has no mean there, as here.
    known = folder / "known.parquet"
    pq.write_table(where_known(*map(pq.read_table, files)), known)
    print(contest.agree(files[0], known, f"featuretools, {FEW:,} orders"))
    rows = pq.read_metadata(files[0]).num_rows
    print(f"\n{contest.HEADING}\n" + "\n".join(cost.line(name) for name, cost in costs.items()))
    each = {name: rows / cost.middle for name, cost in costs.items()}
    print(f"rows of {len(job['only'])} features a CPU second: " + ", ".join(f"{n} {v:,.0f}" for n, v in each.items()))
    print(f"featuretools / winback: {costs['featuretools'].middle / costs['winback'].middle:.0f}\n")


def where_known(mine: pa.Table, theirs: pa.Table) -> pa.Table:
    """Their table, unknown wherever a whole column of a cutoff is unknown to us."""
    at = theirs["cutoff"].to_numpy()
    for name in (n for n in mine.column_names if n not in contest.KEYS):
        value = theirs[name].cast("double").to_numpy().copy()
        unknown = np.isnan(mine[name].to_numpy())
        for cutoff in np.unique(at):
            if unknown[mine["cutoff"].to_numpy() == cutoff].all():
                value[at == cutoff] = np.nan
        theirs = theirs.set_column(theirs.column_names.index(name), name, pa.array(value))
    return theirs


def summaries(folder: Path, rows: int, python: str) -> None:
    """Recency, frequency and money of every customer at one cutoff."""
    made_up.make(folder / "facts", "orders", rows)
    job = features.job(folder / "facts", features.ONE) | {"declared": str(RFM)}
    mine = Contender("winback", "ours", "in_memory", job)
    costs = contest.run([mine, Contender("lifetimes", "peers_lifetimes", "summary", job, python)], ROUNDS, folder)
    file = contest.result_file(folder, "winback")
    found = pq.read_table(file)
    last, first = (np.ceil(found[name].to_numpy()) for name in ("since_last", "since_first"))
    found = found.append_column("age", pa.array(first)).append_column("age_at_last", pa.array(first - last))
    pq.write_table(found, file)
    print(contest.agree(file, contest.result_file(folder, "lifetimes"), f"lifetimes, {rows:,} orders"))
    print(f"\n{contest.HEADING}\n" + "\n".join(cost.line(name) for name, cost in costs.items()))
    print(f"lifetimes / winback: {costs['lifetimes'].middle / costs['winback'].middle:.1f}")


def main() -> None:
    """Print both tables."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    python = environment()
    if python is None:
        return
    with tempfile.TemporaryDirectory() as name:
        with_cutoff_times(Path(name), python)
        summaries(Path(name), rows, python)


if __name__ == "__main__":
    main()
