"""The page of a run: what it says, what it hides, and that nothing in it can run or fetch."""

from __future__ import annotations

import html
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import report_run
import winback
from winback.insight.report.hiding import LEAST, hidden
from winback.insight.report.marketer import marketer, people
from winback.insight.report.page import SECTIONS, page
from winback.insight.report.words import LANGUAGES, words

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><b>",
    "a&amp;b",
    "\u2028x",
    "=1+1",
]
IDS = [*HOSTILE, *(f"c{n}" for n in range(800))]
VOID = {"meta", "link", "input", "path", "circle", "polyline"}


class Tree(HTMLParser):
    """Open elements, all ids, and every attribute that could fetch or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in VOID else [tag]
        for name, value in attrs:
            self.ids += [value or ""] if name == "id" else []
            if name.startswith("on") or (
                name in ("src", "href", "action") and not (value or "").startswith(("#", "data:,"))
            ):
                self.faults.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.faults.append(f"</{tag}> closes nothing")


def made(language: str = "en", customers: bool = True, ids: list[str] = IDS) -> str:
    return page(report_run.run(ids), report_run.beside(), words(language, "EUR"), customers)


def told(text: str) -> dict:
    return json.loads(re.search(r'(?s)<script type="application/json" id="told">(.*?)</script>', text)[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_and_fetches_nothing(language: str):
    text = made(language)
    tree = Tree()
    tree.feed(text)
    assert (tree.faults, tree.open) == ([], [])
    assert len(tree.ids) == len(set(tree.ids))
    assert set(SECTIONS) < set(tree.ids)
    assert f'<html lang="{language}">' in text
    assert "default-src 'none'" in html.unescape(text)
    assert not re.search(r"(?i)url\(|@import|fetch\(|XMLHttpRequest|innerHTML|https?://(?!www\.w3\.org/2000/svg)", text)
    assert text.count("<h1>") == 1
    assert text.count("<table") == text.count("<caption>")


def test_hostile_ids_stay_text():
    text = made()
    assert "<script>alert" not in text
    assert "<img" not in text
    assert told(text)["rows"]["id"][: len(HOSTILE)] == HOSTILE


def test_every_language_says_every_word():
    file = tomllib.loads((Path(winback.__file__).parent / "insight/report/words.toml").read_text("utf-8"))
    entries = {k: v for k, v in file.items() if "en" in v}
    entries |= {f"{group}.{k}": v for group in file.keys() - entries.keys() for k, v in file[group].items()}
    assert {name for name, entry in entries.items() if set(entry) != set(LANGUAGES) or not all(entry.values())} == set()
    marks = {name: [set(re.findall(r"\{\w+\}", entry[each])) for each in LANGUAGES] for name, entry in entries.items()}
    assert [name for name, found in marks.items() if found[0] != found[1] or found[1] != found[2]] == []


@pytest.mark.parametrize(
    ("language", "number", "share", "money"),
    [
        ("en", "1,234.5", "12.5%", "\u22122,000\u00a0EUR"),
        ("ru", "1\u202f234,5", "12,5\u00a0%", "\u22122\u202f000\u00a0EUR"),
        ("zh", "1,234.5", "12.5%", "\u22122,000\u00a0EUR"),
    ],
)
def test_numbers_are_written_as_the_language_does(language: str, number: str, share: str, money: str):
    said = words(language, "EUR")
    assert (said.number(1234.5, 1), said.percent(0.125), said.money(-2000.0)) == (number, share, money)
    assert said.number(float("nan")) == said.money(float("nan")) == said.percent(float("nan")) == "\u2013"
    assert said.number(-0.0001, 2) == said.number(0, 2)


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("ru", "0 repeated of 3,814", "0 повторов из 3\u202f814"),
        ("ru", "chances since the list of 2026-02-01", "вероятности с: списка от 2026-02-01"),
        ("ru", "mean chance", "средняя вероятность"),
        ("ru", "32.5%", "32,5\u00a0%"),
        ("ru", "AUC at least +0.057 above the best single rule", "AUC не менее чем на +0,057 выше лучшего правила"),
        ("zh", "customers of scores", "客户：评分"),
        ("ru", "agreed to by Ann", "agreed to by Ann"),  # what people write is left alone
        ("en", "1,181 rows", "1,181 rows"),
    ],
)
def test_sentences_of_other_parts_are_told_in_the_language(language: str, text: str, told: str):
    assert words(language, "EUR").phrase(text) == told


def parts_of(color: str) -> list[int]:
    """Red, green and blue of `#rrggbb` or `#rgb`."""
    full = color[1:] if len(color) == 7 else "".join(2 * c for c in color[1:])
    return [int(full[n : n + 2], 16) for n in (0, 2, 4)]


def luminance(color: str) -> float:
    """How light a colour is, as WCAG 2.1 has it."""
    parts = [each / 255 for each in parts_of(color)]
    light = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """`share` of the first colour over the second."""
    both = zip(parts_of(one), parts_of(other), strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in both)


def test_every_text_can_be_read_in_light_dark_and_print():
    """WCAG's 4.5 to 1 for text on its ground, also on the darkest cell of the heat map; 3 to 1 for what is drawn."""
    css = (Path(winback.__file__).parent / "insight/report/report.css").read_text("utf-8")
    palettes = [dict(re.findall(r"--(\w+): (#\w+)", each)) for each in re.findall(r":root \{(.*?)\}", css)]
    assert len(palettes) == 3
    for palette in palettes:
        colors = {name: mixed(value, value, 1.0) for name, value in (palettes[0] | palette).items()}
        for ground in (colors["ground"], colors["card"]):
            assert [name for name in ("ink", "soft", "a") if contrast(colors[name], ground) < 4.5] == []
            assert [name for name in ("b", "focus") if contrast(colors[name], ground) < 3] == []
        for share in (0.32, 0.62):  # a bar, and a cell of 100 %
            assert contrast(colors["ink"], mixed(colors["tint"], colors["card"], share)) >= 4.5


def test_small_groups_are_hidden_and_cannot_be_worked_out():
    text = made()
    rows = dict(re.findall(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', text))
    assert rows["A rare one"] == "<td>hidden</td><td></td><td></td>"  # three customers
    assert rows["Free delivery"] == "<td>hidden</td><td></td><td></td>"  # the other one would give it away
    assert rows["2026-02"] == "<td>hidden</td><td></td>"  # a cohort of nine
    assert rows["revenue per paying customer"] == "<td>hidden</td><td></td><td>\u2013</td><td></td>"  # of three
    assert rows["net promoter score"].endswith("<td>hidden</td><td></td>")  # of four in the period before
    assert "tiny-part" not in text
    assert "7.25" not in text


@given(st.lists(st.integers(0, 60), max_size=8))
def test_a_hidden_group_has_company(counts: list[int]):
    """No group below the least is told; a hidden sum is of no group alone while there is another."""
    marks = hidden(counts)
    assert all(mark for mark, count in zip(marks, counts, strict=True) if 0 < count < LEAST)
    assert not any(mark for mark, count in zip(marks, counts, strict=True) if count == 0)
    if sum(count > 0 for count in counts) > 1:
        assert sum(marks) != 1
    if any(marks) and sum(counts) >= LEAST:
        assert sum(count for mark, count in zip(marks, counts, strict=True) if mark) >= LEAST


def test_without_customers_names_none():
    text = made(customers=False)
    assert told(text)["rows"] == {}
    assert not [each for each in IDS if f'"{each}"' in text and each.startswith("c")]
    assert "This copy was made without the customers." in text


def test_fifty_thousand_customers_fit():
    """Short ids: all of them. Long ones: the likeliest to leave, and how many are not there."""
    text = made(ids=[f"C{n:06}" for n in range(50_000)])
    assert len(text.encode()) < 3_000_000
    whole = told(text)
    assert len(whole["rows"]["id"]) > 45_000
    assert whole["above"][0] == 50_000
    crowd = report_run.run([f"customer-{n:027}" for n in range(34_000)])
    rows = people(crowd, report_run.beside(), words("en", "EUR"))["rows"]
    assert {len(column) for column in rows.values()} == {len(rows["id"])}
    assert rows["id"] == crowd.frames["scores"]["customer_id"].head(len(rows["id"])).tolist()
    assert 25_000 < len(rows["id"]) < 34_000
    assert len(json.dumps(rows, separators=(",", ":"))) < 2_700_000
    left_out = f"{34_000 - len(rows['id']):,} customers with lower chances are not in this table."
    assert left_out in marketer(crowd, report_run.beside(), words("en", "EUR"))


def test_the_sections_say_what_lies_beside():
    text = made()
    for words_ in (
        "2026-02-22",
        "c1",
        "orders_90d",
        "promoted",
        "bad_date",
        "customers of scores",
        "85.0%",
        "+5.0 pts",
        "400 customers treated, 40 held out at random.",
        "customers kept",
        "<small>+10</small>",
        "not enough data yet",
    ):
        assert words_ in text, words_
    bare = page(report_run.run(IDS), report_run.Beside(), words("en", "EUR"))
    for words_ in (
        "No campaign has been measured yet.",
        "no published list before",
        "No whole period is in the log yet.",
    ):
        assert words_ in bare, words_
