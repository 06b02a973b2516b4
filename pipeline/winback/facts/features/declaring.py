"""What a declaration of a feature may not say, told so that its writer knows what to change."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from string import Formatter
from typing import Any, get_args

from winback.errors import ConfigError
from winback.facts.features.feature import OF_TWO, OF_VALUES, Driver, Feature, Kind, Table
from winback.facts.features.streams import ACTIVE_DAYS, ROWS, STREAMS

OF_A_WINDOW = ("total", "share", "rate", "mean", "distinct", "top_share", "switches", "rises")
ONLY_OF_A_WINDOW = ("trend", "acceleration", "spans", "new_values", "evenness")
TAKEN = ("customer_id", "cutoff", "churned", "value")
LONGEST = 3570  # 510 weeks: the kernel counts weekdays in nine bits
OF_ONE_ROW = ("last", "change", "rises")
CHANGED = ("spend", "discount", "list_price", "lines", "pieces")  # what a later part of an order may change
ONLY_OF = {"days_until": "card_expiries", "until_renewal": "subscriptions"}


def refuse_unknown_words(entry: dict[str, Any], place: str) -> None:
    """ConfigError with the nearest known word where kind, driver, table, measure or a column is none of ours."""
    if "inputs" in entry:
        raise ConfigError(f"{place}: inputs are found by name: over = ..., under = ...")
    for key, known in (("kind", get_args(Kind)), ("driver", get_args(Driver)), ("table", get_args(Table))):
        if key in entry:
            _one_of(entry[key], known, f"{place}: no {key} is called", "")
    table = entry.get("table", "orders")
    stream = STREAMS[table]
    for key in ("measure", "of"):
        if key in entry:
            _one_of(entry[key], stream.known_measures(), f"{place}: {table} has no measure", "")
    asked = entry.get("where", {})
    for column in asked if isinstance(asked, dict) else ():
        _one_of(column, tuple(stream.columns), f"{place}: rows of {table} cannot be chosen by", " in `where`")


def _one_of(word: Any, known: Sequence[str], fault: str, end: str) -> None:
    if not isinstance(word, str) or word not in known:
        near = difflib.get_close_matches(str(word), known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
        raise ConfigError(f"{fault} {word!r}{end}. {hint}")


def refuse_what_means_nothing(feature: Feature) -> None:
    """ConfigError where the parts of a declaration do not go together."""
    if fault := next(_faults(feature), None):
        raise ConfigError(f"feature {feature.name!r}: {fault}")


def _faults(f: Feature) -> Iterator[str]:
    if not re.fullmatch("[a-z][a-z0-9_]*", f.name) or f.name in TAKEN:
        hint = " {w} in it needs windows = [28]." if "{w}" in f.name else ""
        yield f"a name is small letters, digits and _, and none of {', '.join(TAKEN)}.{hint}"
    if f.table == "contacts" and f.use == "risk":
        yield (
            "contacts are made by us, and to whom we write depends on the risk we saw: a model that saw them would "
            'learn our own habits. Write use = "decisions".'
        )
    if f.kind in ONLY_OF and f.table != ONLY_OF[f.kind]:
        yield f"kind {f.kind!r} is of table {ONLY_OF[f.kind]!r} only (came: {f.table!r})."
    if f.kind in ONLY_OF_A_WINDOW and f.window is None:
        yield f"kind {f.kind!r} needs a window in days: windows = [28]."
    yield from _number_faults(f)
    yield from _measure_faults(f)


def _number_faults(f: Feature) -> Iterator[str]:
    if f.window is not None and f.kind not in (*OF_A_WINDOW, *ONLY_OF_A_WINDOW):
        yield f"kind {f.kind!r} looks at all the past and has no window (came: {f.window})."
    if f.window is not None and not 1 <= f.window <= LONGEST:
        yield f"a window has 1 to {LONGEST} days (came: {f.window})."
    if f.lag < 0 or (f.lag > 0 and f.window is None):
        yield f"a lag is days between a window and the cutoff, 0 or more, and needs a window (came: {f.lag})."
    if f.lag > 0 and f.kind == "rate":
        yield f"kind 'rate' counts by what was seen of the window up to the cutoff and has no lag (came: {f.lag})."
    if f.n < 1:
        yield f"n counts from 1 (came: {f.n})."
    if not 0 <= f.q <= 1:
        yield f"q is a share, 0..1 (came: {f.q})."
    if f.prior < 0:
        yield f"prior is a number of days, 0 or more (came: {f.prior})."
    if f.low is not None and f.high is not None and f.low > f.high:
        yield f"low = {f.low} is above high = {f.high}."


def _measure_faults(f: Feature) -> Iterator[str]:
    if f.kind in OF_TWO and not (f.over and f.under):
        yield f"kind {f.kind!r} needs two other features by name: over = ..., under = ..."
    if f.kind not in OF_TWO and (f.over or f.under):
        yield "over and under belong to the kinds ratio and difference."
    if (f.kind == "share") != bool(f.of):
        yield "`of` is the measure that a share is of; a share needs one, no other kind has one."
    if (f.kind == "days_until") != (f.measure == "expires_day"):
        yield "kind 'days_until' and measure 'expires_day' belong together: neither means anything without the other."
    if "discounted" in f.where and {f.measure, f.of} & set(CHANGED):
        yield (
            "what was recorded later of an order does not say whether the order had a discount: "
            f"with `where` by discounted, measure rows or active_days (came: {f.measure!r})."
        )
    if f.kind in OF_VALUES and not f.stream.value:
        yield f"rows of {f.table} have no column whose different values could be counted."
    if f.kind in OF_ONE_ROW and f.measure in (ROWS, ACTIVE_DAYS):
        yield f"kind {f.kind!r} reads a number of single rows: give it a measure other than {f.measure!r}."


def refuse_conflicts(features: Sequence[Feature], known: Sequence[Feature], where: str) -> None:
    """ConfigError where a name is given twice, or a feature names another that is none."""
    every = {f.name: f for f in (*known, *features)}
    counts = Counter(f.name for f in (*known, *features))
    if twice := [f.name for f in features if counts[f.name] > 1]:
        raise ConfigError(f"{where}: two features are called {twice[0]!r}; every name must be its own.")
    for f in features:
        for name in (f.over, f.under):
            if name:
                _refuse_part(f, name, every)
        for name in sorted(quoted(f.sentence) - {"value"}):
            _one_of(name, tuple(every), f"feature {f.name!r}: its sentence quotes a feature that is none,", "")


def _refuse_part(f: Feature, name: str, every: dict[str, Feature]) -> None:
    """ConfigError where a ratio or difference is made of what it cannot be made of."""
    _one_of(name, tuple(every), f"feature {f.name!r} is made of a feature that is none,", "")
    if every[name].kind in OF_TWO:
        raise ConfigError(
            f"feature {f.name!r}: {name!r} is itself made of two features; name those with a kind of rows."
        )
    if every[name].use == "decisions" and f.use == "risk":
        raise ConfigError(f'feature {f.name!r}: {name!r} is for decisions only, so this one is: use = "decisions".')


def quoted(sentence: str) -> set[str]:
    """The names in a sentence's braces."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}
