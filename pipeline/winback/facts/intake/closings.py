"""Tables whose rows come again when they end: a ticket resolved, a subscription ended, a payment's next state."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Mapping

from winback import store
from winback.facts.intake.conflicts import names_of
from winback.facts.intake.contracts import CONTRACTS, IDS

_KEYS: Mapping[str, tuple[str, ...]] = {
    "tickets": ("ticket_id",),
    "subscriptions": ("subscription_id", "started_at"),
    "payments": ("payment_id", "status"),
}
# What a later row of the same key may fill in where it was empty: by column the name of the moment it became known.
_FILLED: Mapping[str, Mapping[str, str]] = {
    "tickets": {"resolved_at": "resolved_recorded_at", "csat": "csat_recorded_at"},
    "subscriptions": {"ended_at": "ended_recorded_at"},
    "payments": {},
}
# The reason of an end is told with the end: without one it would be known before it.
_REASON = "CASE WHEN ended_at IS NOT NULL THEN cancel_reason END AS cancel_reason"


def close(con: store.Connection, table: str, mapped: Collection[str]) -> None:
    """Make the table `<table>_closed`: one row a key, as first known, its end as the first row with an end tells it.

    What was there already stays as it was first recorded, so that a cutoff of the past sees now what it saw then.
    """
    if table not in _KEYS:
        con.execute(f"CREATE TEMP VIEW {table}_closed AS FROM {table}_accepted")
        return
    single = names_of(table).replace("cancel_reason", _REASON)
    single += "".join(f", CAST(NULL AS TIMESTAMPTZ) AS {name}" for name in _FILLED[table].values())
    if IDS[table] not in mapped:
        con.execute(f"CREATE TEMP VIEW {table}_closed AS SELECT {single} FROM {table}_accepted")
        return
    keys = ", ".join(_KEYS[table])
    con.execute(f"""
        CREATE TEMP TABLE {table}_again AS
        SELECT {keys} FROM {table}_accepted WHERE {IDS[table]} IS NOT NULL GROUP BY ALL HAVING count(*) > 1
    """)
    con.execute(f"""
        CREATE TEMP TABLE {table}_closed AS
        SELECT {single} FROM {table}_accepted ANTI JOIN {table}_again USING ({keys})
        UNION ALL BY NAME
        SELECT {keys}, {", ".join(_first_known(table))} FROM (
            SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY recorded_at, {names_of(table)}) AS place
            FROM {table}_accepted SEMI JOIN {table}_again USING ({keys})
        ) GROUP BY {keys}
    """)


def _first_known(table: str) -> list[str]:
    """Each column of the rows of one key as it was first known, and when an end became known later."""
    found = []
    for column in CONTRACTS[table]:
        name = column.name
        if name in _FILLED[table]:
            told = f"FILTER (WHERE {name} IS NOT NULL)"
            found.append(f"arg_min({name}, place) {told} AS {name}")
            later = f"nullif(arg_min(recorded_at, place) {told}, min(recorded_at)) AS {_FILLED[table][name]}"
            found.append(later)
        elif name == "cancel_reason":
            found.append("arg_min_null(cancel_reason, place) FILTER (WHERE ended_at IS NOT NULL) AS cancel_reason")
        elif name not in _KEYS[table]:
            found.append(f"first({name}) FILTER (WHERE place = 1) AS {name}")
    return found
