"""The gates of the data: each refuses by naming the number that is missing, and lets the next day pass."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import healthy_shop
import shop
from healthy_shop import TODAY, WHEN, ZONE
from winback import config
from winback.config import Cutoffs, Source
from winback.errors import ConfigError, DataRefused
from winback.facts.check import gates
from winback.facts.check.gates import Gate
from winback.facts.intake.ingest import Accounting
from winback.limits import DataGates
from winback.risk.asking.readiness import training_gates
from winback.risk.asking.specs import Spec

ORDERS = Source(path="orders.csv", columns={"customer_id": "c", "ordered_at": "d", "amount": "a"})
SPEC = Spec(name="s", horizon_days=28)
SMALL = DataGates(min_customers=100, min_positives=5, min_negatives=50)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The orders of the healthy shop."""
    return written(tmp_path_factory.mktemp("facts"), healthy_shop.frames()["orders"])


def written(folder: Path, orders: pd.DataFrame) -> Path:
    """A facts folder with these orders."""
    return healthy_shop.write(folder, {"orders": orders})


def refusals(found: list[Gate]) -> dict[str, str]:
    """The sentences of the gates that refuse, by name."""
    return {gate.name: gate.refusal for gate in found if not gate.passed}


def test_the_healthy_shop_passes(facts: Path):
    found = training_gates(facts, WHEN, SPEC, Cutoffs(), SMALL)
    assert [gate.name for gate in found] == [
        "customers", "days of history", "recorded in time", "positives", "negatives",
    ]  # fmt: skip
    assert refusals(found) == {}
    assert gates.freshness_gate(facts, *WHEN, SMALL) == Gate("newest row", "at most 7 days", "0 days before")
    gates.refuse(found)


@pytest.mark.parametrize(
    ("limits", "name", "sentence"),
    [
        (
            replace(SMALL, min_customers=500),
            "customers",
            "350 customers are missing: 150 customers ordered before 2026-02-01, min_customers asks for 500.",
        ),
        (
            replace(SMALL, min_customers=151),
            "customers",
            "1 customer is missing: 150 customers ordered before 2026-02-01, min_customers asks for 151.",
        ),
        (
            replace(SMALL, min_history_days=400),
            "days of history",
            "4 more days of history are needed: the log starts on 2025-01-01, 396 days before 2026-02-01, and "
            "min_history_days asks for 400. Wait until 2026-02-05, load older rows, or choose a shorter horizon.",
        ),
        (
            replace(SMALL, min_negatives=151),
            "negatives",
            "1 negative is missing: 150 customers are not churned after a training cutoff, min_negatives asks for 151.",
        ),
    ],
)
def test_a_gate_names_what_is_missing(facts: Path, limits: DataGates, name: str, sentence: str):
    found = training_gates(facts, WHEN, SPEC, Cutoffs(), limits)
    assert refusals(found) == {name: sentence}
    with pytest.raises(DataRefused) as error:
        gates.refuse(found)
    assert str(error.value) == (
        f"{sentence}\n`winback check` shows all that is known of the data; the gates are set in [gates]."
    )


@pytest.mark.parametrize("outcomes", [[], [True], [True, True, False], [False] * 5 + [True] * 4])
def test_outcomes_are_counted_by_customer(outcomes: list[bool]):
    """Who leaves at three cutoffs is one positive; who stays once and leaves once counts for both."""
    rows = [(f"c{n}", cutoff, left) for n, left in enumerate(outcomes) for cutoff in (1, 2, 3)]
    both = [("b", 1, False), ("b", 2, True)]
    labelled = pd.DataFrame([*rows, *both], columns=["customer_id", "cutoff", "churned"])
    positives, negatives = gates.outcome_gates(labelled, DataGates(min_positives=1, min_negatives=1))
    assert (positives.found, negatives.found) == (str(sum(outcomes) + 1), str(len(outcomes) - sum(outcomes) + 1))
    found = refusals(list(gates.outcome_gates(labelled, DataGates(min_positives=100, min_negatives=1))))
    lacking = 99 - sum(outcomes)
    assert found == {
        "positives": f"{lacking} positives are missing: {sum(outcomes) + 1} customers are churned after a training "
        "cutoff, min_positives asks for 100."
    }


def test_a_history_too_short_is_said_in_days(tmp_path: Path):
    """And the outcomes, which nobody can count yet, are not spoken of."""
    orders = healthy_shop.frames()["orders"]
    short = orders[orders["ordered_at"] >= pd.Timestamp("2025-12-01T00:00", tz=ZONE)]
    found = training_gates(written(tmp_path, short), WHEN, SPEC, Cutoffs(), SMALL)
    assert [gate.name for gate in found] == ["customers", "days of history"]
    assert refusals(found) == {
        "days of history": "50 more days of history are needed: the log starts on 2025-12-01, 62 days before "
        "2026-02-01, and "
        "the question needs 112. Wait until 2026-03-23, load older rows, or choose a shorter horizon."
    }


@pytest.mark.parametrize(("starts", "missing"), [(-112, 0), (-111, 1), (-1, 111)])
def test_history_at_the_edge(starts: int, missing: int):
    gate = gates.history_gate(TODAY + dt.timedelta(days=starts), TODAY, gates.days_needed(28, None), DataGates())
    assert gate.passed == (missing == 0)
    assert gate.refusal.startswith(f"{missing} more days of history are needed" if missing else "")


@pytest.mark.parametrize(
    ("horizon", "active", "holdout_days", "days"),
    [(30, None, 0, 120), (28, 90, 0, 174), (28, 14, 0, 112), (28, None, 60, 172)],
)
def test_days_needed(horizon: int, active: int | None, holdout_days: int, days: int):
    assert gates.days_needed(horizon, active, holdout_days) == days


def test_cutoffs_that_the_history_does_not_allow(facts: Path):
    """The history would be long enough, but not for the cutoffs that are asked for."""
    late = Cutoffs(first=dt.date(2025, 12, 1))
    found = refusals(training_gates(facts, WHEN, SPEC, late, SMALL))
    assert list(found) == ["training cutoffs"]
    assert found["training cutoffs"].startswith("between the first usable cutoff 2025-12-01 and 2025-12-07")


@pytest.mark.parametrize(("days", "passed"), [(7, True), (8, False)])
def test_freshness(tmp_path: Path, days: int, passed: bool):
    """Whole days without an order before the day asked about."""
    orders = healthy_shop.frames()["orders"]
    last = TODAY - dt.timedelta(days=days)
    known = orders[orders["ordered_at"] < pd.Timestamp(last, tz=ZONE)]
    gate = gates.freshness_gate(written(tmp_path, known), *WHEN, DataGates())
    assert gate.passed == passed
    if not passed:
        assert gate.refusal == (
            "the newest order before 2026-02-01 is from 2026-01-23: 8 days lack, more than the 7 that "
            "max_silence_days "
            "allows. Is the feed complete? For a log that has ended, ask with --date 2026-01-24."
        )


def test_freshness_of_nothing(tmp_path: Path):
    gate = gates.freshness_gate(written(tmp_path, healthy_shop.frames()["orders"]), ZONE, dt.date(2024, 1, 1), SMALL)
    assert gate.refusal == "no order was recorded before 2024-01-01; check --date and the mapping of its dates."


def test_freshness_without_orders(tmp_path: Path):
    """A shop of subscriptions lives as long as it is paid or visited."""
    shop_ = healthy_shop.frames()
    facts = healthy_shop.write(tmp_path, {"payments": shop_["payments"]})
    assert gates.freshness_gate(facts, *WHEN, SMALL) == Gate("newest row", "at most 7 days", "0 days before")


def test_a_load_stamp_is_refused(tmp_path: Path):
    """recorded_at is when the history was loaded: at no training cutoff was anything known."""
    loaded = healthy_shop.frames()["orders"].assign(recorded_at=pd.Timestamp("2026-01-20", tz="UTC"))
    found = refusals(training_gates(written(tmp_path, loaded), WHEN, SPEC, Cutoffs(), SMALL))
    assert list(found) == ["training cutoffs"]
    assert found["training cutoffs"].startswith("nobody was in the cohort at any of the 12 training cutoffs from ")


@pytest.mark.parametrize(("every", "passed"), [(5, True), (4, False)])
def test_recorded_in_time(tmp_path: Path, every: int, passed: bool):
    """Of ten orders just before the cutoff, two or three became known after it."""
    cutoff = dt.date(2025, 6, 1)
    orders = healthy_shop.frames()["orders"].head(20)
    at = pd.Timestamp("2025-05-20 10:00", tz=ZONE).tz_convert("UTC")
    late = pd.to_timedelta([40 if n % every == 0 else 0 for n in range(20)], unit="D")
    facts = written(tmp_path, orders.assign(ordered_at=at, recorded_at=at + late))
    gate = gates.recorded_gate(facts, ZONE, [cutoff], DataGates())
    assert gate is not None
    assert gate.passed == passed
    if not passed:
        assert gate.refusal == (
            "of 20 orders in the 30 days before the training cutoffs only 15 (75.0%) were recorded by then, not the "
            "80.0% that min_recorded_share asks for: 1 too few. Is recorded_at the stamp of a later load?"
        )
    assert gates.recorded_gate(facts, ZONE, [dt.date(2024, 6, 1)], DataGates()) is None


@pytest.mark.parametrize(
    ("count", "sentences"),
    [
        (Accounting("orders", 100, 100, 0, 0, {}), []),
        (Accounting("orders", 100, 99, 0, 1, {"bad_date": 1}), []),
        (
            Accounting("orders", 100, 97, 0, 3, {"bad_date": 3}),
            [
                "3 of 100 rows of orders cannot be used, 3.0% and not the 1.0% that max_bad_share of "
                "[sources.orders] "
                "allows: 2 too many."
            ],
        ),
        (
            Accounting("orders", 100, 70, 0, 30, {"missing_customer_id": 25, "bad_date": 5}),
            [
                "30 of 100 rows of orders cannot be used, 30.0% and not the 1.0% that max_bad_share of "
                "[sources.orders] allows: 29 too many.",
                "orders lacks its customer_id in 25 of 100 rows, 25.0% and not the 20.0% that "
                "max_missing_share allows: "
                "5 too many.",
            ],
        ),
    ],
)
def test_rows_that_cannot_be_used(count: Accounting, sentences: list[str]):
    found = list(gates.source_gates([count], {"orders": ORDERS}, DataGates()))
    assert [gate.refusal for gate in found if not gate.passed] == sentences


def test_unknown_gates_are_refused(tmp_path: Path):
    path = shop.lay_down(tmp_path)
    shop.edit(path, "min_customers = 50", "min_customer = 3")
    with pytest.raises(ConfigError, match=r"gates.min_customer: unknown key. Did you mean 'min_customers'\?"):
        config.load(path)


def winback(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a scheduler calls it."""
    program = "from winback.cli import main; main()"
    env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, args)], capture_output=True, text=True, check=False, env=env
    )


def test_check_refuses_in_words_and_in_its_exit_code(tmp_path: Path):
    """400 customers are fewer than 500; the report goes out all the same, and nothing of it stays but the lock."""
    path = shop.lay_down(tmp_path)
    shop.edit(path, "min_customers = 50", "min_customers = 500")
    done = winback("check", "--config", path, "--date", "2026-02-15")
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "winback check  2026-02-15"
    assert any(line.startswith("orders: ") and line.endswith(" 0 duplicates, 0 refused") for line in lines)
    refused = next(n for n, line in enumerate(lines) if line.startswith("  REFUSED"))
    assert lines[refused].split() == ["REFUSED", "customers", "needed", "500", "found", lines[refused].split()[-1]]
    assert lines[refused + 1].strip().endswith("customers ordered before 2026-02-15, min_customers asks for 500.")
    assert lines[-1].endswith("Refused: customers.")
    assert not (tmp_path / "state" / "check" / "facts").exists()


def test_check_passes_and_tells_it_as_json(tmp_path: Path):
    path = shop.lay_down(tmp_path)
    shop.edit(path, "min_customers = 50\nmin_positives = 20", "min_customers = 300\nmin_positives = 50")
    done = winback("check", "--config", path, "--date", "2026-02-15", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["passed"]
    assert told["date"] == "2026-02-15"
    assert {gate["name"] for gate in told["gates"]} >= {"customers", "days of history", "positives", "newest row"}
    assert {count["table"] for count in told["accounting"]} == {"orders", "events", "contacts"}
    assert set(told["findings"][0]) == {
        "table", "column", "severity", "code", "finding", "advice", "count", "share",
    }  # fmt: skip
    assert {finding["severity"] for finding in told["findings"]} == {"note", "ok"}


def test_check_reads_to_the_end_what_a_run_would_not(tmp_path: Path):
    """Too many bad rows are a finding and a refused gate, not the end of the report."""
    path = shop.lay_down(tmp_path)
    header, lines = shop.rows(tmp_path / "orders.csv")
    broken = [line.replace("2025-", "25-", 1) if n % 10 == 0 else line for n, line in enumerate(lines)]
    shop.write_rows(tmp_path / "orders.csv", header, broken)
    done = winback("check", "--config", path, "--date", "2026-02-15", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    codes = {(finding["table"], finding["code"]) for finding in told["findings"]}
    assert {("orders", "too_many_bad_rows"), ("orders", "refused_bad_date")} <= codes
    refused = [gate["name"] for gate in told["gates"] if not gate["passed"]]
    assert "refused rows of orders" in refused
    assert (tmp_path / "state" / "check" / "quarantine.parquet").exists()
