"""Rows of one table on their way to a file, and the moment each becomes known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winback.simulate.chance import Flags, Floats, Ints, uniform
from winback.simulate.shop import DAY_US, Shop

LATEST_DAYS = 20
MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Rows:
    """Rows of one table: whose, their number there, when they happened and became known, in microseconds of UTC.

    `traces` marks the rows that would not be, or be otherwise, without the cause that struck.
    `columns` are the other ones of the contract.
    """

    who: Ints
    number: Ints
    happened: Ints
    recorded: Ints
    traces: Flags
    columns: Mapping[str, Any] = field(default_factory=dict)

    def only(self, chosen: Flags) -> Rows:
        """Those chosen."""
        mask = pa.array(chosen)
        columns = {name: c.filter(mask) if isinstance(c, pa.Array) else c[chosen] for name, c in self.columns.items()}
        return Rows(
            self.who[chosen],
            self.number[chosen],
            self.happened[chosen],
            self.recorded[chosen],
            self.traces[chosen],
            columns,
        )


def known(shop: Shop, table: str, who: Ints, number: Ints, happened: Ints) -> Ints:
    """When each row is recorded: most when it happens, the late up to 20 days after."""
    late = uniform(shop.seed, f"late {table}", who, number)
    how_late = uniform(shop.seed, f"how late {table}", who, number) ** 2 * LATEST_DAYS * DAY_US
    return happened + np.where(late < shop.late_share, how_late, 0.0).astype(np.int64) // 1_000_000 * 1_000_000


def moments(instants: Ints, missing: Flags | None = None) -> pa.Array:
    """Microseconds of UTC as moments."""
    return pa.array(instants, mask=missing).cast(MOMENT)


def money(amount: Floats) -> pa.Array:
    """Amounts to the cent."""
    return pa.array(np.round(amount, 2))


def words(of: tuple[str, ...], codes: Ints, missing: Flags | None = None) -> pa.Array:
    """Words by their places."""
    indices = pa.array(codes.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(of)).cast(pa.string())


def names(prefix: str, who: Ints, *numbers: Ints) -> pa.Array:
    """Ids such as c0000012, or o0000012-3 with a number."""
    padded = pc.utf8_lpad(pa.array(who).cast(pa.string()), 7, "0")
    parts = [pa.array(n).cast(pa.string()) for n in numbers]
    return pc.binary_join_element_wise(prefix, pc.binary_join_element_wise(padded, *parts, "-"), "")


def arrow(rows: Rows, moment: str) -> pa.Table:
    """The rows as the file holds them."""
    columns = {name: _array(c) for name, c in rows.columns.items()}
    told = {"customer_id": names("c", rows.who), moment: moments(rows.happened)}
    return pa.table({**told, **columns, "recorded_at": moments(rows.recorded)})


def together(parts: Sequence[Rows]) -> Rows:
    """Several parts of one table, one after the other."""
    columns = {name: pa.concat_arrays([_array(part.columns[name]) for part in parts]) for name in parts[0].columns}
    told = [np.concatenate(values) for values in zip(*map(_told, parts), strict=True)]
    who, number, happened, recorded, traces = told
    return Rows(who, number, happened, recorded, traces, columns)


def _told(rows: Rows) -> tuple[Ints, Ints, Ints, Ints, Flags]:
    return rows.who, rows.number, rows.happened, rows.recorded, rows.traces


def _array(values: Any) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values)


def numbers(values: np.ndarray, missing: Flags) -> pa.Array:
    """Numbers, some of them not known."""
    return pa.array(values, mask=missing)
