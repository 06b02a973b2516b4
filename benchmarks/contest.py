"""Contenders in turn, round after round, each in its own process; what each cost, and whether all agree."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = Path(__file__).parent
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2", "PYTHONHASHSEED": "0"}
CLOSE = 1e-9


@dataclass(frozen=True)
class Contender:
    """A name, the function that does the job, the job, and the Python it runs on."""

    name: str
    module: str
    function: str
    job: dict[str, Any]
    python: str = sys.executable
    rounds: int = 99  # slow ones may run in fewer rounds


@dataclass
class Costs:
    """What one contender cost, a number a round."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """The median CPU seconds."""
        return statistics.median(self.cpu)

    def line(self, name: str) -> str:
        """One line of the table."""
        cpu = f"{min(self.cpu):8.2f} {self.middle:8.2f} {max(self.cpu):8.2f}"
        return f"{name:<34} {cpu} {statistics.median(self.wall):8.2f} {max(self.mb):8.0f}"


HEADING = f"{'':<34} {'CPU s min':>8} {'median':>7} {'max':>8} {'wall s':>8} {'peak MB':>8}"


def run(contenders: Sequence[Contender], rounds: int, folder: Path) -> dict[str, Costs]:
    """What each contender cost; the results of the first round stay in `folder/<name>.parquet`."""
    costs = {c.name: Costs() for c in contenders}
    for number in range(rounds):
        for contender in (c for c in contenders if number < c.rounds):
            once(contender, costs[contender.name], result_file(folder, contender.name) if number == 0 else None)
            print(f"  round {number + 1}: {contender.name}: {costs[contender.name].cpu[-1]:.2f} CPU s", file=sys.stderr)
    return costs


def once(contender: Contender, costs: Costs, keep: Path | None) -> None:
    """Run one contender once and note what it cost."""
    job = contender.job | {"module": contender.module, "function": contender.function}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(job | ({"keep": str(keep)} if keep else {})))
        file.flush()
        command = [contender.python, "-W", "ignore", str(HERE / "contender.py"), file.name]
        done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contender.name} failed:\n{done.stderr[-3000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    for name, value in found.items():
        getattr(costs, name).append(value)


def surroundings() -> dict[str, str]:
    """The environment of the processes: two threads, and compiled modules kept, which must not be timed."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | QUIET


def result_file(folder: Path, name: str) -> Path:
    """Where a contender's result is kept."""
    return folder / f"{''.join(c if c.isalnum() else '-' for c in name)}.parquet"


def agree(ours: Path, other: Path, label: str) -> str:
    """A sentence: how many columns agree. Whole numbers must be equal, others to 1e-9; stops where they differ."""
    rows = pq.read_metadata(ours).num_rows
    if pq.read_metadata(other).num_rows != rows:
        raise SystemExit(f"{label}: {pq.read_metadata(other).num_rows:,} rows, ours {rows:,}")
    order, other_order = ordered(ours), ordered(other)
    names = [n for n in pq.read_schema(ours).names if n in pq.read_schema(other).names and n not in KEYS]
    for name in names:
        a, b = column(ours, name)[order], column(other, name)[other_order]
        if bad := differences(a, b):
            raise SystemExit(f"{label}: {name} differs in {bad:,} of {rows:,} rows")
    return f"{label}: the same {rows:,} rows x {len(names)} features"


KEYS = ("customer_id", "cutoff")


def ordered(path: Path) -> np.ndarray:
    """The places of a result's rows by customer and cutoff."""
    return pc.sort_indices(pq.read_table(path, columns=list(KEYS)), [(k, "ascending") for k in KEYS]).to_numpy()


def column(path: Path, name: str) -> np.ndarray:
    """One column as doubles, NaN for unknown."""
    found = pq.read_table(path, columns=[name])[name].cast("double")
    return found.fill_null(float("nan")).to_numpy()


def differences(a: np.ndarray, b: np.ndarray) -> int:
    """How many values differ: at all where `a` is whole numbers only, else by more than 1e-9 of them."""
    known = ~np.isnan(a)
    wrong = known != ~np.isnan(b)
    whole = bool((a[known] == np.rint(a[known])).all())
    near = 0.0 if whole else CLOSE * np.maximum(np.abs(a), np.abs(b)) + 1e-12
    with np.errstate(invalid="ignore"):
        return int((wrong | (known & (np.abs(a - b) > near))).sum())
