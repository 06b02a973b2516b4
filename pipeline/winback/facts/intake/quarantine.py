"""Refused rows, each with its file, line, reason and a sentence that shows the value at fault."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import pyarrow as pa

from winback import store
from winback.config import Source
from winback.facts.intake.contracts import REASONS, Mapped, Part
from winback.facts.intake.faults import CONFLICTS, at_fault
from winback.facts.intake.raw_rows import Group
from winback.facts.intake.row_rules import LEFT_OUT
from winback.facts.intake.tables import schema_of
from winback.facts.intake.text_lines import KEPT_OF_A_BAD_LINE

_SHOWN = 60


def of_lines(table: str, rejected: pa.Table) -> pa.Table:
    """Lines that are no rows, as rows of the quarantine."""
    details = [
        REASONS[reason].format(value=value)
        for reason, value in zip(rejected["reason"].to_pylist(), rejected["value"].to_pylist(), strict=True)
    ]
    columns = {
        "table": pa.repeat(pa.scalar(table), rejected.num_rows),
        "file": rejected["file"],
        "line": rejected["line"],
        "reason": rejected["reason"],
        "detail": pa.array(details, pa.string()),
        "raw": rejected["raw"],
    }
    return pa.table(columns, schema_of("quarantine"))


def of_rows(
    con: store.Connection,
    table: str,
    source: Source,
    groups: Sequence[Group],
    mapping: Mapping[str, Mapped],
) -> pa.Table:
    """Rows that could not be mapped, parsed or reconciled, as rows of the quarantine."""
    parts = [_of_group(con, table, source, (number, group), mapping) for number, group in enumerate(groups)]
    return pa.concat_tables([schema_of("quarantine").empty_table(), *parts])


def _of_group(
    con: store.Connection,
    table: str,
    source: Source,
    part: tuple[int, Group],
    mapping: Mapping[str, Mapped],
) -> pa.Table:
    number, group = part
    columns = ", ".join(f"CAST(r.c{i} AS VARCHAR) AS c{i}" for i in range(len(group.names)))
    found = con.sql(f"""
        WITH refused AS (
            SELECT file, line, fault FROM {table}_read_{number} WHERE NOT starts_with(fault, '{LEFT_OUT} ')
            UNION ALL
            SELECT file, line, '{CONFLICTS.get(table)}' FROM {table}_conflicts WHERE part = {number}
        )
        SELECT refused.file, refused.line, refused.fault, {columns}
        FROM {group.relation} r JOIN refused ON r.file = refused.file AND r.line = refused.line
    """).to_arrow_table()
    rows = list(zip(*(found[f"c{i}"].to_pylist() for i in range(len(group.names))), strict=True))
    faults = [tuple(fault.split(" ")) for fault in found["fault"].to_pylist()]
    explained = {fault: at_fault(table, fault, mapping) for fault in set(faults)}
    columns_out = {
        "table": pa.repeat(pa.scalar(table), found.num_rows),
        "file": pa.array([group.files[i] for i in found["file"].to_pylist()], pa.string()),
        "line": found["line"],
        "reason": pa.array([code for code, _ in faults], pa.string()),
        "detail": pa.array(
            [
                _detail(fault, explained[fault], mapping, dict(zip(group.names, row, strict=True)))
                for fault, row in zip(faults, rows, strict=True)
            ],
            pa.string(),
        ),
        "raw": pa.array([_written(row[: group.own], source.delimiter) for row in rows], pa.string()),
    }
    return pa.table(columns_out, schema_of("quarantine"))


def _detail(
    fault: tuple[str, ...], parts: tuple[Part, ...], mapping: Mapping[str, Mapped], row: Mapping[str, str | None]
) -> str:
    """The sentence for one refused row."""
    code, column = fault
    named = [part for part in parts if isinstance(part, str)]
    source = f"column{'s' if len(named) > 1 else ''} {', '.join(map(repr, named))}" if named else "its constant"
    values = [row[part] if isinstance(part, str) else part["value"] for part in parts if not isinstance(part, float)]
    shown = ", ".join("nothing" if value is None else repr(value[:_SHOWN]) for value in values)
    words = mapping[column].column.words
    listed = f"{', '.join(words[:-1])} or {words[-1]}" if words else ""
    return REASONS[code].format(column=column, source=source, value=shown, words=listed)


def _written(values: Sequence[str | None], delimiter: str) -> str:
    """A row as one line of delimited text."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(values)
    return line.getvalue()[:KEPT_OF_A_BAD_LINE]
