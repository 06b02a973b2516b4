"""Rows of people who were erased, refused as they come: counted, and nothing of them is written."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pyarrow as pa

from winback import store
from winback.facts.intake.line_values import values_in

Refuses = Callable[[Sequence[str]], Collection[str]]  # those of some ids whose people were erased
LEFT_OUT = "the person was erased"


def take_out(con: store.Connection, table: str, groups: int, refuses: Refuses) -> int:
    """How many rows of `<table>_read_n`, good and faulty, were of erased people; they are removed."""
    if not groups:
        return 0
    ids = " UNION ".join(f"SELECT customer_id FROM {table}_read_{part}" for part in range(groups))
    known = con.sql(f"SELECT customer_id FROM ({ids}) WHERE customer_id IS NOT NULL").to_arrow_table()
    gone = sorted(refuses(known["customer_id"].to_pylist()))
    if not gone:
        return 0
    con.register("gone", pa.table({"customer_id": pa.array(gone, pa.string())}))
    count = 0
    for part in range(groups):
        mine = f"{table}_read_{part} WHERE customer_id IN (SELECT customer_id FROM gone)"
        count += con.sql(f"SELECT count(*) AS n FROM {mine}").to_arrow_table()["n"][0].as_py()
        con.execute(f"DELETE FROM {mine}")
    con.unregister("gone")
    return count


def emptied(rejected: pa.Table, refuses: Refuses | None) -> pa.Table:
    """Lines that are no rows, those that name an erased person without their content."""
    if refuses is None or not rejected.num_rows:
        return rejected
    raws = rejected["raw"].to_pylist()
    values = [values_in(raw or "") for raw in raws]
    gone = set(refuses(sorted({each for found in values for each in found})))
    if not gone:
        return rejected
    mine = [not found.isdisjoint(gone) for found in values]
    for name in ("raw", "value"):
        at = rejected.column_names.index(name)
        kept = ["" if is_gone else text for is_gone, text in zip(mine, rejected[name].to_pylist(), strict=True)]
        rejected = rejected.set_column(
            at, rejected.schema.field(name), pa.array(kept, rejected.schema.field(name).type)
        )
    return rejected
