"""What a file of orders is taken for: headers of many shops and languages, dates, numbers, lines and returns."""

# Rows of files stand in one line.
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

import guess_files
from guess_files import Case
from winback.errors import WinbackError
from winback.guess.glance import look
from winback.guess.guess import Guess, Told, guess

TODAY = dt.date(2026, 3, 1)


def guessed(folder: Path, text: str, told: Told | None = None, name: str = "orders.csv") -> Guess:
    (folder / name).write_text(text, "utf-8")
    return guess(look(name, folder), TODAY, told)


@pytest.mark.parametrize("case", guess_files.CASES, ids=lambda case: case.name)
def test_headers_of_many_shops(case: Case, tmp_path: Path):
    """Columns, dates, numbers, delimiter and encoding; nothing has to be asked, nothing is mapped by mistake."""
    guess_files.write(case, tmp_path)
    found = guess(look("orders.csv", tmp_path), TODAY)
    assert found.open == ()
    settings = dict(found.settings)
    rules = settings.pop("rules", [])
    assert settings.pop("columns") == case.columns
    wanted: dict[str, Any] = {"path": "orders.csv", **case.settings}
    if case.encoding != "utf-8":
        wanted["encoding"] = case.encoding
    assert settings == wanted
    assert found.currency == case.currency
    assert rules == (
        [{"column": rules[0]["column"], "equals": ["cancelled"], "then": "leave_out"}] if "{s}" in case.row else []
    )


RETAIL = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"


def online_retail(rows: int = 400) -> str:
    """Three lines an invoice; each tenth is a return marked C; some rows of nobody."""
    lines = [RETAIL]
    for n in range(rows):
        back, customer = n % 30 >= 27, "" if n % 50 > 47 else f"{17000 + n // 3 % 37}"
        invoice = f"{'C' if back else ''}{489000 + n // 3}"
        day = dt.date(2025, 1, 1) + dt.timedelta(days=n // 3)
        price = f"{1 + n % 7}.{n % 10}5"
        lines.append(
            f"{invoice},8{n % 9:04},MUG,{'-' if back else ''}{1 + n % 4},{day:%d/%m/%Y} 08:{n // 3 % 60:02},{price},{customer},UK"
        )
    return "\n".join(lines) + "\n"


def test_invoice_lines_with_returns(tmp_path: Path):
    """Lines of invoices, amounts made of pieces and prices, returns by their letter, rows of nobody left out."""
    found = guessed(tmp_path, online_retail())
    assert found.open == ()
    assert found.settings["columns"] == {
        "customer_id": "Customer ID",
        "ordered_at": "InvoiceDate",
        "amount": {"product": ["Quantity", "Price"]},
        "order_id": "Invoice",
        "quantity": "Quantity",
        "product_id": "StockCode",
    }
    assert (found.settings["grain"], found.settings["date_format"]) == ("line", "%d/%m/%Y %H:%M")
    assert found.settings["rules"] == [
        {"column": "Customer ID", "missing": True, "then": "leave_out"},
        {"column": "Invoice", "starts_with": "C", "then": "return"},
    ]
    assert dict(found.unread) == {"Description": "not needed", "Country": "not needed"}


SHOPIFY = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Phone,Id"


def shopify(orders: int = 120) -> str:
    """Two rows an order: what is the order's stands in the first alone."""
    lines = [SHOPIFY]
    for n in range(orders):
        stamp = f"{dt.date(2025, 1, 1) + dt.timedelta(days=n)} 10:{n % 60:02}:00 +0200"
        name, mail = f"#{1001 + n}", f"c{n % 31}@y.example"
        status = "voided" if n % 20 == 7 else "paid"
        lines.append(
            f"{name},{mail},{status},{stamp},EUR,{20 + n}.00,4.90,3.00,{27 + n}.90,,0.00,{stamp},1,Mug,20.00,M-{n % 5},A B,123,{9000 + n}"
        )
        lines.append(f"{name},{mail},,,,,,,,,,{stamp},2,Tea,{n}.00,T-{n % 7},,,")
    return "\n".join(lines) + "\n"


def test_an_order_told_in_its_first_row_alone(tmp_path: Path):
    found = guessed(tmp_path, shopify())
    assert found.open == ()
    assert found.settings["columns"] == {
        "customer_id": "Email",
        "ordered_at": "Created at",
        "amount": "Total",
        "order_id": "Name",
        "discount": "Discount Amount",
        "currency": "Currency",
    }
    assert found.settings.get("grain") is None
    assert found.settings["rules"] == [
        {"column": "Financial Status", "equals": ["voided"], "then": "leave_out"},
        {"column": "Total", "missing": True, "then": "leave_out"},
    ]
    assert (found.currency, found.offset) == ("EUR", True)
    assert dict(found.unread)["Billing Name"] == "about a person; not read"


def test_a_total_repeated_on_each_line_counts_once(tmp_path: Path):
    rows = [
        f"{n // 2},{n // 2 % 17},{dt.date(2025, 1, 1) + dt.timedelta(days=n // 2)},{10 + n // 2}.50,P{n}"
        for n in range(200)
    ]
    found = guessed(tmp_path, "\n".join(["order_id,customer,date,order_total,sku", *rows]) + "\n")
    assert found.settings["columns"] == {
        "customer_id": "customer",
        "ordered_at": "date",
        "amount": "order_total",
        "order_id": "order_id",
    }
    assert "grain" not in found.settings
    assert (
        found.told[0]
        == "a row is an order: order_total is the same in all rows of an order, so it is the order's and counts once"
    )


def test_a_number_that_several_customers_share_is_no_orders(tmp_path: Path):
    rows = [f"{n % 50},{n % 17},{dt.date(2025, 1, 1) + dt.timedelta(days=n)},{10 + n}.50" for n in range(200)]
    found = guessed(tmp_path, "\n".join(["receipt,customer,date,total", *rows]) + "\n")
    assert "order_id" not in found.settings["columns"]
    assert found.told[0] == "a row is an order: 50 of 50 numbers in receipt have several customers, so it is no order's"


@pytest.mark.parametrize(
    ("days", "told", "opened", "form"),
    [
        (["03/04/2025", "04/05/2025", "05/03/2025", "01/02/2025"], None, True, "%d/%m/%Y"),
        (["03/04/2025", "04/05/2025", "05/03/2025", "01/02/2025"], "%m/%d/%Y", False, "%m/%d/%Y"),
        (["03/04/2025", "13/05/2025", "05/03/2025", "01/02/2025"], None, False, "%d/%m/%Y"),
        (["03/14/2025", "04/05/2025", "05/03/2025", "01/02/2025"], None, False, "%m/%d/%Y"),
        (["02/04/2026", "04/05/2025", "05/03/2025", "01/02/2025"], None, False, "%m/%d/%Y"),  # 2 April lies ahead
        (
            [
                "01/02/2025",
                "05/02/2025",
                "01/03/2025",
                "01/04/2025",
                "02/05/2025",
                "01/06/2025",
                "02/07/2025",
                "01/08/2025",
            ],
            None,
            False,
            "%d/%m/%Y",
        ),
    ],
)
def test_day_and_month_are_never_guessed_silently(
    days: list[str], told: str | None, opened: bool, form: str, tmp_path: Path
):
    rows = [f"{n % 2},{day},{n}.5" for n, day in enumerate(days * 3 if len(days) == 4 else days)]
    text = "\n".join(["customer,date,amount", *rows]) + "\n"
    found = guessed(tmp_path, text, Told(date_format=told))
    assert [question.about for question in found.open] == (["dates"] if opened else [])
    assert found.settings["date_format"] == form


def test_both_readings_of_a_date_are_offered(tmp_path: Path):
    found = guessed(tmp_path, "customer,date,amount\n1,03/04/2025,5.5\n2,03/04/2025,6.5\n1,05/03/2025,7.5\n")
    (question,) = found.open
    assert question.asked == "date: no number is above 12, so day and month cannot be told apart"
    assert question.answers == (
        ("%d/%m/%Y", "03/04/2025 has the day first"),
        ("%m/%d/%Y", "03/04/2025 has the month first"),
    )


@pytest.mark.parametrize(
    ("amounts", "form", "opened"),
    [
        (["1.234", "5.678", "2.500"], "", True),
        (["1,234", "5,678", "2,500"], "1234,56", True),
        (["1,234", "5,678", "2,50"], "1234,56", False),
        (["1,234,000", "5,678", "2,500"], "1,234.56", False),
        (["1.234,50", "5,00", "2,5"], "1.234,56", False),
        (["1,234.50", "5.00", "2.5"], "1,234.56", False),
        (["1 234,50", "5,00", "2,5"], "1 234,56", False),
        (["€1.234,50", "€5,00", "€2,5"], "€1.234,56", False),
        (["5.00 USD", "7.50 USD", "1.00 USD"], "1234.56 USD", False),
        (["5.00", "7.50", "-1.00"], "", False),
    ],
)  # fmt: skip
def test_how_numbers_are_written(amounts: list[str], form: str, opened: bool, tmp_path: Path):
    rows = [f"{n % 2};2025-01-{n + 1:02};{amount}" for n, amount in enumerate(amounts * 4)]
    found = guessed(tmp_path, "\n".join(["customer;date;amount", *rows]) + "\n")
    assert found.settings.get("number_format", "") == form
    assert [question.about for question in found.open] == (["numbers"] if opened else [])


def test_names_nobody_knows_are_guessed_by_their_values(tmp_path: Path):
    """What only one column can be is said to be unsure; what several can be is asked."""
    rows = [f"X{n % 9};0{1 + n % 9}.01.2025;{n},50 €;{n % 4}" for n in range(60)]
    found = guessed(tmp_path, "\n".join(["wer;wann;wieviel", *(row.rpartition(";")[0] for row in rows)]) + "\n")
    assert {role.role: (role.column, role.sure) for role in found.roles} == {
        "customer_id": ("wer", "unsure"),
        "ordered_at": ("wann", "unsure"),
        "amount": ("wieviel", "unsure"),
    }
    assert [question.about for question in found.open] == ["dates"]
    found = guessed(tmp_path, "\n".join(["wer;wann;wieviel;was", *rows]) + "\n", Told(date_format="%d.%m.%Y"))
    (question,) = found.open
    assert (question.about, question.option) == ("customer_id", "--column customer_id")
    assert dict(question.answers) == {"wer": "X0, X1, X2", "was": "0, 1, 2"}
    told = Told({"customer_id": "was"}, "%d.%m.%Y")
    assert guessed(tmp_path, "\n".join(["wer;wann;wieviel;was", *rows]) + "\n", told).open == ()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a;b\nx;5,00 €\n", "cp1252"),
        ("a;b\nStraße;é\n", "cp1252"),
        ("клиент;сумма\nпервый;5\nвторой;молоко\n", "cp1251"),
        ("客户编号,商品\n1,牛奶面包\n2,红茶杯子\n", "gb18030"),
        ("a;ж\n1;2\n", "utf-16"),
        ("a;ж\n1;2\n", "utf-8"),
    ],
)
def test_encodings(text: str, encoding: str, tmp_path: Path):
    (tmp_path / "o.csv").write_bytes(text.encode(encoding))
    assert look("o.csv", tmp_path).source.encoding == encoding


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "00001 19970101  1   11.77\n00002 19970112  1   12.00\n",
            "orders.csv parts its fields by blanks, which are not read.",
        ),
        ("1,1997-01-01,11.77\n2,1997-01-12,12.00\n", "line 1 of orders.csv is a row already: '1,1997-01-01,11.77'."),
        ("PK\x03\x04sheet", "orders.csv is a spreadsheet or a zip archive; save its table as CSV and name that file"),
        ("", "orders.csv is empty; its first line must name the columns"),
        ("customer,date,amount\n", "orders.csv has no rows below its header"),
        ("name,phone,city\nA,1,B\nC,2,D\n", "no column of orders.csv looks like "),
    ],
)
def test_files_that_cannot_be_guessed_say_what_to_do(text: str, said: str, tmp_path: Path):
    with pytest.raises(WinbackError) as refused:
        guessed(tmp_path, text)
    assert str(refused.value).startswith(said)


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path):
    text = "customer,date,amount\n1,2025-01-01,5.5\n1,2025-01-02,5.5\n"
    for told, said in (
        ({"amount": "amunt"}, "--column amount=amunt: the file has no such column. Did you mean 'amount'?"),
        ({"amont": "amount"}, "--column amont=amount: no such column of orders. Did you mean 'amount'?"),
    ):
        with pytest.raises(WinbackError) as refused:
            guessed(tmp_path, text, Told(told))
        assert str(refused.value) == said
