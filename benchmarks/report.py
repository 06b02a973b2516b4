"""How large the page of many customers is and how fast a browser opens it: `python benchmarks/report.py 50000`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import report_run
from test_report_browser import NAMES, OFFLINE
from winback.insight.report.page import page
from winback.insight.report.words import words

MARK = """<script>addEventListener("load", () => {
document.body.dataset.ready = Math.round(performance.now()); });</script></body>"""


def main(customers: int) -> None:
    """Write the page, open it three times, and tell the middle one."""
    browser = next(found for name in NAMES if (found := shutil.which(name)))
    start = time.perf_counter()
    text = page(report_run.run([f"C{n:06}" for n in range(customers)]), report_run.beside(), words("en", "EUR"))
    made = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(text.replace("</body>", MARK), "utf-8")
        command = [browser, *OFFLINE, f"--user-data-dir={folder}/profile", path.as_uri()]
        doms = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(3)]
    ready = sorted(int(re.search(r'data-ready="(\d+)"', dom)[1]) for dom in doms)
    print(f"{customers:,} customers: {len(text.encode()) / 1e6:.2f} MB, made in {made:.1f} s, ", end="")
    print(f"filled, sorted and shown {ready[1]} ms after navigation ({ready[0]} to {ready[2]})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
