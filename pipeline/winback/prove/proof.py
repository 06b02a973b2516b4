"""The proof of declared features: the oracle, the ranges and the relations on many random histories."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from winback.facts.features.feature import Feature
from winback.prove.comparing import at, differing, outside, told, wrong
from winback.prove.history import History, known_from
from winback.prove.making import Edges, edges_of
from winback.prove.oracle import expected
from winback.prove.random_history import random_shop
from winback.prove.relations import UNSEEN, Turn, relabelled

LOGS_IN_A_SHOP = 8
CUTOFFS = 3
CHECKS = ("oracle", "range", *UNSEEN, "relabel")


@dataclass(frozen=True)
class Fault:
    """One feature that failed one check on the shop of a seed; `where` says what was found."""

    feature: str
    check: str
    seed: int
    where: str


def prove(features: Sequence[Feature], logs: int, folder: Path, seed: int = 0) -> list[Fault]:
    """What is wrong with declared features on so many random histories; nothing is what one hopes for.

    Their tables are written to `folder`. The same faults for the same arguments.
    """
    edges = edges_of(features)
    shops = range(seed, seed + -(-logs // LOGS_IN_A_SHOP))
    return [fault for number in shops for fault in shop_faults(number, edges, features, folder)]


def shop_faults(seed: int, edges: Edges, features: Sequence[Feature], folder: Path) -> Iterator[Fault]:
    """What is wrong on one shop of several random histories."""
    history = asked_in_time(random_shop(seed, edges, LOGS_IN_A_SHOP))
    table = told(history, folder, features)
    yield from (Fault(f, "oracle", seed, w) for f, w in wrong(table, history, expected(history, features)))
    yield from (Fault(f, "range", seed, w) for f, w in outside(table, features))
    yield from relation_faults(seed, history, table, Look(edges, features, folder))


@dataclass(frozen=True)
class Look:
    """What it takes to look at a changed history: the features, their edges, a folder for its tables."""

    edges: Edges
    features: Sequence[Feature]
    folder: Path


def relation_faults(seed: int, history: History, table: pd.DataFrame, look: Look) -> Iterator[Fault]:
    """What shows in the features although it must not: every relation at one cutoff, the future at all."""
    chance = random.Random(seed)  # noqa: S311 - no secret: the same history for the same seed
    for cutoff in history.cutoffs:
        turn = Turn(cutoff, chance, look.edges)
        alone = at(table, history, cutoff)
        for name, relation in UNSEEN.items():
            if cutoff == history.cutoffs[0] or name == "truncate":
                changed = told(relation(history, turn), look.folder, look.features, [cutoff])
                yield from (Fault(f, name, seed, f"at {cutoff}") for f in differing(alone, changed))
    yield from (Fault(f, "relabel", seed, "") for f in _told_apart(history, table, look, chance))


def _told_apart(history: History, table: pd.DataFrame, look: Look, chance: random.Random) -> list[str]:
    """The features that depend on what customers are called."""
    others, names = relabelled(history, Turn(history.cutoffs[0], chance, look.edges))
    renamed = told(others, look.folder, look.features)
    before = table.assign(customer_id=table["customer_id"].map(names))
    return differing(*(t.sort_values(["customer_id", "cutoff"], ignore_index=True) for t in (before, renamed)))


def asked_in_time(history: History) -> History:
    """The history asked at no more than three cutoffs, and at none before which nobody had ordered."""
    orders = [row for row in history.tables["orders"] if row["part"] == 0 and row["amount_cents"] >= 0]
    first = min((known_from("orders", row) for row in orders), default=dt.datetime.max.replace(tzinfo=dt.UTC))
    in_time = [c for c in history.cutoffs if first < history.midnight(c)]
    return replace(history, cutoffs=tuple(in_time[:CUTOFFS] or history.cutoffs[:1]))
