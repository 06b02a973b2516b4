"""Column by column: what is empty, always the same, spelt in two ways, of too many kinds; and kinds of events."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

import pandas as pd

from winback.facts.check.findings import Finding, number, of_all, percent, some
from winback.facts.check.look import DERIVED, Look, told
from winback.facts.intake.contracts import CONTRACTS, TABLES

# Columns whose values name kinds of things and may be shown, with how many different ones are plausible.
WORDS: Mapping[str, int] = {
    "category": 500,
    "channel": 30,
    "kind": 200,
    "campaign": 2000,
    "topic": 100,
    "plan": 100,
    "status": 20,
    "purpose": 30,
    "decline_code": 100,
    "country": 250,
    "language": 100,
    "period": 30,
}
SHOWN_FROM = 5  # customers: what fewer have may be a name or an address in the wrong column
FEW_ROWS = 50
EMPTY_NOTE, EMPTY_WARNING = 0.2, 0.5
NEVER_SHARED = 0.5
# Columns that are empty when all is well.
MAY_BE_EMPTY = {"resolved_at", "ended_at", "cancel_reason", "decline_code", "csat", "discount_cents", "reason", "value"}
STOPPED_DAYS, STOPPED_SHARE = 45, 0.02
# What a business does to its customers, as against what they do; messages and calls may be either's.
OURS = re.compile(
    r"(^|[^a-z])(e-?mail|mail|sms|push|ad|ads|advert|letter|coupon|voucher|offer|campaign|newsletter|whatsapp|"
    r"telegram|wechat|notification|banner)s?[ _.:-]*(was[ _-])?"
    r"(sent|send|sending|delivered|delivery|shown|show|impression|served|mailed|issued|dispatched|bounced?)s?$"
    r"|^(sent|send|delivered|impression|outreach|mailing|campaign_contact|contacted)$"
)


def check_words(look: Look) -> Iterator[Finding]:
    """What is odd about each mapped column of a table; one line a column where there is nothing."""
    columns = [c for c in TABLES[look.table] if c.name in look.columns and _is_of_source(look, c.name)]
    if not look.rows or not columns:
        return
    parts = ", ".join(f'count({c.name}) AS "n {c.name}", count(DISTINCT {c.name}) AS "d {c.name}"' for c in columns)
    found = look.one(f"SELECT {parts} FROM {look.table}{' WHERE part = 0' if look.table == 'orders' else ''}")
    rows = max(1, found[f"n {columns[0].name}"] if look.table == "orders" else look.rows)
    for column in columns:
        filled, different = found[f"n {column.name}"], found[f"d {column.name}"]
        odd = list(_of_column(look, column.name, (rows, filled, different)))
        yield from odd or [
            Finding(
                look.told,
                told(column.name),
                "ok",
                "filled",
                f"{'always filled' if filled == rows else percent(filled / rows) + ' filled'}, {different:,} different",
                "",
                filled,
                filled / rows,
            )
        ]


def _is_of_source(look: Look, column: str) -> bool:
    """Whether a written column shows what a column of the source holds."""
    if look.table in DERIVED:
        return column == DERIVED[look.table][1]
    return told(column) in {c.name for c in CONTRACTS[look.table]} and look.is_mapped(told(column))


def _of_column(look: Look, column: str, counts: tuple[int, int, int]) -> Iterator[Finding]:
    rows, filled, different = counts
    yield from _empty(look, column, rows, filled)
    if filled >= FEW_ROWS and different == 1 and not look.is_constant(column):
        yield Finding(
            look.told, told(column), "note", "constant", "has the same value in every row that is filled",
            "It can tell no customer from another: is the right column mapped?", filled,
        )  # fmt: skip
    if column in WORDS and filled >= FEW_ROWS:
        yield from _spelling(look, column)
        yield from _too_many(look, column, filled, different)


def _empty(look: Look, column: str, rows: int, filled: int) -> Iterator[Finding]:
    share = 1 - filled / rows
    if not filled:
        yield Finding(
            look.told, told(column), "warning", "empty_column", "is mapped and has no value in any row",
            "Is the right column mapped? What is reckoned from it stays unknown for everybody.", rows, 1.0,
        )  # fmt: skip
    elif share >= EMPTY_NOTE and column not in MAY_BE_EMPTY:
        yield Finding(
            look.told, told(column), "warning" if share >= EMPTY_WARNING else "note", "often_empty",
            f"is empty in {of_all(rows - filled, rows, 'rows')}",
            "What is reckoned from it counts only the rows that have it.", rows - filled, share,
        )  # fmt: skip


def _spelling(look: Look, column: str) -> Iterator[Finding]:
    """Words that differ only by case or blanks."""
    found = look.ask(f"""
        SELECT list(DISTINCT {column} ORDER BY {column}) AS words, count(DISTINCT customer_id) AS people
        FROM {look.table} WHERE {column} IS NOT NULL
        GROUP BY regexp_replace(lower({column}), '[\\s_-]+', '', 'g')
        HAVING count(DISTINCT {column}) > 1 ORDER BY people DESC
    """)
    if len(found):
        shown = found["people"][0] >= SHOWN_FROM
        example = f", such as {some(list(found['words'][0]))}" if shown else ""
        yield Finding(
            look.told, told(column), "warning", "spelt_in_two_ways",
            f"{len(found):,} word{' is' if len(found) == 1 else 's are'} spelt in several ways that differ only by "
            f"case, blanks or dashes{example}",
            "Each spelling counts as a kind of its own: write them alike in the source.", len(found),
        )  # fmt: skip


def _too_many(look: Look, column: str, filled: int, different: int) -> Iterator[Finding]:
    if different > WORDS[column] or different > NEVER_SHARED * filled:
        yield Finding(
            look.told, told(column), "warning", "too_many_kinds",
            f"has {different:,} different values in {filled:,} rows",
            "That is no name of a kind: is an id, a title or a free text mapped? Map something coarser.",
            different, different / filled,
        )  # fmt: skip


def kinds_of(look: Look) -> pd.DataFrame:
    """One row a kind of event: rows, customers, the first and the last day; the most frequent first."""
    return look.ask(f"""
        SELECT kind, count(*) AS n, count(DISTINCT customer_id) AS people, min({look.moment})::DATE AS first,
            max({look.moment})::DATE AS last FROM {look.table} GROUP BY 1 ORDER BY n DESC, kind
    """)


def check_kinds(look: Look, counted: Collection[str]) -> Iterator[Finding]:
    """The kinds of events: our own contacts among them, those that ended or began on the way, those nobody counts.

    `counted`: the kinds that some declared feature asks for by name.
    """
    kinds = kinds_of(look)
    ours = kinds[kinds["kind"].map(lambda kind: bool(OURS.search(kind.lower())))]
    if len(ours):
        rows = int(ours["n"].sum())
        yield Finding(
            look.table, "kind", "error", "own_contacts",
            f"{of_all(rows, look.rows, 'rows')} are of kinds that we do and not the customer: {_shown(ours)}",
            "Take them out of events and map them as [sources.contacts]: whom we write to follows from who is "
            "at risk, so "
            "it must not foretell it.",
            rows, rows / look.rows,
        )  # fmt: skip
    yield from _stopped(look, kinds)
    if counted:
        yield from _not_counted(look, kinds[~kinds["kind"].isin(set(counted) | set(ours["kind"]))], counted)


def _shown(kinds: pd.DataFrame) -> str:
    """The kinds that enough customers have, by name; of the others how many."""
    named = kinds.loc[kinds["people"] >= SHOWN_FROM, "kind"].tolist()
    if not named:
        return f"{len(kinds):,} kind{'s' if len(kinds) > 1 else ''}, of fewer than {SHOWN_FROM} customers"
    hidden = len(kinds) - len(named)
    return some(named) + (f" and {hidden:,} rare ones" if hidden else "")


def _stopped(look: Look, kinds: pd.DataFrame) -> Iterator[Finding]:
    """Frequent kinds that end long before the others, or begin long after them."""
    often = kinds[(kinds["n"] >= max(FEW_ROWS, STOPPED_SHARE * look.rows)) & (kinds["people"] >= SHOWN_FROM)]
    if len(often) < 2:
        return
    first, last = min(often["first"]), max(often["last"])
    for row in often.to_dict("records"):
        ended, began = (last - row["last"]).days, (row["first"] - first).days
        if ended <= STOPPED_DAYS and began <= STOPPED_DAYS:
            continue
        told_ = f"ends on {row['last']}, {ended:,} days before the others" if ended > STOPPED_DAYS else (
            f"begins on {row['first']}, {began:,} days after the others"
        )  # fmt: skip
        yield Finding(
            look.table, "kind", "warning", "kind_stopped" if ended > STOPPED_DAYS else "kind_begun",
            f"{row['kind']!r} ({percent(row['n'] / look.rows)} of the rows) {told_}",
            "If the tracking changed and not the customers, leave the kind out, or map it from where it was renamed.",
            int(row['n']), float(row['n'] / look.rows),
        )  # fmt: skip


def _not_counted(look: Look, kinds: pd.DataFrame, counted: Collection[str]) -> Iterator[Finding]:
    """Kinds that no feature asks for by name."""
    if kinds.empty:
        return
    rows = int(kinds["n"].sum())
    near = {kind: difflib.get_close_matches(kind.lower(), counted, n=1, cutoff=0.7) for kind in kinds["kind"].head(20)}
    hints = [f"{kind} = {match[0]}" for kind, match in near.items() if match]
    yield Finding(
        look.table, "kind", "note", "kind_not_known",
        f"{of_all(rows, look.rows, 'rows')} are of kinds that no built-in feature asks for by name: {_shown(kinds)}",
        f"They count as activity only. Known are {some(sorted(counted), 12)}."
        + (f" Perhaps: {', '.join(hints[:3])}." if hints else ""),
        rows, rows / look.rows,
    )  # fmt: skip


def check_payments(look: Look) -> Iterator[Finding]:
    """Payments of which none failed: what a model would learn from was left out of the export."""
    found = look.one("SELECT count(*) FILTER (status = 'failed') AS failed FROM payments")
    if look.rows >= FEW_ROWS and not found["failed"]:
        yield Finding(
            look.table, "status", "warning", "no_failures", f"none of the {number(look.rows)} payments failed",
            "Were failed attempts left out of the export? They announce who leaves without meaning to.", 0, 0.0,
        )  # fmt: skip
