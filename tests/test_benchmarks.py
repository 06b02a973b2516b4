"""The benchmarks compare equal things: on few rows every contender of our environment gives our answers."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """A module of the benchmarks by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def kept(module, result, path: Path) -> Path:
    """Where a contender's result was written."""
    module.keep(result, path)
    return path


@pytest.mark.parametrize(
    ("module", "function", "count", "cutoffs"),
    [
        ("peers_sql", "segments", 96, "ONE"),
        ("peers_sql", "segments", 96, "TWELVE"),
        ("peers_pandas", "loop", 114, "ONE"),
    ],
)
def test_the_features_of_orders_are_the_same(bench, tmp_path, module, function, count, cutoffs):
    bench("made_up").make(tmp_path, "orders", 3_000)
    job = bench("features").job(tmp_path, getattr(bench("features"), cutoffs))
    ours, peer = bench("ours"), bench(module)
    mine = kept(ours, ours.in_memory(job), tmp_path / "mine.parquet")
    theirs = kept(peer, getattr(peer, function)(job), tmp_path / "theirs.parquet")
    assert bench("contest").agree(mine, theirs, "peer").endswith(f" rows x {count} features")


@pytest.mark.parametrize(
    "case", ["different products", "orders on time", "5 % of orders late", "orders, events, tickets"]
)
def test_the_features_of_several_tables_are_the_same(bench, tmp_path, case):
    make, tables = bench("other_tables").CASES[case]
    make(tmp_path, 60_000)  # few tickets, but some on the first days: SQL takes the log to begin with the data
    job = bench("other_tables").job(tmp_path, tables)
    ours, peer = bench("ours"), bench("peers_tables")
    mine = kept(ours, ours.in_memory(job), tmp_path / "mine.parquet")
    theirs = kept(peer, peer.by_cutoff(job), tmp_path / "theirs.parquet")
    assert bench("contest").agree(mine, theirs, "SQL").endswith(f" x {len(job['only'])} features")


def test_a_difference_stops_the_comparison(bench, tmp_path):
    bench("made_up").make(tmp_path, "orders", 3_000)
    job = bench("features").job(tmp_path, bench("features").ONE)
    ours = bench("ours")
    found = ours.in_memory(job)
    spend = found["spend_total"].to_numpy() + np.eye(1, len(found))[0]
    place = found.column_names.index("spend_total")
    mine = kept(ours, found, tmp_path / "mine.parquet")
    theirs = kept(ours, found.set_column(place, "spend_total", [spend]), tmp_path / "theirs.parquet")
    with pytest.raises(SystemExit, match=f"^peer: spend_total differs in 1 of {len(found)} rows$"):
        bench("contest").agree(mine, theirs, "peer")


@pytest.mark.parametrize(
    ("a", "b", "count"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-12], 1),  # whole numbers are equal or not
        ([0.5, 2.0], [0.5, 2.0 + 1e-12], 0),
        ([0.5, 2.0], [0.5, 2.1], 1),
        ([0.5, np.nan], [0.5, np.nan], 0),
        ([0.5, np.nan], [0.5, 0.0], 1),
        ([0.5, 0.0], [0.5, np.nan], 1),
    ],
)
def test_what_differs(bench, a, b, count):
    assert bench("contest").differences(np.array(a), np.array(b)) == count


def test_the_made_up_orders_are_those_of_any_run(bench, tmp_path):
    for name in ("first", "second"):
        bench("made_up").make(tmp_path / name, "orders", 2_000, late=0.05)
    first, second = ((tmp_path / name / "orders.parquet").read_bytes() for name in ("first", "second"))
    assert first == second
