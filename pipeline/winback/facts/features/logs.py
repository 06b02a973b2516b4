"""Rows of the facts tables as the kernel's logs: customers and words as codes, moments as days, money as cents."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winback.facts.days import day_numbers, local_hours
from winback.facts.features.kernel import NEVER, Flags, Ints, Log
from winback.facts.features.streams import STREAMS

SLOW_HOURS = 72
PERIOD = re.compile(r"P(\d+)([DWMY])")
Where = tuple[tuple[str, tuple[str | int, ...]], ...]


@dataclass(frozen=True)
class Rows:
    """The rows of one stream: Arrow columns, the day and instant of each row, the zone of its days."""

    table: pa.Table
    zone: str
    us: Ints
    day: Ints

    def ints(self, column: str) -> Ints:
        """A column as integers: moments in microseconds, 0 for null."""
        return as_ints(self.table[column])

    def thousandths(self, column: str) -> Ints:
        """A column of numbers, in whole thousandths; 0 for null."""
        found = self.table[column].fill_null(0.0).to_numpy()
        return np.asarray(np.rint(found * 1000), dtype=np.int64)


def as_ints(column: pa.ChunkedArray) -> Ints:
    """A column of integers or moments as int64; 0 for null."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if column.null_count:
        column = column.fill_null(0)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _hour(rows: Rows) -> Ints:
    return local_hours(rows.us, rows.zone)


def _seconds_to_resolve(rows: Rows) -> Ints:
    return (rows.ints("resolved_at") - rows.ints("opened_at")) // 1_000_000


def _ends_day(rows: Rows) -> Ints:
    """The day from which an end is known; NEVER where none is."""
    ended = rows.table["ended_at"]
    days = day_numbers(np.maximum(as_ints(ended), _recorded(rows, "ended_recorded_at")), rows.zone)
    return np.where(ended.is_null().to_numpy(), NEVER, days)


def _recorded(rows: Rows, later: str) -> Ints:
    """When each row, or the later fact of it that has a moment of its own, was recorded."""
    if later not in rows.table.column_names:
        return rows.ints("recorded_at")
    return as_ints(pc.coalesce(rows.table[later], rows.table["recorded_at"]))


def _periods(rows: Rows, units: Mapping[str, int]) -> Ints:
    """The length of each row's period in one unit; 0 where it is written in none of these."""
    words = rows.table["period"].combine_chunks().dictionary_encode()
    lengths = [_length(word, units) for word in words.dictionary.to_pylist()]
    table = np.array([*lengths, 0], dtype=np.int64)
    return np.asarray(table[words.indices.fill_null(len(lengths)).to_numpy()])


def _length(period: str, units: Mapping[str, int]) -> int:
    found = PERIOD.fullmatch(period)
    return int(found[1]) * units.get(found[2], 0) if found else 0


# Of each measure: the columns it is read from, and how.
MEASURES: Mapping[str, tuple[tuple[str, ...], Callable[[Rows], Ints]]] = {
    "spend": (("amount_cents",), lambda rows: rows.ints("amount_cents")),
    "discount": (("discount_cents",), lambda rows: rows.ints("discount_cents")),
    "list_price": (
        ("amount_cents", "discount_cents"),
        lambda rows: rows.ints("amount_cents") + rows.ints("discount_cents"),
    ),
    "lines": (("line_count",), lambda rows: rows.ints("line_count")),
    "pieces": (("quantity",), lambda rows: rows.ints("quantity")),
    "hour": ((), _hour),
    "evening": ((), lambda rows: (_hour(rows) >= 18).astype(np.int64)),
    "weekend": ((), lambda rows: ((rows.day + 3) % 7 >= 5).astype(np.int64)),
    "discounted": (("discount_cents",), lambda rows: (rows.ints("discount_cents") > 0).astype(np.int64)),
    "refund": (("amount_cents",), lambda rows: -rows.ints("amount_cents")),
    "value": (("value",), lambda rows: rows.thousandths("value")),
    "resolve_hours": (("opened_at",), _seconds_to_resolve),
    "slow": (("opened_at",), lambda rows: (_seconds_to_resolve(rows) > SLOW_HOURS * 3600).astype(np.int64)),
    "csat": (("csat",), lambda rows: rows.thousandths("csat")),
    "score": (("score",), lambda rows: rows.thousandths("score")),
    "price": (("price_cents",), lambda rows: rows.ints("price_cents")),
    "auto_renew": (("auto_renew",), lambda rows: rows.ints("auto_renew")),
    "amount": (("amount_cents",), lambda rows: rows.ints("amount_cents")),
    "expires_day": (("card_expires",), lambda rows: day_numbers(rows.ints("card_expires"), rows.zone)),
    "ends_day": (("ended_at",), _ends_day),
    "period_months": (("period",), lambda rows: _periods(rows, {"M": 1, "Y": 12})),
    "period_days": (("period",), lambda rows: _periods(rows, {"D": 1, "W": 7})),
}
# Which rows of the facts table a stream has, where not all of them, and the columns that tell.
KEPT: Mapping[str, tuple[tuple[str, ...], Callable[[pa.Table], pa.ChunkedArray]]] = {
    "orders": (
        ("amount_cents", "part"),
        lambda t: pc.or_(pc.greater_equal(t["amount_cents"], 0), pc.greater(t["part"], 0)),
    ),
    "returns": (
        ("amount_cents", "part"),
        lambda t: pc.and_(pc.less(t["amount_cents"], 0), pc.equal(t["part"], 0)),
    ),
    "tickets_resolved": (("resolved_at",), lambda t: t["resolved_at"].is_valid()),
    "ticket_ratings": (("csat",), lambda t: t["csat"].is_valid()),
    "subscriptions_ended": (("ended_at",), lambda t: t["ended_at"].is_valid()),
    "card_expiries": (("card_expires",), lambda t: t["card_expires"].is_valid()),
}
# Sums that later-recorded changes of an order add to; they are no orders themselves.
CHANGED = ("spend", "discount", "list_price", "lines", "pieces")
NOTHING_IS_0 = ("discounted",)  # an order whose discount is not given had none
OPENED = {"ticket_ratings": "opened_at"}  # the moment where the stream's own is not given
# When it was recorded, where that was not with the row itself.
LEARNED = {
    "tickets_resolved": "resolved_recorded_at",
    "ticket_ratings": "csat_recorded_at",
    "subscriptions_ended": "ended_recorded_at",
}


@dataclass(frozen=True)
class StreamLog:
    """One stream of a set of customers: its log, the later-recorded changes of its rows, its words' codes."""

    log: Log
    changes: Log | None = None
    words: dict[str, dict[str, int]] = field(default_factory=dict)

    def where(self, asked: Where) -> StreamLog:
        """The rows whose columns have one of the values asked for."""
        if not asked:
            return self
        changes = self.changes
        if changes is not None:
            tells = all(column in changes.measures for column, _ in asked)
            changes = changes.take(self._chosen(changes, asked)) if tells else None
        return StreamLog(self.log.take(self._chosen(self.log, asked)), changes)

    def _chosen(self, log: Log, asked: Where) -> Flags:
        """Whether each row's columns have one of the values; what is not given is none of them."""
        kept = np.ones(len(log), dtype=bool)
        for column, allowed in asked:
            codes = [self.words[column].get(v, -2) if isinstance(v, str) else v for v in allowed]
            kept &= np.isin(log.measures[column], codes)
            if column not in NOTHING_IS_0 and (given := log.measures.get(f"has_{column}")) is not None:
                kept &= given > 0
        return kept

    def block(self, first: int, last: int) -> StreamLog:
        """Some of the customers."""
        changes = self.changes.block(first, last) if self.changes is not None else None
        return StreamLog(self.log.block(first, last), changes)


def columns_of(stream: str, measures: Collection[str]) -> set[str]:
    """The columns of the facts table that a stream's measures are read from; `code` is its value column."""
    about = STREAMS[stream]
    read = {"customer_id", about.moment, "recorded_at", *KEPT.get(stream, ((), None))[0]}
    read |= {OPENED[stream]} if stream in OPENED else set()
    read |= {LEARNED[stream]} if stream in LEARNED else set()
    read |= {LEARNED["subscriptions_ended"]} if "ends_day" in measures else set()
    for name in measures:
        read |= {about.value} if name == "code" else set(MEASURES[name][0] if name in MEASURES else (name,))
    return read


def stream_log(stream: str, table: pa.Table, ids: pa.Array, zone: str, measures: Collection[str]) -> StreamLog:
    """The rows of one stream that belong to the customers `ids` (sorted), as a log sorted by (customer, us)."""
    if stream in KEPT and (kept := KEPT[stream][1](table)).combine_chunks().true_count != len(table):
        table = table.filter(kept)
    customer = codes_in(table["customer_id"], ids)
    if (customer < 0).any():
        table = table.filter(pa.array(customer >= 0))
        customer = customer[customer >= 0]
    rows = _rows(stream, table, zone)
    recorded = np.maximum(_recorded(rows, LEARNED.get(stream, "")), rows.us)
    recorded_day = rows.day if np.array_equal(recorded, rows.us) else day_numbers(recorded, zone)
    read, words = _measures(stream, rows, measures)
    log = in_order(Log(customer, rows.day, rows.us, recorded_day, read | _part(stream, table)))
    return _apart(log, words) if "part" in log.measures else StreamLog(log, None, words)


def _rows(stream: str, table: pa.Table, zone: str) -> Rows:
    """A stream's rows with the moment of each."""
    at = table[STREAMS[stream].moment]
    us = as_ints(at if stream not in OPENED else pc.coalesce(at, table[OPENED[stream]]))
    return Rows(table, zone, us, day_numbers(us, zone))


def _measures(stream: str, rows: Rows, names: Collection[str]) -> tuple[dict[str, Ints], dict[str, dict[str, int]]]:
    """Each measure and column asked for, one integer a row, and the codes of the columns' words.

    Where a measure's column has nulls, `has_<measure>` tells the others.
    """
    read: dict[str, Ints] = {}
    words: dict[str, dict[str, int]] = {}
    for name in sorted(names):
        column = STREAMS[stream].value if name == "code" else name
        if name in MEASURES:
            columns, value = MEASURES[name]
            read[name] = value(rows)
            if any(rows.table[c].null_count for c in columns):
                valid = [rows.table[c].is_valid().to_numpy() for c in columns]
                read[f"has_{name}"] = np.logical_and.reduce(valid).astype(np.int64)
        else:
            read[name], words[column] = coded(rows.table[column])
            if name == "code" and (read[name] < 0).any():
                read["has_code"] = (read[name] >= 0).astype(np.int64)
    return read, words


def _part(stream: str, table: pa.Table) -> dict[str, Ints]:
    if stream != "orders" or not len(table) or pc.max(table["part"]).as_py() == 0:
        return {}
    return {"part": as_ints(table["part"])}


def _apart(log: Log, words: dict[str, dict[str, int]]) -> StreamLog:
    """Orders, and apart from them what was recorded later of them."""
    later = log.measures.pop("part") > 0
    changes = log.take(later)
    sums = {name: found for name, found in changes.measures.items() if name in (*CHANGED, "channel")}
    return StreamLog(log.take(~later), replace(changes, measures=sums), words)


def in_order(log: Log) -> Log:
    """The log sorted by (customer, us); as ingest wrote it where that is its order already."""
    if len(log) < 2:
        return log
    same = log.customer[1:] == log.customer[:-1]
    later: Flags = log.us[1:] >= log.us[:-1]
    if ((log.customer[1:] > log.customer[:-1]) | (same & later)).all():
        return log
    return log.take(np.lexsort((log.us, log.customer)))


def customers_in(column: pa.ChunkedArray) -> pa.Array:
    """The different customers of a column, sorted."""
    found = column.unique()
    found = found.dictionary.take(found.indices) if pa.types.is_dictionary(found.type) else found
    ordered: pa.Array = found if _ascending(found) else found.take(pc.array_sort_indices(found))
    return ordered


def _ascending(found: pa.Array) -> bool:
    return len(found) < 2 or bool(pc.all(pc.less(found.slice(0, len(found) - 1), found.slice(1))).as_py())


def codes_in(column: pa.ChunkedArray, ids: pa.Array) -> Ints:
    """The place of each value in `ids`, -1 for none."""
    places, indices = _encoded(column)
    at: Ints = pc.index_in(places, ids).fill_null(-1).to_numpy().astype(np.int64)
    return at if indices is None else at[indices]


def coded(column: pa.ChunkedArray) -> tuple[Ints, dict[str, int]]:
    """Each value's rank among the column's different values by code points, -1 for null, and the ranks."""
    found, indices = _encoded(column)
    ranks = {word: rank for rank, word in enumerate(sorted(word for word in found.to_pylist() if word is not None))}
    at = np.array([ranks.get(word, -1) for word in found.to_pylist()] or [-1], dtype=np.int64)
    return at[indices if indices is not None else np.arange(len(found))], ranks


def _encoded(column: pa.ChunkedArray) -> tuple[pa.Array, Ints | None]:
    """The different values of a column (null may be one), and the place of each row's among them."""
    encoded = pc.dictionary_encode(column) if not pa.types.is_dictionary(column.type) else column
    whole = encoded.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], encoded.type)
    indices = whole.indices
    values = whole.dictionary
    if indices.null_count:
        indices, values = indices.fill_null(len(values)), pa.concat_arrays([values, pa.nulls(1, values.type)])
    return values, indices.to_numpy().astype(np.int64)
