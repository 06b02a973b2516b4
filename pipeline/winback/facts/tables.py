"""From parsed rows to the tables of the facts: conflicts out, duplicates counted, lines summed to orders."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa

from winback import store
from winback.config import Source
from winback.facts.contracts import CONTRACTS, TABLES, Kind

_ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "moment": pa.timestamp("us", "UTC"),
    "integer": pa.int64(),
    "number": pa.float64(),
}


# What a written table is sorted by before its other columns.
_FIRST_KEYS = ("customer_id", "ordered_at", "occurred_at", "contacted_at", "order_id")


def schema_of(table: str) -> pa.Schema:
    """The Arrow schema of a written table."""
    return pa.schema([(column.name, _ARROW[column.kind]) for column in TABLES[table]])


def count(con: store.Connection, table: str) -> int:
    """How many rows a relation has."""
    return int(con.sql(f"SELECT count(*) AS n FROM {table}").to_arrow_table()["n"][0].as_py())


def find_conflicts(con: store.Connection, table: str, source: Source, groups: int, has_order_id: bool) -> None:
    """Make the view `<table>_good` and the table `<table>_conflicts` (part, file, line) of rows to leave out.

    Which row of an order came first is told by what it says, not by where it stands in a file, so
    that the order of the rows changes nothing.
    """
    names = ", ".join(_names(table))
    good = " UNION ALL ".join(
        f"SELECT {part} AS part, file, line, {names} FROM {table}_read_{part} WHERE fault IS NULL"
        for part in range(groups)
    )
    con.execute(f"CREATE TEMP VIEW {table}_good AS {good}")
    if not has_order_id:
        wrong = f"SELECT part, file, line FROM {table}_good WHERE false"
    elif source.grain == "line":
        wrong = _other_customers(table)
    else:
        rank = "dense_rank" if source.duplicates == "drop" else "row_number"
        wrong = _other_rows(table, f"{rank}() OVER (PARTITION BY order_id ORDER BY ordered_at, {names})")
    con.execute(f"CREATE TEMP TABLE {table}_conflicts AS {wrong}")


def _names(table: str) -> list[str]:
    return [column.name for column in CONTRACTS[table]]


def _other_customers(table: str) -> str:
    """Lines of an order that name another customer than its first line."""
    return f"""
        SELECT part, file, line FROM {table}_good
        WHERE order_id IN (
            SELECT order_id FROM {table}_good GROUP BY order_id HAVING min(customer_id) <> max(customer_id)
        )
        QUALIFY customer_id <> first_value(customer_id) OVER (
            PARTITION BY order_id ORDER BY ordered_at, customer_id
        )
    """


def _other_rows(table: str, rank: str) -> str:
    """Rows of an order that are not its first."""
    return f"""
        SELECT part, file, line FROM {table}_good
        WHERE order_id IN (SELECT order_id FROM {table}_good GROUP BY order_id HAVING count(*) > 1)
        QUALIFY {rank} > 1
    """


def accept(con: store.Connection, table: str, source: Source, own_columns: Sequence[int]) -> int:
    """Make the table `<table>_accepted`, each row once, and return how many were duplicates.

    Where lines make up orders two equal lines can be two things bought, so there all columns of the
    file (`own_columns` of each group) must be equal, not only the mapped ones.
    """
    names = ", ".join(_names(table))
    if source.duplicates == "keep":
        rows = _kept(table, f"{table}_good")
        con.execute(f"CREATE TEMP TABLE {table}_accepted AS SELECT {names}, 1 AS copies FROM ({rows})")
        return 0
    if source.grain == "line":
        once = " UNION ALL ".join(
            _once(
                names,
                _kept(table, f"(SELECT {part} AS part, * FROM {table}_read_{part} WHERE fault IS NULL)"),
                width,
            )
            for part, width in enumerate(own_columns)
        )
    else:
        once = _once(names, _kept(table, f"{table}_good"), 0)
    con.execute(f"CREATE TEMP TABLE {table}_accepted AS {once}")
    found = con.sql(f"SELECT coalesce(sum(copies - 1), 0)::BIGINT AS n FROM {table}_accepted").to_arrow_table()
    return int(found["n"][0].as_py())


def _kept(table: str, relation: str) -> str:
    """The good rows without those in conflict."""
    return f"SELECT * FROM {relation} ANTI JOIN {table}_conflicts USING (part, file, line)"


def _once(names: str, rows: str, width: int) -> str:
    """Equal rows as one, with the number of copies."""
    own = "".join(f", c{i}" for i in range(width))
    return f"SELECT {names}, count(*) AS copies FROM ({rows}) GROUP BY {names}{own}"


def final(con: store.Connection, table: str) -> pa.Table:
    """A table as it is written: in the one order that its rows have whatever order they came in."""
    columns = [column.name for column in TABLES[table]]
    source = {"orders": "orders_summed", "order_categories": "orders_by_kind"}.get(table, f"{table}_accepted")
    order = [name for name in _FIRST_KEYS if name in columns]
    order += [name for name in columns if name not in order]
    found = con.sql(f"SELECT {', '.join(columns)} FROM {source} ORDER BY {', '.join(order)}").to_arrow_table()
    return found.cast(schema_of(table)).combine_chunks()


def sum_orders(con: store.Connection, mapped: Collection[str]) -> None:
    """Make the tables orders_summed (one row an order) and orders_by_kind (one row an order and category)."""
    con.execute(f"CREATE TEMP TABLE orders_named AS {'FROM orders_accepted' if 'order_id' in mapped else _NAMED}")
    recorded = "max(recorded_at)" if "recorded_at" in mapped else "min(ordered_at)"
    con.execute(f"""
        CREATE TEMP TABLE orders_summed AS
        SELECT order_id, min(customer_id) AS customer_id,
            min(ordered_at) AS ordered_at, {recorded} AS recorded_at,
            CAST(sum(amount) AS BIGINT) AS amount_cents, CAST(sum(discount) AS BIGINT) AS discount_cents,
            CAST(round(sum(quantity)) AS BIGINT) AS quantity, count(*) AS line_count, min(channel) AS channel
        FROM orders_named GROUP BY order_id
    """)
    con.execute("""
        CREATE TEMP TABLE orders_by_kind AS
        SELECT o.customer_id, o.order_id, o.ordered_at, o.recorded_at, k.category
        FROM (SELECT DISTINCT order_id, category FROM orders_named WHERE category IS NOT NULL) k
        JOIN orders_summed o USING (order_id)
    """)


# Where a source has no order ids, what an order says is its name; equal ones are numbered.
_NAMED = """
    SELECT * EXCLUDE (number) REPLACE (
        substr(sha256(concat_ws('|', epoch_us(ordered_at), amount, number, customer_id)), 1, 24) AS order_id
    ) FROM (
        SELECT *, row_number() OVER (
            PARTITION BY customer_id, ordered_at, amount
            ORDER BY recorded_at, discount, quantity, category, channel
        ) AS number FROM orders_accepted
    )
"""


def sorted_quarantine(parts: Sequence[pa.Table]) -> pa.Table:
    """All refused rows by table, file and line."""
    refused = pa.concat_tables([schema_of("quarantine").empty_table(), *parts])
    return refused.sort_by([("table", "ascending"), ("file", "ascending"), ("line", "ascending")]).combine_chunks()
