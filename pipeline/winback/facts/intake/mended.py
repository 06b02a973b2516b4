"""Rows mended by hand: a file with the quarantine's columns, whose edited `raw` stands for what was at that line."""

# Names in these statements are our own.
# ruff: noqa: S608

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from winback import store
from winback.config import Source
from winback.errors import SourceError
from winback.facts.intake.raw_rows import Group, Rows, read_files
from winback.facts.intake.sources import format_of, named_files

COLUMNS = ("table", "file", "line", "raw")
Place = tuple[str, int]


@dataclass(frozen=True)
class _Copy:
    """Mended rows of one file as a small file of their own, and the line each has in the file they are of."""

    path: Path
    format: str
    lines: Mapping[int, int]


def corrections(source: Source, base: Path) -> list[tuple[str, str, int, str]]:
    """Table, file, line and new text of each row in a source's mended files."""
    found = []
    for written in source.mended:
        for name, path in named_files(written, base).items():
            rows = store.read_table(path).to_pylist() if path.suffix == ".parquet" else _rows_of_csv(path)
            found += [_checked(name, number, row) for number, row in enumerate(rows, start=1)]
    return found


def _rows_of_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def _checked(name: str, number: int, row: Mapping[str, str]) -> tuple[str, str, int, str]:
    lacking = [column for column in COLUMNS if row.get(column) is None]
    if lacking or not str(row["line"]).isdigit():
        fault = f"has no {', '.join(lacking)}" if lacking else f"has the line {row['line']!r}"
        raise SourceError(
            f"row {number} of {name} {fault}; mended rows have the columns {', '.join(COLUMNS)} of quarantine.parquet. "
            "`winback quarantine list --out FILE` writes such a file"
        )
    return row["table"], row["file"], int(row["line"]), row["raw"]


def mended_rows(con: store.Connection, table: str, source: Source, base: Path, rows: Rows) -> Rows:
    """The rows with each mended one in its place: same file, same line, new text."""
    texts = {(file, line): raw for of, file, line, raw in corrections(source, base) if of == table}
    headers = {file: group for group in rows.groups for file in group.files}
    texts = {place: raw for place, raw in texts.items() if place[0] in headers}
    if not texts:
        return rows
    groups, taken = _without(con, table, rows.groups, texts)
    places = list(zip(rows.rejected["file"].to_pylist(), rows.rejected["line"].to_pylist(), strict=True))
    _refuse_strangers(source, texts, taken | set(places))
    rejected = rows.rejected.filter(pa.array([place not in texts for place in places], pa.bool_()))
    with tempfile.TemporaryDirectory() as folder:
        copies = _copies(Path(folder), source, headers, texts)
        for number, (file, copy) in enumerate(copies):
            new = read_files(con, f"{table}_mended_{number}", _as_read(source, copy.format), {file: copy.path})
            groups += [_in_place(con, f"{table}_mended_{number}", group, copy.lines) for group in new.groups]
            at = pa.array([copy.lines[line] for line in new.rejected["line"].to_pylist()], pa.int64())
            rejected = pa.concat_tables([rejected, new.rejected.set_column(1, rejected.schema.field("line"), at)])
    return replace(rows, groups=tuple(groups), rejected=rejected)


def _without(
    con: store.Connection, table: str, groups: Sequence[Group], texts: Mapping[Place, str]
) -> tuple[list[Group], set[Place]]:
    """The groups without the rows at these places, and those places at which there was one."""
    kept, taken = [], set()
    for number, group in enumerate(groups):
        here = [(group.files.index(file), line) for file, line in texts if file in group.files]
        view = f"{table}_mend_{number}"
        files, lines = zip(*here, strict=True) if here else ((), ())
        con.register(view, pa.table({"file": pa.array(files, pa.int64()), "line": pa.array(lines, pa.int64())}))
        found = con.sql(
            f"SELECT file, line FROM {group.relation} r SEMI JOIN {view} USING (file, line)"
        ).to_arrow_table()
        taken |= {(group.files[row["file"]], row["line"]) for row in found.to_pylist()}
        relation = f"(SELECT r.* FROM {group.relation} r ANTI JOIN {view} USING (file, line))"
        kept.append(replace(group, relation=relation) if here else group)
    return kept, taken


def _refuse_strangers(source: Source, texts: Mapping[Place, str], there: set[Place]) -> None:
    """A mended row stands for one that came in; it never adds one."""
    strangers = sorted(texts.keys() - there)
    if strangers:
        file, line = strangers[0]
        raise SourceError(
            f"{', '.join(source.mended)} mends {len(strangers):,} rows that are not there, the first at line {line} of "
            f"{file}. The file was changed since; leave the row out of the mended ones"
        )


def _copies(
    folder: Path, source: Source, headers: Mapping[str, Group], texts: Mapping[Place, str]
) -> list[tuple[str, _Copy]]:
    """The mended rows of each file, as a file of the same kind."""
    by_kind: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for (file, line), raw in sorted(texts.items()):
        is_object = format_of(source, Path(file)) == "jsonl" and raw.lstrip().startswith("{")
        by_kind.setdefault((file, "jsonl" if is_object else "csv"), []).append((line, raw))
    found = []
    for number, ((file, kind), rows) in enumerate(by_kind.items()):
        path = folder / f"{number}.{kind}"
        header = [] if kind == "jsonl" else [_line(headers[file].names[: headers[file].own], source.delimiter)]
        path.write_text("\n".join([*header, *(raw for _, raw in rows)]) + "\n", encoding="utf-8", newline="")
        found.append((file, _Copy(path, kind, _lines(rows, 1 + len(header)))))
    return found


def _line(names: Sequence[str], delimiter: str) -> str:
    return delimiter.join('"' + name.replace('"', '""') + '"' for name in names)


def _lines(rows: Sequence[tuple[int, str]], first: int) -> dict[int, int]:
    """By line of the copy, the line of the file it is of."""
    lines: dict[int, int] = {}
    for line, raw in rows:
        lines[first] = line
        first += 1 + raw.count("\n")
    return lines


def _as_read(source: Source, kind: str) -> Source:
    return replace(source, encoding="utf-8", format="jsonl" if kind == "jsonl" else "csv", mended=())


def _in_place(con: store.Connection, name: str, group: Group, lines: Mapping[int, int]) -> Group:
    """A group of mended rows with the lines of the file they are of."""
    con.register(
        f"{name}_at", pa.table({"line": pa.array(lines, pa.int64()), "at": pa.array(lines.values(), pa.int64())})
    )
    relation = f"(SELECT r.* REPLACE (a.at AS line) FROM {group.relation} r JOIN {name}_at a ON r.line = a.line)"
    return replace(group, relation=relation)
