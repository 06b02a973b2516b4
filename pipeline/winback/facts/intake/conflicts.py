"""Rows of one id that contradict each other: which of them is believed, and which are refused."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection

from winback import store
from winback.config import Source
from winback.facts.intake.contracts import CONTRACTS, HAPPENED, IDS
from winback.facts.intake.faults import FIXED


def find_conflicts(con: store.Connection, table: str, source: Source, groups: int, mapped: Collection[str]) -> None:
    """Make the view `<table>_good` and the table `<table>_conflicts` (part, file, line) of rows to leave out.

    Which row of an id came first is told by when it was recorded and then by what it says, not by
    where it stands in a file, so that the order of the rows changes nothing, and a row recorded
    later never decides about one that was there before. Orders of an earlier ingest (orders_old)
    are looked at too; their rows are of part -1.
    """
    good = " UNION ALL ".join(
        f"SELECT {part} AS part, file, line, {names_of(table)} FROM {table}_read_{part} WHERE fault IS NULL"
        for part in range(groups)
    )
    if table == "orders":
        good += " UNION ALL BY NAME SELECT -1 AS part, -1 AS file, -1 AS line, order_id, customer_id, ordered_at,"
        good += " recorded_at FROM orders_old"
    con.execute(f"CREATE TEMP VIEW {table}_good AS {good}")
    con.execute(f"CREATE TEMP TABLE {table}_conflicts AS {_conflicts(table, source, mapped)}")


def names_of(table: str) -> str:
    """The contract's columns, as a list in SQL."""
    return ", ".join(column.name for column in CONTRACTS[table])


def _conflicts(table: str, source: Source, mapped: Collection[str]) -> str:
    none = f"SELECT part, file, line FROM {table}_good WHERE false"
    if IDS.get(table) not in mapped:
        return none
    if table == "orders" and source.grain == "line":
        return _others(table, ("customer_id",))
    if table in ("orders", "customers"):
        return _other_versions(table, source.duplicates == "drop")
    return _others(table, FIXED[table])


def _others(table: str, fixed: tuple[str, ...]) -> str:
    """Rows of an id that do not agree with its first one in the fixed columns."""
    name = IDS[table]
    differ = " OR ".join(f"min({each}) <> max({each})" for each in fixed)
    firsts = " OR ".join(f"{each} <> first_value({each}) OVER first" for each in fixed)
    return f"""
        SELECT part, file, line FROM {table}_good
        WHERE {name} IN (SELECT {name} FROM {table}_good GROUP BY {name} HAVING {differ})
        WINDOW first AS (PARTITION BY {name} ORDER BY recorded_at, {HAPPENED[table]}, customer_id)
        QUALIFY {firsts}
    """


def _other_versions(table: str, drop: bool) -> str:
    """Rows of an id that are neither its first nor a version of it recorded at a moment of its own.

    Equal rows are all believed where they count once; else the one that stands first is.
    """
    name, names = IDS[table], names_of(table)
    rank, by = ("dense_rank", names) if drop else ("row_number", f"{names}, part, file, line")
    fits = " AND ".join(f"{each} = first_value({each}) OVER first" for each in FIXED[table])
    return f"""
        SELECT part, file, line FROM (
            SELECT *, {fits} AS fits FROM {table}_good
            WHERE {name} IN (SELECT {name} FROM {table}_good GROUP BY {name} HAVING count(*) > 1)
            WINDOW first AS (PARTITION BY {name} ORDER BY recorded_at, {HAPPENED[table]}, {names})
        )
        QUALIFY NOT fits OR {rank}() OVER (PARTITION BY {name}, recorded_at, fits ORDER BY {by}) > 1
    """
