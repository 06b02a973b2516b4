"""The tables of the facts as they were known at the start of a day, opened to be looked through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from winback import store
from winback.config import Source
from winback.facts.days import begins
from winback.facts.intake.contracts import TABLES

NOT_LOOKED_AT = ("quarantine", "outcomes")  # no source's own
DERIVED: Mapping[str, tuple[str, str]] = {  # table: the source and the column of it that it is made of
    "order_categories": ("orders", "category"),
    "order_products": ("orders", "product_id"),
}


@dataclass(frozen=True)
class Look:
    """One table: a view of its name, with `at_us` and `known_us` (microseconds) beside its columns.

    `moment`: the column of when a row happened. `source`: how it was mapped, None where that is not known.
    `rows` were known before `today`; `later` are the others.
    """

    con: store.Connection
    table: str
    moment: str
    columns: tuple[str, ...]
    rows: int
    later: int
    source: Source | None
    zone: str
    today: dt.date

    def ask(self, query: str) -> pd.DataFrame:
        """The rows of a query over the views."""
        found: pd.DataFrame = self.con.sql(query).to_arrow_table().to_pandas()
        return found

    def one(self, query: str) -> dict[str, Any]:
        """The only row of a query."""
        row: dict[str, Any] = self.con.sql(query).to_arrow_table().to_pylist()[0]
        return row

    @property
    def told(self) -> str:
        """The table as the configuration calls it."""
        return DERIVED.get(self.table, (self.table,))[0]

    def is_constant(self, column: str) -> bool:
        """Whether the configuration itself gives a column one value."""
        mapped = self.source.columns.get(column) if self.source else None
        return isinstance(mapped, dict) and "value" in mapped

    def is_mapped(self, column: str) -> bool:
        """Whether a column comes from the source; taken to be so where the source is not known."""
        return self.source is None or column in self.source.columns


@contextmanager
def opened(facts: Path, sources: Mapping[str, Source], zone: str, today: dt.date) -> Iterator[dict[str, Look]]:
    """The tables that are there, by name."""
    con = store.connect()
    try:
        looks = {}
        for table in TABLES:
            if table not in NOT_LOOKED_AT and (files := store.table_files(facts, table)):
                looks[table] = _look(con, table, files, sources.get(DERIVED.get(table, (table,))[0]), (zone, today))
        yield looks
    finally:
        con.close()


def moment_of(table: str) -> str:
    """The column that tells when a row of a table happened."""
    moments = [column.name for column in TABLES[table] if column.kind == "moment"]
    return next((name for name in moments if name != "recorded_at"), "recorded_at")


def told(column: str) -> str:
    """A written column as the mapping calls it."""
    return column.removesuffix("_cents")


def relation(files: list[Path]) -> str:
    """The SQL of the rows of some Parquet files."""
    return f"read_parquet([{', '.join(store.literal(str(path)) for path in files)}], union_by_name = true)"


def _look(
    con: store.Connection, table: str, files: list[Path], source: Source | None, when: tuple[str, dt.date]
) -> Look:
    zone, today = when
    moment, name = moment_of(table), store.identifier(table)
    source_rows = relation(files)
    columns = tuple(con.sql(f"SELECT * FROM {source_rows}").columns)  # noqa: S608 - paths are literals
    added = f"epoch_us({moment}) AS at_us, epoch_us(recorded_at) AS known_us"
    if table == "orders" and "part" not in columns:
        added += ", CAST(0 AS BIGINT) AS part"
    until = f"CAST({store.literal(begins(today, zone).isoformat())} AS TIMESTAMPTZ)"
    known = f"{moment} < {until} AND recorded_at < {until}"
    con.execute(f"CREATE VIEW {name} AS SELECT *, {added} FROM {source_rows} WHERE {known}")  # noqa: S608
    counted = con.sql(f"SELECT count(*) AS n, count(*) FILTER ({known}) AS k FROM {source_rows}")  # noqa: S608
    row = counted.to_arrow_table().to_pylist()[0]
    return Look(con, table, moment, columns, row["k"], row["n"] - row["k"], source, zone, today)
