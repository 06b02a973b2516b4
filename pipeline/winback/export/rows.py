"""From people to the rows of a job, and what could not be sent, with the reason and without the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.export.addresses import Unusable
from winback.export.destination import Column, Destination, Job
from winback.people_text import is_live

REJECTS = ("customer_id", "field", "reason")
NOTHING_USABLE = "no_usable_address"


@dataclass(frozen=True)
class Made:
    """What a job sends: `rows` with customer_id as index and a column a header; `rejects`, one row a value left out.

    `dropped`: the customers of whom nothing is sent, since no address of theirs can be.
    """

    rows: pd.DataFrame
    rejects: pd.DataFrame
    dropped: tuple[str, ...]


def made_of(
    people: pd.DataFrame, destination: Destination, refused: pd.Series[str]
) -> tuple[dict[str, Made], pd.Series[str]]:
    """What each job sends of those who are not `refused`, and why everybody else of `people` is left out.

    `refused`: the reason by the index of `people`, empty for those who may go.
    """
    why = refused.copy()
    waiting = people[refused == ""]
    made: dict[str, Made] = {}
    for job in destination.jobs:
        takes = job.takes(waiting)
        made[job.name] = rows_of(waiting[takes], destination, job)
        useless = takes & waiting["customer_id"].isin(made[job.name].dropped)
        why.loc[waiting.index[useless]] = NOTHING_USABLE
        waiting = waiting[~takes]
    why.loc[waiting.index] = destination.refusal
    return made, why


def rows_of(people: pd.DataFrame, destination: Destination, job: Job, removing: bool = False) -> Made:
    """The rows of `people` for a job, in their order; with `removing` those that take them off again."""
    rejects: list[tuple[str, str, str]] = []
    columns = job.removed_by if removing else job.columns
    made = {c.header: _values(people, c, destination.form == "machine", rejects) for c in columns}
    rows = pd.DataFrame(made, index=pd.Index(people["customer_id"], name="id"))
    _keep_together(rows, job)
    usable = _usable(rows, job)
    told = pd.DataFrame(rejects, columns=list(REJECTS)).astype("str")
    return Made(rows[usable], told, tuple(rows.index[~usable]))


def _values(people: pd.DataFrame, column: Column, guarded: bool, rejects: list[tuple[str, str, str]]) -> Any:
    """What is sent in one column; where it cannot be, nothing, and a line in `rejects`."""
    given = people[column.field]
    if column.make is None and not pd.api.types.is_string_dtype(given):
        return given.to_numpy()
    texts, text_of = _different(given.fillna(""))
    places, place_of = _different(people["country"] if "country" in people else pd.Series("", index=people.index))
    # Each pair of a text and a country is made once, however many people have it.
    pair_of, pairs = pd.factorize(text_of * len(places) + place_of)
    made = [_made(column, texts[pair // len(places)], places[pair % len(places)], guarded) for pair in pairs.tolist()]
    faults = np.array([fault for _, fault in made], dtype=object)[pair_of] if made else np.array([], dtype=object)
    ids = people["customer_id"].to_numpy(dtype=object)
    rejects += [(ids[n], column.field, faults[n]) for n in np.flatnonzero(faults != "").tolist()]
    values = np.array([value for value, _ in made], dtype=object)
    return pd.array(values[pair_of] if made else values, dtype="str")


def _different(column: pd.Series) -> tuple[list[str], NDArray[np.int64]]:
    """The different texts of a column, and which of them each row has."""
    text = column if pd.api.types.is_string_dtype(column.dtype) else pd.Series([str(each) for each in column])
    numbers, found = pd.factorize(text, use_na_sentinel=False)
    return [str(each) for each in found], np.asarray(numbers, dtype=np.int64)


def _made(column: Column, text: str, where: str, guarded: bool) -> tuple[str, str]:
    """What is sent for a text, and why it cannot be; one of them is empty."""
    if not text.strip():
        return "", ""
    try:
        return _sent(column, text, where, guarded), ""
    except Unusable as error:
        return "", str(error)


def _sent(column: Column, text: str, where: str, guarded: bool) -> str:
    value = column.of(text, where)
    if guarded and not column.signed and is_live(value):
        raise Unusable("would be a formula in a spreadsheet")
    return value


def _keep_together(rows: pd.DataFrame, job: Job) -> None:
    """Empty the headers that are worth something only together, where one of them is empty."""
    together = [header for header in job.together if header in rows]
    if together:
        whole = (rows[together] != "").all(axis=1)
        rows.loc[~whole, together] = ""


def _usable(rows: pd.DataFrame, job: Job) -> pd.Series[bool]:
    """Rows with all headers of one of the job's needs; what a row does not have at all, it does not need."""
    usable = pd.Series(not job.needs, index=rows.index)
    for need in job.needs:
        usable |= (rows.reindex(columns=list(need), fill_value="") != "").all(axis=1)
    return usable
