"""Files in, tables and quarantine out: literal rows in, literal rows out."""

# Rows of literal tables stay on one line; chance only picks rows; stamps without a zone are what is tested.
# ruff: noqa: E501, DTZ001

from __future__ import annotations

import datetime as dt
import hashlib
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winback import store
from winback.config import Sources
from winback.errors import ConfigError, SourceError, TooManyBadRows
from winback.facts.intake.ingest import Accounting, ingest
from winback.toml_files import parse

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
THREE = {"customer_id": "customer", "ordered_at": "date", "amount": "amount"}
EVENT = {"customer_id": "customer", "occurred_at": "date", "kind": "kind"}


def take(folder: Path, orders: dict, zone: str = "UTC", **others: dict) -> list[Accounting]:
    """Ingest what is configured; the tables are in folder/out."""
    given = {name: {"max_bad_share": 1.0, **source} for name, source in {"orders": orders, **others}.items()}
    return ingest(parse(Sources, given, "test"), folder, folder / "out", zone, RECEIVED)


def text(folder: Path, content: str | bytes, columns: dict | None = None, **settings) -> dict:
    """The source of a text file with this content."""
    (folder / "orders.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return {"path": "orders.csv", "columns": columns or THREE, **settings}


def parquet(folder: Path, columns: dict | None = None, name: str = "orders.parquet", **data) -> dict:
    """The source of a Parquet file with these columns."""
    pq.write_table(pa.table(data), folder / name)
    return {"path": name, "columns": columns or THREE}


def out(folder: Path, table: str, *columns: str) -> list[tuple]:
    """The rows of a written table."""
    return [
        tuple(row.values()) for row in store.read_table(folder / "out" / f"{table}.parquet").select(columns).to_pylist()
    ]


def refused(folder: Path) -> list[tuple]:
    return out(folder, "quarantine", "line", "reason", "detail")


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type]


TEN_FAULTS = b"""customer,date,amount
c1,2026-01-01,10.00
c2,2026-02-30,10.00
c3,2026-01-03,ten
,2026-01-04,10.00
c5,2026-01-05
c6,"2026-01-06,10.00
c\xe97,2026-01-07,10.00
c8,2027-01-08,10.00
c1,2026-01-01,10.00

c11,2026-01-11,NaN
c12,2026-01-12,"12.50"
"""


def test_ten_kinds_of_bad_rows_cost_only_themselves(tmp_path):
    accounting = take(tmp_path, text(tmp_path, TEN_FAULTS))
    assert out(tmp_path, "quarantine", "table", "file", "line", "reason", "detail", "raw") == [
        ("orders", "orders.csv", 3, "bad_date", "ordered_at needs a date: column 'date' holds '2026-02-30'", "c2,2026-02-30,10.00"),
        ("orders", "orders.csv", 4, "bad_amount", "amount needs a plain number such as 1234.50: column 'amount' holds 'ten'", "c3,2026-01-03,ten"),
        ("orders", "orders.csv", 5, "missing_customer_id", "customer_id is missing: column 'customer' holds ''", ",2026-01-04,10.00"),
        ("orders", "orders.csv", 6, "ragged_row", "3 fields were expected, 2 came", "c5,2026-01-05"),
        ("orders", "orders.csv", 7, "open_quote", "a quoted field does not end on its line", 'c6,"2026-01-06,10.00'),
        ("orders", "orders.csv", 8, "bad_encoding", "the line is not valid in the encoding utf-8", "c\ufffd7,2026-01-07,10.00"),
        ("orders", "orders.csv", 9, "future_date", "ordered_at is later than this ingest: column 'date' holds '2027-01-08'", "c8,2027-01-08,10.00"),
        ("orders", "orders.csv", 11, "empty_line", "the line is empty", ""),
        ("orders", "orders.csv", 12, "missing_amount", "amount is missing: column 'amount' holds 'NaN'", "c11,2026-01-11,NaN"),
    ]  # fmt: skip
    assert out(tmp_path, "orders", "customer_id", "ordered_at", "amount_cents") == [
        ("c1", at(2026, 1, 1), 1000),
        ("c12", at(2026, 1, 12), 1250),
    ]
    reasons = "bad_amount bad_date bad_encoding empty_line future_date missing_amount missing_customer_id open_quote"
    assert accounting == [
        Accounting("orders", 12, 2, 1, 9, dict.fromkeys([*reasons.split(), "ragged_row"], 1)),
    ]


def test_too_many_bad_rows_write_the_quarantine_and_nothing_else(tmp_path):
    events = {"path": "orders.csv", "columns": {**EVENT, "kind": {"value": "x"}}, "max_bad_share": 0.5}
    with pytest.raises(TooManyBadRows) as error:
        take(tmp_path, text(tmp_path, TEN_FAULTS, max_bad_share=0.7), events=events)
    assert str(error.value) == (
        "orders: 9 of 12 rows (75.00%) cannot be used, more than the 70.00% that max_bad_share = 0.7 allows: "
        "bad_amount 1, bad_date 1, bad_encoding 1, empty_line 1, future_date 1, missing_amount 1, "
        "missing_customer_id 1, open_quote 1, ragged_row 1.\n"
        "events: 7 of 12 rows (58.33%) cannot be used, more than the 50.00% that max_bad_share = 0.5 allows: "
        "bad_date 1, bad_encoding 1, empty_line 1, future_date 1, missing_customer_id 1, open_quote 1, ragged_row 1.\n"
        f"Each is in {tmp_path / 'out' / 'quarantine.parquet'} with file, line and reason. "
        "Correct the file or its mapping, or raise max_bad_share if they may be left out"
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["quarantine.parquet"]
    assert len(refused(tmp_path)) == 16


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("12", 1200), ("12.", 1200), (".5", 50), ("-3.10", -310), ("+1", 100), (" 7.25 ", 725), ("1e3", 100000),
        ("0.285", 29), ("1.005", 101), ("-1.005", -101), ("1.00499999999999999999", 100), ("2.675", 268),
        ("999999999999.99", 99999999999999), ("0", 0), ("-0.004", 0), ("0.1e-30", 0),
    ],
)  # fmt: skip
def test_amounts_are_exact(tmp_path, written, cents):
    take(tmp_path, text(tmp_path, f"customer,date,amount\nc,2026-01-01,{written}\n"))
    assert out(tmp_path, "orders", "amount_cents") == [(cents,)]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1,234.50", "bad_amount"), ("$5", "bad_amount"), ("5 EUR", "bad_amount"), ("1_000", "bad_amount"),
        ("inf", "bad_amount"), ("-Infinity", "bad_amount"), ("0x10", "bad_amount"), ("1e", "bad_amount"),
        ("--1", "bad_amount"), ("1000000000000", "impossible_number"), ("9" * 400, "impossible_number"), ("1e99", "impossible_number"),
        ("١٢", "bad_amount"), ("Null", "bad_amount"), ("NULL", "missing_amount"), ("  ", "missing_amount"),
        ("nan", "missing_amount"), ("N/A", "missing_amount"),
    ],
)  # fmt: skip
def test_amounts_are_never_guessed(tmp_path, written, reason):
    take(tmp_path, text(tmp_path, f'customer,date,amount\nc,2026-01-01,"{written}"\n'))
    assert out(tmp_path, "quarantine", "line", "reason") == [(2, reason)]


def test_a_shown_value_is_cut(tmp_path):
    take(tmp_path, text(tmp_path, f"customer,date,amount\nc,2026-01-01,{'9x' * 50}\n"))
    assert refused(tmp_path)[0][2].endswith(f"column 'amount' holds {'9x' * 30!r}")


@pytest.mark.parametrize(
    ("written", "zone", "moment"),
    [
        ("2026-01-31", "UTC", at(2026, 1, 31)),
        ("2026-01-31", "Asia/Kolkata", at(2026, 1, 30, 18, 30)),
        ("2025-07-01 10:15", "Europe/Berlin", at(2025, 7, 1, 8, 15)),
        ("2025-07-01T10:15:30.5", "Europe/Berlin", at(2025, 7, 1, 8, 15, 30, 500000)),
        ("2025-07-01T10:15:30.123456789", "UTC", at(2025, 7, 1, 10, 15, 30, 123456)),
        ("2025-07-01T10:15:30Z", "Europe/Berlin", at(2025, 7, 1, 10, 15, 30)),
        ("2025-07-01 10:15:30 UTC", "Europe/Berlin", at(2025, 7, 1, 10, 15, 30)),
        ("2025-07-01 10:15:30 -0500", "Europe/Berlin", at(2025, 7, 1, 15, 15, 30)),
        ("2025-07-01T10:15+05:30", "Europe/Berlin", at(2025, 7, 1, 4, 45)),
        ("2025-07-01 10:15:30+02", "UTC", at(2025, 7, 1, 8, 15, 30)),
        ("2025-03-30 02:30:00", "Europe/Berlin", at(2025, 3, 30, 1, 30)),  # skipped by the change to summer time
        ("2025-10-26 02:30:00", "Europe/Berlin", at(2025, 10, 26, 1, 30)),  # told twice: the second
    ],
)  # fmt: skip
def test_dates(tmp_path, written, zone, moment):
    take(tmp_path, text(tmp_path, f"customer,date,amount\nc,{written},1\n"), zone)
    assert out(tmp_path, "orders", "ordered_at", "recorded_at") == [(moment, moment)]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2026-1-5", "bad_date"), ("2026/01/05", "bad_date"), ("05.01.2026", "bad_date"), ("20260105", "bad_date"),
        ("2026-01-05 24:00", "bad_date"), ("2026-01-05 10:15:61", "bad_date"), ("infinity", "bad_date"),
        ("epoch", "bad_date"), ("2025-02-29", "bad_date"), ("2026-01-05 10:00 Europe/Berlin", "bad_date"),
        ("0000-01-01", "bad_date"), ("2026-01-05+02:00", "bad_date"), ("NaT", "missing_date"), ("", "missing_date"),
        ("9999-12-31 23:59:59", "future_date"), ("2026-03-01 12:00:01", "future_date"),
    ],
)  # fmt: skip
def test_dates_that_are_none(tmp_path, written, reason):
    take(tmp_path, text(tmp_path, f"customer,date,amount\nc,{written},1\n"), "America/Los_Angeles")
    expected = "future_date" if written.startswith("2026-03-01") else reason
    assert out(tmp_path, "quarantine", "line", "reason") == [(2, expected)]


@pytest.mark.parametrize(
    ("date_format", "written", "moment"),
    [
        ("%d.%m.%Y", "31.01.2026", at(2026, 1, 30, 23)),
        ("%m/%d/%y %I:%M %p", "07/01/25 01:05 PM", at(2025, 7, 1, 11, 5)),
        ("%Y%m%d", "20260131", at(2026, 1, 30, 23)),
        ("%d/%m/%Y %H:%M %z", "31/01/2026 10:00 +0500", at(2026, 1, 31, 5)),
    ],
)
def test_date_format_and_zone_of_a_source(tmp_path, date_format, written, moment):
    source = text(tmp_path, f"customer,date,amount\nc,{written},1\nd,2026-01-05,1\n")
    take(tmp_path, {**source, "date_format": date_format, "time_zone": "Europe/Berlin"}, "Asia/Tokyo")
    assert out(tmp_path, "orders", "ordered_at") == [(moment,)]
    assert out(tmp_path, "quarantine", "line", "reason") == [(3, "bad_date")]


@pytest.mark.parametrize("date_format", ["%Q", "day", "%H:%M", "%d.%m.", "%Y %"])
def test_date_format_that_reads_no_date(tmp_path, date_format):
    with pytest.raises(ConfigError) as error:
        take(tmp_path, text(tmp_path, "customer,date,amount\n", date_format=date_format))
    assert str(error.value) == (
        f"date_format = {date_format!r} is not understood; use one such as '%d.%m.%Y %H:%M', "
        "with year, month and day in it"
    )


def test_customer_ids(tmp_path):
    """Trimmed, and missing only when written exactly as programs write nothing; surnames stay."""
    ids = [
        "",
        "  ",
        "NA",
        "nan",
        "NULL",
        "None",
        "Null",
        "Nan",
        "Na",
        "none",
        "\t x \u00a0",
        "007",
        "1.0",
        "ÅÉ",
        "0",
    ]
    rows = "".join(f"{customer},2026-01-01,1\n" for customer in ids)
    take(tmp_path, text(tmp_path, "customer,date,amount\n" + rows))
    kept = ["0", "007", "1.0", "Na", "Nan", "Null", "none", "x", "ÅÉ"]
    assert out(tmp_path, "orders", "customer_id") == [(customer,) for customer in kept]
    assert out(tmp_path, "quarantine", "line", "reason") == [(line, "missing_customer_id") for line in range(2, 8)]


@pytest.mark.parametrize(
    ("customers", "text_of"),
    [
        (pa.array([17, 2**62]), ["17", str(2**62)]),
        (pa.array([17.0, None]), ["17"]),
        (pa.array([17.5, float("nan")]), ["17.5"]),
        (pa.array([Decimal("17"), None]), ["17"]),
        (pa.array([" a ", "nan"]), ["a"]),
        (pa.array([True, None]), ["true"]),
    ],
)
def test_ids_of_a_parquet_file(tmp_path, customers, text_of):
    day = pa.array([dt.date(2026, 1, 1)] * 2)
    take(tmp_path, parquet(tmp_path, customer=customers, date=day, amount=[1, 1]))
    assert out(tmp_path, "orders", "customer_id") == [(customer,) for customer in text_of]
    lost = [(2, "missing_customer_id")] * (2 - len(text_of))
    assert out(tmp_path, "quarantine", "line", "reason") == lost


@pytest.mark.parametrize(
    ("amounts", "cents", "reasons"),
    [
        (pa.array([0.1 + 0.2, -2.5]), [30, -250], []),
        (pa.array([float("nan"), float("inf")]), [], ["missing_amount", "bad_amount"]),
        (pa.array([None, 1e300]), [], ["missing_amount", "impossible_number"]),
        (pa.array([11.77, -0.5], pa.float32()), [1177, -50], []),
        (pa.array([3, -4], pa.int8()), [300, -400], []),
        (pa.array([Decimal("1.005"), Decimal("-1.005")]), [101, -101], []),
        (pa.array(["1.005", "x"]), [101], ["bad_amount"]),
        (pa.array([2**64 - 1, 1], pa.uint64()), [100], ["impossible_number"]),
        (pa.array([[1], [2]]), [], ["bad_amount", "bad_amount"]),
    ],
)
def test_amounts_of_a_parquet_file(tmp_path, amounts, cents, reasons):
    day = pa.array([dt.date(2026, 1, 1), dt.date(2026, 1, 2)])
    take(tmp_path, parquet(tmp_path, customer=["c", "c"], date=day, amount=amounts))
    assert out(tmp_path, "orders", "amount_cents") == [(each,) for each in cents]
    assert [reason for _, reason, _ in refused(tmp_path)] == reasons


@pytest.mark.parametrize(
    ("moments", "moment"),
    [
        (pa.array([dt.datetime(2025, 7, 1, 10)], pa.timestamp("ns")), at(2025, 7, 1, 8)),
        (pa.array([dt.datetime(2025, 7, 1, 10)], pa.timestamp("s")), at(2025, 7, 1, 8)),
        (pa.array([at(2025, 7, 1, 10)], pa.timestamp("ms", "America/New_York")), at(2025, 7, 1, 10)),
        (pa.array([dt.date(2025, 7, 1)]), at(2025, 6, 30, 22)),
        (pa.array(["2025-07-01T10:00"]), at(2025, 7, 1, 8)),
        (pa.array([20250701]), "bad_date"),
        (pa.array([2**63 - 1], pa.timestamp("us")), "bad_date"),
        (pa.array([None], pa.timestamp("us")), "missing_date"),
    ],
)
def test_dates_of_a_parquet_file(tmp_path, moments, moment):
    take(tmp_path, parquet(tmp_path, customer=["c"], date=moments, amount=[1]), "Europe/Berlin")
    good = isinstance(moment, dt.datetime)
    assert out(tmp_path, "orders", "ordered_at") == ([(moment,)] if good else [])
    assert [reason for _, reason, _ in refused(tmp_path)] == ([] if good else [moment])


LINES = """id,who,when,price,off,cut,pieces,kind,product
o1,c1,2026-01-01 10:00,10.00,1,,1.4,tea,p1
o1,c1,2026-01-01 10:00,10.00,1,,1.4,tea,p2
o1,c1,2026-01-01 09:59,0.01,,,0.2,cups,p3
o1,c1,2026-01-01 10:00,10.00,1,,1.4,tea,p1
o1,c2,2026-01-01 10:05,9.99,,,1,tea,p4
o2,c2,2026-01-02,5,,,,,p1
,c2,2026-01-02,5,,,,,p1
"""
LINE_COLUMNS = {
    "order_id": "id",
    "customer_id": "who",
    "ordered_at": "when",
    "amount": "price",
    "discount": ["off", "cut"],
    "quantity": "pieces",
    "category": "kind",
}


def test_lines_are_summed_to_orders(tmp_path):
    """Equal but for an unmapped column is no duplicate; an order belongs to the customer of its first line."""
    accounting = take(tmp_path, text(tmp_path, LINES, LINE_COLUMNS, grain="line"))
    columns = (
        "order_id",
        "customer_id",
        "ordered_at",
        "recorded_at",
        "amount_cents",
        "discount_cents",
        "quantity",
    )
    first = at(2026, 1, 1, 9, 59)
    assert out(tmp_path, "orders", *columns, "line_count", "channel") == [
        ("o1", "c1", first, first, 2001, 200, 3, 3, None),
        ("o2", "c2", at(2026, 1, 2), at(2026, 1, 2), 500, None, None, 1, None),
    ]
    assert out(tmp_path, "order_categories", "customer_id", "order_id", "ordered_at", "recorded_at", "category") == [
        ("c1", "o1", first, first, "cups"),
        ("c1", "o1", first, first, "tea"),
    ]
    assert refused(tmp_path) == [
        (
            6,
            "conflicting_order",
            (
                "an earlier row of this order_id says otherwise: "
                "columns 'id', 'who', 'when' hold 'o1', 'c2', '2026-01-01 10:05'"
            ),
        ),
        (8, "missing_order_id", "order_id is missing: column 'id' holds ''"),
    ]
    assert accounting == [Accounting("orders", 7, 4, 1, 2, {"conflicting_order": 1, "missing_order_id": 1})]


def test_keeping_duplicates(tmp_path):
    accounting = take(tmp_path, text(tmp_path, LINES, LINE_COLUMNS, grain="line", duplicates="keep"))
    assert out(tmp_path, "orders", "amount_cents", "line_count") == [(3001, 4), (500, 1)]
    assert (accounting[0].accepted, accounting[0].duplicates) == (5, 0)


def test_an_order_is_one_row_where_rows_are_orders(tmp_path):
    rows = "o1,c1,2026-01-02,2\no1,c1,2026-01-02,2\no1,c1,2026-01-01,2\no1,c0,2026-01-02,2\no1,c1,2026-01-01,3\n"
    source = text(tmp_path, "id,customer,date,amount\n" + rows, {**THREE, "order_id": "id"})
    accounting = take(tmp_path, source)
    assert out(tmp_path, "orders", "order_id", "ordered_at", "amount_cents") == [("o1", at(2026, 1, 1), 200)]
    assert [line for line, _, _ in refused(tmp_path)] == [2, 3, 5, 6]
    assert accounting == [Accounting("orders", 5, 1, 0, 4, {"conflicting_order": 4})]


@pytest.mark.parametrize(("duplicates", "orders"), [("drop", 2), ("keep", 3)])
def test_orders_without_ids_get_their_own(tmp_path, duplicates, orders):
    rows = "customer,date,amount,where\nc,2026-01-01,1,web\nc,2026-01-01,1,app\nc,2026-01-01,1,web\n"
    source = text(tmp_path, rows, {**THREE, "channel": "where"}, duplicates=duplicates)
    take(tmp_path, source)
    found = out(tmp_path, "orders", "order_id", "channel")
    assert len({order for order, _ in found}) == len(found) == orders


def test_order_ids_do_not_change_from_release_to_release(tmp_path):
    take(tmp_path, text(tmp_path, "customer,date,amount\nc|1,2026-01-01,1\n"))
    assert out(tmp_path, "orders", "order_id") == [(hashlib.sha256(b"1767225600000000|100|1|c|1").hexdigest()[:24],)]


def test_events_and_contacts(tmp_path):
    (tmp_path / "events.csv").write_text(
        "who;when;what;n\nc1;2026-01-02;visit;0.5\nc1;2026-01-01;visit;\nc1;2026-01-01;;1\nc2;2026-01-01;visit;inf\n"
    )
    (tmp_path / "contacts.csv").write_text(
        "who,when,known\nc1,2026-01-02,2026-01-03\nc1,2026-01-02,2026-01-01\nc1,2026-01-02,\n"
    )
    events = {
        "path": "events.csv",
        "delimiter": ";",
        "columns": {"customer_id": "who", "occurred_at": "when", "kind": "what", "value": "n"},
    }
    contacts = {
        "path": "contacts.csv",
        "columns": {
            "customer_id": "who",
            "contacted_at": "when",
            "recorded_at": "known",
            "channel": {"value": "post"},
        },
    }
    orders = text(tmp_path, "customer,date,amount\nc,2026-01-01,1\n")
    accounting = take(tmp_path, orders, events=events, contacts=contacts)
    assert [(a.table, a.rows_in, a.accepted, a.duplicates, a.quarantined) for a in accounting] == [
        ("orders", 1, 1, 0, 0), ("events", 4, 2, 0, 2), ("contacts", 3, 2, 0, 1),
    ]  # fmt: skip
    assert out(tmp_path, "events", "customer_id", "occurred_at", "recorded_at", "kind", "value") == [
        ("c1", at(2026, 1, 1), at(2026, 1, 1), "visit", None),
        ("c1", at(2026, 1, 2), at(2026, 1, 2), "visit", 0.5),
    ]
    assert out(tmp_path, "contacts", "customer_id", "contacted_at", "recorded_at", "campaign", "channel") == [
        ("c1", at(2026, 1, 2), at(2026, 1, 2), None, "post"),
        ("c1", at(2026, 1, 2), at(2026, 1, 3), None, "post"),
    ]
    assert out(tmp_path, "quarantine", "table", "line", "reason", "detail") == [
        ("contacts", 3, "recorded_before_it_happened", "recorded_at is earlier than contacted_at: columns 'when', 'known' hold '2026-01-02', '2026-01-01'"),
        ("events", 4, "missing_kind", "kind is missing: column 'what' holds ''"),
        ("events", 5, "bad_value", "value needs a plain number such as 0.5: column 'n' holds 'inf'"),
    ]  # fmt: skip


def test_sums_of_columns(tmp_path):
    """A part that must be there costs the row; a part of a discount that is not there counts as nothing."""
    rows = "customer,date,a,b,x,y\nc1,2026-01-01,1.005,2,,\nc2,2026-01-01,1,,1,\nc3,2026-01-01,1,1,,0.5\nc4,2026-01-01,1,1,?,1\n"
    columns = {**THREE, "amount": ["a", "b"], "discount": ["x", "y"], "quantity": {"value": "2"}}
    take(tmp_path, text(tmp_path, rows, columns))
    assert out(tmp_path, "orders", "customer_id", "amount_cents", "discount_cents", "quantity") == [
        ("c1", 301, None, 2),
        ("c3", 200, 50, 2),
    ]
    assert refused(tmp_path) == [
        (3, "missing_amount", "amount is missing: columns 'a', 'b' hold '1', ''".replace("hold", "holds")),
        (5, "bad_discount", "discount needs a plain number such as 1234.50: columns 'x', 'y' holds '?', '1'"),
    ]


def test_lookups_lend_columns_and_keep_every_row(tmp_path):
    pq.write_table(
        pa.table({"sku": [2, 1, 2, None], "dep": ["tea", "cups", "late", "none"], "x": [1, 2, 3, 4]}),
        tmp_path / "p.parquet",
    )
    (tmp_path / "dep.csv").write_text('dep,group\ntea,drinks\n"broken\ncups,things\n')
    rows = "customer,date,amount,sku\nc1,2026-01-01,1,1\nc2,2026-01-01,1,2\nc3,2026-01-01,1,3\nc4,2026-01-01,1,\n"
    lookups = [{"path": "p.parquet", "on": "sku", "columns": ["dep"]}, {"path": "dep.csv", "on": "dep"}]
    columns = {**THREE, "channel": "dep", "category": "group"}
    accounting = take(tmp_path, text(tmp_path, rows, columns, lookups=lookups))
    assert out(tmp_path, "orders", "customer_id", "channel") == [
        ("c1", "cups"),
        ("c2", "tea"),
        ("c3", None),
        ("c4", None),
    ]
    assert out(tmp_path, "order_categories", "customer_id", "category") == [
        ("c1", "things"),
        ("c2", "drinks"),
    ]
    assert accounting == [Accounting("orders", 4, 4, 0, 0, {})]
    assert out(tmp_path, "quarantine", "table", "file", "line", "reason") == [
        ("orders lookup", "dep.csv", 3, "open_quote")
    ]


@pytest.mark.parametrize(
    ("lookup", "columns", "error", "message"),
    [
        ({"on": "sku"}, {}, ConfigError, "[sources.orders] lookup 'p.csv' brings 'amount', which orders.csv has already; name the columns you need in the lookup's `columns`"),
        ({"on": "id"}, {}, SourceError, "lookup 'p.csv' has no column 'id'; it has 'sku', 'dep', 'amount'. Correct the name in the configuration, or the header of the file"),
        ({"on": "sku", "columns": ["x"]}, {}, SourceError, "lookup 'p.csv' has no column 'x'; it has 'sku', 'dep', 'amount'. Correct the name in the configuration, or the header of the file"),
        ({"on": "dep", "columns": ["sku"]}, {}, SourceError, "lookup 'p.csv' is joined on 'dep', which orders.csv does not have; it has 'customer', 'date', 'amount', 'sku'"),
        ({"on": "sku", "columns": ["dep"]}, {"channel": "way"}, SourceError, "orders.csv has no column 'way', which the mapping names; it has 'customer', 'date', 'amount', 'sku', 'dep'. Correct the name in the configuration, or the header of the file"),
    ],
)  # fmt: skip
def test_lookups_that_do_not_fit(tmp_path, lookup, columns, error, message):
    (tmp_path / "p.csv").write_text("sku,dep,amount\n1,tea,3\n")
    source = text(tmp_path, "customer,date,amount,sku\n", {**THREE, **columns}, lookups=[{"path": "p.csv", **lookup}])
    with pytest.raises(error) as raised:
        take(tmp_path, source)
    assert str(raised.value) == message


def test_files_with_different_columns_are_one_source(tmp_path):
    """By name, whatever their order and type; a row in both is a duplicate."""
    (tmp_path / "a.csv").write_text("customer,date,amount\n1,2026-01-01,1.50\n")
    (tmp_path / "b.csv").write_text("amount,more,customer,date\n1.5,x,1,2026-01-01\n2,y,2\n")
    parquet(tmp_path, name="c.parquet", customer=[1, 3], date=[dt.date(2026, 1, 1)] * 2, amount=[1.5, 3.0])
    accounting = take(tmp_path, {"path": "?.*", "columns": THREE})
    assert out(tmp_path, "orders", "customer_id", "amount_cents") == [("1", 150), ("3", 300)]
    assert accounting == [Accounting("orders", 5, 2, 2, 1, {"ragged_row": 1})]


def test_a_file_that_is_no_parquet(tmp_path):
    source = {**text(tmp_path, "customer,date,amount\n"), "format": "parquet"}
    with pytest.raises(SourceError, match=r"^orders\.csv cannot be read as Parquet: "):
        take(tmp_path, source)


def test_a_parquet_file_with_a_name_twice(tmp_path):
    columns = [pa.array(["c"]), pa.array(["2026-01-01"]), pa.array([1]), pa.array([2])]
    pq.write_table(pa.table(columns, ["customer", "date", "amount", "amount "]), tmp_path / "orders.parquet")
    with pytest.raises(SourceError) as error:
        take(tmp_path, {"path": "orders.parquet", "columns": THREE})
    assert str(error.value) == "orders.parquet names a column twice: 'amount'"


def test_blanks_around_a_column_name_are_no_part_of_it(tmp_path):
    take(tmp_path, text(tmp_path, "customer, date ,\u00a0amount\nc,2026-01-01, 1\n"))
    assert out(tmp_path, "orders", "customer_id", "amount_cents") == [("c", 100)]


HOSTILE = [
    '"',
    "'; DROP TABLE orders_accepted; --",
    'a"b',
    "c0",
    "line",
    "file",
    "select",
    "é☃",
    "x" * 1000,
    "{0}",
    "%s",
    "$1",
    "\\",
    "-- ",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_no_name_becomes_sql(tmp_path, name, kind):
    """A hostile column name, value, constant and file name mean nothing but themselves."""
    folder = tmp_path / "it's [1] *"
    folder.mkdir()
    data = {name: [name], "DATE": ["no"], "date": ["2026-01-01"], "amount": ["1"]}
    path = folder / f"';.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table(data), path)
    else:
        quoted = ",".join('"' + column.replace('"', '""') + '"' for column in data)
        values = ",".join('"' + values[0].replace('"', '""') + '"' for values in data.values())
        path.write_text(f"{quoted}\n{values}\n")
    columns = {"customer_id": {"value": "c'"}, "ordered_at": "date", "amount": "amount", "channel": name}
    take(tmp_path, {"path": f"it's [1] */';.{kind}", "columns": columns})
    assert out(tmp_path, "orders", "customer_id", "channel") == [("c'", name.strip() or None)]


@pytest.mark.parametrize("grain", ["row", "line"])
def test_order_of_rows_changes_no_byte(tmp_path, grain):
    """Nor do files, their kind, or the number of rows in a batch."""
    random_ = random.Random(7)
    rows = [
        (f"o{random_.randrange(300)}", f"c{random_.randrange(9)}", f"2026-01-{random_.randrange(1, 5):02d}",
         f"{random_.randrange(4)}.5", random_.choice(["tea", "cups", ""]), random_.choice("12"))
        for _ in range(500)
    ]  # fmt: skip
    columns = {"order_id": "id", **THREE, "category": "kind", "quantity": "n"}
    if grain == "row":
        columns.pop("order_id")
    results = []
    for number, parts in enumerate((1, 1, 3)):
        random_.shuffle(rows)
        folder = tmp_path / str(number)
        folder.mkdir()
        for part in range(parts):
            lines = [",".join(row) for row in rows[part::parts]]
            (folder / f"{part}.csv").write_text("\n".join(["id,customer,date,amount,kind,n", *lines]))
        mapped = {"kind": {"value": "x"}, "customer_id": "customer", "occurred_at": "date", "value": "amount"}
        accounting = take(
            folder,
            {"path": "*.csv", "columns": columns, "grain": grain},
            events={"path": "*.csv", "columns": mapped},
        )
        tables = ("orders", "order_categories", "events")
        results.append((accounting, [(folder / "out" / f"{table}.parquet").read_bytes() for table in tables]))
    assert results[0] == results[1] == results[2]


def test_tables_that_are_no_longer_given_go(tmp_path):
    rows = "customer,date,amount,kind\nc,2026-01-01,1,tea\n"
    take(
        tmp_path,
        text(tmp_path, rows, {**THREE, "category": "kind"}),
        events={"path": "orders.csv", "columns": EVENT},
    )
    take(tmp_path, text(tmp_path, rows))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "orders.parquet",
        "quarantine.parquet",
    ]


def test_a_source_without_rows(tmp_path):
    assert take(tmp_path, text(tmp_path, "customer,date,amount\n")) == [Accounting("orders", 0, 0, 0, 0, {})]
    assert out(tmp_path, "orders", "order_id") == []


def test_received_at_needs_a_zone(tmp_path):
    given = parse(Sources, {"orders": text(tmp_path, "customer,date,amount\n")}, "test")
    naive = RECEIVED.replace(tzinfo=None)
    with pytest.raises(ValueError, match="received_at needs a time zone"):
        ingest(given, tmp_path, tmp_path / "out", "UTC", naive)


def test_zone_that_the_engine_does_not_know(tmp_path):
    with pytest.raises(ConfigError) as error:
        take(tmp_path, text(tmp_path, "customer,date,amount\n"), "Mars/Base")
    assert str(error.value) == "time_zone = 'Mars/Base' is not known; use one such as 'Europe/Berlin'"
