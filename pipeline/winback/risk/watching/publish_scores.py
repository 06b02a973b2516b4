"""What the scores of a night must show before a list of them is published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from winback.facts.check.findings import percent
from winback.facts.check.gates import Gate
from winback.facts.days import begins
from winback.limits import Publish
from winback.risk.examining.ranked import Flags
from winback.risk.watching.drift import SCORE, Reference, counts, stability_index

FEW = 30  # customers; shares of fewer say little
LEAST_DISTINCT = 5  # chances; fewer say hardly more than a constant


@dataclass(frozen=True)
class Scored:
    """The features and scores of one run, and what its model.json says of the model."""

    today: dt.date
    features: pd.DataFrame
    scores: pd.DataFrame
    model: Mapping[str, Any]

    @property
    def reference(self) -> Reference | None:
        """What is kept of the rows that the model learned from; models of before that kept nothing."""
        found: Reference | None = self.model["card"].get("drift_reference")
        return found

    @property
    def chance(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The chances to leave."""
        return self.scores[SCORE].to_numpy(dtype=np.float64)


def gate(name: str, needed: str, found: str, *, refused: bool, why: str) -> Gate:
    """The gate that refuses with this sentence, or has nothing to say."""
    return Gate(name, needed, found, f"{name}: {why}" * refused)


def first(ids: pd.Series) -> str:
    """`(first: 'C1', 'C2')`, and nothing of none."""
    shown = [str(each) for each in ids.tolist()[:3]]
    return f" (first: {', '.join(map(repr, shown))})" if shown else ""


def row_gates(now: Scored, zone: str, version: str) -> Iterator[Gate]:
    """Whether there is one row a customer, of this day and model, with a chance; else nothing more can be asked."""
    for table, frame in (("features", now.features), ("scores", now.scores)):
        yield one_row_each(table, frame)
        yield _cutoff(table, frame, pd.Timestamp(begins(now.today, zone)))
    yield same_customers("scores", now.scores, now.features["customer_id"])
    wrong = now.scores["customer_id"][now.scores["model_version"].astype("str") != version]
    why = f"{len(wrong):,} of {len(now.scores):,} scores are of another version than {version}{first(wrong)}."
    yield gate("model version", version, f"{len(wrong):,} others", refused=bool(len(wrong)), why=why)
    yield _chances(now)


def one_row_each(table: str, frame: pd.DataFrame) -> Gate:
    """Whether no customer is in a table twice, and anybody at all."""
    twice = frame["customer_id"][frame["customer_id"].duplicated()]
    why = f"{len(twice):,} rows of {table} repeat a customer{first(twice)}." if len(frame) else f"{table} has no row."
    found = f"{len(twice):,} repeated of {len(frame):,}"
    return gate(f"customers of {table}", "each once", found, refused=not len(frame) or bool(len(twice)), why=why)


def among(ids: pd.Series, known: pd.Series) -> Flags:
    """Whether each id is one of those known; pandas takes ten times as long for text."""
    ours, theirs = (pa.array(each, pa.large_string(), from_pandas=True) for each in (ids, known))
    found: Flags = pc.is_in(ours, value_set=theirs).to_numpy(zero_copy_only=False)
    return found


def same_customers(table: str, frame: pd.DataFrame, wanted: pd.Series) -> Gate:
    """Whether a table is about these customers and no others."""
    strange = frame["customer_id"][~among(frame["customer_id"], wanted)]
    lacking = wanted[~among(wanted, frame["customer_id"])]
    why = (
        f"{len(strange):,} customers of {table} are not of the cohort{first(strange)}, "
        f"{len(lacking):,} of the cohort are not in {table}{first(lacking)}."
    )
    found = f"{len(strange):,} strangers, {len(lacking):,} lacking"
    return gate(f"cohort of {table}", "the same", found, refused=bool(len(strange) + len(lacking)), why=why)


def _cutoff(table: str, frame: pd.DataFrame, wanted: pd.Timestamp) -> Gate:
    others = frame["cutoff"][frame["cutoff"] != wanted]
    shown = f" (first: {others.iloc[0]})" if len(others) else ""
    why = f"{len(others):,} of {len(frame):,} rows of {table} are of another moment than {wanted}{shown}."
    return gate(f"cutoff of {table}", str(wanted), f"{len(others):,} others", refused=bool(len(others)), why=why)


def _chances(now: Scored) -> Gate:
    wrong = now.scores["customer_id"][~((now.chance >= 0) & (now.chance <= 1))]
    why = f"{len(wrong):,} of {len(now.scores):,} chances are missing or outside 0 and 1{first(wrong)}."
    return gate("chances", "from 0 to 1", f"{len(wrong):,} others", refused=bool(len(wrong)), why=why)


def score_gates(now: Scored, before: Scored | None, threshold: float, limits: Publish) -> Iterator[Gate]:
    """Whether the scores are like those of training, and of the run before where there is one."""
    yield _flags(now, threshold)
    if len(now.scores) >= FEW:
        yield _constant(now, limits)
    base = float(now.model["card"]["reference"]["base_rate"])
    mean = float(now.chance.mean())
    why = (
        f"the mean chance is {percent(mean)}, at training {percent(base)} left; max_mean_change allows a difference of "
        f"{percent(limits.max_mean_change)}."
    )
    off = abs(mean - base)
    needed = f"{percent(base)} +- {percent(limits.max_mean_change)}"
    yield gate("mean chance", needed, percent(mean), refused=off > limits.max_mean_change, why=why)
    if now.reference:
        kept = now.reference["columns"][SCORE]
        found = counts(kept, now.chance)
        yield _count("training", len(now.scores), now.reference["newest"], limits)
        yield _shape("training", stability_index(found, kept["all"]), limits)
    if before is not None and len(before.scores):
        yield _count(f"the list of {before.today}", len(now.scores), len(before.scores), limits)
        yield from _since(now, before, threshold, limits)


def _flags(now: Scored, threshold: float) -> Gate:
    """Whoever was on the list may stay on it for some nights below the threshold; nobody else may be on it there."""
    stays = now.scores["nights_below"].to_numpy() > 0 if "nights_below" in now.scores else False
    at_risk = now.scores["at_risk"].to_numpy(dtype=bool)
    wrong = now.scores["customer_id"][(at_risk != (now.chance >= threshold)) & ~(at_risk & stays)]
    why = f"{len(wrong):,} customers are not called at risk as their chance and {threshold:g} say{first(wrong)}."
    return gate("at risk", f"chance >= {threshold:g}", f"{len(wrong):,} others", refused=bool(len(wrong)), why=why)


def _constant(now: Scored, limits: Publish) -> Gate:
    times = pd.Series(now.chance).value_counts()
    share = float(times.iloc[0]) / len(now.scores)
    why = (
        f"{len(times):,} different chances among {len(now.scores):,} customers, {percent(share)} have "
        f"{times.index[0]:.4g}; {LEAST_DISTINCT} are needed, max_same_chance allows {percent(limits.max_same_chance)}."
    )
    refused = len(times) < LEAST_DISTINCT or share > limits.max_same_chance
    return gate("different chances", f"at least {LEAST_DISTINCT}", f"{len(times):,}", refused=refused, why=why)


def _count(since: str, now: int, then: int, limits: Publish) -> Gate:
    factor = limits.max_customers_factor
    why = (
        f"{now:,} customers, {then:,} at {since}; max_customers_factor allows {then / factor:,.0f} to "
        f"{then * factor:,.0f}. Is a source cut off, or loaded twice?"
    )
    refused = not then / factor <= now <= then * factor
    return gate(
        f"number of customers since {since}", f"{then:,} x or / {factor:g}", f"{now:,}", refused=refused, why=why
    )


def _shape(since: str, index: float, limits: Publish) -> Gate:
    limit = limits.max_score_index
    why = f"the stability index of the chances is {index:.2f}; max_score_index allows {limit:g}."
    return gate(f"chances since {since}", f"at most {limit:g}", f"{index:.2f}", refused=index > limit, why=why)


def _since(now: Scored, before: Scored, threshold: float, limits: Publish) -> Iterator[Gate]:
    """What may not change between two lists of one model."""
    if now.model["sha256"] != before.model["sha256"]:
        return
    if now.reference:
        kept = now.reference["columns"][SCORE]
        index = stability_index(counts(kept, now.chance), counts(kept, before.chance))
        yield _shape(f"the list of {before.today}", index, limits)
    share, then = (float((each.chance >= threshold).mean()) for each in (now, before))
    why = (
        f"{percent(share)} are at risk, {percent(then)} were on {before.today}; max_at_risk_change allows a difference "
        f"of {percent(limits.max_at_risk_change)}."
    )
    refused = abs(share - then) > limits.max_at_risk_change
    needed = f"{percent(then)} +- {percent(limits.max_at_risk_change)}"
    yield gate("share at risk", needed, percent(share), refused=refused, why=why)
    yield from _unchanged(now, before)


def _unchanged(now: Scored, before: Scored) -> Iterator[Gate]:
    """Whether the scores, and what they were made of, are others than those of another day."""
    if now.today == before.today or len(now.scores) < FEW:
        return
    for what, table in (("chances", "scores"), ("features", "features")):
        ours, theirs = getattr(now, table), getattr(before, table)
        place = pd.Index(theirs["customer_id"]).get_indexer(pd.Index(ours["customer_id"]))
        both = np.flatnonzero(place >= 0)
        names = (
            [SCORE] if table == "scores" else [n for n in ours if n in theirs and n not in ("customer_id", "cutoff")]
        )
        same = (
            len(both) >= FEW
            and bool(names)
            and all(
                np.array_equal(ours[name].to_numpy()[both], theirs[name].to_numpy()[place[both]], equal_nan=True)
                for name in names
            )
        )
        why = f"all {len(both):,} customers of this list and of {before.today}'s have the same {what} to the last bit."
        yield gate(f"{what} are new", "some changed", "none" if same else "so", refused=same, why=why)
