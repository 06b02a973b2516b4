"""A person's rows taken out of Parquet files, group by group: what other customers share a group stays as it was."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winback import store
from winback.consent.marks import Marks, seen_in, words_of

ID = "customer_id"
# What others have, too: a hash of it names nobody. As tables call it, and as what was sent to a platform is kept.
SHARED = {
    *("first_name", "last_name", "country", "language", "city", "region", "postcode"),
    *(f"sent_{header}" for header in ("First Name", "Last Name", "Country", "Zip", "fn", "ln", "ct", "st", "zip")),
}
QUARANTINE = {"table", "file", "line", "reason", "detail", "raw"}


def rows_of(path: Path, marks: Marks) -> int:
    """How many rows of a file are of these people."""
    file = pq.ParquetFile(path)
    names = _read(file.schema_arrow)
    if not names:
        return 0
    groups = [n for n in range(file.num_row_groups) if _may_hold(file, n, marks)]
    return sum(int(pc.sum(theirs(file.read_row_group(n, columns=names), marks)).as_py() or 0) for n in groups)


def _may_hold(file: pq.ParquetFile, group: int, marks: Marks) -> bool:
    """Whether an id may be in a group, by the smallest and the largest that it tells."""
    names = file.schema_arrow.names
    if ID not in names:
        return True
    told = file.metadata.row_group(group).column(names.index(ID)).statistics
    if told is None or not told.has_min_max or not isinstance(told.min, str):
        return True
    return any(told.min <= each <= told.max for each in marks.ids)


def ids_in(path: Path) -> set[str]:
    """The customers that a file has in its column of ids; none where it has none."""
    file = pq.ParquetFile(path)
    if ID not in file.schema_arrow.names:
        return set()
    groups = (file.read_row_group(n, columns=[ID])[ID] for n in range(file.num_row_groups))
    return {str(each) for group in groups for each in pc.unique(group).to_pylist() if each is not None}


def _read(schema: pa.Schema) -> list[str]:
    """The columns that tell whose a row is."""
    if ID in schema.names:
        return [ID]
    return [field.name for field in schema if _is_text(field.type) or pa.types.is_integer(field.type)]


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain))


def theirs(rows: pa.Table, marks: Marks) -> pa.Array:
    """Whether each row is of these people: by its column of ids, else by any of its values."""
    if ID in rows.column_names:
        return _equals(rows[ID], marks.ids)
    if set(rows.column_names) >= QUARANTINE:
        return _in_words(rows, marks)
    found = pa.array([False] * rows.num_rows)
    for column in rows.itercolumns():
        if column.num_chunks and (_is_text(column.type) or pa.types.is_integer(column.type)):
            found = pc.or_(found, _equals(column, marks.ids | marks.telling))
    return found


def _equals(column: pa.ChunkedArray, values: frozenset[str]) -> pa.Array:
    plain = column.cast(pa.string()) if column.type != pa.string() else column
    found = pc.is_in(plain, value_set=pa.array(sorted(values), pa.string()))
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _in_words(rows: pa.Table, marks: Marks) -> pa.Array:
    wanted = marks.ids | marks.telling
    pairs = zip(rows["raw"].to_pylist(), rows["detail"].to_pylist(), strict=True)
    return pa.array([bool(words_of(f"{raw} {detail}") & wanted) for raw, detail in pairs], pa.bool_())


def seen(path: Path, marks: Marks) -> set[str]:
    """The addresses and hashes in these people's own rows; none where a table has no column of ids."""
    file = pq.ParquetFile(path)
    texts = [field.name for field in file.schema_arrow if _is_text(field.type) and field.name not in SHARED]
    if ID not in texts or len(texts) < 2 or not rows_of(path, marks):
        return set()
    found: set[str] = set()
    for number in range(file.num_row_groups):
        rows = file.read_row_group(number, columns=texts)
        rows = rows.filter(theirs(rows, marks))
        found |= seen_in(value for name in texts for value in rows[name].to_pylist())
        found |= {value for name in ("email", "phone") if name in texts for value in rows[name].to_pylist() if value}
    return found


def erase(path: Path, marks: Marks) -> int:
    """How many rows of these people were taken out of a file; one without any is left as it is.

    Of a quarantine the rows stay, as they are counted, without what they held.
    """
    if not (count := rows_of(path, marks)):
        return 0
    file = pq.ParquetFile(path)
    with store.whole_file(path) as temporary, pq.ParquetWriter(temporary, file.schema_arrow, compression="zstd") as out:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            gone = theirs(rows, marks)
            left = _emptied(rows, gone) if set(rows.column_names) >= QUARANTINE else rows.filter(pc.invert(gone))
            if left.num_rows or file.num_row_groups == 1:
                out.write_table(left, row_group_size=max(1, left.num_rows))
    return count


def _emptied(rows: pa.Table, gone: pa.Array) -> pa.Table:
    """The rows of a quarantine, those of erased people without their content."""
    for name, text in (("raw", ""), ("detail", "the person was erased")):
        at = rows.column_names.index(name)
        rows = rows.set_column(at, rows.schema.field(name), pc.if_else(gone, text, rows[name]))
    return rows
