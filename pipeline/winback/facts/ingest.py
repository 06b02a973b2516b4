"""Files in, tables and quarantine out: every row that came in is accepted, a duplicate, or quarantined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from winback import store
from winback.config import Source, Sources
from winback.errors import ConfigError, TooManyBadRows
from winback.facts import parse, tables
from winback.facts.classify import Clock, statement
from winback.facts.contracts import TABLES, Mapped, mapping_of
from winback.facts.quarantine import of_lines, of_rows
from winback.facts.raw_rows import read_rows


@dataclass(frozen=True)
class Accounting:
    """Where one source's rows went: `rows_in` is the sum of the next three, `reasons` counts the last."""

    table: str
    rows_in: int
    accepted: int
    duplicates: int
    quarantined: int
    reasons: dict[str, int]


def ingest(sources: Sources, base: Path, out: Path, zone: str, received_at: datetime) -> list[Accounting]:
    """One Accounting a source; its tables and the quarantine are written to the folder `out`.

    `base`: the folder that paths are relative to. `zone`: of stamps without an offset, where the
    source names none. `received_at`: no row may be dated later. When too much of a source is
    quarantined nothing but the quarantine is written.
    """
    if received_at.tzinfo is None:
        raise ValueError(f"received_at needs a time zone, came {received_at!r}")
    given = sources.given()
    mappings = {table: mapping_of(table, source) for table, source in given.items()}
    con = store.connect()
    try:
        done, bad = [], []
        for table, source in given.items():
            clock = _clock(con, source, zone, received_at)
            accounting, quarantined = _take_in(con, table, source, mappings[table], (base, clock))
            done.append(accounting)
            bad.append(quarantined)
        store.write_table(out / "quarantine.parquet", tables.sorted_quarantine(bad))
        _check_shares(given, done, out)
        tables.sum_orders(con, mappings["orders"])
        _write(con, given, out)
    finally:
        con.close()
    return done


def _take_in(
    con: store.Connection,
    table: str,
    source: Source,
    mapping: Mapping[str, Mapped],
    where: tuple[Path, Clock],
) -> tuple[Accounting, pa.Table]:
    """One source's accepted rows as the table `<table>_accepted`, and its refused ones."""
    base, clock = where
    rows = read_rows(con, table, source, base)
    raw = source.grain == "line" and source.duplicates == "drop"
    for number, group in enumerate(rows.groups):
        sql = statement(table, mapping, group, clock, raw)
        con.execute(f"CREATE TEMP TABLE {table}_read_{number} AS {sql}")
    tables.find_conflicts(con, table, source, len(rows.groups), "order_id" in mapping)
    duplicates = tables.accept(con, table, source, [group.own if raw else 0 for group in rows.groups])
    own = pa.concat_tables([of_lines(table, rows.rejected), of_rows(con, table, source, rows.groups, mapping)])
    reasons = dict(sorted(Counter(own["reason"].to_pylist()).items()))
    accepted = tables.count(con, f"{table}_accepted")
    accounting = Accounting(table, rows.count, accepted, duplicates, own.num_rows, reasons)
    _check_conserved(accounting)
    return accounting, pa.concat_tables([own, of_lines(f"{table} lookup", rows.rejected_in_lookups)])


def _check_conserved(done: Accounting) -> None:
    """No row may vanish or appear twice; if one does the fault is ours."""
    if done.rows_in != done.accepted + done.duplicates + done.quarantined:
        raise AssertionError(f"row accounting of {done.table} does not add up, please report it: {done}")


def _check_shares(given: Mapping[str, Source], done: Sequence[Accounting], out: Path) -> None:
    faults = [
        _too_many(count, given[count.table].max_bad_share)
        for count in done
        if count.quarantined > given[count.table].max_bad_share * count.rows_in
    ]
    if faults:
        raise TooManyBadRows(
            "\n".join(faults) + f"\nEach is in {out / 'quarantine.parquet'} with file, line and reason. "
            "Correct the file or its mapping, or raise max_bad_share if they may be left out"
        )


def _too_many(count: Accounting, limit: float) -> str:
    by_size = sorted(count.reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return (
        f"{count.table}: {count.quarantined:,} of {count.rows_in:,} rows "
        f"({count.quarantined / count.rows_in:.2%}) cannot be used, more than the {limit:.2%} that "
        f"max_bad_share = {limit:g} allows: {', '.join(f'{code} {rows:,}' for code, rows in by_size)}."
    )


def _clock(con: store.Connection, source: Source, zone: str, received_at: datetime) -> Clock:
    """How one source's dates are read, if they can be."""
    zone, date_format = source.time_zone or zone, source.date_format
    if not tables.count(con, f"pg_timezone_names() WHERE name = {store.literal(zone)}"):
        raise ConfigError(f"time_zone = {zone!r} is not known; use one such as 'Europe/Berlin'")
    if date_format is not None and not parse.can_read_days(date_format):
        raise ConfigError(
            f"date_format = {date_format!r} is not understood; use one such as '%d.%m.%Y %H:%M', "
            "with year, month and day in it"
        )
    return Clock(zone, date_format, received_at)


def _write(con: store.Connection, given: Mapping[str, Source], out: Path) -> None:
    """Write the tables that the sources give; one of an earlier ingest that they no longer give goes."""
    wanted = set(given) | ({"order_categories"} if "category" in given["orders"].columns else set())
    for table in TABLES:
        path = out / f"{table}.parquet"
        if table in wanted:
            store.write_table(path, tables.final(con, table))
        elif table != "quarantine":
            path.unlink(missing_ok=True)
