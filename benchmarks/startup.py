"""How long `winback --help` takes beside Python doing nothing: the least of several, in seconds of CPU and clock."""

from __future__ import annotations

import resource
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

WINBACK = Path(sysconfig.get_path("scripts")) / "winback"
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "winback --help": [str(WINBACK), "--help"],
    "winback run --help": [str(WINBACK), "run", "--help"],
}


def measured(command: list[str], times: int) -> tuple[float, float]:
    """The least seconds of CPU and of the clock of so many calls."""
    found = []
    for _ in range(times):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock))
    return min(cpu for cpu, _ in found), min(clock for _, clock in found)


def main() -> None:
    """Print the table."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    least = measured(COMMANDS["python -c pass"], times)[0]
    for name, command in COMMANDS.items():
        cpu, clock = measured(command, times)
        print(f"{name:<20} {cpu:6.3f} s CPU  {clock:6.3f} s  {cpu / least:5.1f} x Python")


if __name__ == "__main__":
    main()
