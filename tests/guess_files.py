"""Files of orders as programs and people write them, each with what a person would say of it."""

# A case stands in one line; Russian and Chinese are written in their own letters.
# ruff: noqa: E501, RUF001

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIRST = dt.date(2025, 1, 6)


@dataclass(frozen=True)
class Case:
    """A header and how a row is made of (number, day, customer); the mapping and the settings that are right."""

    name: str
    header: str
    row: str
    columns: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    delimiter: str = ","
    encoding: str = "utf-8"
    currency: str = ""


def _three(customer: str, when: str, amount: str) -> dict[str, Any]:
    return {"customer_id": customer, "ordered_at": when, "amount": amount}


ISO, EU, US = "{d:%Y-%m-%d}", "{d:%d.%m.%Y}", "{d:%m/%d/%Y}"
SEMI = {"delimiter": ";", "date_format": "%d.%m.%Y", "number_format": "1234,56"}
CASES = [
    Case("plain", "customer,date,amount", f"{{c}},{ISO},{{a}}", _three("customer", "date", "amount")),
    Case("camel", "CustomerID,OrderDate,TotalAmount", f"{{c}},{ISO},{{a}}", _three("CustomerID", "OrderDate", "TotalAmount")),
    Case("shouted", "CUST_ID,TXN_DATE,NET_SALES", f"{{c}},{US},{{a}}", _three("CUST_ID", "TXN_DATE", "NET_SALES"), {"date_format": "%m/%d/%Y"}),
    Case("German", "Kundennummer;Bestelldatum;Betrag", f"{{c}};{EU};{{comma}}", _three("Kundennummer", "Bestelldatum", "Betrag"), SEMI, ";"),
    Case("German shop", "Kunden-Nr.;Bestell-Nr.;Datum;Gesamtbetrag (€)", f"{{c}};B-{{n}};{EU};{{comma}} €", {**_three("Kunden-Nr.", "Datum", "Gesamtbetrag (€)"), "order_id": "Bestell-Nr."}, {**SEMI, "number_format": "1234,56 €"}, ";", "cp1252", "EUR"),
    Case("French", "N° client;Date de commande;Montant TTC", "{c};{d:%d/%m/%Y};{comma}", _three("N° client", "Date de commande", "Montant TTC"), {**SEMI, "date_format": "%d/%m/%Y"}, ";", "cp1252"),
    Case("Spanish", "Cliente;Fecha;Importe;Categoría", "{c};{d:%d-%m-%Y};{comma};{k}", {**_three("Cliente", "Fecha", "Importe"), "category": "Categoría"}, {**SEMI, "date_format": "%d-%m-%Y"}, ";"),
    Case("Russian", "Код клиента;Дата покупки;Сумма;Категория", f"{{c}};{EU};{{comma}};молоко {{k}}", {**_three("Код клиента", "Дата покупки", "Сумма"), "category": "Категория"}, SEMI, ";", "cp1251"),
    Case("Russian check", "Карта лояльности\tНомер чека\tДата и время\tИтого", f"{{c}}\t{{n}}\t{EU} 10:{{m:02}}:00\t{{a}}", {**_three("Карта лояльности", "Дата и время", "Итого"), "order_id": "Номер чека"}, {"delimiter": "\t", "date_format": "%d.%m.%Y %H:%M:%S"}, "\t"),
    Case("Chinese", "会员编号,下单时间,实付金额", "{c},{d:%Y/%m/%d} 10:{m:02},{a}", _three("会员编号", "下单时间", "实付金额"), {"date_format": "%Y/%m/%d %H:%M"}, encoding="gb18030"),
    Case("Chinese years", "客户,订单号,日期,金额", "{c},{n},{d:%Y}年{d.month}月{d.day}日,{a}", {**_three("客户", "日期", "金额"), "order_id": "订单号"}, {"date_format": "%Y年%m月%d日"}),
    Case("WooCommerce", "Order Number,Order Status,Order Date,Customer User Id,Billing Email,Order Total Amount,Cart Discount Amount", "{n},{s},{d:%Y-%m-%d} 10:{m:02},{c},x@y.example,{a},0.00", {**_three("Customer User Id", "Order Date", "Order Total Amount"), "order_id": "Order Number", "discount": "Cart Discount Amount"}),
    Case("Magento", "ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Grand Total (Purchased),Status,Customer Email", 'M{n},Main Store,"{d:%b} {d.day}, {d:%Y} 10:{m:02}:00 AM",A B,{a},{a},{s},c{c}@y.example', {"customer_id": "Customer Email", "ordered_at": "Purchase Date", "amount": "Grand Total (Base)"}, {"date_format": "%b %d, %Y %I:%M:%S %p"}),
    Case("Stripe", "id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Customer Email", "ch_{n},{d:%Y-%m-%d} 10:{m:02}:00,{a},0.00,usd,{s},cus_{c},a@b.example", {**_three("Customer ID", "Created date (UTC)", "Amount"), "currency": "Currency"}, currency="USD"),
    Case("Square", "Date,Time,Category,Item,Qty,Gross Sales,Discounts,Net Sales,Transaction ID,Customer ID", "{d:%m/%d/%Y},10:{m:02}:00,{k},thing,1,${a},$0.00,${a},T{n},S{c}", {**_three("Customer ID", "Date", "Net Sales"), "order_id": "Transaction ID", "quantity": "Qty", "discount": "Discounts", "category": "Category"}, {"date_format": "%m/%d/%Y", "number_format": "$1234.56"}),
    Case("CDNOW", "customer_id,date,cds,spend", "{c},{d:%Y%m%d},1,{a}", {**_three("customer_id", "date", "spend"), "quantity": "cds"}, {"date_format": "%Y%m%d"}),
    Case("offsets", "user_id,created_at,total_price", "{c},{d:%Y-%m-%d} 10:{m:02}:00 -0500,{a}", _three("user_id", "created_at", "total_price")),
    Case("names of months", "client,day,total", "{c},{d.day}-{d:%b}-{d:%y},{a}", _three("client", "day", "total"), {"date_format": "%d-%b-%y"}),
    Case("half days", "Client;Purchased at;Sum", "{c};{d.month}/{d.day}/{d:%Y} 1:{m:02} PM;{a}", _three("Client", "Purchased at", "Sum"), {"delimiter": ";", "date_format": "%m/%d/%Y %I:%M %p"}, ";"),
]  # fmt: skip


def lines_of(case: Case, rows: int = 240) -> str:
    """The text of a file: 40 customers, a row a day."""
    made = [case.header]
    for n in range(rows):
        day, amount = FIRST + dt.timedelta(days=n), f"{10 + n * 7 % 90}.{n * 13 % 100:02}"
        status = "completed" if n % 12 else "cancelled"
        made.append(
            case.row.format(
                c=1000 + n * n % 41, d=day, a=amount, comma=amount.replace(".", ","), n=5000 + n, m=n % 60,
                k=("tea", "cups", "pots")[n % 3], s=status,
            )
        )  # fmt: skip
    return "\n".join(made) + "\n"


def write(case: Case, folder: Path) -> Path:
    """The case as a file."""
    path = folder / "orders.csv"
    path.write_bytes(lines_of(case).encode(case.encoding))
    return path
