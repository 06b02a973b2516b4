"""The proof that comes with winback: it holds for every declared feature, and finds what is wrong."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from random_features import random_features
from winback.facts.features import table as engine
from winback.facts.features.declared import Feature, builtin, named
from winback.prove.comparing import differing, is_value, outside, told
from winback.prove.history import MOMENTS, known_from
from winback.prove.making import edges_of
from winback.prove.oracle import Answer
from winback.prove.proof import CHECKS, LOGS_IN_A_SHOP, asked_in_time, prove, shop_faults
from winback.prove.random_history import CHANGES, random_history, random_shop
from winback.prove.relations import UNSEEN, Turn

EDGES = edges_of(builtin())


@pytest.mark.parametrize("seed", range(9))
def test_the_declared_features_hold(seed, tmp_path):
    """152 random logs: the oracle, the ranges and the relations."""
    assert list(shop_faults(seed, EDGES, builtin(), tmp_path)) == []


@pytest.mark.parametrize("seed", range(6))
def test_random_declarations_hold(seed, tmp_path):
    """48 random logs, asked for features that nobody has declared."""
    features = random_features(seed, 40)
    assert list(shop_faults(seed, edges_of(features), features, tmp_path)) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1130))
def test_the_declared_features_hold_deep(seed, tmp_path):
    """1,040 random logs more."""
    assert list(shop_faults(seed, EDGES, builtin(), tmp_path)) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_random_declarations_hold_deep(seed, tmp_path):
    """480 random logs more."""
    features = random_features(seed, 60)
    assert list(shop_faults(seed, edges_of(features), features, tmp_path)) == []


def test_a_proof_counts_its_logs(tmp_path, monkeypatch):
    """As many shops as hold the logs asked for, from the seed on."""
    seen = []
    monkeypatch.setattr("winback.prove.proof.shop_faults", lambda seed, *_: seen.append(seed) or [])
    assert prove(named(["orders_28d"]), 2 * LOGS_IN_A_SHOP + 1, tmp_path, 5) == []
    assert seen == [5, 6, 7]


def lying(monkeypatch: pytest.MonkeyPatch, name: str, lie) -> None:
    """Let the engine say something else of one feature."""
    honest = engine.features_at

    def told_otherwise(*asked, **how) -> pd.DataFrame:
        table = honest(*asked, **how)
        return table.assign(**{name: lie(table)})

    monkeypatch.setattr("winback.prove.comparing.features_at", told_otherwise)


@pytest.mark.parametrize(
    ("lie", "check"),
    [
        (lambda table: table["orders_28d"] + 1, "oracle"),
        (lambda table: -1.0 - table["orders_28d"], "range"),
        (lambda table: table["orders_28d"] + table["orders_28d"].sum(), "truncate"),
        (lambda table: table["customer_id"].map(len).astype(float), "relabel"),
    ],
)
def test_a_feature_that_lies_is_found(lie, check, tmp_path, monkeypatch):
    """Only the one that lies, by name."""
    lying(monkeypatch, "orders_28d", lie)
    faults = prove(named(["orders_28d", "spend_28d"]), 3 * LOGS_IN_A_SHOP, tmp_path)
    assert {fault.feature for fault in faults} == {"orders_28d"}
    assert check in {fault.check for fault in faults} <= set(CHECKS)


def test_a_fault_says_where(tmp_path, monkeypatch):
    lying(monkeypatch, "orders_28d", lambda table: table["orders_28d"] * 0 + 99.0)
    fault = prove(named(["orders_28d"]), 1, tmp_path)[0]
    assert (fault.feature, fault.check, fault.seed) == ("orders_28d", "oracle", 0)
    assert fault.where.startswith("0-0 on 2024-03-29 in Pacific/Kiritimati: 99.0, not ")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", UNSEEN)
def test_a_relation_changes_something(name, seed):
    """Each of them changes the rows, and truncation takes some away; the rows of before the cutoff are as they were."""
    history = asked_in_time(random_shop(seed, EDGES, LOGS_IN_A_SHOP))
    cutoff, midnight = history.cutoffs[0], history.midnight(history.cutoffs[0])
    changed = UNSEEN[name](history, Turn(cutoff, random.Random(seed), EDGES))
    assert changed.tables != history.tables
    for table, rows in history.tables.items():
        known = [row for row in rows if known_from(table, row) < midnight]
        after = [row for row in changed.tables[table] if known_from(table, row) < midnight]
        assert len(after) == len(known)
        if name != "truncate":
            assert sorted(map(repr, after)) == sorted(map(repr, known))


def test_histories_have_what_they_look_for():
    """Over many: every zone, every table, late rows, ties, corrections, returns, rows on a midnight and just before."""
    histories = [random_history(seed, EDGES) for seed in range(150)]
    rows = [(h, name, row) for h in histories for name in h.tables for row in h.tables[name]]
    assert {h.zone for h in histories} == set(CHANGES)
    assert {name for _, name, _ in rows} == set(MOMENTS)
    orders = [row for _, name, row in rows if name == "orders"]
    assert sum(row["part"] > 0 for row in orders) > 100
    assert sum(row["amount_cents"] < 0 and row["part"] == 0 for row in orders) > 100
    edges = {id(h): {h.midnight(c) for c in h.cutoffs} for h in histories}
    for table, moment in MOMENTS.items():
        mine = [(h, row) for h, name, row in rows if name == table]
        assert sum(row["recorded_at"] > row[moment] for _, row in mine) > 50
        assert any(row[moment] in edges[id(h)] for h, row in mine)
        assert any(row["recorded_at"] in edges[id(h)] for h, row in mine)
        stamps = [(id(h), row["customer_id"], row[moment]) for h, row in mine]
        assert len(set(stamps)) < len(stamps)


def test_a_history_is_the_same_for_the_same_seed():
    assert random_history(7, EDGES) == random_history(7, EDGES) != random_history(8, EDGES)


def test_histories_know_the_words_and_windows_of_a_feature():
    """A word that a feature asks for occurs; so do rows on both sides of its window's edge."""
    mine = replace(named(["tickets_28d"])[0], where={"topic": ("spoons",)}, window=33, lag=5)
    edges = edges_of([mine])
    assert {4, 5, 6, 37, 38, 39} <= set(edges.days)
    topics = [row["topic"] for seed in range(30) for row in random_history(seed, edges).tables["tickets"]]
    assert topics.count("spoons") > 5


@pytest.mark.parametrize(
    ("got", "answer", "fits"),
    [
        (1.0, Answer("total", Fraction(1)), True),
        (1.0 + 2**-52, Answer("total", Fraction(1)), False),
        (1.0 + 2**-52, Answer("mean", Fraction(1)), True),
        (1.0 + 1e-11, Answer("mean", Fraction(1)), False),
        (float("nan"), Answer("mean", None), True),
        (0.0, Answer("mean", None), False),
        (float("nan"), Answer("mean", Fraction(0)), False),
        (1e-14, Answer("difference", Fraction(0), size=0.5), True),
        (1e-11, Answer("difference", Fraction(0), size=0.5), False),
        (1e-14, Answer("ratio", Fraction(0)), False),
    ],
)
def test_what_counts_as_equal(got, answer, fits):
    assert is_value(got, answer) == fits


def test_tables_are_compared_by_their_bits():
    keys = {"customer_id": ["a", "b"], "cutoff": pd.to_datetime(["2026-01-01", "2026-01-01"], utc=True)}
    one = pd.DataFrame(keys | {"x": [1.0, float("nan")], "y": [0.0, 1.0]})
    assert differing(one, one.copy()) == []
    assert differing(one, one.assign(y=[-0.0, 1.0])) == ["y"]
    assert differing(one, one.assign(x=[1.0, 1.0])) == ["x"]
    assert differing(one, one[:1]) == ["x", "y"]


def test_values_outside_a_range_are_named():
    table = pd.DataFrame({"orders_28d": [3.0, float("nan"), -1.0], "spend_28d": [-1.0, 0.0, 1.0]})
    assert list(outside(table, named(["orders_28d", "spend_28d"]))) == [("orders_28d", "-1.0 is not within 0 to inf")]


def test_nobody_is_an_empty_table(tmp_path):
    history = replace(random_shop(1, EDGES, 1), tables=dict.fromkeys(MOMENTS, ()))
    table = told(history, tmp_path, named(["orders_28d"]))
    assert table.columns.tolist() == ["customer_id", "cutoff", "orders_28d"]
    assert len(table) == 0


def test_a_feature_of_ones_own_is_proved(tmp_path):
    """A feature that no file of winback declares."""
    mine: tuple[Feature, ...] = random_features(0, 5)
    assert not {f.name for f in mine} & {f.name for f in builtin()}
    assert prove(mine, 3 * LOGS_IN_A_SHOP, Path(tmp_path)) == []
