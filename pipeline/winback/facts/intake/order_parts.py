"""Orders from accepted rows: lines summed, later changes as parts of their own, categories and products apart."""

# Names in these statements are the contracts' and our own; what came with a file is a literal.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Mapping

from winback import store
from winback.config import Source

# Beside orders, what is written of them: the table, its column and the view it is written from.
OF_ORDERS: Mapping[str, str] = {"order_categories": "category", "order_products": "product_id"}

# Where a source has no order ids, what an order says is its name; equal ones are numbered.
_NAMED = """
    SELECT * EXCLUDE (number) REPLACE (
        substr(sha256(concat_ws('|', epoch_us(ordered_at), amount, number, customer_id)), 1, 24) AS order_id
    ) FROM (
        SELECT *, row_number() OVER (
            PARTITION BY customer_id, ordered_at, amount
            ORDER BY recorded_at, discount, quantity, category, channel, product_id
        ) AS number FROM orders_accepted
    )
"""

_SUMMED = """
    SELECT order_id, min(customer_id) AS customer_id, min(ordered_at) AS ordered_at, {recorded} AS recorded_at,
        CAST(sum(amount) AS BIGINT) AS amount_cents, CAST(sum(discount) AS BIGINT) AS discount_cents,
        CAST(round(sum(quantity)) AS BIGINT) AS quantity, count(*) AS line_count, min(channel) AS channel
    FROM orders_named GROUP BY order_id {by}
"""
_SINGLE = """
    SELECT order_id, customer_id, ordered_at, recorded_at, amount AS amount_cents, discount AS discount_cents,
        CAST(round(quantity) AS BIGINT) AS quantity, 1 AS line_count, channel
    FROM orders_named
"""
_OVER = "(PARTITION BY order_id ORDER BY recorded_at)"


# What an earlier ingest wrote of orders of which there are new rows; nothing where all files are read.
_OLD = """
    order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMPTZ, recorded_at TIMESTAMPTZ, amount_cents BIGINT,
    discount_cents BIGINT, quantity BIGINT, line_count BIGINT, channel VARCHAR, part BIGINT
"""
_BEFORE = """
    SELECT order_id, min(customer_id) AS customer_id, min(ordered_at) AS ordered_at, max(recorded_at) AS recorded_at,
        CAST(sum(amount_cents) AS BIGINT) AS amount_cents, CAST(sum(discount_cents) AS BIGINT) AS discount_cents,
        CAST(sum(quantity) AS BIGINT) AS quantity, CAST(sum(line_count) AS BIGINT) AS line_count,
        first(channel) FILTER (WHERE part = 0) AS channel, max(part) AS last_part
    FROM orders_old GROUP BY order_id
"""


def no_old_orders(con: store.Connection) -> None:
    """Make the empty tables of what earlier ingests wrote."""
    con.execute(f"CREATE TEMP TABLE orders_old ({_OLD})")
    for column in OF_ORDERS.values():
        con.execute(f"CREATE TEMP TABLE orders_old_{column} (order_id VARCHAR, {column} VARCHAR)")


def sum_orders(con: store.Connection, source: Source, mapped: Collection[str]) -> None:
    """Make the tables orders_parts (an order as first known, and each change) and orders_by_<column>.

    A change is what was recorded later: further lines of the order, or with grain = "row" a new
    version of it, of which the difference is kept. Where recorded_at is not mapped nothing is later.
    An order of orders_old is the first version of its new rows and is not written again.
    """
    con.execute(f"CREATE TEMP TABLE orders_named AS {'FROM orders_accepted' if 'order_id' in mapped else _NAMED}")
    lines, recorded = source.grain == "line", "recorded_at" in mapped
    one = {"recorded": "min(ordered_at)", "by": ""}
    each = {"recorded": "recorded_at", "by": ", recorded_at"}
    summed = _SUMMED.format(**(each if recorded else one)) if lines else _SINGLE
    con.execute(f"CREATE TEMP TABLE orders_before AS {_BEFORE}")
    con.execute(f"CREATE TEMP TABLE orders_known AS {summed} UNION ALL BY NAME FROM orders_before")
    con.execute(
        "CREATE TEMP TABLE orders_changed AS SELECT order_id FROM orders_known GROUP BY ALL HAVING count(*) > 1"
    )
    con.execute(f"""
        CREATE TEMP TABLE orders_parts AS
        SELECT *, 0 AS part FROM orders_known
        ANTI JOIN orders_changed USING (order_id) WHERE last_part IS NULL
        UNION ALL BY NAME
        SELECT * FROM (
            SELECT * REPLACE ({_OF_LINES if lines else _OF_VERSIONS}),
                row_number() OVER {_OVER} - 1 + coalesce(first_value(last_part) OVER {_OVER}, 0) AS part
            FROM orders_known SEMI JOIN orders_changed USING (order_id)
        ) WHERE last_part IS NULL
    """)
    for column in OF_ORDERS.values():
        _of_each(con, column, recorded)


# A change bears its order's own date and channel: it changes sums and never where or when something was bought.
_OF_LINES = ", ".join(f"first_value({name}) OVER {_OVER} AS {name}" for name in ("ordered_at", "channel"))


def _difference(name: str) -> str:
    """What a version adds to the one before it; nothing where no version has told anything yet."""
    told = f"count({name}) OVER {_OVER} > 0"
    change = f"coalesce({name}, 0) - coalesce(lag({name}) OVER {_OVER}, 0)"
    return f"CASE WHEN {told} THEN {change} END AS {name}"


_OF_VERSIONS = ", ".join(
    [
        f"first_value(channel) OVER {_OVER} AS channel",
        f"CASE row_number() OVER {_OVER} WHEN 1 THEN 1 ELSE 0 END AS line_count",
        *(_difference(name) for name in ("amount_cents", "discount_cents", "quantity")),
    ]
)


def _of_each(con: store.Connection, column: str, recorded: bool) -> None:
    """Make the table orders_by_<column>: one row an order and value, known with the first row that has it."""
    known = "k.recorded_at" if recorded else "o.recorded_at"
    con.execute(f"""
        CREATE TEMP TABLE orders_by_{column} AS
        SELECT o.customer_id, o.order_id, o.ordered_at, {known} AS recorded_at, k.{column}
        FROM (
            SELECT order_id, {column}, min(recorded_at) AS recorded_at
            FROM orders_named WHERE {column} IS NOT NULL GROUP BY order_id, {column}
        ) k
        JOIN (
            SELECT order_id, customer_id, ordered_at, recorded_at FROM orders_parts WHERE part = 0
            UNION ALL BY NAME SELECT order_id, customer_id, ordered_at, recorded_at FROM orders_before
        ) o USING (order_id)
        ANTI JOIN orders_old_{column} USING (order_id, {column})
    """)
