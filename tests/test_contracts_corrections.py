"""Late lines and corrected rows: the facts known at any past moment stay what they were then."""

# Chance only makes up rows; rows of literal tables stay on one line.
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest

from random_rows import NAMES, Row, some_row
from winback import store
from winback.config import Sources
from winback.facts.intake.ingest import Accounting, ingest
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LATER = {"resolved_at": "resolved_recorded_at", "csat": "csat_recorded_at", "ended_at": "ended_recorded_at"}


def take(folder: Path, rows: dict[str, list[Row]], grain: str = "row") -> list[Accounting]:
    sources = {}
    for table, given in {"orders": [], **rows}.items():
        (folder / f"{table}.csv").write_text("\n".join([",".join(NAMES[table]), *map(",".join, given)]) + "\n")
        columns = {name: name for name in NAMES[table]}
        sources[table] = {"path": f"{table}.csv", "columns": columns, "max_bad_share": 1.0}
    sources["orders"]["grain"] = grain
    return ingest(parse(Sources, sources, "test"), folder, folder / "out", "UTC", RECEIVED)


def out(folder: Path, table: str) -> list[dict]:
    return store.read_table(folder / "out" / f"{table}.parquet").to_pylist()


def at(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)


def parts(folder: Path) -> list[tuple]:
    names = (
        "order_id",
        "part",
        "ordered_at",
        "recorded_at",
        "amount_cents",
        "discount_cents",
        "quantity",
        "line_count",
        "channel",
    )
    return [tuple(row[name] for name in names) for row in out(folder, "orders")]


def test_a_corrected_order_is_the_first_one_and_differences(tmp_path):
    rows = [
        ("o", "c", "2026-01-01", "2026-01-02", "10", "", "3", "tea", "web", "p"),
        ("o", "c", "2026-01-01", "2026-01-09", "12.50", "1", "2", "cups", "app", "p"),
        ("o", "c", "2026-01-01", "2026-01-05", "0", "", "", "tea", "web", "q"),
    ]
    assert take(tmp_path, {"orders": rows}) == [Accounting("orders", 3, 3, 0, 0, {})]
    assert parts(tmp_path) == [
        ("o", 0, at("2026-01-01"), at("2026-01-02"), 1000, None, 3, 1, "web"),
        ("o", 1, at("2026-01-01"), at("2026-01-05"), -1000, None, -3, 0, "web"),
        ("o", 2, at("2026-01-01"), at("2026-01-09"), 1250, 100, 2, 0, "web"),
    ]
    assert [(row["category"], row["recorded_at"]) for row in out(tmp_path, "order_categories")] == [
        ("tea", at("2026-01-02")), ("cups", at("2026-01-09")),
    ]  # fmt: skip
    assert [(row["product_id"], row["recorded_at"]) for row in out(tmp_path, "order_products")] == [
        ("p", at("2026-01-02")), ("q", at("2026-01-05")),
    ]  # fmt: skip


def test_late_lines_are_parts_of_their_order(tmp_path):
    rows = [
        ("o", "c", "2026-01-01T10:02", "2026-01-02", "10", "1", "1.5", "tea", "web", "p"),
        ("o", "c", "2026-01-01T10:01", "2026-01-02", "5", "", "1", "tea", "shop", "q"),
        ("o", "c", "2026-01-01T09:00", "2026-01-04", "-2", "", "", "cups", "app", "p"),
        ("o", "d", "2026-01-01T08:00", "2026-01-03", "7", "", "", "", "", ""),
    ]
    done = take(tmp_path, {"orders": rows}, "line")
    assert done == [Accounting("orders", 4, 3, 0, 1, {"conflicting_order": 1})]
    assert parts(tmp_path) == [
        ("o", 0, at("2026-01-01T10:01"), at("2026-01-02"), 1500, 100, 3, 2, "shop"),
        ("o", 1, at("2026-01-01T10:01"), at("2026-01-04"), -200, None, None, 1, "shop"),
    ]
    assert [(row["category"], row["ordered_at"], row["recorded_at"]) for row in out(tmp_path, "order_categories")] == [
        ("tea", at("2026-01-01T10:01"), at("2026-01-02")), ("cups", at("2026-01-01T10:01"), at("2026-01-04")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "refused"),
    [
        (("o", "c", "2026-01-01", "2026-01-03", "11", "", "", "", "", ""), False),
        (("o", "c", "2026-01-01", "2026-01-02", "11", "", "", "", "", ""), True),
        (("o", "d", "2026-01-01", "2026-01-03", "10", "", "", "", "", ""), True),
        (("o", "c", "2026-01-02", "2026-01-03", "10", "", "", "", "", ""), True),
    ],
)
def test_what_is_a_correction_and_what_a_contradiction(tmp_path, second, refused):
    first = ("o", "c", "2026-01-01", "2026-01-02", "10", "", "", "", "", "")
    (done,) = take(tmp_path, {"orders": [second, first]})
    assert done.reasons == ({"conflicting_order": 1} if refused else {})
    assert [part for _, part, *_ in parts(tmp_path)] == ([0] if refused else [0, 1])


def known(row: dict, cutoff: dt.datetime) -> dict:
    """A written row with the ends that became known before the cutoff, and not those after it."""
    later = {end: row[moment] for end, moment in LATER.items() if row.get(moment)}
    hidden = {end for end, moment in later.items() if moment >= cutoff}
    hidden |= {LATER[end] for end in hidden} | ({"cancel_reason"} if "ended_at" in hidden else set())
    return {name: None if name in hidden else value for name, value in row.items()}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("grain", ["row", "line"])
def test_what_was_known_then_is_what_an_ingest_gave_then(tmp_path, grain, seed):
    """For every cutoff: the rows recorded before it, of all and of those that had been recorded by then."""
    chance = random.Random(seed)
    rows = {table: [some_row(chance, table) for _ in range(80)] for table in NAMES}
    take(tmp_path, rows, grain)
    tables = [*NAMES, "order_categories", "order_products"]
    whole = {table: out(tmp_path, table) for table in tables}
    assert any(row["part"] for row in whole["orders"])
    for last in chance.sample(range(5, 12), 2):
        cutoff = at(f"2026-01-{last:02d}")
        then = {
            table: [row for row in rows[table] if row[NAMES[table].index("recorded_at")] < f"{cutoff:%F}"]
            for table in rows
        }
        take(tmp_path, then, grain)
        for table in tables:
            now = [known(row, cutoff) for row in whole[table] if row["recorded_at"] < cutoff]
            assert sorted(map(str, now)) == sorted(map(str, out(tmp_path, table))), (table, cutoff)


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_known_at_a_cutoff_add_up_to_the_newest_version(tmp_path, seed):
    """Against a plain reading of versions: of an order's rows recorded before a cutoff the last one holds."""
    chance = random.Random(seed)
    rows = [
        (f"o{order}", "c", "2026-01-01", f"2026-01-{recorded:02d}", str(chance.randrange(-99, 999)), chance.choice(["", "7"]), chance.choice(["", "1.6", "2"]), "", "", "")
        for order in range(60)
        for recorded in chance.sample(range(2, 12), chance.randrange(1, 5))
    ]  # fmt: skip
    take(tmp_path, {"orders": chance.sample(rows, len(rows))})
    written = out(tmp_path, "orders")
    for cutoff in (at(f"2026-01-{d:02d}") for d in range(3, 13)):
        newest = {row[0]: row for row in sorted(rows, key=lambda row: row[3]) if at(row[3]) < cutoff}
        for order, row in newest.items():
            seen = [w for w in written if w["order_id"] == order and w["recorded_at"] < cutoff]
            sums = [
                sum(w[name] or 0 for w in seen) for name in ("amount_cents", "discount_cents", "quantity", "line_count")
            ]
            assert sums == [int(row[4]) * 100, int(row[5] or 0) * 100, {"": 0, "1.6": 2, "2": 2}[row[6]], 1]
