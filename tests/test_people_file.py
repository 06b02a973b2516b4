"""The list for people: what it says, and that no cell of it can calculate."""

import csv
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.campaigns import people_file, words
from winback.campaigns.people_file import at_risk_list, in_headers, in_words
from winback.offers.catalogue import Action
from winback.people_text import safe_text, write_people_file

CUTOFF = pd.Timestamp("2026-01-01", tz="UTC")


def named(id_: str, name: str) -> Action:
    return Action(
        id=id_,
        name=name,
        message=f"Hint for {name}",
        family="content",
        drivers=("any",),
        channels=("email",),
        contact_cost=0.05,
        save_rate=0.1,
    )


NAMES = {"mail": named("mail", "Friendly mail"), "call": named("call", "Short call")}


def tables(*rows: tuple[str, float, str, str, float]) -> dict[str, pd.DataFrame]:
    """Scores, decisions and facts from rows of (customer, probability, action, cause, net gain)."""
    ids = pd.Series([row[0] for row in rows], dtype="str")
    p = np.array([row[1] for row in rows])
    decisions = pd.DataFrame(
        {
            "customer_id": ids,
            "cutoff": CUTOFF,
            "action": [row[2] for row in rows],
            "cause": [row[3] for row in rows],
            "channel": ["email" if row[2] != "leave_alone" else "" for row in rows],
            "contact_cost": 0.051,
            "incentive_cost": 1.999,
            "expected_cost": 1.0,
            "chance_kept": 0.1,
            "margin_at_stake": 123.456,
            "expected_net_gain": [row[4] for row in rows],
            "would_have_done": "mail",
            "needs_approval": False,
        }
    )
    scores = pd.DataFrame(
        {"customer_id": ids, "cutoff": CUTOFF, "probability": p, "at_risk": p >= 0.5, "model_version": "1"}
    )
    facts = pd.DataFrame(
        {
            "customer_id": ids,
            "last_order_at": pd.Timestamp("2025-11-20 23:30", tz="UTC"),
            "orders_90d": 3,
            "spend_90d": 88.888,
        }
    )
    return {"scores": scores, "decisions": decisions, "facts": facts}


def why(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "driver", "points", "sentence"])
    frame = frame.astype({"customer_id": "str", "driver": "str", "sentence": "str", "points": float})
    ranked = frame.sort_values(["customer_id", "points", "driver"], ascending=[True, False, True])
    return frame.assign(place=ranked.groupby("customer_id").cumcount() + 1)


def test_a_row_says_who_why_what_and_worth_how_much() -> None:
    reasons = why(
        ("a", "trend", 0.05, "Orders fell from 6 to 3"),
        ("a", "recency", 0.2312, "Last order 41 days ago, usually every 6"),
        ("a", "tenure", -0.4, "Customer for 9 years"),
        ("a", "breadth", 0.004, "Buys from 2 categories, had 5"),
        ("a", "habits", 0.0039, "Comes on other days"),
    )
    shop = tables(("a", 0.8734, "mail", "", 4.005))
    (row,) = at_risk_list(reasons=reasons, names=NAMES, **shop).to_dict("records")
    assert row == {
        "customer_id": "a",
        "chance_to_leave_percent": 87.3,
        "reason_1": "Adds 23 points: Last order 41 days ago, usually every 6",
        "reason_2": "Adds 5.0 points: Orders fell from 6 to 3",
        "reason_3": "Adds 0.4 points: Buys from 2 categories, had 5",
        "last_order": "2025-11-20",
        "orders_90d": 3,
        "spend_90d": 88.89,
        "what_to_do": "Friendly mail",
        "message_hint": "Hint for Friendly mail",
        "channel": "email",
        "approval": "",
        "contact_cost": 0.05,
        "incentive_cost": 2.0,
        "expected_net_gain": 4.0,
        "margin_at_stake": 123.46,
    }


def test_the_day_of_the_last_order_is_that_of_the_time_zone_the_column_carries() -> None:
    shop = tables(("a", 0.9, "mail", "", 4.0))
    shop["facts"]["last_order_at"] = shop["facts"]["last_order_at"].dt.tz_convert("Europe/Berlin")
    assert at_risk_list(reasons=why(), names=NAMES, **shop)["last_order"].tolist() == ["2025-11-21"]


def test_only_those_at_risk_are_listed_the_largest_gain_first_then_the_largest_chance_then_the_id() -> None:
    shop = tables(
        ("safe", 0.4, "leave_alone", "would_stay_anyway", 0.0),
        ("z", 0.6, "leave_alone", "held_out", 0.0),
        ("b", 0.7, "leave_alone", "over_budget", 0.0),
        ("a", 0.7, "leave_alone", "cannot_be_moved", 0.0),
        ("small", 0.9, "mail", "", 1.0),
        ("large", 0.5, "call", "", 2.0),
    )
    result = at_risk_list(reasons=why(), names=NAMES, **shop)
    assert result["customer_id"].tolist() == ["large", "small", "a", "b", "z"]
    assert result["what_to_do"].tolist() == [
        "Short call",
        "Friendly mail",
        "Leave alone: no action of ours answers the reasons",
        "Leave alone: worth it, but the budget is used up",
        "Leave alone: held out to measure the effect",
    ]
    assert result["message_hint"].tolist() == ["Hint for Short call", "Hint for Friendly mail", "", "", ""]
    assert result["reason_1"].tolist() == [""] * 5


def test_the_order_of_rows_in_the_tables_does_not_matter() -> None:
    shop = tables(*[(f"c{i}", 0.5 + i % 3 / 10, "mail", "", float(i % 4)) for i in range(30)])
    reasons = why(*[(f"c{i}", d, 0.1, d) for i in range(30) for d in ("trend", "recency", "breadth", "habits")])
    expected = at_risk_list(reasons=reasons, names=NAMES, **shop)
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in shop.items()}
    again = at_risk_list(reasons=reasons.sample(frac=1, random_state=4), names=NAMES, **shuffled)
    pd.testing.assert_frame_equal(again, expected)
    assert expected.loc[0, ["reason_1", "reason_2", "reason_3"]].tolist() == [
        "Adds 10 points: breadth",
        "Adds 10 points: habits",
        "Adds 10 points: recency",
    ]


def test_nobody_at_risk_is_an_empty_list_with_all_columns(tmp_path: Path) -> None:
    result = at_risk_list(reasons=why(), names=NAMES, **tables(("a", 0.1, "leave_alone", "would_stay_anyway", 0.0)))
    assert result.shape == (0, len(people_file.COLUMNS))
    write_people_file(tmp_path / "list.csv", result)
    assert pd.read_csv(tmp_path / "list.csv").columns.tolist() == list(people_file.COLUMNS)


TOLD = {
    "en": {
        "Customer": "a",
        "Chance to leave, %": 87.3,
        "Reason 1": "Adds 5.0 points: Orders fell from 6 to 3",
        "What to do": "Friendly mail",
        "What to say": "Hint for Friendly mail",
        "Channel": "email",
        "Approval": "needed",
        "Expected net gain, EUR": 4.0,
    },
    "ru": {
        "Клиент": "a",
        "Вероятность ухода, %": 87.3,
        "Причина 1": "Риск выше на 5,0 п. п.: Orders fell from 6 to 3",
        "Что сделать": "Письмо",
        "Что сказать": "Скажите спасибо",
        "Канал": "эл. почта",
        "Согласование": "нужно",
        "Ожидаемая чистая выгода, EUR": 4.0,
    },
    "zh": {
        "客户": "a",
        "流失概率（%）": 87.3,
        "原因 1": "风险增加 5.0 个百分点：Orders fell from 6 to 3",
        "建议措施": "友好邮件",
        "沟通要点": "表示感谢",
        "渠道": "邮件",
        "审批": "需要",
        "预期净收益（EUR）": 4.0,
    },
}


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_the_list_is_in_the_project_s_language(language: words.Language) -> None:
    mail = replace(
        NAMES["mail"],
        name={"en": "Friendly mail", "ru": "Письмо", "zh": "友好邮件"},
        message={"en": "Hint for Friendly mail", "ru": "Скажите спасибо", "zh": "表示感谢"},
    )
    shop = tables(("a", 0.8734, "mail", "", 4.0), ("b", 0.6, "leave_alone", "held_out", 0.0))
    shop["decisions"]["needs_approval"] = [True, False]
    reasons = why(("a", "trend", 0.05, "Orders fell from 6 to 3"))
    listed = at_risk_list(reasons=reasons, names={"mail": mail}, language=language, **shop)
    worded = in_headers(listed, language, "EUR")
    first, second = worded.to_dict("records")
    assert {header: first[header] for header in TOLD[language]} == TOLD[language]
    held = words.LEAVE_ALONE[language].format(words.CAUSES[language]["held_out"])
    assert second[words.HEADERS[language]["what_to_do"]] == held
    assert second[words.HEADERS[language]["approval"]] == ""
    assert len(set(worded.columns)) == len(people_file.COLUMNS)


def test_every_language_has_every_word() -> None:
    for table in (words.CAUSES, words.HEADERS):
        assert table["en"].keys() == table["ru"].keys() == table["zh"].keys()
        assert all(text.strip() == text != "" for each in table.values() for text in each.values())
    assert words.HEADERS["en"].keys() == set(people_file.COLUMNS)
    assert words.CHANNELS["ru"].keys() == words.CHANNELS["zh"].keys()
    for language in ("ru", "zh"):
        latin = re.compile(r"[A-Za-z]{2}")
        told = [*words.CAUSES[language].values(), *(text.format("") for text in words.HEADERS[language].values())]
        assert [text for text in told if latin.search(text)] == []


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_no_word_of_ours_is_one_that_a_spreadsheet_calculates(language: words.Language) -> None:
    told = [in_words(0.5, "", language), words.LEAVE_ALONE[language], words.NEEDS_APPROVAL[language]]
    told += [*words.HEADERS[language].values(), *words.CHANNELS[language].values()]
    assert [text for text in told if safe_text(text) != text] == []


@pytest.mark.parametrize("table", ["decisions", "facts"])
def test_a_customer_missing_from_a_table_is_refused_not_left_blank(table: str) -> None:
    shop = tables(("a", 0.9, "mail", "", 1.0), ("b", 0.9, "mail", "", 1.0))
    shop[table] = shop[table].iloc[:1]
    with pytest.raises(ValueError, match="customers at risk") as error:
        at_risk_list(reasons=why(), names=NAMES, **shop)
    assert str(error.value) == f"1 customers at risk are not in {table}: ['b']"


def test_an_action_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="have no words") as error:
        at_risk_list(reasons=why(), names=NAMES, **tables(("a", 0.9, "visit", "", 1.0)))
    assert str(error.value) == "decisions hold causes and actions that have no words: [\"('', 'visit')\"]"


@pytest.mark.parametrize(
    ("points", "shown"),
    [(0.0005, "0.1"), (0.05, "5.0"), (0.0994, "9.9"), (0.0996, "10"), (0.2349, "23"), (0.999, "100")],
)
def test_points_are_whole_from_ten_on(points: float, shown: str) -> None:
    assert in_words(points, "So") == f"Adds {shown} points: So"


# What a spreadsheet may calculate

TRIGGERS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
IGNORED = " \0\ufeff\u200b\u200c\u200d\u2060\xa0\u3000\u2003\x0b\x1f\x85\xad\u2028"
PAYLOADS = st.builds(
    lambda ignored, trigger, rest, before: before + ignored + trigger + rest,
    ignored=st.text(IGNORED, max_size=4),
    trigger=st.sampled_from(TRIGGERS),
    rest=st.sampled_from(["1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","y")', "SUM(A1:A9)", "10", ""])
    | st.text(TRIGGERS + IGNORED + "\"';,|a1", max_size=8),
    before=st.sampled_from(["", "", "", '"', '";', "a;", '","', 'x";"', "name\n", "\r\n", "'"]),
)


def is_live(cell: str) -> bool:
    """Whether a spreadsheet may calculate this text: told without the patterns of the module."""
    start = 0
    while start < len(cell) and cell[start] in IGNORED:
        start += 1
    return cell[start : start + 1] in tuple(TRIGGERS)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+44 20", "'+44 20"),
        ("-10", "'-10"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r\n=1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20a", "'\uff20a"),
        ("  =1", "'  =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u200b\0=1", "'\u200b =1"),
        ("\xa0=1", "'\xa0=1"),
        ("a;=1", "a;'=1"),
        ('a";" =1', 'a";\'" =1'),
        ("a\nb\r\nc\td", "a b c d"),
        ("a=b", "a=b"),
        ("'=1", "'=1"),
        ("2026-01-01", "2026-01-01"),
        ("anna@example.org", "anna@example.org"),
        ("Tea; coffee", "Tea; coffee"),
        ("", ""),
    ],
)
def test_text_that_would_calculate_gets_a_quote_and_other_text_does_not(text: str, safe: str) -> None:
    assert safe_text(text) == safe
    assert safe_text(safe) == safe


def read_back(path: Path) -> tuple[list[list[str]], list[list[str]]]:
    """All cells with header, as the csv module and as pandas read them."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        by_csv = list(csv.reader(handle, strict=True))
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, header=None, encoding="utf-8-sig")
    return by_csv, frame.to_numpy().tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(PAYLOADS, min_size=8, max_size=8), min_size=6, max_size=6))
def test_no_cell_and_no_header_is_live_whoever_reads_the_file(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]
) -> None:
    """60 files of 48 payloads, as ids, names, sentences and headers; also for who splits at semicolons."""
    path = tmp_path_factory.getbasetemp() / "payloads.csv"
    write_people_file(path, pd.DataFrame(cells[1:], columns=cells[0]))
    by_csv, by_pandas = read_back(path)
    assert by_csv == by_pandas
    assert [len(row) for row in by_csv] == [8] * 6
    assert [cell for row in by_csv for cell in row if is_live(cell)] == []
    lines = path.read_text("utf-8-sig").split("\n")
    assert len(lines) == 7
    pieces = [piece for line in lines for piece in line.split(";")]
    assert [piece for piece in pieces if is_live(piece) or is_live(piece.replace('"', ""))] == []


def test_the_payloads_are_live_before_they_are_made_safe() -> None:
    """The property above could not fail if its own detector were blind."""
    assert all(is_live(f"{skipped}{trigger}1") for skipped in ("", *IGNORED) for trigger in TRIGGERS)
    assert not any(is_live(text) for text in ("", "a", "'=1", " 1", "a=1"))


@settings(max_examples=20, deadline=None)
@given(st.lists(PAYLOADS, min_size=7, max_size=7))
def test_payloads_in_a_real_list_stay_text(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    shop = tables((texts[0], 0.9, "mail", "", 1.0), ("b", 0.9, "call", "", -0.5))
    names = {"mail": named("mail", texts[1] + "x"), "call": named("call", texts[2] + "x")}
    reasons = why(*[(texts[0], f"d{i}", 0.1, text) for i, text in enumerate(texts[3:])])
    path = tmp_path_factory.getbasetemp() / "list.csv"
    write_people_file(path, at_risk_list(reasons=reasons, names=names, **shop))
    by_csv, by_pandas = read_back(path)
    assert by_csv == by_pandas
    numbers = {number for number, name in enumerate(people_file.COLUMNS) if name == "expected_net_gain"}
    assert not any(is_live(cell) for row in by_csv for i, cell in enumerate(row) if i not in numbers)
    assert [row[14] for row in by_csv[1:]] == ["1.0", "-0.5"]


def test_a_file_is_utf8_with_a_mark_quoted_text_bare_numbers_and_one_line_a_row(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "name": ["\u0410\u043d\u043d\u0430", 'O"Neil\nLtd', None],
            "gain": [-10.5, np.nan, 3.0],
            "orders": [1, 2, 3],
            "mixed": ["-1", -1, pd.NaT],
            "kind": pd.Categorical(["-a", "b", None]),
        }
    )
    path = tmp_path / "list.csv"
    write_people_file(path, frame)
    assert path.read_bytes().decode("utf-8") == (
        '\ufeff"name","gain","orders","mixed","kind"\n'
        '"\u0410\u043d\u043d\u0430",-10.5,1,"\'-1","\'-a"\n'
        '"O""Neil Ltd","",2,-1,"b"\n'
        '"",3.0,3,"",""\n'
    )


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.csv"
    write_people_file(path, pd.DataFrame({"a": ["old"]}))
    before = path.read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="no space left"):
        write_people_file(path, pd.DataFrame({"a": ["new"]}))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["list.csv"]


def test_a_long_run_of_skipped_characters_is_read_once() -> None:
    """A pattern with two ways to read them would not end."""
    started = time.perf_counter()
    assert safe_text("\x1f\x85 " * 50_000 + "a").endswith("a")
    assert time.perf_counter() - started < 5
