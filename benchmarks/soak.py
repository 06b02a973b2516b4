"""A year of nights, one after the other, and what grows meanwhile: python benchmarks/soak.py [NIGHTS] [FOLDER]

A made-up shop of a few hundred customers writes a file of orders a day. Each night is what a scheduler starts: ingest,
consent, scores, decisions, list, gate, publishing, history, tidying; a model is trained anew when it is too old. After
each night: seconds, memory of this process, open files, threads, temporary files and locks, and the size of each part
of the project. At the end a few nights as processes of their own.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from winback import config, jobs, runs, training
from winback.attempting import Asked, attempt, tidied_after
from winback.errors import WinbackError

FIRST = dt.date(2025, 1, 1)
HISTORY_DAYS, CUSTOMERS, MODEL_DAYS = 260, 300, 120
CONFIG = """
[project]
currency = "EUR"
[sources.orders]
path = "orders"
columns = { customer_id = "customer_id", ordered_at = "ordered_at", amount = "amount" }
[model]
spec = "small.toml"
[cutoffs]
every = "month"
[gates]
min_customers = 50
min_positives = 20
min_negatives = 20
[consent]
kept_elsewhere = true
[publish]
max_score_index = 3.0
max_at_risk_change = 0.5
max_feature_index = 3.0
[offers]
at_risk_probability = 0.5
value_days = 3650
budget = 20.0
catalogue = "few.toml"
[retention]
keep_runs_days = 60
keep_facts_days = 7
keep_unpublished_days = 30
keep_models_days = 30
"""
SPEC = """
name = "small"
horizon_days = 28
active_days = 90
[estimator]
n_models = 1
learning_rate = 0.1
max_iter = 20
max_features = 0.5
[gates]
min_customers = 200
min_churned = 20
min_auc_gain = -0.2
max_calibration_error = 0.2
"""

CATALOGUE = """
[[actions]]
id = "mail"
name = "A mail"
message = "We miss you"
family = "recognition"
drivers = ["any"]
stages = ["new", "active", "cooling", "lapsed", "returned"]
channels = ["email"]
contact_cost = 0.05
incentive_cost = 0.0
accept_rate = 0.5
accept_rate_strength = 50
save_rate = 0.05
save_rate_strength = 50
[[actions]]
id = "voucher"
name = "A voucher"
message = "5 EUR for you"
family = "money_off"
drivers = ["any"]
channels = ["email"]
contact_cost = 0.05
incentive_cost = 5.0
accept_rate = 0.2
accept_rate_strength = 50
save_rate = 0.1
save_rate_strength = 50
cooldown_days = 30
"""


def lay_down(folder: Path) -> Path:
    """The configuration of a shop whose orders up to the first night are written."""
    (folder / "orders").mkdir(parents=True)
    (folder / "winback.toml").write_text(CONFIG, "utf-8")
    (folder / "small.toml").write_text(SPEC, "utf-8")
    (folder / "few.toml").write_text(CATALOGUE, "utf-8")
    write_days(folder, FIRST - dt.timedelta(days=HISTORY_DAYS), FIRST, "before")
    return folder / "winback.toml"


def orders_of(day: dt.date) -> list[str]:
    """The orders of a day: everybody buys now and then, and rests for weeks; a stream of new customers."""
    number = (day - FIRST).days + HISTORY_DAYS
    rng = np.random.default_rng([7, number])
    who = np.arange(CUSTOMERS + number // 3)  # every third day one more
    pace = 0.03 + 0.1 * np.random.default_rng(1).random(2000)[who]
    asleep = np.sin(number / 45 + who * 2.4) > 0.45
    bought = who[(rng.random(len(who)) < pace) & ~asleep]
    return [f"C{one:05},{day}T{rng.integers(8, 20):02}:00:00,{rng.gamma(2, 15):.2f}" for one in bought]


def write_days(folder: Path, first: dt.date, last: dt.date, name: str) -> None:
    """The orders of [first, last) in one file."""
    days = [first + dt.timedelta(days=n) for n in range((last - first).days)]
    lines = [line for day in days for line in orders_of(day)]
    (folder / "orders" / f"{name}.csv").write_text("\n".join(["customer_id,ordered_at,amount", *lines]) + "\n", "utf-8")


def night(path: Path, day: dt.date) -> dict[str, Any]:
    """The line of the history of one night, as a scheduler would have it."""
    write_days(path.parent, day - dt.timedelta(days=1), day, (day - dt.timedelta(days=1)).isoformat())
    clock = lambda: dt.datetime.combine(day, dt.time(4), dt.UTC)  # noqa: E731
    asked, row = Asked(config.load(path), path.parent, day), dict[str, Any]()
    try:
        attempt(asked, lambda _: None, clock, row)
    except WinbackError as error:
        row["said"] = str(error).splitlines()[-2:]
    else:
        tidied_after(asked, clock())
    return row


def retrained(path: Path, day: dt.date) -> str:
    """What came of training anew."""
    received = dt.datetime.combine(day, dt.time(5), dt.UTC)
    job = jobs.prepare(config.load(path), path.parent, day, received)
    try:
        with runs.project_lock(job.state):
            training.taken_in(job)
            version = training.enrolled(job, training.trained(job, lambda _: None))
    except WinbackError as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    return f"version {version.version}"


def measured(folder: Path) -> dict[str, Any]:
    """What this process holds, what lies about, and how large each part of the project is, in kilobytes."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    places = {"runs": folder / "runs"} | {path.name: path for path in sorted((folder / "state").iterdir())}
    litter = [path for path in folder.rglob("*") if path.name.endswith((".tmp", ".spill")) or "consent-" in path.name]
    return {
        "rss_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        "open_files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": threading.active_count(),
        "temporary": len(litter) + len(list(Path(tempfile.gettempdir()).glob("consent-*"))),
        "at_work": len(list((folder / "state/history/at_work").iterdir())),
        "run_folders": len(list((folder / "runs").glob("????-*"))),
        "facts_folders": len(list((folder / "state/facts").iterdir())),
        "kb": {name: size(path) // 1000 for name, path in places.items()},
    }


def size(path: Path) -> int:
    """The bytes below a path, what is linked twice counted once."""
    stats = [each.lstat() for each in (path.rglob("*") if path.is_dir() else [path]) if each.is_file()]
    return sum({(stat.st_dev, stat.st_ino): stat.st_size for stat in stats}.values())


def in_processes(path: Path, first: dt.date, nights: int) -> list[dict[str, Any]]:
    """One row a night that was a process of its own: exit code, seconds, most memory."""
    command, rows = Path(sysconfig.get_path("scripts")) / "winback", []
    for number in range(nights):
        day = first + dt.timedelta(days=number)
        write_days(path.parent, day - dt.timedelta(days=1), day, (day - dt.timedelta(days=1)).isoformat())
        began = time.perf_counter()
        child = subprocess.Popen([command, "run", "--config", path, "--date", str(day), "--json"], stdout=-3, stderr=-3)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = round(time.perf_counter() - began, 1)
        rows.append({"day": str(day), "exit": child.returncode, "s": seconds, "rss_mb": round(used.ru_maxrss / 1024)})
    return rows


def soak(nights: int, folder: Path, say: Any = print) -> list[dict[str, Any]]:
    """One row a night."""
    path, rows, trained = lay_down(folder), [], FIRST
    for number in range(nights):
        day, began, cpu = FIRST + dt.timedelta(days=number), time.perf_counter(), time.process_time()
        told = night(path, day)
        row = {"night": number + 1, "day": str(day), "outcome": told["outcome"], "said": told.get("said")}
        row |= {"s": round(time.perf_counter() - began, 2), "cpu_s": round(time.process_time() - cpu, 2)}
        if (day - trained).days >= MODEL_DAYS:
            row["retrained"], trained = retrained(path, day), day
        rows.append({**row, "listed": told.get("listed"), **measured(folder)})
        say(json.dumps(rows[-1]), flush=True)
    return rows


def main(nights: int, folder: Path) -> None:
    """Print a line a night, then those that were processes of their own."""
    soak(nights, folder)
    for row in in_processes(folder / "winback.toml", FIRST + dt.timedelta(days=nights), 5):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    main(int(given.get(0, 365)), Path(given.get(1) or Path(tempfile.mkdtemp(prefix="soak-")) / "shop"))
