"""One customer from events to decision: that nothing is told that was not known, and that it adds up."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nights
from winback import runs, store
from winback.campaigns.words import Language
from winback.cli import explain_words, main
from winback.cli.explain_text import Shown, print_story
from winback.errors import NotEnoughData, RunDamaged
from winback.facts.intake.contract_tables import HAPPENED
from winback.insight.story import EVENTS_TOLD, events, story

CUTOFF = pd.Timestamp("2026-02-15", tz="UTC")
LANGUAGES: tuple[Language, ...] = ("en", "ru", "zh")


CONFIG = """
[project]
currency = "EUR"

[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer_id", ordered_at = "ordered_at", amount = "amount" }
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a project with two published nights, and the orders that were known then."""
    root = tmp_path_factory.mktemp("project")
    (root / "winback.toml").write_text(CONFIG, "utf-8")
    for number in range(2):
        nights.run(root, number)
    last = nights.scores(1)["customer_id"].repeat(3).reset_index(drop=True)
    at = pd.Timestamp(nights.plan(1).day, tz="UTC") + pd.to_timedelta([-30, -20, 1] * nights.CUSTOMERS, unit="D")
    orders = pd.DataFrame({"customer_id": last, "order_id": "o", "ordered_at": at, "recorded_at": at})
    orders["amount_cents"] = range(1000, 1000 + len(orders))
    store.write_table(root / "state" / "facts" / "f" / "orders.parquet", orders.sort_values("customer_id"))
    return root / "winback.toml"


@pytest.fixture
def call(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Call winback in the project: exit code, what it printed, and what it said besides."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(project.parent)

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return called


def a_customer(project: Path, at_risk: bool) -> str:
    """Somebody who is, or is not, on the list of the current run."""
    scores = store.read_table(project.parent / "runs" / "current" / "scores.parquet").to_pandas()
    return str(scores.loc[scores["at_risk"] == at_risk, "customer_id"].iloc[0])


def told_of(project: Path, customer: str) -> dict[str, Any]:
    run = runs.current(project.parent / "runs")
    assert run is not None
    return story(run, project.parent / "state" / "facts" / runs.verify(run)["facts"], HAPPENED, customer)


def test_the_points_add_up_and_every_part_is_the_run_s_own(project: Path) -> None:
    customer = a_customer(project, at_risk=True)
    told = told_of(project, customer)
    points = sum(row["points"] for row in told["reasons"])
    assert told["score"]["base_rate"] + points == pytest.approx(told["score"]["probability"], abs=1e-5)
    run = project.parent / "runs" / "current"
    for part, table in (("decision", "decisions"), ("assignment", "assignments"), ("features", "features")):
        frame = store.read_table(run / f"{table}.parquet").to_pandas().set_index("customer_id")
        expected = frame.loc[customer]
        assert {name: value for name, value in told[part].items() if value is not None} == {
            name: value for name, value in expected.items() if not pd.isna(value)
        }
    assert [row["date"] for row in told["history"]] == ["2026-02-15", "2026-02-16"]
    assert told["events"]["count"] == {"orders": 2}  # the third lies behind the cutoff
    facts = store.read_table(project.parent / "state" / "facts" / "f" / "orders.parquet").to_pandas()
    mine = facts.loc[facts["customer_id"] == customer, "amount_cents"] / 100
    assert [row["what"] for row in told["events"]["newest"]] == [{"amount": mine.iloc[1]}, {"amount": mine.iloc[0]}]


def test_of_somebody_not_at_risk_all_is_told_but_what_was_weighed(project: Path) -> None:
    told = told_of(project, a_customer(project, at_risk=False))
    assert told["decision"]["cause"] == "would_stay_anyway"
    points = sum(row["points"] for row in told["reasons"])
    assert told["score"]["base_rate"] + points == pytest.approx(told["score"]["probability"], abs=1e-5)


def test_an_event_counts_where_it_happened_and_was_known_before_the_cutoff(tmp_path: Path) -> None:
    day = pd.Timedelta(days=1)
    rows = [
        ("a", CUTOFF - 2 * day, CUTOFF - 2 * day, "on time"),
        ("a", CUTOFF - 3 * day, CUTOFF - day, "late, but known"),
        ("a", CUTOFF - 3 * day, CUTOFF, "known too late"),
        ("a", CUTOFF, CUTOFF, "too late"),
        ("b", CUTOFF - day, CUTOFF - day, "another's"),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "occurred_at", "recorded_at", "kind"])
    store.write_table(tmp_path / "events.parquet", frame.iloc[:2])
    store.write_table(tmp_path / "events.1.parquet", frame.iloc[2:])
    people = pd.DataFrame({"customer_id": ["a"], "signed_up_at": [CUTOFF - 9 * day], "email": ["a@example.org"]})
    store.write_table(tmp_path / "customers.parquet", people)
    told = events(tmp_path, HAPPENED, "a", CUTOFF)
    assert told["count"] == {"events": 2, "customers": 1}
    assert [event["what"] for event in told["newest"]] == [{"kind": "on time"}, {"kind": "late, but known"}, {}]
    assert events(tmp_path, HAPPENED, "nobody", CUTOFF) == {"count": {}, "newest": []}


def test_of_many_events_the_newest_are_told(tmp_path: Path) -> None:
    at = [CUTOFF - pd.Timedelta(hours=n + 1) for n in range(40)]
    frame = pd.DataFrame(
        {"customer_id": "a", "occurred_at": at, "recorded_at": at, "kind": [str(n) for n in range(40)]}
    )
    store.write_table(tmp_path / "events.parquet", frame.sample(frac=1, random_state=1))
    told = events(tmp_path, HAPPENED, "a", CUTOFF)
    assert told["count"] == {"events": 40}
    assert [event["what"]["kind"] for event in told["newest"]] == [str(n) for n in range(EVENTS_TOLD)]


def test_json_holds_the_whole_story(project: Path, call: Any) -> None:
    customer = a_customer(project, at_risk=True)
    code, out, err = call("explain", "--customer", customer, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert list(told) == [
        *("customer_id", "run_id", "today", "events", "features", "score", "reasons", "candidates", "decision"),
        *("assignment", "history"),
    ]
    assert dt.datetime.fromisoformat(told["events"]["newest"][0]["at"]) < CUTOFF


def test_the_screen_has_the_six_steps_in_order_and_the_history_that_show_has(project: Path, call: Any) -> None:
    customer = a_customer(project, at_risk=True)
    code, out, err = call("explain", "--customer", customer)
    assert (code, err) == (0, "")
    words = explain_words.WORDS["en"]
    steps = [words[name] for name in ("events", "features", "score", "reasons", "candidates", "decision", "history")]
    places = [out.index(step) for step in steps]
    assert places == sorted(places)
    code, history, _ = call("show", "--customer", customer)
    assert code == 0
    assert len(history.splitlines()) == 2
    assert out.endswith(history)
    earlier = call("explain", "--customer", customer, "--run", call_run(project, "2026-02-15"))[1]
    assert f"Customer {customer} on 2026-02-15" in earlier


def call_run(project: Path, day: str) -> str:
    (found,) = (project.parent / "runs").glob(f"{day}-*")
    return found.name


def test_who_and_what_there_is_not(project: Path, call: Any) -> None:
    name = call_run(project, "2026-02-16")
    code, _, err = call("explain", "--customer", "nobody")
    assert (code, err.partition(":")[0]) == (1, "Error")
    assert f"run {name} did not score a customer 'nobody'" in err
    known = str(store.read_table(project.parent / "runs" / name / "scores.parquet")["customer_id"][0])
    assert f"Did you mean {known!r}?" in call("explain", "--customer", f" {known.lower().replace('0', '')}")[2]
    code, _, err = call("explain", "--customer", "c00x00", "--run", "2026-02-15-0")
    assert code == 1
    assert "is called '2026-02-15-0'; the newest are" in err
    with pytest.raises(NotEnoughData):
        told_of(project, "nobody")


def test_a_damaged_run_is_not_explained(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project.parent, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy" / "runs" / "current" / "reasons.parquet").write_bytes(b"damaged")
    with pytest.raises(RunDamaged):
        told_of(tmp_path / "copy" / "winback.toml", "c00x00")


# In every language, with all that there may be to tell

TOLD = {
    "customer_id": "[b]C1",
    "run_id": "2026-02-15-0",
    "today": "2026-02-15",
    "events": {
        "count": {"orders": 1234, "tickets": 1},
        "newest": [
            {
                "at": dt.datetime(2026, 2, 14, 23, 30, tzinfo=dt.UTC),
                "table": "tickets",
                "what": {"topic": "[x]", "csat": 2.0},
            },
            {
                "at": dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
                "table": "orders",
                "what": {"amount": 12.5, "discount": None},
            },
        ],
    },
    "features": {"orders_90d": 3},
    "score": {"probability": 0.62, "base_rate": 0.25, "stage": "cooling", "model_version": "7", "at_risk": True},
    "reasons": [
        {"driver": "recency", "points": 0.4, "feature": "days", "value": 41.0, "peers": 12.0, "sentence": "[late]"},
        {"driver": "rest", "points": -0.03, "feature": None, "value": None, "peers": None, "sentence": None},
    ],
    "candidates": [
        {
            "action": "call",
            "channel": "call",
            "chance_kept": 0.05,
            "expected_cost": 2.5,
            "expected_net_gain": 1234.5,
            "stands_against": "held_out",
        },
        {
            "action": "gift",
            "channel": "post",
            "chance_kept": 0.01,
            "expected_cost": 9.0,
            "expected_net_gain": -2.0,
            "stands_against": "not_worth_the_cost",
        },
        {
            "action": "mail",
            "channel": "email",
            "chance_kept": 0.01,
            "expected_cost": 0.1,
            "expected_net_gain": 1.0,
            "stands_against": "another_chosen",
        },
    ],
    "decision": {
        "action": "leave_alone",
        "cause": "held_out",
        "would_have_done": "call",
        "margin_at_stake": 99.0,
        "needs_approval": False,
    },
    "assignment": {"arm": "held_out", "held_by": "campaign", "stratum": "c1v2", "propensity": 0.145},
    "history": [
        {"date": "2026-02-15", "probability": 0.62, "stage": "cooling", "change": None, "drivers": {}},
        {"date": "2026-02-22", "probability": 0.7, "stage": "cooling", "change": 0.08, "drivers": {"recency": 0.05}},
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_in_every_language(language: Language, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    shown = Shown(language, "Europe/Berlin", "EUR", {"days": "DAYS"}, {"call": "Short [call]"})
    print_story(TOLD, shown)
    out = capsys.readouterr().out
    assert "[b]C1" in out
    assert "2026-02-15 00:30" in out  # by the business's clock
    assert {
        "en": "Leave alone: held out to measure the effect\nOtherwise it would have been: Short [call]",
        "ru": "Не беспокоить: контрольная группа, чтобы измерить эффект\nИначе было бы: Short [call]",
        "zh": "不打扰：对照组，用于衡量效果\n否则会采取：Short [call]",
    }[language] in out
    gain = {"en": "1,234.50", "ru": "1\u00a0234,50", "zh": "1,234.50"}[language]
    assert gain in out
    assert "{" not in out
    assert "_" not in out.replace("leave_alone", "")


def test_every_language_has_every_word() -> None:
    for table in (explain_words.WORDS,):
        assert table["en"].keys() == table["ru"].keys() == table["zh"].keys()
    for name in (explain_words.TABLES, explain_words.STAGES):
        assert name["ru"].keys() == name["zh"].keys()
    assert explain_words.TABLES["ru"].keys() == HAPPENED.keys()


def test_what_a_run_did_not_keep_is_said(capsys: Any) -> None:
    shown = Shown("en", "UTC", "EUR", {}, {})
    act = {**TOLD["decision"], "action": "call", "channel": "call", "expected_cost": 1.0, "expected_net_gain": 2.0}
    print_story({**TOLD, "candidates": None, "decision": {**act, "needs_approval": True}}, shown)
    out = capsys.readouterr().out
    assert "this run kept no candidates" in out
    assert "call, by call: costs 1.00 EUR, expected net gain 2.00 EUR\nIt needs approval." in out
    print_story({**TOLD, "candidates": [], "events": {"count": {}, "newest": []}}, shown)
    out = capsys.readouterr().out
    assert "nothing: only who is on the list is weighed" in out
    assert "nothing was known by then" in out
