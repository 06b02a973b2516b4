"""Files in, tables and quarantine out: every row that came in is accepted, a duplicate, left out, or quarantined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from winback import store
from winback.config import Source, Sources
from winback.errors import ConfigError, TooManyBadRows
from winback.facts.intake import added, ledger, parse, tables
from winback.facts.intake.accounting import Accounting, added_up
from winback.facts.intake.classify import Clock, Reading, statement
from winback.facts.intake.conflicts import find_conflicts
from winback.facts.intake.contracts import mapping_of
from winback.facts.intake.erased import LEFT_OUT, emptied, take_out
from winback.facts.intake.ledger import Earlier, Since, Taken
from winback.facts.intake.mended import mended_rows
from winback.facts.intake.number_format import written
from winback.facts.intake.order_parts import no_old_orders
from winback.facts.intake.quarantine import of_lines, of_rows
from winback.facts.intake.raw_rows import read_rows
from winback.facts.intake.row_rules import checked_rules, label

__all__ = ["Accounting", "ingest"]


def ingest(
    sources: Sources,
    base: Path,
    out: Path,
    zone: str,
    received_at: datetime,
    currency: str = "",
) -> list[Accounting]:
    """One Accounting a source; its tables and the quarantine are written to the folder `out`.

    `base`: the folder that paths are relative to. `zone`: of stamps without an offset, where the
    source names none. `received_at`: no row may be dated later. `currency`: the project's, where
    orders tell theirs. When too much of a source is quarantined nothing but the quarantine is written.
    """
    return ingest_since(sources, base, out, Since(zone, received_at, currency))


def ingest_since(sources: Sources, base: Path, out: Path, since: Since) -> list[Accounting]:
    """As `ingest`, reading only what was added to the files of earlier ingests, where that gives the same."""
    return ingest_given(sources.given(), base, out, since)


def ingest_given(given: Mapping[str, Source], base: Path, out: Path, since: Since) -> list[Accounting]:
    """As `ingest_since`, of whichever sources are given by table."""
    if since.received_at.tzinfo is None:
        raise ValueError(f"received_at needs a time zone, came {since.received_at!r}")
    mappings = {table: mapping_of(table, source) for table, source in given.items()}
    with ExitStack() as opened:
        con = opened.enter_context(closing(store.connect()))
        zones = set(con.sql("SELECT name FROM pg_timezone_names()").to_arrow_table()["name"].to_pylist())
        taken = []
        for table, source in given.items():
            clock = _clock(source, since, zones)
            rules, numbers = checked_rules(table, source), source.number_format
            reading = Reading(table, mappings[table], rules, clock, since.currency, since.refuses)
            reading = replace(reading, numbers=written(numbers)) if numbers else reading
            taken.append(_taken(opened, con, source, reading, (base, since)))
        refused = tables.sorted_quarantine([each.refused for each in taken])
        ledger.void(out)
        store.write_table(out / "quarantine.parquet", refused)
        done = [each.accounting for each in taken]
        _check_shares(given, done, out)
        ledger.write(out, base, given, taken, since)
    return done


def _taken(
    opened: ExitStack, con: store.Connection, source: Source, reading: Reading, where: tuple[Path, Since]
) -> Taken:
    """One source: as an earlier ingest has it, with the added files if there are any, or read anew."""
    base, since = where
    earlier = ledger.usable(reading.table, source, base, since)
    if earlier and not earlier.added:
        return Taken(reading.table, earlier.accounting, earlier.refused, None, earlier)
    if earlier:
        if (taken := _take_in(con, source, reading, base, earlier)) is not None:
            return taken
        con = opened.enter_context(closing(store.connect()))
    if (taken := _take_in(con, source, reading, base, None, since.keeps_keys(source))) is None:
        raise AssertionError(f"all files of {reading.table} were read and still did not do, please report it")
    return taken


def _take_in(
    con: store.Connection,
    source: Source,
    reading: Reading,
    base: Path,
    earlier: Earlier | None,
    keyed: bool = True,
) -> Taken | None:
    """One source's accepted rows as the relations its tables are written from, and its refused ones.

    After an `earlier` ingest only of the added files; None where rows of it would have to change.
    """
    table, mapping = reading.table, reading.mapping
    mend = partial(mended_rows, con, table, source, base) if source.mended else None
    rows = read_rows(con, table, source, base, earlier.added if earlier else None, mend)
    raw = source.grain == "line" and source.duplicates == "drop"
    if table == "orders":
        no_old_orders(con)
    for number, group in enumerate(rows.groups):
        with store.naming_damage(group.files):
            con.execute(f"CREATE TEMP TABLE {table}_read_{number} AS {statement(reading, group, raw)}")
    erased = take_out(con, table, len(rows.groups), reading.refuses) if reading.refuses else 0
    repeated = added.meet(con, table, source, rows.groups, earlier.folder) if earlier else 0
    if repeated is None:
        return None
    find_conflicts(con, table, source, len(rows.groups), mapping)
    duplicates = repeated + tables.accept(con, table, source, rows.groups, keyed)
    tables.finish(con, table, source, mapping)
    if earlier and added.meets_unnamed(con, table, mapping, earlier.folder):
        return None
    rejected = [emptied(each, reading.refuses) for each in (rows.rejected, rows.rejected_in_lookups)]
    refused = pa.concat_tables([of_lines(table, rejected[0]), of_rows(con, table, source, rows.groups, mapping)])
    accounting = _accounting(con, reading, (rows.count, len(rows.groups), erased), duplicates, refused)
    if earlier:
        total = added_up(earlier.accounting, accounting)
        return Taken(table, total, pa.concat_tables([earlier.refused, refused]), con, earlier)
    of_lookups = of_lines(f"{table} lookup", rejected[1])
    return Taken(table, accounting, pa.concat_tables([refused, of_lookups]), con, None)


def _accounting(
    con: store.Connection, reading: Reading, size: tuple[int, int, int], duplicates: int, refused: pa.Table
) -> Accounting:
    """Where the rows went; `size` is how many came, in how many groups, and how many were of erased people."""
    rows, groups, erased = size
    table = reading.table
    left = {label(reading.rules[n]): count for n, count in tables.left_out(con, table, groups).items()}
    left |= {LEFT_OUT: erased} if erased else {}
    done = Accounting(
        table,
        rows,
        tables.count(con, f"{table}_accepted"),
        duplicates,
        refused.num_rows,
        dict(sorted(Counter(refused["reason"].to_pylist()).items())),
        left,
        tables.next_future(con, table, groups),
    )
    if done.rows_in != done.accepted + done.duplicates + done.quarantined + sum(done.left_out.values()):
        raise AssertionError(f"row accounting of {table} does not add up, please report it: {done}")
    return done


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


def _clock(source: Source, since: Since, zones: Collection[str]) -> Clock:
    """How one source's dates are read, if they can be."""
    zone, date_format = source.time_zone or since.zone, source.date_format
    if zone not in zones:
        raise ConfigError(f"time_zone = {zone!r} is not known; use one such as 'Europe/Berlin'")
    if date_format is not None and not parse.can_read_days(date_format):
        raise ConfigError(
            f"date_format = {date_format!r} is not understood; use one such as '%d.%m.%Y %H:%M', "
            "with year, month and day in it"
        )
    return Clock(zone, date_format, since.received_at)
