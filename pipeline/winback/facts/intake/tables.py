"""From parsed rows to the tables of the facts: duplicates counted, rows in the one order they are written in."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from winback import store
from winback.config import Source
from winback.facts.intake.closings import close
from winback.facts.intake.conflicts import names_of
from winback.facts.intake.contracts import HAPPENED, TABLES, Kind
from winback.facts.intake.order_parts import OF_ORDERS, sum_orders
from winback.facts.intake.raw_rows import Group
from winback.facts.intake.row_keys import of_columns, of_values

_ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "moment": pa.timestamp("us", "UTC"),
    "integer": pa.int64(),
    "number": pa.float64(),
}


def schema_of(table: str) -> pa.Schema:
    """The Arrow schema of a written table."""
    return pa.schema([(column.name, _ARROW[column.kind]) for column in TABLES[table]])


def written_of(source_table: str, mapped: Collection[str]) -> dict[str, str]:
    """The tables that one source gives, and the relation that each is written from."""
    if source_table != "orders":
        return {source_table: f"{source_table}_closed"}
    of_orders = {table: f"orders_by_{column}" for table, column in OF_ORDERS.items() if column in mapped}
    return {"orders": "orders_parts", **of_orders}


def finish(con: store.Connection, table: str, source: Source, mapped: Collection[str]) -> None:
    """Make the relations that a source's tables are written from."""
    if table == "orders":
        sum_orders(con, source, mapped)
    else:
        close(con, table, mapped)


def count(con: store.Connection, table: str) -> int:
    """How many rows a relation has."""
    return int(con.sql(f"SELECT count(*) AS n FROM {table}").to_arrow_table()["n"][0].as_py())


def accept(con: store.Connection, table: str, source: Source, groups: Sequence[Group], keyed: bool) -> int:
    """Make the table `<table>_accepted`, each row once, and return how many were duplicates.

    Where lines make up orders two equal lines can be two things bought, so there all columns of the
    file must be equal, not only the mapped ones. With `keyed`, row_key tells what was compared.
    """
    names = names_of(table)
    good = f"(FROM {table}_good WHERE part >= 0)"
    if source.duplicates == "keep":
        kept = _kept(table, good)
        con.execute(f"CREATE TEMP TABLE {table}_accepted AS SELECT {names}, 1 AS copies FROM ({kept})")
        return 0
    if source.grain == "line":
        once = _lines_once(table, groups, keyed or len(groups) > 1)
    else:
        once = f"SELECT {names}, count(*) AS copies FROM ({_kept(table, good)}) GROUP BY {names}"
        once = f"SELECT *, {of_values(table)} AS row_key FROM ({once})" if keyed else once
    con.execute(f"CREATE TEMP TABLE {table}_accepted AS {once}")
    found = con.sql(f"SELECT coalesce(sum(copies - 1), 0)::BIGINT AS n FROM {table}_accepted").to_arrow_table()
    return int(found["n"][0].as_py())


def _lines_once(table: str, groups: Sequence[Group], keyed: bool) -> str:
    """Equal lines as one; those of files with other columns are compared too, by what their columns hold."""
    names, parts = names_of(table), []
    for part, group in enumerate(groups):
        own = "".join(f", c{i}" for i in range(group.own))
        rows = _kept(table, f"(SELECT {part} AS part, * FROM {table}_read_{part} WHERE fault IS NULL)")
        once = f"SELECT {names}{own}, count(*) AS copies FROM ({rows}) GROUP BY {names}{own}"
        key = f", {of_columns(group)} AS row_key" if keyed else ""
        parts.append(f"SELECT {names}, copies{key} FROM ({once})")
    if len(parts) == 1:
        return parts[0]
    first = ", ".join(f"first({name}) AS {name}" for name in names.split(", "))
    total = "CAST(sum(copies) AS BIGINT) AS copies"
    return f"SELECT {first}, {total}, row_key FROM ({' UNION ALL '.join(parts)}) GROUP BY row_key"


def _kept(table: str, relation: str) -> str:
    """The good rows without those in conflict."""
    return f"SELECT * FROM {relation} ANTI JOIN {table}_conflicts USING (part, file, line)"


def left_out(con: store.Connection, table: str, groups: int) -> dict[int, int]:
    """How many rows each rule left out, by the rule's number."""
    if not groups:
        return {}
    marks = " UNION ALL ".join(f"SELECT fault FROM {table}_read_{part}" for part in range(groups))
    found = con.sql(f"""
        SELECT CAST(split_part(fault, ' ', 2) AS BIGINT) AS rule, count(*) AS rows
        FROM ({marks}) WHERE starts_with(fault, 'left_out ') GROUP BY ALL ORDER BY ALL
    """).to_arrow_table()
    return dict(zip(found["rule"].to_pylist(), found["rows"].to_pylist(), strict=True))


_AHEAD = "starts_with(fault, 'future_date ')"


def next_future(con: store.Connection, table: str, groups: int) -> str | None:
    """When the first of the rows that are dated later than this ingest will not be any more, if before year 9000."""
    moments = ["recorded_at", HAPPENED[table], *(["resolved_at"] if table == "tickets" else [])]
    ahead = " UNION ALL ".join(
        f"SELECT greatest({', '.join(moments)}) AS due FROM {table}_read_{part} WHERE {_AHEAD}"
        for part in range(groups)
    )
    found = con.sql(
        f"SELECT min(epoch_us(due)) AS due FROM ({ahead}) WHERE due < TIMESTAMPTZ '9000-01-01 00:00:00+00'"
    ).to_arrow_table()["due"]
    due = found.cast(pa.timestamp("us", "UTC"))[0].as_py()
    return due.isoformat() if due else None


def final(con: store.Connection, table: str, relation: str) -> pa.Table:
    """A table as it is written: in the one order that its rows have whatever order they came in."""
    columns = {column.name: _ORIGINS.get(column.name, column.name) for column in TABLES[table]}
    if table in ("orders", "order_categories", "order_products", "quarantine"):
        columns = {name: name for name in columns}
    chosen = ", ".join(f"{origin} AS {name}" for name, origin in columns.items())
    order = ", ".join(sorting(table))
    found = con.sql(f"SELECT {chosen} FROM {relation} ORDER BY {order}").to_arrow_table()
    return found.cast(schema_of(table)).combine_chunks()


# Money is written under a name that tells its unit.
_ORIGINS: Mapping[str, str] = {
    "price_cents": "price",
    "amount_cents": "amount",
    "acquisition_cost_cents": "acquisition_cost",
}


def sorting(table: str) -> list[str]:
    """The columns a written table is sorted by: customer, moment, and then all the others."""
    columns = [column.name for column in TABLES[table]]
    moment = HAPPENED.get(table, "ordered_at")
    first = [name for name in ("customer_id", moment, "order_id") if name in columns]
    return first + [name for name in columns if name not in first]


def sorted_quarantine(parts: Sequence[pa.Table]) -> pa.Table:
    """All refused rows by table, file and line."""
    refused = pa.concat_tables([schema_of("quarantine").empty_table(), *parts])
    return refused.sort_by([("table", "ascending"), ("file", "ascending"), ("line", "ascending")]).combine_chunks()
