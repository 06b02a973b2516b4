"""Rows of files that were added since an earlier ingest, beside what that one has already."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa

from winback import store
from winback.config import Source
from winback.facts.intake import row_keys
from winback.facts.intake.contracts import IDS
from winback.facts.intake.order_parts import OF_ORDERS
from winback.facts.intake.raw_rows import Group


def meet(con: store.Connection, table: str, source: Source, groups: Sequence[Group], old: Path) -> int | None:
    """How many rows of `<table>_read_n` the earlier ingest `old` has; they are taken out.

    Orders that `old` has and that new rows belong to are put into orders_old. None where a row that
    was written would have to be another one now: then only reading all files gives the same.
    """
    repeated = 0 if source.duplicates == "keep" else _take_out(con, table, source, groups, old)
    if IDS.get(table) not in source.columns or not _ids_met(con, table, len(groups), old):
        return repeated
    if table != "orders" or "recorded_at" not in source.columns:
        return None
    _bring_orders(con, old)
    return repeated if _all_later(con, len(groups)) else None


def _take_out(con: store.Connection, table: str, source: Source, groups: Sequence[Group], old: Path) -> int:
    """Remove the rows that were accepted before, and tell how many there were."""
    repeated = 0
    for part, group in enumerate(groups):
        key = row_keys.of_columns(group) if source.grain == "line" else row_keys.of_values(table)
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE keyed AS
            SELECT file, line, {key} AS row_key FROM {table}_read_{part} WHERE fault IS NULL
        """)
        there = row_keys.found_in(old, table, row_keys.ROWS, row_keys.read(con, "keyed", "row_key"))
        places = con.sql("SELECT file, line FROM keyed").to_arrow_table().filter(pa.array(there))
        con.register("there", places)
        con.execute(f"DELETE FROM {table}_read_{part} r USING there t WHERE r.file = t.file AND r.line = t.line")
        con.unregister("there")
        repeated += places.num_rows
    return repeated


def _ids_met(con: store.Connection, table: str, groups: int, old: Path) -> bool:
    """Make the table ids_met of ids that `old` has too, and tell whether there are any."""
    name = IDS[table]
    rows = " UNION ALL ".join(
        f"SELECT {name} AS id FROM {table}_read_{part} WHERE fault IS NULL AND {name} IS NOT NULL"
        for part in range(groups)
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE ids_new AS SELECT DISTINCT id FROM ({rows})")
    return _meet_ids(con, table, old)


def _meet_ids(con: store.Connection, table: str, old: Path) -> bool:
    there = row_keys.found_in(old, table, row_keys.IDS, row_keys.read(con, "ids_new", "md5_number(id)"))
    met = con.sql("FROM ids_new").to_arrow_table().filter(pa.array(there))
    con.execute("CREATE OR REPLACE TEMP TABLE ids_met (order_id VARCHAR)")
    con.register("met", met)
    con.execute("INSERT INTO ids_met FROM met")
    con.unregister("met")
    return bool(met.num_rows)


def _bring_orders(con: store.Connection, old: Path) -> None:
    """Fill orders_old and what belongs to it with the orders of ids_met."""
    columns = ", ".join(name for name in con.sql("FROM orders_old").columns)
    con.execute(
        f"INSERT INTO orders_old SELECT {columns} FROM {_scan(old, 'orders')} SEMI JOIN ids_met USING (order_id)"
    )
    for table, column in OF_ORDERS.items():
        if store.table_files(old, table):
            con.execute(
                f"INSERT INTO orders_old_{column} SELECT order_id, {column} FROM {_scan(old, table)} "
                "SEMI JOIN ids_met USING (order_id)"
            )


def _scan(old: Path, table: str) -> str:
    return f"read_parquet([{', '.join(store.literal(str(path)) for path in store.table_files(old, table))}])"


def _all_later(con: store.Connection, groups: int) -> bool:
    """Whether each new row of an order became known after all that was known of it."""
    rows = " UNION ALL ".join(
        f"SELECT order_id, recorded_at FROM orders_read_{part} WHERE fault IS NULL" for part in range(groups)
    )
    found = con.sql(f"""
        SELECT count(*) AS n FROM ({rows}) r
        JOIN (SELECT order_id, max(recorded_at) AS known FROM orders_old GROUP BY order_id) o USING (order_id)
        WHERE r.recorded_at <= o.known
    """).to_arrow_table()["n"]
    return not found[0].as_py()


def meets_unnamed(con: store.Connection, table: str, mapped: Collection[str], old: Path) -> bool:
    """Whether an order without an id says what one of `old` says: how often it does is part of its name."""
    if table != "orders" or "order_id" in mapped:
        return False
    con.execute("CREATE OR REPLACE TEMP TABLE ids_new AS SELECT order_id AS id FROM orders_parts")
    return _meet_ids(con, table, old)
