"""Tables of features against the oracle's answers, against each other bit by bit, and against their ranges."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from winback.errors import NotEnoughData
from winback.facts.features.feature import Feature
from winback.facts.features.ranges import limits
from winback.facts.features.table import features_at
from winback.prove.history import History, write
from winback.prove.oracle import Answer, Answers

# One division or none of whole numbers lies between the rows and the value: every bit is determined.
EXACT = (
    "total",
    "acceleration",
    "spans",
    "since_nth",
    "since_first",
    "distinct",
    "new_values",
    "top_share",
    "switches",
    "rises",
    "last",
    "change",
    "days_until",
    "until_renewal",
)
NEAR = 1e-12


def told(history: History, folder: Path, features: Sequence[Feature], cutoffs: Sequence[dt.date] = ()) -> pd.DataFrame:
    """The features of a history at these cutoffs, all of its own by default; no row where nobody had ordered."""
    try:
        return features_at(write(history, folder), cutoffs or history.cutoffs, history.zone, features)
    except NotEnoughData:
        keys = pd.DataFrame({"customer_id": pd.Series(dtype="str"), "cutoff": pd.Series(dtype="datetime64[us, UTC]")})
        return keys.assign(**{f.name: pd.Series(dtype="float64") for f in features})


def at(table: pd.DataFrame, history: History, cutoff: dt.date) -> pd.DataFrame:
    """The rows of one cutoff."""
    return table[table["cutoff"] == history.midnight(cutoff)].reset_index(drop=True)


def differing(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """The columns in which two tables of features differ in any bit; all of them where their rows do."""
    names = [str(name) for name in one.columns[2:]]
    if (
        one["customer_id"].tolist() != other["customer_id"].tolist()
        or one["cutoff"].tolist() != other["cutoff"].tolist()
    ):
        return names
    return [name for name in names if one[name].to_numpy().tobytes() != other[name].to_numpy().tobytes()]


def wrong(table: pd.DataFrame, history: History, answers: Answers) -> Iterator[tuple[str, str]]:
    """The name of each feature that is not what the oracle says, and where."""
    days = {pd.Timestamp(history.midnight(cutoff)): cutoff for cutoff in history.cutoffs}
    keys = list(zip(table["customer_id"], table["cutoff"].map(days), strict=True))
    names = [str(name) for name in table.columns[2:]]
    if keys != sorted(answers):
        missing = sorted(set(keys) ^ set(answers))[:3]
        yield from ((name, f"rows of {missing} are in one and not in the other") for name in names)
        return
    for name in names:
        for key, got in zip(keys, table[name].tolist(), strict=True):
            answer = answers[key][name]
            if not is_value(got, answer):
                yield name, f"{key[0]} on {key[1]} in {history.zone}: {got!r}, not {shown(answer)}"
                break


def shown(answer: Answer) -> str:
    """An answer as a person reads it."""
    return "unknown" if answer.value is None else repr(float(answer.value))


def is_value(got: float, answer: Answer) -> bool:
    """Whether a number is what the oracle says: to the bit where it is determined, else to 1e-12.

    A difference is as exact as what it is made of: to 1e-12 of the larger of the two.
    """
    if answer.value is None or math.isnan(got):
        return answer.value is None and math.isnan(got)
    if answer.kind in EXACT:
        return got == float(answer.value)
    return math.isclose(got, float(answer.value), rel_tol=NEAR, abs_tol=NEAR * answer.size)


def outside(table: pd.DataFrame, features: Sequence[Feature]) -> Iterator[tuple[str, str]]:
    """The name of each feature that left its range, and the value."""
    for f in features:
        low, high = limits(f)
        values = table[f.name]
        if (bad := values[(values < low) | (values > high)]).size:
            yield f.name, f"{float(bad.iloc[0])!r} is not within {low:g} to {high:g}"
