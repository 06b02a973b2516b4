"""When rows became known: is recorded_at there, does it tell anything, is it the day of a load."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator

from winback.facts.check.findings import Finding, number, percent
from winback.facts.check.look import Look
from winback.facts.days import US_PER_DAY

LONG_DAYS = 30
CLOSE = 3_600_000_000


def check_known(look: Look) -> Iterator[Finding]:
    """What `recorded_at` tells about how late rows arrive, and whether it can be believed."""
    if look.moment == "recorded_at" or not look.rows:
        return
    if not look.is_mapped("recorded_at"):
        yield Finding(
            look.table, "recorded_at", "note" if look.table == "orders" else "ok", "recorded_not_mapped",
            "not mapped: every row is taken to have been known as soon as it happened",
            "If rows reach you days later, map when they did: else the past is judged with what was not known then.",
        )  # fmt: skip
        return
    late = look.one(f"""
        SELECT count(*) FILTER (known_us = at_us) / count(*) AS equal,
            count(*) FILTER (known_us - at_us > {LONG_DAYS * US_PER_DAY}) / count(*) AS long,
            count(*) FILTER (known_us - at_us > {US_PER_DAY}) / count(*) AS late,
            quantile_disc(known_us - at_us, 0.5) / {US_PER_DAY} AS middle,
            quantile_disc(known_us - at_us, 0.99) / {US_PER_DAY} AS most,
            max(at_us) - min(at_us) AS span,
            count(DISTINCT known_us // {US_PER_DAY}) * 5 < count(DISTINCT at_us // {US_PER_DAY}) AS few
        FROM {look.table}
    """)
    if late["equal"] == 1:
        yield Finding(
            look.table, "recorded_at", "note", "recorded_equal", f"always equal to {look.moment}",
            "Right if rows arrive at once; if it is a copy, map the column that tells when they arrived.",
        )  # fmt: skip
        return
    if load := list(_load(look, late["long"] if late["few"] else 0.0, late["span"])):
        yield from load
    elif late["late"] > 0.01:
        yield Finding(
            look.table, "recorded_at", "note", "recorded_late",
            f"{percent(late['late'])} of the rows became known more than a day after they happened; half within "
            f"{number(round(late['middle'], 1))} days, 99 in 100 within {number(round(late['most'], 1))}",
            "They are used from then on, in the past too; run later in the day if too much of the last days lacks.",
            share=late["late"],
        )  # fmt: skip


def _load(look: Look, long: float, span: int) -> Iterator[Finding]:
    """Most of the history was recorded within an hour, or long after it happened: the stamp of a load."""
    top = look.one(f"""
        SELECT max(n) AS n FROM (SELECT count(*) AS n FROM {look.table} GROUP BY known_us // {CLOSE})
    """)
    share = top["n"] / look.rows
    if span > LONG_DAYS * US_PER_DAY and (share > 0.3 or long > 0.5):
        told = (
            f"{percent(share)} of the rows were recorded within one hour" if share > 0.3
            else f"{percent(long)} of the rows were recorded more than {LONG_DAYS} days after they happened"
        )  # fmt: skip
        yield Finding(
            look.table, "recorded_at", "error" if look.table == "orders" else "warning", "recorded_at_load",
            f"{told}, though they span {number(round(span / US_PER_DAY))} days: the stamp of a load",
            "At dates before the load nothing was known, so nothing can be learned from them: leave "
            "recorded_at out, or "
            "map when each row first became known.",
            share=max(share, long),
        )  # fmt: skip
