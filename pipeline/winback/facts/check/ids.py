"""Customer ids: damaged by a spreadsheet, written in two ways, of nobody, of too few, of other people than "
"who buys."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Mapping

from winback.facts.check.findings import Finding, number, of_all, percent
from winback.facts.check.look import Look
from winback.store import literal

HUGE_SHARE, HUGE_TIMES = 0.02, 10
ONE_TIME = 0.5
# Whole words of an id that no customer is called.
NOBODY = (
    r"(^|[^a-z])(test|tester|testuser|demo|dummy|fake|sample|guest|gast|anonymous|anonym|unknown|walk-?in|nobody|"
    r"undefined|null|none|nan|admin|тест|гость|测试|游客)([^a-z]|$)|^(x|z)+$|@example\.(com|org|net)$"
)
# Numbers that stand for nobody; as they can be a customer's too, only where they have many times the usual rows.
NO_NUMBER, OFTEN = r"^0+$|^-\d+$|^9{3,}$|^1{4,}$", 5
BUYERS = "SELECT customer_id FROM {}"


def check_ids(look: Look) -> Iterator[Finding]:
    """What is odd about the customer ids of one table; no id is shown."""
    if "customer_id" not in look.columns or not look.rows:
        return
    look.con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ids AS
        SELECT *, regexp_matches(low, {literal(NOBODY)})
            OR (regexp_matches(low, {literal(NO_NUMBER)}) AND n > {OFTEN} * avg(n) OVER ()) AS nobody
        FROM (SELECT customer_id, count(*) AS n, lower(customer_id) AS low FROM {look.table} GROUP BY customer_id)
    """)
    found = look.one(r"""
        SELECT count(*) AS ids, max(n) AS most,
            count(*) FILTER (regexp_full_match(customer_id, '[+-]?\d([.,]\d+)?[eE][+]?\d+')) AS rounded,
            count(*) FILTER (regexp_full_match(customer_id, '\d+[.,]0+')) AS floats,
            count(*) FILTER (nobody) AS nobody, coalesce(sum(n) FILTER (nobody), 0)::BIGINT AS nobody_rows,
            count(*) - count(DISTINCT regexp_replace(low, '\s+', '', 'g')) AS spelt,
            count(*) - count(DISTINCT CASE WHEN regexp_full_match(low, '\d+') THEN ltrim(low, '0') ELSE low END)
                AS zeros
        FROM ids
    """)
    yield from _damaged(look, found)
    yield from _two_ways(look, found)
    yield from _nobody(look, found)
    yield from _huge(look, found)


def _damaged(look: Look, found: Mapping[str, int]) -> Iterator[Finding]:
    if count := found["rounded"]:
        yield Finding(
            look.table, "customer_id", "error", "id_rounded",
            f"{of_all(count, found['ids'], 'ids')} look like 1.23E+11: numbers that a spreadsheet rounded",
            "Several customers became one and cannot be told apart again: export anew, with the ids as text.",
            count, count / found["ids"],
        )  # fmt: skip
    if count := found["floats"]:
        yield Finding(
            look.table, "customer_id", "warning", "id_float",
            f"{of_all(count, found['ids'], 'ids')} end in .0: whole numbers that were stored with decimals",
            "They match no id of another table that is written without: export them as whole numbers or text.",
            count, count / found["ids"],
        )  # fmt: skip


def _two_ways(look: Look, found: Mapping[str, int]) -> Iterator[Finding]:
    if count := found["spelt"]:
        yield Finding(
            look.table, "customer_id", "warning", "id_spelt_twice",
            f"{of_all(count, found['ids'], 'ids')} differ from another one only by case or blanks",
            "If they are the same people, write their ids alike in the source: now each is two customers.",
            count, count / found["ids"],
        )  # fmt: skip
    if count := found["zeros"]:
        yield Finding(
            look.table, "customer_id", "warning", "id_zeros",
            f"{of_all(count, found['ids'], 'ids')} differ from another one only by zeros in front",
            "Some rows lost the zeros on their way through a program: export the ids as text.",
            count, count / found["ids"],
        )  # fmt: skip


def _nobody(look: Look, found: Mapping[str, int]) -> Iterator[Finding]:
    if count := found["nobody"]:
        rows = found["nobody_rows"]
        yield Finding(
            look.table, "customer_id", "warning", "id_of_nobody",
            f"{count:,} id{'s' if count > 1 else ''} with {of_all(rows, look.rows, 'rows')} look like no "
            "person's (test, "
            "guest, unknown, 0000 and the like)",
            "Leave these rows out at the source, or by a rule.",
            count, rows / look.rows,
        )  # fmt: skip


def _huge(look: Look, found: Mapping[str, int]) -> Iterator[Finding]:
    share = found["most"] / look.rows
    usual = look.rows / found["ids"]
    if share >= HUGE_SHARE and found["most"] >= HUGE_TIMES * usual:
        yield Finding(
            look.table, "customer_id", "warning", "one_huge_customer",
            f"one customer has {of_all(found['most'], look.rows, 'rows')}, "
            f"{number(round(found['most'] / usual))} times the "
            "mean",
            "Is it a till, a reseller or a stand-in for guests? Then leave it out at the source.",
            found["most"], share,
        )  # fmt: skip


def check_buyers(look: Look) -> Iterator[Finding]:
    """How many customers bought only once."""
    found = look.one("""
        SELECT count(*) AS ids, count(*) FILTER (n = 1) AS once
        FROM (SELECT count(*) AS n FROM orders WHERE part = 0 AND amount_cents >= 0 GROUP BY customer_id)
    """)
    if found["ids"] and (share := found["once"] / found["ids"]) >= ONE_TIME:
        yield Finding(
            look.table, "customer_id", "note", "one_time_buyers",
            f"{of_all(found['once'], found['ids'], 'customers')} bought only once",
            "Nothing is known of their rhythm; the model tells them apart by little more than when and what "
            "they bought.",
            found["once"], share,
        )  # fmt: skip


def check_strangers(look: Look, base: str) -> Iterator[Finding]:
    """Customers of a table who are not in the `base` table, that of the orders or subscriptions."""
    if look.table == base or "customer_id" not in look.columns or not look.rows:
        return
    found = look.one(rf"""
        WITH t AS (SELECT customer_id AS id, count(*) AS n FROM {look.table} GROUP BY 1),
        b AS (SELECT DISTINCT customer_id AS id FROM {base}),
        tidy AS (SELECT DISTINCT {_tidied("id")} AS id FROM b)
        SELECT count(*) AS ids, count(*) FILTER (id NOT IN (FROM b)) AS strange,
            count(*) FILTER (id NOT IN (FROM b) AND {_tidied("id")} IN (FROM tidy)) AS mended,
            coalesce(sum(n) FILTER (id NOT IN (FROM b)), 0)::BIGINT AS rows
        FROM t
    """)
    ids, strange, mended = found["ids"], found["strange"], found["mended"]
    if mended and mended >= 0.01 * ids:
        yield Finding(
            look.table, "customer_id", "error" if mended > 0.5 * ids else "warning", "id_written_otherwise",
            f"{of_all(mended, ids, 'customers')} would match one of {base} but for case, blanks, zeros in "
            "front or a .0 "
            "behind",
            "Write the ids alike in both sources, as text: now these rows are nobody's.",
            mended, mended / ids,
        )  # fmt: skip
    strange -= mended
    if strange and look.table not in ("suppressions", "consents"):
        share = strange / ids
        noted = "note" if share < 0.5 else "warning" if share < 1 else "error"
        yield Finding(
            look.table, "customer_id", noted, "strangers",  # type: ignore[arg-type]
            f"{of_all(strange, ids, 'customers')} have no row in {base}",
            "People who never bought are not scored." if share < 0.5
            else f"Are these the ids of another system than those of {base}? Map the column that holds the same ones.",
            strange, share,
        )  # fmt: skip


def _tidied(column: str) -> str:
    """An id without what programs add or take away."""
    bare = rf"regexp_replace(regexp_replace(lower({column}), '\s+', '', 'g'), '^(\d+)[.,]0+$', '\1')"
    return rf"CASE WHEN regexp_full_match({bare}, '\d+') THEN ltrim({bare}, '0') ELSE {bare} END"


def check_people(look: Look) -> Iterator[Finding]:
    """The customers table: one person twice, sign-ups after the first order."""
    if "email" in look.columns and look.rows:
        found = look.one("""
            SELECT count(*) AS n, coalesce(sum(k), 0)::BIGINT AS ids FROM (
                SELECT count(DISTINCT customer_id) AS k FROM customers WHERE email IS NOT NULL
                GROUP BY lower(trim(email)) HAVING count(DISTINCT customer_id) > 1
            )
        """)
        if found["n"]:
            yield Finding(
                look.table, "email", "warning", "same_email",
                f"{found['n']:,} addresses belong to {found['ids']:,} customers: one person under several ids",
                "Who comes back under a new id seems to have left under the old one: join them in the source.",
                found["ids"], found["ids"] / look.rows,
            )  # fmt: skip


def check_signed_up(look: Look) -> Iterator[Finding]:
    """Customers whose sign-up lies after their first order."""
    found = look.one(f"""
        SELECT count(*) AS ids, count(*) FILTER (c.at_us > o.first + 86400000000) AS after FROM customers c
        JOIN (SELECT customer_id, min(at_us) AS first FROM orders GROUP BY 1) o USING (customer_id)
        WHERE {look.moment} IS NOT NULL
    """)
    if found["ids"] and (share := found["after"] / found["ids"]) > 0.05:
        yield Finding(
            look.table, look.moment, "warning", "signed_up_after_order",
            f"{of_all(found['after'], found['ids'], 'customers')} signed up more than a day after their first order",
            f"Is {look.moment} the day their record was last changed, or moved to a new system? "
            f"{percent(share)} is much.",
            found["after"], share,
        )  # fmt: skip
