"""One contender in a process of its own: `python contender.py JOB.json` does the job and prints what it cost.

The clock starts after the imports. `keep` in the job names a Parquet file for the result, written after
the clock has stopped.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path


def cpu_seconds() -> float:
    """User and system seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    status = Path("/proc/self/status")  # getrusage counts what the parent held before this program began, too
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Do the job and print one line of JSON."""
    job = json.loads(Path(sys.argv[1]).read_text())
    module = importlib.import_module(job["module"])
    work = getattr(module, job["function"])
    started, began, clock = cpu_seconds(), cpu_seconds(), time.perf_counter()
    result = work(job)
    cost = {"cpu": cpu_seconds() - began, "wall": time.perf_counter() - clock, "mb": peak_mb(), "start": started}
    if job.get("keep"):
        module.keep(result, Path(job["keep"]))
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
