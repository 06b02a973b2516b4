"""The page in a browser, from disk and without a network: slider, search, sorting, pages; a silent console."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import report_run
from winback.insight.report.page import page
from winback.insight.report.words import words

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")
OFFLINE = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--proxy-server=127.0.0.1:9", "--enable-logging=stderr",
    "--dump-dom",
)  # fmt: skip
HOSTILE = "<img src=x onerror=document.title='hit'>"
IDS = [HOSTILE, *(f"c{n}" for n in range(500))]
ACT = """
<script>
const out = {}, one = (id) => document.getElementById(id);
const firsts = () => [...document.querySelectorAll("#people tbody th")].map((each) => each.textContent);
const move = (id, value) => { one(id).value = value; one(id).dispatchEvent(new Event("input")); };
out.start = [one("found").textContent, one("threshold-told").textContent, firsts()[0], one("at-page").textContent];
move("threshold", 50);
out.slid = [one("found").textContent, one("threshold-told").textContent, one("threshold-means").textContent];
move("threshold", 1); move("search", "C12 long since");
out.searched = firsts();
move("search", "<img");
out.hostile = [firsts(), document.images.length, document.title];
move("search", "");
one("on").click();
out.second = [one("at-page").textContent, one("back").disabled, firsts().length];
document.querySelector("#people thead button[data-column='0']").click();
out.sorted = [firsts().slice(0, 3), document.querySelector("#people thead th").getAttribute("aria-sort")];
out.wide = document.documentElement.scrollWidth <= document.documentElement.clientWidth;
document.body.dataset.out = JSON.stringify(out);
</script>
"""


def browsed(folder: Path, text: str, anchor: str = "", width: int = 1200) -> tuple[str, str]:
    """The page as the browser has made it, and what its console said."""
    path = folder / "page.html"
    path.write_text(text, "utf-8")
    profile = folder / f"profile-{width}"
    flags = [*OFFLINE, f"--user-data-dir={profile}", f"--window-size={width},900"]
    command = [str(BROWSER), *flags, f"{path.as_uri()}{anchor}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    said = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return done.stdout, said


def made(language: str = "en", ids: list[str] = IDS) -> str:
    return page(report_run.run(ids), report_run.beside(), words(language, "EUR"))


def test_slider_search_sorting_and_pages(tmp_path: Path):
    run = report_run.run(IDS)
    chance = run.frames["scores"]["probability"]
    dom, said = browsed(tmp_path, made().replace("</body>", f"{ACT}</body>"))
    assert said == ""
    out: dict[str, Any] = json.loads(html.unescape(re.search(r'data-out="(.*?)"', dom)[1]))
    listed = int((chance >= 0.3).sum())
    assert out["start"] == [f"{listed} found", "30%", HOSTILE, f"page 1 / {-(-listed // 50)}"]
    half = int((chance >= 0.5).sum())
    assert out["slid"][:2] == [f"{half} found", "50%"]
    assert out["slid"][2] == (
        f"{half} customers would be listed today. 50.0% (48.0%\u201352.0%) of the leavers caught, 12.5% "
        "(10.5%\u201314.5%) of those who stay disturbed (measured on past dates at 50%)."
    )
    assert out["searched"] == [f"c{n}" for n in (12, *range(120, 130))]
    assert out["hostile"] == [[HOSTILE], 0, "Who is about to leave 2026-03-01"]
    assert out["second"] == [f"page 2 / {-(-int((chance >= 0.01).sum()) // 50)}", False, 50]
    assert out["sorted"][1] == "ascending"
    assert out["sorted"][0][1:] == ["c0", "c1"]
    assert out["wide"] is True


@pytest.mark.parametrize(("language", "width"), [("ru", 500), ("zh", 800)])
def test_other_languages_and_a_link_with_a_search(tmp_path: Path, language: str, width: int):
    """A link keeps threshold and search; nothing is wider than the window."""
    measure = "<script>document.body.dataset.wide = document.documentElement.scrollWidth - innerWidth</script></body>"
    dom, said = browsed(tmp_path, made(language).replace("</body>", measure), "#t=1&q=c250", width)
    assert said == ""
    assert re.findall(r'<th scope="row">(c\d+)</th>', dom) == ["c250"]
    assert int(re.search(r'data-wide="(-?\d+)"', dom)[1]) <= 0
