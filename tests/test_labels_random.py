"""Every label over random logs: against a loop over one customer at a time, and unchanged by what must not matter."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from label_logs import US, Log, Row, random_log, write
from random_logs import one_database
from winback.facts.labels.labels import cohort_at, labels_at, lapsed_cohort_at, returned_at
from winback.facts.labels.rule_labels import Rule, rule_labels_at
from winback.facts.labels.subscription_labels import Ending, ending_labels_at, subscribed_at
from winback.facts.labels.treated import Reach, contacts_at, treated_at
from winback.toml_files import parse

H, LAPSED, ACTIVE, GRACE, FAILED, EARLIER = 9, 28, 30, 4, 5, 3
LENGTHS = (H, LAPSED, ACTIVE, GRACE, H + GRACE)
ENDING = Ending(horizon_days=H, grace_days=GRACE, failed_days=FAILED)
RULE = {
    "any": [
        {"all": [{"did_not": "orders"}, {"did": "events", "kind": ["cancel_request", "other"]}]},
        {"did": "returns", "at_least": 2},
        {"all": [{"did": "orders", "channel": "shop"}, {"did_not": "subscriptions_ended"}, {"did_not": "events"}]},
    ]
}
Key = tuple[str, dt.datetime]
Answers = dict[str, list[Any]]


def answers(log: Log, facts: Path) -> Answers:
    """What the package says: every cohort and every label of it, as lists of rows."""
    zone, today = log.zone, log.today
    asked = cohort_at(facts, log.cutoffs, zone, ACTIVE)
    lapsed = lapsed_cohort_at(facts, log.cutoffs, zone, LAPSED)
    subscribed = subscribed_at(facts, log.cutoffs, zone)
    reach = Reach(after_days=H, before_days=EARLIER)
    return {
        "cohort": rows(asked),
        "churned": rows(asked, labels_at(facts, asked, H, zone, today)),
        "rule": rows(asked, rule_labels_at(facts, asked, parse(Rule, RULE, "rule"), H, zone, today)),
        "lapsed": rows(lapsed),
        "returned": rows(lapsed, returned_at(facts, lapsed, H, zone, today)),
        "subscribed": rows(subscribed),
        "ended": rows(subscribed, ending_labels_at(facts, subscribed, ENDING, zone, today)),
        "treated": rows(asked, treated_at(facts, asked, reach, zone, today)),
        "contacts": rows(contacts_at(facts, asked, reach, zone, today)),
    }


def rows(keys: pd.DataFrame, labels: pd.Series | pd.DataFrame | None = None) -> list[Any]:
    """The rows of both side by side."""
    both = keys if labels is None else pd.concat([keys, labels], axis=1)
    return [tuple(None if pd.isna(v) else v for v in row) for row in both.itertuples(index=False, name=None)]


def told(log: Log) -> Answers:
    """The same by loops, from the meanings."""
    known, found = log.midnight(log.today), {name: [] for name in NAMES}
    for customer in log.customers():
        for cutoff in log.cutoffs:
            begin, end = log.midnight(cutoff), log.midnight(cutoff, H)
            key = (customer, begin)
            then = purchases(log, customer, begin)
            later = [at for at in purchases(log, customer, known) if begin <= at < end]
            if any(log.midnight(cutoff, -ACTIVE) <= at < begin for at in then):
                found["cohort"].append(key)
                found["churned"].append((*key, not later))
                found["rule"].append((*key, rule(log, customer, begin, end)))
                met = contacted(log, customer, log.midnight(cutoff, -EARLIER), end)
                found["treated"].append((*key, bool(met)))
                found["contacts"] += [(*key, *line) for line in met]
            if any(at < begin for at in then) and not any(log.midnight(cutoff, -LAPSED) <= at < begin for at in then):
                found["lapsed"].append(key)
                found["returned"].append((*key, bool(later)))
            if any(runs(period, begin) for period in log.rows("subscriptions", customer, begin)):
                found["subscribed"].append(key)
                found["ended"].append((*key, *ended(log, customer, begin, end)))
    return found


NAMES = ("cohort", "churned", "rule", "lapsed", "returned", "subscribed", "ended", "treated", "contacts")


def purchases(log: Log, customer: str, known: dt.datetime) -> list[dt.datetime]:
    bought = [r for r in log.rows("orders", customer, known) if r["part"] == 0 and r["amount_cents"] >= 0]
    return [r["ordered_at"] for r in bought]


def rule(log: Log, customer: str, begin: dt.datetime, end: dt.datetime) -> bool:
    def within(name: str, moment: str) -> list[Row]:
        seen = log.rows(name, customer, log.midnight(log.today))
        return [r for r in seen if r[moment] is not None and begin <= r[moment] < end]

    first = [r for r in within("orders", "ordered_at") if r["part"] == 0]
    bought = [r for r in first if r["amount_cents"] >= 0]
    if not bought and any(r["kind"] == "cancel_request" for r in within("events", "occurred_at")):
        return True
    if len(first) - len(bought) >= 2:
        return True
    silent = not within("subscriptions", "ended_at") and not within("events", "occurred_at")
    return silent and any(r["channel"] == "shop" for r in bought)


def contacted(log: Log, customer: str, begin: dt.datetime, end: dt.datetime) -> list[tuple[Any, ...]]:
    groups: dict[tuple[Any, Any], list[dt.datetime]] = {}
    for r in log.rows("contacts", customer, log.midnight(log.today)):
        if begin <= r["contacted_at"] < end:
            groups.setdefault((r["campaign"], r["channel"]), []).append(r["contacted_at"])
    lines = [(*group, len(moments), min(moments)) for group, moments in groups.items()]
    return sorted(lines, key=lambda line: (line[3], line[0] is None, line[0] or ""))


def runs(period: Row, at: dt.datetime) -> bool:
    """Whether a subscription is in force just before an instant."""
    return period["started_at"] < at and (period["ended_at"] is None or period["ended_at"] >= at)


def ended(log: Log, customer: str, begin: dt.datetime, end: dt.datetime) -> tuple[bool, bool, bool]:
    periods = list(log.rows("subscriptions", customer, log.midnight(log.today)))
    periods = [p for p in periods if p["ended_at"] is None or p["ended_at"] > p["started_at"]]
    for last in sorted({p["ended_at"] for p in periods if p["ended_at"] is not None}):
        graced = log.midnight(log.day(last), 1 + GRACE)
        goes_on = [p for p in periods if p["started_at"] < graced and (p["ended_at"] is None or p["ended_at"] > last)]
        if begin <= last < end and not goes_on:
            involuntary = by_payment(log, customer, last, [p for p in periods if p["ended_at"] == last])
            return True, not involuntary, involuntary
    return False, False, False


def by_payment(log: Log, customer: str, last: dt.datetime, ending: list[Row]) -> bool:
    reasons = [p["cancel_reason"] for p in ending]
    if "too dear" in reasons or "moved" in reasons:
        return False
    if all(reasons):
        return True
    tried = [r for r in log.rows("payments", customer, log.midnight(log.today)) if r["attempted_at"] <= last]
    answered = [r for r in tried if r["status"] in ("succeeded", "failed")]
    if not answered:
        return False
    newest = max(r["attempted_at"] for r in answered)
    statuses = {r["status"] for r in answered if r["attempted_at"] == newest}
    return newest >= log.midnight(log.day(last), -FAILED) and statuses == {"failed"}


@pytest.fixture(autouse=True)
def _one(monkeypatch: pytest.MonkeyPatch) -> None:
    one_database(monkeypatch)


@pytest.mark.parametrize("seed", range(12))
def test_labels_are_those_of_a_loop(seed: int, tmp_path: Path):
    """480 customers, and all of both outcomes of every label among them."""
    log = random_log(seed, 40, LENGTHS)
    assert answers(log, write(log, tmp_path)) == told(log)


def test_both_outcomes_of_every_label_are_tried():
    tried: dict[str, set[Any]] = {name: set() for name in NAMES}
    for seed in range(12):
        for name, lines in told(random_log(seed, 40, LENGTHS)).items():
            tried[name] |= {line[2:] for line in lines}
    for name in ("churned", "rule", "returned", "treated"):
        assert tried[name] == {(True,), (False,)}
    assert tried["ended"] == {(False, False, False), (True, True, False), (True, False, True)}


def later(log: Log) -> Log:
    """More of everything from today on, recorded then or, by a wrong clock, before."""
    return _with(log, [log.midnight(log.today), log.midnight(log.today, 3)])


def late(log: Log) -> Log:
    """More of everything in all windows, but recorded today."""
    moments = [log.midnight(c, n) + shift for c in log.cutoffs for n in (-2, 0, 2) for shift in (-US, 0 * US)]
    return _with(log, moments, log.midnight(log.today))


def _with(log: Log, moments: list[dt.datetime], recorded: dt.datetime | None = None) -> Log:
    extra: dict[str, list[Row]] = {name: [] for name in log.tables}
    for customer in log.customers():
        for at in moments:
            row: Row = {"customer_id": customer, "recorded_at": recorded or at}
            order = {"order_id": f"new-{customer}-{at}", "amount_cents": 5, "part": 0, "channel": "shop"}
            extra["orders"].append(row | order | {"ordered_at": at})
            extra["events"].append(row | {"occurred_at": at, "kind": "cancel_request", "value": None})
            extra["subscriptions"].append(row | {"started_at": at, "ended_at": None, "plan": "a"})
            extra["payments"].append(row | {"attempted_at": at, "status": "failed"})
            extra["contacts"].append(row | {"contacted_at": at, "campaign": "late", "channel": "post"})
    return replace(log, tables={name: [*lines, *extra[name]] for name, lines in log.tables.items()})


@pytest.mark.parametrize("change", [later, late], ids=lambda change: change.__name__)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_not_known_yet_changes_no_label(change: Callable[[Log], Log], seed: int, tmp_path: Path):
    log = random_log(seed, 20, LENGTHS)
    before = answers(log, write(log, tmp_path / "before"))
    assert answers(log, write(change(log), tmp_path / "after")) == before


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_and_files_changes_no_label(seed: int, tmp_path: Path):
    """Shuffled; and the same rows in several files of one table, as daily loads leave them."""
    log, chance = random_log(seed, 20, LENGTHS), random.Random(seed)
    before = answers(log, write(log, tmp_path / "sorted"))
    assert answers(log, write(log, tmp_path / "shuffled", chance)) == before
    parts = [{name: lines[n::2] for name, lines in log.tables.items()} for n in range(2)]
    split = write(replace(log, tables=parts[0]), tmp_path / "split")
    for path in write(replace(log, tables=parts[1]), tmp_path / "second").glob("*.parquet"):
        path.rename(split / f"{path.stem}.1.parquet")
    assert answers(log, split) == before


@pytest.mark.parametrize("seed", range(4))
def test_the_names_of_customers_change_no_label(seed: int, tmp_path: Path):
    """Names that are no plain words, in reversed order."""
    log = random_log(seed, 20, LENGTHS)
    names = {old: f"{999 - n}'; \"ж\\{old}" for n, old in enumerate(log.customers())}
    tables = {
        name: [row | {"customer_id": names[str(row["customer_id"])]} for row in lines]
        for name, lines in log.tables.items()
    }
    before = answers(log, write(log, tmp_path / "before"))
    after = answers(log, write(replace(log, tables=tables), tmp_path / "after"))
    for name, lines in before.items():
        assert sorted(after[name], key=str) == sorted([(names[c], *rest) for c, *rest in lines], key=str)
