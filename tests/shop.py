"""A small shop to do whole runs on: the sample that comes with winback, asked by a model of one small ensemble.

A run takes a second or two, half of it the first time MLflow makes its database.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import winback
from winback import config, jobs, nightly

TEMPLATE = Path(winback.__file__).parent / "template"
TODAY, LATER, EARLIER = dt.date(2026, 2, 15), dt.date(2026, 2, 22), dt.date(2026, 2, 1)
RECEIVED = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)
TABLES = ("scores", "reasons", "assignments", "decisions")
OUTPUTS = (*(f"{table}.parquet" for table in TABLES), "at_risk.csv")

CONFIG = """
[project]
currency = "EUR"

[sources.orders]
path = "orders.csv"
columns.customer_id = "customer_id"
columns.ordered_at = "ordered_at"
columns.amount = "amount"
columns.discount = "discount"
columns.category = "category"
columns.channel = "channel"


[sources.events]
path = "events.csv"
columns = { customer_id = "customer_id", occurred_at = "occurred_at", kind = "kind" }

[sources.contacts]
path = "contacts.csv"
columns = { customer_id = "customer_id", contacted_at = "contacted_at", campaign = "campaign", channel = "channel" }

[gates]
min_customers = 50
min_positives = 20
min_negatives = 20

[model]
spec = "small.toml"

[cutoffs]
first = 2025-09-01
holdout = [2026-01-01]

[consent]
kept_elsewhere = true

[offers]
at_risk_probability = 0.3
budget = 20.0
"""
SPEC = """
name = "small"
horizon_days = 28
active_days = 90

[estimator]
n_models = 1
learning_rate = 0.1
max_iter = 20
max_features = 0.3

[gates]
min_customers = 200
min_churned = 50
min_auc_gain = -0.1
max_calibration_error = 0.1
"""


def lay_down(folder: Path, customers: int = 400) -> Path:
    """The configuration of a new shop in `folder`, with the first so many of the sample's 400 customers."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in ("orders", "events", "contacts"):
        header, lines = rows(TEMPLATE / "data" / "sample" / f"{table}.csv")
        kept = [line for line in lines if line.split(",")[0] <= f"C{customers:04}"]
        write_rows(folder / f"{table}.csv", header, kept)
    (folder / "small.toml").write_text(SPEC, "utf-8")
    (folder / "winback.toml").write_text(CONFIG, "utf-8")
    return folder / "winback.toml"


def copy(path: Path, folder: Path) -> Path:
    """The configuration of a copy of the shop of `path`, with all its runs and models."""
    shutil.copytree(path.parent, folder, symlinks=True)
    return folder / path.name


def edit(path: Path, old: str, new: str) -> None:
    """Replace `old`, which must be there once, in a text file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), "utf-8")


def rows(path: Path) -> tuple[str, list[str]]:
    """The header of a CSV file and its lines."""
    header, *lines = path.read_text("utf-8").splitlines()
    return header, lines


def write_rows(path: Path, header: str, lines: list[str]) -> None:
    """What `rows` reads."""
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")


def job(path: Path, today: dt.date = TODAY) -> jobs.Job:
    """What is to be done for a day."""
    return jobs.prepare(config.load(path), path.parent, today, RECEIVED)


def run(path: Path, today: dt.date = TODAY, *, replace: bool = True) -> tuple[Path, dict[str, Any], bool]:
    """Do it: the folder of the run, its summary, and whether anything was done. Nobody uses a list of these shops."""
    asked = job(path, today)
    summary, did = nightly.run(asked, lambda _: None, replace=replace)
    return asked.runs / asked.run_id, summary, did


def contents(folder: Path, names: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The bytes of every file below a folder, or of those named, by path."""
    found = [folder / name for name in names] or [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
