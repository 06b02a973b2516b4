"""Random declarations of features: every kind on every stream it can be of, with any window, lag, n and `where`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from winback.facts.features.declared import Feature, declare
from winback.facts.features.feature import OF_TWO, OF_VALUES
from winback.facts.features.streams import STREAMS
from winback.prove.making import WORDS

OF_MEASURE = ("total", "rate", "mean", "trend", "acceleration")
OF_ROWS = ("since_nth", "since_first", "gap_mean", "gap_spread", "gap_quantile", "overdue", "overdue_prior", "spans")
OF_READINGS = ("last", "change", "rises")
KINDS = (*OF_MEASURE, "share", *OF_ROWS, *OF_VALUES, *OF_READINGS, "evenness", "until_renewal", *OF_TWO)
WINDOWS = (1, 2, 7, 10, 28, 30, 90, 364, 400)
WORDLESS = {"driver": "habits", "unit": "", "label": "", "sentence": "", "use": "decisions"}


def random_features(seed: int, count: int) -> tuple[Feature, ...]:
    """So many declared features, the same for the same seed."""
    chance = random.Random(seed)
    entries: list[dict[str, Any]] = []
    while len(entries) < count:
        kind, table = chance.choice(KINDS), chance.choice(list(STREAMS))
        told = next(told_of(chance, kind, table, [e["name"] for e in entries if e["kind"] not in OF_TWO]), None)
        if told is not None:
            entries.append(WORDLESS | told | {"name": f"random_{len(entries)}", "kind": kind})
    return declare(entries, "random features")


def told_of(chance: random.Random, kind: str, table: str, others: list[str]) -> Iterator[dict[str, Any]]:
    """What a declaration of a kind says beside its name, if the stream can have the kind."""
    stream = STREAMS[table]
    measures = [name for name in stream.measures if name != "expires_day"]
    if kind in OF_TWO:
        if others:
            yield {"over": chance.choice(others), "under": chance.choice(others)}
        return
    if kind == "until_renewal":
        yield {"table": "subscriptions"}
        return
    told: dict[str, Any] = {"table": table, "where": where_of(chance, table)}
    told |= {"n": chance.choice([1, 2, 3, 5]), "q": chance.choice([0, 0.1, 0.5, 0.9, 1])}
    told |= {"prior": chance.choice([0, 7.5, 30])}
    told |= window_of(chance, kind)
    if kind in OF_MEASURE:
        told["measure"] = chance.choice(["rows", "active_days", *measures])
    if kind in OF_READINGS and measures:
        told["measure"] = chance.choice(measures)
    if kind == "share":
        told |= {"measure": chance.choice(["active_days", *measures]), "of": chance.choice(["rows", *measures])}
    if "discounted" in told["where"]:
        told |= {"measure": "evening"} if "measure" in told else {}
        told |= {"of": "rows"} if "of" in told else {}
    if (kind not in OF_READINGS or measures) and (kind not in OF_VALUES or stream.value):
        yield told


def window_of(chance: random.Random, kind: str) -> dict[str, Any]:
    """A window and a lag for the kinds that have them."""
    if kind in (*OF_ROWS[:-1], "last", "change"):
        return {}
    if kind in ("trend", "acceleration", "spans", "new_values", "evenness") or chance.random() < 0.8:
        lag = 0 if kind == "rate" else chance.choice([0, 0, 1, 7, 100])
        return {"window": chance.choice(WINDOWS), "lag": lag}
    return {}


def where_of(chance: random.Random, table: str) -> dict[str, Any]:
    """Mostly all rows; else those with some of the words of a column."""
    if chance.random() < 0.6 or not (columns := sorted(STREAMS[table].columns)):
        return {}
    column = chance.choice(columns)
    words = WORDS.get((STREAMS[table].table, column), [0, 1])
    return {column: chance.sample(words, chance.randint(1, len(words)))}
