"""The input usability report: one planted fault a test, and nothing said of a shop that has none."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import healthy_shop
import shop
from healthy_shop import TODAY, WHEN, Frames
from winback import config
from winback.config import Source, Sources
from winback.facts.check.clock import quiet_run
from winback.facts.check.findings import SEVERITIES, number, of_all, percent, some
from winback.facts.check.rows import ADVICE, advice_for, check_rows
from winback.facts.check.unmapped import at_hand, check_features
from winback.facts.check.usability import tolerant, usability
from winback.facts.check.volume import expected
from winback.facts.check.words import OURS
from winback.facts.features.declared import available, builtin
from winback.facts.intake.contracts import REASONS
from winback.facts.intake.ingest import Accounting, ingest

PERSONAL = re.compile(r"[CN]o?\d{3,}|\b[oitp]+\d+\b|@", re.IGNORECASE)  # ids and addresses of the healthy shop
Plant = Callable[[Frames], None]
TRUE_OF_THE_HEALTHY = {
    ("orders", "lines", "features_off"),
    ("orders", "product_id", "features_off"),
    ("payments", "card_expires", "features_off"),
}


def report(folder: Path, frames: Frames, *, mapped: Sources | None = None, today: dt.date = TODAY) -> pd.DataFrame:
    """The findings in the tables of a shop."""
    given = mapped or healthy_shop.sources(frames)
    return usability(healthy_shop.write(folder, frames), (WHEN[0], today), (), given)


def odd(found: pd.DataFrame) -> set[tuple[str, str, str]]:
    """What is not ok, without the features that whole tables would switch on."""
    rows = found[(found["severity"] != "ok") & ~((found["code"] == "features_off") & (found["column"] == ""))]
    return set(rows[["table", "column", "code"]].itertuples(index=False, name=None))


def test_nothing_is_said_of_a_healthy_shop(tmp_path: Path):
    """Beyond what is true of it: it maps no products, and no history is long enough for all features."""
    found = report(tmp_path, healthy_shop.frames())
    assert odd(found) == TRUE_OF_THE_HEALTHY
    assert set(found["severity"]) == {"note", "ok"}


def test_every_mapped_column_has_a_line(tmp_path: Path):
    frames = healthy_shop.frames()
    found = report(tmp_path, frames)
    lines = set(found[["table", "column"]].itertuples(index=False, name=None))
    mapped = healthy_shop.sources(frames).given()
    assert {(table, column) for table, source in mapped.items() for column in source.columns} <= lines


def _move(table: str, moment: str, by: pd.Timedelta, share: float = 1.0) -> Plant:
    def plant(frames: Frames) -> None:
        frame = frames[table]
        rows = frame.index[: int(share * len(frame))]
        frame.loc[rows, [moment, "recorded_at"]] += by

    return plant


def _drop_days(table: str, moment: str, first: str, last: str, keep: int = 10_000) -> Plant:
    """Rows from one day to before another are gone, but for every so many."""

    def plant(frames: Frames) -> None:
        frame = frames[table]
        inside = frame[moment].between(pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC"), inclusive="left")
        rare = np.arange(len(frame)) % keep == 1
        frames[table] = frame[~inside | rare].reset_index(drop=True)

    return plant


def _set(table: str, column: str, value: object, every: int = 1, first: int = 0) -> Plant:
    def plant(frames: Frames) -> None:
        frame = frames[table]
        rows = frame.index[first::every]
        frame[column] = frame[column].astype(object)
        frame.loc[rows, column] = value(frame.loc[rows, column]) if callable(value) else value
        if not isinstance(value, str) and column.endswith(("_cents", "quantity")):
            frame[column] = frame[column].astype("Int64")

    return plant


def _local_midnight(rows: pd.Series) -> pd.Series:
    return rows.dt.tz_convert(healthy_shop.ZONE).dt.normalize().dt.tz_convert("UTC")


def _stamps(table: str, moment: str, change: Callable[[pd.Series], pd.Series], every: int = 1) -> Plant:
    """Another moment in every so many rows, recorded at once."""

    def plant(frames: Frames) -> None:
        frame = frames[table]
        rows = np.arange(len(frame)) % every == 0
        moved = change(frame[moment]).astype(frame[moment].dtype)
        frame[moment] = frame[moment].where(~rows, moved)
        frame["recorded_at"] = np.maximum(frame[moment], frame["recorded_at"].where(~rows, frame[moment]))

    return plant


def _written_as_utc(rows: pd.Series) -> pd.Series:
    """Wall times of UTC that were read as those of New York, which changes its clocks: off by five or four hours."""
    wall = rows.dt.tz_convert("UTC").dt.tz_localize(None)
    ambiguous = np.zeros(len(wall), bool)
    return wall.dt.tz_localize(healthy_shop.ZONE, ambiguous=ambiguous, nonexistent="shift_forward").dt.tz_convert("UTC")


def _jump(frames: Frames) -> None:
    """From October on there are three times as many orders."""
    orders = frames["orders"]
    late = orders[orders["ordered_at"] >= pd.Timestamp("2025-10-01", tz="UTC")]
    copies = [late.assign(order_id=late["order_id"] + f"x{n}") for n in range(2)]
    frames["orders"] = pd.concat([orders, *copies], ignore_index=True)


def _import_day(frames: Frames) -> None:
    orders = frames["orders"]
    at = pd.Timestamp("2025-06-11 09:00", tz="UTC") + pd.to_timedelta(np.arange(300), unit="min")
    extra = orders.head(300).assign(order_id=[f"i{n}" for n in range(300)], ordered_at=at, recorded_at=at)
    frames["orders"] = pd.concat([orders, extra.astype(orders.dtypes)], ignore_index=True)


def _old_rows(year: int, count: int = 3) -> Plant:
    def plant(frames: Frames) -> None:
        orders = frames["orders"]
        orders.loc[orders.index[:count], ["ordered_at", "recorded_at"]] = pd.Timestamp(year, 1, 1, 12, tz="UTC")

    return plant


def _load_stamp(frames: Frames) -> None:
    frames["orders"]["recorded_at"] = pd.Timestamp("2026-01-31 05:00", tz="UTC")


def _very_late(frames: Frames) -> None:
    frames["orders"]["recorded_at"] += pd.to_timedelta(np.arange(len(frames["orders"])) % 90, unit="D")


def _till(frames: Frames) -> None:
    """One customer has a twentieth of all orders."""
    frames["orders"].loc[frames["orders"].index[::12], "customer_id"] = "C0009"


def _ids(table: str, change: Callable[[pd.Series], pd.Series], every: int = 1) -> Plant:
    return _set(table, "customer_id", change, every)


def _bare(ids: pd.Series) -> pd.Series:
    return ids.str.removeprefix("C")


def _digits(frames: Frames) -> None:
    """The ids of all tables as digits with zeros in front."""
    for frame in frames.values():
        frame["customer_id"] = _bare(frame["customer_id"])


def _both(*plants: Plant) -> Plant:
    def plant(frames: Frames) -> None:
        for each in plants:
            each(frames)

    return plant


def _cents_from_autumn(frames: Frames) -> None:
    orders = frames["orders"]
    orders.loc[orders["ordered_at"] >= pd.Timestamp("2025-10-01", tz="UTC"), "amount_cents"] *= 100


def _one_time(frames: Frames) -> None:
    orders = frames["orders"]
    one = orders["customer_id"] > "C0030"
    orders.loc[one, "customer_id"] = "N" + orders.loc[one, "order_id"]


def _stopped(frames: Frames) -> None:
    events = frames["events"]
    late = (events["kind"] == "email_open") & (events["occurred_at"] >= pd.Timestamp("2025-08-01", tz="UTC"))
    frames["events"] = events[~late].reset_index(drop=True)


def _begun(frames: Frames) -> None:
    events = frames["events"]
    early = (events["kind"] == "email_open") & (events["occurred_at"] < pd.Timestamp("2025-08-01", tz="UTC"))
    frames["events"] = events[~early].reset_index(drop=True)


def _same_email(frames: Frames) -> None:
    frames["customers"].loc[[3, 4], "email"] = ["Ann@shop.test", " ann@SHOP.test"]


IMPORTED = pd.Timestamp("2025-05-05 10:07:11", tz="UTC")
FAULTS: dict[str, tuple[Plant, str, str, str]] = {
    "old dates": (_old_rows(1985), "orders", "ordered_at", "ancient_date"),
    "a few rows years before the others": (_old_rows(2021), "orders", "ordered_at", "stray_first_rows"),
    "days without a time": (_stamps("orders", "ordered_at", _local_midnight), "orders", "ordered_at", "no_time_of_day"),
    "days of another zone": (
        _stamps("orders", "ordered_at", lambda s: s.dt.normalize()), "orders", "ordered_at", "midnight_of_another_zone",
    ),
    "some days without a time": (
        _stamps("orders", "ordered_at", _local_midnight, 5), "orders", "ordered_at", "some_without_time",
    ),
    "the instant of an import": (
        _stamps("events", "occurred_at", lambda s: pd.Series(IMPORTED, s.index), 10),
        "events", "occurred_at", "one_instant",
    ),
    "ten hours off": (_move("orders", "ordered_at", -pd.Timedelta(hours=10)), "orders", "ordered_at", "quiet_by_day"),
    "no night": (
        _stamps("orders", "ordered_at", lambda s: s.dt.normalize() + pd.to_timedelta(np.arange(len(s)) % 1440, "m")),
        "orders", "ordered_at", "no_quiet_hours",
    ),
    "stamps of a zone without summer time": (
        _stamps("orders", "ordered_at", _written_as_utc), "orders", "ordered_at", "clock_change",
    ),
    "a lost week": (
        _drop_days("orders", "ordered_at", "2025-06-02", "2025-06-09"),
        "orders", "ordered_at", "days_missing",
    ),
    "two lost days": (
        _drop_days("orders", "ordered_at", "2025-06-02", "2025-06-04"), "orders", "ordered_at", "days_missing",
    ),
    "three times the orders": (_jump, "orders", "ordered_at", "volume_jump"),
    "the day of an import": (_import_day, "orders", "ordered_at", "spike"),
    "a thin last week": (
        _drop_days("orders", "ordered_at", "2026-01-25", "2026-02-02", 7), "orders", "ordered_at", "thin_end",
    ),
    "a silent month": (
        _drop_days("events", "occurred_at", "2026-01-01", "2026-02-02"),
        "events", "occurred_at", "stale",
    ),
    "rows of tomorrow": (
        _move("events", "occurred_at", pd.Timedelta(days=1)),
        "events", "occurred_at", "not_yet_known",
    ),
    "rows of another year": (
        _move("tickets", "opened_at", pd.Timedelta(days=900)),
        "tickets", "opened_at", "all_later",
    ),
    "recorded_at is a copy": (
        lambda f: f["orders"].update(f["orders"][["ordered_at"]].set_axis(["recorded_at"], axis=1)),
        "orders", "recorded_at", "recorded_equal",
    ),
    "recorded_at is the load's": (_load_stamp, "orders", "recorded_at", "recorded_at_load"),
    "recorded up to three months late": (_very_late, "orders", "recorded_at", "recorded_late"),
    "rounded ids": (_ids("orders", lambda s: "1.23E+1" + s.str[-1]), "orders", "customer_id", "id_rounded"),
    "ids with decimals": (_both(_digits, _ids("events", lambda s: s + ".0")), "events", "customer_id", "id_float"),
    "ids with decimals in one table": (
        _both(_digits, _ids("events", lambda s: s + ".0")), "events", "customer_id", "id_written_otherwise",
    ),
    "zeros lost in one table": (
        _both(_digits, _ids("tickets", lambda s: s.str.lstrip("0"))), "tickets", "customer_id", "id_written_otherwise",
    ),
    "zeros lost in some rows": (
        _both(_digits, _ids("orders", lambda s: s.str.lstrip("0"), 3)), "orders", "customer_id", "id_zeros",
    ),
    "ids in small letters in some rows": (
        _ids("orders", lambda s: s.str.lower(), 4),
        "orders", "customer_id", "id_spelt_twice",
    ),
    "ids with a blank inside": (
        _ids("orders", lambda s: s.str[:2] + " " + s.str[2:], 4), "orders", "customer_id", "id_spelt_twice",
    ),
    "a test customer": (_set("orders", "customer_id", "Test-7", 500), "orders", "customer_id", "id_of_nobody"),
    "all guests under one number": (_set("orders", "customer_id", "0000", 15), "orders", "customer_id", "id_of_nobody"),
    "a till as a customer": (_till, "orders", "customer_id", "one_huge_customer"),
    "buyers who never come back": (_one_time, "orders", "customer_id", "one_time_buyers"),
    "ids of another system": (_ids("events", lambda s: "web-" + s), "events", "customer_id", "strangers"),
    "one person twice": (_same_email, "customers", "email", "same_email"),
    "customers of a new system": (
        _move("customers", "signed_up_at", pd.Timedelta(days=300)),
        "customers", "signed_up_at", "signed_up_after_order",
    ),
    "orders for nothing": (_set("orders", "amount_cents", 0, 10), "orders", "amount", "amount_zero"),
    "amounts turned round": (_set("orders", "amount_cents", lambda s: -s), "orders", "amount", "amount_below_zero"),
    "cents from autumn on": (_cents_from_autumn, "orders", "amount", "unit_change"),
    "amounts in cents": (_set("orders", "amount_cents", lambda s: s * 100), "orders", "amount", "amount_without_cents"),
    "a slip": (_set("orders", "amount_cents", 900_000_000, 10_000), "orders", "amount", "huge_amount"),
    "one channel in yen": (
        lambda f: f["orders"].__setitem__(
            "amount_cents", f["orders"]["amount_cents"] * np.where(f["orders"]["channel"] == "web", 1, 160)
        ),
        "orders", "amount", "channels_apart",
    ),
    "discounts below zero": (
        _set("orders", "discount_cents", lambda s: -s),
        "orders", "discount", "discount_below_zero",
    ),
    "sales of no pieces": (_set("orders", "quantity", 0, 9), "orders", "quantity", "no_pieces"),
    "a column without a value": (_set("orders", "channel", None), "orders", "channel", "empty_column"),
    "a column often empty": (_set("orders", "channel", None, 2), "orders", "channel", "often_empty"),
    "a column of one value": (_set("orders", "channel", "web"), "orders", "channel", "constant"),
    "a kind in two spellings": (_set("orders", "channel", "Web", 7), "orders", "channel", "spelt_in_two_ways"),
    "titles for categories": (
        lambda f: f["order_categories"].__setitem__("category", "item " + f["order_categories"]["order_id"]),
        "orders", "category", "too_many_kinds",
    ),
    "our mails among the events": (_set("events", "kind", "email_sent", 3), "events", "kind", "own_contacts"),
    "a kind that ended": (_stopped, "events", "kind", "kind_stopped"),
    "a kind that began": (_begun, "events", "kind", "kind_begun"),
    "a kind nobody knows": (_set("events", "kind", "Visits", 4), "events", "kind", "kind_not_known"),
    "only payments that went through": (_set("payments", "status", "succeeded"), "payments", "status", "no_failures"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path):
    plant, table, column, code = FAULTS[fault]
    frames = healthy_shop.frames()
    plant(frames)
    needed = {name: frames[name] for name in {"orders", table, "order_categories" if column == "category" else table}}
    found = report(tmp_path, needed)
    assert (table, column, code) in odd(found)
    assert (table, column, code) not in TRUE_OF_THE_HEALTHY
    assert PERSONAL.search(" ".join(found["finding"] + found["advice"])) is None


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            "ten hours off",
            "warning orders.ordered_at: by the clocks of Europe/Berlin the quiet hours are 12:00 to 23:00, "
            "with 1.8% of "
            "the rows; people sleep around 03:00",
        ),
        (
            "a lost week",
            "warning orders.ordered_at: 7 days without a row, where 11 a day are usual; namely from 2025-06-02 to "
            "2025-06-08",
        ),
        (
            "cents from autumn on",
            "error orders.amount: from 2025-10 on the middle amount is 2,911, in the month before it was "
            "30.16: 97 times "
            "more",
        ),
        (
            "our mails among the events",
            "error events.kind: 950 of 2,850 rows (33.3%) are of kinds that we do and not the customer: 'email_sent'",
        ),
        (
            "a kind in two spellings",
            "warning orders.channel: 1 word is spelt in several ways that differ only by case, blanks or "
            "dashes, such as "
            "'Web', 'web'",
        ),
        (
            "zeros lost in one table",
            "error tickets.customer_id: 150 of 150 customers (100%) would match one of orders but for case, "
            "blanks, zeros "
            "in front or a .0 behind",
        ),
        (
            "recorded_at is the load's",
            "error orders.recorded_at: 100% of the rows were recorded within one hour, though they span 396 "
            "days: the "
            "stamp of a load",
        ),
    ],
)
def test_a_finding_says_how_much_and_where(fault: str, line: str, tmp_path: Path):
    plant, table, column, code = FAULTS[fault]
    frames = healthy_shop.frames()
    plant(frames)
    found = report(tmp_path, {name: frames[name] for name in {"orders", table}})
    row = found[(found["table"] == table) & (found["column"] == column) & (found["code"] == code)].iloc[0]
    assert f"{row['severity']} {table}.{column}: {row['finding']}" == line


def test_a_table_of_nothing_but_features_to_come(tmp_path: Path):
    """Three columns of orders: what would switch on what, and no word of what is there."""
    source = Source(path="o.csv", columns={"customer_id": "c", "ordered_at": "d", "amount": "a"})
    off = {(f.table, f.column): f for f in check_features({"orders": source})}
    assert {("orders", "discount"), ("orders", "category"), ("orders", "lines"), ("events", "")} <= set(off)
    assert ("orders", "amount") not in off
    discount = off["orders", "discount"]
    assert discount.finding.endswith("switched off (discounts); nothing else tells of discounts")
    assert discount.advice == 'If the source tells it, map discount = "..." in [sources.orders.columns].'
    assert off["events", ""].advice.startswith("If there is such a table, map [sources.events] with customer_id, ")
    lost = sum(f.count or 0 for f in off.values())
    risk = [f for f in builtin() if f.use == "risk"]
    assert lost + len(available(at_hand({"orders": source}))) == len(risk)


def test_features_that_look_back_further_than_the_log(tmp_path: Path):
    frames = healthy_shop.frames()
    short = {"orders": frames["orders"][frames["orders"]["ordered_at"] >= pd.Timestamp("2025-12-01", tz="UTC")]}
    found = report(tmp_path, short)
    assert ("orders", "ordered_at", "history_short_of_features") in odd(found)


ORDERS = Source(path="orders.csv", columns={"customer_id": "c", "ordered_at": "d", "amount": "a"})


@pytest.mark.parametrize(
    ("count", "codes"),
    [
        (Accounting("orders", 0, 0, 0, 0, {}), {"no_rows": "error"}),
        (
            Accounting("orders", 4, 0, 0, 4, {"bad_date": 4}),
            {"nothing_accepted": "error", "refused_bad_date": "warning"},
        ),
        (
            Accounting("orders", 1000, 980, 0, 20, {"bad_date": 19, "bad_amount": 1}),
            {"too_many_bad_rows": "error", "refused_bad_date": "warning", "refused_bad_amount": "warning"},
        ),
        (Accounting("orders", 10_000, 9_999, 0, 1, {"bad_date": 1}), {"refused_bad_date": "note"}),
        (Accounting("orders", 100, 99, 1, 0, {}), {"duplicates": "note"}),
        (Accounting("orders", 100, 90, 10, 0, {}), {"duplicates": "warning"}),
        (Accounting("orders", 100, 90, 0, 0, {}, {"Invoice starts with C": 10}), {"left_out": "note"}),
        (Accounting("orders", 100, 100, 0, 0, {}), {}),
    ],
)
def test_where_the_rows_went(count: Accounting, codes: dict[str, str]):
    bad = pd.DataFrame({"table": ["orders"], "file": ["orders.csv"], "line": [1234], "reason": ["bad_date"]})
    found = list(check_rows(count, ORDERS, bad))
    assert {f.code: f.severity for f in found} == codes
    for finding in found:
        if finding.code == "refused_bad_date":
            assert finding.finding.endswith("are refused as bad_date; the first is line 1,234 of orders.csv")


def test_there_is_advice_for_every_reason():
    """Of its own kind, not the general one, for all but lines that are no rows."""
    general = {reason for reason in REASONS if advice_for(reason) == ADVICE[""]}
    assert general <= {"empty_line", "long_line", "control_character"} | {r for r in REASONS if "out_of_range" in r}


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("email_sent", True),
        ("Email Send", True),
        ("sms-delivered", True),
        ("push_sent", True),
        ("ad_impression", True),
        ("ad_shown", True),
        ("newsletter delivered", True),
        ("coupon_issued", True),
        ("campaign_contact", True),
        ("email_open", False),
        ("email_click", False),
        ("coupon_redeemed", False),
        ("message_sent", False),
        ("ad_click", False),
        ("visit", False),
        ("gift_card_sent_back", False),
        ("product_shown_interest", False),
    ],
)
def test_what_we_do_is_told_from_what_they_do(kind: str, ours: bool):
    assert bool(OURS.search(kind.lower())) == ours


@pytest.mark.parametrize(
    ("busy", "run"),
    [
        (range(8, 20), (20, 12)),
        (range(24), (0, 0)),
        ([*range(18, 24), *range(4)], (4, 14)),
        (range(6, 23), (23, 7)),
    ],
)
def test_the_quiet_hours_go_round_midnight(busy: range, run: tuple[int, int]):
    hours = np.array([100 if hour in busy else 3 for hour in range(24)])
    assert quiet_run(hours) == run


def test_a_shop_that_is_closed_on_sundays_misses_no_day():
    """What is expected of a day is what the same weekday had before and after it."""
    daily = np.array([0 if day % 7 == 6 else 20 for day in range(140)])
    daily[70] = 0
    usual = expected(daily)
    assert usual[70] == 20
    assert usual[6::7].sum() == 0
    assert usual[:14].sum() == 0 == usual[-14:].sum()  # nothing is before the first weeks


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.00001, "under 0.01%"),
        (0.0004, "0.04%"),
        (0.123, "12.3%"),
        (0.9996, "over 99.9%"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_all(share: float, words: str):
    assert percent(share) == words


def test_words_for_people():
    assert number(1234567) == "1,234,567"
    assert number(2.345) == "2.35"
    assert of_all(12, 3400, "rows") == "12 of 3,400 rows (0.4%)"
    assert some(["a", "b", "c"], 2) == "'a', 'b' and 1 more"
    assert SEVERITIES == ("error", "warning", "note", "ok")


def test_rare_words_are_not_shown(tmp_path: Path):
    """A kind that fewer than five customers have may be anybody's name."""
    frames = healthy_shop.frames()
    frames["events"].loc[frames["events"].index[:3], "kind"] = "Ann Lee sms_sent"
    found = report(tmp_path, {name: frames[name] for name in ("orders", "events")})
    text = " ".join(found["finding"] + found["advice"])
    assert "own_contacts" in set(found["code"])
    assert "1 kind, of fewer than 5 customers" in text
    assert "Ann" not in text


def test_limits_are_lifted_to_see_all_that_is_wrong(tmp_path: Path):
    """What would stop a run is read to the end, and told."""
    (tmp_path / "orders.csv").write_text("c,d,a\nc1,2026-01-03,5\nc2,yesterday,5\n,2026-01-03,5\n", "utf-8")
    sources = Sources(orders=ORDERS)
    received = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    accounting = ingest(tolerant(sources), tmp_path, tmp_path / "facts", "UTC", received)
    found = usability(tmp_path / "facts", ("UTC", TODAY), accounting, sources)
    errors = found[found["severity"] == "error"]
    assert errors["finding"].tolist()[0] == (
        "2 of 3 rows (66.7%) cannot be used; max_bad_share allows 1.0%: a run stops here"
    )
    assert replace(ORDERS, max_bad_share=1.0) == tolerant(sources).orders


def test_the_sample_that_comes_with_winback(tmp_path: Path):
    """No warning: what is said of it is true of a made-up shop that never sleeps."""
    base = shop.TEMPLATE / "configs"
    project = config.load(base / "sample.toml")
    received = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    accounting = ingest(project.sources, base, tmp_path, "UTC", received)
    found = usability(tmp_path, ("UTC", dt.date(2026, 3, 1)), accounting, project.sources)
    told = odd(found)
    assert set(found["severity"]) == {"note", "ok"}
    assert {code for _, _, code in told} == {"no_quiet_hours", "recorded_not_mapped", "constant", "features_off"}


def test_the_page_of_the_report_names_every_code(tree: Path):
    page = (tree / "docs" / "check.md").read_text("utf-8")
    codes = {code for _, _, _, code in FAULTS.values()} | {"no_rows", "nothing_accepted", "too_many_bad_rows"}
    codes |= {"duplicates", "left_out", "features_off", "history_short_of_features", "recorded_not_mapped"}
    assert {code for code in codes if f"`{code}`" not in page} == set()
